//! What a console, a worker or the clock brings to [`State::decide`](super::State::decide), and the
//! reasons for which it may be refused.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use super::event::{
    Anchored, AttemptId, ByHand, IssueFound, KnownBy, Occasion, Outcome, Output, Part, Pins,
    Resolution, ResolvedBy, RunStarted, SignedOff,
};
use crate::runbook::model::Milestone;
use crate::runbook::{StepId, Value};

/// What somebody or something wants to happen, or says has happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Begin the run.
    Start(Box<RunStarted>),
    /// A console opens it.
    Attach {
        /// Process id.
        pid: u32,
        /// The tool's version.
        tool: String,
    },
    /// The console lets go.
    Detach {
        /// Why.
        reason: String,
    },
    /// The target's pins were proven, for the run or right before a step acts.
    TargetVerified {
        /// The step that is about to act.
        step: Option<StepId>,
        /// What was proven.
        pins: Pins,
    },
    /// The operator types what a live run asks for before anything acts.
    Enter {
        /// As typed.
        typed: String,
    },
    /// The operator answers a guard.
    Consent {
        /// The step.
        step: StepId,
        /// `do` or `undo`.
        part: Part,
        /// What the operator did.
        given: Given,
        /// SHA-256 of the request that was on screen.
        digest: String,
    },
    /// The operator, or an `approve` step, asks for approval.
    AskApproval {
        /// The step.
        step: StepId,
        /// SHA-256 of the request that is on screen.
        digest: String,
        /// The proven identity of its target.
        target: Pins,
        /// The user id of this console.
        uid: u32,
        /// SHA-256 of the journal's last line.
        head: String,
    },
    /// Somebody approves.
    Approve {
        /// The record that asked.
        asked: u64,
        /// SHA-256 of the request that they saw.
        request: String,
        /// Who.
        approver: String,
        /// How that is known.
        known_by: KnownBy,
    },
    /// Somebody who was asked says no.
    Decline {
        /// The record that asked.
        asked: u64,
        /// SHA-256 of the request that they saw.
        request: String,
        /// Who.
        approver: String,
        /// How that is known.
        known_by: KnownBy,
        /// Why.
        reason: String,
    },
    /// Something was brought that is no approval of anything.
    NoApproval {
        /// Who brought it, as far as is known.
        approver: String,
        /// Why it is none.
        reason: String,
    },
    /// A reviewer says whether the run will do.
    SignOff(Box<SignedOff>),
    /// The driver is about to act on a consent, a retry or a probe.
    Intend {
        /// The step.
        step: StepId,
        /// Which of its actions.
        part: Part,
        /// The request, secrets masked.
        request: Json,
        /// SHA-256 of it.
        digest: String,
        /// The idempotency token.
        token: String,
    },
    /// The attempt has begun.
    Began {
        /// Which.
        attempt: AttemptId,
        /// Its process.
        pid: Option<u32>,
    },
    /// The attempt gets on.
    Progressed {
        /// Which.
        attempt: AttemptId,
        /// One line.
        message: String,
        /// Of 1.
        fraction: Option<f64>,
    },
    /// Stop the attempt that is at work.
    Cancel {
        /// Why.
        reason: String,
    },
    /// The attempt came out.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// As the action says.
        outcome: Outcome,
        /// One line.
        message: String,
        /// The action's result.
        result: Value,
        /// What it printed.
        output: Option<Output>,
    },
    /// The attempt was rehearsed: nothing was executed.
    Rehearsed {
        /// Which.
        attempt: AttemptId,
        /// Succeeded, or failed when it was told to.
        outcome: Outcome,
        /// One line.
        message: String,
        /// What an earlier run saved there.
        saved: BTreeMap<String, Value>,
    },
    /// The operator answers a `manual` or `choose` step.
    Answer {
        /// The option chosen, for `choose`.
        choice: Option<String>,
        /// Whether it could be done.
        done: bool,
        /// What the operator says about it.
        note: String,
    },
    /// What an unknown outcome turned out to be.
    Resolve {
        /// Which attempt.
        attempt: AttemptId,
        /// What it turned out to be.
        resolution: Resolution,
        /// Who says so.
        by: ResolvedBy,
        /// What was seen, or why.
        reason: String,
        /// Values that later steps need, when a person says that it succeeded.
        saved: BTreeMap<String, Value>,
    },
    /// Pass the step by.
    Skip {
        /// Which.
        step: StepId,
        /// Why, and what later steps need.
        by_hand: ByHand,
    },
    /// Mark the step done.
    Override {
        /// Which.
        step: StepId,
        /// Why, and what later steps need.
        by_hand: ByHand,
    },
    /// Take the run back to a step.
    Rerun {
        /// Which.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// Give an input another value.
    Amend {
        /// Which.
        input: String,
        /// The value, already checked against the input's type.
        value: Value,
        /// Why.
        reason: String,
    },
    /// Add a step the runbook lacked, before the current one.
    Insert {
        /// Its title.
        title: String,
        /// Its script.
        run: String,
        /// Why.
        reason: String,
    },
    /// Write something down.
    Note {
        /// At which step.
        step: Option<StepId>,
        /// The text.
        text: String,
    },
    /// Keep a file.
    Evidence {
        /// At which step.
        step: Option<StepId>,
        /// Below `evidence/`.
        file: String,
        /// Of its bytes.
        sha256: String,
        /// Length.
        bytes: u64,
        /// What it shows.
        caption: String,
    },
    /// Declare a milestone by hand.
    Declare {
        /// Which.
        milestone: Milestone,
        /// Why by hand.
        reason: String,
    },
    /// Take a milestone back.
    Withdraw {
        /// Which.
        milestone: Milestone,
        /// Why.
        reason: String,
    },
    /// Tell the start of the outage anew.
    AmendOutageStart {
        /// The new start.
        start: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Somebody has seen to the escalation that is due.
    Acknowledge {
        /// What came of it; may be empty.
        note: String,
    },
    /// The wall clock jumped.
    ClockStepped {
        /// Milliseconds forward.
        by_ms: i64,
    },
    /// The console got a signal.
    Signal {
        /// Its name.
        signal: String,
    },
    /// The last record was damaged and set aside.
    Recovered {
        /// How many bytes.
        bytes: u64,
        /// Their SHA-256.
        sha256: String,
        /// Where they are kept.
        kept_as: String,
    },
    /// Hold the run.
    Pause {
        /// Why.
        reason: String,
    },
    /// Go on.
    Continue,
    /// Give the run up.
    Abort {
        /// Why.
        reason: String,
    },
    /// A checkpoint was signed.
    Signed {
        /// The record up to which it vouches.
        checkpoint: u64,
        /// SHA-256 of that record's line.
        head: String,
        /// Below `checkpoints/`.
        file: String,
        /// SHA-256 of the signature's bytes.
        signature: String,
        /// The key's fingerprint.
        key: String,
    },
    /// A checkpoint could not be signed.
    NotSigned {
        /// The record up to which it would have vouched.
        checkpoint: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// Somebody found an issue.
    Issue {
        /// At which step.
        step: Option<StepId>,
        /// What, how grave, who sees to it and until when.
        issue: IssueFound,
    },
    /// Somebody learned something.
    Lesson {
        /// At which step.
        step: Option<StepId>,
        /// What.
        text: String,
    },
    /// The journal up to a record lies where the operator cannot change it.
    Anchored(Box<Anchored>),
    /// It could not be put there.
    NotAnchored {
        /// The record up to which it would have been held.
        anchor: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// A hook was told, or could not be.
    Notified {
        /// The hook's name.
        hook: String,
        /// The record it is about.
        about: u64,
        /// What that is.
        occasion: Occasion,
        /// Why it could not be told; `None`: it was.
        failure: Option<String>,
    },
    /// A report was written.
    Exported {
        /// Where.
        file: String,
        /// `md` or `json`.
        format: String,
        /// Of its bytes.
        sha256: String,
    },
}

/// What the operator did at a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Pressed `Enter`.
    Enter,
    /// Pressed `y` with the whole request on screen.
    Yes,
    /// Typed this.
    Typed(String),
    /// Typed what breaks the glass, and why.
    BreakGlass {
        /// What was typed.
        typed: String,
        /// Why the approver could not be waited for.
        reason: String,
    },
    /// Nobody is there: `--auto`.
    Auto {
        /// `--allow-destructive` was given.
        allow_destructive: bool,
    },
}

/// Why something may not happen now. Shown, never swallowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run has ended.
    #[error("the run is over; only notes, evidence and reports can be added")]
    Over,
    /// It must begin first, or has begun already.
    #[error("{0}")]
    Beginning(&'static str),
    /// No such step.
    #[error("there is no step `{0}`")]
    NoStep(StepId),
    /// No such attempt, or it is not at work.
    #[error("attempt {0} is not at work")]
    NotAtWork(String),
    /// Another step comes first.
    #[error("it is not this step's turn: `{0}` comes first")]
    NotItsTurn(StepId),
    /// Something is at work.
    #[error("attempt {0} is at work; wait for it or cancel it first")]
    Busy(String),
    /// An outcome is unknown.
    #[error("nobody knows how attempt {0} came out; decide that first")]
    Unknown(String),
    /// The run is paused.
    #[error("the run is paused; continue it first")]
    Paused,
    /// The guard wants something else.
    #[error("{0}")]
    Guard(String),
    /// The request is not the one that was consented to.
    #[error("the request is no longer the one that was shown; look at it again")]
    Changed,
    /// A reason is missing.
    #[error("a reason is needed: the record must say why")]
    NoReason,
    /// Later steps need values.
    #[error("later steps need a value for {0}")]
    NeedsValues(String),
    /// There is nothing to do that with.
    #[error("{0}")]
    Nothing(String),
    /// An expression or template could not be evaluated.
    #[error("{0}")]
    Expression(String),
    /// What vouches for the consent is not signed.
    #[error("{0}")]
    NotSigned(String),
    /// Said too recently.
    #[error("progress is recorded once in ten seconds")]
    TooSoon,
}
