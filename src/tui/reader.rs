//! Something long that is only read: output, timeline, journal, the list of keys. It scrolls, follows
//! its end and is searched.

use crossterm::event::{Event, KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::keymap::{Action, Place, lookup};
use super::theme::Theme;
use super::{frame, text};

/// Lines a page key moves by.
const PAGE: usize = 15;

/// The state of a reader.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    lines: Vec<String>,
    top: usize,
    follow: bool,
    query: Input,
    typing: bool,
    matched: Option<usize>,
}

impl Reader {
    /// At the beginning.
    #[must_use]
    pub fn new(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }

    /// At the end, and following it.
    #[must_use]
    pub fn following(lines: Vec<String>) -> Self {
        Self { lines, follow: true, ..Self::default() }
    }

    /// With the search open.
    #[must_use]
    pub fn searching(mut self) -> Self {
        self.typing = true;
        self
    }

    /// Other lines of the same thing: the place is kept.
    pub fn set_lines(&mut self, lines: Vec<String>) {
        self.lines = lines;
    }

    /// Takes a key; true when the reader is closed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        if self.typing {
            match key.code {
                KeyCode::Enter => {
                    self.typing = false;
                    self.find(self.top);
                }
                KeyCode::Esc => self.typing = false,
                _ => {
                    self.query.handle_event(&Event::Key(key));
                }
            }
            return false;
        }
        let last = self.lines.len().saturating_sub(1);
        match lookup(Place::Reader, &key) {
            Some(Action::Search) => {
                self.query = Input::default();
                self.typing = true;
            }
            Some(Action::NextMatch) => self.find(self.matched.map_or(self.top, |at| at + 1)),
            Some(Action::Up) => self.move_to(self.top.saturating_sub(1)),
            Some(Action::Down) => self.move_to((self.top + 1).min(last)),
            Some(Action::PageUp) => self.move_to(self.top.saturating_sub(PAGE)),
            Some(Action::PageDown) => self.move_to((self.top + PAGE).min(last)),
            Some(Action::Top) => self.move_to(0),
            Some(Action::End) => self.follow = true,
            Some(Action::Back) => return true,
            _ => {}
        }
        false
    }

    /// Takes pasted text into the search, when it is open.
    pub fn paste(&mut self, pasted: &str) {
        if self.typing {
            self.query = Input::new(format!("{}{}", self.query.value(), text::one_line(pasted)));
        }
    }

    fn move_to(&mut self, top: usize) {
        self.top = top;
        self.follow = false;
    }

    /// To the next line from `start` that holds the query, from the beginning when there is none.
    fn find(&mut self, start: usize) {
        let query = self.query.value().to_lowercase();
        if query.is_empty() {
            return;
        }
        let count = self.lines.len();
        let hit = (start..count)
            .chain(0..start.min(count))
            .find(|i| self.lines.get(*i).is_some_and(|l| l.to_lowercase().contains(&query)));
        self.matched = hit;
        if let Some(hit) = hit {
            self.move_to(hit);
        }
    }

    /// Paints as much as there is room for; the last row tells the place.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let height = usize::from(area.height.saturating_sub(1));
        let last_top = self.lines.len().saturating_sub(height);
        let top = if self.follow { last_top } else { self.top.min(last_top) };
        let columns = usize::from(area.width);
        let lines: Vec<Line<'_>> = self
            .lines
            .iter()
            .enumerate()
            .skip(top)
            .take(height)
            .map(|(i, line)| {
                let line = Line::raw(text::fit(line, columns));
                frame::marked(self.matched == Some(i), theme, line, columns)
            })
            .collect();
        frame::lines(frame, area, &lines, 0);
        let place = match (self.lines.len(), self.follow) {
            (0, _) => "nothing here".to_owned(),
            (count, true) => format!("{count} lines · follow"),
            (count, false) => format!("{}–{} of {count}", top + 1, (top + height).min(count)),
        };
        let search = match (self.typing, self.query.value(), self.matched) {
            (true, query, _) => format!("/{}▏", text::one_line(query)),
            (false, "", _) => String::new(),
            (false, query, None) => format!("not found: {}", text::one_line(query)),
            (false, query, Some(_)) => format!("/{}", text::one_line(query)),
        };
        if let Some(bottom) = frame::row(area, area.height.saturating_sub(1)) {
            frame.render_widget(
                Line::styled(frame::edges(&search, &place, columns), theme.dim),
                bottom,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{key, snapshot};

    fn numbered(count: usize) -> Vec<String> {
        (1..=count).map(|i| format!("line {i}")).collect()
    }

    fn shown(reader: &Reader) -> String {
        snapshot(30, 6, |frame, theme| reader.draw(frame, frame.area(), theme))
    }

    #[test]
    fn it_follows_its_end_until_one_looks_up() {
        let mut reader = Reader::following(numbered(10));
        assert!(shown(&reader).contains("line 10"));
        reader.set_lines(numbered(20));
        assert!(shown(&reader).contains("line 20") && shown(&reader).contains("follow"));
        reader.key(key(KeyCode::Home));
        reader.set_lines(numbered(30));
        assert!(shown(&reader).contains("line 1 ") && shown(&reader).contains("1–5 of 30"));
        reader.key(key(KeyCode::End));
        assert!(shown(&reader).contains("line 30"));
    }

    #[test]
    fn a_search_goes_from_match_to_match_and_round() {
        let mut reader = Reader::new(numbered(30));
        for c in "/line 2".chars() {
            reader.key(key(KeyCode::Char(c)));
        }
        reader.key(key(KeyCode::Enter));
        assert_eq!(reader.matched, Some(1));
        reader.key(key(KeyCode::Char('n')));
        assert_eq!(reader.matched, Some(19));
        for _ in 0..10 {
            reader.key(key(KeyCode::Char('n')));
        }
        assert_eq!(reader.matched, Some(1), "after line 29 it begins again");
        for c in "/zzz".chars() {
            reader.key(key(KeyCode::Char(c)));
        }
        reader.key(key(KeyCode::Enter));
        assert!(shown(&reader).contains("not found: zzz"));
    }

    #[test]
    fn closing_keys_are_text_in_a_search() {
        let mut reader = Reader::new(numbered(3)).searching();
        assert!(!reader.key(key(KeyCode::Char('q'))));
        assert!(!reader.key(key(KeyCode::Esc)));
        assert!(reader.key(key(KeyCode::Char('q'))));
    }
}
