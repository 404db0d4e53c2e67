//! Input values: from the command line, the environment of `steadyhand.yaml`, environment variables
//! and defaults to checked values. All problems at once; no clock and no environment of its own.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use regex::Regex;

use super::hidden;
use super::model::{Input, InputKind};
use super::request::Resolved;
use super::suggest::did_you_mean;
use super::timetext::{TextError, parse_duration, parse_moment};
use super::value::Value;

#[cfg(test)]
mod tests;

/// Where a secret's bytes are to be had. Fetching them is somebody else's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// The contents of a file, without a final newline.
    File(PathBuf),
    /// The standard output of a shell command, without a final newline.
    Command(String),
    /// A person types it when a step that uses it is about to run.
    Ask,
}

impl SecretSource {
    /// Reads `env:NAME`, `file:/path`, `cmd:command` or `ask`; anything else may be a secret itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "ask" {
            return Some(Self::Ask);
        }
        let (scheme, rest) = text.split_once(':')?;
        if rest.is_empty() || rest.chars().any(char::is_control) {
            return None;
        }
        match scheme {
            "env" => Some(Self::Env(rest.to_owned())),
            "file" => Some(Self::File(PathBuf::from(rest))),
            "cmd" => Some(Self::Command(rest.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(command) => write!(f, "cmd:{command}"),
            Self::Ask => f.write_str("ask"),
        }
    }
}

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("input `{input}`: {message}")]
pub struct InputProblem {
    /// Its name.
    pub input: String,
    /// One line.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// It only lacks a value; nothing wrong was given.
    pub missing: bool,
}

/// What came of a runbook's inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// The good values; a secret is its name, an optional input without a value is not there.
    pub values: BTreeMap<String, Value>,
    /// Where each secret is to be had.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Texts by input name, as `-i` or an environment of the settings gives them.
pub type Given = BTreeMap<String, String>;

/// The value of every input: from `given` (`-i`), else `environment` (the settings), else the input's
/// `env:` variable as `env` tells it, else its default, which may name inputs declared before it.
///
/// # Errors
/// Every problem of every input.
pub fn resolve(
    declared: &[Input],
    given: &Given,
    environment: &Given,
    env: &dyn Fn(&str) -> Option<String>,
    now: DateTime<Utc>,
) -> Result<Inputs, Vec<InputProblem>> {
    let (inputs, problems) = examine(declared, given, environment, env, now);
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

/// As [`resolve`], for those who go on with what is good: the plan and the form.
pub fn examine(
    declared: &[Input],
    given: &Given,
    environment: &Given,
    env: &dyn Fn(&str) -> Option<String>,
    now: DateTime<Utc>,
) -> (Inputs, Vec<InputProblem>) {
    let mut problems = unknown(declared, given);
    let mut inputs = Inputs::default();
    let mut bad = BTreeSet::new();
    for input in declared {
        let found = match text_for(input, given, environment, env) {
            Some((text, origin)) => {
                check_one(input, &text, now).map_err(|e| problem(input, e, &origin)).map(Some)
            }
            None => default(input, &inputs.values, &bad, now),
        };
        match found {
            Ok(Some(value)) => {
                if input.kind == InputKind::Secret
                    && let Some(source) = secret_source(input, given, environment, env)
                {
                    inputs.secrets.insert(input.name.clone(), source);
                }
                inputs.values.insert(input.name.clone(), value);
            }
            Ok(None) => {
                if bad.iter().any(|name| depends_on(input, name)) {
                    // Said already, about the input that it is made from.
                    bad.insert(input.name.clone());
                } else if input.required {
                    bad.insert(input.name.clone());
                    problems.push(missing(input));
                }
            }
            Err(problem) => {
                bad.insert(input.name.clone());
                problems.push(problem);
            }
        }
    }
    (inputs, problems)
}

/// The environment of a rehearsal, which reads no secret: each that would be read from a variable is said
/// to be there.
pub fn unread<'a>(
    declared: &'a [Input],
    env: &'a dyn Fn(&str) -> Option<String>,
) -> impl Fn(&str) -> Option<String> + 'a {
    move |name: &str| {
        let secret =
            |input: &Input| input.kind == InputKind::Secret && input.env.as_deref() == Some(name);
        match declared.iter().any(secret) {
            true => Some("not read".to_owned()),
            false => env(name),
        }
    }
}

fn unknown(declared: &[Input], given: &Given) -> Vec<InputProblem> {
    let known = || declared.iter().map(|input| input.name.as_str());
    given
        .keys()
        .filter(|name| !known().any(|known| known == name.as_str()))
        .map(|name| InputProblem {
            input: name.clone(),
            message: "the runbook has no such input".into(),
            help: did_you_mean(name, known()).or_else(|| {
                let names: Vec<_> = known().collect();
                (!names.is_empty()).then(|| format!("its inputs are: {}", names.join(", ")))
            }),
            missing: false,
        })
        .collect()
}

/// The text of an input and, for messages, where it is from.
fn text_for(
    input: &Input,
    given: &Given,
    environment: &Given,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<(String, String)> {
    if let Some(text) = given.get(&input.name) {
        return Some((text.clone(), String::new()));
    }
    if let Some(text) = environment.get(&input.name) {
        return Some((text.clone(), " (from the environment in the settings)".into()));
    }
    let variable = input.env.as_ref()?;
    // A variable that is set to nothing is not set.
    let text = env(variable).filter(|text| !text.is_empty())?;
    let text = if input.kind == InputKind::Secret { format!("env:{variable}") } else { text };
    Some((text, format!(" (from the environment variable {variable})")))
}

fn secret_source(
    input: &Input,
    given: &Given,
    environment: &Given,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<SecretSource> {
    let text = text_for(input, given, environment, env).map(|(text, _)| text);
    let default = || input.default.as_ref()?.literal_value()?.as_str().map(str::to_owned);
    SecretSource::parse(&text.or_else(default)?)
}

fn problem(input: &Input, error: TextError, origin: &str) -> InputProblem {
    InputProblem {
        input: input.name.clone(),
        message: format!("{}{origin}", error.message),
        help: error.help,
        missing: false,
    }
}

fn missing(input: &Input) -> InputProblem {
    let name = &input.name;
    let value = if input.kind == InputKind::Secret { "env:VARIABLE" } else { "…" };
    let help = match &input.env {
        Some(variable) => format!("give -i {name}={value} or set {variable}"),
        None => format!("give -i {name}={value}"),
    };
    InputProblem {
        input: name.clone(),
        message: "has no value".into(),
        help: Some(help),
        missing: true,
    }
}

fn depends_on(input: &Input, name: &str) -> bool {
    input
        .default
        .iter()
        .flat_map(|template| template.names())
        .any(|path| matches!(path.as_slice(), [root, used, ..] if root == "inputs" && used == name))
}

fn default(
    input: &Input,
    before: &BTreeMap<String, Value>,
    bad: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<Option<Value>, InputProblem> {
    let Some(template) = &input.default else { return Ok(None) };
    if bad.iter().any(|name| depends_on(input, name)) {
        return Ok(None);
    }
    let origin = " (from its default)";
    let fail = |message: String| problem(input, TextError::new(message), origin);
    let scope = Value::map([("inputs", Value::Map(before.clone()))]);
    match template.render(&scope).map_err(|e| fail(e.message))? {
        Resolved::Value(value) => {
            check_value(input, value, now).map(Some).map_err(|e| problem(input, e, origin))
        }
        Resolved::Text(_) | Resolved::List(_) | Resolved::Map(_) | Resolved::Expr(_) => {
            Err(fail("a secret cannot be part of a default".into()))
        }
    }
}

/// The value that `text` gives to `input`; for the form, as it is typed.
///
/// # Errors
/// Why it is none, and what to write instead.
pub fn check_one(input: &Input, text: &str, now: DateTime<Utc>) -> Result<Value, TextError> {
    let value = match input.kind {
        InputKind::Secret => {
            // The text may be a secret that was pasted by mistake: it is not repeated.
            return match SecretSource::parse(text) {
                Some(_) => Ok(Value::Secret(input.name.clone())),
                None => Err(TextError::new("a secret is never given as text").with_help(format!(
                    "say where it is: -i {0}=env:VARIABLE, -i {0}=file:/path or -i {0}=cmd:COMMAND; \
                     or -i {0}=ask to type it when it is needed",
                    input.name
                ))),
            };
        }
        InputKind::String
        | InputKind::Choice
        | InputKind::Path
        | InputKind::Url
        | InputKind::S3Uri => Value::String(text.to_owned()),
        InputKind::Integer => integer(text)?,
        InputKind::Number => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => return Err(bad(text, "a number", "write it like 0.5")),
        },
        InputKind::Boolean => match text.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(bad(text, "a boolean", "write true or false")),
        },
        InputKind::Timestamp => parse_moment(text, now).map(Value::Timestamp)?,
        InputKind::Duration => parse_duration(text).map(Value::Duration)?,
    };
    check_rules(input, &value)?;
    Ok(value)
}

/// As [`check_one`], for a default, which may have its type already.
pub(super) fn check_value(
    input: &Input,
    value: Value,
    now: DateTime<Utc>,
) -> Result<Value, TextError> {
    let value = match (input.kind, value) {
        (_, Value::String(text)) => return check_one(input, &text, now),
        (InputKind::Number, Value::Int(i)) => Value::Float(i as f64),
        (InputKind::Integer, value @ Value::Int(_))
        | (InputKind::Number, value @ Value::Float(_))
        | (InputKind::Boolean, value @ Value::Bool(_))
        | (InputKind::Timestamp, value @ Value::Timestamp(_))
        | (InputKind::Duration, value @ Value::Duration(_)) => value,
        (kind, value) => {
            let message = format!("expected {}, found {}", kind.name(), value.kind());
            return Err(TextError::new(message));
        }
    };
    check_rules(input, &value)?;
    Ok(value)
}

fn bad(text: &str, what: &str, help: &str) -> TextError {
    TextError::new(format!("`{}` is not {what}", text.escape_debug())).with_help(help)
}

fn integer(text: &str) -> Result<Value, TextError> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(bad(text, "an integer", "write it without leading zeros"));
    }
    trimmed
        .parse()
        .map(Value::Int)
        .map_err(|_| bad(text, "an integer of 64 bits", "write it like 3"))
}

/// Whether a value of the input's type keeps to its own rules: range, choices, pattern.
pub(super) fn check_rules(input: &Input, value: &Value) -> Result<(), TextError> {
    if let Value::String(text) = value {
        check_text(input, text)?;
    }
    let (measured, unit) = match value {
        Value::String(text) => {
            let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            (Value::Int(length), " characters")
        }
        other => (other.clone(), ""),
    };
    if let Some(min) = &input.min
        && compare(&measured, min) == Some(Ordering::Less)
    {
        return Err(TextError::new(format!("must be at least {min}{unit}")));
    }
    if let Some(max) = &input.max
        && compare(&measured, max) == Some(Ordering::Greater)
    {
        return Err(TextError::new(format!("must be at most {max}{unit}")));
    }
    Ok(())
}

fn check_text(input: &Input, text: &str) -> Result<(), TextError> {
    if let Some(c) = text.chars().find(|c| c.is_control() || hidden::is_hidden(*c)) {
        return Err(TextError::new(format!("{} is refused", hidden::named(c)))
            .with_help("type it by hand: what is shown must be what runs"));
    }
    if text.is_empty() && input.required {
        return Err(TextError::new("is empty"));
    }
    match input.kind {
        InputKind::Choice if !input.choices.iter().any(|choice| choice == text) => {
            let help = did_you_mean(text, input.choices.iter().map(String::as_str))
                .unwrap_or_else(|| format!("choose one of: {}", input.choices.join(", ")));
            return Err(bad(text, "one of the choices", &help));
        }
        InputKind::Url => check_url(text)?,
        InputKind::S3Uri => check_s3_uri(text)?,
        InputKind::Path if text.is_empty() => return Err(TextError::new("is empty")),
        _ => {}
    }
    if let Some(pattern) = &input.pattern {
        let whole = Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| TextError::new(format!("`{pattern}` is not a regular expression")))?;
        if !whole.is_match(text) {
            return Err(TextError::new(format!("`{text}` does not match {pattern}")));
        }
    }
    Ok(())
}

/// `http` or `https`, with a host and without a password.
pub(super) fn check_url(text: &str) -> Result<(), TextError> {
    let url = url::Url::parse(text)
        .map_err(|e| bad(text, "a URL", &format!("{e}; write it like https://host/path")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(bad(text, "an http or https URL", "write it like https://host/path"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        // It is not repeated: it has a password in it.
        return Err(TextError::new("a URL with a user name or password in it")
            .with_help("take them out; use a secret input and the action's `basic:`"));
    }
    Ok(())
}

/// `s3://bucket/key`, with a bucket's name.
pub(super) fn check_s3_uri(text: &str) -> Result<(), TextError> {
    let bucket = text.strip_prefix("s3://").and_then(|rest| rest.split('/').next());
    let good = bucket.is_some_and(|bucket| {
        (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
    });
    if good { Ok(()) } else { Err(bad(text, "an S3 URI", "write it like s3://bucket/key")) }
}

pub(super) fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Int(l), Value::Int(r)) => Some(l.cmp(r)),
        (Value::Float(l), Value::Float(r)) => l.partial_cmp(r),
        (Value::Float(l), Value::Int(r)) => l.partial_cmp(&(*r as f64)),
        (Value::Int(l), Value::Float(r)) => (*l as f64).partial_cmp(r),
        (Value::Timestamp(l), Value::Timestamp(r)) => Some(l.cmp(r)),
        (Value::Duration(l), Value::Duration(r)) => Some(l.cmp(r)),
        _ => None,
    }
}
