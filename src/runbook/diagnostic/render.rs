//! A problem as people read it: the text of the file under a caret.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::super::hidden::is_hidden;
use super::{Problem, Severity, Source};

/// How problems are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For files, pipes and terminals without colour.
    Plain,
    /// With the terminal's colours.
    Coloured,
}

/// Longer lines are not shown: nobody reads them, and they cost time.
const LONGEST_LINE: usize = 2_000;

/// The problem with its place, the text under a caret and what to write instead; ends without a newline.
#[must_use]
pub fn render(problem: &Problem, source: &Source, style: Style) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = said(&problem.message);
    let title = level.primary_title(message.as_str()).id(problem.code);
    let excerpt = Excerpt::of(problem, source);
    let mut group = match &excerpt {
        Some(excerpt) => title.element(
            Snippet::source(excerpt.text.as_str())
                .line_start(problem.line)
                .path(problem.file.as_str())
                .annotation(AnnotationKind::Primary.span(excerpt.start..excerpt.end)),
        ),
        None => Group::with_title(title).element(
            Origin::path(problem.file.as_str()).line(problem.line).char_column(problem.column),
        ),
    };
    let help = problem.help.as_deref().map(said);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&[group])
}

/// One line that says how many problems there were.
#[must_use]
pub fn summary(files: usize, errors: usize, warnings: usize) -> String {
    let count = |n: usize, what: &str| match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    };
    format!(
        "{} checked: {}, {}",
        count(files, "runbook"),
        count(errors, "problem"),
        count(warnings, "warning")
    )
}

/// The first line that a problem is about, fit for a terminal.
struct Excerpt {
    text: String,
    start: usize,
    end: usize,
}

impl Excerpt {
    fn of(problem: &Problem, source: &Source) -> Option<Self> {
        let line = source.line(problem.line);
        if line.len() > LONGEST_LINE || source.text.is_empty() {
            return None;
        }
        let from = source.line_start(problem.line);
        let start = problem.span.start.checked_sub(from)?.min(line.len());
        let end = (problem.span.end - from).clamp(start, line.len());
        let (before, marked, after) = (&line[..start], &line[start..end], &line[end..]);
        let (before, marked, after) = (shown(before), shown(marked), shown(after));
        let (start, end) = (before.len(), before.len() + marked.len());
        Some(Self { text: before + &marked + &after, start, end })
    }
}

/// Text of a file that may be hostile: what could move the cursor or turn the reading direction is
/// shown as a replacement character. Tabs stay; they are drawn as spaces.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => c,
            c if is_hidden(c) || c == '\n' => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// As [`shown`], for words that may quote the file: there nobody draws tabs.
fn said(text: &str) -> String {
    shown(text).replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::super::Problems;
    use super::*;

    fn drawn(text: &str, span: std::ops::Range<usize>) -> String {
        let source = Source::new("a.yaml", text.into());
        let mut problems = Problems::new(&source);
        problems.error(span, "unknown-key", "unknown key `gaurd`").help("did you mean `guard`?");
        render(&problems.finish()[0], &source, Style::Plain)
    }

    #[test]
    fn no_control_character_of_the_file_is_quoted() {
        let source = Source::new("a.yaml", "x: 1\n".into());
        let mut problems = Problems::new(&source);
        let words = "`a\tb\u{1b}[2J\u{202e}`";
        problems.error(0..1, "bad-name", words).help(words);
        let text = render(&problems.finish()[0], &source, Style::Plain);
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'),
            "{text:?}"
        );
        assert_eq!(text.matches("a b").count(), 2, "{text}");
    }

    #[test]
    fn the_text_stands_over_a_caret_with_its_remedy() {
        insta::assert_snapshot!(drawn("id: x\ngaurd: none\n", 6..11), @r"
        error[unknown-key]: unknown key `gaurd`
         --> a.yaml:2:1
          |
        2 | gaurd: none
          | ^^^^^
          |
          = help: did you mean `guard`?
        ");
    }

    #[test]
    fn a_line_that_would_move_the_cursor_does_not() {
        let text = drawn("id: \u{1b}[2J\u{202e}x\n", 4..8);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn an_empty_file_and_an_endless_line_have_no_excerpt() {
        assert!(drawn("", 0..0).contains("a.yaml:1:1"));
        assert!(drawn(&"x".repeat(5_000), 0..5).len() < 300);
    }
}
