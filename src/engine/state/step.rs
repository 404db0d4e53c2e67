//! One step, and where it stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::event::{Outcome, Part, Stamp};
use super::{Attempt, Granted, Standing};
use crate::runbook::{Effect, Step, Value};

/// One step and what became of it.
#[derive(Clone, Debug)]
pub struct StepState {
    /// The step.
    pub step: Arc<Step>,
    /// It was not in the runbook.
    pub inserted: bool,
    /// In order; `do`, `undo` and `probe` together, stale ones included.
    pub attempts: Vec<Attempt>,
    /// A guard that was satisfied and not yet used.
    pub consent: Option<Granted>,
    /// The outcome, once it stands.
    pub settled: Option<Settled>,
    /// What later steps may use.
    pub saved: BTreeMap<String, Value>,
    /// Its `do` was taken back.
    pub undone: bool,
}

/// The outcome of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub outcome: Outcome,
    /// When.
    pub at: Stamp,
    /// The record that settled it.
    pub seq: u64,
    /// A person's reason, or the attempt's message.
    pub why: String,
}

/// Where a step stands: what the screen shows beside it.
#[derive(Clone, Copy, Debug)]
pub enum Status<'a> {
    /// Its turn has not come.
    Pending,
    /// It is its turn: the operator's guard is awaited.
    Ready,
    /// The guard is satisfied; it is about to start.
    Consented,
    /// An attempt is at work.
    Running(&'a Attempt),
    /// A `manual` or `choose` step waits for the operator's answer.
    AwaitsPerson(&'a Attempt),
    /// It failed and will be tried again on its own.
    Retrying(&'a Attempt),
    /// Nobody knows how the attempt came out: a person decides.
    Unknown(&'a Attempt),
    /// It failed: the operator chooses.
    Failed(&'a Attempt),
    /// It has an outcome.
    Done(Outcome),
}

impl StepState {
    pub(in crate::engine) fn new(step: Step, inserted: bool) -> Self {
        Self {
            step: Arc::new(step),
            inserted,
            attempts: Vec::new(),
            consent: None,
            settled: None,
            saved: BTreeMap::new(),
            undone: false,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.step.id
    }

    /// The latest attempt that counts.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| !attempt.stale)
    }

    /// The latest attempt that counts and did more than ask.
    #[must_use]
    pub fn last_act(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|a| !a.stale && a.id.of != Part::Probe)
    }

    /// The latest attempt of `part` that counts.
    #[must_use]
    pub fn last_of(&self, part: Part) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|a| !a.stale && a.id.of == part)
    }

    /// The attempt whose outcome nobody knows. A probe is never one: it only reads.
    #[must_use]
    pub fn unknown(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .rev()
            .find(|a| !a.stale && a.id.of != Part::Probe && a.standing() == Standing::Unknown)
    }

    /// A probe whose answer was lost: nothing waits for it, and the record says so.
    #[must_use]
    pub fn lost_probe(&self) -> Option<&Attempt> {
        let lost = |a: &&Attempt| a.id.of == Part::Probe && a.standing() == Standing::Unknown;
        self.attempts.iter().find(lost)
    }

    /// The attempt that is at work.
    #[must_use]
    pub fn running(&self) -> Option<&Attempt> {
        self.last().filter(|attempt| attempt.standing() == Standing::Running)
    }

    /// The latest act, when it ran and what it did was not what is expected.
    #[must_use]
    pub fn unexpected(&self) -> Option<&Attempt> {
        self.last_act().filter(|attempt| {
            attempt.id.of == Part::Do
                && attempt.standing() == Standing::Failed
                && !attempt.unmet().is_empty()
        })
    }

    /// Whether what it does changes nothing.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.step.action.effect == Effect::Reads
    }

    /// Whether the operator, not a program, does what the step says.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.step.action.spec.is_for_people()
    }

    /// Failed attempts in a row under the consent of the last one.
    #[must_use]
    pub fn failures(&self) -> u32 {
        let mut count = 0;
        for attempt in self.attempts.iter().rev().filter(|a| !a.stale && a.id.of == Part::Do) {
            match attempt.standing() {
                Standing::Failed => count += 1,
                Standing::Running | Standing::Unknown | Standing::Succeeded | Standing::NotDone => {
                    break;
                }
            }
            // A consent is on the first attempt made under it; automatic retries have none.
            if attempt.consent.is_some() {
                break;
            }
        }
        count
    }

    /// The number the next attempt gets.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Where it stands, when `current` says whether its turn has come.
    #[must_use]
    pub fn status(&self, current: bool) -> Status<'_> {
        if let Some(attempt) = self.running() {
            return if self.is_for_people() && attempt.id.of == Part::Do {
                Status::AwaitsPerson(attempt)
            } else {
                Status::Running(attempt)
            };
        }
        if let Some(attempt) = self.unknown() {
            return Status::Unknown(attempt);
        }
        if self.consent.is_some() {
            return Status::Consented;
        }
        if let Some(settled) = &self.settled {
            return Status::Done(settled.outcome);
        }
        match self.last_act() {
            Some(attempt) if attempt.standing() == Standing::Failed => {
                if attempt.id.of == Part::Do && self.retries_left() {
                    Status::Retrying(attempt)
                } else {
                    Status::Failed(attempt)
                }
            }
            _ if current => Status::Ready,
            _ => Status::Pending,
        }
    }

    /// Whether the step will be tried again on its own.
    #[must_use]
    pub fn retries_left(&self) -> bool {
        let stopped = |attempt: &Attempt| attempt.cancel.is_some() || attempt.refused_after;
        let times = self.step.retry.as_ref().map_or(0, |retry| retry.times);
        !self.last().is_some_and(stopped) && (1..=times).contains(&self.failures())
    }
}
