//! Values and types of the format: what an input holds, an expression yields and a step saves.
//!
//! A secret is never a value. It is the *name* of one ([`Value::Secret`]); the bytes are fetched at
//! the edge, when a process or a request is about to need them, and registered for redaction first.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A value of the runbook format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "serde_json::Value", try_from = "serde_json::Value")]
pub enum Value {
    /// JSON's null; only ever seen inside a result.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A finite double.
    Float(f64),
    /// Text.
    String(String),
    /// A moment, in UTC.
    Timestamp(DateTime<Utc>),
    /// A length of time; may be negative.
    Duration(TimeDelta),
    /// A list.
    List(Vec<Value>),
    /// A map with text keys.
    Map(BTreeMap<String, Value>),
    /// A reference to the secret input of this name.
    Secret(String),
}

/// What is known of a value before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Known only once there is a value, such as a field of a JSON body.
    Dyn,
    /// See [`Value::Bool`].
    Bool,
    /// See [`Value::Int`].
    Int,
    /// See [`Value::Float`].
    Float,
    /// See [`Value::String`].
    String,
    /// See [`Value::Timestamp`].
    Timestamp,
    /// See [`Value::Duration`].
    Duration,
    /// A list of one type.
    List(Box<Type>),
    /// A map whose keys are not known before it is there.
    Map(Box<Type>),
    /// A map whose keys are known: any other name is an error at check time.
    Record(BTreeMap<String, Type>),
    /// A secret: may be put into text whole, and nothing else.
    Secret,
}

impl Value {
    /// The name of the value's kind, as messages and `docs/format.md` spell it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Timestamp(_) => "timestamp",
            Self::Duration(_) => "duration",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Secret(_) => "secret",
        }
    }

    /// Its type, as far as the value tells: null has none of its own.
    #[must_use]
    pub fn ty(&self) -> Type {
        match self {
            Self::Null => Type::Dyn,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::String(_) => Type::String,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(items) => {
                let first = items.first().map_or(Type::Dyn, Self::ty);
                let alike = items.iter().all(|item| item.ty() == first);
                Type::List(Box::new(if alike { first } else { Type::Dyn }))
            }
            Self::Map(map) => Type::Record(map.iter().map(|(k, v)| (k.clone(), v.ty())).collect()),
            Self::Secret(_) => Type::Secret,
        }
    }

    /// About how many bytes it takes as JSON.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Timestamp(_)
            | Self::Duration(_) => 8,
            Self::String(text) | Self::Secret(text) => text.len() + 2,
            Self::List(items) => items.iter().map(|item| item.weight() + 1).sum::<usize>() + 2,
            Self::Map(map) => {
                map.iter().map(|(key, item)| key.len() + item.weight() + 4).sum::<usize>() + 2
            }
        }
    }

    /// A map from pairs.
    #[must_use]
    pub fn map<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(pairs.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    /// The entry `key` of a map; `None` for a missing key and for what is not a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Plain JSON as a value: numbers become integers where they are, and nothing is read into strings.
    #[must_use]
    pub fn from_json(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(b),
            Json::Number(n) => match n.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Float(n.as_f64().unwrap_or(f64::INFINITY)),
            },
            Json::String(s) => Self::String(s),
            Json::Array(items) => Self::List(items.into_iter().map(Self::from_json).collect()),
            Json::Object(map) => {
                Self::Map(map.into_iter().map(|(k, v)| (k, Self::from_json(v))).collect())
            }
        }
    }

    /// The value as people's JSON: moments and durations as text, secrets as their mask.
    #[must_use]
    pub fn to_plain_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => Json::from(*i),
            Self::Float(f) => Json::from(*f),
            Self::List(items) => Json::Array(items.iter().map(Self::to_plain_json).collect()),
            Self::Map(map) => {
                Json::Object(map.iter().map(|(k, v)| (k.clone(), v.to_plain_json())).collect())
            }
            Self::String(_) | Self::Timestamp(_) | Self::Duration(_) | Self::Secret(_) => {
                Json::String(self.to_string())
            }
        }
    }
}

/// How a secret is shown where its value would stand.
#[must_use]
pub fn mask(name: &str) -> String {
    format!("«secret {name}»")
}

impl fmt::Display for Value {
    /// The text that stands where the value is put into other text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Timestamp(t) => f.write_str(&timestamp_text(*t)),
            Self::Duration(d) => f.write_str(&duration_text(*d)),
            Self::Secret(name) => f.write_str(&mask(name)),
            Self::Null | Self::List(_) | Self::Map(_) => write!(f, "{}", self.to_plain_json()),
        }
    }
}

/// RFC 3339 in UTC, with as many digits of a second as the moment has.
#[must_use]
pub fn timestamp_text(t: DateTime<Utc>) -> String {
    t.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A duration as the format writes it: `90s` is `1m30s`; days are the longest unit, parts of a second
/// are kept.
#[must_use]
pub fn duration_text(d: TimeDelta) -> String {
    let seconds = d.num_seconds().unsigned_abs();
    let nanos = u64::from(d.subsec_nanos().unsigned_abs());
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (nanos / 1_000_000, "ms"),
        (nanos / 1_000 % 1_000, "us"),
        (nanos % 1_000, "ns"),
    ];
    let written = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}"));
    let text: String = written.collect();
    let sign = if d < TimeDelta::zero() { "-" } else { "" };
    if text.is_empty() { "0s".into() } else { format!("{sign}{text}") }
}

const TIMESTAMP: &str = "$timestamp";
const DURATION: &str = "$duration_ns";
const SECRET: &str = "$secret";

/// JSON that keeps types: what the journal holds. A map's own keys that begin with `$` get another one.
impl From<Value> for serde_json::Value {
    fn from(value: Value) -> Self {
        let tagged = |key: &str, text: String| serde_json::json!({ key: text });
        match value {
            Value::Timestamp(t) => tagged(TIMESTAMP, timestamp_text(t)),
            // Nanoseconds exceed 2^53 and so travel as text.
            Value::Duration(d) => tagged(DURATION, duration_ns(d).to_string()),
            Value::Secret(name) => tagged(SECRET, name),
            Value::List(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Map(map) => Self::Object(
                map.into_iter()
                    .map(|(k, v)| (if k.starts_with('$') { format!("${k}") } else { k }, v.into()))
                    .collect(),
            ),
            plain => plain.to_plain_json(),
        }
    }
}

fn duration_ns(d: TimeDelta) -> i128 {
    i128::from(d.num_seconds()) * 1_000_000_000 + i128::from(d.subsec_nanos())
}

/// A `$` key that no version of the format has written.
#[derive(Debug, thiserror::Error)]
#[error("not a value of the journal: {0}")]
pub struct BadValue(String);

impl TryFrom<serde_json::Value> for Value {
    type Error = BadValue;

    fn try_from(json: serde_json::Value) -> Result<Self, BadValue> {
        use serde_json::Value as Json;
        match json {
            Json::Array(items) => {
                items.into_iter().map(Self::try_from).collect::<Result<_, _>>().map(Self::List)
            }
            Json::Object(map) => match map.iter().next() {
                Some((k, Json::String(text)))
                    if map.len() == 1 && k.starts_with('$') && !k.starts_with("$$") =>
                {
                    tagged(k, text).ok_or_else(|| BadValue(format!("{k}: {text}")))
                }
                _ => map
                    .into_iter()
                    .map(|(k, v)| {
                        let key = k.strip_prefix("$$").map_or(k.clone(), |rest| format!("${rest}"));
                        Ok((key, Self::try_from(v)?))
                    })
                    .collect::<Result<_, _>>()
                    .map(Self::Map),
            },
            plain => Ok(Self::from_json(plain)),
        }
    }
}

fn tagged(key: &str, text: &str) -> Option<Value> {
    match key {
        TIMESTAMP => {
            DateTime::parse_from_rfc3339(text).ok().map(|t| Value::Timestamp(t.with_timezone(&Utc)))
        }
        DURATION => {
            let ns: i128 = text.parse().ok()?;
            let seconds = i64::try_from(ns.div_euclid(1_000_000_000)).ok()?;
            let nanos = u32::try_from(ns.rem_euclid(1_000_000_000)).ok()?;
            TimeDelta::new(seconds, nanos).map(Value::Duration)
        }
        SECRET => Some(Value::Secret(text.to_owned())),
        _ => None,
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("unknown until it runs"),
            Self::Bool => f.write_str("boolean"),
            Self::Int => f.write_str("integer"),
            Self::Float => f.write_str("number"),
            Self::String => f.write_str("string"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list of {item}"),
            Self::Map(_) | Self::Record(_) => f.write_str("map"),
            Self::Secret => f.write_str("secret"),
        }
    }
}
