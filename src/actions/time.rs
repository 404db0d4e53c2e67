//! `wait`.

use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::sleep;

use super::{Action, Context, Finish, Progress};
use crate::runbook::value::duration_text;
use crate::runbook::{Request, Value};

/// How often the clocks are looked at: what is slept must be short, since a sleeping machine stops the
/// timer but not the time.
const LOOK: Duration = Duration::from_secs(1);

/// Waits for a length of time, or until a moment.
pub(super) struct Wait;

impl Action for Wait {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(wait(cx, request))
    }
}

async fn wait(cx: Context, request: Request) -> Finish {
    let length = request.duration("for");
    let until = match request.value("until") {
        Some(Value::Timestamp(moment)) => Some(*moment),
        Some(_) | None => None,
    };
    let begun = boot_clock();
    loop {
        let by_length =
            length.map(|length| length.saturating_sub(boot_clock().saturating_sub(begun)));
        let by_moment = until.map(|moment| (moment - Utc::now()).to_std().unwrap_or_default());
        let Some(left) = by_length.or(by_moment) else {
            return Finish::failed("nothing to wait for: give `for` or `until`");
        };
        if left.is_zero() {
            return Finish::succeeded("waited", Value::map::<String>([]));
        }
        let whole =
            chrono::TimeDelta::seconds(i64::try_from(left.as_secs() + 1).unwrap_or(i64::MAX));
        let message = format!("{} left", duration_text(whole));
        // The screen may be busy: it sees the next one.
        let _ = cx.progress.try_send(Progress::Status { message, fraction: None });
        tokio::select! {
            () = sleep(left.min(LOOK)) => {}
            () = cx.cancel.cancelled() => return Finish::failed("the wait was cancelled"),
        }
    }
}

/// Time since the machine was started, its sleep included.
fn boot_clock() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}
