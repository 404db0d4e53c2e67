//! The answer, and whether it is a good one.

use std::time::Instant;

use chrono::TimeDelta;
use reqwest::{Response, StatusCode};

use crate::actions::new_file::{Landed, NewFile};
use crate::actions::output::OutputLog;
use crate::actions::{Context, Progress};
use crate::engine::event::Part;
use crate::runbook::{Resolved, Value};

/// So much of a body is kept as text.
const BODY: usize = 64 * 1024;

/// The longest body that is read as JSON. What a probe answers goes to the journal whole: there it is [`BODY`].
const JSON: usize = 8 * 1024 * 1024;

/// A response whose body has ended. Its text has been through `ingest`.
pub(super) struct Answer {
    pub(super) status: u16,
    body: String,
    cut: bool,
    json: Value,
    headers: Value,
    duration: TimeDelta,
    landed: Option<Landed>,
}

/// Why a body could not be taken in.
pub(super) enum Broken {
    /// The connection.
    Connection(reqwest::Error),
    /// The file it should go to; one line.
    File(String),
}

/// What `expect` makes of it.
pub(super) enum Verdict {
    /// As expected.
    Good,
    /// Not so: why.
    Bad(String),
}

impl Answer {
    /// Reads the body: into `file`, or to be looked at.
    pub(super) async fn read(
        cx: &Context,
        response: Response,
        begun: Instant,
        log: &mut OutputLog,
        file: Option<NewFile>,
    ) -> Result<Self, Broken> {
        let status = response.status();
        log.line(format!("answered {status}"));
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), Value::String(cx.redactor.clean(value.as_bytes())))
            })
            .collect();
        let (bytes, cut, landed) = match file {
            Some(file) => (Vec::new(), false, Some(keep(cx, response, log, file).await?)),
            None => {
                let (bytes, cut) = look(cx, response, log).await.map_err(Broken::Connection)?;
                (bytes, cut, None)
            }
        };
        // An escape inside JSON may spell what must not be shown: clean both.
        let json = (!cut).then(|| serde_json::from_slice(&bytes).ok()).flatten();
        Ok(Self {
            status: status.as_u16(),
            body: cx.redactor.clean(&bytes[..bytes.len().min(BODY)]),
            cut,
            json: json.map_or(Value::Null, |json| Value::from_json(cx.redactor.clean_json(json))),
            headers: Value::Map(headers),
            duration: TimeDelta::from_std(begun.elapsed()).unwrap_or_default(),
            landed,
        })
    }

    /// Holds it against `expect`. Withheld, nothing that the server said is repeated.
    pub(super) fn judge(&self, expect: &[(String, Resolved)], withhold: bool) -> Verdict {
        let arg = |key: &str| expect.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        if !is_expected(self.status, expect) {
            let wanted = statuses(arg("status"));
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
        let cut = if self.cut { " (the body is too long to be read as JSON)" } else { "" };
        Verdict::Bad(format!("{}, but {why}{cut}", self.summary()))
    }

    /// `status 200 OK`, and where the body is.
    pub(super) fn summary(&self) -> String {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        match &self.landed {
            None => format!("status {status}"),
            Some(landed) => {
                let (bytes, path) = (landed.bytes, landed.path.display());
                format!("status {status}; {bytes} bytes in {path}, SHA-256 {}", landed.sha256)
            }
        }
    }

    /// The registry's result fields; withheld, only what the server cannot have put a secret in.
    pub(super) fn result(&self, withhold: bool) -> Value {
        let kept = |value: Value| if withhold { Value::Null } else { value };
        let mut fields = vec![
            ("status", Value::Int(i64::from(self.status))),
            ("body", kept(Value::String(self.body.clone()))),
            ("json", kept(self.json.clone())),
            ("headers", kept(self.headers.clone())),
            ("duration", Value::Duration(self.duration)),
        ];
        if let Some(landed) = &self.landed {
            fields.extend([
                ("path", Value::String(landed.path.display().to_string())),
                ("bytes", Value::Int(i64::try_from(landed.bytes).unwrap_or(i64::MAX))),
                ("sha256", Value::String(landed.sha256.clone())),
            ]);
        }
        Value::map(fields)
    }
}

/// The body as it is shown and kept, and whether there was more than can be read as JSON.
async fn look(
    cx: &Context,
    mut response: Response,
    log: &mut OutputLog,
) -> reqwest::Result<(Vec<u8>, bool)> {
    let most = if cx.attempt.of == Part::Probe { BODY } else { JSON };
    let (mut bytes, mut cut) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await? {
        log.bytes(&chunk);
        let room = most - bytes.len();
        cut |= chunk.len() > room;
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    log.line("");
    Ok((bytes, cut))
}

/// The body in a file: it may hold secrets that are not this run's, and is shown nowhere.
async fn keep(
    cx: &Context,
    mut response: Response,
    log: &mut OutputLog,
    mut file: NewFile,
) -> Result<Landed, Broken> {
    let whole = response.content_length().filter(|whole| *whole > 0);
    while let Some(chunk) = response.chunk().await.map_err(Broken::Connection)? {
        file.write(&chunk).await.map_err(Broken::File)?;
        let fraction = whole.map(|whole| file.bytes() as f64 / whole as f64);
        let message = format!("{} KiB", file.bytes() / 1024);
        // A screen that is behind is no reason to wait.
        let _ = cx.progress.try_send(Progress::Status { message, fraction });
    }
    let landed = file.finish().await.map_err(Broken::File)?;
    log.line(format!("{} bytes in {}", landed.bytes, landed.path.display()));
    Ok(landed)
}

/// Whether `expect` wants this status.
pub(super) fn is_expected(status: u16, expect: &[(String, Resolved)]) -> bool {
    let wanted = expect.iter().find(|(name, _)| name == "status").map(|(_, value)| value);
    match &statuses(wanted)[..] {
        [] => (200..300).contains(&status),
        some => some.contains(&i64::from(status)),
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
