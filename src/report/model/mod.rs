//! The after-action report as data. Its JSON keys are stable: more may join. Lengths of time are in
//! seconds, moments in UTC.

mod account;
mod context;
mod kept;
mod measure;
mod step;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub use account::{Deviation, Mark, MarkKind, Resolved, Timeline, Unknown};
pub use context::{Identity, People, Person, Plan, Proven, Role};
pub use kept::{Backup, Before, Checkpoint, Evidence, Integrity, Note, PreviousRun};
pub use measure::{Amendment, Basis, Objective, Objectives, Time, Verdict, Verdicts};
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
    /// Outcomes that were not known at first, and how each was resolved.
    pub unknowns: Vec<Unknown>,
    /// What was checked before the first step.
    pub preflight: Vec<Check>,
    /// What people wrote down.
    pub notes: Vec<Note>,
    /// Files that people kept.
    pub evidence: Vec<Evidence>,
    /// The backups that the run took, copied or restored.
    pub backups: Vec<Backup>,
    /// Why the record may be believed, and how far.
    pub integrity: Integrity,
}
