//! Which run, of what, by whom.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::engine::Mode;
use crate::engine::event::Seen;

/// Which run, of what, on what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Identity {
    /// The run's id.
    pub run: String,
    /// Live, drill or rehearsal.
    pub mode: Mode,
    /// Against the embedded sandbox: proves nothing about a real system.
    pub practice: bool,
    /// Nobody sat at the console.
    pub unattended: bool,
    /// What was played or fought: the runbook's title.
    pub scenario: String,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// Whose record it is.
    pub organisation: Option<String>,
    /// The system, as the runbook names it.
    pub system: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// The AWS account, as proven, else as pinned.
    pub account: Option<String>,
    /// The AWS region, as proven, else as pinned.
    pub region: Option<String>,
    /// All that a drill might act on, by kind, where the settings say so.
    pub allowed_targets: Option<Json>,
    /// What had to be proven before anything changed.
    pub pinned: BTreeMap<String, String>,
    /// What was last proven, and when.
    pub proven: Option<Proven>,
}

/// A proof of the target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Proven {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub pins: BTreeMap<String, String>,
}

/// What was to be done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Plan {
    /// The runbook's id.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// What the author says of it.
    pub summary: Option<String>,
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
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct People {
    /// Who ran it.
    pub operator: String,
    /// How that is known.
    pub identity: String,
    /// Who left a record without having operated, approved or reviewed; who only watches leaves none.
    pub observers: String,
    /// Everybody in whose name something was recorded, and as what. Who only watches leaves no record.
    pub involved: Vec<Person>,
    /// Everybody in whose name something was recorded, and how many records.
    pub recorded_by: BTreeMap<String, u64>,
}

/// Somebody in whose name something was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    /// As the record has it.
    pub name: String,
    /// As what.
    pub roles: Vec<Role>,
    /// `self-declared`, or the key that the name is bound to.
    pub identity: String,
}

/// As what somebody took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ran it.
    Operator,
    /// Approved a step.
    Approver,
    /// Signed the run off.
    Reviewer,
    /// Neither ran it nor answered for it, such as who wrote a report of it.
    Other,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Reviewer => "reviewer",
            Self::Other => "other",
        }
    }
}
