//! The text of a plain dump, cut into statements and rows, as psql would cut it.

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memchr2, memrchr};

use super::Problem;
use super::entry::{Entry, qualified};

/// Rows travel in pieces of about this many bytes.
const PIECE: usize = 256 * 1024;
/// The server takes no longer message, and so no longer row.
const LONGEST: usize = 1 << 30;

/// One part of a dump.
#[derive(Debug)]
pub(super) enum Part {
    /// SQL, to be run as it is.
    Statement(Statement),
    /// Rows follow.
    Copy(Arc<Copy>),
    /// Whole rows of the `COPY` before.
    Rows(Rows),
    /// There are no more rows.
    CopyEnd,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Where it begins, from 1.
    pub line: u64,
    /// Its text, semicolon included.
    pub sql: String,
    /// What pg_dump says that it belongs to.
    pub entry: Option<Arc<Entry>>,
    /// Its first words in lower case, four at most.
    pub words: Vec<String>,
}

/// A `COPY … FROM stdin`.
#[derive(Debug)]
pub(super) struct Copy {
    /// Where the statement is.
    pub line: u64,
    /// The statement.
    pub sql: String,
    /// The table, as it is written there.
    pub table: String,
    /// In the text format, where every line is a row.
    pub by_line: bool,
}

/// Some whole rows.
#[derive(Debug)]
pub(super) struct Rows {
    /// Where the first is.
    pub line: u64,
    /// How many lines these are.
    pub lines: u64,
    /// As they stand in the dump.
    pub bytes: Bytes,
}

/// Cuts what is pushed into it.
pub(super) struct Splitter {
    /// What is not cut yet; begins at `line`.
    text: BytesMut,
    line: u64,
    /// No more will be pushed.
    ended: bool,
    place: Place,
    entry: Option<Arc<Entry>>,
    /// A backslash in `'…'` is an escape: the dump has switched `standard_conforming_strings` off.
    backslashes: bool,
    /// pg_dump wrote its first line, and its last.
    head: bool,
    foot: bool,
}

/// Where the cut is.
enum Place {
    Between,
    Inside(Scan),
    Rows(Arc<Copy>),
}

/// How far a statement has been read.
#[derive(Default)]
struct Scan {
    at: usize,
    inside: Inside,
    parentheses: usize,
    /// How many `BEGIN ATOMIC` and `CASE` of a function's body are open.
    bodies: usize,
    words: Vec<String>,
    after_from: bool,
    from_stdin: bool,
    after_begin: bool,
}

/// What encloses the place that a statement has been read to.
#[derive(Default)]
enum Inside {
    #[default]
    Nothing,
    Text {
        escapes: bool,
    },
    Name,
    Dollars(Vec<u8>),
    LineComment,
    BlockComment(usize),
}

impl Splitter {
    pub fn new() -> Self {
        Self {
            text: BytesMut::new(),
            line: 1,
            ended: false,
            place: Place::Between,
            entry: None,
            backslashes: false,
            head: false,
            foot: false,
        }
    }

    /// More text.
    pub fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// There is no more text.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next part; `None` when it needs more text, or when all is cut.
    ///
    /// # Errors
    /// What is no dump, or not the whole of one.
    pub fn next(&mut self) -> Result<Option<Part>, Problem> {
        loop {
            match &mut self.place {
                Place::Between => {
                    if !self.begin()? {
                        return self.nothing_left();
                    }
                }
                Place::Inside(scan) => {
                    if !scan.run(&self.text, self.ended, self.backslashes).map_err(
                        |(at, why)| Problem::at(self.line + lines(&self.text[..at]), why),
                    )? {
                        return self.nothing_left();
                    }
                    return self.statement().map(Some);
                }
                Place::Rows(copy) => {
                    let copy = copy.clone();
                    return self.rows(&copy);
                }
            }
        }
    }

    fn nothing_left(&self) -> Result<Option<Part>, Problem> {
        if !self.ended {
            return if self.text.len() < LONGEST {
                Ok(None)
            } else {
                Err(Problem::at(self.line, "a statement of more than 1 GiB: this is no dump"))
            };
        }
        let cut = |what: String| {
            let message =
                format!("the dump is cut off {what}: fetch it again, or take another backup");
            Err(Problem::at(self.line, message))
        };
        match &self.place {
            Place::Rows(copy) => cut(format!("in the rows of {}", copy.table)),
            Place::Inside(_) => cut("inside a statement".into()),
            Place::Between if self.head && !self.foot => {
                cut("before its last line, `PostgreSQL database dump complete`".into())
            }
            Place::Between => Ok(None),
        }
    }

    /// Passes over what lies before a statement; whether one begins.
    fn begin(&mut self) -> Result<bool, Problem> {
        loop {
            let blank = self.text.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.drop_first(blank);
            match (self.text.first(), self.text.get(1)) {
                (None, _) => return Ok(false),
                (Some(b'-' | b'/' | b'\\'), None) if !self.ended => return Ok(false),
                (Some(b'-'), Some(b'-')) => {
                    let Some(line) = self.whole_line() else { return Ok(false) };
                    self.comment(&line);
                }
                (Some(b'\\'), _) => {
                    let Some(line) = self.whole_line() else { return Ok(false) };
                    meta(&line).map_err(|why| Problem::at(self.line - 1, why))?;
                }
                (Some(b'/'), Some(b'*')) => {
                    let Some(length) = block_comment(&self.text) else { return Ok(false) };
                    self.drop_first(length);
                }
                _ => {
                    self.place = Place::Inside(Scan::default());
                    return Ok(true);
                }
            }
        }
    }

    /// Takes a line away; `None` when its end is still to come.
    fn whole_line(&mut self) -> Option<String> {
        let end = match memchr(b'\n', &self.text) {
            Some(end) => end + 1,
            None if self.ended => self.text.len(),
            None => return None,
        };
        let line = String::from_utf8_lossy(&self.text[..end]).trim_end().to_owned();
        self.text.advance(end);
        self.line += 1;
        Some(line)
    }

    fn comment(&mut self, line: &str) {
        let comment = line.strip_prefix("-- ").unwrap_or_default();
        if let Some(entry) = Entry::of(comment) {
            self.entry = Some(Arc::new(entry));
        }
        self.head |= comment == "PostgreSQL database dump";
        self.foot |= comment == "PostgreSQL database dump complete";
    }

    fn drop_first(&mut self, bytes: usize) {
        self.line += lines(&self.text[..bytes]);
        self.text.advance(bytes);
    }

    /// Takes away the statement whose end has been found.
    fn statement(&mut self) -> Result<Part, Problem> {
        let Place::Inside(scan) = std::mem::replace(&mut self.place, Place::Between) else {
            return Err(Problem::at(self.line, "there is no statement"));
        };
        let line = self.line;
        let raw = self.text.split_to(scan.at);
        self.line += lines(&raw);
        let sql = std::str::from_utf8(&raw).map_err(|_| {
            Problem::at(line, "not UTF-8: dump with `pg_dump --encoding=UTF8`, the server converts")
        })?;
        if scan.words.starts_with(&["set".into(), "standard_conforming_strings".into()]) {
            self.backslashes = sql.contains("off");
        }
        if scan.from_stdin && scan.words.first().is_some_and(|word| word == "copy") {
            let rest = sql.get("copy".len()..).unwrap_or_default().trim_start();
            let by_line = sql.trim_end_matches(';').trim_end();
            let copy = Arc::new(Copy {
                line,
                sql: sql.to_owned(),
                table: qualified(rest).unwrap_or(rest).to_owned(),
                by_line: by_line.len() >= 5
                    && by_line.as_bytes()[by_line.len() - 5..].eq_ignore_ascii_case(b"stdin"),
            });
            self.place = Place::Rows(copy.clone());
            // What begins now is the line after the statement's.
            return Ok(Part::Copy(copy));
        }
        Ok(Part::Statement(Statement {
            line,
            sql: sql.to_owned(),
            entry: self.entry.clone(),
            words: scan.words,
        }))
    }

    fn rows(&mut self, copy: &Arc<Copy>) -> Result<Option<Part>, Problem> {
        if self.line == copy.line + lines(copy.sql.as_bytes()) {
            // The end of the statement's own line comes before the first row.
            match memchr(b'\n', &self.text) {
                Some(end) => self.drop_first(end + 1),
                None => return self.nothing_left(),
            }
        }
        let Some(last) = memrchr(b'\n', &self.text) else { return self.nothing_left() };
        let whole = &self.text[..=last];
        if let Some((end, after)) = end_of_rows(whole) {
            if end > 0 {
                return Ok(Some(self.take_rows(end)));
            }
            self.drop_first(after);
            self.place = Place::Between;
            return Ok(Some(Part::CopyEnd));
        }
        if whole.len() >= PIECE || self.ended {
            return Ok(Some(self.take_rows(last + 1)));
        }
        self.nothing_left()
    }

    fn take_rows(&mut self, length: usize) -> Part {
        let line = self.line;
        let bytes = self.text.split_to(length).freeze();
        let lines = lines(&bytes);
        self.line += lines;
        Part::Rows(Rows { line, lines, bytes })
    }
}

/// Where the rows end, and where what follows them begins.
fn end_of_rows(text: &[u8]) -> Option<(usize, usize)> {
    let after = |at: usize| match (text.get(at + 2), text.get(at + 3)) {
        (Some(b'\n'), _) => Some((at, at + 3)),
        (Some(b'\r'), Some(b'\n')) => Some((at, at + 4)),
        _ => None,
    };
    if text.starts_with(b"\\.")
        && let Some(end) = after(0)
    {
        return Some(end);
    }
    Finder::new(b"\n\\.").find_iter(text).find_map(|at| after(at + 1))
}

/// psql's own commands. pg_dump writes two, which mean something to psql alone.
fn meta(line: &str) -> Result<(), String> {
    let command = line.split_whitespace().next().unwrap_or_default();
    match command {
        "\\restrict" | "\\unrestrict" => Ok(()),
        "\\connect" | "\\c" => Err(
            "`\\connect`: the dump wants to choose the database itself; dump without `--create`, the \
             database is the step's"
                .into(),
        ),
        other => Err(format!("`{other}` is a command of psql and no SQL: take it out of the file")),
    }
}

/// How long the comment is that `text` begins with; comments nest.
fn block_comment(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        at += memchr2(b'/', b'*', text.get(at..)?)?;
        match (text[at], text.get(at + 1)?) {
            (b'/', b'*') => (at, depth) = (at + 2, depth + 1),
            (b'*', b'/') => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

impl Scan {
    /// Reads on; whether the statement ends at `at`.
    fn run(
        &mut self,
        text: &[u8],
        ended: bool,
        backslashes: bool,
    ) -> Result<bool, (usize, String)> {
        while let Some(&byte) = text.get(self.at) {
            let next = text.get(self.at + 1).copied();
            // Some things are told by two bytes.
            if next.is_none() && !ended {
                return Ok(false);
            }
            match &mut self.inside {
                Inside::Nothing => {
                    if !self.outside(text, byte, next, ended, backslashes)? {
                        return Ok(false);
                    }
                    if byte == b';' && self.parentheses == 0 && self.bodies == 0 {
                        return Ok(true);
                    }
                }
                Inside::Text { escapes } => match (byte, next) {
                    (b'\'', Some(b'\'')) => self.at += 2,
                    (b'\'', _) => self.leave(1),
                    (b'\\', _) if *escapes => self.at += 2,
                    _ => {
                        let rest = &text[self.at + 1..];
                        self.at += 1 + memchr2(b'\'', b'\\', rest).unwrap_or(rest.len());
                    }
                },
                Inside::Name => {
                    let rest = &text[self.at..];
                    match memchr(b'"', rest) {
                        Some(end) => self.leave(end + 1),
                        None => self.at += rest.len(),
                    }
                }
                Inside::Dollars(tag) => {
                    let rest = &text[self.at..];
                    match memchr::memmem::find(rest, tag) {
                        Some(end) => {
                            let past = end + tag.len();
                            self.leave(past);
                        }
                        // The tag itself may be cut in two.
                        None => {
                            self.at += rest.len().saturating_sub(tag.len() - 1);
                            return Ok(false);
                        }
                    }
                }
                Inside::LineComment => match memchr(b'\n', &text[self.at..]) {
                    Some(end) => self.leave(end + 1),
                    None => self.at = text.len(),
                },
                Inside::BlockComment(depth) => match (byte, next) {
                    (b'/', Some(b'*')) => (self.at, *depth) = (self.at + 2, *depth + 1),
                    (b'*', Some(b'/')) if *depth == 1 => self.leave(2),
                    (b'*', Some(b'/')) => (self.at, *depth) = (self.at + 2, *depth - 1),
                    _ => self.at += 1,
                },
            }
        }
        Ok(false)
    }

    fn enter(&mut self, bytes: usize, inside: Inside) {
        self.at += bytes;
        self.inside = inside;
    }

    fn leave(&mut self, bytes: usize) {
        self.enter(bytes, Inside::Nothing);
    }

    /// One step outside of everything quoted; false when it takes more text to make it.
    fn outside(
        &mut self,
        text: &[u8],
        byte: u8,
        next: Option<u8>,
        ended: bool,
        backslashes: bool,
    ) -> Result<bool, (usize, String)> {
        match (byte, next) {
            (b'\'', _) => self.enter(1, Inside::Text { escapes: backslashes }),
            (b'"', _) => self.enter(1, Inside::Name),
            (b'-', Some(b'-')) => self.enter(2, Inside::LineComment),
            (b'/', Some(b'*')) => self.enter(2, Inside::BlockComment(1)),
            (b'$', _) => return Ok(self.dollar(&text[self.at..], ended)),
            (b'(', _) => (self.at, self.parentheses) = (self.at + 1, self.parentheses + 1),
            (b')', _) => {
                (self.at, self.parentheses) = (self.at + 1, self.parentheses.saturating_sub(1));
            }
            (b'\\', _) => {
                let rest = text[self.at..].split(u8::is_ascii_whitespace).next();
                let command = String::from_utf8_lossy(rest.unwrap_or_default()).into_owned();
                return Err((
                    self.at,
                    format!("`{command}` is a command of psql and no SQL: take it out of the file"),
                ));
            }
            (b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.., _) => {
                let rest = &text[self.at..];
                let word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
                let length = rest.iter().take_while(word).count();
                if length == rest.len() && !ended {
                    return Ok(false);
                }
                let (word, after) = (&rest[..length], rest.get(length));
                if word.eq_ignore_ascii_case(b"e") && after == Some(&b'\'') {
                    self.enter(length + 1, Inside::Text { escapes: true });
                } else {
                    self.at += length;
                    self.word(word);
                }
            }
            // A number may be followed by letters that are no word.
            (b'0'..=b'9', _) => {
                let rest = &text[self.at..];
                let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
                if length == rest.len() && !ended {
                    return Ok(false);
                }
                self.at += length;
            }
            _ => self.at += 1,
        }
        Ok(true)
    }

    /// `$tag$`, or a parameter's `$1`.
    fn dollar(&mut self, text: &[u8], ended: bool) -> bool {
        let tag = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | 0x80..);
        let length = 1 + text[1..].iter().take_while(tag).count();
        match text.get(length) {
            None if !ended => return false,
            Some(b'$') if !text[1].is_ascii_digit() => {
                self.enter(length + 1, Inside::Dollars(text[..=length].to_vec()));
            }
            _ => self.at += 1,
        }
        true
    }

    fn word(&mut self, word: &[u8]) {
        let is = |other: &str| word.eq_ignore_ascii_case(other.as_bytes());
        if self.words.len() < 4 {
            self.words.push(String::from_utf8_lossy(word).to_lowercase());
        }
        self.from_stdin |= self.after_from && is("stdin");
        self.after_from = is("from");
        if self.parentheses == 0 && self.makes_a_routine() {
            // Semicolons of a body written in SQL end nothing. A routine may also be called `begin`.
            if (self.after_begin && is("atomic")) || (self.bodies > 0 && is("case")) {
                self.bodies += 1;
            } else if is("end") {
                self.bodies = self.bodies.saturating_sub(1);
            }
            self.after_begin = is("begin");
        }
    }

    fn makes_a_routine(&self) -> bool {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        matches!(
            words[..],
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure"]
        )
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
