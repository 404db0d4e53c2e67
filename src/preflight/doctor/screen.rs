//! What the terminal can do, as far as it says so itself.

use super::{Area, Finding};

/// The least that the console needs: columns and rows.
const SMALLEST: (u16, u16) = (80, 24);
/// Terminals that say when text is pasted; what they are called by `TERM` begins so.
const PASTE: [&str; 12] = [
    "xterm",
    "screen",
    "tmux",
    "rxvt",
    "alacritty",
    "kitty",
    "foot",
    "vte",
    "gnome",
    "konsole",
    "wezterm",
    "ghostty",
];

/// What is known of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Standard input and output are one.
    pub is_terminal: bool,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
}

pub(super) fn judge(screen: &Screen, env: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let get = |name: &str| env(name).filter(|value| !value.is_empty());
    if !screen.is_terminal {
        return vec![Area::Terminal.warn(
            "terminal",
            "standard input or output is none",
            "only --auto runs here: look again where the console will be",
        )];
    }
    let term = get("TERM").unwrap_or_default();
    vec![size(screen.size), kind(&term), colours(&term, &get), characters(&get), paste(&term)]
}

fn size(size: Option<(u16, u16)>) -> Finding {
    let name = "size";
    let remedy = format!("make it {} columns by {} rows or larger", SMALLEST.0, SMALLEST.1);
    match size {
        Some((columns, rows)) if columns >= SMALLEST.0 && rows >= SMALLEST.1 => {
            Area::Terminal.ok(name, format!("{columns} columns by {rows} rows"))
        }
        Some((columns, rows)) => {
            Area::Terminal.bad(name, format!("{columns} columns by {rows} rows, too small"), remedy)
        }
        None => Area::Terminal.warn(name, "not known", remedy),
    }
}

fn kind(term: &str) -> Finding {
    let name = "TERM";
    let remedy = "export TERM=xterm-256color, or what your terminal is";
    match term {
        "" => Area::Terminal.bad(name, "not set", remedy),
        "dumb" => Area::Terminal.bad(name, "dumb, which has no screen", remedy),
        other => Area::Terminal.ok(name, other),
    }
}

fn colours(term: &str, get: &dyn Fn(&str) -> Option<String>) -> Finding {
    let found = if get("NO_COLOR").is_some() {
        "off by NO_COLOR: everything is said in words too"
    } else if get("COLORTERM").is_some_and(|it| it == "truecolor" || it == "24bit") {
        "16 million"
    } else if term.contains("256color") {
        "256"
    } else {
        "16, or none: everything is said in words too"
    };
    Area::Terminal.ok("colours", found)
}

fn characters(get: &dyn Fn(&str) -> Option<String>) -> Finding {
    let name = "characters";
    // As the C library looks it up.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get).unwrap_or_default();
    let plain = locale.to_ascii_lowercase().replace('-', "");
    if plain.contains("utf8") {
        return Area::Terminal.ok(name, format!("UTF-8 ({locale})"));
    }
    let found = match locale.as_str() {
        "" => "no locale is set: lines and signs may come out wrong".to_owned(),
        other => format!("{other} is not UTF-8: lines and signs may come out wrong"),
    };
    Area::Terminal.warn(name, found, "export LC_ALL=C.UTF-8")
}

fn paste(term: &str) -> Finding {
    let name = "pasting";
    if PASTE.iter().any(|known| term.starts_with(known)) {
        return Area::Terminal.ok(name, "told from typing (bracketed paste)");
    }
    Area::Terminal.warn(
        name,
        "this terminal may not tell pasted text from typing",
        "paste into fields alone, or use tmux, which does tell",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn verdicts(size: (u16, u16), env: &[(&str, &str)]) -> Vec<(String, Verdict)> {
        let get = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let screen = Screen { is_terminal: true, size: Some(size) };
        judge(&screen, &get).into_iter().map(|f| (f.name, f.verdict)).collect()
    }

    fn is(found: &[(String, Verdict)], name: &str) -> Verdict {
        found.iter().find(|(known, _)| known == name).unwrap().1
    }

    #[test]
    fn a_usual_terminal_is_good() {
        let env = [("TERM", "xterm-256color"), ("LANG", "en_GB.UTF-8"), ("COLORTERM", "truecolor")];
        assert!(verdicts((80, 24), &env).iter().all(|(_, verdict)| *verdict == Verdict::Ok));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let env = [("TERM", "linux"), ("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")];
        let found = verdicts((79, 24), &env);
        assert_eq!(is(&found, "size"), Verdict::Bad);
        assert_eq!(is(&found, "TERM"), Verdict::Ok);
        assert_eq!(is(&found, "characters"), Verdict::Warn, "LC_ALL goes before LANG");
        assert_eq!(is(&found, "pasting"), Verdict::Warn);
        assert_eq!(is(&verdicts((80, 24), &[("TERM", "dumb")]), "TERM"), Verdict::Bad);
        assert_eq!(is(&verdicts((80, 24), &[("TERM", "")]), "TERM"), Verdict::Bad);
    }

    #[test]
    fn without_a_terminal_there_is_one_line() {
        let found = judge(&Screen { is_terminal: false, size: None }, &|_| None);
        assert_eq!((found.len(), found[0].verdict), (1, Verdict::Warn));
    }
}
