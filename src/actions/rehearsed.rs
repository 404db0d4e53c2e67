//! What stands in for every action in a rehearsal: time passes, and nothing else happens.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Action, Context, Finish, Found, Progress};
use crate::runbook::{Request, Value};

/// How often the screen is told how far it is.
const TOLD: Duration = Duration::from_millis(250);

/// What is known of an attempt before it is rehearsed.
#[derive(Clone, Debug)]
pub struct Planned {
    /// How long a real one would take, and how that is known, such as `15m (its budget)`.
    pub said: String,
    /// How long it takes here.
    pub takes: Duration,
    /// What an earlier run saved there.
    pub saved: BTreeMap<String, Value>,
    /// That run.
    pub saved_by: Option<String>,
    /// Fires when the operator lets it fail.
    pub fail: CancellationToken,
}

/// See the module.
pub struct Rehearsed;

impl Action for Rehearsed {
    fn run(&self, cx: Context, _request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(pass(cx))
    }

    fn find(&self, _cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        let nothing = "a rehearsal executes nothing".to_owned();
        Box::pin(std::future::ready(Found::NotStarted(nothing)))
    }

    fn reattach(&self, cx: Context, _request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(pass(cx))
    }
}

async fn pass(cx: Context) -> Finish {
    let Some(planned) = cx.rehearsed else {
        return Finish::failed("nothing says how long it would take; nothing was executed");
    };
    let begun = Instant::now();
    let mut told = interval(TOLD);
    loop {
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Finish::failed("cancelled; nothing was executed"),
            () = planned.fail.cancelled() => {
                return Finish::failed("made to fail in a rehearsal; nothing was executed");
            }
            () = sleep_until(begun + planned.takes) => break,
            _ = told.tick() => {
                let share = begun.elapsed().as_secs_f64() / planned.takes.as_secs_f64().max(1e-9);
                let message = format!("rehearsed, nothing runs: {}", planned.said);
                let status = Progress::Status { message, fraction: Some(share.min(1.0)) };
                // A full channel is no reason to wait.
                let _ = cx.progress.try_send(status);
            }
        }
    }
    let saved = match &planned.saved_by {
        Some(run) if !planned.saved.is_empty() => format!("; saves what {run} saved"),
        Some(_) | None => String::new(),
    };
    let message = format!("rehearsed, nothing was executed; it would take {}{saved}", planned.said);
    Finish::succeeded(message, Value::Map(planned.saved))
}
