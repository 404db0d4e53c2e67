//! Objectives: how long the outage has lasted, how much data is lost, and whether the run keeps pace.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::event::{Ending, Outcome, Stamp};
use super::state::{State, StepState};
use crate::runbook::model::{Milestone, Verifies};
use crate::runbook::{Resolved, Value};

/// The recovery-time clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryTime {
    /// The objective.
    pub target: Option<TimeDelta>,
    /// From the declared start of the outage to `service_restored`, or to now.
    pub elapsed: TimeDelta,
    /// `service_restored` holds: the clock stands.
    pub stopped: bool,
    /// The boot clock vouches for it; otherwise it is "wall clock, unverified".
    pub verified: bool,
}

impl RecoveryTime {
    /// Whether the objective was met: `None` while the clock runs in time, or without an objective.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let target = self.target?;
        if self.elapsed > target {
            return Some(false);
        }
        self.stopped.then_some(true)
    }
}

/// What the recovery point is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Measured by a step.
    Achieved,
    /// Only asked for.
    Requested,
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
    /// Where the span ends: the later of the outage's start and `writes_stopped`.
    pub until: DateTime<Utc>,
    /// From the point to there. Negative is what was read, never clamped.
    pub actual: TimeDelta,
}

impl RecoveryPoint {
    /// Whether the objective was met on evidence; `None` without an objective or a measurement.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let target = self.target?;
        (self.basis == Basis::Achieved).then_some(self.actual <= target)
    }
}

/// The recovery-time clock at `now`; `None` before the run started, and in a rehearsal, which measures nothing.
#[must_use]
pub fn recovery_time(state: &State, now: &Stamp) -> Option<RecoveryTime> {
    if state.is_rehearsal() {
        return None;
    }
    let outage = state.outage.as_ref()?;
    let restored = state.milestones.get(&Milestone::ServiceRestored).map(|reached| &reached.at);
    let closed = state.finished.as_ref().map(|(at, ..)| at);
    let (since_declared, verified) = restored.or(closed).unwrap_or(now).since(&outage.declared);
    Some(RecoveryTime {
        target: state.runbook.objectives.rto,
        elapsed: (outage.declared.at - outage.start) + since_declared,
        stopped: restored.is_some(),
        verified,
    })
}

/// The recovery point, as far as it is known; `None` in a rehearsal, which measures nothing.
#[must_use]
pub fn rpo(state: &State) -> Option<RecoveryPoint> {
    if state.is_rehearsal() {
        return None;
    }
    let outage = state.outage.as_ref()?;
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
    let measured = template.names().iter().any(|path| path.first().is_some_and(|n| n == "steps"));
    let stopped = state.milestones.get(&Milestone::WritesStopped).map(|reached| reached.at.at);
    let until = stopped.map_or(outage.start, |stopped| stopped.max(outage.start));
    Some(RecoveryPoint {
        target: state.runbook.objectives.rpo,
        point,
        basis: if measured { Basis::Achieved } else { Basis::Requested },
        until,
        actual: until - point,
    })
}

/// When the service will be restored if what is left takes its budgets, measured from the outage's
/// start; `None` when nothing left has a budget.
#[must_use]
pub fn projection(state: &State, now: &Stamp) -> Option<TimeDelta> {
    let clock = recovery_time(state, now)?;
    if clock.stopped {
        return Some(clock.elapsed);
    }
    let last =
        state.steps.iter().position(|s| s.step.milestone == Some(Milestone::ServiceRestored));
    let ahead = state.steps.iter().take(last.map_or(state.steps.len(), |i| i + 1));
    let mut left = TimeDelta::zero();
    let mut known = false;
    let scope = state.scope(None);
    // Of several ways only one is gone: a step that is already known not to apply takes no time.
    let applies = |s: &&Arc<StepState>| !matches!(s.step.unmet(&scope), Ok(Some(_)));
    for step in ahead.filter(|s| s.settled.is_none()).filter(applies) {
        let Some(budget) = step.step.budget else { continue };
        known = true;
        let spent = step.running().map_or(TimeDelta::zero(), |a| now.since(&a.intended).0);
        left += (budget - spent).max(TimeDelta::zero());
    }
    known.then(|| clock.elapsed + left)
}

/// Whether the run passed: every step succeeded or was not applicable, both objectives were met on
/// evidence, and no verification was overridden. `None` while it goes on; a rehearsal proves nothing and
/// never passes.
#[must_use]
pub fn passed(state: &State) -> Option<bool> {
    let (at, ending, _) = state.finished.as_ref().filter(|_| !state.is_rehearsal())?;
    let objectives = &state.runbook.objectives;
    let steps = state.steps.iter().all(|step| {
        step.settled.as_ref().is_some_and(|settled| {
            matches!(settled.outcome, Outcome::Succeeded | Outcome::NotApplicable)
        })
    });
    let rto = objectives.rto.is_none()
        || recovery_time(state, at).is_some_and(|clock| clock.met() == Some(true));
    let rpo = objectives.rpo.is_none() || rpo(state).is_some_and(|rpo| rpo.met() == Some(true));
    Some(*ending == Ending::Completed && steps && rto && rpo)
}

/// What the steps that say `verifies: data` prove; `None` when none says so, or none applied, and in a
/// rehearsal, where nothing was looked at.
#[must_use]
pub fn data_verified(state: &State) -> Option<bool> {
    if state.is_rehearsal() {
        return None;
    }
    let outcome = |step: &Arc<StepState>| step.settled.as_ref().map(|settled| settled.outcome);
    let mut checks = state
        .steps
        .iter()
        .filter(|s| s.step.verifies == Some(Verifies::Data))
        .map(outcome)
        .filter(|outcome| *outcome != Some(Outcome::NotApplicable))
        .peekable();
    checks.peek()?;
    Some(checks.all(|outcome| outcome == Some(Outcome::Succeeded)))
}
