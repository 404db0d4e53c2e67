//! From the parser's events to the tree.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::super::diagnostic::Problems;
use super::super::hidden;
use super::{Entry, Kind, Node, Scalar, Style, locate, syntax};

/// Deeper files are refused.
const DEEPEST: usize = 32;

/// Reading cannot go on; the problem has been added.
struct Stop;

/// Reads the one document of the file.
pub(super) fn document(problems: &mut Problems<'_>) -> Option<Node> {
    let text = &problems.source.text;
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        disallow_directives: true,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { parser, problems };
    builder.document().unwrap_or(None)
}

struct Builder<'b, 's> {
    parser: Parser<'s, StrInput<'s>>,
    problems: &'b mut Problems<'s>,
}

type Spanned<'s> = (Event<'s>, Range<usize>, Option<Range<usize>>);

impl<'s> Builder<'_, 's> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span, tag) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    self.problems
                        .error(span, "second-document", "a second document begins here")
                        .help("one file holds one document: put the other one in its own file");
                    return Err(Stop);
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node((event, span, tag), 1)?),
            }
        }
        if !matches!(&root, Some(node) if !matches!(node.kind, Kind::Empty)) {
            self.problems
                .error(0..0, "empty-file", "the file is empty")
                .help("the shortest runbook has steadyhand, id, title and steps");
            return Err(Stop);
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<Spanned<'s>, Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let bytes = |span: &Span| span.byte_range().unwrap_or_default();
                Ok((event, bytes(&span), span.tag_span().as_ref().map(bytes)))
            }
            Some(Err(error)) => self.stop(&error),
            None => Ok((Event::StreamEnd, 0..0, None)),
        }
    }

    fn stop<T>(&mut self, error: &ScanError) -> Result<T, Stop> {
        syntax::explain(self.problems, error);
        Err(Stop)
    }

    fn node(&mut self, (event, span, tag): Spanned<'s>, depth: usize) -> Result<Node, Stop> {
        if depth > DEEPEST {
            let message = format!("nested more than {DEEPEST} levels deep");
            self.problems.error(span, "too-deep", message).help("no part of a runbook is so deep");
            return Err(Stop);
        }
        self.refuse_tab(&span);
        let tagged = tag.is_some();
        if let Some(tag) = tag {
            self.problems.error(tag, "tag", "YAML tags are refused").help(
                "the field decides the type; if the text begins with `!`, put quotes around it",
            );
        }
        let kind = match event {
            Event::Scalar(text, style, ..) => self.scalar(&text, style, &span),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problems
                    .error(span.clone(), "alias", "YAML aliases are refused")
                    .help("write the value out; if the text begins with `*`, put quotes around it");
                Kind::Refused
            }
            _ => Kind::Empty,
        };
        Ok(Node { span, kind: if tagged { Kind::Refused } else { kind } })
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: &Range<usize>) -> Kind {
        let style = match style {
            ScalarStyle::Plain if span.is_empty() => return Kind::Empty,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let scalar = Scalar { text: text.to_owned(), style };
        self.refuse_escaped(&scalar, span);
        Kind::Scalar(scalar)
    }

    /// Hidden characters that stand in the file were found already; these came from escapes.
    fn refuse_escaped(&mut self, scalar: &Scalar, span: &Range<usize>) {
        if scalar.style != Style::Double {
            return;
        }
        for (at, c) in scalar.text.char_indices().filter(|(_, c)| hidden::is_hidden(*c)) {
            let place = locate(self.problems.source, span, scalar, at..at + c.len_utf8());
            if self.problems.source.text.as_bytes().get(place.start) == Some(&b'\\') {
                let message = format!("{} is refused", hidden::named(c));
                self.problems
                    .error(place, "hidden-character", message)
                    .help("remove it: what is shown must be what runs");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut items = Vec::new();
        loop {
            match self.child()? {
                (Event::SequenceEnd, ..) => return Ok(Kind::List(items)),
                item => items.push(self.node(item, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut is_template = false;
        loop {
            let key = match self.child()? {
                (Event::MappingEnd, ..) if is_template => return Ok(Kind::Refused),
                (Event::MappingEnd, ..) => return Ok(Kind::Map(entries)),
                key => self.node(key, depth + 1)?,
            };
            is_template |= self.follows_brace(&key);
            let next = self.child()?;
            let value = self.node(next, depth + 1)?;
            let key_span = key.head();
            let Some(key) = self.key(key) else { continue };
            match places.get(&key).and_then(|at| entries.get(*at)) {
                Some(first) => {
                    let (line, _) = self.problems.source.position(first.key_span.start);
                    self.problems
                        .error(key_span, "duplicate-key", format!("`{key}` is here twice"))
                        .help(format!("it is already given on line {line}; keep one of them"));
                }
                None => {
                    places.insert(key.clone(), entries.len());
                    entries.push(Entry { key, key_span, value });
                }
            }
        }
    }

    fn key(&mut self, key: Node) -> Option<String> {
        match key.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Plain && scalar.text == "<<" => {
                self.problems
                    .error(key.span, "merge-key", "merge keys are refused")
                    .help("write the keys out");
                None
            }
            Kind::Scalar(scalar) => Some(scalar.text),
            Kind::Refused => None,
            _ => {
                let help = if self.follows_brace(&key) {
                    "if this is a template, put quotes around the whole value: \"${{ … }}\""
                } else {
                    "write a plain word before the colon"
                };
                self.problems.error(key.head(), "key-not-text", "a key must be text").help(help);
                None
            }
        }
    }

    /// `{{`: a map whose key is a map, which is what YAML takes an unquoted template for.
    fn follows_brace(&self, key: &Node) -> bool {
        let before = self.problems.source.text.get(..key.span.start);
        matches!(key.kind, Kind::Map(_)) && before.is_some_and(|before| before.ends_with('{'))
    }

    /// The next event inside a collection; refuses anchors on the way.
    fn child(&mut self) -> Result<Spanned<'s>, Stop> {
        loop {
            match self.next()? {
                (Event::Anchor(..), span, _) => self.refuse_anchor(span),
                (Event::StreamEnd | Event::DocumentEnd, span, _) => {
                    self.problems.error(span, "yaml", "the file ends too early");
                    return Err(Stop);
                }
                other => return Ok(other),
            }
        }
    }

    fn refuse_anchor(&mut self, span: Range<usize>) {
        self.problems
            .error(span, "anchor", "YAML anchors are refused")
            .help("write the value out; if the text begins with `&`, put quotes around it");
    }

    /// The parser lets some tabs pass where indentation is meant.
    fn refuse_tab(&mut self, span: &Range<usize>) {
        let source = self.problems.source;
        let (line, _) = source.position(span.start);
        let start = source.line_start(line);
        let before = source.text.get(start..span.start).unwrap_or_default();
        if let Some(tab) = before.find('\t')
            && before.trim().is_empty()
        {
            syntax::tab(self.problems, start + tab);
        }
    }
}
