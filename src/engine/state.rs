//! The state of a run: the fold of its journal, and the questions one can ask of it.

mod attempt;
mod step;

pub use attempt::{Attempt, Granted, Standing};
pub use step::{Settled, Status, StepState};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::approvals::Approval;
use super::archive::{Anchors, Notifications};
use super::clock::Reboot;
use super::debrief::Issue;
use super::escalation::Escalated;
use super::event::{AttemptId, Check, Ending, Mode, Objective, Part, Pins, RunStarted, Stamp};
use super::outage::{OutageAmended, OutageStart};
use super::sign_off::SignOff;
use super::signing::Signatures;
use super::spans::Spans;
use crate::runbook::expr::Fault;
use crate::runbook::model::{Guard, OnFailure, OnUnknown};
use crate::runbook::{Effect, Milestone, Runbook, Step, StepId, Value};

/// Everything known about a run.
#[derive(Clone, Debug)]
pub struct State {
    /// The runbook that is run, as pinned.
    pub runbook: Arc<Runbook>,
    /// `run_started`, and when; `None` only before the first record.
    pub started: Option<(Stamp, RunStarted)>,
    /// In order, steps that were inserted included. Shared: a state is cloned for every view of it, and few
    /// steps change.
    pub steps: Vec<Arc<StepState>>,
    /// The inputs in force.
    pub inputs: BTreeMap<String, Value>,
    /// The declared start of the outage and the record that told it.
    pub outage: Option<OutageStart>,
    /// How often that was told anew, in order.
    pub outage_amendments: Vec<OutageAmended>,
    /// The escalation lines whose time has come, in order.
    pub escalations: Vec<Escalated>,
    /// Milestones that hold.
    pub milestones: BTreeMap<Milestone, Reached>,
    /// Milestones that were withdrawn, and by which record: only a later success brings one back.
    pub withdrawn: BTreeMap<Milestone, u64>,
    /// Objectives that can no longer be met, in the order they were missed.
    pub breaches: Vec<Objective>,
    /// Everything but the straight path, in order.
    pub deviations: Vec<Deviation>,
    /// Every request for approval, in order.
    pub approvals: Vec<Approval>,
    /// What reviewers said, in order.
    pub sign_offs: Vec<SignOff>,
    /// Who has had a console on it.
    pub operators: BTreeSet<String>,
    /// What people wrote down.
    pub notes: Vec<Note>,
    /// What people found that must be seen to.
    pub issues: Vec<Issue>,
    /// What people learned.
    pub lessons: Vec<Note>,
    /// What people kept.
    pub evidence: Vec<Evidence>,
    /// The latest preflight.
    pub preflight: Vec<Check>,
    /// The latest proof of the target.
    pub target: Option<(Stamp, Pins)>,
    /// What a live run asks for before anything acts was typed.
    pub entered: bool,
    /// A console has the run.
    pub attached: bool,
    /// The operator paused it.
    pub paused: Option<String>,
    /// How and when it ended.
    pub finished: Option<(Stamp, Ending, Option<String>)>,
    /// What of the journal is signed.
    pub signatures: Signatures,
    /// What of the journal is held where the operator cannot change it.
    pub anchors: Anchors,
    /// Who was told of what.
    pub notifications: Notifications,
    /// The stamp of the last record.
    pub last: Option<Stamp>,
    /// Number of records.
    pub records: u64,
    /// Where the records go from one boot to another.
    pub reboots: Vec<Reboot>,
    pub(super) spans: Spans,
    pub(super) index: Arc<HashMap<StepId, usize>>,
}

/// A milestone that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// When.
    pub at: Stamp,
    /// The record that says so.
    pub seq: u64,
    /// The step that declared it; `None` when a person did.
    pub step: Option<StepId>,
    /// The person's reason.
    pub reason: Option<String>,
}

/// One departure from the straight path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The record it is read from.
    pub seq: u64,
    /// When.
    pub at: Stamp,
    /// By whom.
    pub by: String,
    /// Where.
    pub step: Option<StepId>,
    /// What kind, in a word or two: `skipped`, `retried`, `marked done`.
    pub kind: &'static str,
    /// The reason or the circumstances.
    pub text: String,
}

/// Something a person wrote down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When.
    pub at: Stamp,
    /// By whom.
    pub by: String,
    /// At which step.
    pub step: Option<StepId>,
    /// The text.
    pub text: String,
}

/// A file kept as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When.
    pub at: Stamp,
    /// At which step.
    pub step: Option<StepId>,
    /// Below `evidence/`.
    pub file: String,
    /// Of its bytes.
    pub sha256: String,
    /// What it shows.
    pub caption: String,
}

/// The place of each step.
fn index_of(steps: &[Arc<StepState>]) -> HashMap<StepId, usize> {
    steps.iter().enumerate().map(|(i, s)| (s.step.id.clone(), i)).collect()
}

impl State {
    /// A run before its first record.
    #[must_use]
    pub fn new(runbook: Arc<Runbook>) -> Self {
        let steps: Vec<Arc<StepState>> = runbook
            .steps
            .iter()
            .map(|step| Arc::new(StepState::new(step.clone(), false)))
            .collect();
        let index = Arc::new(index_of(&steps));
        Self {
            runbook,
            started: None,
            steps,
            inputs: BTreeMap::new(),
            outage: None,
            outage_amendments: Vec::new(),
            escalations: Vec::new(),
            milestones: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            breaches: Vec::new(),
            deviations: Vec::new(),
            approvals: Vec::new(),
            sign_offs: Vec::new(),
            operators: BTreeSet::new(),
            notes: Vec::new(),
            issues: Vec::new(),
            lessons: Vec::new(),
            evidence: Vec::new(),
            preflight: Vec::new(),
            target: None,
            entered: false,
            attached: false,
            paused: None,
            finished: None,
            signatures: Signatures::default(),
            anchors: Anchors::default(),
            notifications: Notifications::default(),
            last: None,
            records: 0,
            reboots: Vec::new(),
            spans: Spans::default(),
            index,
        }
    }

    /// The step of this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&StepState> {
        self.index.get(id).and_then(|i| self.steps.get(*i)).map(Arc::as_ref)
    }

    pub(super) fn step_mut(&mut self, id: &str) -> Option<&mut StepState> {
        self.index.get(id).and_then(|i| self.steps.get_mut(*i)).map(Arc::make_mut)
    }

    pub(super) fn reindex(&mut self) {
        self.index = Arc::new(index_of(&self.steps));
    }

    /// The place of the step of this id, from 0.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// The attempt of this id.
    #[must_use]
    pub fn attempt(&self, id: &AttemptId) -> Option<&Attempt> {
        self.step(&id.step)?.attempts.iter().rev().find(|attempt| attempt.id == *id)
    }

    pub(super) fn attempt_mut(&mut self, id: &AttemptId) -> Option<&mut Attempt> {
        // The latest ones are asked for most.
        self.step_mut(&id.step)?.attempts.iter_mut().rev().find(|attempt| attempt.id == *id)
    }

    /// The step whose turn it is; `None` when every step has an outcome or the run is over.
    ///
    /// A step with work in flight or unknown comes before the first one without an outcome: nothing
    /// goes on around it.
    #[must_use]
    pub fn current(&self) -> Option<&StepState> {
        if self.finished.is_some() {
            return None;
        }
        self.steps
            .iter()
            .find(|s| s.running().is_some() || s.unknown().is_some() || s.consent.is_some())
            .or_else(|| self.steps.iter().find(|s| s.settled.is_none()))
            .map(Arc::as_ref)
    }

    /// Where a step stands.
    #[must_use]
    pub fn status<'a>(&self, step: &'a StepState) -> Status<'a> {
        step.status(self.current().is_some_and(|current| current.id() == step.id()))
    }

    /// The attempt at work, if any: there is at most one.
    #[must_use]
    pub fn running(&self) -> Option<&Attempt> {
        self.steps.iter().find_map(|step| step.running())
    }

    /// The mode; a drill before it started.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.run().map_or(Mode::Drill, |run| run.mode)
    }

    /// `run_started`; `None` before it.
    #[must_use]
    pub fn run(&self) -> Option<&RunStarted> {
        self.started.as_ref().map(|(_, started)| started)
    }

    /// What stands where a step's title is shown.
    #[must_use]
    pub fn title(&self, step: &StepState) -> String {
        let title = &step.step.title;
        title
            .render_text(&self.scope_of(&step.step, None))
            .unwrap_or_else(|_| title.source().to_owned())
    }

    /// The guard of one of a step's actions. `undo` has the guard of its own effect; a probe has none.
    #[must_use]
    pub fn guard(step: &Step, part: Part) -> Guard {
        match (part, &step.undo) {
            (Part::Do, _) => step.guard.clone(),
            (Part::Undo, Some(undo)) => undo.default_guard().unwrap_or(Guard::Confirm),
            (Part::Undo | Part::Probe, _) => Guard::None,
        }
    }

    /// The phrase that must be typed, when the guard asks for one.
    ///
    /// # Errors
    /// The guard's template cannot be rendered yet.
    pub fn phrase(&self, step: &StepState, part: Part) -> Result<Option<String>, String> {
        match Self::guard(&step.step, part) {
            Guard::Type(template) => match template.render_text(&self.scope_of(&step.step, None)) {
                Ok(phrase) => Ok(Some(phrase)),
                // Typed as the request shows it, too.
                Err(e) if self.is_rehearsal() && e.fault == Fault::Missing => {
                    Ok(Some(template.source().to_owned()))
                }
                Err(e) => Err(format!("the guard of {} cannot be rendered: {e}", step.id())),
            },
            Guard::None | Guard::Confirm => Ok(None),
        }
    }

    /// A step that failed and whose `on_failure` lets the run go on.
    #[must_use]
    pub fn goes_on_after_failure(step: &Step) -> bool {
        step.on_failure == OnFailure::Continue
    }

    /// How an unknown outcome of this attempt may be resolved without a person.
    #[must_use]
    pub fn on_unknown(&self, id: &AttemptId) -> OnUnknown {
        self.step(&id.step).map_or(OnUnknown::Ask, |s| s.step.on_unknown)
    }

    /// The effect of one of a step's actions.
    #[must_use]
    pub fn effect_of(step: &Step, part: Part) -> Effect {
        match part {
            Part::Do => step.action.effect,
            Part::Undo => step.undo.as_ref().map_or(Effect::Reads, |call| call.effect),
            Part::Probe => Effect::Reads,
        }
    }
}
