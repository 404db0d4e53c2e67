//! A hook for crash tests: the process kills itself right after a record is durable. Debug builds only.

use crate::engine::Recorded;

/// `record:17` (that record), or `fact:attempt_started:restore` (the first such fact of that step).
#[cfg(debug_assertions)]
const VARIABLE: &str = "STEADYHAND_FAILPOINT";

/// Whether the console dies as soon as this record is durable.
#[cfg(debug_assertions)]
pub(super) fn is_at(recorded: &Recorded) -> bool {
    use crate::engine::Subject;

    let Ok(wanted) = std::env::var(VARIABLE) else { return false };
    let step = match &recorded.event.of {
        Subject::Run => "",
        Subject::Step(step) => step,
        Subject::Attempt(id) => &id.step,
    };
    let fact = serde_json::to_value(&recorded.event.fact).unwrap_or_default();
    let kind = fact.get("type").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned();
    wanted == format!("record:{}", recorded.seq) || wanted == format!("fact:{kind}:{step}")
}

/// Never, in a release build.
#[cfg(not(debug_assertions))]
pub(super) fn is_at(_recorded: &Recorded) -> bool {
    false
}

/// Dies here, by SIGKILL.
pub(super) fn die() {
    use rustix::process::{Signal, getpid, kill_process};

    // Nothing after this line runs: that is the point.
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Panics here when the environment says `panic:` and this name.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "that is the point")]
pub fn panic_here(name: &str) {
    if std::env::var(VARIABLE).is_ok_and(|wanted| wanted.strip_prefix("panic:") == Some(name)) {
        panic!("{}", std::env::var("STEADYHAND_PANIC_TEXT").unwrap_or_default());
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub fn panic_here(_name: &str) {}
