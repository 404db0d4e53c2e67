//! What became of an attempt whose end is unknown.

use super::run::Driver;
use super::view::Urgency;
use crate::actions::Found;
use crate::engine::event::{AttemptId, Part, Resolution, ResolvedBy};
use crate::engine::{Input, Status, StepState};
use crate::runbook::model::OnUnknown;

impl Driver {
    /// Asks a step's probe, unless it was found that it cannot be asked without a person.
    pub(super) fn probe(&mut self, step: &str) {
        let unknown = self.state.step(step).and_then(StepState::unknown).map(|a| a.id.clone());
        let Some(id) = unknown.filter(|id| !self.looked.contains(id)) else { return };
        if self.wanted_by(step, Part::Probe).is_empty() {
            self.workers.verify(&self.desk, &self.state, step, Part::Probe);
        } else {
            self.looked.insert(id);
        }
    }

    pub(super) fn on_found(&mut self, id: &AttemptId, found: Found) {
        let (resolution, reason) = match found {
            Found::Running(reason) => (Resolution::Running, reason),
            Found::NotStarted(reason) => (Resolution::NotDone, reason),
            Found::CannotTell(seen) => {
                self.looked.insert(id.clone());
                self.tell(Urgency::Warning, format!("{} is UNKNOWN: {seen}", id.file_stem()));
                // What cannot be seen may still be known by its traces.
                if self.state.step(&id.step).is_some_and(|s| s.step.probe.is_some()) {
                    self.workers.verify(&self.desk, &self.state, &id.step, Part::Probe);
                }
                return;
            }
        };
        let by = ResolvedBy::Reattach;
        self.take(Input::Resolve { attempt: id.clone(), resolution, by, reason, saved: [].into() });
        if resolution == Resolution::Running {
            self.output.begin(id);
        }
    }

    /// Find and probe again, at a person's wish; a reattachment that is found is taken. What was not as
    /// expected is asked again.
    pub(super) fn look_again(&mut self) {
        let state = self.state.clone();
        let Some(step) = state.current() else { return };
        if let Err(refusal) = state.may_check_again(step) {
            self.tell(Urgency::Info, refusal.to_string());
            return;
        }
        let Some(attempt) = step.unknown() else {
            self.workers.verify(&self.desk, &state, step.id(), Part::Probe);
            return;
        };
        let id = attempt.id.clone();
        self.looked.remove(&id);
        let probe = self.state.step(&id.step).is_some_and(|s| s.step.probe.is_some());
        if probe && self.state.on_unknown(&id) != OnUnknown::Reattach {
            self.workers.verify(&self.desk, &self.state, &id.step, Part::Probe);
        } else {
            self.with_request(&id, |workers, desk, state, request| {
                workers.find(desk, state, &id, request);
            });
        }
    }

    /// An unknown outcome is still being looked at.
    pub(super) fn is_looking(&self) -> bool {
        let Some(step) = self.state.current() else { return false };
        match self.state.status(step) {
            Status::Unknown(attempt) => {
                let automatic = !self.state.effects(&self.clock.now()).is_empty();
                (automatic && !self.looked.contains(&attempt.id))
                    || self.workers.is_verifying(step.id())
            }
            _ => false,
        }
    }
}
