//! `effects`: what should be running now. The driver starts what is missing and stops what is too much.

use std::time::Duration;

use super::event::{AttemptId, Part, Resolution, Stamp};
use super::state::{Attempt, State, Status, StepState};
use crate::runbook::StepId;
use crate::runbook::model::OnUnknown;

/// Something that should be going on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A checkpoint of the journal is to be signed.
    Sign,
    /// The head of the journal is to be put where the operator cannot change it.
    Anchor,
    /// Those who may approve can be heard: by a local socket, by a signature.
    Hear,
    /// An `approve` step asks for its approvals.
    AskApproval {
        /// The step.
        step: StepId,
    },
    /// Render the request and look at the target, so that the operator can be shown what will run.
    Prepare {
        /// The step whose turn it is.
        step: StepId,
    },
    /// The guard is satisfied: verify the target again, then intend the attempt.
    Begin {
        /// The step.
        step: StepId,
        /// Which of its actions.
        part: Part,
    },
    /// The attempt is intended: do it.
    Run(AttemptId),
    /// The attempt was found at work: wait for its end.
    Reattach(AttemptId),
    /// Somebody wants the attempt to stop.
    Cancel(AttemptId),
    /// The outcome is unknown: look, changing nothing, what became of it.
    Find(AttemptId),
    /// The outcome is unknown: ask the step's probe.
    Probe {
        /// The step.
        step: StepId,
    },
    /// It failed and is tried again after this pause.
    Retry {
        /// The step.
        step: StepId,
        /// What is left of `retry.every`.
        after: Duration,
    },
}

impl State {
    /// What should be running now. Nothing is, while no console has the run or it is over: an intent
    /// older than the latest `console_attached` is never carried out, it is unknown.
    #[must_use]
    pub fn effects(&self, now: &Stamp) -> Vec<Effect> {
        if !self.attached {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.is_checkpoint_due() {
            effects.push(Effect::Sign);
        }
        if self.is_anchor_due() {
            effects.push(Effect::Anchor);
        }
        if self.awaited_approvals().next().is_some() {
            effects.push(Effect::Hear);
        }
        if let Some(step) = self.unasked() {
            effects.push(Effect::AskApproval { step: step.id().to_owned() });
        }
        if let Some(step) = self.current() {
            effects.extend(self.effects_of(step, now));
        }
        effects
    }

    fn effects_of(&self, step: &StepState, now: &Stamp) -> Vec<Effect> {
        let id = || step.id().to_owned();
        match self.status(step) {
            Status::Ready => vec![Effect::Prepare { step: id() }],
            Status::Consented => match &step.consent {
                Some(granted) if self.vouched(step, granted).is_ok() => {
                    vec![Effect::Begin { step: id(), part: granted.part }]
                }
                Some(_) | None => Vec::new(),
            },
            Status::Running(attempt) => {
                let resolved = attempt.resolved.as_ref().map(|(_, resolved)| resolved.as_);
                let mut effects = vec![if resolved == Some(Resolution::Running) {
                    Effect::Reattach(attempt.id.clone())
                } else {
                    Effect::Run(attempt.id.clone())
                }];
                if attempt.cancel.is_some() {
                    effects.push(Effect::Cancel(attempt.id.clone()));
                }
                effects
            }
            Status::Unknown(attempt) => match step.step.on_unknown {
                OnUnknown::Ask => Vec::new(),
                OnUnknown::Reattach if may_be_found(attempt) => {
                    vec![Effect::Find(attempt.id.clone())]
                }
                OnUnknown::Reattach | OnUnknown::Probe if has_probe_to_ask(step, attempt) => {
                    vec![Effect::Probe { step: id() }]
                }
                OnUnknown::Reattach | OnUnknown::Probe => Vec::new(),
            },
            Status::Retrying(attempt) if self.paused.is_none() => {
                let waited = attempt.ended().map_or(Duration::ZERO, |ended| {
                    self.between(ended, now).length.to_std().unwrap_or_default()
                });
                let every = step
                    .step
                    .retry
                    .as_ref()
                    .map_or(Duration::ZERO, |retry| retry.every.to_std().unwrap_or_default());
                vec![Effect::Retry { step: id(), after: every.saturating_sub(waited) }]
            }
            // A failed step may be done again: its request is kept ready.
            Status::Failed(_) => vec![Effect::Prepare { step: id() }],
            Status::Retrying(_) | Status::AwaitsPerson(_) | Status::Pending | Status::Done(_) => {
                Vec::new()
            }
        }
    }
}

/// Whether looking may tell more. What its own end, cancelled or waited for twice, left unknown would
/// be found again and again.
fn may_be_found(attempt: &Attempt) -> bool {
    attempt.finished.is_none() || (attempt.cancel.is_none() && !attempt.is_reattached())
}

/// Whether there is a probe and it was not asked after this attempt: it is asked once on its own, then a
/// person decides.
fn has_probe_to_ask(step: &StepState, unknown: &Attempt) -> bool {
    let asked = |a: &Attempt| a.id.of == Part::Probe && !a.stale && a.id.number > unknown.id.number;
    step.step.probe.is_some() && !step.attempts.iter().any(asked)
}
