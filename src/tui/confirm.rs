//! The request, before it runs. Consent is taken only when the whole request was on screen and the
//! keys were silent for a moment, so that nothing is confirmed by a key that was meant for something
//! else.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Position, Rect, Size};
use ratatui::text::{Line, Span};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::keymap::{Action, Place, hints, lookup};
use super::silence::{HURRIED, Silence};
use super::theme::Theme;
use super::{clock, frame, request, text};
use crate::driver::Prepared;
use crate::engine::{Given, Part, Stamp, StepState};
use crate::runbook::Effect;

/// The state of a confirmation.
pub struct Confirm {
    prepared: Arc<Prepared>,
    /// Said above the request: earlier attempts.
    before: Vec<String>,
    /// The number of the attempt that it asks about.
    attempt: u32,
    title: String,
    /// What is typed to go on without the approval, when that is asked.
    glass: Option<String>,
    top: usize,
    /// The last line that has been on screen, from the first on without a gap.
    seen: usize,
    typed: Option<Input>,
    silence: Silence,
    remark: Option<String>,
}

/// What a confirmation ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Still open.
    Open,
    /// The operator consents.
    Given(Given),
    /// The operator goes back.
    Left,
}

impl Confirm {
    /// A confirmation of what is prepared.
    #[must_use]
    pub fn new(prepared: Arc<Prepared>, title: &str, step: &StepState, now: &Stamp) -> Self {
        let before = step
            .attempts
            .iter()
            .filter(|attempt| attempt.id.of == prepared.part)
            .map(|attempt| {
                format!(
                    "Attempt {} at {}: {}",
                    attempt.id.number,
                    clock::moment(attempt.intended.at, now.at),
                    match attempt.message() {
                        "" => "nobody knows how it came out",
                        message => message,
                    }
                )
            })
            .collect();
        Self {
            typed: prepared.phrase.as_ref().map(|_| Input::default()),
            prepared,
            before,
            attempt: step.next_number(),
            title: title.to_owned(),
            glass: None,
            top: 0,
            seen: 0,
            silence: Silence::new(now),
            remark: None,
        }
    }

    /// The same, to go on without the approval that was asked for: this is typed instead.
    #[must_use]
    pub fn breaking_glass(self, phrase: String) -> Self {
        Self { glass: Some(phrase), typed: Some(Input::default()), ..self }
    }

    /// Whether it asks to go on without an approval.
    #[must_use]
    pub fn breaks_glass(&self) -> bool {
        self.glass.is_some()
    }

    /// What must be typed.
    fn phrase(&self) -> Option<&str> {
        self.glass.as_deref().or(self.prepared.phrase.as_deref())
    }

    /// Whether the question is answered: what it asks about was consented to, is at work, or is over already.
    #[must_use]
    pub fn is_answered(&self, step: &StepState) -> bool {
        step.consent.is_some() || step.running().is_some() || step.next_number() > self.attempt
    }

    /// What it is about.
    #[must_use]
    pub fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    /// Where its keys are looked up.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.typed.is_some() { Place::Phrase } else { Place::Confirm }
    }

    fn inside(size: Size) -> (usize, usize) {
        (usize::from(size.width.saturating_sub(6)), usize::from(size.height.saturating_sub(7)))
    }

    /// The size of the screen: what fits on it has been seen.
    pub fn resized(&mut self, size: Size) {
        let (columns, rows) = Self::inside(size);
        let count = self.count(columns);
        self.top = self.top.min(count.saturating_sub(rows));
        // A jump past unseen lines would leave a gap; scrolling never jumps further than a screen.
        if self.top <= self.seen {
            self.seen = self.seen.max(self.top + rows);
        }
    }

    fn whole_was_seen(&self, size: Size) -> bool {
        self.seen >= self.count(Self::inside(size).0)
    }

    /// When the keys will have been silent for long enough.
    #[must_use]
    pub fn wake(&self, now: &Stamp) -> Option<Duration> {
        self.silence.wake(now)
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent, size: Size, now: &Stamp) -> Consent {
        let silent = self.silence.broken(now);
        self.remark = None;
        let (columns, rows) = Self::inside(size);
        let last = self.count(columns).saturating_sub(rows);
        match lookup(self.place(), &key) {
            Some(Action::Back) => return Consent::Left,
            Some(Action::Up) => self.top = self.top.saturating_sub(1),
            Some(Action::Down) => self.top = (self.top + 1).min(last),
            Some(Action::PageUp) => self.top = self.top.saturating_sub(rows.max(1)),
            Some(Action::PageDown) => self.top = (self.top + rows.max(1)).min(last),
            Some(Action::Confirm) => return self.consent(silent, size),
            _ => {
                if let Some(typed) = &mut self.typed {
                    typed.handle_event(&Event::Key(key));
                }
            }
        }
        self.resized(size);
        Consent::Open
    }

    fn consent(&mut self, silent: bool, size: Size) -> Consent {
        if !self.whole_was_seen(size) {
            self.remark = Some("read to the end first: there is more below".to_owned());
            return Consent::Open;
        }
        // A phrase cannot be hit by accident: only a single key must come out of silence.
        if !silent && self.typed.is_none() {
            self.remark = Some(HURRIED.to_owned());
            return Consent::Open;
        }
        match &self.typed {
            None => Consent::Given(Given::Yes),
            Some(typed) if typed.value().trim().is_empty() => {
                self.remark = Some("type the phrase first".to_owned());
                Consent::Open
            }
            Some(typed) => Consent::Given(Given::Typed(typed.value().trim().to_owned())),
        }
    }

    /// Another request for the same step: it must be read again.
    pub fn changed(&mut self, prepared: Arc<Prepared>) {
        let same = prepared.digest == self.prepared.digest;
        self.prepared = prepared;
        if !same {
            self.top = 0;
            self.seen = 0;
            self.typed = self.phrase().map(|_| Input::default());
            self.remark = Some("the request has changed: read it again".to_owned());
        }
    }

    /// The phrase was wrong: another try, and the reason.
    pub fn refused(&mut self, why: &str) {
        if self.typed.is_some() {
            self.typed = Some(Input::default());
        }
        self.remark = Some(text::one_line(why));
    }

    /// What it will do to the world, in a word for the title.
    fn effect(&self) -> &'static str {
        match self.prepared.effect {
            Effect::Reads => "READS",
            Effect::Changes => "CHANGES",
            Effect::Destroys => "DESTROYS",
        }
    }

    fn count(&self, columns: usize) -> usize {
        self.lines(&Theme::default(), columns).len()
    }

    fn lines(&self, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for line in &self.before {
            let wrapped = text::wrap(&text::shown(line), columns);
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.warn)));
        }
        if !self.before.is_empty() {
            lines.push(Line::raw(""));
        }
        match &self.prepared.request {
            Ok(request) => lines.extend(request::lines(request, theme, columns)),
            Err(why) => {
                let wrapped = text::wrap(&text::shown(why), columns);
                lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.bad)));
            }
        }
        lines.push(Line::raw(""));
        lines.extend(request::target(&self.prepared, theme, columns));
        lines
    }

    /// Paints it over the whole screen.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        let area = frame.area();
        let size = area.as_size();
        let verb = match self.prepared.part {
            Part::Do if self.breaks_glass() => "Without the approval?",
            Part::Do => "Run this?",
            Part::Undo => "Undo with this?",
            Part::Probe => "Ask this?",
        };
        let title = format!("{verb} {} · {}", self.effect(), text::one_line(&self.title));
        let inside = frame::dialog(
            frame,
            area,
            theme,
            (area.width, area.height),
            &title,
            &hints(self.place()),
        );
        let (columns, rows) = Self::inside(size);
        let lines = self.lines(theme, columns);
        let body = Rect {
            x: inside.x,
            y: inside.y,
            width: u16::try_from(columns).unwrap_or(inside.width),
            height: u16::try_from(rows).unwrap_or(inside.height),
        };
        frame::lines(frame, body, &lines, self.top);
        let below = lines.len().saturating_sub(self.top + rows);
        let more = if below > 0 {
            format!("── {below} more lines below: ↓ PgDn ")
        } else {
            "── the end ".to_owned()
        };
        let rule = format!("{more}{}", "─".repeat(columns.saturating_sub(text::width(&more))));
        let bottom = body.height;
        if let Some(at) = frame::row(inside, bottom) {
            frame.render_widget(Line::styled(rule, theme.dim), at);
        }
        if let Some(at) = frame::row(inside, bottom + 1) {
            self.draw_answer(frame, at, theme, size, now);
        }
        let Some(at) = frame::row(inside, bottom + 2) else { return };
        let phrase = self.phrase();
        let typed = self.typed.as_ref().is_some_and(|typed| Some(typed.value().trim()) == phrase);
        if let Some(remark) = &self.remark {
            let remark = text::fit(&format!("✗ {remark}"), columns);
            frame.render_widget(Line::styled(remark, theme.bad), at);
        } else if typed && self.whole_was_seen(size) {
            let next = match self.breaks_glass() {
                true => "Enter asks for the reason, and then runs exactly this.",
                false => "Enter runs exactly this.",
            };
            frame.render_widget(Line::styled(next, theme.key), at);
        }
    }

    fn draw_answer(&self, frame: &mut Frame<'_>, at: Rect, theme: &Theme, size: Size, now: &Stamp) {
        let ready = self.whole_was_seen(size);
        let (Some(typed), Some(phrase)) = (&self.typed, self.phrase()) else {
            let line = match (ready, self.silence.is_kept(now)) {
                (false, _) => Line::styled("Read to the end, then y.", theme.dim),
                (true, false) => Line::styled("…", theme.dim),
                (true, true) => Line::styled("Press y to run exactly this.", theme.key),
            };
            frame.render_widget(line, at);
            return;
        };
        let ask = format!("Type `{}` and Enter: ", text::one_line(phrase));
        let room = usize::from(at.width).saturating_sub(text::width(&ask) + 1);
        let scroll = typed.visual_scroll(room);
        let cursor = typed.visual_cursor().saturating_sub(scroll);
        let value: String = text::one_line(typed.value()).chars().skip(scroll).collect();
        let x = at.x + u16::try_from(text::width(&ask) + cursor).unwrap_or(0);
        frame.render_widget(
            Line::from(vec![
                Span::styled(ask, theme.key),
                Span::styled(text::pad(&value, room), theme.field),
            ]),
            at,
        );
        frame.set_cursor_position(Position { x: x.min(at.right().saturating_sub(1)), y: at.y });
    }
}
