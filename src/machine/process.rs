//! What the kernel tells of a process in `/proc`. The system calls for the same would do, but for a group
//! or a session that began outside this PID namespace (`nsenter`, a build robot's sandbox): those are
//! number 0 here, which the safe wrappers of the calls hold to be impossible.

use std::fs;

/// Numbers of another namespace are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// The group in the foreground of its terminal; none without a terminal.
    foreground: Option<u32>,
    /// When it was started, in clock ticks since boot.
    pub started: u64,
}

impl Process {
    /// This process.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// None when there is no such process.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Whether its terminal is its to use: one in the background that changes it is stopped.
    #[must_use]
    pub fn is_foreground(self) -> bool {
        self.foreground == Some(self.group)
    }

    /// Whether both are known to be in one session.
    #[must_use]
    pub fn shares_session(self, other: Self) -> bool {
        self.session != 0 && self.session == other.session
    }
}

/// From a `stat` of `/proc`. Its second field is the program's name in parentheses and may hold blanks and
/// parentheses itself.
fn read(stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(2);
    let mut next = || fields.next();
    let (group, session) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (_terminal, foreground) = (next()?, next()?.parse().ok());
    Some(Process { group, session, foreground, started: fields.nth(13)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "4194304 100 0 1 0 0 0 0 0 20 0 1 0 3444250 2998272 381";

    #[test]
    fn fields_are_counted_after_the_name() {
        let shell = read(&format!("315 (a ) b) R 300 310 290 34816 310 {REST}")).unwrap();
        assert_eq!((shell.group, shell.session, shell.started), (310, 290, 3_444_250));
        assert!(shell.is_foreground());
        let daemon = read(&format!("315 (d) S 1 315 315 0 -1 {REST}")).unwrap();
        assert!(!daemon.is_foreground());
        assert_eq!(read("315 (d) S 1 315"), None);
        assert_eq!(Process::own(), Process::of(std::process::id()));
    }

    #[test]
    fn a_session_of_another_namespace_is_nobodys() {
        let stranger = read(&format!("315 (x) S 1 0 0 34816 0 {REST}")).unwrap();
        assert!(stranger.is_foreground() && !stranger.shares_session(stranger));
    }
}
