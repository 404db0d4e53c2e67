//! Objectives: how long the outage has lasted, how much data is lost, and whether the run passed.

mod loss;

use std::sync::Arc;

use chrono::TimeDelta;

use super::clock::Certainty;
use super::event::{Ending, Outcome, Stamp};
use super::outage::OutageStart;
use super::spans::Waits;
use super::state::{State, StepState};
use crate::runbook::model::{Milestone, Verifies};

pub use loss::{Basis, RecoveryPoint, rpo, rpo_from};

/// The recovery-time clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryTime {
    /// The objective.
    pub target: Option<TimeDelta>,
    /// From the declared start of the outage to `service_restored`, or to now.
    pub elapsed: TimeDelta,
    /// `service_restored` holds: the clock stands.
    pub stopped: bool,
    /// How far to rely on it.
    pub certainty: Certainty,
}

impl RecoveryTime {
    /// Whether the objective was met: `None` while the clock runs in time, without an objective, or where
    /// the clocks contradict each other.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let target = self.target?;
        if self.certainty == Certainty::Uncertain {
            return None;
        }
        if self.elapsed > target {
            return Some(false);
        }
        self.stopped.then_some(true)
    }
}

/// The recovery-time clock at `now`; `None` before the run started, and in a rehearsal, which measures nothing.
#[must_use]
pub fn recovery_time(state: &State, now: &Stamp) -> Option<RecoveryTime> {
    if state.is_rehearsal() {
        return None;
    }
    Some(recovery_time_from(state, state.outage.as_ref()?, now))
}

/// The recovery-time clock as it would be with this start of the outage: for an amended start both are
/// shown.
///
/// What lay before the declaration is a person's word by the wall clock of that moment; from there on it
/// is clock arithmetic.
#[must_use]
pub fn recovery_time_from(state: &State, outage: &OutageStart, now: &Stamp) -> RecoveryTime {
    let restored = state.milestones.get(&Milestone::ServiceRestored).map(|reached| &reached.at);
    let closed = state.finished.as_ref().map(|(at, ..)| at);
    let end = restored.or(closed).unwrap_or(now);
    let elapsed = outage.told().then(state.between(&outage.declared, end)).forward();
    RecoveryTime {
        target: state.runbook.objectives.rto,
        elapsed: elapsed.length,
        stopped: restored.is_some(),
        certainty: elapsed.certainty,
    }
}

/// What the time of the recovery-time clock went to. The parts add up to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// From the declared start of the outage to the run's first record. Negative when the start was told
    /// to be later than that.
    pub before: TimeDelta,
    /// Attempts at work.
    pub machine: TimeDelta,
    /// Waiting for the operator.
    pub person: TimeDelta,
    /// Waiting for somebody's approval.
    pub approval: TimeDelta,
}

/// What the time until the service was restored, or until `now`, went to; `None` before the run started.
#[must_use]
pub fn split(state: &State, now: &Stamp) -> Option<Split> {
    let clock = recovery_time(state, now)?;
    let zero = TimeDelta::zero();
    let mut split = Split { before: zero, machine: zero, person: zero, approval: zero };
    let restored = state.milestones.get(&Milestone::ServiceRestored).map(|reached| reached.seq);
    let in_time = |first: u64| restored.is_none_or(|restored| first < restored);
    for span in state.spans(now).iter().filter(|span| in_time(span.first)) {
        let length = state.between(&span.from, &span.to).length;
        match span.kind {
            Waits::Machine => split.machine += length,
            Waits::Person => split.person += length,
            Waits::Approval => split.approval += length,
        }
    }
    split.before = clock.elapsed - split.machine - split.person - split.approval;
    Some(split)
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
