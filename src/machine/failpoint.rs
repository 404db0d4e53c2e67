//! A hook for crash tests: the process kills itself, or panics, where the environment says. Debug builds only.

/// Whether `STEADYHAND_FAILPOINT` is this name.
#[cfg(debug_assertions)]
#[must_use]
pub fn is(name: &str) -> bool {
    std::env::var("STEADYHAND_FAILPOINT").is_ok_and(|wanted| wanted == name)
}

/// Never, in a release build.
#[cfg(not(debug_assertions))]
#[must_use]
pub fn is(_name: &str) -> bool {
    false
}

/// Dies here, by SIGKILL, when this is its name.
pub fn here(name: &str) {
    if is(name) {
        die();
    }
}

/// Dies here, by SIGKILL.
pub fn die() {
    use rustix::process::{Signal, getpid, kill_process};

    // Nothing after this line runs: that is the point.
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Panics here when `STEADYHAND_FAILPOINT` is `panic:` and this name.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "that is the point")]
pub fn panic_here(name: &str) {
    if is(&format!("panic:{name}")) {
        panic!("{}", std::env::var("STEADYHAND_PANIC_TEXT").unwrap_or_default());
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub fn panic_here(_name: &str) {}
