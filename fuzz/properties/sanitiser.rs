//! The sanitiser. The bytes are: how the rest is cut into chunks, `0xFF`, the rest.

use steadyhand::ingest::{Sanitiser, sanitise};

use super::{chunks, is_safe, split};

/// Nothing comes out that could fool a terminal; what is clean stays as it is; cutting the stream
/// changes nothing.
pub fn holds(bytes: &[u8]) {
    let (lengths, bytes) = split(bytes);
    let whole = sanitise(bytes);
    assert!(is_safe(&whole), "{whole:?}");
    assert_eq!(sanitise(&whole), whole, "what is clean was changed");

    let mut sanitiser = Sanitiser::default();
    let mut out: String =
        chunks(bytes, lengths).into_iter().map(|chunk| sanitiser.push(chunk)).collect();
    out.push_str(&sanitiser.finish());
    assert_eq!(out, whole, "it matters where the stream is cut");
}
