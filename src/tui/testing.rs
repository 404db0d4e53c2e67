//! What the screen's tests share: a fixed clock, keys, a screen as text.

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::backend::TestBackend;
use ratatui::{Frame, Terminal};

use super::app::App;
use super::form::{Answer, Form};
use super::theme::Theme;
use crate::engine::Stamp;

/// 03:00:00Z and so many seconds.
pub fn at(seconds: i64) -> DateTime<Utc> {
    "2026-11-21T03:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
}

/// The stamp of [`at`].
pub fn stamp(seconds: i64) -> Stamp {
    let mono = u64::try_from(1_000_000 + seconds).unwrap() * 1_000_000_000;
    Stamp { at: at(seconds), boot: "boot".into(), mono }
}

/// A key without modifiers.
pub fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// Presses a key in a form.
pub fn press(form: &mut Form, code: KeyCode) -> Answer {
    form.key(key(code), &stamp(0))
}

/// Types into a form.
pub fn typed(form: &mut Form, text: &str) {
    for c in text.chars() {
        press(form, KeyCode::Char(c));
    }
}

/// The dark theme.
pub fn theme() -> Theme {
    Theme::load(Some("dark"), false).unwrap()
}

/// What is painted, as text.
pub fn snapshot(width: u16, height: u16, paint: impl FnOnce(&mut Frame<'_>, &Theme)) -> String {
    let theme = theme();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| paint(frame, &theme)).unwrap();
    terminal.backend().to_string()
}

/// An app's frame, as text.
pub fn screen(width: u16, height: u16, app: &impl App, seconds: i64) -> String {
    snapshot(width, height, |frame, theme| app.draw(frame, theme, &stamp(seconds)))
}
