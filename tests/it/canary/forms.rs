//! The forms that tools print a secret in, made by other code than that under test.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// A form's name, what is printed, and how much of that stands before the secret.
pub type Printed = (&'static str, String, usize);

fn percent(secret: &str, keep: &str) -> String {
    let mut out = String::new();
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

fn lower(percent: &str) -> String {
    let pieces = percent.split('%').enumerate().map(|(i, piece)| {
        let (hex, rest) = piece.split_at(if i == 0 { 0 } else { 2 });
        format!("{}{}{rest}", if i == 0 { "" } else { "%" }, hex.to_lowercase())
    });
    pieces.collect()
}

fn json(secret: &str, ascii: bool, slash: bool) -> String {
    let mut out = String::new();
    for c in secret.chars() {
        match c {
            '"' | '\\' => write!(out, "\\{c}").unwrap(),
            '/' if slash => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            c if ascii && !c.is_ascii() => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
            c => out.push(c),
        }
    }
    out
}

fn each(secret: &str, with: impl Fn(char) -> String) -> String {
    secret.chars().map(with).collect()
}

pub fn forms(secret: &str) -> Vec<Printed> {
    let before = |special: &'static str, mark: &'static str| {
        each(secret, move |c| if special.contains(c) { format!("{mark}{c}") } else { c.into() })
    };
    let octal = secret.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'\'' | b'\\' => write!(out, "\\{}", char::from(byte)).unwrap(),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            0x1b => out.push_str("\\E"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => write!(out, "\\{byte:03o}").unwrap(),
        }
        out
    });
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let component = percent(secret, "-_.~");
    let all = [
        ("raw", secret.to_owned()),
        ("percent", component.clone()),
        ("percent, lower", lower(&component)),
        ("percent, all", percent(secret, "")),
        ("percent, path", percent(secret, "-_.~/")),
        ("percent, encodeURIComponent", percent(secret, "-_.!~*'()")),
        ("percent, form", percent(secret, "*-._").replace("%20", "+")),
        ("percent, twice", component.replace('%', "%25")),
        ("JSON", json(secret, false, false)),
        ("JSON, ASCII", json(secret, true, false)),
        ("JSON, slashes", json(secret, false, true)),
        ("JSON, ASCII, slashes", json(secret, true, true)),
        ("JSON in JSON", json(&json(secret, false, false), false, false)),
        ("JSON in JSON, ASCII", json(&json(secret, true, false), false, false)),
        ("hexadecimal", hexadecimal.clone()),
        ("hexadecimal, upper", hexadecimal.to_uppercase()),
        ("HTML", xml.replace('"', "&quot;").replace('\'', "&#39;")),
        ("HTML, Python", xml.replace('"', "&quot;").replace('\'', "&#x27;")),
        ("HTML, Go", xml.replace('"', "&#34;").replace('\'', "&#39;")),
        ("XML", xml.replace('"', "&quot;").replace('\'', "&apos;")),
        ("XML, text", xml),
        ("SQL", secret.replace('\'', "''")),
        ("conninfo", before("'\\", "\\")),
        ("sh, set -x of bash", secret.replace('\'', r"'\''")),
        ("sh, set -x of dash", secret.replace('\'', "'\"'\"'")),
        ("sh, double quotes", before("$`\"\\", "\\")),
        ("sh, printf %q, ASCII", octal),
        ("Rust", format!("{secret:?}").trim_start_matches('"').to_owned()),
        (
            "Python, ASCII",
            each(secret, |c| match c {
                '\'' | '\\' => format!("\\{c}"),
                '\n' => "\\n".into(),
                '\t' => "\\t".into(),
                '\r' => "\\r".into(),
                '\u{80}'..='\u{ff}' => format!("\\x{:02x}", u32::from(c)),
                '\u{1b}' => "\\x1b".into(),
                c => c.into(),
            }),
        ),
        ("torn by a colour", torn(secret, "\u{1b}[1;31m")),
        ("torn by a title", torn(secret, "\u{1b}]0;x\u{7}")),
    ];
    let mut all: Vec<Printed> = all.into_iter().map(|(name, form)| (name, form, 0)).collect();
    for around in ["", "u", "u:"] {
        let text = format!("{around}{secret}{around}");
        all.push(("base64", STANDARD.encode(&text), 0));
        all.push(("base64, no padding", STANDARD_NO_PAD.encode(&text), 0));
        all.push(("base64, for addresses", URL_SAFE.encode(&text), 0));
        all.push(("base64, for addresses, no padding", URL_SAFE_NO_PAD.encode(&text), 0));
    }
    for before in 0..40usize {
        let text = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
        let own = (before * 8).div_ceil(6);
        all.push(("base64, a line broken", broken(&text, 40), own + usize::from(own >= 40)));
    }
    all.extend(
        secret.lines().filter(|line| *line != secret).map(|line| ("a line", line.to_owned(), 0)),
    );
    all
}

fn torn(secret: &str, by: &str) -> String {
    let middle = secret.floor_char_boundary(secret.len() / 2);
    format!("{}{by}{}", &secret[..middle], &secret[middle..])
}

fn broken(text: &str, at: usize) -> String {
    let (head, tail) = text.split_at(at.min(text.len()));
    format!("{head}\n{tail}")
}
