//! A hook for crash tests: the supervisor dies where the environment says. Debug builds only.

/// Dies by SIGKILL when `STEADYHAND_FAILPOINT` is `supervisor:` and this name.
#[cfg(debug_assertions)]
pub(super) fn here(name: &str) {
    use rustix::process::{Signal, getpid, kill_process};

    let wanted = std::env::var("STEADYHAND_FAILPOINT").unwrap_or_default();
    if wanted.strip_prefix("supervisor:") == Some(name) {
        // Nothing after this line runs: that is the point.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(super) fn here(_name: &str) {}
