//! Waiting: look, tell, pause, look again. Not to see is not to know: it never ends a wait.

use std::time::Duration;

use chrono::Utc;

use super::Rds;
use super::thing::{Target, Thing};
use crate::actions::{Context, Progress};

/// "Not found" right after a call proves nothing: so many looks in a row must agree.
const ABSENT_LOOKS: u32 = 5;
/// Once AWS has said that it deletes something, "not found" is the answer.
const GONE_LOOKS: u32 = 1;

/// What one look means.
pub(super) enum Verdict {
    /// It is as it should be.
    Done,
    /// Not yet.
    Going,
    /// It will never be; this is why.
    Bad(String),
}

/// How a wait ended.
pub(super) enum End {
    /// As it should, with what was seen last.
    Done(Box<Thing>),
    /// It will never be; this is why.
    Bad(String),
    /// There is nothing of that name.
    Absent,
    /// The operator or the timeout ended it.
    Cancelled,
}

/// Tells the operator, with the time of day.
pub(super) fn say(cx: &Context, text: &str) {
    let line = format!("{} {text}", Utc::now().format("%H:%M:%SZ"));
    // A full channel is no reason to wait: the next look tells more.
    let _ = cx.progress.try_send(Progress::Line(cx.redactor.clean(&line)));
    let message = cx.redactor.clean(text);
    let _ = cx.progress.try_send(Progress::Status { message, fraction: None });
}

/// Looks at `target` until `judge` has made up its mind.
pub(super) async fn wait(
    cx: &Context,
    target: &Target,
    every: Duration,
    judge: impl Fn(&Thing) -> Verdict,
) -> End {
    watch(cx, target, every, ABSENT_LOOKS, judge).await
}

/// Looks until there is nothing of that name any more.
pub(super) async fn wait_gone(cx: &Context, target: &Target, every: Duration) -> End {
    watch(cx, target, every, GONE_LOOKS, |_| Verdict::Going).await
}

async fn watch(
    cx: &Context,
    target: &Target,
    every: Duration,
    absent_looks: u32,
    judge: impl Fn(&Thing) -> Verdict,
) -> End {
    let mut rds = Rds::connect(&cx.aws).await;
    let mut absent = 0;
    loop {
        let looked = tokio::select! {
            () = cx.cancel.cancelled() => return End::Cancelled,
            looked = rds.look(target) => looked,
        };
        match looked {
            Ok(Some(thing)) => {
                absent = 0;
                say(cx, thing.status());
                match judge(&thing) {
                    Verdict::Done => return End::Done(Box::new(thing)),
                    Verdict::Bad(why) => return End::Bad(why),
                    Verdict::Going => {}
                }
            }
            Ok(None) => {
                absent += 1;
                say(cx, "not found");
                if absent >= absent_looks {
                    return End::Absent;
                }
            }
            Err(failure) => {
                say(cx, &format!("cannot see {target}, still waiting: {failure}"));
                // The operator may renew the credentials meanwhile: read them anew.
                rds = Rds::connect(&cx.aws).await;
            }
        }
        tokio::select! {
            () = cx.cancel.cancelled() => return End::Cancelled,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// The judge of everything that should become available.
pub(super) fn available(thing: &Thing) -> Verdict {
    let status = thing.status();
    let hopeless = ["incompatible-", "inaccessible-encryption-credentials", "insufficient-"];
    match status {
        "available" => Verdict::Done,
        "failed" | "restore-error" | "storage-full" | "deleting" | "stopped" => Verdict::Bad(
            format!("its status is `{status}`: it will not become available by waiting"),
        ),
        _ if hopeless.iter().any(|prefix| status.starts_with(prefix)) => {
            Verdict::Bad(format!("its status is `{status}`: see its events in the RDS console"))
        }
        _ => Verdict::Going,
    }
}
