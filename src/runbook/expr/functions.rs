//! The functions and methods: one table for the parser, the checker and the evaluator.

use chrono::TimeDelta;
use regex::{Regex, RegexBuilder};

use super::Fault;
use super::operators::a;
use crate::runbook::timetext;
use crate::runbook::value::{Type, Value};

/// Memory a regular expression may take once compiled.
const REGEX_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Int,
    Double,
    String,
    Timestamp,
    Duration,
    StartsWith,
    EndsWith,
    Contains,
    Matches,
    Split,
}

const ALL: [(Function, &str, &str); 11] = [
    (Function::Size, "size", "one string, list or map"),
    (Function::Int, "int", "one number or string"),
    (Function::Double, "double", "one number or string"),
    (Function::String, "string", "one scalar"),
    (Function::Timestamp, "timestamp", "one string"),
    (Function::Duration, "duration", "one string"),
    (Function::StartsWith, "startsWith", "one string"),
    (Function::EndsWith, "endsWith", "one string"),
    (Function::Contains, "contains", "one string"),
    (Function::Matches, "matches", "one regular expression"),
    (Function::Split, "split", "one string"),
];

impl Function {
    /// The function, or with `method` the method, of this name.
    pub(super) fn named(name: &str, method: bool) -> Option<Self> {
        let (function, ..) = ALL.iter().find(|(_, known, _)| *known == name)?;
        function.is_written(method).then_some(*function)
    }

    pub(super) fn names(method: bool) -> impl Iterator<Item = &'static str> {
        ALL.iter().filter(move |(f, ..)| f.is_written(method)).map(|(_, name, _)| *name)
    }

    fn is_written(self, method: bool) -> bool {
        // `size` is written both ways.
        self == Self::Size || (self.arity() == 2) == method
    }

    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(f, ..)| *f == self).map_or("", |(_, name, _)| name)
    }

    pub(super) fn usage(self) -> &'static str {
        ALL.iter().find(|(f, ..)| *f == self).map_or("", |(.., usage)| usage)
    }

    /// How many arguments, a method's receiver included.
    pub(super) fn arity(self) -> usize {
        match self {
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::Matches | Self::Split => 2,
            Self::Size
            | Self::Int
            | Self::Double
            | Self::String
            | Self::Timestamp
            | Self::Duration => 1,
        }
    }

    /// The type of the result.
    pub(super) fn result(self) -> Type {
        match self {
            Self::Size | Self::Int => Type::Int,
            Self::Double => Type::Float,
            Self::String => Type::String,
            Self::Timestamp => Type::Timestamp,
            Self::Duration => Type::Duration,
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::Matches => Type::Bool,
            Self::Split => Type::List(Box::new(Type::String)),
        }
    }

    /// Whether an argument of this type is taken.
    pub(super) fn takes(self, ty: &Type) -> bool {
        use Type as T;
        match self {
            Self::Size => {
                matches!(ty, T::Dyn | T::String | T::List(_) | T::Map(_) | T::Record(_))
            }
            Self::Int | Self::Double => matches!(ty, T::Dyn | T::Int | T::Float | T::String),
            Self::String => matches!(
                ty,
                T::Dyn | T::Bool | T::Int | T::Float | T::String | T::Timestamp | T::Duration
            ),
            Self::Timestamp => matches!(ty, T::Dyn | T::String | T::Timestamp),
            Self::Duration => matches!(ty, T::Dyn | T::String | T::Duration),
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::Matches | Self::Split => {
                matches!(ty, T::Dyn | T::String)
            }
        }
    }

    /// What is wrong with the text of a literal argument; it can be known before anything runs.
    pub(super) fn literal_problem(self, at: usize, literal: &Value) -> Option<String> {
        let Value::String(text) = literal else { return None };
        match (self, at) {
            (Self::Timestamp | Self::Duration | Self::Int | Self::Double, 0) => {
                self.convert(&Value::String(text.clone())).err().map(|(_, message)| message)
            }
            (Self::Matches, 1) => regex(text).err(),
            _ => None,
        }
    }

    /// The value of the call.
    pub(super) fn apply(self, args: &[&Value]) -> Result<Value, (Fault, String)> {
        match args {
            [one] => self.convert(one),
            [Value::String(text), Value::String(other)] => {
                let answer = match self {
                    Self::StartsWith => text.starts_with(other.as_str()),
                    Self::EndsWith => text.ends_with(other.as_str()),
                    Self::Contains => text.contains(other.as_str()),
                    Self::Matches => regex(other).map_err(|e| (Fault::Text, e))?.is_match(text),
                    Self::Split if other.is_empty() => {
                        return Err((Fault::Text, "`split` needs something to split at".into()));
                    }
                    Self::Split => {
                        let parts = text.split(other.as_str());
                        return Ok(Value::List(parts.map(|p| Value::String(p.into())).collect()));
                    }
                    _ => return Err(self.refused(args[0])),
                };
                Ok(Value::Bool(answer))
            }
            _ => {
                let odd = args.iter().find(|v| v.as_str().is_none());
                Err(self.refused(odd.unwrap_or(&&Value::Null)))
            }
        }
    }

    fn refused(self, value: &Value) -> (Fault, String) {
        (Fault::Type, format!("`{}` does not take {}", self.name(), a(value.kind())))
    }

    fn convert(self, value: &Value) -> Result<Value, (Fault, String)> {
        use Value as V;
        let unreadable =
            |what: &str, text: &str| (Fault::Text, format!("{} is not {}", quoted(text), a(what)));
        let size = |n: usize| Ok(V::Int(i64::try_from(n).unwrap_or(i64::MAX)));
        match (self, value) {
            (Self::Size, V::String(text)) => size(text.chars().count()),
            (Self::Size, V::List(items)) => size(items.len()),
            (Self::Size, V::Map(map)) => size(map.len()),
            (Self::Int, V::Int(_))
            | (Self::Double, V::Float(_))
            | (Self::String, V::String(_))
            | (Self::Timestamp, V::Timestamp(_))
            | (Self::Duration, V::Duration(_)) => Ok(value.clone()),
            (Self::Int, V::Float(x)) => truncated(*x),
            (Self::Int, V::String(text)) => {
                text.parse().map(V::Int).map_err(|_| unreadable("integer", text))
            }
            (Self::Double, V::Int(i)) => Ok(V::Float(*i as f64)),
            (Self::Double, V::String(text)) => match text.parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(V::Float(x)),
                _ => Err(unreadable("number", text)),
            },
            (
                Self::String,
                V::Bool(_) | V::Int(_) | V::Float(_) | V::Timestamp(_) | V::Duration(_),
            ) => Ok(V::String(value.to_string())),
            (Self::Timestamp, V::String(text)) => timetext::parse_timestamp(text)
                .map(V::Timestamp)
                .map_err(|e| (Fault::Text, e.message)),
            (Self::Duration, V::String(text)) => {
                timetext::parse_span(text).map(V::Duration).map_err(|e| (Fault::Text, e.message))
            }
            _ => Err(self.refused(value)),
        }
    }
}

/// Toward zero.
fn truncated(x: f64) -> Result<Value, (Fault, String)> {
    let whole = x.trunc();
    // The bounds themselves: -2^63 is an i64, 2^63 is not.
    if whole >= i64::MIN as f64 && whole < -(i64::MIN as f64) {
        return Ok(Value::Int(whole as i64));
    }
    Err((Fault::Arithmetic, format!("{x} does not fit into a 64-bit integer")))
}

/// `true` when the pattern occurs in the text; anchors make it the whole.
fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build().map_err(|e| {
        // The library's message has several lines, of which the last says what is wrong.
        let reason = e.to_string();
        let last =
            reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("{} is not a regular expression: {last}", quoted(pattern))
    })
}

/// A text in a message: cut, its control characters made visible.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut: String = text.chars().take(LONGEST).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", cut.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"))
}

/// The exact sum or difference of lengths of time.
pub(super) fn span_sum(left: TimeDelta, right: TimeDelta, minus: bool) -> Option<TimeDelta> {
    if minus { left.checked_sub(&right) } else { left.checked_add(&right) }
}
