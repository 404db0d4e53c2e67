//! The facts a journal holds. An [`Event`] says what happened to what; [`Recorded`] adds when, by whom
//! and its place in the order. DESIGN section 6 names the record types; a fact's name in snake case is
//! the record's `type`, its fields are the record's `body`.

mod approvals;
mod archive;
mod debrief;
mod started;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use crate::runbook::model::Mode;
use crate::runbook::{Milestone, StepId, Value};
pub use approvals::{ApprovalGranted, ApprovalRequested, Decision, KnownBy, SignedOff};
pub use archive::{Anchored, Archived, Kept, Occasion};
pub use debrief::{IssueFound, Severity};
pub use started::{Accepted, Previous, RunStarted, Seen, Signing};

/// When something was recorded: the wall clock for people, the boot clock for arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Wall clock, UTC.
    pub at: DateTime<Utc>,
    /// The kernel's boot id: readings of `mono` compare only within one.
    pub boot: String,
    /// `CLOCK_BOOTTIME`, nanoseconds; goes on while the machine sleeps.
    pub mono: u64,
}

/// One record of the journal, without its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// From 1, without gaps: the order of things, never the timestamp.
    pub seq: u64,
    /// When it was written.
    pub stamp: Stamp,
    /// `alice@bastion-1`.
    pub by: String,
    /// What happened.
    pub event: Event,
}

/// What happened, and to what.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The run, a step or an attempt.
    pub of: Subject,
    /// The fact.
    pub fact: Fact,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The whole run.
    Run,
    /// A step.
    Step(StepId),
    /// One attempt of a step.
    Attempt(AttemptId),
}

/// One try of a step's `do`, `undo` or `probe`; written `restore.2` in file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The step.
    pub step: StepId,
    /// From 1; counted over `do`, `undo` and `probe` together, so that a number is never used twice.
    pub number: u32,
    /// Which of the step's actions.
    pub of: Part,
}

/// Which of a step's actions an attempt runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `do`
    Do,
    /// `undo`
    Undo,
    /// `probe`
    Probe,
}

/// How a step, or an attempt, came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did what it should and every expectation held.
    Succeeded,
    /// It did not.
    Failed,
    /// Nobody knows yet.
    Unknown,
    /// The operator passed it by.
    Skipped,
    /// `when` was false.
    NotApplicable,
    /// The operator marked it done.
    Overridden,
}

/// How a guard was satisfied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Consent {
    /// `Enter`: the step has no guard.
    Enter,
    /// The request was shown whole, then `y`.
    Confirmed,
    /// The phrase was typed.
    Typed {
        /// What was typed.
        phrase: String,
    },
    /// `--auto` satisfied it.
    Auto,
    /// The approval was asked for, and the operator went on without it.
    BreakGlass {
        /// What was typed.
        phrase: String,
        /// Why the approver could not be waited for.
        reason: String,
    },
}

/// What an unknown outcome turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The attempt did its work.
    Succeeded,
    /// It failed, having perhaps changed something.
    Failed,
    /// It certainly never started, or only read: it may be tried again.
    NotDone,
    /// It is still at work and is being waited for.
    Running,
}

/// Who or what resolved an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// A person, with a reason.
    Operator,
    /// The step's `probe`.
    Probe,
    /// The action found what it had started.
    Reattach,
    /// The attempt changed nothing: it only read, or was only rehearsed.
    Reads,
}

/// A proven identity of what a run acts on, such as `aws.account = 123456789012`.
pub type Pins = BTreeMap<String, String>;

/// One expectation and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// The expression's source.
    pub expr: String,
    /// Whether it held.
    pub held: bool,
    /// The values it compared, or why it could not be evaluated.
    pub seen: String,
}

/// The facts. One variant a record type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
pub enum Fact {
    /// The run exists.
    RunStarted(Box<RunStarted>),
    /// A console opened the run; every attempt intended before it that has not finished is UNKNOWN.
    ConsoleAttached {
        /// Process id.
        pid: u32,
        /// The tool's version.
        tool: String,
    },
    /// A console let go of the run.
    ConsoleDetached {
        /// Why: left, lost terminal, signal.
        reason: String,
    },
    /// An input was given another value.
    InputAmended {
        /// The input.
        input: String,
        /// The new value.
        value: Value,
        /// Why.
        reason: String,
    },
    /// What preflight found.
    Preflight {
        /// One line a check.
        checks: Vec<Check>,
        /// A live run may go on in spite of failures; this says why.
        overridden: Option<String>,
    },
    /// The pins were checked against the world.
    TargetVerified {
        /// What was proven.
        pins: Pins,
    },
    /// The operator did what the guard asks; of the run: what a live one asks for before anything acts.
    GuardSatisfied {
        /// Which action it is for.
        part: Part,
        /// How.
        #[serde(flatten)]
        consent: Consent,
        /// SHA-256 of the request that was on screen: another request voids the consent. Empty when it is
        /// the run's.
        request: String,
    },
    /// The guard was not satisfied.
    GuardRefused {
        /// Which action it was for.
        part: Part,
        /// Why, such as the wrong phrase.
        reason: String,
    },
    /// Somebody else is asked to approve.
    ApprovalRequested(Box<ApprovalRequested>),
    /// Somebody who may has approved.
    ApprovalGranted(Box<ApprovalGranted>),
    /// Somebody has declined, or what was brought is no approval.
    ApprovalRefused {
        /// The record that asked.
        asked: Option<u64>,
        /// Who.
        approver: String,
        /// Why.
        reason: String,
        /// Somebody who may approve said no. Otherwise the request goes on waiting.
        declined: bool,
    },
    /// About to act. Durable before anything happens.
    AttemptIntended {
        /// The request, secrets masked.
        request: Json,
        /// SHA-256 of that.
        digest: String,
        /// Sent along where the other side can recognise a repeat.
        token: String,
    },
    /// It has begun.
    AttemptStarted {
        /// The supervised child, when there is one.
        pid: Option<u32>,
    },
    /// It is getting on; at most one in ten seconds.
    AttemptProgress {
        /// One line.
        message: String,
        /// Of 1, where it can be told.
        fraction: Option<f64>,
    },
    /// Somebody, or the timeout, wants it to stop.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// The console got a signal.
    SignalReceived {
        /// Its name.
        signal: String,
    },
    /// It came out.
    AttemptFinished(Box<AttemptFinished>),
    /// What an unknown outcome turned out to be.
    UnknownResolved(Box<UnknownResolved>),
    /// The operator passed a step by.
    StepSkipped(ByHand),
    /// A step's `when` was false.
    StepNotApplicable {
        /// The expression.
        when: String,
    },
    /// The operator marked a step done.
    StepOverridden(ByHand),
    /// A step that the runbook lacked.
    StepInserted {
        /// Its title.
        title: String,
        /// Its script.
        run: String,
        /// Goes before this step.
        before: Option<StepId>,
        /// Why.
        reason: String,
    },
    /// The run was taken back to a step; it and the later ones are stale.
    RerunRequested {
        /// Why.
        reason: String,
    },
    /// A person wrote something down.
    NoteAdded {
        /// The text.
        text: String,
    },
    /// A file was kept as evidence.
    EvidenceAttached {
        /// Below `evidence/`.
        file: String,
        /// Of its bytes.
        sha256: String,
        /// Length in bytes.
        bytes: u64,
        /// What it shows.
        caption: String,
    },
    /// A milestone was reached.
    MilestoneReached {
        /// Which.
        milestone: Milestone,
        /// `None`: declared by the step; otherwise by a person, who says why.
        reason: Option<String>,
    },
    /// A milestone no longer holds.
    MilestoneWithdrawn {
        /// Which.
        milestone: Milestone,
        /// Why.
        reason: String,
    },
    /// An objective can no longer be met.
    ObjectiveBreached {
        /// `rto` or `rpo`.
        objective: Objective,
        /// The target.
        target_s: i64,
        /// What it was at the time.
        actual_s: i64,
    },
    /// The wall clock jumped against the boot clock.
    ClockStep {
        /// Milliseconds forward; negative is backward.
        by_ms: i64,
    },
    /// The start of the outage was told anew.
    OutageStartAmended {
        /// The new start.
        start: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// The time of one of the runbook's escalation lines has come.
    EscalationDue {
        /// Seconds after the outage's start.
        after_s: i64,
        /// Who is to be called.
        to: String,
        /// How.
        contact: String,
    },
    /// Somebody has seen to an escalation.
    EscalationAcknowledged {
        /// Who was to be called.
        to: String,
        /// What came of it; may be empty.
        note: String,
    },
    /// The last record of an earlier console was damaged and set aside.
    Recovery {
        /// How many bytes were set aside.
        bytes: u64,
        /// Their SHA-256.
        sha256: String,
        /// The file they were put in.
        kept_as: String,
    },
    /// The operator paused; the clock did not.
    RunPaused {
        /// Why.
        reason: String,
    },
    /// The operator went on.
    RunContinued {},
    /// No more steps will run.
    RunFinished {
        /// How it ended.
        ending: Ending,
        /// Why, when aborted.
        reason: Option<String>,
    },
    /// A checkpoint of the journal was signed with the operator's key.
    CheckpointSigned {
        /// The record up to which it vouches.
        checkpoint: u64,
        /// SHA-256 of that record's line.
        head: String,
        /// Below `checkpoints/`; the signature lies beside it, with `.sig` at its end.
        file: String,
        /// SHA-256 of the signature's bytes.
        signature: String,
        /// The key's fingerprint, as `ssh-keygen -l` prints it.
        key: String,
    },
    /// A checkpoint that the settings ask for could not be signed.
    CheckpointFailed {
        /// The record up to which it would have vouched.
        checkpoint: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// Somebody found an issue that must be seen to.
    IssueFound(IssueFound),
    /// Somebody learned something from the run.
    LessonLearned {
        /// What.
        text: String,
    },
    /// The journal up to an earlier record is held where the operator cannot change it.
    Anchored(Box<Anchored>),
    /// It could not be put there. The run goes on.
    AnchorFailed {
        /// The record up to which it would have been held.
        anchor: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// A hook of the settings was told of the run.
    NotificationSent {
        /// The hook's name; never its address.
        hook: String,
        /// The record it was told of.
        about: u64,
        /// What that is.
        occasion: Occasion,
    },
    /// A hook could not be told. The run goes on.
    NotificationFailed {
        /// The hook's name; never its address.
        hook: String,
        /// The record it was to be told of.
        about: u64,
        /// What that is.
        occasion: Occasion,
        /// Why.
        reason: String,
    },
    /// A reviewer says whether the run will do.
    SignedOff(Box<SignedOff>),
    /// A report was written.
    Exported {
        /// Below the run directory or as given.
        file: String,
        /// `md`, `json`.
        format: String,
        /// Of its bytes.
        sha256: String,
    },
}

/// One line of preflight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was seen, and when it is not ok what to do.
    pub detail: String,
}

/// See [`Fact::AttemptFinished`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFinished {
    /// Succeeded, failed or unknown.
    pub outcome: Outcome,
    /// One line for people: what happened, and when it is bad what to do.
    pub message: String,
    /// The action's result, redacted.
    pub result: Value,
    /// `expect`, one by one.
    pub expectations: Vec<Expectation>,
    /// `save`.
    pub saved: BTreeMap<String, Value>,
    /// What was written to `output/`.
    pub output: Option<Output>,
}

/// What an attempt printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Below `output/`.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Bytes the child wrote, before redaction.
    pub bytes: u64,
    /// The file stopped at its cap, or was withheld because a secret is too short to mask.
    pub cut: Option<String>,
}

/// See [`Fact::UnknownResolved`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnknownResolved {
    /// What it turned out to be.
    #[serde(rename = "as")]
    pub as_: Resolution,
    /// Who says so.
    pub resolved_by: ResolvedBy,
    /// What was seen, or the person's reason.
    pub reason: String,
    /// When it succeeded: the action's result.
    pub result: Value,
    /// When it succeeded: `save`.
    pub saved: BTreeMap<String, Value>,
}

/// What a person gives who passes a step by or marks it done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByHand {
    /// Why.
    pub reason: String,
    /// A value for each saved name that later steps need.
    pub saved: BTreeMap<String, Value>,
}

/// Which objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Recovery time.
    Rto,
    /// Recovery point.
    Rpo,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step has an outcome.
    Completed,
    /// The operator gave up.
    Aborted,
}

impl Event {
    /// A fact about the run.
    #[must_use]
    pub fn run(fact: Fact) -> Self {
        Self { of: Subject::Run, fact }
    }

    /// A fact about a step.
    #[must_use]
    pub fn step(step: &str, fact: Fact) -> Self {
        Self { of: Subject::Step(step.to_owned()), fact }
    }

    /// A fact about an attempt.
    #[must_use]
    pub fn attempt(id: &AttemptId, fact: Fact) -> Self {
        Self { of: Subject::Attempt(id.clone()), fact }
    }
}

impl AttemptId {
    /// `restore.2`: the attempt's name in file names; a nested step's slash becomes `+`.
    #[must_use]
    pub fn file_stem(&self) -> String {
        format!("{}.{}", self.step.replace('/', "+"), self.number)
    }
}

impl Stamp {
    /// Time from `earlier` to this stamp, and whether the boot clock vouches for it.
    ///
    /// Across boots only the wall clocks can be compared: then the second value is `false`, and a
    /// negative length is what was read, never clamped.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> (TimeDelta, bool) {
        if self.boot == earlier.boot {
            let ns = i128::from(self.mono) - i128::from(earlier.mono);
            (TimeDelta::nanoseconds(i64::try_from(ns).unwrap_or(i64::MAX)), true)
        } else {
            (self.at - earlier.at, false)
        }
    }
}
