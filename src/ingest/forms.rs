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

/// Of secrets no longer than this, in bytes, base64 is masked wherever a tool broke its line. A longer one
/// would have too many such forms; its whole lines are masked.
const LONGEST_TORN: usize = 64;

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
    // How wide a tab comes out depends on where it stands.
    for column in 0..if value.contains('\t') { 8 } else { 1 } {
        let text = sanitise(" ".repeat(column) + value);
        out.insert(text.chars().skip(column).collect());
    }
    for align in 0..3 {
        base64(value, align, out);
    }
    out.insert(hex::encode(value));
    out.insert(hex::encode_upper(value));
    percent(value, out);
    json(value, out);
    markup(value, out);
    shell(value, out);
    literals(value, out);
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
        let Some(own) = text.get(own.clone()) else { continue };
        out.insert(own.to_owned());
        if value.len() <= LONGEST_TORN {
            out.extend((1..own.len()).map(|at| format!("{}\n{}", &own[..at], &own[at..])));
        }
    }
}

fn percent(value: &str, out: &mut BTreeSet<String>) {
    for set in [NON_ALPHANUMERIC, UNRESERVED, PATH, COMPONENT, FORM, QUERY, USER_INFO] {
        let upper = utf8_percent_encode(value, set).to_string();
        let lower = lower_hex(&upper);
        for once in [&upper, &lower] {
            // As a parameter of an address that is itself a parameter.
            out.insert(once.replace('%', "%25"));
        }
        out.insert(upper.replace("%20", "+"));
        out.insert(lower);
        out.insert(upper);
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
    let plain = escaped_for_json(value);
    let ascii: String = plain
        .chars()
        .map(|c| if c.is_ascii() { c.to_string() } else { utf16_escapes(c) })
        .collect();
    // Some writers also escape what could end a script element.
    let html: String = plain
        .chars()
        .map(|c| if matches!(c, '<' | '>' | '&' | '\'') { utf16_escapes(c) } else { c.into() })
        .collect();
    for form in [plain, ascii, html] {
        for form in [form.replace('/', "\\/"), upper_escapes(&form), form] {
            // JSON as a text of JSON, as logs have it.
            out.insert(escaped_for_json(&form));
            out.insert(form);
        }
    }
}

fn escaped_for_json(text: &str) -> String {
    unquoted(&serde_json::Value::from(text).to_string())
}

fn unquoted(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

fn utf16_escapes(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// `\u00F1` for `\u00f1`.
fn upper_escapes(json: &str) -> String {
    let mut parts = json.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at_checked(4).unwrap_or((part, ""));
        out.push_str("\\u");
        out.push_str(&hex.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}

/// In XML and HTML, where errors of servers repeat what they were sent.
fn markup(value: &str, out: &mut BTreeSet<String>) {
    let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted = text.replace('"', "&quot;");
    for apostrophe in ["&#39;", "&#x27;", "&apos;"] {
        out.insert(quoted.replace('\'', apostrophe));
    }
    out.insert(quoted.replace("&quot;", "&#34;").replace('\'', "&#39;"));
    out.insert(quoted);
    out.insert(text);
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
}

/// As a literal of SQL, of C and its kin (`$'…'` of bash too), of Python and of Rust.
fn literals(value: &str, out: &mut BTreeSet<String>) {
    out.insert(value.replace('\'', "''"));
    out.insert(unquoted(&format!("{value:?}")));
    for quotes in [&['\'', '\\'][..], &['"', '\\'], &['\'', '"', '\\'], &['\\']] {
        let named = escaped(value, |c| quotes.contains(&c))
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\r', "\\r");
        for named in [named.replace('\x1b', "\\E"), named] {
            out.insert(bytes_escaped(&named, |byte| format!("\\{byte:03o}")));
            out.insert(bytes_escaped(&named, |byte| format!("\\x{byte:02x}")));
            out.insert(points_escaped(&named));
            out.insert(named);
        }
    }
}

/// Bytes that are not printable ASCII, each as `escape` has it.
fn bytes_escaped(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            _ => escape(byte),
        })
        .collect()
}

/// Characters that are not printable ASCII, each by its number, as Python writes them.
fn points_escaped(text: &str) -> String {
    let point = |c: char| match u32::from(c) {
        0x20..0x7f => c.to_string(),
        n @ 0..0x100 => format!("\\x{n:02x}"),
        n @ 0x100..0x1_0000 => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    };
    text.chars().map(point).collect()
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
