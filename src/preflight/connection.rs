//! What a lost connection would end. What a step runs leaves the console's session, so losing the terminal
//! is nothing to it; only a system that clears up after a log-out ends it all the same.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::getuid;
use tokio::process::Command;
use tokio::time::timeout;

use crate::engine::event::Check;

const LOGIND_ANSWERS: Duration = Duration::from_secs(2);

/// What this console hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// It came in over SSH.
    remote: bool,
    /// `tmux`, `screen` or `zellij` is in between and keeps the console itself.
    kept_by: Option<&'static str>,
    /// Where systemd keeps this process.
    place: Place,
    /// logind kills what is left of this user's sessions.
    kills: bool,
    /// The user's own services go on when he has logged out.
    lingers: bool,
}

/// Where systemd keeps a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In the log-in session.
    Session,
    /// Under the user's own manager.
    User,
    /// A service, a container, or no systemd.
    #[default]
    Elsewhere,
}

/// Looks at the environment of this process, and asks logind where its answer matters.
pub async fn connection() -> Connection {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let remote = ["SSH_CONNECTION", "SSH_TTY"].iter().any(is_set);
    let multiplexers = [("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij")];
    let kept_by = multiplexers.iter().find(|(name, _)| is_set(name)).map(|(_, program)| *program);
    let cgroup = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let place = place(&cgroup);
    let mut connection = Connection { remote, kept_by, place, ..Connection::default() };
    if remote && place != Place::Elsewhere {
        let user = getuid().as_raw().to_string();
        let manager =
            ["show-session", "-pKillUserProcesses", "-pKillOnlyUsers", "-pKillExcludeUsers"];
        let himself = ["show-user", &user];
        let (manager, of_user) = tokio::join!(logind(&manager), logind(&himself));
        connection.kills = kills(&manager, &value(&of_user, "Name"), user == "0");
        connection.lingers = value(&of_user, "Linger") == "yes";
    }
    connection
}

impl Connection {
    /// What a lost connection would end and how to prevent it; `None` when nothing that a step runs.
    #[must_use]
    pub fn risk(&self) -> Option<String> {
        if !self.remote {
            return None;
        }
        match (self.place, self.kills, self.lingers) {
            (Place::Session, true, _) => Some(
                "if this SSH connection breaks, logind ends what a step runs (KillUserProcesses=yes), tmux \
                 too: `loginctl enable-linger`, then `systemd-run --user --scope tmux`, and start there"
                    .into(),
            ),
            (Place::User, _, false) => Some(
                "if this SSH connection breaks and was your last session, systemd ends what a step runs: \
                 `loginctl enable-linger` first"
                    .into(),
            ),
            (Place::Session, false, _) | (Place::User, _, true) | (Place::Elsewhere, ..) => None,
        }
    }

    /// Whether there is a connection that could be lost.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    /// For preflight and `steady doctor`. It is advice: never in the way of a run.
    #[must_use]
    pub fn check(&self) -> Check {
        let detail = match (self.risk(), self.remote, self.kept_by) {
            (Some(risk), ..) => format!("at risk: {risk}"),
            (None, false, _) => {
                "on this machine: what a step runs goes on when the terminal closes".into()
            }
            (None, true, Some(program)) => {
                format!("over SSH, in {program}: what runs and this console outlive it")
            }
            (None, true, None) => {
                "over SSH: what a step runs outlives it, this console does not (`steady \
                                   resume` goes on); in tmux it would"
                    .into()
            }
        };
        Check { name: "connection".into(), ok: true, detail }
    }
}

/// From the lines of `/proc/self/cgroup`.
fn place(cgroup: &str) -> Place {
    // One group in another: the innermost unit is what counts, and the manager lies outside it.
    let mut parts = cgroup.lines().flat_map(|line| line.split('/'));
    let mut place = Place::Elsewhere;
    for part in &mut parts {
        if part.starts_with("session-") && part.ends_with(".scope") {
            place = Place::Session;
        } else if part.starts_with("user@") && part.ends_with(".service") {
            place = Place::User;
        }
    }
    place
}

/// Whether logind kills the processes of `user`: only some, and not some, may be named.
fn kills(manager: &str, user: &str, is_root: bool) -> bool {
    let named = |list: &str| list.split_whitespace().any(|name| name == user);
    let (only, not) = (value(manager, "KillOnlyUsers"), value(manager, "KillExcludeUsers"));
    // As logind does when nobody is named.
    let spared = if not.is_empty() { is_root } else { named(&not) };
    value(manager, "KillUserProcesses") == "yes" && !spared && (only.is_empty() || named(&only))
}

/// The value of `name=value` in a list of such lines.
fn value(lines: &str, name: &str) -> String {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
    lines.lines().find_map(value).unwrap_or_default()
}

/// What `loginctl` says; nothing when it is not there or does not answer.
async fn logind(args: &[&str]) -> String {
    let asked = Command::new("loginctl")
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(LOGIND_ANSWERS, asked).await {
        Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(Err(_)) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_with_a_connection_is_said_and_nothing_else() {
        use Place as P;
        let facts = |remote, kept_by, place, kills, lingers| Connection {
            remote,
            kept_by,
            place,
            kills,
            lingers,
        };
        for (connection, risk, says) in [
            (facts(false, None, P::Session, true, false), None, "on this machine"),
            (facts(true, None, P::Elsewhere, false, false), None, "`steady resume` goes on"),
            (facts(true, None, P::Session, false, false), None, "`steady resume` goes on"),
            (facts(true, Some("tmux"), P::Session, false, false), None, "in tmux"),
            (facts(true, None, P::Session, true, true), Some("systemd-run"), "at risk"),
            // tmux dies with the session like anything else that is in it.
            (
                facts(true, Some("tmux"), P::Session, true, false),
                Some("KillUserProcesses"),
                "at risk",
            ),
            (facts(true, Some("tmux"), P::User, false, false), Some("enable-linger"), "at risk"),
            (facts(true, Some("tmux"), P::User, true, true), None, "in tmux"),
        ] {
            match (connection.risk(), risk) {
                (None, None) => {}
                (Some(said), Some(part)) => assert!(said.contains(part), "{connection:?}: {said}"),
                other => panic!("{connection:?}: {other:?}"),
            }
            let check = connection.check();
            assert!(check.ok && check.detail.contains(says), "{connection:?}: {}", check.detail);
        }
    }

    #[test]
    fn where_systemd_keeps_a_process() {
        for (cgroup, there) in [
            ("0::/user.slice/user-1000.slice/session-3.scope\n", Place::Session),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-7.scope\n",
                Place::User,
            ),
            ("0::/system.slice/ssh.service\n", Place::Elsewhere),
            ("12:pids:/user.slice/user-0.slice/session-1.scope\n0::/\n", Place::Session),
            ("0::/\n", Place::Elsewhere),
            ("", Place::Elsewhere),
        ] {
            assert_eq!(place(cgroup), there, "{cgroup}");
        }
    }

    #[test]
    fn whom_logind_kills() {
        let manager = |yes: &str, only: &str, not: &str| {
            format!("KillUserProcesses={yes}\nKillOnlyUsers={only}\nKillExcludeUsers={not}\n")
        };
        for (manager, user, killed) in [
            (manager("yes", "", ""), "alice", true),
            (manager("yes", "", ""), "root", false),
            (manager("yes", "", "alice bob"), "alice", false),
            (manager("yes", "bob", ""), "alice", false),
            (manager("yes", "bob alice", "root"), "alice", true),
            (manager("no", "", ""), "alice", false),
            (String::new(), "alice", false),
        ] {
            assert_eq!(kills(&manager, user, user == "root"), killed, "{manager} {user}");
        }
    }
}
