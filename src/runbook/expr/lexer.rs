//! Text to tokens, and the limits that are measured before anything recurses.

use std::ops::Range;

use super::{ExprError, MAX_BYTES, MAX_DEPTH};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// Digits; the parser gives them their sign.
    Int(String),
    Float(f64),
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

pub(super) type Lexeme = (Token, Range<usize>);

/// Longest first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 23] = [
    "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", ".", ",", "?", ":", "<", ">", "!", "+",
    "-", "*", "/", "%", "=",
];

/// All tokens of `source`, `End` last.
pub(super) fn tokens(source: &str) -> Result<Vec<Lexeme>, ExprError> {
    if source.len() > MAX_BYTES {
        return Err(ExprError::new(
            0..source.len(),
            format!("expression of {} bytes; {MAX_BYTES} is the limit", source.len()),
        )
        .with_help("compute it in a step and save the result"));
    }
    let mut found = Vec::new();
    let mut at = 0;
    let mut depth = 0_usize;
    while let Some(c) = source[at..].chars().next() {
        if c.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let (token, end) = token(source, at, c)?;
        match token {
            Token::Sign("(" | "[") => depth += 1,
            Token::Sign(")" | "]") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(at..end));
        }
        found.push((token, at..end));
        at = end;
    }
    found.push((Token::End, source.len()..source.len()));
    Ok(found)
}

pub(super) fn too_deep(span: Range<usize>) -> ExprError {
    ExprError::new(span, format!("nested deeper than {MAX_DEPTH} levels"))
        .with_help("compute it in a step and save the result")
}

fn token(source: &str, at: usize, first: char) -> Result<(Token, usize), ExprError> {
    let rest = &source[at..];
    if let Some(open) = string_start(rest) {
        return string(source, at, &open);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let end = at + rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        return Ok((Token::Name(source[at..end].to_owned()), end));
    }
    if first.is_ascii_digit() {
        return number(source, at);
    }
    if rest.starts_with("${{") {
        return Err(ExprError::new(at..at + 3, "`${{` inside an expression")
            .with_help("write the name alone: this place is an expression already"));
    }
    match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        Some("=") => Err(ExprError::new(at..at + 1, "`=` is no operator").with_help("write `==`")),
        Some(sign) => Ok((Token::Sign(sign), at + sign.len())),
        None => {
            let error = ExprError::new(
                at..at + first.len_utf8(),
                format!("unexpected `{}`", first.escape_debug()),
            );
            Err(match first {
                '&' => error.with_help("write `&&`"),
                '|' => error.with_help("write `||`"),
                '{' | '}' => {
                    error.with_help("maps cannot be written; name their fields one by one")
                }
                '“' | '”' | '‘' | '’' => error.with_help("use straight quotes, ' or \""),
                _ => error,
            })
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn number(source: &str, at: usize) -> Result<(Token, usize), ExprError> {
    let bytes = source.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let mut end = digits(at);
    let whole = end;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    if let Some(next) = source[end..].chars().next().filter(|c| is_word(*c)) {
        return Err(ExprError::new(at..end + 1, format!("a number runs into `{next}`"))
            .with_help("put quotes around text; write a length of time as duration(\"5m\")"));
    }
    let text = &source[at..end];
    if whole - at > 1 && text.starts_with('0') {
        return Err(ExprError::new(at..end, "a number may not begin with 0"));
    }
    if end == whole {
        return Ok((Token::Int(text.to_owned()), end));
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Float(value), end)),
        _ => Err(ExprError::new(at..end, "this number is out of range")),
    }
}

/// How a string literal begins.
struct Opening {
    quote: char,
    raw: bool,
}

fn string_start(rest: &str) -> Option<Opening> {
    let (raw, body) = match rest.strip_prefix('r') {
        Some(body) => (true, body),
        None => (false, rest),
    };
    let quote = body.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    Some(Opening { quote, raw })
}

fn string(source: &str, at: usize, open: &Opening) -> Result<(Token, usize), ExprError> {
    let start = at + 1 + usize::from(open.raw);
    let mut text = String::new();
    let mut chars = source[start..].char_indices();
    while let Some((i, c)) = chars.next() {
        let here = start + i;
        match c {
            c if c == open.quote => return Ok((Token::Text(text), here + 1)),
            '\n' | '\r' => break,
            '\\' if !open.raw => {
                let escape = chars.next().map_or('\0', |(_, c)| c);
                text.push(match escape {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '\\' | '\'' | '"' => escape,
                    'u' => {
                        let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        unicode(&hex).ok_or_else(|| {
                            ExprError::new(here..here + 2, "`\\u` needs four hexadecimal digits")
                        })?
                    }
                    '\0' => break,
                    _ => {
                        return Err(ExprError::new(
                            here..here + 1 + escape.len_utf8(),
                            format!("unknown escape `\\{}`", escape.escape_debug()),
                        )
                        .with_help("write `\\\\` for a backslash, or a raw string: r'…'"));
                    }
                });
            }
            _ => text.push(c),
        }
    }
    Err(ExprError::new(at..start, "this string does not end")
        .with_help(format!("close it with {} on the same line", open.quote)))
}

fn unicode(hex: &str) -> Option<char> {
    if hex.len() != 4 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(hex, 16).ok()?)
}

/// Where `}}` ends the expression that `text` begins with: one inside a string literal does not.
pub(super) fn end_of(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut after_word = false;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with("}}") {
            return Some(at);
        }
        // In `bar'` the `r` ends a word and does not begin a raw string.
        let open = if after_word && c == 'r' { None } else { string_start(&text[at..]) };
        match open {
            // What is wrong inside the literal is said when the expression is parsed.
            Some(open) => at = skip_string(text, at, &open)?,
            None => at += c.len_utf8(),
        }
        after_word = is_word(c);
    }
    None
}

fn skip_string(text: &str, at: usize, open: &Opening) -> Option<usize> {
    let start = at + 1 + usize::from(open.raw);
    let mut chars = text[start..].char_indices();
    while let Some((i, c)) = chars.next() {
        if c == open.quote {
            return Some(start + i + 1);
        }
        if c == '\\' && !open.raw {
            chars.next();
        }
    }
    None
}
