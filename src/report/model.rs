//! The after-action report as data. Its JSON keys are stable: more may join. Lengths of time are in
//! seconds, moments in UTC.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value as Json;

use crate::engine::event::{Check, Ending, Expectation, Output, Resolution, ResolvedBy, Seen};
use crate::engine::{Mode, Outcome, Part};
use crate::runbook::{Effect, Milestone};

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the document is good for, and what it is not.
    pub statement: &'static str,
    /// Which run, of what, on what.
    pub identity: Identity,
    /// What was to be done.
    pub plan: Plan,
    /// Who did it.
    pub people: People,
    /// When.
    pub time: Time,
    /// Objective against actual.
    pub objectives: Objectives,
    /// What may be concluded, each on its own.
    pub verdicts: Verdicts,
    /// Step by step.
    pub steps: Vec<Step>,
    /// Everything but the straight path, in order.
    pub deviations: Vec<Deviation>,
    /// Outcomes that were not known at first, and how each was resolved.
    pub unknowns: Vec<Unknown>,
    /// What was checked before the first step.
    pub preflight: Vec<Check>,
    /// What people wrote down.
    pub notes: Vec<Note>,
    /// Files that people kept.
    pub evidence: Vec<Evidence>,
    /// Why the record may be believed, and how far.
    pub integrity: Integrity,
}

/// Which run, of what, on what.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The run's id.
    pub run: String,
    /// Live, drill or rehearsal.
    pub mode: Mode,
    /// Against the embedded sandbox: proves nothing about a real system.
    pub practice: bool,
    /// Nobody sat at the console.
    pub unattended: bool,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// The system, as the runbook names it.
    pub system: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// What had to be proven before anything changed.
    pub pinned: BTreeMap<String, String>,
    /// What was last proven, and when.
    pub proven: Option<Proven>,
}

/// A proof of the target.
#[derive(Clone, Debug, Serialize)]
pub struct Proven {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub pins: BTreeMap<String, String>,
}

/// What was to be done.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The runbook's id.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// The author's version.
    pub version: Option<String>,
    /// Of its exact bytes.
    pub sha256: String,
    /// What the operator knew of it.
    pub seen: Option<Seen>,
    /// Of the settings in force.
    pub settings_sha256: Option<String>,
    /// Who keeps it.
    pub owner: Option<String>,
    /// When it was last reviewed.
    pub reviewed_on: Option<NaiveDate>,
    /// By whom.
    pub reviewed_by: Option<String>,
    /// What it covers.
    pub scope: Option<String>,
    /// How one knows that it worked.
    pub success: Option<String>,
    /// The inputs in force at the end; secrets are masked.
    pub inputs: BTreeMap<String, Json>,
}

/// Who did it.
#[derive(Clone, Debug, Serialize)]
pub struct People {
    /// Who ran it.
    pub operator: String,
    /// How that is known.
    pub identity: String,
    /// Everybody in whose name something was recorded, and how many records.
    pub recorded_by: BTreeMap<String, u64>,
}

/// When.
#[derive(Clone, Debug, Serialize)]
pub struct Time {
    /// The declared start of the outage.
    pub outage_start: Option<DateTime<Utc>>,
    /// When it was declared.
    pub declared: Option<DateTime<Utc>>,
    /// The first record.
    pub started: DateTime<Utc>,
    /// The milestone, while it holds.
    pub writes_stopped: Option<DateTime<Utc>>,
    /// The milestone, while it holds.
    pub service_restored: Option<DateTime<Utc>>,
    /// The end of the run.
    pub closed: Option<DateTime<Utc>>,
    /// `boot clock` or `wall clock, unverified`.
    pub clock: &'static str,
    /// How often the wall clock jumped, and by how many milliseconds.
    pub clock_steps_ms: Vec<i64>,
}

/// Objective against actual.
#[derive(Clone, Debug, Serialize)]
pub struct Objectives {
    /// Recovery time.
    pub rto: Objective,
    /// Recovery point.
    pub rpo: Objective,
    /// The recovery point.
    pub recovery_point: Option<DateTime<Utc>>,
    /// What the recovery point is known from.
    pub basis: Basis,
    /// The moment the loss is counted to: the later of the outage's start and `writes_stopped`.
    pub loss_counted_to: Option<DateTime<Utc>>,
}

/// One objective.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Objective {
    /// What was asked for.
    pub target_s: Option<i64>,
    /// What it came to.
    pub actual_s: Option<i64>,
    /// `None`: nobody can say.
    pub met: Option<bool>,
}

/// What the recovery point is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A step measured it.
    Achieved,
    /// A person gave it, for a step that was skipped, marked done or resolved by hand.
    Stated,
    /// It was only asked for.
    Requested,
    /// Not at all.
    NotMeasured,
}

/// What may be concluded, each on its own.
#[derive(Clone, Debug, Serialize)]
pub struct Verdicts {
    /// How the run ended; `None` while it has not.
    pub ending: Option<Ending>,
    /// The reason given when it was aborted.
    pub reason: Option<String>,
    /// The recovery-time objective.
    pub recovery_time: Verdict,
    /// The recovery-point objective.
    pub data_loss: Verdict,
    /// The steps that verify data.
    pub data_integrity: Verdict,
    /// Every step succeeded or was not applicable, both objectives were met on evidence, nothing that
    /// verifies was overridden. `None` while the run goes on.
    pub passed: Option<bool>,
    /// Each thing that stands in the way of that.
    pub not_passed_because: Vec<String>,
}

/// One conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes, on evidence.
    Met,
    /// No.
    NotMet,
    /// There is no evidence either way.
    NotMeasured,
    /// Nothing was asked for.
    NotAsked,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The action.
    pub action: &'static str,
    /// What that does to the world.
    pub effect: Effect,
    /// It was added during the run.
    pub added: bool,
    /// `expect`: what had to be true of the result.
    pub expected: Vec<String>,
    /// It verifies data.
    pub verifies_data: bool,
    /// The milestone it declares.
    pub milestone: Option<Milestone>,
    /// `None`: it has none yet.
    pub outcome: Option<Outcome>,
    /// A person's reason, or the last message.
    pub why: String,
    /// When its first attempt was intended.
    pub started: Option<DateTime<Utc>>,
    /// When it was settled.
    pub ended: Option<DateTime<Utc>>,
    /// Between those.
    pub seconds: Option<i64>,
    /// Its target time.
    pub budget_s: Option<i64>,
    /// What it saved for later steps.
    pub saved: BTreeMap<String, Json>,
    /// Guards that were not satisfied, such as a wrong phrase.
    pub refused: Vec<String>,
    /// Every try.
    pub attempts: Vec<Attempt>,
    /// What departed from the straight path, and why.
    pub deviations: Vec<String>,
}

/// One try.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Its number.
    pub number: u32,
    /// `do`, `undo` or `probe`.
    pub of: Part,
    /// Who consented.
    pub by: String,
    /// How.
    pub consent: String,
    /// The request as it was resolved, secrets masked.
    pub request: Json,
    /// Its SHA-256.
    pub digest: String,
    /// When it was intended.
    pub started: DateTime<Utc>,
    /// When it came out.
    pub ended: Option<DateTime<Utc>>,
    /// Between those.
    pub seconds: Option<i64>,
    /// `succeeded`, `failed`, `unknown`, `running`, or `not done` when it certainly changed nothing.
    pub outcome: &'static str,
    /// What happened.
    pub message: String,
    /// `expect`, one by one.
    pub expectations: Vec<Expectation>,
    /// What it printed.
    pub output: Option<Output>,
    /// Somebody, or the timeout, wanted it to stop.
    pub cancelled: Option<String>,
    /// The run was taken back before it: it no longer counts.
    pub stale: bool,
}

/// One departure from the straight path.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// The record it is read from.
    pub record: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// Where.
    pub step: Option<String>,
    /// In a word or two.
    pub kind: &'static str,
    /// The reason or the circumstances.
    pub text: String,
}

/// An outcome that was not known at first.
#[derive(Clone, Debug, Serialize)]
pub struct Unknown {
    /// The step.
    pub step: String,
    /// The attempt.
    pub attempt: u32,
    /// `None`: it is still not known.
    pub resolved: Option<Resolved>,
}

/// How an unknown outcome was resolved.
#[derive(Clone, Debug, Serialize)]
pub struct Resolved {
    /// When.
    pub at: DateTime<Utc>,
    /// What it turned out to be.
    pub outcome: Resolution,
    /// Who or what says so.
    pub by: ResolvedBy,
    /// What was seen, or the person's reason.
    pub reason: String,
}

/// Something a person wrote down.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// At which step.
    pub step: Option<String>,
    /// The text.
    pub text: String,
}

/// A file that was kept.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// When.
    pub at: DateTime<Utc>,
    /// At which step.
    pub step: Option<String>,
    /// Below `evidence/`.
    pub file: String,
    /// Of its bytes.
    pub sha256: String,
    /// What it shows.
    pub caption: String,
}

/// Why the record may be believed, and how far.
#[derive(Clone, Debug, Serialize)]
pub struct Integrity {
    /// How many records the report is made of.
    pub records: u64,
    /// The SHA-256 of the last of them: keep it where nobody can change it.
    pub head: String,
    /// What `steady verify` found when the report was made.
    pub verified: String,
    /// What it said.
    pub problems: Vec<String>,
    /// How many checkpoints are signed with which key. `not signed`: the chain alone stops nobody who
    /// holds the files.
    pub signatures: String,
    /// The checkpoints that were signed, in order.
    pub checkpoints: Vec<Checkpoint>,
    /// The tool's version that ran it.
    pub tool: String,
    /// What makes the record weaker than it could be.
    pub notices: Vec<String>,
    /// The run before this one on the host, and its head.
    pub previous: Option<String>,
    /// Nobody has reviewed it yet.
    pub sign_off: &'static str,
}

/// A checkpoint of the journal that was signed.
#[derive(Clone, Debug, Serialize)]
pub struct Checkpoint {
    /// The record up to which it vouches.
    pub record: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// From the run directory on; its signature lies beside it.
    pub file: String,
    /// The key's fingerprint.
    pub key: String,
}
