//! A rendered request: what the confirmation shows and what is executed, the same value.
//!
//! Secrets stay names until [`Request`] is handed the [`Reveal`] of the moment; everything that can be
//! shown or journalled comes from [`Request::shown`] and [`Request::masked`], which have none.

use serde_json::{Map, Value as Json};

use super::expr::Expr;
use super::registry::Effect;
use super::value::{Value, mask};

/// The pieces of a text, some of which are secrets.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Plain text.
    Text(String),
    /// The secret input of this name.
    Secret(String),
}

/// A rendered argument.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// A value; [`Value::Secret`] when the whole argument is one.
    Value(Value),
    /// Text that holds at least one secret.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Resolved>),
    /// A map, in the order of the file.
    Map(Vec<(String, Resolved)>),
    /// An expression over `result`, for the action to evaluate.
    Expr(Expr),
}

/// An action with every argument rendered.
#[derive(Clone, Debug)]
pub struct Request {
    /// The action's name.
    pub action: &'static str,
    /// What it will do to the world.
    pub effect: Effect,
    /// In the order of the file.
    pub args: Vec<(String, Resolved)>,
    /// Environment for a script: `INPUT_…` and the step's `env:`.
    pub env: Vec<(String, Resolved)>,
    /// The names of the secrets it uses, sorted, each once.
    pub secrets: Vec<String>,
}

/// Where secret values come from at the moment of execution.
pub trait Reveal {
    /// The value of the secret input `name`.
    fn reveal(&self, name: &str) -> Option<&str>;
}

impl Resolved {
    /// The text of this argument with secrets masked.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Secret(name) => mask(name),
                })
                .collect(),
            Self::Expr(expr) => expr.source().to_owned(),
            Self::List(_) | Self::Map(_) => self.masked().to_string(),
        }
    }

    /// As JSON, secrets masked.
    #[must_use]
    pub fn masked(&self) -> Json {
        match self {
            Self::Value(value) => value.to_plain_json(),
            Self::Text(_) | Self::Expr(_) => Json::String(self.shown()),
            Self::List(items) => Json::Array(items.iter().map(Self::masked).collect()),
            Self::Map(entries) => Json::Object(masked_map(entries)),
        }
    }

    /// The text with its secrets in place; `None` when one is not to be had or this is no scalar.
    #[must_use]
    pub fn revealed(&self, secrets: &dyn Reveal) -> Option<String> {
        match self {
            Self::Value(Value::Secret(name)) => secrets.reveal(name).map(str::to_owned),
            Self::Value(value) => Some(value.to_string()),
            Self::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => Some(text.as_str()),
                    Piece::Secret(name) => secrets.reveal(name),
                })
                .collect(),
            Self::Expr(_) | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl Resolved {
    fn collect_secrets(&self, into: &mut Vec<String>) {
        match self {
            Self::Value(Value::Secret(name)) => into.push(name.clone()),
            Self::Text(pieces) => into.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Secret(name) => Some(name.clone()),
                Piece::Text(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.collect_secrets(into)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.collect_secrets(into)),
            Self::Value(_) | Self::Expr(_) => {}
        }
    }
}

fn masked_map(entries: &[(String, Resolved)]) -> Map<String, Json> {
    entries.iter().map(|(k, v)| (k.clone(), v.masked())).collect()
}

impl Request {
    /// A request; the secrets it uses are found in its parts.
    #[must_use]
    pub fn new(
        action: &'static str,
        effect: Effect,
        args: Vec<(String, Resolved)>,
        env: Vec<(String, Resolved)>,
    ) -> Self {
        let mut secrets = Vec::new();
        args.iter().chain(&env).for_each(|(_, value)| value.collect_secrets(&mut secrets));
        secrets.sort();
        secrets.dedup();
        Self { action, effect, args, env, secrets }
    }

    /// The argument `key`.
    #[must_use]
    pub fn arg(&self, key: &str) -> Option<&Resolved> {
        self.args.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The plain value of `key`; `None` when absent or when it holds a secret in text.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        match self.arg(key) {
            Some(Resolved::Value(value)) => Some(value),
            _ => None,
        }
    }

    /// The plain text of `key`.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value(key).and_then(Value::as_str)
    }

    /// The boolean `key`, `false` when absent.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Bool(true)))
    }

    /// The integer `key`.
    #[must_use]
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.value(key) {
            Some(Value::Int(i)) => Some(*i),
            _ => None,
        }
    }

    /// The duration `key`; `None` when absent, negative or out of range.
    #[must_use]
    pub fn duration(&self, key: &str) -> Option<std::time::Duration> {
        match self.value(key) {
            Some(Value::Duration(d)) => d.to_std().ok(),
            _ => None,
        }
    }

    /// What the confirmation shows: one `(key, text)` an argument, secrets masked.
    #[must_use]
    pub fn shown(&self) -> Vec<(&str, String)> {
        self.args.iter().map(|(k, v)| (k.as_str(), v.shown())).collect()
    }

    /// This request as one of its attempts was intended: with what its action had added to it then.
    #[must_use]
    pub fn as_intended(mut self, masked: &Json) -> Self {
        let intended = masked.get("args").and_then(Json::as_object).into_iter().flatten();
        for (key, value) in intended {
            if self.arg(key).is_none() {
                let added = Resolved::Value(Value::from_json(value.clone()));
                self.args.push((key.clone(), added));
            }
        }
        self
    }

    /// The request as the journal and `show --json` hold it: secrets masked.
    #[must_use]
    pub fn masked(&self) -> Json {
        let mut map = Map::new();
        map.insert("action".into(), Json::String(self.action.into()));
        map.insert("args".into(), Json::Object(masked_map(&self.args)));
        if !self.env.is_empty() {
            map.insert("env".into(), Json::Object(masked_map(&self.env)));
        }
        Json::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: &[(&str, Value)]) -> Request {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), Resolved::Value(v.clone())));
        Request {
            action: "rds.failover_cluster",
            effect: Effect::Destroys,
            args: args.collect(),
            env: Vec::new(),
            secrets: Vec::new(),
        }
    }

    #[test]
    fn what_was_added_to_an_attempt_is_there_again_and_what_is_known_stays() {
        let text = |it: &str| Value::String(it.into());
        let list = Value::List(vec![text("sg-1"), text("sg-2")]);
        let completed = request(&[
            ("cluster", text("orders")),
            ("from", text("orders-1")),
            ("port", Value::Int(5432)),
            ("groups", list.clone()),
        ]);
        let rendered = request(&[("cluster", text("orders-amended"))]);
        let again = rendered.as_intended(&completed.masked());
        assert_eq!(again.text("cluster"), Some("orders-amended"));
        assert_eq!(again.text("from"), Some("orders-1"));
        assert_eq!(again.int("port"), Some(5432));
        assert_eq!(again.value("groups"), Some(&list));
    }
}
