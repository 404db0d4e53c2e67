//! `postgres.wait_ready`: until a server answers, or takes writes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::application_name;
use super::connection::Connection;
use super::trouble::{self, Nature, Trouble};
use crate::actions::{Action, Context, Finish, Progress};
use crate::runbook::{Request, Value};

const EVERY: Duration = Duration::from_secs(2);
const FOR: Duration = Duration::from_secs(600);

/// `postgres.wait_ready`.
pub struct WaitReady;

impl Action for WaitReady {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move { run(&cx, &request).await.unwrap_or_else(|e| Finish::failed(cx.redactor.clean(e))) }
            .boxed()
    }
}

/// What a server said of itself.
struct State {
    version: String,
    in_recovery: bool,
    replayed_to: Option<DateTime<Utc>>,
    system_identifier: String,
}

async fn run(cx: &Context, request: &Request) -> Result<Finish, String> {
    let connection = Connection::of(request, cx.secrets.as_ref())?;
    let primary = request.text("until") == Some("primary");
    let every = request.duration("every").unwrap_or(EVERY);
    let limit = request.duration("for").unwrap_or(FOR);
    let start = Instant::now();
    loop {
        let asked = tokio::select! {
            asked = ask(cx, &connection) => asked,
            () = cx.cancel.cancelled() => return Err(format!("stopped waiting for {connection}")),
        };
        let seen = match asked {
            Ok(state) if !(primary && state.in_recovery) => return Ok(ready(state, start)),
            Ok(state) => match state.replayed_to {
                Some(moment) => format!("{connection} is in recovery, replayed to {moment}"),
                None => format!("{connection} is in recovery"),
            },
            Err(Trouble { nature: Nature::Refused, message }) => return Err(message),
            Err(Trouble { nature: Nature::NotYet | Nature::Lost, message }) => message,
        };
        if start.elapsed() >= limit {
            let limit = humantime::format_duration(limit);
            return Err(format!("not ready after {limit}: {seen}"));
        }
        let message = cx.redactor.clean(seen);
        // A full channel is no reason to wait.
        drop(cx.progress.try_send(Progress::Status { message, fraction: None }));
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = cx.cancel.cancelled() => return Err(format!("stopped waiting for {connection}")),
        }
    }
}

fn ready(state: State, start: Instant) -> Finish {
    let role = if state.in_recovery { "standby" } else { "primary" };
    let waited = TimeDelta::from_std(start.elapsed()).unwrap_or(TimeDelta::MAX);
    Finish::succeeded(
        format!("PostgreSQL {} answers as {role}", state.version),
        Value::map([
            ("version", Value::String(state.version)),
            ("in_recovery", Value::Bool(state.in_recovery)),
            ("system_identifier", Value::String(state.system_identifier)),
            ("waited", Value::Duration(waited)),
        ]),
    )
}

async fn ask(cx: &Context, connection: &Connection) -> Result<State, Trouble> {
    let session = connection.open(&application_name(cx)).await?;
    let told = |error| trouble::running(connection, &error);
    let row = session
        .client
        .query_one(
            "SELECT current_setting('server_version'), pg_is_in_recovery(), \
             pg_last_xact_replay_timestamp()",
            &[],
        )
        .await
        .map_err(told)?;
    let version: String = row.try_get(0).map_err(told)?;
    Ok(State {
        // Debian appends its package's version in brackets.
        version: version.split(' ').next().unwrap_or_default().to_owned(),
        in_recovery: row.try_get(1).map_err(told)?,
        replayed_to: row.try_get(2).map_err(told)?,
        // A role without the right to read it waits all the same.
        system_identifier: session
            .text("SELECT system_identifier::text FROM pg_control_system()")
            .await
            .unwrap_or_default(),
    })
}
