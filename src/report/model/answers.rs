//! What others than the operator said of the run: approvals, and the reviewer's sign-off.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::Part;
use crate::engine::event::Decision;

/// A request for approval, and what came of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Approval {
    /// The record that asked.
    pub record: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The operator who asked.
    pub asked_by: String,
    /// Of which step.
    pub step: String,
    /// Of which of its actions.
    pub of: Part,
    /// The number of the attempt that it is for.
    pub attempt: u32,
    /// SHA-256 of the request: what is approved.
    pub request: String,
    /// Who may approve.
    pub wanted_by: Vec<String>,
    /// How many of them must.
    pub count: u32,
    /// Who agreed, in order.
    pub granted: Vec<Grant>,
    /// What was no approval, and why.
    pub refused: Vec<Refused>,
    /// The operator went on without.
    pub broken_glass: Option<BrokenGlass>,
    /// Where it stands.
    pub standing: Answer,
    /// Why it is declined, or void.
    pub why: Option<String>,
}

/// Somebody agreed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Grant {
    /// Who.
    pub approver: String,
    /// `self-declared`, the local user, or the key that signed it.
    pub identity: String,
    /// When.
    pub at: DateTime<Utc>,
    /// In retrospect.
    pub afterwards: bool,
}

/// An answer that was none.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Refused {
    /// Who.
    pub approver: String,
    /// Why it does not count.
    pub reason: String,
}

/// The operator went on without the approval.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BrokenGlass {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Where a request for approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Enough people agreed before it was acted on.
    Approved,
    /// It was acted on without, and approved in retrospect.
    ApprovedAfterwards,
    /// It was acted on without, and nobody has approved that.
    NotApproved,
    /// Somebody who may approve said no.
    Declined,
    /// What it was for is not what would have been done then.
    Void,
    /// Nobody has answered yet.
    Awaited,
}

/// A reviewer's word on the run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignOff {
    /// The record that holds it.
    pub record: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub reviewer: String,
    /// `self-declared`, the local user, or the key that signed it.
    pub identity: String,
    /// What the reviewer says.
    pub decision: Decision,
    /// Why.
    pub note: String,
    /// The record up to which the reviewer has seen the journal.
    pub up_to_record: u64,
    /// The SHA-256 of that record.
    pub head: String,
}
