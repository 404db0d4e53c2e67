//! Secrets that a person types when a step is about to use them. They are known to the redactor before
//! anything else, held for as long as a step to come uses them, and never written down.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::prepare::render;
use super::run::Driver;
use super::view::Urgency;
use crate::engine::event::{AttemptId, Part};
use crate::engine::{Status, StepState};
use crate::runbook::StepId;

impl Driver {
    /// The secrets that must be typed before the run can move, in the order of their names.
    pub(super) fn wanted(&self) -> Vec<String> {
        if !self.desk.secrets.asks() {
            return Vec::new();
        }
        if let Some(prepared) = &self.prepared {
            return prepared.wants.clone();
        }
        match self.state.current() {
            Some(step) if matches!(self.state.status(step), Status::Unknown(_)) => {
                self.wanted_by(step.id(), Part::Probe)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// What an action of a step lacks.
    pub(super) fn wanted_by(&self, step: &str, part: Part) -> Vec<String> {
        let request = self.state.step(step).and_then(|step| render(&self.state, step, part).ok());
        request.map_or_else(Vec::new, |request| self.desk.secrets.wanted(&request.secrets))
    }

    /// A person has typed a secret.
    pub(super) fn take_secret(&mut self, input: &str, value: &SecretString) {
        if !self.desk.secrets.is_asked(input) {
            self.tell(Urgency::Warning, format!("`{input}` is not a secret that is typed"));
            return;
        }
        if value.expose_secret().is_empty() {
            self.tell(Urgency::Warning, format!("nothing was typed for `{input}`"));
            return;
        }
        let secrets = self.desk.secrets.with(input, value, &self.desk.redactor);
        self.desk = Arc::new(self.desk.holding(secrets));
        // What lacked it can be looked at now: the request, its target, an unknown outcome.
        self.prepared = None;
        if let Some(step) = self.undo_of.clone() {
            self.workers.prepare(&self.desk, &self.state, &step, Part::Undo);
        }
        let unknown = self.state.current().and_then(|step| step.unknown()).map(|a| a.id.clone());
        if let Some(id) = unknown {
            self.looked.remove(&id);
        }
    }

    /// An attempt is over: what it used and did not succeed with may have been mistyped.
    pub(super) fn doubt(&mut self, id: &AttemptId) {
        let Some(step) = self.state.step(&id.step) else { return };
        let succeeded = step.attempts.iter().any(|attempt| {
            attempt.id == *id && attempt.standing() == crate::engine::Standing::Succeeded
        });
        // It is tried again with what was typed for all of its tries.
        if succeeded || matches!(self.state.status(step), Status::Retrying(_)) {
            return;
        }
        let used = self.held().filter(|name| uses(step, name)).collect();
        self.forget(&used);
    }

    /// Forgets what no step to come uses.
    pub(super) fn tidy_secrets(&mut self) {
        let to_come = |name: &String| {
            let open = self.state.steps.iter().filter(|step| step.settled.is_none());
            open.into_iter().any(|step| uses(step, name))
                || self.undo_of.as_ref().is_some_and(|id| self.undo_uses(id, name))
        };
        let idle = self.held().filter(|name| !to_come(name)).collect();
        self.forget(&idle);
    }

    fn undo_uses(&self, step: &StepId, name: &str) -> bool {
        self.state.step(step).is_some_and(|step| uses(step, name))
    }

    fn held(&self) -> impl Iterator<Item = String> {
        self.desk.secrets.typed().map(str::to_owned)
    }

    fn forget(&mut self, names: &BTreeSet<String>) {
        if names.is_empty() {
            return;
        }
        self.desk = Arc::new(self.desk.holding(self.desk.secrets.without(names)));
        self.prepared = None;
    }
}

/// Whether any action of the step names the input.
fn uses(step: &StepState, input: &str) -> bool {
    let named = step.step.names().iter().any(
        |path| matches!(path.as_slice(), [root, name, ..] if root == "inputs" && name == input),
    );
    let names = step.step.inputs_from(input);
    let probe = step.step.probe.as_ref().map(|probe| &probe.action);
    let calls = [Some(&step.step.action), step.step.undo.as_ref(), probe];
    named || calls.into_iter().flatten().any(|call| names.iter().any(|name| call.reads_input(name)))
}
