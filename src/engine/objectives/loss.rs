//! How much data is lost: from the recovery point to the moment after which nothing was written.

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::clock::{Certainty, Elapsed};
use crate::engine::event::{Outcome, Part, ResolvedBy};
use crate::engine::outage::OutageStart;
use crate::engine::state::{State, StepState};
use crate::runbook::model::Milestone;
use crate::runbook::{Resolved, Value};

/// What the recovery point is known from, the weaker the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// A step read it from a result.
    Achieved,
    /// A person gave it for a step that was skipped, marked done or resolved by hand.
    Stated,
    /// Nothing measured it: it is what was asked for.
    Requested,
}

impl Basis {
    /// In words, as reports and screens have it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Achieved => "measured",
            Self::Stated => "a person's word, not measured",
            Self::Requested => "requested, not measured",
        }
    }
}

/// The recovery point and the loss that follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryPoint {
    /// The objective.
    pub target: Option<TimeDelta>,
    /// The recovery point.
    pub point: DateTime<Utc>,
    /// What it is known from.
    pub basis: Basis,
    /// The runbook's `recovery_point`, which says where it was looked up.
    pub source: String,
    /// Where the span ends: the later of the outage's start and `writes_stopped`.
    pub until: DateTime<Utc>,
    /// `writes_stopped` was the later one.
    pub until_writes_stopped: bool,
    /// From the point to there. Negative is what was read, never clamped: the point is later than the last
    /// write can have been.
    pub actual: TimeDelta,
    /// How far to rely on it.
    pub certainty: Certainty,
}

impl RecoveryPoint {
    /// Whether the objective was met on evidence; `None` without an objective or a measurement, or where
    /// the clocks contradict each other. What was asked for may already be too early: no measurement makes
    /// that good.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let target = self.target?;
        if self.certainty == Certainty::Uncertain {
            return None;
        }
        if self.actual > target {
            return Some(false);
        }
        (self.basis == Basis::Achieved).then_some(true)
    }
}

/// The recovery point, as far as it is known; `None` in a rehearsal, which measures nothing.
#[must_use]
pub fn rpo(state: &State) -> Option<RecoveryPoint> {
    if state.is_rehearsal() {
        return None;
    }
    rpo_from(state, state.outage.as_ref()?)
}

/// The recovery point and the loss as they would be with this start of the outage.
#[must_use]
pub fn rpo_from(state: &State, outage: &OutageStart) -> Option<RecoveryPoint> {
    let template = state.runbook.recovery_point.as_ref()?;
    let point = match template.render(&state.scope(None)).ok()? {
        Resolved::Value(Value::Timestamp(point)) => point,
        Resolved::Value(Value::String(text)) => {
            DateTime::parse_from_rfc3339(&text).ok()?.with_timezone(&Utc)
        }
        Resolved::Value(_)
        | Resolved::Text(_)
        | Resolved::List(_)
        | Resolved::Map(_)
        | Resolved::Expr(_) => return None,
    };
    let (until, until_writes_stopped, certainty) = counted_to(state, outage);
    let actual = until - point;
    Some(RecoveryPoint {
        target: state.runbook.objectives.rpo,
        point,
        basis: basis(state, &template.names()),
        source: template.source().to_owned(),
        until,
        until_writes_stopped,
        actual,
        certainty: Elapsed { length: actual, certainty }.forward().certainty,
    })
}

/// The later of the outage's start and `writes_stopped`, whether it is the latter, and how far to rely on it.
/// A wall clock that was set between the two leaves the moment without a witness.
fn counted_to(state: &State, outage: &OutageStart) -> (DateTime<Utc>, bool, Certainty) {
    let stopped = state.milestones.get(&Milestone::WritesStopped).map(|reached| &reached.at);
    let Some(stopped) = stopped else { return (outage.start, false, outage.certainty) };
    let certainty = outage.certainty.max(state.wall_clock_held(&outage.declared, stopped));
    (stopped.at.max(outage.start), stopped.at > outage.start, certainty)
}

/// The weakest of what the names that are there stand on.
fn basis(state: &State, names: &[Vec<String>]) -> Basis {
    let of = |path: &Vec<String>| of_name(state, path, state.steps.len());
    names.iter().filter_map(of).max().unwrap_or(Basis::Requested)
}

/// What the name `steps.<id>.<saved>` stands on; `None` when there is no such value. A value that a step
/// saved from other names stands on what these stand on; `limit` is where the steps before it end.
fn of_name(state: &State, path: &[String], limit: usize) -> Option<Basis> {
    let (first, rest) = path.split_first()?;
    if first != "steps" {
        return Some(Basis::Requested);
    }
    let (saved, id) = rest.split_last()?;
    let place = state.position(&id.join("/")).filter(|place| *place < limit)?;
    let step = state.steps.get(place)?;
    step.saved.get(saved)?;
    if told_by_hand(step) {
        return Some(Basis::Stated);
    }
    let saves = step.step.save.iter().find(|(name, _)| name == saved);
    let Some((_, expr)) = saves else { return Some(Basis::Achieved) };
    let names = expr.names();
    if names.iter().any(|path| path.first().is_some_and(|name| name == "result")) {
        return Some(Basis::Achieved);
    }
    Some(
        names
            .iter()
            .filter_map(|path| of_name(state, path, place))
            .max()
            .unwrap_or(Basis::Requested),
    )
}

/// Whether a person gave the values that later steps use.
fn told_by_hand(step: &StepState) -> bool {
    let settled = step.settled.as_ref().map(|settled| settled.outcome);
    let resolved = step.last_of(Part::Do).and_then(|attempt| attempt.resolved.as_ref());
    matches!(settled, Some(Outcome::Skipped | Outcome::Overridden))
        || resolved.is_some_and(|(_, resolved)| resolved.resolved_by == ResolvedBy::Operator)
}
