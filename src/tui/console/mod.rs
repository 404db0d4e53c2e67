//! A run on screen: what the operator sees of it and what the keys ask of it. The screen holds where
//! one looks and what one is about to say; the run itself is in the view.

mod approval;
mod ask;
mod choices;
mod draw;
mod guard;
mod header;
mod issue;
mod pane;
mod picked;
mod run;
pub(super) mod steps;
#[cfg(test)]
mod tests;

pub use choices::Choice;
pub use run::show;

use std::time::Duration;

use crossterm::event::KeyEvent;
use ratatui::layout::Size;

use self::ask::Purpose;
use self::choices::Pick;
use super::app::Message;
use super::confirm::{Confirm, Consent};
use super::form::{Answer, Form};
use super::keymap::{Action, Place, lookup};
use super::menu::{Menu, Picked};
use super::reader::Reader;
use super::secret::{SecretField, Typed};
use super::signature::{Pasted, SignatureField};
use super::{files, keys, text, timeline};
use crate::driver::{Command, View};
use crate::engine::state::StepState;
use crate::engine::{AttemptId, Given, Input, Stamp, State, Status};
use crate::runbook::StepId;

/// Lines that a page key scrolls the right side by.
const PAGE: usize = 8;

/// The state of the screen.
pub struct Console {
    view: View,
    size: Size,
    /// The step that is looked at; `None` follows the run.
    looked: Option<usize>,
    /// Of the right side, or of the debrief.
    scroll: usize,
    overlay: Overlay,
    /// The screen's own word on the last key.
    remark: Option<String>,
    /// The undo that was asked for and is being prepared.
    undo: Option<StepId>,
    /// The step whose guard comes next, once it is prepared with the secrets that were typed.
    review: Option<StepId>,
    /// The number of the last notice that a key has been pressed under.
    read_notice: u64,
    /// Items of the current checklist that are ticked, and whose.
    ticks: Option<(AttemptId, Vec<bool>)>,
}

/// What lies over the run.
enum Overlay {
    None,
    Confirm(Box<Confirm>),
    Menu(Menu<Pick>),
    Ask(Form, Purpose),
    Secret(SecretField),
    Sign(SignatureField),
    Read(Reader, Reading),
}

/// What is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reading {
    Output(Option<AttemptId>),
    Timeline,
    Journal,
    Text,
    Keys,
}

/// What a message leads to.
#[derive(Debug, Default)]
pub struct Reaction {
    /// Asked of the driver.
    pub commands: Vec<Command>,
    /// A person is wanted who may be looking away.
    pub bell: bool,
    /// The screen is left.
    pub left: bool,
}

impl From<Command> for Reaction {
    fn from(command: Command) -> Self {
        Self { commands: vec![command], ..Self::default() }
    }
}

impl From<Input> for Reaction {
    fn from(input: Input) -> Self {
        Command::Engine(input).into()
    }
}

impl Console {
    /// A run on screen.
    #[must_use]
    pub fn new(view: View) -> Self {
        Self {
            view,
            size: Size::default(),
            looked: None,
            scroll: 0,
            overlay: Overlay::None,
            remark: None,
            undo: None,
            review: None,
            read_notice: 0,
            ticks: None,
        }
    }

    fn state(&self) -> &State {
        &self.view.state
    }

    fn place(&self) -> Place {
        match (self.view.read_only, self.state().finished.is_some()) {
            (_, true) => Place::Debrief,
            (true, false) => Place::Watch,
            (false, false) => Place::Console,
        }
    }

    /// The place of the step that is looked at.
    fn looked_at(&self) -> usize {
        let state = self.state();
        let current = || state.current().and_then(|step| state.position(step.id()));
        let last = state.steps.len().saturating_sub(1);
        self.looked.or_else(current).unwrap_or(last).min(last)
    }

    fn looked_step(&self) -> Option<&StepState> {
        self.state().steps.get(self.looked_at()).map(AsRef::as_ref)
    }

    /// Whether a person must do something before the run goes on.
    fn wants_person(&self) -> bool {
        let state = self.state();
        let halted = self.view.journal.halted.is_some();
        halted
            || state.current().is_some_and(|step| match state.status(step) {
                _ if approval::waits(state, step) => false,
                Status::Ready
                | Status::AwaitsPerson(_)
                | Status::Unknown(_)
                | Status::Failed(_) => self.view.busy.is_none(),
                Status::Pending
                | Status::Consented
                | Status::Running(_)
                | Status::Retrying(_)
                | Status::Done(_) => false,
            })
    }

    /// The terminal's title.
    #[must_use]
    pub fn title(&self) -> String {
        let state = self.state();
        let title = text::one_line(&state.runbook.title);
        let (sign, what) = match state.current() {
            None if state.finished.is_some() => ("", "over".to_owned()),
            None => ("", String::new()),
            Some(step) => {
                let sign = if self.wants_person() && !self.view.read_only { "● " } else { "" };
                (sign, text::one_line(&state.title(step)))
            }
        };
        format!("{sign}steady: {title}: {what}")
    }

    /// See [`super::app::App::resized`].
    pub fn resized(&mut self, size: Size) {
        self.size = size;
        if let Overlay::Confirm(confirm) = &mut self.overlay {
            confirm.resized(size);
        }
    }

    /// See [`super::app::App::wake`].
    #[must_use]
    pub fn wake(&self, now: &Stamp) -> Option<Duration> {
        match &self.overlay {
            Overlay::Confirm(confirm) => confirm.wake(now),
            Overlay::None
            | Overlay::Menu(_)
            | Overlay::Ask(..)
            | Overlay::Secret(_)
            | Overlay::Sign(_)
            | Overlay::Read(..) => None,
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, now: &Stamp) -> Reaction {
        match message {
            Message::Key(key) => self.key(key, now),
            Message::Paste(pasted) => {
                match &mut self.overlay {
                    // What is typed to prove that one knows where one is, is not pasted either.
                    Overlay::Ask(_, Purpose::Enter(_)) => {}
                    Overlay::Ask(form, _) => form.paste(&pasted, now),
                    Overlay::Secret(field) => field.paste(&pasted),
                    Overlay::Sign(field) => field.paste(&pasted),
                    Overlay::Read(reader, _) => reader.paste(&pasted),
                    // A phrase is typed, not pasted: that is its point.
                    Overlay::Confirm(_) | Overlay::Menu(_) | Overlay::None => {}
                }
                Reaction::default()
            }
            Message::Tick | Message::News => {
                if let Overlay::Ask(form, _) = &mut self.overlay {
                    form.tick(now);
                }
                Reaction::default()
            }
            Message::Quit(reason) => {
                // The driver hears a signal itself, but perhaps later than this.
                let signal = Input::Signal { signal: reason.clone() };
                let signal = reason.starts_with("SIG").then_some(Command::Engine(signal));
                let commands = signal.into_iter().chain([Command::Leave { reason }]).collect();
                Reaction { commands, left: true, bell: false }
            }
        }
    }

    /// Takes the run's latest view.
    pub fn look(&mut self, view: View, now: &Stamp) -> Reaction {
        let wanted = self.wants_person();
        let was_over = self.state().finished.is_some();
        // A missed objective and an escalation call like a question does.
        let calls = |state: &State| state.breaches.len() + state.escalations.len();
        let called = calls(self.state());
        let old_notice = self.view.notice.as_ref().map_or(0, |notice| notice.number);
        self.view = view;
        if !was_over && self.state().finished.is_some() {
            self.scroll = 0;
            self.overlay = Overlay::None;
        }
        let reaction = self.follow_prepared(old_notice, now);
        if let Overlay::Read(reader, Reading::Output(Some(attempt))) = &mut self.overlay {
            let ring = self.view.output.read();
            if ring.attempt.as_ref() == Some(attempt) {
                reader.set_lines(ring.lines.iter().map(|line| text::one_line(line)).collect());
            }
        }
        let bell = !self.view.read_only && !wanted && self.wants_person();
        let bell = bell || calls(self.state()) > called;
        Reaction { bell, ..reaction }
    }

    fn key(&mut self, key: KeyEvent, now: &Stamp) -> Reaction {
        self.remark = None;
        self.read_notice = self.view.notice.as_ref().map_or(0, |notice| notice.number);
        match &mut self.overlay {
            Overlay::None => self.base_key(key, now),
            Overlay::Confirm(confirm) => match confirm.key(key, self.size, now) {
                Consent::Open => Reaction::default(),
                Consent::Left => self.leave_confirm(),
                Consent::Given(Given::Typed(typed)) if confirm.breaks_glass() => {
                    let prepared = confirm.prepared();
                    let (step, digest) = (prepared.step.clone(), prepared.digest.clone());
                    self.ask(Purpose::BreakGlass { step, digest, typed: Some(typed) }, now)
                }
                Consent::Given(given) => {
                    let prepared = confirm.prepared().clone();
                    // A wrong phrase keeps the question open: the refusal comes as a notice.
                    if !matches!(given, Given::Typed(_)) {
                        self.overlay = Overlay::None;
                    }
                    Command::Consent {
                        step: prepared.step.clone(),
                        part: prepared.part,
                        digest: prepared.digest.clone(),
                        given,
                    }
                    .into()
                }
            },
            Overlay::Menu(menu) => match menu.key(key) {
                Picked::Open => Reaction::default(),
                Picked::Left => self.close(),
                Picked::Pick(pick) => {
                    self.overlay = Overlay::None;
                    self.pick(pick, now)
                }
            },
            Overlay::Ask(form, purpose) => match form.key(key, now) {
                Answer::Open => Reaction::default(),
                Answer::Left => self.close(),
                Answer::Given(texts) => {
                    let purpose = purpose.clone();
                    self.overlay = Overlay::None;
                    purpose.command(&texts, now).map_or_else(Reaction::default, Reaction::from)
                }
            },
            Overlay::Secret(field) => match field.key(key) {
                Typed::Open => Reaction::default(),
                Typed::Left => self.leave_secret(),
                Typed::Given(input, value) => {
                    if field.input().is_none() {
                        self.overlay = Overlay::None;
                    }
                    Command::Secret { input, value }.into()
                }
            },
            Overlay::Sign(field) => match field.key(key) {
                Pasted::Open => Reaction::default(),
                Pasted::Left => self.close(),
                Pasted::Given(armoured) => {
                    self.overlay = Overlay::None;
                    Command::Signature { armoured }.into()
                }
            },
            Overlay::Read(reader, _) => {
                if reader.key(key) {
                    self.overlay = Overlay::None;
                }
                Reaction::default()
            }
        }
    }

    fn close(&mut self) -> Reaction {
        self.overlay = Overlay::None;
        self.review = None;
        Reaction::default()
    }

    fn base_key(&mut self, key: KeyEvent, now: &Stamp) -> Reaction {
        let last = self.state().steps.len().saturating_sub(1);
        let here = self.looked_at();
        let debrief = self.place() == Place::Debrief;
        match lookup(self.place(), &key) {
            Some(Action::Go) => return self.go(now),
            Some(Action::Menu) => return self.open_menu(now),
            Some(Action::Note) => return self.ask(Purpose::Note(self.subject()), now),
            Some(Action::Evidence) => return self.ask(Purpose::Evidence(self.subject()), now),
            Some(Action::Issue) => return self.ask(Purpose::Issue(self.subject()), now),
            Some(Action::Lesson) => return self.ask(Purpose::Lesson(self.subject()), now),
            Some(Action::Output) => self.read_output(false),
            Some(Action::Search) => self.read_output(true),
            Some(Action::Timeline) => {
                let lines = timeline::lines(self.state(), &self.view.pace, now);
                self.overlay = Overlay::Read(Reader::new(lines), Reading::Timeline);
            }
            Some(Action::Journal) => {
                let lines = files::journal(&self.view.dir);
                self.overlay = Overlay::Read(Reader::following(lines), Reading::Journal);
            }
            Some(Action::Keys) => self.overlay = Overlay::Read(keys::reader(), Reading::Keys),
            Some(Action::Fail) => return self.let_fail(),
            Some(Action::Leave) => return self.leave(),
            Some(Action::Up) if debrief => self.scroll = self.scroll.saturating_sub(1),
            Some(Action::Down) if debrief => self.scroll += 1,
            Some(Action::Up) => self.look_at(Some(here.saturating_sub(1))),
            Some(Action::Down) => self.look_at(Some((here + 1).min(last))),
            Some(Action::PageUp) => self.scroll = self.scroll.saturating_sub(PAGE),
            Some(Action::PageDown) => self.scroll += PAGE,
            Some(Action::Back) => self.look_at(None),
            _ => {}
        }
        Reaction::default()
    }

    fn let_fail(&mut self) -> Reaction {
        match (self.state().is_rehearsal(), self.rehearsing()) {
            (false, _) => self.say("only a rehearsal can be made to fail"),
            (true, false) => self.say("nothing is at work that could fail"),
            (true, true) => Command::Fail.into(),
        }
    }

    /// Something is rehearsed just now.
    fn rehearsing(&self) -> bool {
        let state = self.state();
        let current = state.current().map(|step| state.status(step));
        state.is_rehearsal() && matches!(current, Some(Status::Running(_)))
    }

    fn look_at(&mut self, step: Option<usize>) {
        self.looked = step;
        self.scroll = 0;
    }

    fn looked_id(&self) -> Option<StepId> {
        self.looked_step().map(|step| step.id().to_owned())
    }

    /// What is said is of the step that is looked at; once the run is over, of the whole run.
    fn subject(&self) -> Option<StepId> {
        self.looked_id().filter(|_| self.place() != Place::Debrief)
    }

    fn say(&mut self, remark: impl Into<String>) -> Reaction {
        self.remark = Some(remark.into());
        Reaction::default()
    }

    fn ask(&mut self, purpose: Purpose, now: &Stamp) -> Reaction {
        if self.view.read_only {
            return self.say("only watched: `steady resume` lets you write into the record");
        }
        let form = purpose.form(self.state(), now);
        self.overlay = Overlay::Ask(form, purpose);
        Reaction::default()
    }

    fn open_menu(&mut self, now: &Stamp) -> Reaction {
        let state = self.view.state.clone();
        if let Some(looked) = state.steps.get(self.looked_at()) {
            self.overlay = Overlay::Menu(choices::menu(&state, looked, now));
        }
        Reaction::default()
    }

    /// The obvious next thing. It never retries and never resolves: after a failure or an unknown
    /// outcome it opens the choices.
    fn go(&mut self, now: &Stamp) -> Reaction {
        if self.state().finished.is_some() {
            return self.leave();
        }
        if self.state().paused.is_some() {
            return Input::Continue.into();
        }
        self.look_at(None);
        let state = self.view.state.clone();
        let Some(step) = state.current() else { return Reaction::default() };
        match state.status(step) {
            Status::Ready => self.begin(step, now),
            Status::AwaitsPerson(_) if step.step.is_approval() => self.wait_for_approval(step),
            Status::AwaitsPerson(attempt) => {
                if self.ticks.as_ref().is_none_or(|(id, _)| *id != attempt.id) {
                    let count = choices::checklist(&attempt.request).len();
                    self.ticks = Some((attempt.id.clone(), vec![false; count]));
                }
                let ticked = self.ticks.as_ref().map_or(&[][..], |(_, ticked)| ticked);
                self.overlay = Overlay::Menu(choices::answer(attempt, ticked));
                Reaction::default()
            }
            Status::Unknown(attempt) => {
                self.overlay = Overlay::Menu(choices::unknown(attempt));
                Reaction::default()
            }
            Status::Failed(_) if approval::waits(&state, step) => self.wait_for_approval(step),
            Status::Failed(_) | Status::Retrying(_) => self.open_menu(now),
            Status::Running(_) => self.say("it is at work; Space has cancel"),
            Status::Consented => self.say("it is about to start"),
            Status::Pending | Status::Done(_) => Reaction::default(),
        }
    }

    fn leave(&mut self) -> Reaction {
        match self.state().running().filter(|_| !self.view.read_only) {
            Some(attempt) => {
                self.overlay = Overlay::Menu(choices::leave(attempt, self.state().is_rehearsal()));
                Reaction::default()
            }
            None => Reaction { left: true, ..Command::Leave { reason: "left".into() }.into() },
        }
    }

    fn read_output(&mut self, search: bool) {
        let attempt = self.looked_step().and_then(StepState::last).map(|a| a.id.clone());
        let live = {
            let ring = self.view.output.read();
            (ring.attempt.is_some() && ring.attempt == attempt)
                .then(|| ring.lines.iter().map(|line| text::one_line(line)).collect::<Vec<_>>())
        };
        let lines = match (live, &attempt) {
            (Some(lines), _) => lines,
            (None, Some(attempt)) => files::output(&self.view.dir, attempt),
            (None, None) => vec!["this step has not run yet".to_owned()],
        };
        let reader = Reader::following(lines);
        let reader = if search { reader.searching() } else { reader };
        self.overlay = Overlay::Read(reader, Reading::Output(attempt));
    }
}
