//! Reading and completing a request's arguments.

use std::time::Duration;

use aws_sdk_rds::primitives::DateTime as AwsTime;
use chrono::{DateTime, Utc};

use super::thing::Target;
use crate::runbook::value::timestamp_text;
use crate::runbook::{Request, Resolved, Value};

const EVERY: Duration = Duration::from_secs(10);

/// The plain text of an argument that must be there.
pub(super) fn text<'a>(request: &'a Request, key: &str) -> Result<&'a str, String> {
    match request.text(key) {
        Some("") => Err(format!("`{key}` is empty: give a name")),
        Some(text) => Ok(text),
        None => Err(format!("`{key}` must be plain text, and no secret")),
    }
}

/// The plain text of an argument, to keep.
pub(super) fn own(request: &Request, key: &str) -> Option<String> {
    request.text(key).map(str::to_owned)
}

/// An integer that AWS takes.
pub(super) fn int(request: &Request, key: &str) -> Option<i32> {
    request.int(key).and_then(|it| i32::try_from(it).ok())
}

/// The pause between two looks.
pub(super) fn every(request: &Request) -> Duration {
    request.duration("every").unwrap_or(EVERY)
}

/// A list of text; empty when absent.
pub(super) fn texts(request: &Request, key: &str) -> Vec<String> {
    match request.arg(key) {
        Some(Resolved::Value(Value::List(items))) => {
            items.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        }
        Some(Resolved::List(items)) => items
            .iter()
            .filter_map(|it| match it {
                Resolved::Value(value) => value.as_str().map(str::to_owned),
                Resolved::Text(_) | Resolved::List(_) | Resolved::Map(_) | Resolved::Expr(_) => {
                    None
                }
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// [`texts`] where there are any.
pub(super) fn some_texts(request: &Request, key: &str) -> Option<Vec<String>> {
    Some(texts(request, key)).filter(|it| !it.is_empty())
}

/// A boolean that may be absent.
pub(super) fn flag(request: &Request, key: &str) -> Option<bool> {
    match request.value(key) {
        Some(Value::Bool(flag)) => Some(*flag),
        _ => None,
    }
}

/// The moment of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The end of the restorable window.
    Latest,
    /// This one.
    At(DateTime<Utc>),
}

/// Reads `to`.
pub(super) fn moment(request: &Request) -> Result<Moment, String> {
    let wrong = || {
        "`to` must be a moment with a zone, such as 2026-11-21T02:54:00Z, or `latest`".to_owned()
    };
    match request.value("to") {
        Some(Value::Timestamp(at)) => Ok(Moment::At(*at)),
        Some(Value::String(text)) if text == "latest" => Ok(Moment::Latest),
        Some(Value::String(text)) => DateTime::parse_from_rfc3339(text)
            .map(|at| Moment::At(at.to_utc()))
            .map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// A moment as the SDK has it.
pub(super) fn aws_time(at: DateTime<Utc>) -> AwsTime {
    AwsTime::from_secs_and_nanos(at.timestamp(), at.timestamp_subsec_nanos())
}

/// What a restore to a point in time is made from: source and moment.
pub(super) fn source_at(request: &Request) -> Result<String, String> {
    let source = text(request, "source")?;
    let target = text(request, "target")?;
    if source == target {
        return Err(format!(
            "`target` is {target}, the source itself: a restore makes a new one beside it"
        ));
    }
    let to = match moment(request)? {
        Moment::Latest => "latest".to_owned(),
        Moment::At(at) => timestamp_text(at),
    };
    Ok(format!("{source} at {to}"))
}

/// Without `original` to copy from, the network must be given: AWS's default is not where anybody
/// looks for it.
pub(super) fn reachable(request: &Request, original: &Target) -> Result<(), String> {
    if request.arg("subnet_group").is_some() && request.arg("security_groups").is_some() {
        return Ok(());
    }
    Err(format!(
        "the {original} that the snapshot was taken of is not here to copy the settings from: give \
         `like` with another one, or `subnet_group` and `security_groups`"
    ))
}

/// Gives `key` this value unless the runbook has.
pub(super) fn default(request: &mut Request, key: &str, value: Option<Value>) {
    if let (None, Some(value)) = (request.arg(key), value) {
        request.args.push((key.to_owned(), Resolved::Value(value)));
    }
}

/// [`default`] for text.
pub(super) fn default_text(request: &mut Request, key: &str, value: Option<&str>) {
    default(request, key, value.map(|it| Value::String(it.to_owned())));
}
