//! What the time of the run went by with, on one scale: seconds after the start of the outage.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::model::{Activity, Mark, MarkKind, Span, Timeline};
use crate::engine::event::Objective;
use crate::engine::state::OutageStart;
use crate::engine::{Fact, Recorded, Stamp, State, Status};
use crate::runbook::StepId;

/// Where a record lies after the start of the outage that is in force.
pub(super) struct Scale(OutageStart);

impl Scale {
    pub(super) fn new(state: &State, started: &Stamp) -> Self {
        let undeclared = || OutageStart { start: started.at, declared: started.clone() };
        Self(state.outage.clone().unwrap_or_else(undeclared))
    }

    /// Seconds, to the millisecond.
    fn at(&self, stamp: &Stamp) -> f64 {
        let Scale(outage) = self;
        let since = (outage.declared.at - outage.start) + stamp.since(&outage.declared).0;
        // A run is far shorter than what an f64 counts in milliseconds.
        #[expect(clippy::cast_precision_loss)]
        let ms = since.num_milliseconds() as f64;
        ms / 1e3
    }
}

/// What each step's time went by with, in order.
pub(super) fn spent(
    state: &State,
    records: &[Recorded],
    scale: &Scale,
) -> BTreeMap<StepId, Vec<Span>> {
    let mut spent: BTreeMap<StepId, Vec<Span>> = BTreeMap::new();
    let mut folded = State::new(Arc::clone(&state.runbook));
    let mut open: Option<(StepId, Activity, f64)> = None;
    for recorded in records {
        folded = folded.apply(recorded);
        let now = doing(&folded);
        if now.as_ref()
            == open.as_ref().map(|(step, activity, _)| (step.as_str(), *activity)).as_ref()
        {
            continue;
        }
        let at = scale.at(&recorded.stamp);
        let next = now.map(|(step, activity)| (step.to_owned(), activity, at));
        close(&mut spent, std::mem::replace(&mut open, next), at);
    }
    if let Some(last) = &state.last {
        close(&mut spent, open, scale.at(last));
    }
    spent
}

fn close(
    spent: &mut BTreeMap<StepId, Vec<Span>>,
    open: Option<(StepId, Activity, f64)>,
    to_s: f64,
) {
    if let Some((step, activity, from_s)) = open {
        spent.entry(step).or_default().push(Span { activity, from_s, to_s });
    }
}

/// The step whose turn it is, and what goes on at it.
fn doing(state: &State) -> Option<(&str, Activity)> {
    let step = state.current()?;
    let activity = match step.status(true) {
        Status::Running(_) | Status::Consented | Status::Retrying(_) => Activity::Machine,
        Status::AwaitsPerson(_) | Status::Ready | Status::Unknown(_) | Status::Failed(_) => {
            Activity::Person
        }
        Status::Pending | Status::Done(_) => return None,
    };
    Some((step.id(), activity))
}

pub(super) fn timeline(
    state: &State,
    records: &[Recorded],
    scale: &Scale,
    started: &Stamp,
    now: &Stamp,
) -> Timeline {
    let closed = state.finished.as_ref().map_or(now, |(at, ..)| at);
    Timeline {
        started_s: scale.at(started),
        ended_s: scale.at(closed),
        objective_s: state.runbook.objectives.rto.map(|rto| rto.num_seconds()),
        marks: records.iter().filter_map(|recorded| mark(recorded, scale)).collect(),
    }
}

fn mark(recorded: &Recorded, scale: &Scale) -> Option<Mark> {
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
