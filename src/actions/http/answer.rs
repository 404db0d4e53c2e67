//! The answer, and whether it is a good one.

use std::time::Instant;

use chrono::TimeDelta;
use reqwest::{Response, StatusCode};

use crate::actions::Context;
use crate::actions::output::OutputLog;
use crate::runbook::{Resolved, Value};

/// So much of a body is kept; it is also the longest that is read as JSON.
const BODY: usize = 64 * 1024;

/// A response whose body has ended. Its text has been through `ingest`.
pub(super) struct Answer {
    pub(super) status: u16,
    body: String,
    cut: bool,
    json: Value,
    headers: Value,
    duration: TimeDelta,
}

/// What `expect` makes of it.
pub(super) enum Verdict {
    /// As expected.
    Good,
    /// Not so: why.
    Bad(String),
}

impl Answer {
    pub(super) async fn read(
        cx: &Context,
        mut response: Response,
        begun: Instant,
        log: &mut OutputLog,
    ) -> reqwest::Result<Self> {
        let status = response.status();
        log.line(format!("answered {status}"));
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), Value::String(cx.redactor.clean(value.as_bytes())))
            })
            .collect();
        let (mut bytes, mut cut) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await? {
            log.bytes(&chunk);
            let room = BODY - bytes.len();
            cut |= chunk.len() > room;
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        log.line("");
        // An escape inside JSON may spell what must not be shown: clean both.
        let json = (!cut).then(|| serde_json::from_slice(&bytes).ok()).flatten();
        Ok(Self {
            status: status.as_u16(),
            body: cx.redactor.clean(&bytes),
            cut,
            json: json.map_or(Value::Null, |json| Value::from_json(cx.redactor.clean_json(json))),
            headers: Value::Map(headers),
            duration: TimeDelta::from_std(begun.elapsed()).unwrap_or_default(),
        })
    }

    /// Holds it against `expect`. Withheld, nothing that the server said is repeated.
    pub(super) fn judge(&self, expect: &[(String, Resolved)], withhold: bool) -> Verdict {
        let arg = |key: &str| expect.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let wanted = statuses(arg("status"));
        let good = match &wanted[..] {
            [] => (200..300).contains(&self.status),
            some => some.contains(&i64::from(self.status)),
        };
        if !good {
            let said = self.body.lines().map(str::trim).find(|line| !withhold && !line.is_empty());
            let said: String = said.unwrap_or_default().chars().take(200).collect();
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            let wanted =
                if wanted.is_empty() { "200 to 299".to_owned() } else { wanted.join(" or ") };
            let colon = if said.is_empty() { "" } else { ": " };
            return Verdict::Bad(format!("{}, expected {wanted}{colon}{said}", self.summary()));
        }
        let Some(Resolved::Expr(expr)) = arg("json") else { return Verdict::Good };
        let scope = Value::map([("result", self.result(false))]);
        let why = match expr.eval_bool(&scope) {
            Ok(true) => return Verdict::Good,
            Ok(false) if withhold => format!("`{}` does not hold", expr.source()),
            Ok(false) => format!("`{}` does not hold: {}", expr.source(), expr.explain(&scope)),
            Err(_) if withhold => format!("`{}` cannot be told", expr.source()),
            Err(e) => format!("`{}` cannot be told: {}", expr.source(), e.message),
        };
        let cut =
            if self.cut { " (the body is longer than 64 KiB and not read as JSON)" } else { "" };
        Verdict::Bad(format!("{}, but {why}{cut}", self.summary()))
    }

    /// `status 200 OK`.
    pub(super) fn summary(&self) -> String {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        format!("status {status}")
    }

    /// The registry's result fields; withheld, only what the server cannot have put a secret in.
    pub(super) fn result(&self, withhold: bool) -> Value {
        let kept = |value: Value| if withhold { Value::Null } else { value };
        Value::map([
            ("status", Value::Int(i64::from(self.status))),
            ("body", kept(Value::String(self.body.clone()))),
            ("json", kept(self.json.clone())),
            ("headers", kept(self.headers.clone())),
            ("duration", Value::Duration(self.duration)),
        ])
    }
}

fn statuses(arg: Option<&Resolved>) -> Vec<i64> {
    fn add(value: &Value, out: &mut Vec<i64>) {
        match value {
            Value::Int(status) => out.push(*status),
            Value::List(items) => items.iter().for_each(|item| add(item, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    match arg {
        Some(Resolved::Value(value)) => add(value, &mut out),
        Some(Resolved::List(items)) => {
            items.iter().for_each(|item| out.extend(statuses(Some(item))));
        }
        Some(Resolved::Text(_) | Resolved::Map(_) | Resolved::Expr(_)) | None => {}
    }
    out
}
