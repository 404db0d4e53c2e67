//! What the driver shows the screen, and what the screen may ask of the driver.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use super::door::Hearing;
use crate::engine::event::Pins;
use crate::engine::{AttemptId, Given, Input, Pace, Part, State};
use crate::runbook::{Effect, Request, StepId};

/// One snapshot of a run: the same for the console, `watch` and `--auto`.
#[derive(Clone, Debug)]
pub struct View {
    /// The fold of the journal.
    pub state: Arc<State>,
    /// How long the steps took in earlier runs.
    pub pace: Arc<Pace>,
    /// What would run if the operator consents, once it is known.
    pub prepared: Option<Arc<Prepared>>,
    /// What the driver is doing on its own, such as looking at the target; one line.
    pub busy: Option<String>,
    /// Something the operator should know now: a refusal, a warning.
    pub notice: Option<Notice>,
    /// What the attempt at work says of itself just now.
    pub status: Option<LiveStatus>,
    /// Lines of the attempt at work, or of the last one.
    pub output: Output,
    /// The journal's standing.
    pub journal: JournalStanding,
    /// The run directory.
    pub dir: PathBuf,
    /// Secrets that must be typed before the run can move.
    pub wants: Vec<String>,
    /// How those who approve can be heard.
    pub hearing: Hearing,
    /// Nobody can move the run from here.
    pub read_only: bool,
}

/// A request ready to be consented to.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The step.
    pub step: StepId,
    /// `do` or `undo`.
    pub part: Part,
    /// The request, or why it cannot be made.
    pub request: Result<Request, String>,
    /// SHA-256 of the masked request: goes back with the consent.
    pub digest: String,
    /// What it will do to the world.
    pub effect: Effect,
    /// The proven identity of the target, or why it could not be proven.
    pub target: Result<Pins, String>,
    /// What must be typed, when the guard asks for it.
    pub phrase: Option<String>,
    /// For `choose`: the options, and the one to highlight.
    pub options: Vec<String>,
    /// See `options`.
    pub default: Option<String>,
    /// Secrets that somebody must type first: until then nothing was asked of the target.
    pub wants: Vec<String>,
    /// In a rehearsal: what cannot be known of it there, a line each.
    pub rehearsed: Option<Vec<String>>,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveStatus {
    /// One line.
    pub message: String,
    /// Of 1, where it can be told.
    pub fraction: Option<f64>,
}

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Good to know.
    Info,
    /// Something was refused or is odd.
    Warning,
    /// The run cannot go on like this.
    Danger,
}

/// One line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How urgent.
    pub urgency: Urgency,
    /// What, where, and what to do.
    pub text: String,
    /// Counts up: tells a repeated notice from the one that is still there.
    pub number: u64,
}

/// Where the journal stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalStanding {
    /// Durable records.
    pub records: u64,
    /// SHA-256 of the last line, 64 hex digits.
    pub head: String,
    /// Why nothing can be written any more.
    pub halted: Option<String>,
}

/// The last lines of an attempt's output: a ring shared with the screen, which reads what it shows.
#[derive(Clone, Debug, Default)]
pub struct Output {
    ring: Arc<Mutex<Ring>>,
}

/// See [`Output`].
#[derive(Debug, Default)]
pub struct Ring {
    /// The attempt whose lines these are.
    pub attempt: Option<AttemptId>,
    /// The last [`Output::LINES`] lines.
    pub lines: VecDeque<String>,
    /// How many lines there have been.
    pub total: u64,
}

impl Output {
    /// How many lines are kept for the screen; the whole is on disk.
    pub const LINES: usize = 10_000;

    /// The lines, for as long as the guard is held: keep that short.
    pub fn read(&self) -> MutexGuard<'_, Ring> {
        // A reader that panicked has left the lines as they were.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the output of another attempt.
    pub fn begin(&self, attempt: &AttemptId) {
        *self.read() = Ring { attempt: Some(attempt.clone()), ..Ring::default() };
    }

    /// Adds a line.
    pub fn push(&self, line: String) {
        let mut ring = self.read();
        if ring.lines.len() == Self::LINES {
            ring.lines.pop_front();
        }
        ring.lines.push_back(line);
        ring.total += 1;
    }
}

/// What a console may ask of the driver.
#[derive(Clone, Debug)]
pub enum Command {
    /// Answer the guard of what is [`Prepared`].
    Consent {
        /// The step on screen.
        step: StepId,
        /// Its action on screen.
        part: Part,
        /// The request on screen.
        digest: String,
        /// What the operator did.
        given: Given,
    },
    /// Ask for the approval of what is [`Prepared`].
    AskApproval {
        /// The step on screen.
        step: StepId,
        /// The request on screen.
        digest: String,
    },
    /// A signature that was made elsewhere, as it was pasted.
    Signature {
        /// Armoured.
        armoured: String,
    },
    /// Show what a step's undo would run.
    PrepareUndo {
        /// The step.
        step: StepId,
    },
    /// Back from an undo that was only looked at.
    PrepareDo,
    /// Let the attempt at work fail, in a rehearsal.
    Fail,
    /// Look again what became of an attempt nobody knows the end of; changes nothing.
    LookAgain,
    /// Keep a file as evidence.
    AttachEvidence {
        /// The step it belongs to.
        step: Option<StepId>,
        /// The file to copy.
        path: PathBuf,
        /// What it shows.
        caption: String,
    },
    /// A secret, as a person typed it.
    Secret {
        /// The input it is for.
        input: String,
        /// The secret: held in memory alone.
        value: SecretString,
    },
    /// Give an input another value, as typed.
    Amend {
        /// Which.
        input: String,
        /// As typed.
        text: String,
        /// Why.
        reason: String,
    },
    /// Anything else the engine decides: answers, notes, skips, declarations, cancel, abort.
    Engine(Input),
    /// Let go of the run; it stays resumable.
    Leave {
        /// Why: left, lost terminal, signal.
        reason: String,
    },
}
