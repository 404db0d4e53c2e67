//! What can be made to go wrong on purpose, so that a newcomer meets it in safety first.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::Notify;

/// A trouble to practise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// What restores stays under way until it is cancelled; the second try works.
    RestoreStuck,
    /// The first call that changes something is refused; the second try works.
    AccessDenied,
    /// The console is killed in the middle of a step.
    ConsoleKilled,
    /// The environment is pinned to another target than the one that answers.
    WrongTarget,
}

impl Lesson {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::RestoreStuck, Self::AccessDenied, Self::ConsoleKilled, Self::WrongTarget];

    /// As `--fault` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RestoreStuck => "restore-stuck",
            Self::AccessDenied => "access-denied",
            Self::ConsoleKilled => "console-killed",
            Self::WrongTarget => "wrong-target",
        }
    }
}

impl FromStr for Lesson {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|lesson| lesson.name() == name)
            .ok_or_else(|| format!("one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl fmt::Display for Lesson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is told before [`Lesson::AccessDenied`] where AWS refuses.
pub(super) const NO_PERMISSION: &str = "AWS will refuse the first call that changes something, and say which \
    permission is missing. Enter opens the choices; r tries again, as if the permission had been given \
    meanwhile.";

/// What is told before [`Lesson::WrongTarget`] where AWS proves the target.
pub(super) const WRONG_ACCOUNT: &str = "The environment `staging`, which is chosen, is pinned to another AWS \
    account than the one that answers: the console will refuse to begin. Esc goes back to the form; choose \
    the environment `sandbox` there with the arrow keys.";

/// What kills the console, once a stand-in has begun what the runbook is about.
#[derive(Clone, Debug, Default)]
pub struct Blow(Arc<Notify>);

impl Blow {
    /// Lets it fall.
    pub fn strike(&self) {
        self.0.notify_one();
    }

    /// Waits until it falls.
    pub(super) async fn fallen(&self) {
        self.0.notified().await;
    }
}
