//! What a file must be before anything is read from it: small enough, UTF-8, nothing hidden.

use super::super::diagnostic::{Problem, Problems, Source};
use super::super::hidden::{is_hidden, named};

/// Larger files are refused.
pub const MOST_BYTES: usize = 1 << 20;

/// The bytes as text. When they are none, the text up to the first bad byte with the problem.
pub(crate) fn decode(bytes: &[u8], file: &str) -> Result<Source, (Source, Vec<Problem>)> {
    if bytes.len() > MOST_BYTES {
        let source = Source::new(file, String::new());
        let mut problems = Problems::new(&source);
        problems
            .error(0..0, "too-large", "the file is larger than 1 MiB")
            .help("split it into several runbooks");
        let problems = problems.finish();
        return Err((source, problems));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(file, text.to_owned())),
        Err(error) => {
            let good = error.valid_up_to();
            let source = Source::new(file, String::from_utf8_lossy(bytes).into_owned());
            let byte = bytes.get(good).copied().unwrap_or_default();
            let mut problems = Problems::new(&source);
            problems
                .error(
                    good..good + '\u{fffd}'.len_utf8(),
                    "not-utf-8",
                    format!("not UTF-8: byte 0x{byte:02X} at offset {good}"),
                )
                .help("save the file as UTF-8");
            let problems = problems.finish();
            Err((source, problems))
        }
    }
}

/// Every hidden character of the file, comments included.
pub(super) fn check_characters(problems: &mut Problems<'_>) {
    let source = problems.source;
    let mut characters = source.text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let line_end = c == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n');
        if is_hidden(c) && !line_end {
            problems
                .error(
                    at..at + c.len_utf8(),
                    "hidden-character",
                    format!("{} is refused", named(c)),
                )
                .help("remove it: what is shown must be what runs");
        }
    }
}
