//! Scalars read by the type of their field, from their source text.

use chrono::NaiveDate;

use super::super::diagnostic::{Problems, suggestion};
use super::fields::expected;
use super::{Kind, Node, Scalar, Style};

/// Any text. What YAML 1.1 would have taken for a boolean or a number is text here.
pub(crate) fn text<'n>(problems: &mut Problems<'_>, node: &'n Node) -> Option<&'n str> {
    let scalar = scalar(problems, node, "text")?;
    if is_null(scalar) {
        problems
            .error(node.span.clone(), "empty-value", format!("`{}` is no value", scalar.text))
            .help("leave the key out; if the word is meant, put quotes around it");
        return None;
    }
    Some(&scalar.text)
}

/// Text in which no template is allowed.
pub(crate) fn plain_text<'n>(problems: &mut Problems<'_>, node: &'n Node) -> Option<&'n str> {
    let text = text(problems, node)?;
    no_template(problems, node, text).then_some(text)
}

/// Refuses `${{` in `text`; true when there is none.
fn no_template(problems: &mut Problems<'_>, node: &Node, text: &str) -> bool {
    let Some(at) = text.find("${{") else { return true };
    let place = node.part(problems.source, at..at + 3);
    problems
        .error(place, "template-not-here", "templates are not allowed here")
        .help("write the text itself");
    false
}

/// One of some words.
pub(crate) fn one_of<'w>(
    problems: &mut Problems<'_>,
    node: &Node,
    words: &[&'w str],
) -> Option<&'w str> {
    let text = plain_text(problems, node)?;
    let found = words.iter().copied().find(|word| *word == text);
    if found.is_none() {
        problems
            .error(node.span.clone(), "unknown-word", format!("`{text}` is not allowed here"))
            .help(suggestion(text, "words", words.iter().copied()));
    }
    found
}

/// `true` or `false`, without quotes.
pub(crate) fn boolean(problems: &mut Problems<'_>, node: &Node) -> Option<bool> {
    let scalar = scalar(problems, node, "a boolean")?;
    match (scalar.style, scalar.text.as_str()) {
        (Style::Plain, "true") => Some(true),
        (Style::Plain, "false") => Some(false),
        (_, text) => {
            let help = match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => "write true, without quotes",
                "false" | "no" | "off" | "n" => "write false, without quotes",
                _ => "write true or false, without quotes",
            };
            let message = format!("expected a boolean, found the text `{text}`");
            problems.error(node.span.clone(), "wrong-type", message).help(help);
            None
        }
    }
}

/// A 64-bit integer in decimal.
pub(crate) fn integer(problems: &mut Problems<'_>, node: &Node) -> Option<i64> {
    let scalar = scalar(problems, node, "an integer")?;
    let text = scalar.text.as_str();
    if scalar.style == Style::Plain {
        match number(text) {
            Number::Int(value) => return Some(value),
            Number::LeadingZero => {
                leading_zero(problems, node, text);
                return None;
            }
            Number::Float(_) | Number::None => {}
        }
    }
    problems
        .error(node.span.clone(), "wrong-type", format!("expected an integer, found `{text}`"))
        .help("write it in decimal, without quotes, such as 10");
    None
}

/// A finite number.
pub(crate) fn float(problems: &mut Problems<'_>, node: &Node) -> Option<f64> {
    let scalar = scalar(problems, node, "a number")?;
    let text = scalar.text.as_str();
    if scalar.style == Style::Plain {
        match number(text) {
            #[allow(clippy::cast_precision_loss)] // A literal that large was never exact.
            Number::Int(value) => return Some(value as f64),
            Number::Float(value) => return Some(value),
            Number::LeadingZero => {
                leading_zero(problems, node, text);
                return None;
            }
            Number::None => {}
        }
    }
    problems
        .error(node.span.clone(), "wrong-type", format!("expected a number, found `{text}`"))
        .help("write it in decimal, without quotes, such as 1.5");
    None
}

/// A day, `2026-10-01`.
pub(crate) fn date(problems: &mut Problems<'_>, node: &Node) -> Option<NaiveDate> {
    let text = plain_text(problems, node)?;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    if day.is_none() {
        problems
            .error(node.span.clone(), "bad-date", format!("`{text}` is not a day"))
            .help("write year-month-day, such as 2026-10-01");
    }
    day
}

/// A scalar of a JSON-like tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JsonScalar<'n> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'n str),
}

/// A scalar where any JSON may stand: plain `true`, `null` and numbers are what JSON has them for.
pub(crate) fn json_scalar<'n>(
    problems: &mut Problems<'_>,
    node: &'n Node,
) -> Option<JsonScalar<'n>> {
    if matches!(node.kind, Kind::Empty) {
        return Some(JsonScalar::Null);
    }
    let scalar = scalar(problems, node, "a scalar")?;
    if scalar.style != Style::Plain {
        return Some(JsonScalar::Text(&scalar.text));
    }
    Some(match scalar.text.as_str() {
        _ if is_null(scalar) => JsonScalar::Null,
        "true" => JsonScalar::Bool(true),
        "false" => JsonScalar::Bool(false),
        text => match number(text) {
            Number::Int(value) => JsonScalar::Int(value),
            Number::Float(value) => JsonScalar::Float(value),
            Number::None => JsonScalar::Text(text),
            Number::LeadingZero => {
                leading_zero(problems, node, text);
                return None;
            }
        },
    })
}

fn scalar<'n>(problems: &mut Problems<'_>, node: &'n Node, wanted: &str) -> Option<&'n Scalar> {
    if let Kind::Scalar(scalar) = &node.kind {
        return Some(scalar);
    }
    expected(problems, node, wanted);
    None
}

fn is_null(scalar: &Scalar) -> bool {
    scalar.style == Style::Plain && matches!(scalar.text.as_str(), "~" | "null")
}

enum Number {
    Int(i64),
    Float(f64),
    /// Octal to some readers, decimal to others.
    LeadingZero,
    None,
}

fn number(text: &str) -> Number {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || !digits.chars().all(numeric) {
        return Number::None;
    }
    if digits.len() > 1 && digits.bytes().all(|b| b.is_ascii_digit()) && digits.starts_with('0') {
        return Number::LeadingZero;
    }
    if let Ok(value) = text.parse() {
        return Number::Int(value);
    }
    match text.parse::<f64>() {
        // Digits alone that are no i64 are too many, not a float.
        Ok(value) if value.is_finite() && !digits.bytes().all(|b| b.is_ascii_digit()) => {
            Number::Float(value)
        }
        _ => Number::None,
    }
}

fn leading_zero(problems: &mut Problems<'_>, node: &Node, text: &str) {
    let sign = if text.starts_with('-') { "-" } else { "" };
    let digits = text.trim_start_matches(['-', '0']);
    let digits = if digits.is_empty() { "0" } else { digits };
    problems
        .error(
            node.span.clone(),
            "leading-zero",
            format!("`{text}` is octal to some and decimal to others"),
        )
        .help(format!("write {sign}{digits}, or \"{text}\" where text is meant"));
}
