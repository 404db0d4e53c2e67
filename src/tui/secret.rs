//! A secret that is typed: never shown, not even its length, and wiped once it is handed on.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::text::{Line, Span};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

use super::keymap::{Action, Place, hints, lookup};
use super::theme::Theme;
use super::{frame, text};

/// The longest secret in bytes: room for it is made at once, so that growing leaves no copies behind.
const LONGEST: usize = 8 * 1024;

/// One field for one secret after another.
pub struct SecretField {
    /// Inputs still to be typed, the one at hand first, each with its help.
    wanted: Vec<(String, String)>,
    count: usize,
    typed: SecretBox<String>,
    remark: Option<String>,
}

/// What a key in the field leads to.
#[derive(Debug)]
pub enum Typed {
    /// Still typing.
    Open,
    /// The secret for this input.
    Given(String, SecretString),
    /// Left.
    Left,
}

fn empty() -> SecretBox<String> {
    SecretBox::new(Box::new(String::with_capacity(LONGEST)))
}

impl SecretField {
    /// A field for these inputs, each with its help; `None` when there are none.
    #[must_use]
    pub fn new(wanted: Vec<(String, String)>) -> Option<Self> {
        let count = wanted.len();
        (count > 0).then(|| Self { wanted, count, typed: empty(), remark: None })
    }

    /// The input that is typed now; `None` once all are.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.wanted.first().map(|(input, _)| input.as_str())
    }

    /// Takes a key. After a secret was given the next one is typed.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        match lookup(Place::Secret, &key) {
            Some(Action::Go) => return self.give(),
            Some(Action::Back) => return Typed::Left,
            Some(Action::Clear) => self.typed = empty(),
            _ => self.edit(key),
        }
        Typed::Open
    }

    fn edit(&mut self, key: KeyEvent) {
        let held = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if !held => self.add(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => {
                self.typed.expose_secret_mut().pop();
                self.remark = None;
            }
            _ => {}
        }
    }

    /// Takes pasted text, without the white space around it.
    pub fn paste(&mut self, pasted: &str) {
        let pasted = pasted.trim();
        if pasted.chars().any(char::is_control) {
            self.remark = Some("that is more than one line: paste one secret alone".to_owned());
        } else {
            self.add(pasted);
        }
    }

    fn add(&mut self, more: &str) {
        let fits = self.typed.expose_secret().len() + more.len() <= LONGEST;
        if fits {
            self.typed.expose_secret_mut().push_str(more);
            self.remark = None;
        } else {
            self.remark = Some(format!("that is longer than {} KiB", LONGEST / 1024));
        }
    }

    fn give(&mut self) -> Typed {
        if self.typed.expose_secret().is_empty() || self.wanted.is_empty() {
            self.remark = Some("nothing was typed".to_owned());
            return Typed::Open;
        }
        let typed = std::mem::replace(&mut self.typed, empty());
        self.remark = None;
        let (input, _) = self.wanted.remove(0);
        Typed::Given(input, SecretString::from(typed.expose_secret().clone()))
    }

    /// Paints it in the middle of the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme) {
        let Some((input, help)) = self.wanted.first() else { return };
        let area = frame.area();
        let size = (area.width.saturating_sub(8).min(100), 6);
        let title = match self.count {
            1 => format!("Type the secret {}", text::one_line(input)),
            count => {
                let number = count - self.wanted.len() + 1;
                format!("Type the secret {} · {number} of {count}", text::one_line(input))
            }
        };
        let inside = frame::dialog(frame, area, theme, size, &title, &hints(Place::Secret));
        let columns = usize::from(inside.width);
        let help = text::fit(&text::one_line(help), columns);
        let kept = "Held in memory for as long as a step needs it, and written nowhere.";
        for (line, index) in [help.as_str(), kept].into_iter().zip(0..) {
            if let Some(at) = frame::row(inside, index) {
                frame.render_widget(Line::styled(text::fit(line, columns), theme.dim), at);
            }
        }
        // The length of a secret is a hint, too.
        let dots =
            if self.typed.expose_secret().is_empty() { "" } else { "••••••••" };
        if let Some(at) = frame::row(inside, 2) {
            frame.render_widget(Line::styled(text::pad(dots, columns), theme.field), at);
            let x = at.x + u16::try_from(text::width(dots)).unwrap_or(0);
            frame.set_cursor_position(Position { x, y: at.y });
        }
        if let (Some(remark), Some(at)) = (&self.remark, frame::row(inside, 3)) {
            let remark = text::fit(&format!("✗ {remark}"), columns);
            frame.render_widget(Line::from(Span::styled(remark, theme.bad)), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{key, snapshot};

    fn field() -> SecretField {
        let wanted = [("share_1", "One key share"), ("share_2", "Another one")];
        SecretField::new(wanted.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()).unwrap()
    }

    fn letters(field: &mut SecretField, text: &str) {
        for c in text.chars() {
            assert!(matches!(field.key(key(KeyCode::Char(c))), Typed::Open));
        }
    }

    fn given(field: &mut SecretField) -> (String, String) {
        match field.key(key(KeyCode::Enter)) {
            Typed::Given(input, value) => (input, value.expose_secret().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_is_not_shown_and_its_length_neither() {
        let mut field = field();
        letters(&mut field, "hunter2");
        let short = snapshot(80, 24, |frame, theme| field.draw(frame, theme));
        insta::assert_snapshot!("secret", short);
        letters(&mut field, "-and-much-more-of-it");
        assert_eq!(snapshot(80, 24, |frame, theme| field.draw(frame, theme)), short);
        assert!(!short.contains("hunter"));
    }

    #[test]
    fn one_secret_follows_another() {
        let mut field = field();
        assert!(matches!(field.key(key(KeyCode::Enter)), Typed::Open));
        letters(&mut field, "onx");
        field.key(key(KeyCode::Backspace));
        letters(&mut field, "e q?");
        assert_eq!(given(&mut field), ("share_1".into(), "one q?".into()));
        assert_eq!(field.input(), Some("share_2"));
        letters(&mut field, "wrong");
        field.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
        field.paste("  two\nlines");
        assert!(snapshot(80, 24, |f, t| field.draw(f, t)).contains("more than one line"));
        field.paste(" pasted \n");
        assert_eq!(given(&mut field), ("share_2".into(), "pasted".into()));
        assert_eq!(field.input(), None);
    }

    #[test]
    fn a_long_paste_is_refused_and_escape_leaves() {
        let mut field = field();
        field.paste(&"x".repeat(LONGEST + 1));
        assert!(snapshot(80, 24, |f, t| field.draw(f, t)).contains("longer than 8 KiB"));
        assert!(matches!(field.key(key(KeyCode::Esc)), Typed::Left));
    }
}
