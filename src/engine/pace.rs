//! Whether a run keeps pace: how long its steps usually take, and when the service will be back.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::event::{Part, Stamp};
use super::objectives::recovery_time;
use super::state::{State, StepState};
use crate::runbook::model::Milestone;
use crate::runbook::{Step, StepId};

/// How long successful attempts took in earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The shortest first.
    took: BTreeMap<(StepId, Part), Vec<TimeDelta>>,
}

/// What is usual for one action of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// Half of the attempts took no longer.
    pub p50: TimeDelta,
    /// Nine in ten took no longer.
    pub p90: TimeDelta,
    /// How many attempts there were.
    pub count: usize,
}

impl Pace {
    /// One more successful attempt.
    pub fn add(&mut self, step: &str, part: Part, took: TimeDelta) {
        let lengths = self.took.entry((step.to_owned(), part)).or_default();
        let place = lengths.partition_point(|length| *length <= took);
        lengths.insert(place, took);
    }

    /// What is usual; `None` when it never succeeded before.
    #[must_use]
    pub fn of(&self, step: &str, part: Part) -> Option<Usual> {
        let took = self.took.get(&(step.to_owned(), part))?;
        // The nearest rank: a length that was measured, never one in between.
        let rank = |tenths: usize| took.get((took.len() * tenths).div_ceil(10).max(1) - 1).copied();
        Some(Usual { p50: rank(5)?, p90: rank(9)?, count: took.len() })
    }

    /// How long a step is expected to take: what is usual for it, else its budget.
    #[must_use]
    pub fn expected(&self, step: &Step) -> Option<TimeDelta> {
        self.of(&step.id, Part::Do).map(|usual| usual.p50).or(step.budget)
    }
}

/// When the service will be restored if each step that is left takes as long as is expected of it, measured
/// from the outage's start; `None` when nothing is known of any of them.
#[must_use]
pub fn projection(state: &State, pace: &Pace, now: &Stamp) -> Option<TimeDelta> {
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
        let Some(expected) = pace.expected(&step.step) else { continue };
        known = true;
        let spent =
            step.running().map_or(TimeDelta::zero(), |a| state.between(&a.intended, now).length);
        left += (expected - spent).max(TimeDelta::zero());
    }
    known.then(|| clock.elapsed + left)
}
