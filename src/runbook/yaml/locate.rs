//! From a place in a scalar's text back to the place in the file. Quotes, escapes, folded lines and
//! indentation stand between the two; both are walked side by side.

use std::ops::Range;

use super::super::diagnostic::Source;
use super::{Scalar, Style};

/// The bytes of the file that bytes `part` of the scalar's text came from.
pub(crate) fn locate(
    source: &Source,
    span: &Range<usize>,
    scalar: &Scalar,
    part: Range<usize>,
) -> Range<usize> {
    let raw = source.text.get(span.clone()).unwrap_or_default();
    let map = match scalar.style {
        Style::Plain => flow(raw, &scalar.text, scalar.style),
        Style::Single | Style::Double => {
            let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
            let mut map = flow(inner, &scalar.text, scalar.style);
            map.iter_mut().for_each(|(_, raw)| *raw += 1);
            map
        }
        Style::Block => block(source, span, &scalar.text),
    };
    let (first, last) = (find(&map, part.start), find(&map, part.end.max(part.start)));
    let start = span.start + first;
    let end = span.start + last;
    // The text may end where the quote does, and a problem at its end still wants a caret.
    start.min(span.end)..end.clamp(start, span.end.max(start))
}

/// Pairs of offsets, text and raw, ascending; between two pairs both run in step.
type Pairs = Vec<(usize, usize)>;

fn find(map: &Pairs, at: usize) -> usize {
    let next = map.partition_point(|(text, _)| *text <= at);
    match map.get(next.saturating_sub(1)) {
        Some((text, raw)) => {
            let step = at.saturating_sub(*text);
            let limit = map.get(next).map_or(usize::MAX, |(_, raw)| *raw);
            (raw + step).min(limit)
        }
        None => at,
    }
}

/// Plain and quoted scalars: line folding, `''`, and backslash escapes.
fn flow(raw: &str, text: &str, style: Style) -> Pairs {
    let mut pairs = vec![(0, 0)];
    let (mut at_raw, mut at_text) = (0, 0);
    while at_raw < raw.len() && at_text <= text.len() {
        let rest = &raw[at_raw..];
        let (took_raw, took_text) = if let Some((length, breaks)) = fold(rest) {
            (length, if breaks == 1 { 1 } else { breaks - 1 })
        } else if style == Style::Single && rest.starts_with("''") {
            (2, 1)
        } else if style == Style::Double && rest.starts_with('\\') {
            escape(rest, text.get(at_text..).unwrap_or_default())
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            (length, length)
        };
        at_raw += took_raw;
        at_text += took_text;
        if took_raw != took_text {
            pairs.push((at_text, at_raw));
        }
    }
    pairs
}

/// White space around one or more line ends: its length and the number of line ends.
fn fold(rest: &str) -> Option<(usize, usize)> {
    let white = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    let breaks = rest[..white].matches('\n').count();
    (breaks > 0).then_some((white, breaks))
}

/// A backslash escape: its length, and that of the character it stands for.
fn escape(rest: &str, text: &str) -> (usize, usize) {
    let stands_for = text.chars().next().map_or(0, char::len_utf8);
    match rest[1..].chars().next() {
        Some('\n' | '\r' | ' ' | '\t') if fold(&rest[1..]).is_some() => {
            let (length, breaks) = fold(&rest[1..]).unwrap_or_default();
            (length + 1, breaks.saturating_sub(1))
        }
        Some('x') => (4, stands_for),
        Some('u') if rest[2..].to_ascii_lowercase().starts_with(['d']) && surrogates(rest) => {
            (12, stands_for)
        }
        Some('u') => (6, stands_for),
        Some('U') => (10, stands_for),
        Some(c) => (1 + c.len_utf8(), stands_for),
        None => (1, 0),
    }
}

fn surrogates(rest: &str) -> bool {
    rest.get(6..8).is_some_and(|next| next == "\\u")
        && rest
            .get(2..6)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .is_some_and(|unit| (0xd800..0xdc00).contains(&unit))
}

/// Block scalars: each line of the file is looked for in the text, where indentation and folding have
/// taken white space away.
fn block(source: &Source, span: &Range<usize>, text: &str) -> Pairs {
    let (line, _) = source.position(span.start);
    let first = source.line_start(line);
    let indent = span.start - first;
    let raw = source.text.get(first..span.end).unwrap_or_default();
    let mut pairs = vec![(0, 0)];
    let (mut at_text, mut at_raw) = (0, first);
    for line in raw.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let content = content.get(indent.min(content.len())..).unwrap_or_default();
        if !content.trim().is_empty() {
            let white = text.get(at_text..).unwrap_or_default();
            let skipped = white
                .char_indices()
                .map(|(i, _)| i)
                .take_while(|i| white[..*i].chars().all(|c| matches!(c, '\n' | ' ')))
                .find(|i| white[*i..].starts_with(content));
            if let Some(skipped) = skipped {
                at_text += skipped;
                let here = (at_raw + indent).saturating_sub(span.start);
                pairs.push((at_text, here));
                at_text += content.len();
                pairs.push((at_text, here + content.len()));
            }
        }
        at_raw += line.len();
    }
    pairs
}
