//! What earlier runs of a runbook tell of each of its steps: how long it took, and what it saved.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::TimeDelta;

use super::runs::fold;
use crate::engine::{Fact, Mode, Outcome, Part, Standing, State};
use crate::journal;
use crate::runbook::{StepId, Value};

/// So many runs are looked at, the newest ones.
const NEWEST: usize = 40;

/// Of every earlier run that was real: no rehearsal, and no practice in the sandbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// How long each successful attempt took, the shortest first.
    pub took: BTreeMap<(StepId, Part), Vec<TimeDelta>>,
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
    /// Looks through the runs of a runbook. What cannot be read tells nothing.
    #[must_use]
    pub fn of(runs: &Path, runbook: &str) -> Self {
        let ids = journal::run_ids(runs).unwrap_or_default();
        let is_its = |id: &&String| {
            journal::first_record(&runs.join(id)).is_some_and(|first| match &first.event.fact {
                Fact::RunStarted(run) => {
                    run.runbook == runbook && run.mode != Mode::Rehearsal && !run.practice
                }
                _ => false,
            })
        };
        let mut past = Self::default();
        for id in ids.iter().rev().filter(is_its).take(NEWEST) {
            if let Ok(folded) = fold(&runs.join(id)) {
                past.take_in(id, &folded.state);
            }
        }
        past.took.values_mut().for_each(|lengths| lengths.sort());
        past
    }

    fn take_in(&mut self, run: &str, state: &State) {
        for step in &state.steps {
            for attempt in &step.attempts {
                let Some(ended) = attempt.ended() else { continue };
                // Across a reboot the length is anybody's guess.
                if let (Standing::Succeeded, (took, true)) =
                    (attempt.standing(), ended.since(&attempt.intended))
                {
                    let of = (step.id().to_owned(), attempt.id.of);
                    self.took.entry(of).or_default().push(took);
                }
            }
            let succeeded = step.settled.as_ref().is_some_and(|s| s.outcome == Outcome::Succeeded);
            if succeeded && !step.saved.is_empty() {
                let saved = Saved { run: run.to_owned(), values: step.saved.clone() };
                self.saved.entry(step.id().to_owned()).or_insert(saved);
            }
        }
    }

    /// The median of how long an action of a step took, and of how many attempts.
    #[must_use]
    pub fn median(&self, step: &str, part: Part) -> Option<(TimeDelta, usize)> {
        let took = self.took.get(&(step.to_owned(), part))?;
        took.get(took.len().saturating_sub(1) / 2).map(|median| (*median, took.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_lower_middle_one() {
        let mut past = Past::default();
        assert_eq!(past.median("restore", Part::Do), None);
        for (took, median) in [(&[4][..], 4), (&[4, 9], 4), (&[1, 4, 9], 4)] {
            let took = took.iter().map(|s| TimeDelta::seconds(*s)).collect();
            past.took.insert(("restore".into(), Part::Do), took);
            let (found, of) = past.median("restore", Part::Do).unwrap();
            assert_eq!(found, TimeDelta::seconds(median), "of {of}");
        }
    }
}
