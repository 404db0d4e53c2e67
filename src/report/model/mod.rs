//! The after-action report as data. Its JSON keys are stable: more may join. Lengths of time are in
//! seconds, moments in UTC.

mod account;
mod answers;
mod context;
mod kept;
mod measure;
mod step;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub use account::{
    Acknowledged, Deviation, Escalation, Mark, MarkKind, Resolved, Timeline, Unknown,
};
pub use answers::{Answer, Approval, BrokenGlass, Grant, Refused, SignOff};
pub use context::{Identity, People, Person, Plan, Proven, Role};
pub use kept::{
    Anchor, Backup, Before, Checkpoint, Evidence, Integrity, Issue, Note, PreviousRun, StoredObject,
};
pub use measure::{Amendment, Basis, Objective, Objectives, Split, Time, Verdict, Verdicts};
pub use step::{Activity, Attempt, Excerpt, Span, Step};

use crate::engine::event::Check;

/// The after-action report of a run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// What the document is good for, and what it is not.
    pub statement: &'static str,
    /// The run had not finished when this was written: everything in it may yet change.
    pub interim: bool,
    /// When the last record was made that it tells of.
    pub as_of: DateTime<Utc>,
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
    /// The run from the start of the outage on, to be drawn to scale.
    pub timeline: Timeline,
    /// Step by step.
    pub steps: Vec<Step>,
    /// Everything but the straight path, in order.
    pub deviations: Vec<Deviation>,
    /// The escalation lines whose time came, and who saw to each.
    pub escalations: Vec<Escalation>,
    /// Outcomes that were not known at first, and how each was resolved.
    pub unknowns: Vec<Unknown>,
    /// What others were asked to approve, and what they said.
    pub approvals: Vec<Approval>,
    /// What was checked before the first step.
    pub preflight: Vec<Check>,
    /// What people wrote down.
    pub notes: Vec<Note>,
    /// What was found to be wrong, and who sees to it until when.
    pub issues: Vec<Issue>,
    /// What was learned.
    pub lessons: Vec<Note>,
    /// Files that people kept.
    pub evidence: Vec<Evidence>,
    /// The backups that the run took, copied or restored.
    pub backups: Vec<Backup>,
    /// Why the record may be believed, and how far.
    pub integrity: Integrity,
    /// What reviewers said of the run, in order.
    pub sign_offs: Vec<SignOff>,
}
