//! What the YAML parser could not read, in words that say what to write instead.

use std::ops::Range;

use granit_parser::{ErrorKind, ScanError};

use super::super::diagnostic::Problems;
use super::super::hidden::is_hidden;

const QUOTES: &str = "put quotes around the whole value";

/// Adds the problem that a parser error stands for.
pub(super) fn explain(problems: &mut Problems<'_>, error: &ScanError) {
    let source = problems.source;
    let at = error.marker().byte_offset().unwrap_or_default().min(source.text.len());
    let (line, _) = source.position(at);
    let text = source.line(line);
    let start = source.line_start(line);
    // A hidden character has been reported already, and explains the error.
    if text.chars().any(is_hidden) {
        return;
    }
    // Inside braces the parser stumbles over a template somewhere behind its beginning.
    if let Some(template) = unquoted_template(text, at.saturating_sub(start)) {
        problems
            .error(
                start + template.start..start + template.end,
                "yaml",
                "YAML reads the braces of this template as a map",
            )
            .help(format!("{QUOTES}: \"${{{{ … }}}}\""));
        return;
    }
    use ErrorKind as E;
    let here = at..source.text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    match error.kind() {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => {
            let from = at.saturating_sub(1);
            let found = source.text.bytes().skip(from).position(|b| b == b'\t');
            tab(problems, found.map_or(at, |found| from + found));
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            problems
                .error(here, "yaml", "text follows the closing quote")
                .help(format!("{QUOTES}, with the other kind of quotes"));
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            problems
                .error(here, "yaml", "a colon is not allowed here")
                .help(format!("if it belongs to the text, {QUOTES}"));
        }
        E::ExpectedBlockMappingKey if !text[..at - start].trim().is_empty() => {
            problems
                .error(here, "yaml", "text follows the closing bracket")
                .help(format!("if the bracket belongs to the text, {QUOTES}"));
        }
        E::UnexpectedCharacter { character } => {
            problems
                .error(
                    here,
                    "yaml",
                    format!("a value cannot begin with `{}`", character.escape_default()),
                )
                .help(QUOTES);
        }
        E::DirectiveDisallowed => {
            problems
                .error(here, "yaml", "YAML directives are refused")
                .help("remove the line that begins with `%`");
        }
        E::RecursionLimitExceeded => {
            problems
                .error(here, "too-deep", "nested more than 32 levels deep")
                .help("no part of a runbook is so deep");
        }
        E::ExpectedBlockMappingKey | E::ExpectedBlockSequenceEntry | E::InvalidIndentation => {
            problems
                .error(here, "yaml", "this line does not fit the lines above it")
                .help("check its indentation, and that it begins with a key or with `- `");
        }
        kind => {
            problems
                .error(here, "yaml", format!("not YAML: {kind}"))
                .help(format!("if this is text with special characters, {QUOTES}"));
        }
    }
}

/// A tab where spaces indent.
pub(super) fn tab(problems: &mut Problems<'_>, at: usize) {
    problems
        .error(at..at + 1, "tab", "a tab is not indentation in YAML")
        .help("indent with spaces");
}

/// The last template before `at` (or at it) in a line that stands in no quotes.
fn unquoted_template(line: &str, at: usize) -> Option<Range<usize>> {
    let from = line.get(..at.saturating_add(3).min(line.len()))?.rfind("${{")?;
    let quoted = line[..from].ends_with(['"', '\'']);
    let to = line[from..].find("}}").map_or(line.len(), |end| from + end + 2);
    (!quoted).then_some(from..to)
}
