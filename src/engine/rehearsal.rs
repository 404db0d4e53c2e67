//! A rehearsal: the same steps, guards and choices, and nothing is executed. What only a real run would know
//! is said to be unknown, and is never made up.

use std::collections::BTreeMap;

use super::event::{AttemptFinished, AttemptId, Event, Fact, Mode, Outcome, Part};
use super::input::Refusal;
use super::state::{State, StepState};
use crate::runbook::Value;
use crate::runbook::expr::Fault;
use crate::runbook::model::Call;

impl State {
    /// Nothing is executed in this run.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.run().is_some_and(|run| run.mode == Mode::Rehearsal)
    }

    /// The end of an attempt that was only rehearsed. What it is said to save is what an earlier run saved.
    pub(super) fn rehearsed(
        &self,
        id: &AttemptId,
        outcome: Outcome,
        message: &str,
        mut saved: BTreeMap<String, Value>,
    ) -> Result<Event, Refusal> {
        if !self.is_rehearsal() {
            return Err(Refusal::Nothing("only what is rehearsed ends like this".into()));
        }
        let attempt = self.at_work(id)?;
        let step = self.step(&attempt.id.step);
        let done = id.of == Part::Do && outcome == Outcome::Succeeded;
        saved.retain(|name, _| {
            done && step.is_some_and(|step| step.step.save.iter().any(|(known, _)| known == name))
        });
        let mut said = vec![message.to_owned()];
        if let Some(step) = step.filter(|_| done) {
            if !step.step.expect.is_empty() {
                said.push("`expect` was not evaluated".to_owned());
            }
            said.extend(self.unknown_condition(step));
        }
        let finished = AttemptFinished {
            outcome,
            message: said.join("; "),
            result: Value::Null,
            expectations: Vec::new(),
            saved,
            output: None,
        };
        Ok(Event::attempt(id, Fact::AttemptFinished(Box::new(finished))))
    }

    /// What of a step's request, condition and expectations a rehearsal cannot know, a line each.
    #[must_use]
    pub fn known_when_run(&self, step: &StepState, call: &Call) -> Vec<String> {
        let scope = self.scope(None);
        let env = step.step.env.iter().flat_map(|(_, template)| template.names());
        let names = step.step.outward(call.names().into_iter().chain(env).collect());
        let mut lines: Vec<String> = Vec::new();
        for name in names.iter().filter(|path| !is_there(&scope, path)) {
            let line = format!("`{}` is known only when it is run", name.join("."));
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.extend(self.unknown_condition(step));
        if !step.step.expect.is_empty() && !step.is_for_people() {
            lines.push("`expect` is not evaluated".to_owned());
        }
        lines
    }

    /// A `when` that cannot be told: the step is taken to apply.
    fn unknown_condition(&self, step: &StepState) -> Option<String> {
        let unknown = step.step.unmet(&self.scope(None)).err();
        let (when, _) = unknown.filter(|(_, e)| e.fault == Fault::Missing)?;
        Some(format!("`when: {}` cannot be known: the step is taken to apply", when.source()))
    }
}

/// Whether a path leads to a value.
fn is_there(scope: &Value, path: &[String]) -> bool {
    let mut value = Some(scope);
    for name in path {
        value = value.and_then(|value| value.get(name));
    }
    value.is_some()
}
