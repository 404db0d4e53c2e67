//! YAML as a tree that knows the place of everything in it. Built from the parser's events, so that
//! raw text, quoting style and every key are there; what the format refuses is refused here.

use std::ops::Range;

use super::diagnostic::{Problems, Source};

mod build;
mod fields;
mod hygiene;
mod locate;
mod scalar;
mod syntax;

pub(crate) use fields::{Fields, expected};
pub use hygiene::MOST_BYTES;
pub(crate) use hygiene::decode;
pub(crate) use locate::locate;
pub(crate) use scalar::{
    JsonScalar, boolean, date, float, integer, json_scalar, one_of, plain_text, text,
};

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The bytes of the file; of a block collection, the empty span before its first entry.
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Nothing stands after the colon or the dash.
    Empty,
    /// What stood here was refused, and that has been reported.
    Refused,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// What to do about a file of another format version.
pub(crate) fn of_version(version: i64) -> &'static str {
    match version > 1 {
        true => "it is for a newer steady: this one knows version 1, update it",
        false => "write `steadyhand: 1`",
    }
}

/// A scalar: text whose meaning its field decides.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// Without quotes, escapes and folds.
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// What the node is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Empty | Kind::Refused => "nothing",
            Kind::Scalar(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// What to put a caret under when the whole node is meant: a collection's first entry.
    pub(crate) fn head(&self) -> Range<usize> {
        match &self.kind {
            Kind::Map(entries) if self.span.is_empty() => {
                entries.first().map_or(self.span.clone(), |entry| entry.key_span.clone())
            }
            Kind::List(items) if self.span.is_empty() => {
                items.first().map_or(self.span.clone(), Node::head)
            }
            _ => self.span.clone(),
        }
    }

    /// The place in the file of a part of the node's text.
    pub(crate) fn part(&self, source: &Source, part: Range<usize>) -> Range<usize> {
        match &self.kind {
            Kind::Scalar(scalar) => locate(source, &self.span, scalar, part),
            _ => self.head(),
        }
    }
}

/// Reads a file's one document. `None` when there is none that could be read on.
pub(crate) fn read(problems: &mut Problems<'_>) -> Option<Node> {
    hygiene::check_characters(problems);
    build::document(problems)
}

#[cfg(test)]
mod tests;
