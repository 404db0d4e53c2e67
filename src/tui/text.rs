//! Text on its way to cells: what may be shown, how wide it is, how it breaks.
//!
//! What steps print was sanitised at ingest; a runbook's own text was not, and ratatui does not
//! sanitise. So every text from outside goes through [`shown`] before it meets a cell.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::runbook::hidden::is_hidden;

/// The text with everything that could move the cursor or reorder the line made visible.
///
/// Newlines stay, tabs become spaces, other control and bidirectional characters become their name.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if is_hidden(c) => {
                out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// One line of [`shown`] text: newlines become a visible mark.
#[must_use]
pub fn one_line(text: &str) -> String {
    shown(text.trim_end_matches('\n')).replace('\n', "↵")
}

/// How many columns the text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `columns`, its end cut with `…` when it is longer.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let w = width(grapheme);
        if used + w > room {
            break;
        }
        out.push_str(grapheme);
        used += w;
    }
    out.push('…');
    out
}

/// The text in exactly `columns`: cut or filled with spaces on the right.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = fit(text, columns);
    out.push_str(&" ".repeat(columns.saturating_sub(width(&out))));
    out
}

/// Every character of the text, in lines of at most `columns`: for what is going to be executed,
/// where a lost space could matter.
#[must_use]
pub fn chop(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    for source in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for grapheme in source.graphemes(true) {
            let w = width(grapheme);
            if used + w > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push_str(grapheme);
            used += w;
        }
        lines.push(line);
    }
    lines
}

/// Prose in lines of at most `columns`, broken between words where that is possible. A paragraph's
/// own indentation is kept on its continuation lines.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    for source in text.split('\n') {
        let indent: String = source.chars().take_while(|c| *c == ' ').collect();
        let indent = if indent.len() * 4 > columns { String::new() } else { indent };
        let mut line = indent.clone();
        let mut empty = true;
        for word in source.split_whitespace() {
            let room = columns.saturating_sub(width(&line) + usize::from(!empty));
            if width(word) > room && !empty {
                lines.push(std::mem::replace(&mut line, indent.clone()));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            empty = false;
            let room = columns - width(&line);
            if width(word) <= room {
                line.push_str(word);
                continue;
            }
            let mut pieces = chop(word, room);
            let last = pieces.pop().unwrap_or_default();
            for piece in pieces {
                line.push_str(&piece);
                lines.push(std::mem::replace(&mut line, indent.clone()));
            }
            line.push_str(&last);
        }
        lines.push(line);
    }
    lines
}

/// Markdown as far as runbooks use it, as plain lines: headings and emphasis lose their marks, lists
/// get bullets, code keeps its line breaks, soft-wrapped prose is joined.
#[must_use]
pub fn markdown(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    for source in shown(text).lines() {
        let trimmed = source.trim();
        if trimmed.starts_with("```") {
            flush(&mut lines, &mut paragraph, columns);
            in_code = !in_code;
        } else if in_code {
            lines.extend(chop(&format!("  {source}"), columns));
        } else if trimmed.is_empty() {
            flush(&mut lines, &mut paragraph, columns);
            if lines.last().is_some_and(|line| !line.is_empty()) {
                lines.push(String::new());
            }
        } else if let Some(heading) = trimmed.strip_prefix('#') {
            flush(&mut lines, &mut paragraph, columns);
            lines.extend(wrap(&plain(heading.trim_start_matches('#').trim()), columns));
        } else if let Some(item) = list_item(trimmed) {
            flush(&mut lines, &mut paragraph, columns);
            paragraph = item;
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(trimmed);
        }
    }
    flush(&mut lines, &mut paragraph, columns);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn flush(lines: &mut Vec<String>, paragraph: &mut String, columns: usize) {
    let text = std::mem::take(paragraph);
    if !text.is_empty() {
        lines.extend(wrap(&plain(&text), columns));
    }
}

fn list_item(line: &str) -> Option<String> {
    for mark in ["- [ ] ", "* [ ] "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Some(format!("☐ {rest}"));
        }
    }
    for mark in ["- ", "* ", "+ "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Some(format!("• {rest}"));
        }
    }
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && line.get(digits..).is_some_and(|rest| rest.starts_with(". "));
    numbered.then(|| line.to_owned())
}

/// Emphasis and code marks are dropped; `*` and `_` inside words and code stay.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('`').enumerate() {
        let is_code = i % 2 == 1;
        if is_code {
            out.push_str(part);
        } else {
            out.push_str(&part.replace("**", "").replace("__", ""));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_and_bidirectional_characters_are_shown_by_name() {
        assert_eq!(shown("a\x1b[2Jb\tc\u{202e}d\r"), "a<U+001B>[2Jb    c<U+202E>d<U+000D>");
        assert_eq!(one_line("a\nb\n"), "a↵b");
    }

    #[test]
    fn fit_cuts_by_columns_not_by_characters() {
        assert_eq!(fit("数据库恢复", 7), "数据库…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("abcd", 0), "");
        assert_eq!(pad("数", 4), "数  ");
    }

    #[test]
    fn prose_breaks_between_words_and_keeps_its_indentation() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("  a bb ccdd", 8), ["  a bb", "  ccdd"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn markdown_becomes_plain_lines() {
        let text = "# Head\n\nSome **bold**\ntext with `co*de`.\n\n- [ ] one\n- two\n\n```\nrun  this\n```";
        assert_eq!(
            markdown(text, 40),
            ["Head", "", "Some bold text with co*de.", "", "☐ one", "• two", "", "  run  this"]
        );
    }

    proptest! {
        #[test]
        fn chopping_loses_nothing_and_keeps_to_the_width(text in "\\PC{0,60}", columns in 2usize..20) {
            let lines = chop(&text, columns);
            prop_assert_eq!(lines.concat(), text);
            // One character of several columns is not cut.
            let fits = |line: &String| width(line) <= columns || line.graphemes(true).count() == 1;
            prop_assert!(lines.iter().all(fits));
        }

        #[test]
        fn wrapping_keeps_to_the_width_and_to_the_words(text in "[ a-zé数]{0,60}", columns in 2usize..20) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let squeeze = |s: &str| s.split_whitespace().collect::<String>();
            prop_assert_eq!(squeeze(&lines.join(" ")), squeeze(&text));
        }

        #[test]
        fn nothing_shown_can_move_the_cursor(text in any::<String>()) {
            prop_assert!(!shown(&text).chars().any(is_hidden));
        }
    }
}
