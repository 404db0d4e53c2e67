//! What can be made to go wrong on purpose, so that a newcomer meets it in safety first.

use std::fmt;
use std::str::FromStr;

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
