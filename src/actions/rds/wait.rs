//! Waiting: look, tell, pause, look again. Not to see is not to know: it never ends a wait.

use std::time::Duration;

use super::Rds;
use super::thing::{Target, Thing};
use super::work::Work;

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

/// Looks at `target` until `judge` has made up its mind.
pub(super) async fn wait(
    work: &mut Work,
    target: &Target,
    every: Duration,
    judge: impl Fn(&Thing) -> Verdict,
) -> End {
    watch(work, target, every, ABSENT_LOOKS, judge).await
}

/// Looks until there is nothing of that name any more.
pub(super) async fn wait_gone(work: &mut Work, target: &Target, every: Duration) -> End {
    watch(work, target, every, GONE_LOOKS, |_| Verdict::Going).await
}

async fn watch(
    work: &mut Work,
    target: &Target,
    every: Duration,
    absent_looks: u32,
    judge: impl Fn(&Thing) -> Verdict,
) -> End {
    let mut rds = Rds::connect(&work.cx.aws).await;
    let mut absent = 0;
    loop {
        let looked = tokio::select! {
            () = work.cx.cancel.cancelled() => return End::Cancelled,
            looked = rds.look(target) => looked,
        };
        match looked {
            Ok(Some(thing)) => {
                absent = 0;
                work.tell(thing.status(), thing.fraction());
                match judge(&thing) {
                    Verdict::Done => return End::Done(Box::new(thing)),
                    Verdict::Bad(why) => return End::Bad(why),
                    Verdict::Going => {}
                }
            }
            Ok(None) => {
                absent += 1;
                work.say("not found");
                if absent >= absent_looks {
                    return End::Absent;
                }
            }
            Err(failure) => {
                work.say(&format!("cannot see {target}, still waiting: {failure}"));
                // The operator may renew the credentials meanwhile: read them anew.
                rds = Rds::connect(&work.cx.aws).await;
            }
        }
        tokio::select! {
            () = work.cx.cancel.cancelled() => return End::Cancelled,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// The judge of everything that should become available.
pub(super) fn available(thing: &Thing) -> Verdict {
    let status = thing.status();
    let hopeless = ["incompatible-", "inaccessible-encryption-credentials", "insufficient-"];
    match status {
        // Storage is optimised for hours behind an instance that serves.
        "available" | "storage-optimization" => Verdict::Done,
        "failed" | "restore-error" | "storage-full" | "deleting" | "stopped" => Verdict::Bad(
            format!("its status is `{status}`: it will not become available by waiting"),
        ),
        _ if hopeless.iter().any(|prefix| status.starts_with(prefix)) => {
            Verdict::Bad(format!("its status is `{status}`: see its events in the RDS console"))
        }
        _ => Verdict::Going,
    }
}
