//! What earlier runs of a runbook tell of each of its steps: how long it took, and what it saved.

use std::collections::BTreeMap;
use std::path::Path;

use super::runs::fold;
use crate::engine::clock::Certainty;
use crate::engine::event::RunStarted;
use crate::engine::{Fact, Mode, Outcome, Pace, Standing, State};
use crate::journal;
use crate::runbook::{Runbook, StepId, Value};

/// So many runs are looked at, the newest ones.
const NEWEST: usize = 40;

/// What earlier runs of the same kind tell. Live runs and drills are one kind: both did it for real. Practice in
/// the sandbox tells of practice alone, and a rehearsal, which does nothing, tells nothing; it goes by the real
/// runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// How long successful attempts took.
    pub pace: Pace,
    /// What the newest run in which the step succeeded saved there.
    pub saved: BTreeMap<StepId, Saved>,
}

/// What a step saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// In which run.
    pub run: String,
    /// The names and their values.
    pub values: BTreeMap<String, Value>,
}

impl Past {
    /// Looks through the runs of the runbook that this run is of, but not at the run itself. What cannot be
    /// read tells nothing.
    #[must_use]
    pub fn of(runs: &Path, run: &RunStarted, runbook: &Runbook) -> Self {
        let ids = journal::run_ids(runs).unwrap_or_default();
        let is_alike = |id: &&String| {
            **id != run.run
                && journal::first_record(&runs.join(id)).is_some_and(|first| {
                    matches!(&first.event.fact, Fact::RunStarted(other) if alike(other, run))
                })
        };
        let mut past = Self::default();
        for id in ids.iter().rev().filter(is_alike).take(NEWEST) {
            if let Ok(folded) = fold(&runs.join(id)) {
                past.take_in(id, &folded.state, runbook);
            }
        }
        past
    }

    fn take_in(&mut self, run: &str, state: &State, runbook: &Runbook) {
        for step in &state.steps {
            // Another action under the same name took another time.
            let now = runbook.steps.iter().find(|now| now.id == step.id());
            if now.is_none_or(|now| now.action.spec.name != step.step.action.spec.name) {
                continue;
            }
            for attempt in &step.attempts {
                let Some(ended) = attempt.ended() else { continue };
                let took = state.between(&attempt.intended, ended);
                // Across a reboot the length is anybody's guess; what a person resolved ended nobody knows when.
                let known = took.certainty == Certainty::Verified && attempt.resolved.is_none();
                if known && attempt.standing() == Standing::Succeeded {
                    self.pace.add(step.id(), attempt.id.of, took.length);
                }
            }
            let succeeded = step.settled.as_ref().is_some_and(|s| s.outcome == Outcome::Succeeded);
            if succeeded && !step.saved.is_empty() {
                let saved = Saved { run: run.to_owned(), values: step.saved.clone() };
                self.saved.entry(step.id().to_owned()).or_insert(saved);
            }
        }
    }
}

fn alike(other: &RunStarted, run: &RunStarted) -> bool {
    other.runbook == run.runbook && other.mode != Mode::Rehearsal && other.practice == run.practice
}
