//! `inputs`.

use std::cmp::Ordering;

use super::super::diagnostic::Problems;
use super::super::format::{self, INPUT_TYPES, known};
use super::super::inputs::{SecretSource, check_rules, compare};
use super::super::model::{Input, InputKind};
use super::super::template::Template;
use super::super::value::{Type, Value};
use super::super::yaml::{self, Fields, Kind, Node};
use super::expr::{self, Secrets};
use super::scope::Scope;
use super::{duration, line, named, timestamp, whole};

/// All inputs; adds them to the scope, so that each may name those above it.
pub(super) fn inputs(problems: &mut Problems<'_>, node: &Node, scope: &mut Scope) -> Vec<Input> {
    let Kind::Map(entries) = &node.kind else {
        yaml::expected(problems, node, "a map of inputs");
        return Vec::new();
    };
    let mut inputs = Vec::new();
    for entry in entries {
        named(problems, entry.key_span.clone(), &entry.key, format::NAME, "input");
        let input = input(problems, &entry.key, &entry.value, scope);
        // What could not be read may still be named: one problem, not one more for each use.
        let ty = input.as_ref().map_or(Type::Dyn, |input| type_of(input.kind));
        scope.add_input(&entry.key, ty);
        inputs.extend(input);
    }
    inputs
}

fn input(problems: &mut Problems<'_>, name: &str, node: &Node, scope: &Scope) -> Option<Input> {
    let fields = Fields::read(problems, node, "an input", known(format::INPUT))?;
    let kind = fields.get("type").and_then(|node| yaml::one_of(problems, node, INPUT_TYPES));
    let kind = kind.and_then(kind_named)?;
    let env =
        fields.get("env").and_then(|node| super::name(problems, node, format::ENV, "variable"));
    let help = fields.get("help").and_then(|node| line(problems, node));
    let required = fields.get("required").and_then(|node| yaml::boolean(problems, node));
    let choices =
        fields.get("choices").map(|node| super::texts(problems, node)).unwrap_or_default();
    refuse_misplaced(problems, &fields, kind);
    if kind == InputKind::Choice && choices.is_empty() {
        problems
            .error(node.head(), "missing-key", format!("the choice `{name}` needs `choices`"))
            .help("add `choices: [one, another]`");
    }
    let pattern = fields.get("pattern").and_then(|node| pattern(problems, node));
    let min = fields.get("min").and_then(|node| bound(problems, node, kind));
    let max = fields.get("max").and_then(|node| bound(problems, node, kind));
    if let (Some(low), Some(high), Some(node)) = (&min, &max, fields.get("max"))
        && compare(low, high) == Some(Ordering::Greater)
    {
        problems
            .error(node.span.clone(), "bad-range", "`max` is less than `min`")
            .help("no value could be both");
    }
    let mut input = Input {
        name: name.to_owned(),
        kind,
        default: None,
        env: env.map(str::to_owned),
        pattern,
        min,
        max,
        choices,
        required: required.unwrap_or(true),
        help: help.map(str::to_owned),
    };
    if let Some(node) = fields.get("default") {
        input.default = default(problems, node, &input, scope);
        input.required = required.unwrap_or(false);
    }
    Some(input)
}

/// Keys that mean nothing for the type.
fn refuse_misplaced(problems: &mut Problems<'_>, fields: &Fields<'_>, kind: InputKind) {
    use InputKind as I;
    let text = matches!(kind, I::String | I::Path | I::Url | I::S3Uri);
    let ordered = matches!(kind, I::String | I::Integer | I::Number | I::Timestamp | I::Duration);
    for (key, meant) in
        [("pattern", text), ("min", ordered), ("max", ordered), ("choices", kind == I::Choice)]
    {
        if let Some(entry) = fields.entry(key).filter(|_| !meant) {
            let message = format!("an input of type {} has no `{key}`", kind.name());
            problems.error(entry.key_span.clone(), "misplaced-key", message).help("remove it");
        }
    }
}

fn pattern(problems: &mut Problems<'_>, node: &Node) -> Option<String> {
    let text = yaml::plain_text(problems, node)?;
    match whole(text) {
        Ok(_) => Some(text.to_owned()),
        Err(error) => {
            let last = error.to_string();
            let why = last.lines().last().unwrap_or_default().trim_start_matches("error: ");
            problems
                .error(node.span.clone(), "bad-pattern", format!("not a regular expression: {why}"))
                .help("in YAML, single quotes keep backslashes as they are");
            None
        }
    }
}

fn bound(problems: &mut Problems<'_>, node: &Node, kind: InputKind) -> Option<Value> {
    match kind {
        // The length of a text.
        InputKind::String => yaml::integer(problems, node).map(Value::Int),
        kind => literal(problems, node, kind),
    }
}

fn default(
    problems: &mut Problems<'_>,
    node: &Node,
    input: &Input,
    scope: &Scope,
) -> Option<Template> {
    let source = match &node.kind {
        Kind::Scalar(scalar) => scalar.text.as_str(),
        _ => "",
    };
    if input.kind == InputKind::Secret {
        return secret_default(problems, node, source);
    }
    value(problems, node, input, scope, &scope.for_inputs())
}

/// What a step gives to an input of the runbook that it names; `types` are the names in its own scope.
pub(super) fn given(
    problems: &mut Problems<'_>,
    node: &Node,
    input: &Input,
    scope: &Scope,
    types: &Type,
) -> Option<Template> {
    if input.kind != InputKind::Secret {
        return value(problems, node, input, scope, types);
    }
    let (template, ty) = expr::template(problems, node, scope, types, Secrets::Allowed)?;
    if ty != Type::Secret {
        let message = format!("`{}` is a secret, and this is not", input.name);
        problems
            .error(node.span.clone(), "not-a-secret", message)
            .help("hand one of your own on, whole: \"${{ inputs.password }}\"");
        return None;
    }
    Some(template)
}

fn value(
    problems: &mut Problems<'_>,
    node: &Node,
    input: &Input,
    scope: &Scope,
    types: &Type,
) -> Option<Template> {
    let source = match &node.kind {
        Kind::Scalar(scalar) => scalar.text.as_str(),
        _ => "",
    };
    if source.contains("${{") {
        let secrets = Secrets::Refused("an input's value is shown");
        let (template, ty) = expr::template(problems, node, scope, types, secrets)?;
        let wanted = type_of(input.kind);
        if ty != wanted && ty != Type::Dyn && !(ty == Type::Int && wanted == Type::Float) {
            let message = format!("expected a value of type {wanted}, found one of type {ty}");
            problems.error(node.span.clone(), "wrong-type", message);
            return None;
        }
        return Some(template);
    }
    // "30m ago" is a moment only when somebody runs it.
    if input.kind == InputKind::Timestamp && is_relative(source) {
        return Some(Template::literal(Value::String(source.to_owned()), source));
    }
    let value = literal(problems, node, input.kind)?;
    allowed(problems, node, input, &value).then(|| Template::literal(value, source))
}

/// Where the secret is; never the secret.
fn secret_default(problems: &mut Problems<'_>, node: &Node, source: &str) -> Option<Template> {
    yaml::plain_text(problems, node)?;
    if SecretSource::parse(source).is_some() {
        return Some(Template::literal(Value::String(source.to_owned()), source));
    }
    problems
        .error(node.span.clone(), "secret-literal", "a secret is never written in a runbook")
        .help("say where it is: env:VARIABLE, file:/path or cmd:COMMAND, or ask to have it typed");
    None
}

fn is_relative(text: &str) -> bool {
    let length = text.trim().strip_suffix(" ago");
    text.trim() == "now"
        || length.is_some_and(|length| super::super::timetext::parse_duration(length).is_ok())
}

/// A literal of an input's type.
fn literal(problems: &mut Problems<'_>, node: &Node, kind: InputKind) -> Option<Value> {
    match kind {
        InputKind::Integer => yaml::integer(problems, node).map(Value::Int),
        InputKind::Number => yaml::float(problems, node).map(Value::Float),
        InputKind::Boolean => yaml::boolean(problems, node).map(Value::Bool),
        InputKind::Timestamp => timestamp(problems, node).map(Value::Timestamp),
        InputKind::Duration => duration(problems, node).map(Value::Duration),
        InputKind::Url => {
            let text = super::args::url(problems, node)?;
            Some(Value::String(text.to_owned()))
        }
        InputKind::String | InputKind::Choice | InputKind::Path | InputKind::S3Uri => {
            yaml::plain_text(problems, node).map(|text| Value::String(text.to_owned()))
        }
        InputKind::Secret => None,
    }
}

/// Whether a default is what its own input would take.
fn allowed(problems: &mut Problems<'_>, node: &Node, input: &Input, value: &Value) -> bool {
    let Err(error) = check_rules(input, value) else { return true };
    let message = format!("the input would refuse this: {}", error.message);
    let help = error.help.unwrap_or_else(|| "write one that the input takes".into());
    problems.error(node.span.clone(), "bad-default", message).help(help);
    false
}

fn type_of(kind: InputKind) -> Type {
    match kind {
        InputKind::String
        | InputKind::Choice
        | InputKind::Path
        | InputKind::Url
        | InputKind::S3Uri => Type::String,
        InputKind::Integer => Type::Int,
        InputKind::Number => Type::Float,
        InputKind::Boolean => Type::Bool,
        InputKind::Timestamp => Type::Timestamp,
        InputKind::Duration => Type::Duration,
        InputKind::Secret => Type::Secret,
    }
}

const KINDS: [InputKind; 11] = [
    InputKind::String,
    InputKind::Integer,
    InputKind::Number,
    InputKind::Boolean,
    InputKind::Choice,
    InputKind::Timestamp,
    InputKind::Duration,
    InputKind::Path,
    InputKind::Url,
    InputKind::S3Uri,
    InputKind::Secret,
];

fn kind_named(name: &str) -> Option<InputKind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}
