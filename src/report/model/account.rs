//! What stands beside the steps: the timeline, deviations and unknown outcomes.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::event::{Resolution, ResolvedBy};

/// The run from the start of the outage on. Its steps' spans and its marks are seconds after that.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Timeline {
    /// When the run started; negative: before the outage did.
    pub started_s: f64,
    /// The end of the run, or the last record.
    pub ended_s: f64,
    /// The recovery-time objective.
    pub objective_s: Option<i64>,
    /// What happened at a moment, in order.
    pub marks: Vec<Mark>,
}

/// What happened at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Mark {
    /// Seconds after the start of the outage.
    pub at_s: f64,
    /// What kind of moment.
    pub kind: MarkKind,
    /// What happened.
    pub text: String,
}

/// What kind of moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A milestone was reached.
    Milestone,
    /// A milestone was withdrawn.
    Withdrawn,
    /// An objective could no longer be met.
    Breach,
}

/// One departure from the straight path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Unknown {
    /// The step.
    pub step: String,
    /// The attempt.
    pub attempt: u32,
    /// `None`: it is still not known.
    pub resolved: Option<Resolved>,
}

/// How an unknown outcome was resolved.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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

/// An escalation line of the runbook whose time came.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Escalation {
    /// When.
    pub at: DateTime<Utc>,
    /// Seconds after the start of the outage.
    pub after_s: i64,
    /// Who is to be called.
    pub to: String,
    /// How.
    pub contact: String,
    /// `None`: nobody has seen to it.
    pub acknowledged: Option<Acknowledged>,
}

/// Somebody saw to an escalation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Acknowledged {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What came of it.
    pub note: String,
}
