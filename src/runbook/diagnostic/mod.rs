//! Problems of a file as data: where, what and what to write instead.

use std::ops::Range;

use serde::Serialize;

use super::suggest::did_you_mean;

mod render;

pub use render::{Style, render, summary};

/// After so many problems the rest of a file is not worth reading on.
const MOST: usize = 100;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and is likely not what was meant.
    Warning,
}

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// As it was named to us.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// Stable, such as `unknown-key`.
    pub code: &'static str,
    /// One line: what is wrong.
    pub message: String,
    /// One line: what to write instead.
    pub help: Option<String>,
    /// The bytes of the file that it is about.
    #[serde(skip)]
    pub span: Range<usize>,
}

/// A file's text, and where its lines begin.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it was named to us.
    pub file: String,
    /// What it holds.
    pub text: String,
    starts: Vec<usize>,
}

impl Source {
    /// A file's name and text.
    #[must_use]
    pub fn new(file: &str, text: String) -> Self {
        let starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1))
            .collect();
        Self { file: file.to_owned(), text, starts }
    }

    /// The line and the column, in characters, of a byte offset; both from 1.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.line_start(line);
        (line, self.text[start..offset].chars().count() + 1)
    }

    /// Where line `line` (from 1) begins.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// Line `line` (from 1) without its end.
    pub(crate) fn line(&self, line: usize) -> &str {
        let text = &self.text[self.line_start(line)..self.line_start(line + 1)];
        text.trim_end_matches(['\n', '\r'])
    }

    /// The nearest place at or before `offset` where a character begins.
    fn boundary(&self, offset: usize) -> usize {
        let mut at = offset.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// Collects the problems of one file.
#[derive(Debug)]
pub(crate) struct Problems<'s> {
    /// The file they are about.
    pub(crate) source: &'s Source,
    list: Vec<Problem>,
}

impl<'s> Problems<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self { source, list: Vec::new() }
    }

    /// The line of a byte of the file, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.source.position(offset).0
    }

    /// Adds an error and returns it, for [`Problem::help`] to be added.
    pub(crate) fn error(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(Severity::Error, span, code, message.into())
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        span: Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(Severity::Warning, span, code, message.into())
    }

    fn add(
        &mut self,
        severity: Severity,
        span: Range<usize>,
        code: &'static str,
        message: String,
    ) -> Added<'_> {
        let start = self.source.boundary(span.start);
        let end = self.source.boundary(span.end.max(start));
        let (line, column) = self.source.position(start);
        let file = self.source.file.clone();
        let span = start..end;
        self.list.push(Problem { file, line, column, severity, code, message, help: None, span });
        Added(self.list.last_mut())
    }

    /// Whether nothing that was found makes the file unusable.
    pub(crate) fn none_is_an_error(&self) -> bool {
        self.list.iter().all(|problem| problem.severity == Severity::Warning)
    }

    /// In the order of the file, each once, the first hundred.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| (problem.span.start, problem.severity));
        self.list.dedup_by(|a, b| a.span == b.span && a.code == b.code && a.message == b.message);
        self.list.truncate(MOST);
        self.list
    }
}

/// The problem that was just added.
pub(crate) struct Added<'p>(Option<&'p mut Problem>);

impl Added<'_> {
    /// What to write instead.
    pub(crate) fn help(self, help: impl Into<String>) {
        if let Some(problem) = self.0 {
            problem.help = Some(help.into());
        }
    }
}

/// "did you mean …?", or all there is to choose from.
pub(crate) fn suggestion<'c>(
    wrong: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> String {
    did_you_mean(wrong, candidates.clone()).unwrap_or_else(|| {
        let all: Vec<&str> = candidates.into_iter().collect();
        if all.is_empty() {
            format!("there are no {what} here")
        } else {
            format!("{what} here: {}", all.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("a.yaml", "é: 1\n  ü\n".into());
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(1), (1, 1), "inside a character is its start");
        assert_eq!(source.position(8), (2, 3));
        assert_eq!(source.position(999), (3, 1), "past the end is the end");
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_each_once() {
        let source = Source::new("a.yaml", "one\ntwo\n".into());
        let mut problems = Problems::new(&source);
        problems.error(4..7, "b", "second").help("write 2");
        problems.error(0..3, "a", "first");
        problems.error(4..7, "b", "second");
        let list = problems.finish();
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].line, list[1].line, list[1].column), (1, 2, 1));
    }
}
