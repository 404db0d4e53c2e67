//! Text of others inside Markdown: it must show as it is, and never be markup, HTML or a table's edge.

use crate::ingest::sanitise;

/// Text within a line or a table's cell; newlines become blanks.
pub(super) fn inline(text: &str) -> String {
    let clean = sanitise(text);
    let mut out = String::with_capacity(clean.len());
    for c in clean.trim().chars() {
        match c {
            '\n' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text as a block of its own, between fences longer than any run of backticks in it.
pub(super) fn block(text: &str) -> String {
    let clean = sanitise(text);
    let longest = clean.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", clean.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_of_others_is_text() {
        assert_eq!(
            inline("a|b `c` <script>x</script> [l](u)\nd \u{1b}[31mred"),
            "a\\|b \\`c\\` &lt;script&gt;x&lt;/script&gt; \\[l\\](u) d red"
        );
        assert_eq!(block("a\n```\n# b"), "````text\na\n```\n# b\n````\n");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell(text in any::<String>()) {
            let cell = inline(&text);
            prop_assert!(!cell.contains(['\n', '<', '>']));
            prop_assert!(!cell.chars().any(char::is_control));
            // Every bar and backtick stands behind an odd number of backslashes.
            let mut escaped = false;
            for c in cell.chars() {
                prop_assert!(escaped || !matches!(c, '|' | '`'), "{}", cell);
                escaped = c == '\\' && !escaped;
            }
        }

        #[test]
        fn no_text_leaves_its_block(text in "[`~a\n ]{0,40}") {
            let block = block(&text);
            let lines: Vec<&str> = block.lines().collect();
            let fence = lines[0].trim_end_matches("text");
            let closing = lines.iter().skip(1).position(|l| l.trim_start().starts_with(fence));
            prop_assert_eq!(closing, Some(lines.len() - 2));
        }
    }
}
