//! Characters that would not be seen for what they are.

/// Whether `c` moves the cursor, ends a line without being a newline, or turns the direction of
/// reading. Newline and tab are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}')
        || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// "control character U+001B", for messages.
#[must_use]
pub fn named(c: char) -> String {
    let kind = if c.is_control() {
        "control character"
    } else {
        "bidirectional or line-breaking character"
    };
    format!("{kind} U+{:04X}", u32::from(c))
}
