//! What happened, step by step.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::Evidence;
use crate::engine::event::{Expectation, Output};
use crate::engine::{Outcome, Part};
use crate::runbook::{Effect, Milestone};

/// One step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
    /// What it took, and what for, on the scale of the timeline.
    pub spans: Vec<Span>,
    /// What it saved for later steps.
    pub saved: BTreeMap<String, Json>,
    /// Guards that were not satisfied, such as a wrong phrase.
    pub refused: Vec<String>,
    /// Every try.
    pub attempts: Vec<Attempt>,
    /// The files that people kept at it.
    pub evidence: Vec<Evidence>,
    /// What departed from the straight path, and why.
    pub deviations: Vec<String>,
}

/// A stretch of a step's time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Span {
    /// What it went by with.
    pub activity: Activity,
    /// Seconds after the start of the outage.
    pub from_s: f64,
    /// Seconds after the start of the outage.
    pub to_s: f64,
}

/// What time goes by with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Something was at work.
    Machine,
    /// A person was waited for, or did the work.
    Person,
    /// An approval was waited for.
    Approval,
}

/// One try.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
    /// The beginning and the end of that.
    pub excerpt: Option<Excerpt>,
    /// Somebody, or the timeout, wanted it to stop.
    pub cancelled: Option<String>,
    /// The run was taken back before it: it no longer counts.
    pub stale: bool,
}

/// The beginning and the end of what an attempt printed, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Excerpt {
    /// The first lines, or all of them.
    pub head: String,
    /// How many bytes of the file are left out between the two.
    pub left_out: u64,
    /// The last lines; empty when nothing is left out.
    pub tail: String,
}
