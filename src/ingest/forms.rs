//! The forms in which a secret may turn up in output.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::sanitise;

/// Shorter text cannot be masked: it would be found everywhere, and a mask would tell what it is.
pub(super) const SHORTEST: usize = 8;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');
const COMPONENT: &AsciiSet =
    &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');
const USER_INFO: &AsciiSet = &QUERY
    .remove(b'\'')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'|');

/// Columns at which common tools break lines of base64.
const WRAPS: [usize; 2] = [64, 76];

/// Every form of `value`, and of each of its lines, that is long enough to be masked.
pub(super) fn forms(value: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for part in std::iter::once(value).chain(value.lines()) {
        // Output is read by people and cut by tools: a blank at either end is no part of the secret.
        for part in [part, part.trim()] {
            if long_enough(part) {
                of_one(part, &mut out);
            }
        }
    }
    out.retain(|form| long_enough(form));
    out
}

/// Whether a text is long enough to be masked.
pub(super) fn long_enough(text: &str) -> bool {
    text.chars().nth(SHORTEST - 1).is_some()
}

fn of_one(value: &str, out: &mut BTreeSet<String>) {
    out.insert(value.to_owned());
    out.insert(sanitise(value));
    for align in 0..3 {
        base64(value, align, out);
    }
    for set in [NON_ALPHANUMERIC, UNRESERVED, PATH, COMPONENT, FORM, QUERY, USER_INFO] {
        let upper = utf8_percent_encode(value, set).to_string();
        out.insert(upper.replace("%20", "+"));
        out.insert(lower_hex(&upper));
        out.insert(upper);
    }
    json(value, out);
    shell(value, out);
}

/// Base64 of the value when it begins `align` bytes into a group of three: only the characters that it
/// alone determines, so that whatever stands before and after it does not matter.
fn base64(value: &str, align: usize, out: &mut BTreeSet<String>) {
    let mut bytes = vec![0; align];
    bytes.extend_from_slice(value.as_bytes());
    let own = (align * 8).div_ceil(6)..bytes.len() * 8 / 6;
    for engine in [&STANDARD, &URL_SAFE] {
        let text = engine.encode(&bytes);
        for wrap in WRAPS {
            let lines = text.as_bytes().chunks(wrap).filter(|_| align == 0 && text.len() > wrap);
            out.extend(
                lines.map(|line| String::from_utf8_lossy(line).trim_matches('=').to_owned()),
            );
        }
        out.extend(text.get(own.clone()).map(str::to_owned));
    }
}

fn lower_hex(percent: &str) -> String {
    let mut out = String::with_capacity(percent.len());
    let mut rest = percent;
    while let Some((before, after)) = rest.split_once('%') {
        let (hex, next) = after.split_at_checked(2).unwrap_or((after, ""));
        out.push_str(before);
        out.push('%');
        out.push_str(&hex.to_ascii_lowercase());
        rest = next;
    }
    out + rest
}

fn json(value: &str, out: &mut BTreeSet<String>) {
    let quoted = serde_json::Value::from(value).to_string();
    let plain = quoted.trim_start_matches('"');
    let plain = plain.strip_suffix('"').unwrap_or(plain);
    // A value that begins with a quote has it escaped, so that only the delimiter was trimmed.
    let ascii: String = plain
        .chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { utf16_escapes(c) })
        .collect();
    // Some writers also escape what could end a script element.
    let html: String = plain
        .chars()
        .map(|c| if matches!(c, '<' | '>' | '&' | '\'') { utf16_escapes(c) } else { c.into() })
        .collect();
    for form in [plain, &ascii, &html] {
        out.insert(form.replace('/', "\\/"));
        out.insert(form.to_owned());
    }
}

fn utf16_escapes(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

fn shell(value: &str, out: &mut BTreeSet<String>) {
    out.insert(value.replace('\'', r"'\''"));
    out.insert(value.replace('\'', r#"'"'"'"#));
    out.insert(escaped(value, |c| matches!(c, '$' | '`' | '"' | '\\')));
    out.insert(escaped(value, |c| matches!(c, '$' | '`' | '"' | '\\' | '!')));
    out.insert(escaped(value, |c| {
        c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:,%+@=^".contains(c)
    }));
    out.insert(escaped(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric()));
    let ansi = escaped(value, |c| matches!(c, '\'' | '\\'));
    out.insert(ansi.replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r"));
}

fn escaped(value: &str, special: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
