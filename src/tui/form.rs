//! A form: one field a line, what is wrong with it or what it means right below. It knows nothing of
//! inputs or reasons; whoever opens it says what is a good answer.

use crossterm::event::{Event, KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

use super::keymap::{Action, Place, hints, lookup};
use super::theme::Theme;
use super::{frame, text};
use crate::engine::Stamp;
use crate::runbook::inputs::SecretSource;

/// A field's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
    Text,
    /// One of these; `←` `→` go through them.
    Choice(Vec<String>),
    /// A reference to a secret. What is typed is not echoed unless it clearly is a reference.
    Secret,
}

/// What is asked for in one field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub label: String,
    /// One line of help; shown while there is nothing better to say.
    pub help: String,
    /// What kind of answer.
    pub kind: Kind,
    /// What stands there at first.
    pub text: String,
}

/// What the form says of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good; what it means, when that is not plain.
    Good(String),
    /// It is not; why, and what to write.
    Bad(String),
}

/// Judges all answers at once (a default may depend on another field), in the order of the fields.
pub type Judge = Box<dyn Fn(&[String], &Stamp) -> Vec<Verdict> + Send>;

/// The state of a form.
pub struct Form {
    title: String,
    fields: Vec<(Field, Input)>,
    at: usize,
    judge: Judge,
    verdicts: Vec<Verdict>,
    /// Errors are held back until a field was left or `Enter` was pressed: nobody is told off while typing.
    visited: Vec<bool>,
}

/// What a form ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Still open.
    Open,
    /// The texts of the fields, all of them good.
    Given(Vec<String>),
    /// Left.
    Left,
}

impl Form {
    /// A form with the first field marked.
    #[must_use]
    pub fn new(title: &str, fields: Vec<Field>, judge: Judge, now: &Stamp) -> Self {
        let fields: Vec<_> = fields
            .into_iter()
            .map(|field| {
                let input = Input::new(field.text.clone());
                (field, input)
            })
            .collect();
        let visited = vec![false; fields.len()];
        let mut form =
            Self { title: title.to_owned(), fields, at: 0, judge, verdicts: Vec::new(), visited };
        form.judge(now);
        form
    }

    /// A form that accepts anything but nothing: a reason, a note.
    #[must_use]
    pub fn of_texts(title: &str, fields: Vec<Field>, now: &Stamp) -> Self {
        let labels: Vec<String> = fields.iter().map(|field| field.label.clone()).collect();
        let judge = move |texts: &[String], _: &Stamp| {
            let verdict = |(text, label): (&String, &String)| match text.trim() {
                "" => Verdict::Bad(format!("`{label}` is empty; the record needs it")),
                _ => Verdict::Good(String::new()),
            };
            texts.iter().zip(&labels).map(verdict).collect()
        };
        Self::new(title, fields, Box::new(judge), now)
    }

    fn texts(&self) -> Vec<String> {
        self.fields.iter().map(|(_, input)| input.value().to_owned()).collect()
    }

    fn judge(&mut self, now: &Stamp) {
        self.verdicts = (self.judge)(&self.texts(), now);
    }

    fn is_bad(&self, index: usize) -> bool {
        matches!(self.verdicts.get(index), Some(Verdict::Bad(_)))
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent, now: &Stamp) -> Answer {
        match lookup(Place::Form, &key) {
            Some(Action::Go) => return self.go(now),
            Some(Action::NextField) => self.move_to((self.at + 1) % self.fields.len().max(1)),
            Some(Action::PreviousField) => {
                self.move_to(self.at.checked_sub(1).unwrap_or(self.fields.len().saturating_sub(1)));
            }
            Some(Action::Back) => return Answer::Left,
            _ => self.edit(key),
        }
        self.judge(now);
        Answer::Open
    }

    fn move_to(&mut self, index: usize) {
        if let Some(visited) = self.visited.get_mut(self.at) {
            *visited = true;
        }
        self.at = index;
    }

    fn edit(&mut self, key: KeyEvent) {
        let Some((field, input)) = self.fields.get_mut(self.at) else { return };
        match &field.kind {
            Kind::Choice(options) => {
                let step = match key.code {
                    KeyCode::Right | KeyCode::Char(' ') => 1,
                    KeyCode::Left => options.len().saturating_sub(1),
                    _ => return,
                };
                let here = options.iter().position(|o| o == input.value()).unwrap_or(0);
                if let Some(next) = options.get((here + step) % options.len().max(1)) {
                    *input = Input::new(next.clone());
                }
            }
            Kind::Text | Kind::Secret => {
                input.handle_event(&Event::Key(key));
            }
        }
    }

    /// Takes pasted text into the field; line ends become spaces.
    pub fn paste(&mut self, pasted: &str, now: &Stamp) {
        if let Some((Field { kind: Kind::Text | Kind::Secret, .. }, input)) =
            self.fields.get_mut(self.at)
        {
            for c in text::shown(pasted.trim()).replace('\n', " ").chars() {
                input.handle(InputRequest::InsertChar(c));
            }
        }
        self.judge(now);
    }

    /// Judges again: what a text means may depend on the time.
    pub fn tick(&mut self, now: &Stamp) {
        self.judge(now);
    }

    fn go(&mut self, now: &Stamp) -> Answer {
        self.judge(now);
        if self.at + 1 < self.fields.len() {
            self.move_to(self.at + 1);
            return Answer::Open;
        }
        self.visited.fill(true);
        match (0..self.fields.len()).find(|i| self.is_bad(*i)) {
            Some(bad) => {
                self.at = bad;
                Answer::Open
            }
            None => Answer::Given(self.texts()),
        }
    }

    /// Rows that the fields take.
    fn height(&self) -> u16 {
        u16::try_from(self.fields.len() * 2).unwrap_or(u16::MAX)
    }

    /// Paints it in the middle of the screen.
    pub fn draw_dialog(&self, frame: &mut Frame<'_>, theme: &Theme) {
        let area = frame.area();
        let size = (area.width.saturating_sub(8).min(100), self.height().saturating_add(2));
        let inside = frame::dialog(frame, area, theme, size, &self.title, &hints(Place::Form));
        self.draw(frame, inside, theme);
    }

    /// Paints the fields into the area, two rows each, so that the marked one is on screen.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let longest = self.fields.iter().map(|(f, _)| text::width(&f.label)).max().unwrap_or(0);
        let label = longest.min(usize::from(area.width) / 3);
        let visible = usize::from(area.height / 2).max(1);
        let top = frame::scroll_to(self.at, self.fields.len(), visible);
        let indent = u16::try_from(label + 3).unwrap_or(0);
        let room = usize::from(area.width.saturating_sub(indent));
        let mut y = 0;
        for (index, (field, input)) in self.fields.iter().enumerate().skip(top) {
            let Some(first) = frame::row(area, y) else { break };
            self.draw_field(frame, first, theme, (index, field, input), label);
            y += 1;
            let (said, style) = self.remark(index, field, theme);
            // The field one is in says all of it, the others what fits.
            let lines = if index == self.at {
                text::wrap(&said, room)
            } else {
                vec![text::fit(&said, room)]
            };
            for line in lines {
                let Some(at) = frame::row(area, y) else { break };
                let at = Rect { x: at.x + indent, width: at.width.saturating_sub(indent), ..at };
                frame.render_widget(Line::styled(line, style), at);
                y += 1;
            }
        }
    }

    fn draw_field(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        theme: &Theme,
        (index, field, input): (usize, &Field, &Input),
        label: usize,
    ) {
        let here = index == self.at;
        let room = usize::from(area.width).saturating_sub(label + 3);
        let mark = if here { "▸ " } else { "  " };
        let name = text::pad(&text::one_line(&field.label), label);
        let style = if here { theme.marked } else { theme.text };
        let spans = vec![Span::raw(mark), Span::styled(name, style), Span::raw(" ")];
        let (value, cursor) = shown_value(field, input, room.saturating_sub(1));
        let mut line = Line::from(spans);
        line.push_span(Span::styled(text::pad(&value, room), theme.field));
        frame.render_widget(line, area);
        if here && !matches!(field.kind, Kind::Choice(_)) {
            let column = u16::try_from(label + 3 + cursor).unwrap_or(u16::MAX);
            let x = area.x.saturating_add(column).min(area.right().saturating_sub(1));
            frame.set_cursor_position(Position { x, y: area.y });
        }
    }

    fn remark(&self, index: usize, field: &Field, theme: &Theme) -> (String, Style) {
        let visited = self.visited.get(index).copied().unwrap_or_default();
        match self.verdicts.get(index) {
            Some(Verdict::Bad(why)) if visited => (format!("✗ {}", text::one_line(why)), theme.bad),
            Some(Verdict::Good(what)) if !what.is_empty() => {
                (format!("✓ {}", text::one_line(what)), theme.ok)
            }
            Some(_) | None => (text::one_line(&field.help), theme.dim),
        }
    }
}

/// What stands in the field, and the cursor's column in it.
fn shown_value(field: &Field, input: &Input, room: usize) -> (String, usize) {
    match &field.kind {
        Kind::Choice(options) => {
            let list: Vec<String> = options
                .iter()
                .map(|o| if o == input.value() { format!("[{o}]") } else { format!(" {o} ") })
                .collect();
            (format!("{}  ← →", list.join(" ")), 0)
        }
        Kind::Secret if SecretSource::parse(input.value()).is_none() => {
            // The length of a secret is a hint, too.
            let dots = if input.value().is_empty() { "" } else { "••••••••" };
            (dots.to_owned(), text::width(dots))
        }
        Kind::Text | Kind::Secret => {
            let scroll = input.visual_scroll(room);
            let value = skip_columns(&text::one_line(input.value()), scroll);
            (value, input.visual_cursor().saturating_sub(scroll))
        }
    }
}

fn skip_columns(value: &str, columns: usize) -> String {
    let mut used = 0;
    value
        .chars()
        .skip_while(|c| {
            let skip = used < columns;
            used += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect()
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
