//! Expressions and templates: parsed, typed, and their errors brought to their place in the file.

use super::super::diagnostic::Problems;
use super::super::expr::{Expr, ExprError};
use super::super::template::Template;
use super::super::value::{Type, Value};
use super::super::yaml::{self, Node};
use super::scope::Scope;

/// Whether a template may hold secrets, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    Allowed,
    /// The sentence says where the secret would be seen.
    Refused(&'static str),
}

/// An expression of any type but secret.
pub(super) fn expression(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    types: &Type,
) -> Option<(Expr, Type)> {
    let text = yaml::text(problems, node)?;
    if let Some(at) = text.find("${{") {
        let place = node.part(problems.source, at..at + 3);
        problems
            .error(place, "template-not-here", "this is an expression already")
            .help("write it without `${{ }}`");
        return None;
    }
    let expr = match Expr::parse(text) {
        Ok(expr) => expr,
        Err(error) => {
            report(problems, node, text, scope, "expression", error);
            return None;
        }
    };
    match expr.check(types) {
        Ok(Type::Secret) => {
            problems
                .error(
                    node.span.clone(),
                    "secret-use",
                    "a secret cannot take part in an expression",
                )
                .help("hand it over whole where an action takes it: \"${{ inputs.… }}\"");
            None
        }
        Ok(ty) => Some((expr, ty)),
        Err(errors) => {
            for error in errors {
                report(problems, node, text, scope, "type", error);
            }
            None
        }
    }
}

/// An expression that must be true or false.
pub(super) fn condition(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    types: &Type,
) -> Option<Expr> {
    let (expr, ty) = expression(problems, node, scope, types)?;
    if matches!(ty, Type::Bool | Type::Dyn) {
        return Some(expr);
    }
    problems
        .error(
            node.span.clone(),
            "not-boolean",
            format!("this must be true or false, and it is of type {ty}"),
        )
        .help("nothing else counts as true: compare it with something");
    None
}

/// Text with templates, and its type.
pub(super) fn template(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    types: &Type,
    secrets: Secrets,
) -> Option<(Template, Type)> {
    let text = yaml::text(problems, node)?;
    if !text.contains("${{") {
        return Some((Template::literal(Value::String(text.to_owned()), text), Type::String));
    }
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => {
            report(problems, node, text, scope, "expression", error);
            return None;
        }
    };
    let ty = match template.check(types) {
        Ok(ty) => ty,
        Err(errors) => {
            for error in errors {
                report(problems, node, text, scope, "type", error);
            }
            return None;
        }
    };
    if let Secrets::Refused(why) = secrets
        && let Some(secret) = template.secrets(types).into_iter().next()
    {
        let place = node.part(problems.source, secret.span);
        problems
            .error(
                place,
                "secret-use",
                format!("the secret `{}` does not belong here: {why}", secret.name),
            )
            .help("hand it over in `env:`, `stdin`, a header or a key made for secrets");
        return None;
    }
    Some((template, ty))
}

/// Text for people with templates: scalars of any type, no secrets.
pub(super) fn shown(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    types: &Type,
) -> Option<Template> {
    let secrets = Secrets::Refused("it would be shown");
    let (template, ty) = template(problems, node, scope, types, secrets)?;
    is_scalar(problems, node, &ty).then_some(template)
}

/// Whether a value of this type can be written as text.
pub(super) fn is_scalar(problems: &mut Problems<'_>, node: &Node, ty: &Type) -> bool {
    let scalar = !matches!(ty, Type::List(_) | Type::Map(_) | Type::Record(_));
    if !scalar {
        problems.error(node.span.clone(), "wrong-type", format!("expected a scalar, found a {ty}"));
    }
    scalar
}

/// `recovery_point`: a moment in terms of what steps saved.
pub(super) fn recovery_point(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
) -> Option<Template> {
    let secrets = Secrets::Refused("it would be recorded");
    let (template, ty) = template(problems, node, scope, &scope.before(), secrets)?;
    if !template.is_literal() && matches!(ty, Type::Timestamp | Type::Dyn) {
        return Some(template);
    }
    problems
        .error(
            node.span.clone(),
            "wrong-type",
            format!("the recovery point must be a timestamp, and it is of type {ty}"),
        )
        .help("write \"${{ steps.<id>.<name> }}\" with a timestamp that a step saved");
    None
}

/// Brings an error to its place, and says what is known of the name that it is about.
fn report(
    problems: &mut Problems<'_>,
    node: &Node,
    text: &str,
    scope: &Scope,
    code: &'static str,
    error: ExprError,
) {
    let place = node.part(problems.source, error.span.clone());
    let name = text.get(error.span.clone()).unwrap_or_default();
    let before = text.get(..error.span.start).unwrap_or_default().trim_end();
    let of = before.strip_suffix('.').map(|path| {
        path.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').next()
    });
    let (code, message, help) = match of.flatten() {
        Some("inputs") => {
            ("undefined-input", format!("there is no input `{name}` here"), error.help)
        }
        Some("steps") => match scope.not_yet(name) {
            Some(why) => (
                "later-step",
                format!("the step `{name}` {why}"),
                Some("name what an earlier step saved, or move this step down".to_owned()),
            ),
            None => ("undefined-step", format!("there is no step `{name}`"), error.help),
        },
        Some(path) if path.starts_with("steps.") && code == "type" => {
            let step = path.trim_start_matches("steps.");
            ("undefined-name", format!("the step `{step}` saves no `{name}`"), error.help)
        }
        Some("result" | "run" | "env") => ("undefined-name", error.message, error.help),
        None if name == "result" && code == "type" => (
            "undefined-name",
            "`result` is not known here".to_owned(),
            Some("it is there in the `expect`, `save` and `probe` of its own step".to_owned()),
        ),
        _ => (code, error.message, error.help),
    };
    let added = problems.error(place, code, message);
    if let Some(help) = help {
        added.help(help);
    }
}
