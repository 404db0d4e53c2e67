//! `http`: one request, or the same one until the answer is as expected.

mod answer;
mod ask;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout_at};

use super::output::OutputLog;
use super::{Action, Context, Finish, Found, Progress};
use crate::engine::Outcome;
use crate::runbook::value::duration_text;
use crate::runbook::{Effect, Request, Resolved, Value};
use answer::{Answer, Verdict};
use ask::{Ask, Lost};
pub use ask::{client, reach};

/// One try of a poll; a server that hangs is asked again.
const ONE_TRY: Duration = Duration::from_secs(30);

/// See the registry's entry.
pub(super) struct Http;

impl Action for Http {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        run(cx, request).boxed()
    }

    fn find(&self, _cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        let message = "the request may have been sent: look at the other side what became of it";
        std::future::ready(Found::CannotTell(message.into())).boxed()
    }
}

async fn run(cx: Context, request: Request) -> Finish {
    let ask = match Ask::new(&cx, &request) {
        Ok(ask) => ask,
        Err(message) => return Finish::failed(message),
    };
    let mut log = match OutputLog::open(&cx) {
        Ok(log) => log,
        Err(message) => return Finish::failed(message),
    };
    let limit = async {
        match cx.timeout {
            Some(limit) => sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let mut finish = tokio::select! {
        finish = work(&cx, &request, &ask, &mut log) => finish,
        () = cx.cancel.cancelled() => given_up(request.effect, "it was cancelled"),
        () = limit => given_up(request.effect, "it took longer than its timeout"),
    };
    finish.message = cx.redactor.clean(&finish.message).replace('\n', " ");
    log.line(&finish.message);
    finish.output = Some(log.finish());
    finish
}

/// It may have been sent: only what reads is certain to have changed nothing.
fn given_up(effect: Effect, why: &str) -> Finish {
    match effect {
        Effect::Reads => Finish::failed(why),
        Effect::Changes | Effect::Destroys => {
            Finish::unknown(format!("{why}; the server may have done it: look there"))
        }
    }
}

async fn work(cx: &Context, request: &Request, ask: &Ask, log: &mut OutputLog) -> Finish {
    let group = |name: &str| match request.arg(name) {
        Some(Resolved::Map(entries)) => entries.as_slice(),
        Some(_) | None => &[],
    };
    let Some((every, until)) = polling(group("poll")) else {
        return match ask.send(cx, log, group("expect")).await {
            Ok(answer) => {
                let verdict = answer.judge(group("expect"), cx.withhold);
                finish(cx, request.effect, &answer, verdict)
            }
            Err(lost) => not_answered(request.effect, lost),
        };
    };
    if request.effect != Effect::Reads {
        let why = "`poll` asks again and again: only a request that reads may";
        return Finish::failed(format!("not started: {why}"));
    }
    let deadline = Instant::now() + until;
    let mut tries = 0_u32;
    loop {
        tries += 1;
        let sent = ask.send(cx, log, group("expect"));
        let (last, why) = match timeout_at(deadline.min(Instant::now() + ONE_TRY), sent).await {
            Ok(Ok(answer)) => match answer.judge(group("expect"), cx.withhold) {
                Verdict::Good => return finish(cx, request.effect, &answer, Verdict::Good),
                Verdict::Bad(why) => (Some(answer), why),
            },
            Ok(Err(lost)) => (None, lost.message()),
            Err(_) => (None, "no answer in time".to_owned()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left < every {
            let why = format!(
                "not as expected after {} and {tries} tries: {why}",
                duration_text(chrono::TimeDelta::from_std(until).unwrap_or_default())
            );
            return match last {
                Some(answer) => finish(cx, request.effect, &answer, Verdict::Bad(why)),
                None => Finish::failed(why),
            };
        }
        let message = cx.redactor.clean(format!("try {tries}: {why}")).replace('\n', " ");
        log.line(&message);
        // A screen that is behind is no reason to wait.
        let _ = cx.progress.try_send(Progress::Status { message, fraction: None });
        sleep(every).await;
    }
}

/// `poll`: the pause and how long in all.
fn polling(poll: &[(String, Resolved)]) -> Option<(Duration, Duration)> {
    let length = |key: &str| {
        poll.iter().find_map(|(name, value)| match value {
            Resolved::Value(Value::Duration(length)) if name == key => length.to_std().ok(),
            _ => None,
        })
    };
    Some((length("every")?, length("for")?))
}

fn finish(cx: &Context, effect: Effect, answer: &Answer, verdict: Verdict) -> Finish {
    let (outcome, message) = match verdict {
        Verdict::Good => (Outcome::Succeeded, answer.summary()),
        // A proxy that lost the server cannot say what the server did.
        Verdict::Bad(why) if effect != Effect::Reads && matches!(answer.status, 502 | 504) => {
            (Outcome::Unknown, format!("{why}; the server behind the proxy may have done it"))
        }
        Verdict::Bad(why) => (Outcome::Failed, why),
    };
    Finish { outcome, message, result: answer.result(cx.withhold), output: None }
}

fn not_answered(effect: Effect, lost: Lost) -> Finish {
    match (lost, effect) {
        (Lost::NotSent(why), _) => Finish::failed(format!("not started: {why}")),
        (Lost::Sent(why), Effect::Reads) => Finish::failed(why),
        (Lost::Sent(why), Effect::Changes | Effect::Destroys) => {
            Finish::unknown(format!("{why}; the server may have done it: look there"))
        }
    }
}
