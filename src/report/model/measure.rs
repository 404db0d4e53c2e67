//! When, and what may be concluded.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::event::Ending;

/// When.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Time {
    /// The declared start of the outage: the one in force.
    pub outage_start: Option<DateTime<Utc>>,
    /// When it was declared.
    pub declared: Option<DateTime<Utc>>,
    /// Every other start of the outage that was declared before it, and why it was amended.
    pub outage_start_amendments: Vec<Amendment>,
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
    /// What the time until the service was restored went to.
    pub split: Option<Split>,
    /// How often the wall clock jumped, and by how many milliseconds.
    pub clock_steps_ms: Vec<i64>,
}

/// What the time until the service was restored, or so far, went to. The parts add up to the recovery time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Split {
    /// From the declared start of the outage to the first record; negative when it was told to be later.
    pub before_s: i64,
    /// Something was at work.
    pub machine_s: i64,
    /// The operator was waited for.
    pub person_s: i64,
    /// An approval was waited for.
    pub approval_s: i64,
}

/// The start of the outage was told anew.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Amendment {
    /// The record that says so.
    pub record: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// The start until then.
    pub from: DateTime<Utc>,
    /// The start from then on.
    pub to: DateTime<Utc>,
    /// What the recovery time would be, counted from the start until then.
    pub rto_s: i64,
    /// What the loss of data would be, with the start until then.
    pub rpo_s: Option<i64>,
    /// Why.
    pub reason: String,
}

/// Objective against actual.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Objectives {
    /// Recovery time.
    pub rto: Objective,
    /// Recovery point.
    pub rpo: Objective,
    /// The recovery point.
    pub recovery_point: Option<DateTime<Utc>>,
    /// What the recovery point is known from.
    pub basis: Basis,
    /// The runbook's `recovery_point`: where the recovery point was looked up.
    pub source: Option<String>,
    /// How far the loss can be relied on: as `time.clock` says of the recovery time.
    pub loss_clock: Option<&'static str>,
    /// The moment the loss is counted to: the later of the outage's start and `writes_stopped`.
    pub loss_counted_to: Option<DateTime<Utc>>,
}

/// One objective.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Objective {
    /// What was asked for.
    pub target_s: Option<i64>,
    /// What it came to.
    pub actual_s: Option<i64>,
    /// `None`: nobody can say.
    pub met: Option<bool>,
}

/// What the recovery point is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
    /// Why nothing is concluded, although the run has ended: a rehearsal executes nothing.
    pub not_judged: Option<&'static str>,
    /// Each thing that stands in the way of a pass.
    pub not_passed_because: Vec<String>,
}

/// One conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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
