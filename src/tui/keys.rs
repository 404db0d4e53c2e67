//! The `?` screen: every key, from the table.

use super::console::Choice;
use super::keymap::{Place, here};
use super::reader::Reader;
use super::text;

/// Every key, to be read.
#[must_use]
pub fn reader() -> Reader {
    let mut lines = Vec::new();
    for place in Place::ALL {
        lines.push(place.title().to_owned());
        for binding in here(place) {
            let keys: Vec<String> = binding.keys.iter().map(|key| key.name()).collect();
            let mut help = text::wrap(binding.help, 58).into_iter();
            let first = help.next().unwrap_or_default();
            lines.push(format!("  {} {first}", text::pad(&keys.join(" "), 13)));
            lines.extend(help.map(|rest| format!("  {} {rest}", text::pad("", 13))));
        }
        lines.push(String::new());
    }
    lines.push("The menu of a run (Space)".to_owned());
    for (letter, name, help) in Choice::ALL.map(Choice::words) {
        lines.push(format!("  {} {name}: {help}", text::pad(&letter.to_string(), 13)));
    }
    Reader::new(lines)
}

#[cfg(test)]
mod tests {
    use crate::tui::console::Choice;
    use crate::tui::keymap;

    /// `UPDATE_DOCS=1 cargo test` writes the page.
    #[test]
    fn the_page_of_keys_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/keys.md");
        let table = keymap::markdown(&Choice::ALL.map(Choice::words));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &table).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), table, "run it with UPDATE_DOCS=1");
    }

    #[test]
    fn the_screen_of_keys() {
        let reader = super::reader();
        insta::assert_snapshot!(crate::tui::testing::snapshot(80, 40, |frame, theme| {
            reader.draw(frame, frame.area(), theme);
        }));
    }
}
