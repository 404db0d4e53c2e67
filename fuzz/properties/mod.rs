//! What must hold of any bytes whatever; one function for each fuzz target. They are part of the test
//! binary too, which runs them over `fuzz/seeds`, so that a case that was found once stays a test.
// Each target uses one of them.
#![allow(dead_code)]

pub mod expression;
pub mod journal;
pub mod redactor;
pub mod sanitiser;
pub mod yaml;

/// Whether a terminal, a pager or a report can be shown this text.
pub fn is_safe(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

/// The bytes up to the first `0xFF`, which no UTF-8 text holds, and what is behind it.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|b| *b == 0xFF) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (&[], bytes),
    }
}

/// `bytes` in chunks whose lengths are `lengths`, and the rest as one more.
fn chunks<'b>(mut bytes: &'b [u8], lengths: &[u8]) -> Vec<&'b [u8]> {
    let mut out = Vec::new();
    for length in lengths {
        let (chunk, rest) = bytes.split_at(usize::from(*length).min(bytes.len()));
        out.push(chunk);
        bytes = rest;
    }
    out.push(bytes);
    out
}
