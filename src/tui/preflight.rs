//! The checks before a run begins. `Enter` goes on; a failed check must be put right first, or, in an
//! incident, be passed over with a reason.

use std::time::Duration;

use ratatui::Frame;
use ratatui::text::Line;

use super::app::{App, Flow, Message};
use super::form::{Answer, Field, Form, Kind};
use super::keymap::{Action, Place, hints, lookup};
use super::reader::Reader;
use super::silence::{HURRIED, Silence};
use super::theme::Theme;
use super::{frame, keys, text};
use crate::engine::event::Check;
use crate::engine::{Mode, Stamp};

/// The state of the screen.
pub struct Preflight {
    title: String,
    /// What is said before anything else, such as what a practice run is about.
    word: Option<String>,
    mode: Mode,
    checks: Vec<Check>,
    top: usize,
    reason: Option<Form>,
    /// Why it goes on in spite of what failed, when that was told before.
    in_spite: Option<String>,
    /// What is read over it: the keys, the runbook.
    reader: Option<Reader>,
    runbook: Vec<String>,
    /// Since the form; `None` when no key of this program was pressed before.
    silence: Option<Silence>,
    /// `Enter` came too soon.
    hurried: bool,
    remark: Option<String>,
}

/// What it ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// Begin the run; the reason when a check failed and a person goes on in spite of it.
    Begin(Option<String>),
    /// Back to the form, to begin with something else.
    Back,
    /// Begin nothing.
    Left,
}

impl Preflight {
    /// The checks of a run of `title`.
    #[must_use]
    pub fn new(title: &str, word: Option<String>, mode: Mode, checks: Vec<Check>) -> Self {
        Self {
            title: text::one_line(title),
            word,
            mode,
            checks,
            top: 0,
            reason: None,
            in_spite: None,
            reader: None,
            runbook: Vec::new(),
            silence: None,
            hurried: false,
            remark: None,
        }
    }

    /// With the text of the runbook to be read.
    #[must_use]
    pub fn of(mut self, runbook: &str) -> Self {
        self.runbook = text::shown(runbook).lines().map(str::to_owned).collect();
        self
    }

    /// With the reason to go on whatever failed, when one was given before.
    #[must_use]
    pub fn in_spite(mut self, reason: Option<String>) -> Self {
        self.in_spite = reason;
        self
    }

    /// After another screen, whose last key may still be held down.
    #[must_use]
    pub fn after_another(mut self, now: &Stamp) -> Self {
        self.silence = Some(Silence::new(now));
        self
    }

    fn key(&mut self, key: crossterm::event::KeyEvent, now: &Stamp) -> Flow<Cleared> {
        let silent = self.silence.as_mut().is_none_or(|silence| silence.broken(now));
        if let Some(reader) = &mut self.reader {
            if reader.key(key) {
                self.reader = None;
            }
            return Flow::On;
        }
        if let Some(form) = &mut self.reason {
            match form.key(key, now) {
                Answer::Open => {}
                Answer::Left => self.reason = None,
                Answer::Given(texts) => {
                    return Flow::Done(Cleared::Begin(texts.into_iter().next()));
                }
            }
            return Flow::On;
        }
        self.remark = None;
        self.hurried = false;
        match lookup(Place::Preflight, &key) {
            Some(Action::Go) if !silent => self.hurried = true,
            Some(Action::Go) => return self.go(now),
            Some(Action::Up) => self.top = self.top.saturating_sub(1),
            Some(Action::Down) => self.top = (self.top + 1).min(self.checks.len()),
            Some(Action::Keys) => self.reader = Some(keys::reader()),
            Some(Action::Runbook) => self.reader = Some(Reader::new(self.runbook.clone())),
            Some(Action::Back) => return Flow::Done(Cleared::Back),
            Some(Action::Leave) => return Flow::Done(Cleared::Left),
            _ => {}
        }
        Flow::On
    }

    fn go(&mut self, now: &Stamp) -> Flow<Cleared> {
        if self.in_spite.is_some() || self.checks.iter().all(|check| check.ok) {
            return Flow::Done(Cleared::Begin(None));
        }
        if self.mode == Mode::Live {
            let field = Field {
                label: "reason".into(),
                help: "why the incident cannot wait for this".into(),
                kind: Kind::Text,
                text: String::new(),
            };
            self.reason =
                Some(Form::of_texts("Go on in spite of failed checks?", vec![field], now));
        } else {
            self.remark =
                Some("put the failed checks right, or go back and change what is asked".to_owned());
        }
        Flow::On
    }
}

impl App for Preflight {
    type Done = Cleared;

    fn update(&mut self, message: Message, now: &Stamp) -> Flow<Cleared> {
        match message {
            Message::Key(key) => self.key(key, now),
            Message::Paste(pasted) => {
                if let Some(form) = &mut self.reason {
                    form.paste(&pasted, now);
                }
                Flow::On
            }
            Message::News | Message::Tick => Flow::On,
            Message::Quit(_) => Flow::Done(Cleared::Left),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        let title = format!("Before the first step · {}", self.title);
        let area = frame::page(frame, frame.area(), theme, &title, &hints(Place::Preflight));
        if let Some(reader) = &self.reader {
            reader.draw(frame, area, theme);
            return;
        }
        let columns = usize::from(area.width);
        let failed = self.checks.iter().filter(|check| !check.ok).count();
        let loud = self.silence.as_ref().is_some_and(|silence| !silence.is_kept(now));
        let (word, style) = match failed {
            0 if self.mode == Mode::Rehearsal => {
                let go = if loud { "" } else { " Enter goes on." };
                (format!("A rehearsal: this is what a run would look at.{go}"), theme.ok)
            }
            0 if loud => ("Everything is as it must be.".to_owned(), theme.ok),
            0 => ("Everything is as it must be. Enter goes on.".to_owned(), theme.ok),
            1 => ("One check failed.".to_owned(), theme.bad),
            count => (format!("{count} checks failed."), theme.bad),
        };
        let mut lines = Vec::new();
        if let Some(word) = &self.word {
            let word = text::wrap(&text::shown(word), columns);
            lines.extend(word.into_iter().map(|line| Line::styled(line, theme.title)));
            lines.push(Line::raw(""));
        }
        lines.push(Line::styled(word, style));
        let remark = if self.hurried && loud { Some(HURRIED) } else { self.remark.as_deref() };
        lines.push(remark.map_or_else(Line::default, |remark| {
            Line::styled(text::fit(remark, columns), theme.bad)
        }));
        if let Some(reason) = self.in_spite.as_ref().filter(|_| failed > 0) {
            let said = format!("Enter goes on in spite of it: {reason}");
            let said = text::wrap(&text::shown(&said), columns);
            lines.extend(said.into_iter().map(|line| Line::styled(line, theme.warn)));
        }
        for check in &self.checks {
            let (sign, style) = match (check.ok, self.mode) {
                (true, Mode::Rehearsal) => ("·", theme.text),
                (true, Mode::Live | Mode::Drill) => ("✓", theme.ok),
                (false, _) => ("✗", theme.bad),
            };
            lines.push(Line::styled(
                text::fit(&format!("{sign} {}", text::one_line(&check.name)), columns),
                style,
            ));
            let detail = text::wrap(&text::shown(&format!("  {}", check.detail)), columns);
            lines.extend(detail.into_iter().map(Line::raw));
        }
        frame::lines(frame, area, &lines, self.top);
        if let Some(form) = &self.reason {
            form.draw_dialog(frame, theme);
        }
    }

    fn title(&self) -> String {
        format!("steady: {}", self.title)
    }

    fn wake(&self, now: &Stamp) -> Option<Duration> {
        self.silence.as_ref()?.wake(now)
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;
    use crate::tui::testing::{key, screen, stamp};

    fn checks(ok: bool) -> Vec<Check> {
        let check =
            |name: &str, ok, detail: &str| Check { name: name.into(), ok, detail: detail.into() };
        vec![
            check("psql", true, "/usr/bin/psql"),
            check("AWS_REGION", ok, "not set: export AWS_REGION=us-east-1 before you start"),
        ]
    }

    fn press(app: &mut Preflight, code: KeyCode) -> Flow<Cleared> {
        app.update(Message::Key(key(code)), &stamp(0))
    }

    #[test]
    fn enter_begins_when_all_is_well() {
        let mut app = Preflight::new("Aurora PITR", None, Mode::Drill, checks(true));
        insta::assert_snapshot!("preflight_ok", screen(80, 24, &app, 0));
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::Done(Cleared::Begin(None)));
    }

    #[test]
    fn an_enter_that_was_meant_for_the_form_begins_nothing() {
        let app = Preflight::new("Aurora PITR", None, Mode::Drill, checks(true));
        let mut app = app.after_another(&stamp(0));
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::On);
        assert!(screen(80, 24, &app, 0).contains("too fast to be meant"));
        let later = app.update(Message::Key(key(KeyCode::Enter)), &stamp(1));
        assert_eq!(later, Flow::Done(Cleared::Begin(None)));
    }

    #[test]
    fn the_runbook_can_be_read_before_it_begins() {
        let app = Preflight::new("Aurora PITR", None, Mode::Drill, checks(true));
        let mut app = app.of("steadyhand: 1\nid: aurora-\u{202e}pitr\n");
        press(&mut app, KeyCode::Char('v'));
        assert!(screen(80, 24, &app, 0).contains("id: aurora-<U+202E>pitr"));
        assert_eq!(press(&mut app, KeyCode::Esc), Flow::On);
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::Done(Cleared::Begin(None)));
    }

    #[test]
    fn a_drill_does_not_begin_with_a_failed_check() {
        let mut app = Preflight::new("Aurora PITR", None, Mode::Drill, checks(false));
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::On);
        insta::assert_snapshot!("preflight_failed", screen(80, 24, &app, 0));
        assert_eq!(press(&mut app, KeyCode::Char('q')), Flow::Done(Cleared::Left));
    }

    #[test]
    fn an_incident_goes_on_with_a_reason() {
        let mut app = Preflight::new("Aurora PITR", None, Mode::Live, checks(false));
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::On);
        assert_eq!(press(&mut app, KeyCode::Enter), Flow::On, "a reason is needed");
        insta::assert_snapshot!("preflight_reason", screen(80, 24, &app, 0));
        for c in "no".chars() {
            press(&mut app, KeyCode::Char(c));
        }
        let begin = Flow::Done(Cleared::Begin(Some("no".into())));
        assert_eq!(press(&mut app, KeyCode::Enter), begin);
    }
}
