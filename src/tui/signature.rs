//! A signature that is pasted: many lines, shown as far as one needs to see that it is whole.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::text::Line;

use super::keymap::{Action, Place, hints, lookup};
use super::theme::Theme;
use super::{frame, text};

/// The longest signature in bytes.
const LONGEST: usize = 16 * 1024;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// One field of many lines.
#[derive(Debug, Default)]
pub struct SignatureField {
    pasted: String,
    remark: Option<String>,
}

/// What a key in the field leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Pasted {
    /// Not whole yet.
    Open,
    /// This, whole.
    Given(String),
    /// Left.
    Left,
}

impl SignatureField {
    /// Takes a key. A terminal that does not mark what is pasted sends it as keys.
    pub fn key(&mut self, key: KeyEvent) -> Pasted {
        match lookup(Place::Signature, &key) {
            Some(Action::Go) if self.is_whole() => {
                return Pasted::Given(std::mem::take(&mut self.pasted));
            }
            Some(Action::Go) if self.pasted.is_empty() => {
                self.remark = Some("nothing was pasted".to_owned());
            }
            Some(Action::Go) => self.add("\n"),
            Some(Action::Back) => return Pasted::Left,
            Some(Action::Clear) => *self = Self::default(),
            _ => {
                let held = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
                match key.code {
                    KeyCode::Char(c) if !held => self.add(c.encode_utf8(&mut [0; 4])),
                    KeyCode::Backspace => {
                        self.pasted.pop();
                    }
                    _ => {}
                }
            }
        }
        Pasted::Open
    }

    /// Takes pasted text; a terminal may end its lines with a carriage return alone.
    pub fn paste(&mut self, pasted: &str) {
        self.add(&pasted.replace("\r\n", "\n").replace('\r', "\n"));
    }

    fn add(&mut self, more: &str) {
        if self.pasted.len() + more.len() > LONGEST {
            self.remark = Some(format!("that is longer than {} KiB: Ctrl-u", LONGEST / 1024));
        } else {
            self.pasted.push_str(more);
            self.remark = None;
        }
    }

    fn is_whole(&self) -> bool {
        let mut lines = self.pasted.lines().map(str::trim).skip_while(|line| *line != BEGIN);
        lines.next().is_some() && lines.any(|line| line == END)
    }

    /// Paints it in the middle of the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme) {
        let area = frame.area();
        let size = (area.width.saturating_sub(8).min(100), 7);
        let title = "Paste the signature";
        let inside = frame::dialog(frame, area, theme, size, title, &hints(Place::Signature));
        let columns = usize::from(inside.width);
        let last = self.pasted.lines().rev().find(|line| !line.trim().is_empty());
        let count = self.pasted.lines().count();
        let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
        let (state, style) = match (&self.remark, self.is_whole(), count) {
            (Some(remark), ..) => (format!("✗ {remark}"), theme.bad),
            (None, true, _) => (format!("✓ {lines}, whole. Enter."), theme.ok),
            (None, false, 0) => (format!("It begins with {BEGIN}"), theme.dim),
            (None, false, _) => (format!("{lines}, not whole: it ends with {END}"), theme.warn),
        };
        let lines = [
            Line::styled("As ssh-keygen -Y sign prints it, all of its lines.", theme.dim),
            Line::raw(""),
            Line::styled(
                text::fit(&text::one_line(last.unwrap_or_default()), columns),
                theme.field,
            ),
            Line::raw(""),
            Line::styled(text::fit(&state, columns), style),
        ];
        for (line, index) in lines.into_iter().zip(0..) {
            if let Some(at) = frame::row(inside, index) {
                frame.render_widget(line, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{key, snapshot};

    fn armoured() -> String {
        format!("{BEGIN}\nU1NIU0lH\n{END}\n")
    }

    #[test]
    fn what_is_pasted_in_parts_is_handed_on_once_it_is_whole() {
        let mut field = SignatureField::default();
        assert_eq!(field.key(key(KeyCode::Enter)), Pasted::Open);
        field.paste(&format!("{BEGIN}\r"));
        assert_eq!(field.key(key(KeyCode::Enter)), Pasted::Open, "not whole");
        field.paste(&format!("U1NIU0lH\r\n{END}"));
        insta::assert_snapshot!("signature", snapshot(80, 24, |f, t| field.draw(f, t)));
        let Pasted::Given(given) = field.key(key(KeyCode::Enter)) else { panic!() };
        assert!(given.contains("U1NIU0lH\n"), "{given}");
    }

    #[test]
    fn what_comes_as_keys_is_as_good() {
        let mut field = SignatureField::default();
        for c in armoured().trim().chars() {
            let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            assert_eq!(field.key(key(code)), Pasted::Open);
        }
        assert_eq!(field.key(key(KeyCode::Enter)), Pasted::Given(armoured().trim().to_owned()));
    }

    #[test]
    fn a_flood_is_refused_and_escape_leaves() {
        let mut field = SignatureField::default();
        field.paste(&"x".repeat(LONGEST + 1));
        assert!(snapshot(80, 24, |f, t| field.draw(f, t)).contains("longer than 16 KiB"));
        assert_eq!(field.key(key(KeyCode::Esc)), Pasted::Left);
    }
}
