//! `decide`: may this happen now, and which fact is it? One input, one fact or a refusal that is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value as Json;

use super::event::{
    AttemptFinished, AttemptId, ByHand, Consent, Ending, Event, Fact, Outcome, Output, Part,
    Resolution, ResolvedBy, Stamp, UnknownResolved,
};
use super::input::{Given, Input, Refusal};
use super::judge::kept;
use super::state::{Attempt, Standing, State, Status, StepState};
use crate::runbook::expr::Fault;
use crate::runbook::model::{Guard, Milestone};
use crate::runbook::{StepId, Value};

type Decision = Result<Event, Refusal>;

/// At most one progress record in this time.
const PROGRESS_EVERY: TimeDelta = TimeDelta::seconds(10);

impl State {
    /// Decides one input.
    ///
    /// # Errors
    /// A [`Refusal`]: why it may not happen now.
    pub fn decide(&self, input: Input, now: &Stamp) -> Decision {
        if let Input::Start(run) = input {
            return if self.started.is_some() {
                Err(Refusal::Beginning("the run has begun already"))
            } else {
                Ok(Event::run(Fact::RunStarted(run)))
            };
        }
        if self.started.is_none() {
            return Err(Refusal::Beginning("the run has not begun"));
        }
        match input {
            Input::Start(_) => Err(Refusal::Beginning("the run has begun already")),
            // What may be said at any time, the end of the run included.
            Input::Attach { pid, tool } => Ok(Event::run(Fact::ConsoleAttached { pid, tool })),
            Input::Detach { reason } => Ok(Event::run(Fact::ConsoleDetached { reason })),
            Input::Signal { signal } => Ok(Event::run(Fact::SignalReceived { signal })),
            Input::ClockStepped { by_ms } => Ok(Event::run(Fact::ClockStep { by_ms })),
            Input::Recovered { bytes, sha256, kept_as } => {
                Ok(Event::run(Fact::Recovery { bytes, sha256, kept_as }))
            }
            Input::Note { step, text } => self.note(step, text),
            Input::Evidence { step, file, sha256, bytes, caption } => {
                self.about(step, Fact::EvidenceAttached { file, sha256, bytes, caption })
            }
            Input::Exported { file, format, sha256 } => {
                Ok(Event::run(Fact::Exported { file, format, sha256 }))
            }
            Input::Signed { checkpoint, head, file, signature, key } => {
                Ok(Event::run(Fact::CheckpointSigned { checkpoint, head, file, signature, key }))
            }
            Input::NotSigned { checkpoint, reason } => {
                Ok(Event::run(Fact::CheckpointFailed { checkpoint, reason: given(reason)? }))
            }
            Input::Issue { step, issue } => self.issue(step, issue),
            Input::Lesson { step, text } => self.lesson(step, text),
            Input::Anchored(anchored) => Ok(Event::run(Fact::Anchored(anchored))),
            Input::NotAnchored { anchor, reason } => {
                Ok(Event::run(Fact::AnchorFailed { anchor, reason: given(reason)? }))
            }
            Input::Notified { hook, about, occasion, failure } => Ok(Event::run(match failure {
                None => Fact::NotificationSent { hook, about, occasion },
                Some(reason) => Fact::NotificationFailed { hook, about, occasion, reason },
            })),
            Input::Withdraw { milestone, reason } => self.withdraw(milestone, reason),
            Input::AmendOutageStart { start, reason } => {
                let reason = given(reason)?;
                Ok(Event::run(Fact::OutageStartAmended { start, reason }))
            }
            Input::Acknowledge { note } => self.acknowledged(note),
            // What a program reports.
            Input::Began { attempt, pid } => {
                self.at_work(&attempt)?;
                Ok(Event::attempt(&attempt, Fact::AttemptStarted { pid }))
            }
            Input::Progressed { attempt, message, fraction } => {
                self.progressed(&attempt, message, fraction, now)
            }
            Input::Rehearsed { attempt, outcome, message, saved } => {
                self.rehearsed(&attempt, outcome, &message, saved)
            }
            Input::Ended { .. } if self.is_rehearsal() => {
                Err(Refusal::Nothing("a rehearsal executes nothing: nothing can have ended".into()))
            }
            Input::Ended { attempt, outcome, message, result, output } => {
                let at_work = self.at_work(&attempt)?;
                Ok(self.ended(at_work, outcome, message, result, output))
            }
            Input::Resolve { attempt, resolution, by, reason, saved } => {
                self.resolve(&attempt, resolution, by, reason, saved)
            }
            Input::Cancel { reason } => self.cancel(reason),
            Input::Answer { choice, done, note } => self.answer(choice, done, note),
            // A glass that was broken is approved in retrospect, when the run is over too.
            Input::Approve { asked, request, approver, known_by } => {
                self.approve(asked, &request, approver, known_by)
            }
            Input::Decline { asked, request, approver, known_by, reason } => {
                self.decline(asked, &request, approver, &known_by, reason)
            }
            Input::NoApproval { approver, reason } => self.refuse_approval(None, approver, reason),
            Input::SignOff(said) => self.sign_off(*said),
            // What moves the run.
            Input::TargetVerified { .. }
            | Input::Enter { .. }
            | Input::Consent { .. }
            | Input::AskApproval { .. }
            | Input::Intend { .. }
            | Input::Skip { .. }
            | Input::Override { .. }
            | Input::Rerun { .. }
            | Input::Amend { .. }
            | Input::Insert { .. }
            | Input::Declare { .. }
            | Input::Pause { .. }
            | Input::Continue
            | Input::Abort { .. }
                if self.finished.is_some() =>
            {
                Err(Refusal::Over)
            }
            Input::TargetVerified { step, pins } => self.about(step, Fact::TargetVerified { pins }),
            Input::Enter { typed } => self.enter(&typed),
            Input::Consent { step, part, given, digest } => {
                self.entered_for(&step, part)?;
                self.consent(&step, part, given, digest)
            }
            Input::AskApproval { step, digest, target, uid, head } => {
                self.ask_approval(&step, digest, target, uid, head)
            }
            Input::Intend { step, part, request, digest, token } => {
                self.intend(&step, part, request, digest, token)
            }
            Input::Skip { step, by_hand } => {
                let by_hand = self.by_hand(&step, by_hand)?;
                Ok(Event::step(&step, Fact::StepSkipped(by_hand)))
            }
            Input::Override { step, by_hand } => {
                let by_hand = self.by_hand(&step, by_hand)?;
                Ok(Event::step(&step, Fact::StepOverridden(by_hand)))
            }
            Input::Rerun { step, reason } => self.rerun(&step, reason),
            Input::Amend { input, value, reason } => self.amend(input, value, reason),
            Input::Insert { title, run, reason } => self.insert_step(title, run, reason),
            Input::Declare { milestone, reason } => self.declare(milestone, reason),
            Input::Pause { reason } => match self.paused {
                Some(_) => Err(Refusal::Paused),
                None => Ok(Event::run(Fact::RunPaused { reason: given(reason)? })),
            },
            Input::Continue => match self.paused {
                Some(_) => Ok(Event::run(Fact::RunContinued {})),
                None => Err(Refusal::Nothing("the run is not paused".into())),
            },
            Input::Abort { reason } => {
                self.idle()?;
                let reason = Some(given(reason)?);
                Ok(Event::run(Fact::RunFinished { ending: Ending::Aborted, reason }))
            }
        }
    }

    fn known(&self, step: &str) -> Result<&StepState, Refusal> {
        self.step(step).ok_or_else(|| Refusal::NoStep(step.to_owned()))
    }

    pub(super) fn about(&self, step: Option<StepId>, fact: Fact) -> Decision {
        match step {
            Some(step) => self.known(&step).map(|_| Event::step(&step, fact)),
            None => Ok(Event::run(fact)),
        }
    }

    fn note(&self, step: Option<StepId>, text: String) -> Decision {
        if text.trim().is_empty() {
            return Err(Refusal::Nothing("the note is empty".into()));
        }
        self.about(step, Fact::NoteAdded { text })
    }

    pub(super) fn at_work(&self, id: &AttemptId) -> Result<&Attempt, Refusal> {
        self.attempt(id)
            .filter(|attempt| attempt.standing() == Standing::Running)
            .ok_or_else(|| Refusal::NotAtWork(id.file_stem()))
    }

    /// Nothing is at work and nothing is unknown.
    pub(super) fn idle(&self) -> Result<(), Refusal> {
        if let Some(attempt) = self.running() {
            return Err(Refusal::Busy(attempt.id.file_stem()));
        }
        match self.steps.iter().find_map(|step| step.unknown()) {
            Some(attempt) => Err(Refusal::Unknown(attempt.id.file_stem())),
            None => Ok(()),
        }
    }

    pub(super) fn its_turn(&self, step: &str) -> Result<&StepState, Refusal> {
        let known = self.known(step)?;
        match self.current() {
            Some(current) if current.id() == step => Ok(known),
            Some(current) => Err(Refusal::NotItsTurn(current.id().to_owned())),
            None => Err(Refusal::Over),
        }
    }

    fn consent(&self, step: &str, part: Part, given: Given, digest: String) -> Decision {
        if let Given::BreakGlass { typed, reason } = given {
            return self.break_glass(step, part, &typed, reason, digest);
        }
        self.idle()?;
        if self.paused.is_some() {
            return Err(Refusal::Paused);
        }
        let of = match part {
            Part::Do => self.its_turn(step)?,
            Part::Undo => self.undoable(step)?,
            Part::Probe => return Err(Refusal::Nothing("a probe has no guard".into())),
        };
        if part == Part::Do {
            self.applies(of)?;
        }
        self.approved(of, part, &given, &digest)?;
        let phrase = self.phrase(of, part).map_err(Refusal::Expression)?;
        let consent = match (Self::guard(&of.step, part), given, phrase) {
            (Guard::None, Given::Enter | Given::Yes, _) => Consent::Enter,
            (Guard::None | Guard::Confirm, Given::Auto { .. }, _) => Consent::Auto,
            (Guard::Confirm, Given::Yes, _) => Consent::Confirmed,
            (Guard::Confirm, Given::Enter, _) => {
                return Err(Refusal::Guard("read the whole request, then press y".into()));
            }
            (Guard::Type(_), Given::Typed(typed), Some(phrase)) if typed == phrase => {
                Consent::Typed { phrase }
            }
            (Guard::Type(_), Given::Auto { allow_destructive: true }, _) => Consent::Auto,
            (Guard::Type(_), Given::Auto { allow_destructive: false }, _) => {
                return Err(Refusal::Guard(format!(
                    "`{step}` wants a phrase typed: run it by hand, or add --allow-destructive"
                )));
            }
            (Guard::Type(_), Given::Typed(typed), phrase) => {
                let phrase = phrase.unwrap_or_default();
                let reason = format!("`{typed}` was typed where `{phrase}` was asked for");
                return Ok(Event::step(step, Fact::GuardRefused { part, reason }));
            }
            (Guard::Type(_), Given::Enter | Given::Yes, phrase) => {
                let phrase = phrase.unwrap_or_default();
                return Err(Refusal::Guard(format!("type `{phrase}` to go on")));
            }
            // It was decided above.
            (_, Given::BreakGlass { .. }, _) => return Err(Refusal::Changed),
            (Guard::None | Guard::Confirm, Given::Typed(_), _) => {
                return Err(Refusal::Guard("this step asks for no phrase".into()));
            }
        };
        Ok(Event::step(step, Fact::GuardSatisfied { part, consent, request: digest }))
    }

    /// `when` is true; one that cannot be evaluated refuses the attempt.
    pub(super) fn applies(&self, step: &StepState) -> Result<(), Refusal> {
        match step.step.unmet(&self.scope(None)) {
            Ok(None) => Ok(()),
            Ok(Some(when)) => Err(Refusal::Nothing(format!("`{}` is false", when.source()))),
            // Nothing comes of it there: the step is rehearsed.
            Err((_, e)) if self.is_rehearsal() && e.fault == Fault::Missing => Ok(()),
            Err((when, e)) => Err(Refusal::Expression(format!("`when: {}`: {e}", when.source()))),
        }
    }

    /// Undo goes newest first, not while anything is at work or unknown, and not after the service was restored.
    ///
    /// # Errors
    /// Why it may not be undone now.
    pub fn undoable(&self, step: &str) -> Result<&StepState, Refusal> {
        self.idle()?;
        let known = self.known(step)?;
        if known.step.undo.is_none() {
            return Err(Refusal::Nothing(format!("`{step}` has no undo")));
        }
        if self.milestones.contains_key(&Milestone::ServiceRestored) {
            return Err(Refusal::Nothing(
                "the service was restored: nothing is undone under its users' feet; \
                 withdraw the milestone first if the service has relapsed"
                    .into(),
            ));
        }
        let acted = |s: &&Arc<StepState>| {
            s.step.undo.is_some()
                && s.last_of(Part::Do).is_some_and(|a| a.standing() != Standing::NotDone)
        };
        match self.steps.iter().rev().find(acted) {
            Some(newest) if newest.id() == step => Ok(known),
            Some(newest) => Err(Refusal::Nothing(format!(
                "undo goes newest first: `{}` was done later",
                newest.id()
            ))),
            None => Err(Refusal::Nothing(format!("`{step}` has done nothing to undo"))),
        }
    }

    fn intend(
        &self,
        step: &str,
        part: Part,
        request: Json,
        digest: String,
        token: String,
    ) -> Decision {
        let of = self.known(step)?;
        if let Some(attempt) = self.running() {
            return Err(Refusal::Busy(attempt.id.file_stem()));
        }
        match (part, self.status(of)) {
            (Part::Do | Part::Undo, Status::Consented) => {
                let granted = of.consent.as_ref().filter(|g| g.part == part && g.digest == digest);
                let granted = granted.ok_or(Refusal::Changed)?;
                self.vouched(of, granted).map_err(Refusal::NotSigned)?;
            }
            (Part::Do, Status::Retrying(failed)) if failed.digest == digest => {}
            (Part::Do, Status::Retrying(_)) => return Err(Refusal::Changed),
            (Part::Probe, Status::Unknown(_)) if of.step.probe.is_some() => {}
            (Part::Probe, Status::Failed(_)) => self.may_check_again(of)?,
            (Part::Do | Part::Undo | Part::Probe, _) => {
                return Err(Refusal::Guard(format!("`{step}` has no consent to act on")));
            }
        }
        let id = AttemptId { step: step.to_owned(), number: of.next_number(), of: part };
        Ok(Event::attempt(&id, Fact::AttemptIntended { request, digest, token }))
    }

    /// Whether what a step has done can be looked at again without doing it again: its outcome is unknown,
    /// or what it did was not what is expected.
    ///
    /// # Errors
    /// Why there is nothing to look at.
    pub fn may_check_again(&self, step: &StepState) -> Result<(), Refusal> {
        match self.status(step) {
            Status::Unknown(_) => Ok(()),
            Status::Failed(_) if step.unexpected().is_none() => Err(Refusal::Nothing(
                "it failed before there was anything to check: retry it, or look for yourself"
                    .into(),
            )),
            Status::Failed(_) if step.reads() || step.step.probe.is_some() => Ok(()),
            Status::Failed(_) if step.step.action.spec.tells_again() => Ok(()),
            Status::Failed(_) => Err(Refusal::Nothing(format!(
                "`{}` leaves nothing that could be asked again, and the step has no `probe`: look for \
                 yourself, then mark it done or retry",
                step.step.action.spec.name
            ))),
            Status::Pending
            | Status::Ready
            | Status::Consented
            | Status::Running(_)
            | Status::AwaitsPerson(_)
            | Status::Retrying(_)
            | Status::Done(_) => Err(Refusal::Nothing(
                "only while nobody knows how an attempt came out, or when it was not as expected"
                    .into(),
            )),
        }
    }

    fn progressed(
        &self,
        id: &AttemptId,
        message: String,
        fraction: Option<f64>,
        now: &Stamp,
    ) -> Decision {
        let attempt = self.at_work(id)?;
        let recent =
            attempt.progress.as_ref().is_some_and(|(at, ..)| now.since(at).0 < PROGRESS_EVERY);
        if recent {
            return Err(Refusal::TooSoon);
        }
        Ok(Event::attempt(id, Fact::AttemptProgress { message, fraction }))
    }

    fn cancel(&self, reason: String) -> Decision {
        let attempt = self
            .running()
            .filter(|attempt| attempt.cancel.is_none())
            .ok_or_else(|| Refusal::Nothing("nothing is at work that could be cancelled".into()))?;
        Ok(Event::attempt(&attempt.id, Fact::CancelRequested { reason: given(reason)? }))
    }

    pub(super) fn ended(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        message: String,
        result: Value,
        output: Option<Output>,
    ) -> Event {
        let mut finished = AttemptFinished {
            outcome,
            message,
            result,
            expectations: Vec::new(),
            saved: BTreeMap::new(),
            output,
        };
        if let Some(step) = self.step(&attempt.id.step)
            && attempt.id.of == Part::Do
            && outcome == Outcome::Succeeded
        {
            self.judge(&step.step, &mut finished);
        }
        if let Some(step) = self.step(&attempt.id.step).filter(|step| step.unexpected().is_some())
            && attempt.id.of == Part::Probe
            && outcome == Outcome::Succeeded
        {
            self.judge_again(&step.step, &mut finished);
        }
        if attempt.id.of != Part::Probe {
            finished.result = kept(finished.result);
        }
        Event::attempt(&attempt.id, Fact::AttemptFinished(Box::new(finished)))
    }

    fn answer(&self, choice: Option<String>, done: bool, note: String) -> Decision {
        let waiting = self.current().map(|step| (step, self.status(step)));
        let Some((step, Status::AwaitsPerson(attempt))) = waiting else {
            return Err(Refusal::Nothing("no step waits for an answer".into()));
        };
        if done && step.step.is_approval() {
            return Err(Refusal::Nothing("those who may approve have to answer".into()));
        }
        if done && choice.is_none() && step.step.action.spec.name == "choose" {
            return Err(Refusal::Nothing("choose one of the options first".into()));
        }
        if !done && note.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let outcome = if done { Outcome::Succeeded } else { Outcome::Failed };
        let message = match (&choice, note.trim()) {
            (Some(choice), "") => format!("chosen: {choice}"),
            (Some(choice), note) => format!("chosen: {choice}; {note}"),
            (None, "") => "done, says the operator".to_owned(),
            (None, note) => note.to_owned(),
        };
        let choice = choice.map(|choice| ("choice", Value::String(choice)));
        Ok(self.ended(attempt, outcome, message, Value::map(choice), None))
    }

    fn resolve(
        &self,
        id: &AttemptId,
        resolution: Resolution,
        by: ResolvedBy,
        reason: String,
        saved: BTreeMap<String, Value>,
    ) -> Decision {
        let step = self.known(&id.step)?;
        if step.unknown().is_none_or(|attempt| attempt.id != *id) {
            return Err(Refusal::Nothing(format!(
                "the outcome of {} is not unknown",
                id.file_stem()
            )));
        }
        let reason = given(reason)?;
        let by_person = by == ResolvedBy::Operator;
        if by_person && resolution == Resolution::Succeeded && id.of == Part::Do {
            self.needs(&id.step, &saved)?;
        }
        let resolved = UnknownResolved {
            as_: resolution,
            resolved_by: by,
            reason,
            result: Value::Null,
            saved,
        };
        Ok(Event::attempt(id, Fact::UnknownResolved(Box::new(resolved))))
    }

    fn by_hand(&self, step: &str, by_hand: ByHand) -> Result<ByHand, Refusal> {
        let of = self.its_turn(step)?;
        if let Some(attempt) = of.running() {
            return Err(Refusal::Busy(attempt.id.file_stem()));
        }
        self.needs(step, &by_hand.saved)?;
        Ok(ByHand { reason: given(by_hand.reason)?, saved: by_hand.saved })
    }

    fn needs(&self, step: &str, saved: &BTreeMap<String, Value>) -> Result<(), Refusal> {
        let missing: Vec<_> =
            self.needed_from(step).into_iter().filter(|name| !saved.contains_key(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Refusal::NeedsValues(missing.join(", "))) }
    }

    /// The saved names of `step` that later steps, or the recovery point, use.
    #[must_use]
    pub fn needed_from(&self, step: &str) -> BTreeSet<String> {
        let Some(place) = self.position(step) else { return BTreeSet::new() };
        let later = self.steps.iter().skip(place + 1).flat_map(|s| s.step.names());
        let point = self.runbook.recovery_point.iter().flat_map(|template| template.names());
        later
            .chain(point)
            .filter_map(|path| {
                let mut names = path.into_iter();
                let begins = std::iter::once("steps").chain(step.split('/'));
                let is_its = begins.into_iter().all(|part| names.next().is_some_and(|n| n == part));
                names.next().filter(|name| is_its && name != "outcome")
            })
            .collect()
    }

    fn rerun(&self, step: &str, reason: String) -> Decision {
        self.idle()?;
        let to = self.position(step).ok_or_else(|| Refusal::NoStep(step.to_owned()))?;
        let at = self.current().and_then(|current| self.position(current.id()));
        if at.is_some_and(|at| to > at) {
            return Err(Refusal::Nothing(format!("the run has not come to `{step}` yet")));
        }
        Ok(Event::step(step, Fact::RerunRequested { reason: given(reason)? }))
    }

    fn amend(&self, input: String, value: Value, reason: String) -> Decision {
        self.idle()?;
        if !self.runbook.inputs.iter().any(|declared| declared.name == input) {
            return Err(Refusal::Nothing(format!("the runbook has no input `{input}`")));
        }
        Ok(Event::run(Fact::InputAmended { input, value, reason: given(reason)? }))
    }

    fn insert_step(&self, title: String, run: String, reason: String) -> Decision {
        self.idle()?;
        if title.trim().is_empty() || run.trim().is_empty() {
            return Err(Refusal::Nothing("a step needs a title and a command".into()));
        }
        let id = (1..)
            .map(|n| format!("adhoc_{n}"))
            .find(|id| !self.index.contains_key(id))
            .unwrap_or_default();
        let before = self.current().map(|step| step.id().to_owned());
        let fact = Fact::StepInserted { title, run, before, reason: given(reason)? };
        Ok(Event::step(&id, fact))
    }

    fn declare(&self, milestone: Milestone, reason: String) -> Decision {
        if self.milestones.contains_key(&milestone) {
            return Err(Refusal::Nothing(format!("{} holds already", milestone.name())));
        }
        let reason = Some(given(reason)?);
        Ok(Event::run(Fact::MilestoneReached { milestone, reason }))
    }

    fn withdraw(&self, milestone: Milestone, reason: String) -> Decision {
        if !self.milestones.contains_key(&milestone) {
            return Err(Refusal::Nothing(format!("{} does not hold", milestone.name())));
        }
        Ok(Event::run(Fact::MilestoneWithdrawn { milestone, reason: given(reason)? }))
    }
}

fn given(reason: String) -> Result<String, Refusal> {
    if reason.trim().is_empty() { Err(Refusal::NoReason) } else { Ok(reason) }
}
