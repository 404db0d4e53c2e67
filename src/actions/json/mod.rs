//! `json.compare`: what differs between two JSON files.

mod compare;

use std::path::Path;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::output::OutputLog;
use super::{Action, Context, Finish};
use crate::runbook::{Request, Resolved, Value};
use compare::{Difference, Plan};

/// The longest file that is read.
const LONGEST: u64 = 64 * 1024 * 1024;

/// How many items a list of the result names; the output has them all.
const NAMED: usize = 100;

/// A plain value at the top of a document is repeated up to this length.
const PLAIN: usize = 256;

/// See the registry's entry.
pub(super) struct Compare;

impl Action for Compare {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            let cancel = cx.cancel.clone();
            let work = tokio::task::spawn_blocking(move || run(&cx, &request));
            tokio::select! {
                done = work => done.unwrap_or_else(|e| Finish::failed(format!("it broke off: {e}"))),
                () = cancel.cancelled() => Finish::failed("it was cancelled"),
            }
        }
        .boxed()
    }
}

fn run(cx: &Context, request: &Request) -> Finish {
    let mut log = match OutputLog::open(cx) {
        Ok(log) => log,
        Err(message) => return Finish::failed(message),
    };
    let mut finish = match compared(request) {
        Ok((have, want, difference)) => {
            for line in difference.lines() {
                log.line(line);
            }
            Finish::succeeded(difference.summary(), result(cx, &have, &want, &difference))
        }
        Err(message) => Finish::failed(message),
    };
    finish.message = cx.redactor.clean(&finish.message).replace('\n', " ");
    log.line(&finish.message);
    finish.output = Some(log.finish());
    finish
}

fn compared(request: &Request) -> Result<(Value, Value, Difference), String> {
    let document = |key: &str| read(Path::new(request.text(key).unwrap_or_default()));
    let (have, want) = (document("have")?, document("want")?);
    let plan = Plan {
        lists: lists(request.arg("lists")),
        ignore: lists(request.arg("ignore")),
        refers: refers(request)?,
    };
    let difference = plan.compare(&have, &want)?;
    Ok((have, want, difference))
}

fn read(path: &Path) -> Result<Value, String> {
    let name = path.display();
    let unreadable = |e: std::io::Error| format!("{name} cannot be read: {e}; check the path");
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LONGEST {
        return Err(format!("{name} is longer than {} MiB", LONGEST / 1024 / 1024));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let json = serde_json::from_slice(&bytes)
        .map_err(|e| format!("{name} is no JSON: {e}; take another file"))?;
    match Value::from_json(json) {
        document @ Value::Map(_) => Ok(document),
        other => Err(format!("{name} has no named lists at its top but: {}", other.kind())),
    }
}

/// `queues: [vhost, name]`
fn lists(arg: Option<&Resolved>) -> Vec<(String, Vec<String>)> {
    let Some(Resolved::Map(entries)) = arg else { return Vec::new() };
    let fields = |list: &Resolved| match list {
        Resolved::List(items) => items.iter().map(Resolved::shown).collect(),
        Resolved::Value(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Resolved::Value(_) | Resolved::Text(_) | Resolved::Map(_) | Resolved::Expr(_) => Vec::new(),
    };
    entries.iter().map(|(name, list)| (name.clone(), fields(list))).collect()
}

/// `queues.vhost: vhosts.name`
fn refers(request: &Request) -> Result<Vec<compare::Refers>, String> {
    let Some(Resolved::Map(entries)) = request.arg("refers") else { return Ok(Vec::new()) };
    let field = |text: &str| {
        let (list, field) = text.split_once('.').ok_or_else(|| {
            format!("`refers` has `{text}`, which is not list.field, such as queues.vhost")
        })?;
        Ok::<_, String>((list.to_owned(), field.to_owned()))
    };
    entries
        .iter()
        .map(|(from, to)| Ok(compare::Refers { from: field(from)?, to: field(&to.shown())? }))
        .collect()
}

fn result(cx: &Context, have: &Value, want: &Value, difference: &Difference) -> Value {
    let list = |items: &[String]| {
        let named = items.iter().take(NAMED);
        Value::List(named.map(|item| Value::String(cx.redactor.clean(item))).collect())
    };
    let count = |items: &[String]| Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX));
    Value::map([
        ("equal", Value::Bool(difference.is_equal())),
        ("same", Value::Int(i64::try_from(difference.same).unwrap_or(i64::MAX))),
        ("missing", list(&difference.missing)),
        ("missing_count", count(&difference.missing)),
        ("different", list(&difference.different)),
        ("different_count", count(&difference.different)),
        ("extra", list(&difference.extra)),
        ("extra_count", count(&difference.extra)),
        ("dangling", list(&difference.dangling)),
        ("have", plain(cx, have)),
        ("want", plain(cx, want)),
    ])
}

/// The values at the top of a document that are neither lists nor maps, nor long.
fn plain(cx: &Context, document: &Value) -> Value {
    let Value::Map(fields) = document else { return Value::Null };
    let plain = fields.iter().filter_map(|(name, value)| match value {
        Value::String(text) if text.len() <= PLAIN => {
            Some((name.clone(), Value::String(cx.redactor.clean(text))))
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Some((name.clone(), value.clone())),
        _ => None,
    });
    Value::map(plain)
}
