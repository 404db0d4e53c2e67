//! What the time of the run went by with, on one scale: seconds after the start of the outage.

use std::collections::BTreeMap;

use super::super::model::{Activity, Mark, MarkKind, Span, Timeline};
use crate::engine::event::Objective;
use crate::engine::{Fact, Recorded, Stamp, State, Waits};
use crate::runbook::StepId;

/// Where a record lies after the start of the outage that is in force.
pub(super) struct Scale<'a>(&'a State);

impl<'a> Scale<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self(state)
    }

    /// Seconds, to the millisecond; 0 before the first record.
    fn at(&self, stamp: &Stamp) -> f64 {
        let Self(state) = self;
        let Some(outage) = &state.outage else { return 0.0 };
        let since = outage.told().then(state.between(&outage.declared, stamp)).length;
        // A run is far shorter than what an f64 counts in milliseconds.
        #[expect(clippy::cast_precision_loss)]
        let ms = since.num_milliseconds() as f64;
        ms / 1e3
    }
}

/// What each step's time went by with, in order.
pub(super) fn spent(scale: &Scale<'_>, now: &Stamp) -> BTreeMap<StepId, Vec<Span>> {
    let mut spent: BTreeMap<StepId, Vec<Span>> = BTreeMap::new();
    for span in scale.0.spans(now) {
        let activity = match span.kind {
            Waits::Machine => Activity::Machine,
            Waits::Person => Activity::Person,
            Waits::Approval => Activity::Approval,
        };
        if let Some(step) = span.step {
            let (from_s, to_s) = (scale.at(&span.from), scale.at(&span.to));
            spent.entry(step).or_default().push(Span { activity, from_s, to_s });
        }
    }
    spent
}

pub(super) fn timeline(
    scale: &Scale<'_>,
    records: &[Recorded],
    started: &Stamp,
    now: &Stamp,
) -> Timeline {
    let closed = scale.0.finished.as_ref().map_or(now, |(at, ..)| at);
    Timeline {
        started_s: scale.at(started),
        ended_s: scale.at(closed),
        objective_s: scale.0.runbook.objectives.rto.map(|rto| rto.num_seconds()),
        marks: records.iter().filter_map(|recorded| mark(recorded, scale)).collect(),
    }
}

fn mark(recorded: &Recorded, scale: &Scale<'_>) -> Option<Mark> {
    let (kind, text) = match &recorded.event.fact {
        Fact::MilestoneReached { milestone, .. } => (MarkKind::Milestone, milestone.name().into()),
        Fact::MilestoneWithdrawn { milestone, .. } => {
            (MarkKind::Withdrawn, format!("{} withdrawn", milestone.name()))
        }
        Fact::ObjectiveBreached { objective: Objective::Rto, .. } => {
            (MarkKind::Breach, "recovery-time objective missed".into())
        }
        Fact::ObjectiveBreached { objective: Objective::Rpo, .. } => {
            (MarkKind::Breach, "recovery-point objective missed".into())
        }
        _ => return None,
    };
    Some(Mark { at_s: scale.at(&recorded.stamp), kind, text })
}
