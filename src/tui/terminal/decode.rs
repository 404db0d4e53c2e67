//! What a terminal sends → keys and pastes. Pure: bytes in, events out, in whatever pieces they come.
//!
//! What is not understood, such as the mouse, answers to questions nobody asked and broken UTF-8, is
//! passed over whole: half of a sequence must never be taken for keys that somebody pressed.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

const ESC: u8 = 0x1b;
/// A pasted text is cut here; no field takes so much.
const LONGEST_PASTE: usize = 1024 * 1024;
/// No key has a longer sequence. What is longer is passed over to its end.
const LONGEST_SEQUENCE: usize = 64;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Between keys.
    #[default]
    Ground,
    /// The beginning of a character of several bytes, and whether Alt is held.
    Character(Vec<u8>, KeyModifiers),
    /// Escape was pressed, or something longer begins.
    Escape,
    /// After `ESC [`.
    Control(Vec<u8>),
    /// After `ESC O`: one letter follows.
    Function,
    /// So many bytes mean nothing to us.
    PassOver(usize),
    /// After `ESC ]`, `ESC P`, `ESC X`, `ESC ^` and `ESC _`: an answer, until BEL or `ESC \`. Whether the
    /// last byte was ESC.
    Answer(bool),
    /// After `ESC [ 200 ~`. How much of its end has been seen.
    Paste(Vec<u8>, usize),
}

impl Decoder {
    /// Takes bytes in; what they mean is added to `events`.
    pub(super) fn push(&mut self, bytes: &[u8], events: &mut impl Extend<Event>) {
        for byte in bytes {
            self.byte(*byte, events);
        }
    }

    /// Whether what came last may be the half of something: a lone ESC is a key only when nothing follows.
    pub(super) fn waits(&self) -> bool {
        match &self.state {
            State::Ground => false,
            State::Paste(_, seen) => *seen == 1,
            State::Character(..)
            | State::Escape
            | State::Control(_)
            | State::Function
            | State::PassOver(_)
            | State::Answer(_) => true,
        }
    }

    /// Nothing has followed for a while. A half is not waited for any longer. A paste is: only the Esc key
    /// ends one whose end was lost, because what may still come of it must not be taken for keys.
    pub(super) fn silence(&mut self, events: &mut impl Extend<Event>) {
        match std::mem::take(&mut self.state) {
            State::Escape => key(KeyCode::Esc, KeyModifiers::NONE, events),
            State::Function => alt('O', events),
            State::Control(sequence) if sequence.is_empty() => alt('[', events),
            State::Paste(text, 1) => paste(&text, events),
            state @ State::Paste(..) => self.state = state,
            State::Ground
            | State::Character(..)
            | State::Control(_)
            | State::PassOver(_)
            | State::Answer(_) => {}
        }
    }

    fn byte(&mut self, byte: u8, events: &mut impl Extend<Event>) {
        match std::mem::take(&mut self.state) {
            State::Ground => self.plain(byte, KeyModifiers::NONE, events),
            State::Character(mut begun, held) => {
                if byte & 0xc0 != 0x80 {
                    // The rest of it is not coming, and this is something else.
                    return self.plain(byte, KeyModifiers::NONE, events);
                }
                begun.push(byte);
                match str::from_utf8(&begun) {
                    Ok(text) => text.chars().for_each(|c| character(c, held, events)),
                    Err(e) if e.error_len().is_none() => self.state = State::Character(begun, held),
                    Err(_) => {}
                }
            }
            State::Escape => match byte {
                b'[' => self.state = State::Control(Vec::new()),
                b'O' => self.state = State::Function,
                b']' | b'P' | b'X' | b'^' | b'_' => self.state = State::Answer(false),
                ESC => {
                    key(KeyCode::Esc, KeyModifiers::NONE, events);
                    self.state = State::Escape;
                }
                _ => self.plain(byte, KeyModifiers::ALT, events),
            },
            State::Control(sequence) => self.control(sequence, byte, events),
            State::Function => match byte {
                ESC => self.state = State::Escape,
                _ => letter(byte, KeyModifiers::NONE, events),
            },
            State::PassOver(left) => {
                if left > 1 {
                    self.state = State::PassOver(left - 1);
                }
            }
            State::Answer(escaped) => match (escaped, byte) {
                (true, b'\\') | (false, 0x07) => {}
                (_, byte) => self.state = State::Answer(byte == ESC),
            },
            State::Paste(text, seen) => self.pasted(text, seen, byte, events),
        }
    }

    /// A byte that is a key, or the beginning of a character.
    fn plain(&mut self, byte: u8, held: KeyModifiers, events: &mut impl Extend<Event>) {
        match byte {
            ESC => self.state = State::Escape,
            b'\r' => key(KeyCode::Enter, held, events),
            b'\t' => key(KeyCode::Tab, held, events),
            0x7f => key(KeyCode::Backspace, held, events),
            0 => key(KeyCode::Char(' '), held | KeyModifiers::CONTROL, events),
            // Ctrl-A to Ctrl-Z, and the four after ESC as `\`, `]`, `^` and `_`.
            1..0x20 => {
                let sign = char::from(byte + 0x40).to_ascii_lowercase();
                key(KeyCode::Char(sign), held | KeyModifiers::CONTROL, events);
            }
            0x20..0x7f => character(char::from(byte), held, events),
            0xc2..=0xf4 => self.state = State::Character(vec![byte], held),
            // Begins no character of UTF-8.
            0x80..0xc2 | 0xf5..=0xff => {}
        }
    }

    /// A byte after `ESC [`.
    fn control(&mut self, mut sequence: Vec<u8>, byte: u8, events: &mut impl Extend<Event>) {
        match byte {
            // The function keys of the Linux console.
            b'[' if sequence.is_empty() => self.state = State::PassOver(1),
            // The mouse of old terminals: three bytes say where.
            b'M' if sequence.is_empty() => self.state = State::PassOver(3),
            0x20..0x40 => {
                if sequence.len() < LONGEST_SEQUENCE {
                    sequence.push(byte);
                }
                self.state = State::Control(sequence);
            }
            b'~' if sequence == b"200" => self.state = State::Paste(Vec::new(), 0),
            0x40..0x7f => whole(&sequence, byte, events),
            // Something else begins: the rest is not coming.
            ESC => self.state = State::Escape,
            0..0x20 | 0x7f..=0xff => self.state = State::Control(sequence),
        }
    }

    fn pasted(
        &mut self,
        mut text: Vec<u8>,
        seen: usize,
        byte: u8,
        events: &mut impl Extend<Event>,
    ) {
        let mut keep = |bytes: &[u8]| {
            let room = LONGEST_PASTE.saturating_sub(text.len());
            text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        };
        let seen = match PASTE_ENDS.get(seen) {
            Some(wanted) if *wanted == byte => seen + 1,
            // It looked like the end and was text.
            Some(_) | None => {
                keep(&PASTE_ENDS[..seen]);
                if byte == ESC {
                    1
                } else {
                    keep(&[byte]);
                    0
                }
            }
        };
        if seen == PASTE_ENDS.len() {
            paste(&text, events);
        } else {
            self.state = State::Paste(text, seen);
        }
    }
}

/// A whole sequence: its parameters and its last byte.
fn whole(parameters: &[u8], last: u8, events: &mut impl Extend<Event>) {
    // With a sign of its own it is the mouse or an answer.
    if !parameters.iter().all(|byte| byte.is_ascii_digit() || *byte == b';') {
        return;
    }
    let mut numbers = parameters.split(|byte| *byte == b';').map(|digits| match digits {
        [] => 1,
        // A number that is too long is none of those below.
        _ => str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0),
    });
    let first = numbers.next().unwrap_or(1);
    let held = modifiers(numbers.next().unwrap_or(1));
    let code = match (last, first) {
        (b'~', 1 | 7) => KeyCode::Home,
        (b'~', 2) => KeyCode::Insert,
        (b'~', 3) => KeyCode::Delete,
        (b'~', 4 | 8) => KeyCode::End,
        (b'~', 5) => KeyCode::PageUp,
        (b'~', 6) => KeyCode::PageDown,
        // No key that is used here; the end of a paste that nobody has begun.
        (b'~', _) => return,
        (_, 1) => return letter(last, held, events),
        _ => return,
    };
    key(code, held, events);
}

/// What xterm adds to 1: the keys that are held besides.
fn modifiers(number: u16) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .fold(KeyModifiers::NONE, |held, (_, key)| held | key)
}

/// A key that ends in a letter.
fn letter(letter: u8, held: KeyModifiers, events: &mut impl Extend<Event>) {
    match letter {
        b'A' => key(KeyCode::Up, held, events),
        b'B' => key(KeyCode::Down, held, events),
        b'C' => key(KeyCode::Right, held, events),
        b'D' => key(KeyCode::Left, held, events),
        b'H' => key(KeyCode::Home, held, events),
        b'F' => key(KeyCode::End, held, events),
        b'Z' => key(KeyCode::BackTab, held | KeyModifiers::SHIFT, events),
        // Of the keypad.
        b'M' => key(KeyCode::Enter, held, events),
        _ => {}
    }
}

fn alt(c: char, events: &mut impl Extend<Event>) {
    character(c, KeyModifiers::ALT, events);
}

fn character(c: char, held: KeyModifiers, events: &mut impl Extend<Event>) {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    // The control characters of eight bits are nobody's keys.
    if !c.is_control() {
        key(KeyCode::Char(c), held | shift, events);
    }
}

fn key(code: KeyCode, held: KeyModifiers, events: &mut impl Extend<Event>) {
    events.extend([Event::Key(KeyEvent::new(code, held))]);
}

fn paste(text: &[u8], events: &mut impl Extend<Event>) {
    events.extend([Event::Paste(String::from_utf8_lossy(text).into_owned())]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut events);
        }
        if decoder.waits() {
            decoder.silence(&mut events);
        }
        events
    }

    fn decoded(bytes: &[u8]) -> Vec<Event> {
        pieces([bytes])
    }

    fn pressed(code: KeyCode, held: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, held))
    }

    fn typed(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        text.chars().for_each(|c| character(c, KeyModifiers::NONE, &mut events));
        events
    }

    #[test]
    fn keys_are_told_apart() {
        use KeyCode as K;
        let (none, ctrl) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
        for (bytes, code, held) in [
            (&b"\r"[..], K::Enter, none),
            (b"\t", K::Tab, none),
            (b"\x7f", K::Backspace, none),
            (b"\x1b", K::Esc, none),
            (b"\x03", K::Char('c'), ctrl),
            (b"\n", K::Char('j'), ctrl),
            (b"\0", K::Char(' '), ctrl),
            (b"\x1c", K::Char('\\'), ctrl),
            (b"Q", K::Char('Q'), KeyModifiers::SHIFT),
            ("ß".as_bytes(), K::Char('ß'), none),
            ("\u{1f512}".as_bytes(), K::Char('\u{1f512}'), none),
            (b"\x1b[A", K::Up, none),
            (b"\x1bOB", K::Down, none),
            (b"\x1b[1;5C", K::Right, ctrl),
            (b"\x1b[D", K::Left, none),
            (b"\x1b[H", K::Home, none),
            (b"\x1b[1~", K::Home, none),
            (b"\x1bOF", K::End, none),
            (b"\x1b[4~", K::End, none),
            (b"\x1b[3~", K::Delete, none),
            (b"\x1b[5~", K::PageUp, none),
            (b"\x1b[6;5~", K::PageDown, ctrl),
            (b"\x1b[Z", K::BackTab, KeyModifiers::SHIFT),
            (b"\x1bb", K::Char('b'), KeyModifiers::ALT),
            (b"\x1b[", K::Char('['), KeyModifiers::ALT),
        ] {
            assert_eq!(decoded(bytes), [pressed(code, held)], "{bytes:?}");
        }
        let escape = pressed(K::Esc, none);
        assert_eq!(decoded(b"\x1b\x1b"), [escape.clone(), escape]);
    }

    #[test]
    fn what_is_no_key_is_passed_over_whole() {
        for bytes in [
            &b"\x1b[<0;10;20M"[..],
            b"\x1b[<0;10;20m",
            b"\x1b[M yq",
            b"\x1b[[A",
            b"\x1b[15~",
            b"\x1b[12;40R",
            b"\x1b[?62;4c",
            b"\x1b[I",
            b"\x1b[O",
            b"\x1b[201~",
            b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07",
            b"\x1b]10;rgb:q/y/q\x1b\\",
            b"\x1bP>|term 1.2\x1b\\",
            b"\x1bOP",
            b"\x1b[99999999999999999999999999999999999999999999999999999999999999999999999999A",
            b"\xff\xfe\x80\xc0\xf8",
            b"\xc2",
            b"\xe2\x82",
            b"\xed\xa0\x80",
            b"\xc2\x9b",
        ] {
            let mut around = b"a".to_vec();
            around.extend_from_slice(bytes);
            around.push(b'b');
            assert_eq!(decoded(&around), typed("ab"), "{bytes:?}");
        }
    }

    #[test]
    fn a_half_that_stays_one_is_given_up() {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        for half in [&b"\x1b[1;"[..], b"\x1b[<0;1", b"\x1b]11;", b"\xe2\x82", b"\x1b[M"] {
            decoder.push(half, &mut events);
            assert!(decoder.waits(), "{half:?}");
            decoder.silence(&mut events);
            assert!(!decoder.waits());
            decoder.push(b"q", &mut events);
        }
        assert_eq!(events, typed("qqqqq"));
    }

    #[test]
    fn a_paste_is_one_thing_however_long_and_its_end_may_be_lost() {
        let text = "y\r\x1b[A \x1b[20 q\x1b\x1b".to_owned();
        let sent = format!("\x1b[200~{text}\x1b[201~q");
        let expected = [vec![Event::Paste(text)], typed("q")].concat();
        assert_eq!(decoded(sent.as_bytes()), expected);

        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        decoder.push(b"\x1b[200~", &mut events);
        decoder.push(&vec![b'y'; 3 * LONGEST_PASTE], &mut events);
        // However long nothing comes: what comes then may still be of it.
        decoder.silence(&mut events);
        decoder.push(b"yq\r", &mut events);
        assert!(events.is_empty() && !decoder.waits());
        decoder.push(b"\x1b", &mut events);
        assert!(decoder.waits());
        decoder.silence(&mut events);
        decoder.push(b"q", &mut events);
        let Some(Event::Paste(text)) = events.first() else { panic!("{events:?}") };
        assert_eq!((text.len(), &events[1..]), (LONGEST_PASTE, &typed("q")[..]));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_reads_are_cut(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just(b"\x1b[A".to_vec()), Just(b"\x1b[200~".to_vec()), Just(b"\x1b[201~".to_vec()),
                    Just(b"\x1b[<0;1;1M".to_vec()), Just(b"\x1b".to_vec()), Just(b"\x1b]".to_vec()),
                    Just("é€".as_bytes().to_vec()), proptest::collection::vec(any::<u8>(), 0..8),
                ],
                0..24,
            ),
            every in 1_usize..7,
        ) {
            let bytes = parts.concat();
            prop_assert_eq!(pieces(bytes.chunks(every)), decoded(&bytes));
        }
    }
}
