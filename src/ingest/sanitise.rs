//! Bytes to text that a terminal, a pager or a report cannot be fooled with.

use std::fmt::Write;

/// All of `bytes` as text without control sequences; see [`Sanitiser`].
#[must_use]
pub fn sanitise(bytes: impl AsRef<[u8]>) -> String {
    let mut sanitiser = Sanitiser::default();
    let mut out = sanitiser.push(bytes.as_ref());
    out.push_str(&sanitiser.finish());
    out
}

/// Turns a stream of bytes into text whose only control character is the newline.
///
/// Escape sequences (CSI, OSC, DCS, APC, PM, SOS and the short ones) are dropped, whole, cut short or
/// split between chunks; colours with them. A carriage return is a newline, and one with it; a tab is
/// blanks up to the next multiple of eight; every other control and bidirectional control character is
/// made visible. A sequence that swallows text ends with its line at the latest, so that an unfinished
/// one cannot hide an error message. Costs no memory beyond its output.
#[derive(Default)]
pub struct Sanitiser {
    state: State,
    /// The beginning of a character of several bytes.
    carry: Vec<u8>,
    column: usize,
    /// A newline that follows belongs to the carriage return before it.
    after_return: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate.
    Intermediate,
    /// In a control sequence.
    Csi,
    /// In a string: OSC, DCS, APC, PM, SOS.
    Text,
    /// After ESC in a string.
    TextEscape,
}

const ESC: char = '\x1b';
const TAB: usize = 8;

impl Sanitiser {
    /// The text of `bytes`.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut out = String::with_capacity(bytes.len());
        if self.carry.is_empty() {
            self.bytes(bytes, &mut out);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(bytes);
            self.bytes(&joined, &mut out);
        }
        out
    }

    /// The stream has ended: what an unfinished character or sequence leaves behind.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        if !std::mem::take(&mut self.carry).is_empty() {
            self.char(char::REPLACEMENT_CHARACTER, &mut out);
        }
        if std::mem::take(&mut self.state) == State::Escape {
            self.visible(ESC, &mut out);
        }
        out
    }

    fn bytes(&mut self, mut bytes: &[u8], out: &mut String) {
        loop {
            match str::from_utf8(bytes) {
                Ok(text) => return self.text(text, out),
                Err(e) => {
                    let (valid, rest) = bytes.split_at(e.valid_up_to());
                    self.text(str::from_utf8(valid).unwrap_or_default(), out);
                    let Some(bad) = e.error_len() else {
                        self.carry = rest.to_vec();
                        return;
                    };
                    self.char(char::REPLACEMENT_CHARACTER, out);
                    bytes = &rest[bad..];
                }
            }
        }
    }

    fn text(&mut self, mut text: &str, out: &mut String) {
        while !text.is_empty() {
            // Nearly all output is plain: take as much of it at once as there is.
            let run =
                if self.state == State::Ground && !self.after_return { plain(text) } else { 0 };
            let (head, rest) = text.split_at(run);
            out.push_str(head);
            self.column = match head.rfind('\n') {
                Some(at) => head.len() - at - 1,
                None => self.column + head.len(),
            };
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.char(c, out);
            }
            text = chars.as_str();
        }
    }

    fn char(&mut self, c: char, out: &mut String) {
        let (next, again) = match (self.state, c) {
            (State::Ground, _) => return self.ground(c, out),
            (State::Escape, '[') => (State::Csi, false),
            (State::Escape, ']' | 'P' | 'X' | '^' | '_') => (State::Text, false),
            (State::Escape | State::Intermediate, ' '..='/') => (State::Intermediate, false),
            (State::Escape | State::Intermediate, '0'..='~') => (State::Ground, false),
            (State::Escape, _) => {
                self.visible(ESC, out);
                (State::Ground, true)
            }
            (State::Intermediate, _) => (State::Ground, true),
            (State::Csi, ' '..='?') => (State::Csi, false),
            (State::Csi, '@'..='~') => (State::Ground, false),
            (State::Csi, _) => (State::Ground, true),
            (State::Text, ESC) => (State::TextEscape, false),
            // BEL and ST end it, CAN and SUB call it off.
            (State::Text, '\x07' | '\u{9c}' | '\x18' | '\x1a') => (State::Ground, false),
            (State::Text, '\n' | '\r') => (State::Ground, true),
            (State::Text, _) => (State::Text, false),
            (State::TextEscape, '\\') => (State::Ground, false),
            (State::TextEscape, _) => (State::Escape, true),
        };
        self.state = next;
        if again {
            self.char(c, out);
        }
    }

    fn ground(&mut self, c: char, out: &mut String) {
        match c {
            ESC => self.state = State::Escape,
            '\u{9b}' => self.state = State::Csi,
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::Text,
            '\n' if std::mem::take(&mut self.after_return) => {}
            '\n' | '\r' => {
                out.push('\n');
                self.column = 0;
                self.after_return = c == '\r';
            }
            '\t' => {
                let blanks = TAB - self.column % TAB;
                out.extend(std::iter::repeat_n(' ', blanks));
                self.column += blanks;
                self.after_return = false;
            }
            _ => self.visible(c, out),
        }
    }

    fn visible(&mut self, c: char, out: &mut String) {
        self.after_return = false;
        self.column += 1;
        match c {
            '\0'..='\x1f' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(' ')),
            '\x7f' => out.push('␡'),
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
            }
            _ => out.push(c),
        }
    }
}

/// How many bytes at the beginning of `text` are printable ASCII or newlines.
fn plain(text: &str) -> usize {
    let stop = |&b: &u8| !matches!(b, b' '..=b'~' | b'\n');
    text.as_bytes().iter().position(stop).unwrap_or(text.len())
}
