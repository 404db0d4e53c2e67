//! What of a run lies where its operator cannot change it, and who was told of what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::event::{Anchored, Ending, Fact, Objective, Occasion, Recorded, Stamp, Subject};
use super::state::State;
use crate::runbook::Milestone;

/// What of the journal is held elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// In order, and when each was recorded.
    pub held: Vec<(Stamp, Anchored)>,
    /// Each that could not be put there: the record up to which it would have been, and why.
    pub failed: Vec<(Stamp, u64, String)>,
    /// This console has tried.
    pub(super) tried: bool,
}

impl Anchors {
    /// The record up to which the journal is held elsewhere; 0: none of it is.
    #[must_use]
    pub fn up_to(&self) -> u64 {
        self.held.iter().map(|(_, anchored)| anchored.anchor).max().unwrap_or(0)
    }
}

/// Who was told of what.
#[derive(Clone, Debug, Default)]
pub struct Notifications {
    /// What there is to tell: the record, and what it is.
    pub news: BTreeMap<u64, News>,
    /// What a hook was told, or could not be told: its name and the record.
    pub settled: BTreeSet<(String, u64)>,
    /// What could not be told.
    pub failed: Vec<Untold>,
}

/// Something that others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What kind of thing.
    pub occasion: Occasion,
    /// When.
    pub at: DateTime<Utc>,
    /// In a few words.
    pub what: String,
    /// It is that the service was restored.
    pub restored: bool,
}

impl News {
    /// What a record tells others; `None`: nothing.
    pub(super) fn of(record: &Recorded) -> Option<Self> {
        let (occasion, what) = match &record.event.fact {
            Fact::RunStarted(_) => (Occasion::Start, "the run began".to_owned()),
            Fact::MilestoneReached { milestone, .. } => {
                (Occasion::Milestone, format!("milestone {}", milestone.name()))
            }
            Fact::ObjectiveBreached { objective, target_s, actual_s } => {
                let name = match objective {
                    Objective::Rto => "RTO",
                    Objective::Rpo => "RPO",
                };
                (Occasion::Breach, format!("{name} missed: {actual_s} s of {target_s} s"))
            }
            Fact::ApprovalRequested(asked) => {
                let step = match &record.event.of {
                    Subject::Run => "the run",
                    Subject::Step(step) => step,
                    Subject::Attempt(id) => &id.step,
                };
                let (count, by) = (asked.count, asked.by.join(", "));
                (Occasion::ApprovalNeeded, format!("{step} needs {count} approval by {by}"))
            }
            Fact::RunFinished { ending: Ending::Completed, .. } => {
                (Occasion::End, "the run is completed".to_owned())
            }
            Fact::RunFinished { ending: Ending::Aborted, reason } => {
                let why = reason.as_deref().unwrap_or("no reason given");
                (Occasion::End, format!("the run was aborted: {why}"))
            }
            _ => return None,
        };
        let restored = matches!(
            &record.event.fact,
            Fact::MilestoneReached { milestone: Milestone::ServiceRestored, .. }
        );
        Some(Self { occasion, at: record.stamp.at, what, restored })
    }
}

/// A notification that did not get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// When it was given up.
    pub at: Stamp,
    /// The hook's name.
    pub hook: String,
    /// What it was about.
    pub occasion: Occasion,
    /// Why.
    pub reason: String,
}

impl State {
    /// Whether the head of the journal is to be put elsewhere now: once, at the start of a run whose settings
    /// ask for it. What failed is not tried again by the same console.
    #[must_use]
    pub fn is_anchor_due(&self) -> bool {
        let asked = self.run().is_some_and(|run| run.anchor.is_some());
        asked && self.finished.is_none() && self.anchors.up_to() == 0 && !self.anchors.tried
    }
}
