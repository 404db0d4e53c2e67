//! From a call with templates to a request with values: each argument is rendered, then read as what
//! the registry says it holds.

use super::expr::{EvalError, Fault};
use super::hidden;
use super::inputs::{check_s3_uri, check_url};
use super::model::{Arg, Call, variable};
use super::registry::{Key, Kind};
use super::request::{Piece, Request, Resolved};
use super::template::Template;
use super::timetext::{self, LATEST};
use super::value::Value;

#[cfg(test)]
mod tests;

/// Why a request cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {message}")]
pub struct RenderError {
    /// The argument, such as `basic.user` or `env.PGHOST`.
    pub key: String,
    /// One line.
    pub message: String,
}

/// The request that `call` makes with the names of `scope`.
///
/// # Errors
/// The first argument that has no value or not one of its kind.
pub fn render_call(
    call: &Call,
    step_env: &[(String, Template)],
    scope: &Value,
) -> Result<Request, RenderError> {
    Renderer { scope, plan: false }.call(call, step_env)
}

/// As [`render_call`], before everything is known: what names something that is not there yet stands
/// as its template. For showing only.
///
/// # Errors
/// As [`render_call`].
pub fn render_plan(
    call: &Call,
    step_env: &[(String, Template)],
    scope: &Value,
) -> Result<Request, RenderError> {
    Renderer { scope, plan: true }.call(call, step_env)
}

struct Renderer<'s> {
    scope: &'s Value,
    plan: bool,
}

type Rendered = Result<Resolved, RenderError>;

impl Renderer<'_> {
    fn call(&self, call: &Call, step_env: &[(String, Template)]) -> Result<Request, RenderError> {
        let args = self.entries(&call.args, call.spec.keys, "")?;
        let env = if has_script(call) { self.env(call, step_env)? } else { Vec::new() };
        Ok(Request::new(call.spec.name, call.effect, args, env))
    }

    /// Every input, but a secret only where the script names it: what is not used cannot be printed, and
    /// nobody need type it.
    fn env(
        &self,
        call: &Call,
        step_env: &[(String, Template)],
    ) -> Result<Vec<(String, Resolved)>, RenderError> {
        let mut env = Vec::new();
        if let Some(Value::Map(inputs)) = self.scope.get("inputs") {
            for (name, value) in inputs {
                if !matches!(value, Value::Secret(_)) || call.reads_input(name) {
                    env.push((variable(name), Resolved::Value(value.clone())));
                }
            }
        }
        for (name, template) in step_env {
            let path = format!("env.{name}");
            env.push((name.clone(), self.scalar(&Kind::Text, template, &path)?));
        }
        Ok(env)
    }

    fn entries(
        &self,
        entries: &[(String, Arg)],
        keys: &[Key],
        parent: &str,
    ) -> Result<Vec<(String, Resolved)>, RenderError> {
        entries
            .iter()
            .map(|(name, arg)| {
                let path = format!("{parent}{name}");
                let key = keys.iter().find(|key| key.name == name);
                let kind = key.map(|key| &key.kind).ok_or_else(|| unknown(&path))?;
                Ok((name.clone(), self.arg(kind, arg, &path)?))
            })
            .collect()
    }

    fn arg(&self, kind: &Kind, arg: &Arg, path: &str) -> Rendered {
        match (arg, kind) {
            (Arg::Expr(expr), _) => Ok(Resolved::Expr(expr.clone().within(self.scope))),
            (Arg::Scalar(template), _) => self.scalar(kind, template, path),
            (Arg::List(items), _) => {
                let Some(item_kind) = item_kind(kind) else {
                    return Err(error(path, "a list is not what it takes"));
                };
                let items = items.iter().enumerate();
                items
                    .map(|(i, item)| self.arg(item_kind, item, &format!("{path}[{i}]")))
                    .collect::<Result<_, _>>()
                    .map(Resolved::List)
            }
            (Arg::Map(entries), Kind::Group(keys)) => {
                self.entries(entries, keys, &format!("{path}.")).map(Resolved::Map)
            }
            (Arg::Map(entries), Kind::TextMap | Kind::UrlQuery | Kind::Json | Kind::Lists) => {
                let value_kind = match kind {
                    Kind::Json => kind,
                    Kind::Lists => &Kind::TextList,
                    _ => &Kind::Text,
                };
                entries
                    .iter()
                    .map(|(name, value)| {
                        let value = self.arg(value_kind, value, &format!("{path}.{name}"))?;
                        Ok((name.clone(), value))
                    })
                    .collect::<Result<_, _>>()
                    .map(Resolved::Map)
            }
            (Arg::Map(_), _) => Err(error(path, "a map is not what it takes")),
        }
    }

    fn scalar(&self, kind: &Kind, template: &Template, path: &str) -> Rendered {
        let resolved = match template.render(self.scope) {
            Ok(resolved) => resolved,
            Err(EvalError { fault: Fault::Missing, .. }) if self.plan => {
                return Ok(Resolved::Value(Value::String(template.source().to_owned())));
            }
            Err(e) => return Err(error(path, &e.message)),
        };
        if !template.is_literal() {
            refuse_hidden(&resolved, kind, path)?;
        }
        match resolved {
            Resolved::Value(value) => coerce(kind, value, path),
            Resolved::Text(pieces) => match kind {
                Kind::Text | Kind::Json => Ok(Resolved::Text(pieces)),
                _ => Err(error(path, "a secret cannot be part of this text")),
            },
            other => Ok(other),
        }
    }
}

fn error(path: &str, message: &str) -> RenderError {
    RenderError { key: path.to_owned(), message: message.to_owned() }
}

fn unknown(path: &str) -> RenderError {
    error(path, "the action has no such key")
}

fn has_script(call: &Call) -> bool {
    call.spec.keys.iter().any(|key| matches!(key.kind, Kind::Script))
}

/// What the items of a list are, where a list may stand.
fn item_kind(kind: &Kind) -> Option<&Kind> {
    match kind {
        Kind::Argv => Some(&Kind::Path),
        Kind::TextList | Kind::Names => Some(&Kind::Text),
        Kind::Statuses => Some(&Kind::Int),
        Kind::Params | Kind::Options | Kind::Json => Some(kind),
        _ => None,
    }
}

/// Reads `value` as what the key holds.
fn coerce(kind: &Kind, value: Value, path: &str) -> Rendered {
    let refuse = |wanted: &str| {
        let message = format!("needs {wanted}, and this is {}", shown(&value));
        Err(error(path, &message))
    };
    let value = match (kind, &value) {
        (Kind::Secret | Kind::Text | Kind::Params | Kind::Json, Value::Secret(_)) => value,
        (Kind::Secret, _) => return refuse("a secret input, whole"),
        (_, Value::Secret(_)) => return Err(error(path, "a secret cannot stand here")),
        (Kind::Json | Kind::Expr | Kind::Group(_), _) => value,
        (_, Value::Null) => return refuse("a value"),
        (Kind::Argv | Kind::TextList | Kind::Names, Value::List(items)) => texts(items, path)?,
        (Kind::Argv | Kind::TextList | Kind::Names, _) => return refuse("a list"),
        (Kind::TextMap | Kind::UrlQuery, Value::Map(entries)) => {
            let entries = entries.iter().map(|(name, value)| {
                Ok((name.clone(), Value::String(text(value, &format!("{path}.{name}"))?)))
            });
            Value::Map(entries.collect::<Result<_, _>>()?)
        }
        (Kind::TextMap | Kind::UrlQuery | Kind::Lists, _) => return refuse("a map"),
        (Kind::Options, Value::List(items)) => {
            options(items, path)?;
            value
        }
        (Kind::Params | Kind::Statuses, Value::List(_)) => value,
        (_, Value::List(_) | Value::Map(_)) => return refuse("one value"),
        (Kind::Params | Kind::Options, _) => value,
        (Kind::Text | Kind::Script | Kind::Sql | Kind::Path, _) => Value::String(value.to_string()),
        (Kind::Url, _) => {
            let url = value.to_string();
            check_url(&url).map_err(|e| error(path, &e.message))?;
            Value::String(url)
        }
        (Kind::S3Uri, _) => {
            let uri = value.to_string();
            check_s3_uri(&uri).map_err(|e| error(path, &e.message))?;
            Value::String(uri)
        }
        (Kind::Int | Kind::Count | Kind::Statuses, Value::Int(_))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Duration, Value::Duration(_))
        | (Kind::Timestamp | Kind::RestorePoint, Value::Timestamp(_)) => value,
        (Kind::Int | Kind::Count | Kind::Statuses, Value::String(text)) => match text.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => return refuse("an integer"),
        },
        (Kind::Int | Kind::Count | Kind::Statuses, _) => return refuse("an integer"),
        (Kind::Bool, Value::String(text)) if text == "true" => Value::Bool(true),
        (Kind::Bool, Value::String(text)) if text == "false" => Value::Bool(false),
        (Kind::Bool, _) => return refuse("true or false"),
        (Kind::Duration, Value::String(text)) => timetext::parse_duration(text)
            .map(Value::Duration)
            .map_err(|e| error(path, &e.message))?,
        (Kind::Duration, _) => return refuse("a duration"),
        (Kind::RestorePoint, Value::String(text)) if text == LATEST => value,
        (Kind::Timestamp | Kind::RestorePoint, Value::String(text)) => {
            timetext::parse_timestamp(text)
                .map(Value::Timestamp)
                .map_err(|e| error(path, &e.message))?
        }
        (Kind::Timestamp | Kind::RestorePoint, _) => return refuse("a timestamp"),
        (Kind::Choice(words), Value::String(text)) if words.contains(&text.as_str()) => value,
        (Kind::Choice(words), _) => return refuse(&format!("one of {}", words.join(", "))),
    };
    Ok(Resolved::Value(value))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.kind().to_owned(),
    }
}

/// What a person can choose from: text, or maps with a `value`.
fn options(items: &[Value], path: &str) -> Result<(), RenderError> {
    if items.is_empty() {
        return Err(error(path, "is an empty list: there is nothing to choose from"));
    }
    for (i, item) in items.iter().enumerate() {
        let value = if let Value::Map(_) = item { item.get("value") } else { Some(item) };
        let value = value.ok_or_else(|| error(path, &format!("[{i}] is a map without `value`")))?;
        text(value, &format!("{path}[{i}]"))?;
    }
    Ok(())
}

fn texts(items: &[Value], path: &str) -> Result<Value, RenderError> {
    let items = items.iter().enumerate();
    items
        .map(|(i, item)| text(item, &format!("{path}[{i}]")).map(Value::String))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

fn text(value: &Value, path: &str) -> Result<String, RenderError> {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) | Value::Secret(_) => {
            Err(error(path, &format!("needs text, and this is {}", shown(value))))
        }
        scalar => Ok(scalar.to_string()),
    }
}

/// What a template put in must be seen for what it is. Bodies and scripts' values may have lines.
fn refuse_hidden(resolved: &Resolved, kind: &Kind, path: &str) -> Result<(), RenderError> {
    let lines = matches!(kind, Kind::Json | Kind::Params | Kind::Text | Kind::Options);
    let is_bad = |c: char| hidden::is_hidden(c) || (!lines && c.is_control());
    let refuse = |text: &str| match text.chars().find(|c| is_bad(*c)) {
        Some(c) => Err(error(path, &format!("{} is refused", hidden::named(c)))),
        None => Ok(()),
    };
    match resolved {
        Resolved::Value(value) => each_text(value, &refuse),
        Resolved::Text(pieces) => pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => refuse(text),
            Piece::Secret(_) => Ok(()),
        }),
        Resolved::List(_) | Resolved::Map(_) | Resolved::Expr(_) => Ok(()),
    }
}

fn each_text(
    value: &Value,
    look: &dyn Fn(&str) -> Result<(), RenderError>,
) -> Result<(), RenderError> {
    match value {
        Value::String(text) => look(text),
        Value::List(items) => items.iter().try_for_each(|item| each_text(item, look)),
        Value::Map(map) => map.iter().try_for_each(|(key, item)| {
            look(key)?;
            each_text(item, look)
        }),
        _ => Ok(()),
    }
}
