//! An action's arguments, each by its [`Kind`](super::super::registry::Kind).

use super::super::diagnostic::Problems;
use super::super::inputs::{check_s3_uri, check_url};
use super::super::model::Arg;
use super::super::registry::{Key, Kind};
use super::super::template::Template;
use super::super::timetext::LATEST;
use super::super::value::{Type, Value};
use super::super::yaml::{self, Fields, JsonScalar, Kind as Yaml, Node};
use super::expr::{self, Secrets};
use super::scope::Scope;
use super::{approval, duration, timestamp};

/// What the arguments of one action are read with.
pub(super) struct Args<'a> {
    pub(super) scope: &'a Scope,
    /// Before the action has run.
    pub(super) before: &'a Type,
    /// With its `result`.
    pub(super) after: &'a Type,
}

impl Args<'_> {
    /// The arguments of a map of keys.
    pub(super) fn group(
        &self,
        problems: &mut Problems<'_>,
        node: &Node,
        what: &str,
        keys: &'static [Key],
    ) -> Vec<(String, Arg)> {
        let known = keys.iter().map(|key| (key.name, key.required));
        let Some(fields) = Fields::read(problems, node, what, known) else { return Vec::new() };
        let mut args = Vec::new();
        for entry in fields.entries() {
            if let Some(key) = keys.iter().find(|key| key.name == entry.key)
                && let Some(arg) = self.arg(problems, &entry.value, key)
            {
                args.push((entry.key.clone(), arg));
            }
        }
        args
    }

    fn arg(&self, problems: &mut Problems<'_>, node: &Node, key: &'static Key) -> Option<Arg> {
        let what = format!("`{}`", key.name);
        match &key.kind {
            Kind::Text => self.any_scalar(problems, node, Secrets::Allowed),
            Kind::Path => self.any_scalar(problems, node, NO_PATH),
            Kind::Url => self.url(problems, node),
            Kind::S3Uri => self.s3_uri(problems, node),
            Kind::Script => verbatim(problems, node, IN_SCRIPT),
            Kind::Sql => verbatim(problems, node, IN_SQL),
            Kind::Int => self.typed(problems, node, Type::Int, |problems, node| {
                yaml::integer(problems, node).map(Value::Int)
            }),
            Kind::Bool => self.typed(problems, node, Type::Bool, |problems, node| {
                yaml::boolean(problems, node).map(Value::Bool)
            }),
            Kind::Duration => self.typed(problems, node, Type::Duration, |problems, node| {
                duration(problems, node).map(Value::Duration)
            }),
            Kind::Timestamp => self.typed(problems, node, Type::Timestamp, moment),
            Kind::RestorePoint => self.typed(problems, node, Type::Timestamp, |problems, node| {
                if yaml::text(problems, node)? == LATEST {
                    return Some(Value::String(LATEST.into()));
                }
                moment(problems, node)
            }),
            Kind::Secret => self.secret(problems, node),
            Kind::Choice(words) => {
                let word = yaml::one_of(problems, node, words)?;
                Some(literal(Value::String(word.into()), word))
            }
            Kind::Argv => self.list(problems, node, Secrets::Refused(IN_ARGV)),
            Kind::TextList => self.list(problems, node, Secrets::Refused(SHOWN)),
            Kind::Names => {
                let names = approval::names(problems, node)?.into_iter();
                let literal = |name: String| literal(Value::String(name.clone()), &name);
                Some(Arg::List(names.map(literal).collect()))
            }
            Kind::Count => {
                let count = approval::count(problems, node)?;
                Some(literal(Value::Int(count.into()), source(node)))
            }
            Kind::Params => self.params(problems, node),
            Kind::Statuses => self.statuses(problems, node),
            Kind::Lists => self.lists(problems, node),
            Kind::TextMap => self.map(problems, node, Secrets::Allowed),
            Kind::UrlQuery => self.map(problems, node, Secrets::Refused(IN_URL)),
            Kind::Json => self.json(problems, node),
            Kind::Expr => expr::condition(problems, node, self.scope, self.after).map(Arg::Expr),
            Kind::Group(keys) => Some(Arg::Map(self.group(problems, node, &what, keys))),
            Kind::Options => self.options(problems, node),
        }
    }

    /// A template of type `ty`, or a literal.
    fn typed(
        &self,
        problems: &mut Problems<'_>,
        node: &Node,
        ty: Type,
        read: impl Fn(&mut Problems<'_>, &Node) -> Option<Value>,
    ) -> Option<Arg> {
        if is_template(node) {
            let secrets = Secrets::Refused(SHOWN);
            let (template, found) =
                expr::template(problems, node, self.scope, self.before, secrets)?;
            if found == Type::Dyn || found == ty {
                return Some(Arg::Scalar(template));
            }
            let message = format!("expected a value of type {ty}, found one of type {found}");
            problems.error(node.span.clone(), "wrong-type", message);
            return None;
        }
        read(problems, node).map(|value| literal(value, source(node)))
    }

    /// A template of any scalar type.
    fn any_scalar(
        &self,
        problems: &mut Problems<'_>,
        node: &Node,
        secrets: Secrets,
    ) -> Option<Arg> {
        let (template, ty) = expr::template(problems, node, self.scope, self.before, secrets)?;
        expr::is_scalar(problems, node, &ty).then_some(Arg::Scalar(template))
    }

    fn url(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        if is_template(node) {
            refuse_userinfo(problems, node, source(node));
            return self.any_scalar(problems, node, Secrets::Refused(IN_URL));
        }
        url(problems, node).map(|text| literal(Value::String(text.into()), text))
    }

    fn s3_uri(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        if is_template(node) {
            return self.any_scalar(problems, node, Secrets::Refused(SHOWN));
        }
        let text = yaml::plain_text(problems, node)?;
        if let Err(error) = check_s3_uri(text) {
            let help = error.help.unwrap_or_default();
            problems.error(node.span.clone(), "bad-s3-uri", error.message).help(help);
            return None;
        }
        Some(literal(Value::String(text.into()), text))
    }

    fn secret(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        if !is_template(node) {
            yaml::text(problems, node)?;
            problems
                .error(
                    node.span.clone(),
                    "secret-literal",
                    "a secret is never written in a runbook",
                )
                .help("declare an input of type secret and write \"${{ inputs.… }}\"");
            return None;
        }
        let (template, ty) =
            expr::template(problems, node, self.scope, self.before, Secrets::Allowed)?;
        if ty == Type::Secret {
            return Some(Arg::Scalar(template));
        }
        problems
            .error(
                node.span.clone(),
                "wrong-type",
                format!("expected a secret, found a value of type {ty}"),
            )
            .help("write a secret input and nothing else: \"${{ inputs.… }}\"");
        None
    }

    fn list(&self, problems: &mut Problems<'_>, node: &Node, secrets: Secrets) -> Option<Arg> {
        // A list that an expression yields stands whole in the place of one that is written out.
        if is_template(node) && matches!(node.kind, Yaml::Scalar(_)) {
            return self.whole_list(problems, node, secrets);
        }
        let Yaml::List(items) = &node.kind else {
            yaml::expected(problems, node, "a list");
            return None;
        };
        if items.is_empty() {
            problems
                .error(node.span.clone(), "empty-value", "the list is empty")
                .help("add an item, or leave the key out");
        }
        let items = items.iter().filter_map(|item| self.any_scalar(problems, item, secrets));
        Some(Arg::List(items.collect()))
    }

    fn whole_list(
        &self,
        problems: &mut Problems<'_>,
        node: &Node,
        secrets: Secrets,
    ) -> Option<Arg> {
        let (template, ty) = expr::template(problems, node, self.scope, self.before, secrets)?;
        if matches!(ty, Type::List(_) | Type::Dyn) {
            return Some(Arg::Scalar(template));
        }
        problems
            .error(
                node.span.clone(),
                "wrong-type",
                format!("expected a list, found a value of type {ty}"),
            )
            .help("write the items as a list: [one, another]");
        None
    }

    fn lists(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        let Yaml::Map(entries) = &node.kind else {
            yaml::expected(problems, node, "a map of names to lists");
            return None;
        };
        let entries = entries.iter().filter_map(|entry| {
            refuse_in_key(problems, entry);
            let list = self.list(problems, &entry.value, Secrets::Refused(SHOWN))?;
            Some((entry.key.clone(), list))
        });
        Some(Arg::Map(entries.collect()))
    }

    fn options(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        self.list(problems, node, Secrets::Refused(SHOWN))
    }

    fn map(&self, problems: &mut Problems<'_>, node: &Node, secrets: Secrets) -> Option<Arg> {
        let Yaml::Map(entries) = &node.kind else {
            yaml::expected(problems, node, "a map");
            return None;
        };
        let entries = entries.iter().filter_map(|entry| {
            refuse_in_key(problems, entry);
            let value = self.any_scalar(problems, &entry.value, secrets)?;
            Some((entry.key.clone(), value))
        });
        Some(Arg::Map(entries.collect()))
    }

    /// SQL parameters: scalars with the types that JSON would give them.
    fn params(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        let Yaml::List(items) = &node.kind else {
            yaml::expected(problems, node, "a list");
            return None;
        };
        let secrets = Secrets::Refused("servers log parameters");
        let items = items.iter().filter_map(|item| match is_template(item) {
            true => self.any_scalar(problems, item, secrets),
            false => json_literal(problems, item),
        });
        Some(Arg::List(items.collect()))
    }

    /// One HTTP status or several.
    fn statuses(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        let mut one = |node: &Node| {
            self.typed(problems, node, Type::Int, |problems, node| {
                let status = yaml::integer(problems, node)?;
                if (100..=599).contains(&status) {
                    return Some(Value::Int(status));
                }
                let message = format!("{status} is no HTTP status");
                problems.error(node.span.clone(), "bad-status", message).help("100 to 599");
                None
            })
        };
        match &node.kind {
            Yaml::List(items) => Some(Arg::List(items.iter().filter_map(one).collect())),
            _ => one(node),
        }
    }

    fn json(&self, problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
        match &node.kind {
            Yaml::List(items) => {
                let items = items.iter().filter_map(|item| self.json(problems, item));
                Some(Arg::List(items.collect()))
            }
            Yaml::Map(entries) => {
                let entries = entries.iter().filter_map(|entry| {
                    refuse_in_key(problems, entry);
                    Some((entry.key.clone(), self.json(problems, &entry.value)?))
                });
                Some(Arg::Map(entries.collect()))
            }
            Yaml::Scalar(_) if is_template(node) => {
                let (template, _) =
                    expr::template(problems, node, self.scope, self.before, Secrets::Allowed)?;
                Some(Arg::Scalar(template))
            }
            Yaml::Scalar(_) | Yaml::Empty | Yaml::Refused => json_literal(problems, node),
        }
    }
}

const SHOWN: &str = "it would be shown";
const IN_ARGV: &str = "every user of the machine can read the arguments of a process";
const IN_URL: &str = "servers and proxies log URLs";
const NO_PATH: Secrets = Secrets::Refused("paths are shown and logged");
const IN_SCRIPT: (&str, &str) = (
    "templates are refused in scripts: no quoting makes them safe",
    "use \"$INPUT_NAME\" for an input, or give the step `env:` and use its variable",
);
const IN_SQL: (&str, &str) = (
    "templates are refused in SQL: no quoting makes them safe",
    "write $1 and give the value in `params:`",
);

fn is_template(node: &Node) -> bool {
    source(node).contains("${{")
}

/// The scalar's text; empty for anything else.
fn source(node: &Node) -> &str {
    match &node.kind {
        Yaml::Scalar(scalar) => &scalar.text,
        _ => "",
    }
}

fn literal(value: Value, source: &str) -> Arg {
    Arg::Scalar(Template::literal(value, source))
}

fn moment(problems: &mut Problems<'_>, node: &Node) -> Option<Value> {
    timestamp(problems, node).map(Value::Timestamp)
}

fn json_literal(problems: &mut Problems<'_>, node: &Node) -> Option<Arg> {
    let value = match yaml::json_scalar(problems, node)? {
        JsonScalar::Null => Value::Null,
        JsonScalar::Bool(value) => Value::Bool(value),
        JsonScalar::Int(value) => Value::Int(value),
        JsonScalar::Float(value) => Value::Float(value),
        JsonScalar::Text(text) => Value::String(text.to_owned()),
    };
    Some(literal(value, source(node)))
}

/// A script or an SQL text: handed on as it is written.
fn verbatim(problems: &mut Problems<'_>, node: &Node, refusal: (&str, &str)) -> Option<Arg> {
    let text = yaml::text(problems, node)?;
    if let Some(at) = text.find("${{") {
        let end = text[at..].find("}}").map_or(at + 3, |end| at + end + 2);
        let place = node.part(problems.source, at..end);
        problems.error(place, "template-in-script", refusal.0).help(refusal.1);
        return None;
    }
    if text.trim().is_empty() {
        problems
            .error(node.span.clone(), "empty-value", "there is nothing to run")
            .help("write the script");
        return None;
    }
    Some(literal(Value::String(text.to_owned()), text))
}

/// An `http` or `https` URL without a password.
pub(super) fn url<'n>(problems: &mut Problems<'_>, node: &'n Node) -> Option<&'n str> {
    let text = yaml::plain_text(problems, node)?;
    if !refuse_userinfo(problems, node, text) {
        return None;
    }
    match check_url(text) {
        Ok(()) => Some(text),
        Err(error) => {
            let help = error.help.unwrap_or_default();
            problems.error(node.span.clone(), "bad-url", error.message).help(help);
            None
        }
    }
}

/// `https://user:password@host`; true when there is no such thing.
fn refuse_userinfo(problems: &mut Problems<'_>, node: &Node, text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return true };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((userinfo, _)) = authority.rsplit_once('@') else { return true };
    let from = scheme.len() + "://".len();
    let place = node.part(problems.source, from..from + userinfo.len());
    problems
        .error(place, "secret-in-url", "credentials do not belong in a URL: it is shown and logged")
        .help("use `basic:` or `bearer:` with a secret input");
    false
}

fn refuse_in_key(problems: &mut Problems<'_>, entry: &yaml::Entry) {
    if entry.key.contains("${{") {
        problems
            .error(entry.key_span.clone(), "template-not-here", "templates are not allowed in keys")
            .help("write the key itself");
    }
}
