//! The state of a run: the fold of its journal, and the questions one can ask of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use super::approvals::Approval;
use super::archive::{Anchors, Notifications};
use super::clock::Reboot;
use super::debrief::Issue;
use super::escalation::Escalated;
use super::event::{
    AttemptFinished, AttemptId, Check, Consent, Ending, Expectation, Mode, Objective, Outcome,
    Part, Pins, Resolution, RunStarted, Stamp, UnknownResolved,
};
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

/// A satisfied guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For which action.
    pub part: Part,
    /// How.
    pub consent: Consent,
    /// The request that was on screen.
    pub digest: String,
    /// Who.
    pub by: String,
    /// The record that says so.
    pub seq: u64,
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

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// When it was intended.
    pub intended: Stamp,
    /// Who consented.
    pub by: String,
    /// What was consented to, and how.
    pub consent: Option<Consent>,
    /// The request, secrets masked.
    pub request: Json,
    /// SHA-256 of the request.
    pub digest: String,
    /// Sent along where the other side can recognise a repeat.
    pub token: String,
    /// When it began, and its process.
    pub started: Option<(Stamp, Option<u32>)>,
    /// The latest progress.
    pub progress: Option<(Stamp, String, Option<f64>)>,
    /// Somebody wants it to stop.
    pub cancel: Option<String>,
    /// How it came out.
    pub finished: Option<(Stamp, AttemptFinished)>,
    /// The console that intended it is gone.
    pub lost: bool,
    /// What became of an attempt whose outcome was unknown.
    pub resolved: Option<(Stamp, UnknownResolved)>,
    /// What was to come next was refused at the last look: nothing is tried again on its own.
    pub refused_after: bool,
    /// The run was taken back before it: it no longer counts.
    pub stale: bool,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At work, in this console's hands.
    Running,
    /// Nobody knows.
    Unknown,
    /// It did its work.
    Succeeded,
    /// It did not.
    Failed,
    /// It certainly changed nothing: it may be tried as if for the first time.
    NotDone,
}

impl Attempt {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let finished = self.finished.as_ref().map(|(_, finished)| finished.outcome);
        match (finished, self.resolved.as_ref().map(|(_, r)| r.as_)) {
            // What is resolved as running finishes again later, or is lost again with its console.
            (None, Some(Resolution::Running)) if !self.lost => Standing::Running,
            (None | Some(Outcome::Unknown), Some(Resolution::Succeeded)) => Standing::Succeeded,
            (None | Some(Outcome::Unknown), Some(Resolution::Failed)) => Standing::Failed,
            (None | Some(Outcome::Unknown), Some(Resolution::NotDone)) => Standing::NotDone,
            (None, None) if !self.lost => Standing::Running,
            (Some(Outcome::Succeeded), _) => Standing::Succeeded,
            (Some(Outcome::Failed), _) => Standing::Failed,
            (None | Some(_), _) => Standing::Unknown,
        }
    }

    /// It was found still at work by a console that did not start it.
    #[must_use]
    pub fn is_reattached(&self) -> bool {
        self.resolved.as_ref().is_some_and(|(_, r)| r.as_ == Resolution::Running)
    }

    /// When it came out.
    #[must_use]
    pub fn ended(&self) -> Option<&Stamp> {
        let finished = self.finished.as_ref().map(|(at, _)| at);
        let resolved =
            self.resolved.as_ref().filter(|(_, r)| r.as_ != Resolution::Running).map(|(at, _)| at);
        resolved.or(finished)
    }

    /// Its message, once there is one.
    #[must_use]
    pub fn message(&self) -> &str {
        match (&self.resolved, &self.finished) {
            (Some((_, resolved)), _) if resolved.as_ != Resolution::Running => &resolved.reason,
            (_, Some((_, finished))) => &finished.message,
            _ => "",
        }
    }

    /// Expectations that did not hold.
    #[must_use]
    pub fn unmet(&self) -> Vec<&Expectation> {
        self.finished
            .iter()
            .flat_map(|(_, finished)| finished.expectations.iter().filter(|e| !e.held))
            .collect()
    }
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
    pub(super) fn new(step: Step, inserted: bool) -> Self {
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
