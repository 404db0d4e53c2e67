//! Questions with lettered answers: the menu of everything that changes the run, the choices after an
//! unknown outcome, a step that waits for a person. What may not be taken is dim and says why.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::keymap::{Action, Place, hints, lookup};
use super::theme::Theme;
use super::{frame, text};

/// One answer.
#[derive(Clone, Debug)]
pub struct Entry<P> {
    /// The letter that takes it at once; none for items that come from a runbook.
    pub letter: Option<char>,
    /// What it is called.
    pub label: String,
    /// What it does.
    pub help: String,
    /// Why it may not be taken now.
    pub blocked: Option<String>,
    /// What it stands for.
    pub pick: P,
}

/// The state of a menu.
#[derive(Clone, Debug)]
pub struct Menu<P> {
    title: String,
    /// Said above the answers.
    intro: Vec<String>,
    entries: Vec<Entry<P>>,
    marked: usize,
    remark: Option<String>,
}

/// What a menu ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked<P> {
    /// Still open.
    Open,
    /// This was taken.
    Pick(P),
    /// Nothing was.
    Left,
}

impl<P: Copy> Menu<P> {
    /// A menu with the first answer marked that may be taken.
    #[must_use]
    pub fn new(title: &str, intro: Vec<String>, entries: Vec<Entry<P>>) -> Self {
        let marked = entries.iter().position(|e| e.blocked.is_none()).unwrap_or(0);
        Self { title: title.to_owned(), intro, entries, marked, remark: None }
    }

    /// With another answer marked.
    #[must_use]
    pub fn marking(mut self, index: usize) -> Self {
        self.marked = index.min(self.entries.len().saturating_sub(1));
        self
    }

    /// The answers.
    #[must_use]
    pub fn entries(&self) -> &[Entry<P>] {
        &self.entries
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Picked<P> {
        self.remark = None;
        if let KeyCode::Char(c) = key.code
            && !key.modifiers.contains(KeyModifiers::CONTROL)
            && let Some(i) =
                self.entries.iter().position(|e| e.letter == Some(c.to_ascii_lowercase()))
        {
            self.marked = i;
            return self.take();
        }
        let last = self.entries.len().saturating_sub(1);
        match lookup(Place::Menu, &key) {
            Some(Action::Go) => return self.take(),
            Some(Action::Up) => self.marked = self.marked.saturating_sub(1),
            Some(Action::Down) => self.marked = (self.marked + 1).min(last),
            Some(Action::Back) => return Picked::Left,
            _ => {}
        }
        Picked::Open
    }

    fn take(&mut self) -> Picked<P> {
        match self.entries.get(self.marked) {
            Some(Entry { blocked: None, pick, .. }) => Picked::Pick(*pick),
            Some(Entry { blocked: Some(why), .. }) => {
                self.remark = Some(why.clone());
                Picked::Open
            }
            None => Picked::Left,
        }
    }

    /// Paints it in the middle of the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme) {
        let area = frame.area();
        let columns = usize::from(area.width.saturating_sub(12)).min(90);
        let intro: Vec<String> =
            self.intro.iter().flat_map(|line| text::wrap(&text::shown(line), columns)).collect();
        let label = self.entries.iter().map(|e| text::width(&e.label)).max().unwrap_or(0);
        let label = label.min(columns.saturating_sub(4));
        let room = columns.saturating_sub(label + 6);
        let mut lines: Vec<Line<'_>> = intro.into_iter().map(Line::raw).collect();
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        let head = lines.len();
        for (i, entry) in self.entries.iter().enumerate() {
            let letter = entry.letter.map_or("•".to_owned(), |letter| letter.to_string());
            let mark = if i == self.marked { "▸" } else { " " };
            let name = text::pad(&text::one_line(&entry.label), label);
            let (remark, style) = match &entry.blocked {
                Some(why) => (format!("– {why}"), theme.dim),
                None => (entry.help.clone(), theme.text),
            };
            let remark = text::fit(&text::one_line(&remark), room);
            let key_style = if entry.blocked.is_some() { theme.dim } else { theme.key };
            let line = Line::from(vec![
                Span::styled(format!("{mark}{letter}  "), key_style),
                Span::styled(format!("{name}  "), style),
                Span::styled(remark, theme.dim),
            ]);
            lines.push(frame::marked(i == self.marked, theme, line, columns));
        }
        if let Some(remark) = &self.remark {
            let wrapped = text::wrap(&format!("✗ {}", text::shown(remark)), columns);
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.bad)));
        }
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
        let width = u16::try_from(columns + 4).unwrap_or(area.width);
        let inside =
            frame::dialog(frame, area, theme, (width, height), &self.title, &hints(Place::Menu));
        let rows = usize::from(inside.height);
        let top = frame::scroll_to(head + self.marked, lines.len(), rows);
        frame::lines(frame, Rect { width: inside.width, ..inside }, &lines, top);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::key;

    fn entry(letter: char, blocked: Option<&str>, pick: u8) -> Entry<u8> {
        Entry {
            letter: Some(letter),
            label: format!("answer {letter}"),
            help: String::new(),
            blocked: blocked.map(str::to_owned),
            pick,
        }
    }

    fn menu() -> Menu<u8> {
        Menu::new("?", vec![], vec![entry('a', Some("not now"), 1), entry('b', None, 2)])
    }

    #[test]
    fn enter_takes_the_marked_answer_and_a_letter_its_own() {
        assert_eq!(menu().key(key(KeyCode::Enter)), Picked::Pick(2));
        assert_eq!(menu().key(key(KeyCode::Char('B'))), Picked::Pick(2));
        assert_eq!(menu().key(key(KeyCode::Esc)), Picked::Left);
        assert_eq!(menu().key(key(KeyCode::Char('z'))), Picked::Open);
    }

    #[test]
    fn what_may_not_be_taken_says_why() {
        let mut menu = menu();
        assert_eq!(menu.key(key(KeyCode::Char('a'))), Picked::Open);
        assert_eq!(menu.remark.as_deref(), Some("not now"));
        assert_eq!(menu.key(key(KeyCode::Enter)), Picked::Open);
    }
}
