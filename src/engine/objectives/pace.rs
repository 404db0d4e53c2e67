//! Whether the run keeps pace.

use std::sync::Arc;

use chrono::TimeDelta;

use super::recovery_time;
use crate::engine::event::Stamp;
use crate::engine::state::{State, StepState};
use crate::runbook::model::Milestone;

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
        let spent =
            step.running().map_or(TimeDelta::zero(), |a| state.between(&a.intended, now).length);
        left += (budget - spent).max(TimeDelta::zero());
    }
    known.then(|| clock.elapsed + left)
}
