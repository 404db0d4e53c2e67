//! `:"name"` and `:'name'` in SQL: psql's notation for a value that is quoted as an identifier or as a
//! literal, for what `$1` cannot stand for, such as a database's name.

use std::ops::Range;

/// A place in an SQL text that a value is to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Which value.
    pub name: &'a str,
    /// As an identifier; otherwise as a literal.
    pub identifier: bool,
    range: Range<usize>,
}

/// The places of `sql`; none in what is quoted or commented.
#[must_use]
pub fn places(sql: &str) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(place) = place(sql, at) {
            at = place.range.end;
            places.push(place);
        } else {
            at += passed_over(rest);
        }
    }
    places
}

/// The place that begins at `at`.
fn place(sql: &str, at: usize) -> Option<Place<'_>> {
    let rest = sql.get(at..)?;
    let quote = rest.strip_prefix(':')?.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    // `::"Type"` is a cast.
    if sql.get(..at)?.ends_with(':') {
        return None;
    }
    let (name, _) = rest.get(2..)?.split_once(quote)?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(word)).then(|| Place {
        name,
        identifier: quote == '"',
        range: at..at + name.len() + 3,
    })
}

/// How much of `rest` is one thing: a quoted text, a comment, a word, or a character.
fn passed_over(rest: &str) -> usize {
    let through = |from: usize, end: &str| {
        rest.get(from..)
            .and_then(|it| it.find(end))
            .map_or(rest.len(), |found| from + found + end.len())
    };
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let mut chars = rest.chars();
    match (chars.next(), chars.next()) {
        (Some('\''), _) => through(1, "'"),
        (Some('"'), _) => through(1, "\""),
        (Some('E' | 'e'), Some('\'')) => escaped(rest),
        (Some('-'), Some('-')) => through(2, "\n"),
        (Some('/'), Some('*')) => commented(rest),
        (Some('$'), _) => {
            let tag = rest[1..].find(|c: char| !word(c) || c == '$').map(|end| end + 1);
            match tag.filter(|end| rest[*end..].starts_with('$')) {
                Some(end) => through(end + 1, &rest[..=end]),
                None => 1,
            }
        }
        (Some(c), _) if word(c) => rest.find(|c: char| !word(c)).unwrap_or(rest.len()),
        (Some(c), _) => c.len_utf8(),
        (None, _) => 1,
    }
}

/// The length of an `E'…'`.
fn escaped(rest: &str) -> usize {
    let mut skip = false;
    for (at, c) in rest.char_indices().skip(2) {
        match c {
            _ if skip => skip = false,
            '\\' => skip = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a `/* … */`; they nest.
fn commented(rest: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(here) = rest.as_bytes().get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if here.starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// `sql` with the values in their places.
///
/// # Errors
/// One line: which value cannot be put there.
pub fn filled(sql: &str, value: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut out, mut at) = (String::with_capacity(sql.len()), 0);
    for place in places(sql) {
        let value = value(place.name)?;
        out.push_str(&sql[at..place.range.start]);
        out.push_str(&if place.identifier {
            identifier(place.name, &value)?
        } else {
            literal(place.name, &value)?
        });
        at = place.range.end;
    }
    out.push_str(&sql[at..]);
    Ok(out)
}

/// PostgreSQL cuts longer identifiers short, in bytes.
const LONGEST: usize = 63;

fn identifier(name: &str, value: &str) -> Result<String, String> {
    if value.is_empty() || value.len() > LONGEST || value.contains('\0') {
        let length = value.len();
        return Err(format!(
            "`names.{name}` is no identifier: it has {length} bytes, and may have 1 to {LONGEST}"
        ));
    }
    Ok(format!("\"{}\"", value.replace('"', "\"\"")))
}

fn literal(name: &str, value: &str) -> Result<String, String> {
    if value.contains('\0') {
        return Err(format!("`names.{name}` holds a zero byte, which SQL cannot"));
    }
    let quoted = value.replace('\'', "''");
    // Right whatever `standard_conforming_strings` says.
    Ok(if value.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    })
}

#[cfg(test)]
mod tests {
    use super::{filled, places};

    fn names(sql: &str) -> Vec<&str> {
        places(sql).iter().map(|place| place.name).collect()
    }

    #[test]
    fn places_are_found_outside_of_what_is_quoted() {
        assert_eq!(names(r#"ALTER DATABASE :"old" RENAME TO :"new""#), ["old", "new"]);
        assert_eq!(names(r#"SELECT :'a', x::"Mood", y ::text, ':"b"', ":'c'""#), ["a"]);
        assert_eq!(names("SELECT 1 -- :\"a\"\n, :'b' /* /* :'c' */ :'d' */ + :'e'"), ["b", "e"]);
        assert_eq!(names(r#"DO $$ :"a" $$; DO $x$ :"b" $$ :"c" $x$; SELECT $1, :'d'"#), ["d"]);
        assert_eq!(names(r#"SELECT E'\':"a"', 'it''s :"b"', a$b, :'c"#), Vec::<&str>::new());
        assert_eq!(names("SELECT größe, :\"a b\", :\"\", : \"c\""), Vec::<&str>::new());
    }

    #[test]
    fn values_are_quoted_whatever_they_hold() {
        let fill = |sql, value: &str| filled(sql, |_| Ok(value.to_owned()));
        assert_eq!(fill(r#"DROP TABLE :"t";"#, r#"a"; b"#).unwrap(), r#"DROP TABLE "a""; b";"#);
        assert_eq!(fill("SELECT :'t'", "it's").unwrap(), "SELECT 'it''s'");
        assert_eq!(fill("SELECT :'t'", r"\'").unwrap(), r"SELECT  E'\\'''");
        assert_eq!(fill(r#"SELECT :"t""#, r#":"t""#).unwrap(), r#"SELECT ":""t""""#);
        assert!(fill(r#"SELECT :"t""#, "").unwrap_err().contains("names.t"));
        assert!(fill(r#"SELECT :"t""#, &"x".repeat(64)).unwrap_err().contains("64 bytes"));
    }
}
