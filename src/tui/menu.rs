//! The menu of everything that changes the run.

/// Letter, name and what it does: for the menu, the list of keys and `docs/keys.md`.
#[must_use]
pub fn table() -> Vec<(char, &'static str, &'static str)> {
    Choice::ALL.iter().map(|choice| (choice.letter(), choice.name(), choice.help())).collect()
}

/// One entry of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Do it again.
    Retry,
    /// Evaluate the expectations again without doing it again.
    CheckAgain,
    /// Pass the step by.
    Skip,
    /// Say that it is done.
    MarkDone,
    /// Run its `undo`.
    Undo,
    /// Take the run back to the step that is looked at.
    RerunFrom,
    /// Give an input another value.
    Amend,
    /// Stop what is at work.
    Cancel,
    /// Say that the service is restored, or that it no longer is.
    Restored,
    /// Give up.
    Abort,
}

impl Choice {
    /// In the order of the menu.
    pub const ALL: [Self; 10] = [
        Self::Retry,
        Self::CheckAgain,
        Self::Skip,
        Self::MarkDone,
        Self::Undo,
        Self::RerunFrom,
        Self::Amend,
        Self::Cancel,
        Self::Restored,
        Self::Abort,
    ];

    /// The letter that takes it.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Retry => 'r',
            Self::CheckAgain => 'c',
            Self::Skip => 's',
            Self::MarkDone => 'd',
            Self::Undo => 'u',
            Self::RerunFrom => 'f',
            Self::Amend => 'a',
            Self::Cancel => 'x',
            Self::Restored => 'v',
            Self::Abort => 'b',
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::CheckAgain => "check again",
            Self::Skip => "skip",
            Self::MarkDone => "mark done",
            Self::Undo => "undo",
            Self::RerunFrom => "rerun from here",
            Self::Amend => "amend an input",
            Self::Cancel => "cancel",
            Self::Restored => "declare restored",
            Self::Abort => "abort the run",
        }
    }

    /// What it does.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Retry => "do the step again, with a fresh guard",
            Self::CheckAgain => "look again whether the expectations hold; nothing is done again",
            Self::Skip => "pass the step by; asks for the reason",
            Self::MarkDone => "it was done by hand; asks for the reason",
            Self::Undo => "take the newest done step back, with the guard of its effect",
            Self::RerunFrom => "take the run back to the step that is looked at",
            Self::Amend => "give an input another value",
            Self::Cancel => "stop what is at work",
            Self::Restored => "the service is restored, or no longer is",
            Self::Abort => "give up; what is left is printed as plain commands",
        }
    }
}
