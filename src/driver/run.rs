//! The loop. One input at a time: decide → append → apply → settle → sync → effects.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep_until};

use super::autopilot::{self, Auto, Move, Stopped};
use super::clock::{Clock, stepped};
use super::desk::Desk;
use super::door::Door;
use super::herald::Herald;
use super::outside::Outside;
use super::prepare::render;
use super::view::{Command, JournalStanding, LiveStatus, Notice, Output, Prepared, Urgency, View};
use super::workers::{Report, Workers};
use super::{failpoint, signals};
use crate::actions::Progress;
use crate::engine::event::{AttemptId, Fact, Objective, Part};
use crate::engine::{Effect, Event, Input, Pace, Recorded, Stamp, State, Status};
use crate::journal::{AppendError, Journal};
use crate::runbook::{Value, value};

/// Everything the loop owns.
pub(super) struct Driver {
    pub(super) state: Arc<State>,
    /// The state as far as the disk has it: what the disk refuses has not happened.
    pub(super) durable: Arc<State>,
    pub(super) journal: Journal,
    pub(super) desk: Arc<Desk>,
    pub(super) clock: Clock,
    /// What earlier runs tell of the steps: read once.
    pub(super) pace: Arc<Pace>,
    pub(super) by: String,
    pub(super) auto: Option<Auto>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) views: watch::Sender<View>,
    pub(super) workers: Workers,
    /// Where those come who approve.
    pub(super) door: Door,
    /// What may be consented to, or was just consented to and is about to be intended.
    pub(super) prepared: Option<Arc<Prepared>>,
    /// An undo is being looked at instead of the step whose turn it is.
    pub(super) undo_of: Option<String>,
    /// Unknown attempts that were looked for by this console, in vain.
    pub(super) looked: BTreeSet<AttemptId>,
    pub(super) retry: Option<(String, Instant)>,
    pub(super) notice: Option<Notice>,
    /// How many there have been: a new one is never taken for one that was read.
    pub(super) notices: u64,
    pub(super) halted: Option<String>,
    pub(super) status: Option<LiveStatus>,
    pub(super) output: Output,
    /// What leaves the machine.
    pub(super) outside: Outside,
    pub(super) herald: Herald,
    /// Held for as long as the loop lives.
    pub(super) _environment: Option<super::environment::Held>,
}

/// How the loop came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The run is over.
    Finished,
    /// The console let go; the run can be resumed.
    Detached(String),
    /// `--auto` came to something it may not do.
    Stopped(Stopped),
    /// The journal cannot be written.
    Halted(String),
}

impl Driver {
    /// Runs until the run is over and nobody looks at it any more, or the console lets go.
    pub(super) async fn run(mut self) -> (Arc<State>, Left) {
        let mut second = interval(Duration::from_secs(1));
        let mut signals = signals::Signals::new();
        let mut last_tick = self.clock.now();
        self.advance();
        let left = loop {
            if let Some(left) = self.unattended() {
                break left;
            }
            self.publish();
            let retry = self.retry.as_ref().map(|(_, at)| *at);
            tokio::select! {
                // What comes seldom comes first: a flood of reports keeps nobody waiting.
                biased;
                signal = signals.next() => {
                    self.note(Input::Signal { signal: signal.to_owned() });
                    let left = Left::Detached(format!("signal {signal}"));
                    break left;
                }
                command = self.commands.recv() => match command {
                    Some(Command::Leave { reason }) => {
                        break Left::Detached(reason);
                    }
                    Some(command) => self.on_command(command),
                    None => {
                        let left = Left::Detached("the console is gone".into());
                        break left;
                    }
                },
                () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => {
                    if let Some((step, _)) = self.retry.take() {
                        self.workers.verify(&self.desk, &self.state, &step, Part::Do);
                    }
                }
                _ = second.tick() => last_tick = self.on_tick(&last_tick),
                Some(told) = self.herald.next() => self.on_told(told),
                brought = self.door.next() => self.on_brought(brought),
                Some(report) = self.workers.next() => self.on_report(report),
            }
            self.advance();
        };
        self.last_answers(&left).await;
        (self.state.clone(), self.leave(left))
    }

    /// Puts a fact down for the next [`Self::commit`] and folds it in. `false`: the journal is closed,
    /// nothing has happened.
    pub(super) fn record(&mut self, event: Event, now: &Stamp) -> bool {
        if self.halted.is_some() {
            return false;
        }
        failpoint::before(&event);
        match self.journal.stage(now.clone(), &self.by, event) {
            Ok(recorded) => {
                self.fold(&recorded);
                if failpoint::is_at(&recorded) && self.commit() {
                    failpoint::die();
                }
                true
            }
            Err(e) => {
                self.commit();
                self.halt(&e);
                false
            }
        }
    }

    /// Makes the records of this turn durable, with one write and one sync: before anything is started or
    /// shown on the strength of them. `false`: the disk refused them, and none has happened.
    pub(super) fn commit(&mut self) -> bool {
        match self.journal.commit() {
            Ok(()) => {
                self.durable = self.state.clone();
                true
            }
            Err(e) => {
                self.state = self.durable.clone();
                self.halt(&e);
                false
            }
        }
    }

    fn fold(&mut self, recorded: &Recorded) {
        Arc::make_mut(&mut self.state).absorb(recorded);
        if changes_requests(&recorded.event.fact) {
            self.prepared = None;
            self.undo_of = None;
            self.retry = None;
            self.status = None;
        }
    }

    /// Nothing can be written: nothing more may be done. The reserve pays for one last record.
    fn halt(&mut self, error: &AppendError) {
        self.halted = Some(error.to_string());
        if matches!(error, AppendError::NoSpace(_)) {
            let reason = "halted: no space left for the journal".to_owned();
            let paused = Event::run(Fact::RunPaused { reason });
            if let Ok(recorded) = self.journal.append(self.clock.now(), &self.by, paused) {
                self.fold(&recorded);
                self.durable = self.state.clone();
            }
        }
        self.tell(Urgency::Danger, error.to_string());
    }

    /// Decides one input and records the fact. A refusal is shown.
    pub(super) fn take(&mut self, input: Input) -> bool {
        let now = self.clock.now();
        match self.state.decide(input, &now) {
            Ok(event) => {
                let refused = match &event.fact {
                    Fact::GuardRefused { reason, .. } => Some(reason.clone()),
                    _ => None,
                };
                let recorded = self.record(event, &now);
                if let Some(reason) = refused {
                    self.tell(Urgency::Warning, format!("refused: {reason}"));
                }
                recorded
            }
            Err(refusal) => {
                self.tell(Urgency::Warning, refusal.to_string());
                false
            }
        }
    }

    /// As [`Self::take`], for what a person did not ask for: a refusal is of no interest.
    pub(super) fn note(&mut self, input: Input) -> bool {
        let now = self.clock.now();
        match self.state.decide(input, &now) {
            Ok(event) => self.record(event, &now),
            Err(_) => false,
        }
    }

    /// Takes every consequence, then starts and stops what should run.
    fn advance(&mut self) {
        let now = self.clock.now();
        while let Some(event) = self.state.settle(&now) {
            let alarm = alarm(&event.fact);
            if !self.record(event, &now) {
                break;
            }
            if let Some(alarm) = alarm {
                self.tell(Urgency::Danger, alarm);
            }
        }
        if !self.consent_may_wait() {
            self.commit();
        }
        self.announce();
        self.tidy_secrets();
        let effects = if self.halted.is_some() { Vec::new() } else { self.state.effects(&now) };
        for effect in &effects {
            self.start(effect);
        }
        if !effects.contains(&Effect::Hear) {
            self.door.close();
        }
        self.workers.keep(&effects, self.undo_of.as_deref());
    }

    /// A consent that nobody looks at goes to the disk with the intent that it is for: until then it is
    /// acted upon by looking at the target alone, and no later console would have it. What is to be signed
    /// must be there to be signed.
    fn consent_may_wait(&self) -> bool {
        let consented = |step| matches!(self.state.status(step), Status::Consented);
        self.auto.is_some()
            && !self.state.is_checkpoint_due()
            && self.state.current().is_some_and(consented)
    }

    fn start(&mut self, effect: &Effect) {
        match effect {
            Effect::Sign => self.sign(),
            Effect::Anchor => self.anchor(),
            Effect::Hear => self.hear(),
            Effect::AskApproval { step } => self.ask_approval_of(step),
            Effect::Prepare { step } => {
                if self.prepared.is_none() && self.undo_of.is_none() {
                    self.workers.prepare(&self.desk, &self.state, step, Part::Do);
                }
            }
            Effect::Begin { step, part } => {
                self.workers.verify(&self.desk, &self.state, step, *part);
            }
            Effect::Probe { step } => self.probe(step),
            Effect::Run(id) => self.run_attempt(id),
            Effect::Reattach(id) => {
                self.with_request(id, |workers, desk, state, request| {
                    workers.reattach(desk, state, id, request);
                });
            }
            Effect::Find(id) => {
                if !self.looked.contains(id) {
                    self.with_request(id, |workers, desk, state, request| {
                        workers.find(desk, state, id, request);
                    });
                }
            }
            Effect::Cancel(id) => self.workers.cancel(id),
            Effect::Retry { step, after } => {
                if self.retry.is_none() && !self.workers.is_verifying(step) {
                    let plan = self.desk.rehearsal.as_ref();
                    let after = plan.map_or(*after, |plan| plan.sooner(*after));
                    self.retry = Some((step.clone(), Instant::now() + after));
                }
            }
        }
    }

    /// Runs an attempt that was just intended, with the very request that was intended.
    fn run_attempt(&mut self, id: &AttemptId) {
        let Some(attempt) = self.state.attempt(id) else { return };
        if self.workers.has(id) {
            return;
        }
        let prepared = self.prepared.clone().filter(|prepared| {
            prepared.step == id.step && prepared.part == id.of && prepared.digest == attempt.digest
        });
        match prepared.as_ref().map(|prepared| &prepared.request) {
            Some(Ok(request)) => {
                self.output.begin(id);
                let step = self.state.step(&id.step);
                let again = id.of == Part::Probe && step.is_some_and(|s| s.step.probe.is_none());
                if again {
                    self.workers.reattach(&self.desk, &self.state, id, request.clone());
                } else {
                    self.workers.run(&self.desk, &self.state, id, request.clone());
                }
            }
            Some(Err(_)) | None => {
                // Cannot be: what was intended was prepared. Were it so, nothing has been done.
                let message =
                    "the request was lost before it was sent; nothing was done".to_owned();
                self.finish(id, crate::actions::Finish::failed(message));
            }
        }
    }

    /// Goes on with an attempt of an earlier console, with the request that it was intended with.
    pub(super) fn with_request(
        &mut self,
        id: &AttemptId,
        work: impl FnOnce(&mut Workers, &Arc<Desk>, &Arc<State>, crate::runbook::Request),
    ) {
        if self.workers.has(id) {
            return;
        }
        let state = self.state.clone();
        let Some(step) = state.step(&id.step) else { return };
        match render(&state, step, id.of) {
            Ok(mut request) => {
                if let Some(attempt) = state.attempt(id) {
                    request = request.as_intended(&attempt.request);
                }
                work(&mut self.workers, &self.desk, &state, request);
            }
            Err(why) => {
                self.looked.insert(id.clone());
                self.tell(Urgency::Warning, why);
            }
        }
    }

    fn on_report(&mut self, report: Report) {
        match report {
            Report::Prepared(prepared) => self.prepared(*prepared),
            Report::Verified(prepared) => self.intend(*prepared),
            Report::Progress(id, several) => {
                for progress in several {
                    self.on_progress(&id, progress);
                }
            }
            Report::Finished(id, finish) => self.finish(&id, finish),
            Report::Found(id, found) => self.on_found(&id, found),
            Report::Signed(checkpoint, signed) => self.on_signed(checkpoint, signed),
            Report::Anchored(head, anchored) => self.on_anchored(&head, anchored),
        }
    }

    /// What may be consented to. That it is the wrong target is a fact, whatever is done about it.
    fn prepared(&mut self, prepared: Prepared) {
        if let (Ok(_), Err(reason)) = (&prepared.request, &prepared.target) {
            let fact = Fact::GuardRefused { part: prepared.part, reason: reason.clone() };
            let now = self.clock.now();
            self.record(Event::step(&prepared.step, fact), &now);
        }
        self.prepared = Some(Arc::new(prepared));
    }

    /// The last look before acting: the target again, and the request that was consented to.
    fn intend(&mut self, prepared: Prepared) {
        let (step, part) = (prepared.step.clone(), prepared.part);
        let refusal = match (&prepared.request, &prepared.target, prepared.wants.first()) {
            (Err(why), ..) | (_, Err(why), _) => Some(why.clone()),
            (Ok(_), Ok(_), Some(secret)) => Some(format!("`{secret}` must be typed first")),
            (Ok(_), Ok(_), None) => None,
        };
        if let Some(reason) = refusal {
            let now = self.clock.now();
            self.record(
                Event::step(&step, Fact::GuardRefused { part, reason: reason.clone() }),
                &now,
            );
            self.tell(Urgency::Danger, format!("not started: {reason}"));
            // What was shown is no longer what is there.
            self.prepared = None;
            // A probe that cannot be asked is not tried for ever: a person looks again, or decides.
            if part == Part::Probe {
                self.looked
                    .extend(self.state.step(&step).and_then(|s| Some(s.unknown()?.id.clone())));
            }
            return;
        }
        let (Ok(request), Ok(pins)) = (&prepared.request, &prepared.target) else { return };
        let (masked, digest) = (request.masked(), prepared.digest.clone());
        if !pins.is_empty() {
            self.note(Input::TargetVerified { step: Some(step.clone()), pins: pins.clone() });
        }
        if let Err(error) = self.journal.room() {
            // What was put down before goes first.
            if self.commit() {
                self.halt(&error);
            }
            return;
        }
        let number = self.state.step(&step).map_or(1, crate::engine::StepState::next_number);
        let token = format!("{}/{step}.{number}", self.desk.run);
        self.prepared = Some(Arc::new(prepared));
        let intended = Input::Intend { step: step.clone(), part, request: masked, digest, token };
        if !self.take(intended) && self.halted.is_none() {
            let reason = "the request is no longer the one that was shown".to_owned();
            let now = self.clock.now();
            self.record(Event::step(&step, Fact::GuardRefused { part, reason }), &now);
            self.prepared = None;
        }
    }

    fn on_progress(&mut self, id: &AttemptId, progress: Progress) {
        match progress {
            Progress::Started { pid } => {
                self.note(Input::Began { attempt: id.clone(), pid: Some(pid) });
            }
            Progress::Line(line) => self.output.push(line),
            Progress::Status { message, fraction } => {
                self.status = Some(LiveStatus { message: message.clone(), fraction });
                self.note(Input::Progressed { attempt: id.clone(), message, fraction });
            }
        }
    }

    fn finish(&mut self, id: &AttemptId, finish: crate::actions::Finish) {
        let (attempt, outcome, message) = (id.clone(), finish.outcome, finish.message);
        self.take(match (self.desk.rehearsal.is_some(), finish.result) {
            (true, Value::Map(saved)) => Input::Rehearsed { attempt, outcome, message, saved },
            (true, _) => Input::Rehearsed { attempt, outcome, message, saved: [].into() },
            (false, result) => {
                Input::Ended { attempt, outcome, message, result, output: finish.output }
            }
        });
        self.doubt(id);
    }

    fn on_tick(&mut self, last: &Stamp) -> Stamp {
        let now = self.clock.now();
        if let Some(by_ms) = stepped(last, &now) {
            self.note(Input::ClockStepped { by_ms });
            self.tell(
                Urgency::Warning,
                format!(
                    "the wall clock was moved by {:.1} s; times elapsed are right",
                    by_ms as f64 / 1e3
                ),
            );
        }
        if let Some(reason) = self.overdue(&now) {
            self.note(Input::Cancel { reason });
        }
        now
    }

    /// The attempt at work has had its time.
    fn overdue(&self, now: &Stamp) -> Option<String> {
        let attempt = self.state.running().filter(|attempt| attempt.cancel.is_none())?;
        let timeout = self.state.step(&attempt.id.step)?.step.timeout?;
        (self.state.between(&attempt.intended, now).length > timeout)
            .then(|| format!("its timeout of {} has passed", value::duration_text(timeout)))
    }

    fn unattended(&mut self) -> Option<Left> {
        let auto = self.auto?;
        if let Some(why) = &self.halted {
            return Some(Left::Halted(why.clone()));
        }
        if self.state.finished.is_some() {
            return (!self.state.is_checkpoint_due()).then_some(Left::Finished);
        }
        loop {
            let looking = self.is_looking();
            let state = self.state.clone();
            match autopilot::next(&state, self.prepared.as_deref(), looking, auto) {
                Move::Wait => return None,
                Move::Stop(stopped) => return Some(Left::Stopped(stopped)),
                Move::Ask(command) => {
                    let before = self.state.records;
                    self.on_command(command);
                    if self.state.records == before {
                        let why = self.notice.as_ref().map_or_else(String::new, |n| n.text.clone());
                        return Some(Left::Stopped(Stopped { failed: false, why }));
                    }
                    self.advance();
                    if let Some(why) = &self.halted {
                        return Some(Left::Halted(why.clone()));
                    }
                }
            }
        }
    }

    fn leave(&mut self, left: Left) -> Left {
        // Whoever leaves a run that cannot go on is told so once more.
        let left = match (&self.halted, left) {
            (Some(why), Left::Detached(_)) => Left::Halted(why.clone()),
            (_, left) => left,
        };
        let reason = match &left {
            Left::Finished => "the run is over".to_owned(),
            Left::Detached(reason) | Left::Halted(reason) => reason.clone(),
            Left::Stopped(stopped) => stopped.why.clone(),
        };
        tracing::info!(run = %self.desk.run, records = self.journal.len(), "letting go");
        self.note(Input::Detach { reason });
        self.commit();
        self.publish();
        left
    }

    /// Warnings from opening the run: the last one stays on screen.
    pub(super) fn warn(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            self.tell(Urgency::Warning, warning);
        }
    }

    pub(super) fn tell(&mut self, urgency: Urgency, text: String) {
        self.notices += 1;
        let number = self.notices;
        let text = self.desk.redactor.clean(&text);
        tracing::info!(run = %self.desk.run, ?urgency, "{text}");
        self.notice = Some(Notice { urgency, text, number });
    }

    fn publish(&self) {
        if self.journal.is_staged() {
            return;
        }
        let view = self.view();
        // Nobody may be looking: that is no reason to stop.
        let _ = self.views.send_replace(view);
    }

    fn view(&self) -> View {
        View {
            state: self.state.clone(),
            pace: self.pace.clone(),
            prepared: self.prepared.clone(),
            busy: self.workers.busy(),
            notice: self.notice.clone(),
            status: self.status.clone(),
            output: self.output.clone(),
            journal: JournalStanding {
                records: self.journal.len(),
                head: self.journal.head().to_owned(),
                halted: self.halted.clone(),
            },
            dir: self.desk.dir.clone(),
            wants: self.wanted(),
            hearing: self.door.hearing(),
            read_only: false,
        }
    }
}

/// What somebody must hear of a consequence, besides seeing what it changes.
fn alarm(fact: &Fact) -> Option<String> {
    let Fact::ObjectiveBreached { objective, target_s, .. } = fact else { return None };
    let target = value::duration_text(TimeDelta::seconds(*target_s));
    Some(match objective {
        Objective::Rto => format!("MISSED: the service was to be back within {target}; go on"),
        Objective::Rpo => format!("MISSED: more than {target} of data is lost"),
    })
}

/// Whether what was prepared may no longer be what would run.
fn changes_requests(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ConsoleAttached { .. }
            | Fact::InputAmended { .. }
            | Fact::AttemptFinished(_)
            | Fact::UnknownResolved(_)
            | Fact::StepSkipped(_)
            | Fact::StepNotApplicable { .. }
            | Fact::StepOverridden(_)
            | Fact::StepInserted { .. }
            | Fact::RerunRequested { .. }
            | Fact::OutageStartAmended { .. }
            | Fact::RunFinished { .. }
            | Fact::RunContinued {}
    )
}
