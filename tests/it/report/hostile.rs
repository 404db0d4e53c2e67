//! Whatever text gets into a journal, no medium takes it for anything but text.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::{RUN, reports, story};

/// Text that is markup, a formula, or that fools a terminal, in one medium or another.
const EVIL: [&str; 6] = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>'</title></style><!--",
    "=HYPERLINK(\"http://evil.invalid\",\"x\")",
    "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\u{2066}\u{9b}31m\u{0}\u{7f}",
    "| a | b |\n# heading\n```\n[link](http://evil.invalid) ![x](http://evil.invalid)",
    "+1\t@SUM(A1)\r\n-2",
];

/// Keys whose values are words or numbers of ours, not text of others.
const OURS: [&str; 33] = [
    "type",
    "boot",
    "mono",
    "at",
    "prev",
    "v",
    "seq",
    "step",
    "of",
    "attempt",
    "part",
    "how",
    "as",
    "outcome",
    "mode",
    "milestone",
    "objective",
    "ending",
    "resolved_by",
    "severity",
    "due",
    "known_by",
    "decision",
    "what",
    "occasion",
    "retain_until",
    "outage_start",
    "start",
    "accepted",
    "run",
    "file",
    "restore_to",
    "newest_row",
];

/// Every text in the record becomes evil.
fn spoil(json: &mut Json, key: &str, evil: &str) {
    match json {
        Json::String(text) if !OURS.contains(&key) => *text = format!("{evil}{text}{evil}"),
        Json::Array(items) => items.iter_mut().for_each(|item| spoil(item, key, evil)),
        Json::Object(map) => {
            for (name, value) in map.iter_mut() {
                // A moment or a secret is marked by such a key.
                if !name.starts_with('$') && !OURS.contains(&name.as_str()) {
                    spoil(value, name, evil);
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn spoiled(runs: &Path, evil: &str) {
    let dir = runs.join(RUN);
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let title = serde_json::to_string(&format!("evil {}", evil.replace("${{", ""))).unwrap();
    // The runbook refuses control characters, and has its own text in the report too.
    let title = title.replace("\\r", "").replace("\\n", " ").replace("\\t", " ");
    let title = if evil.contains('\u{1b}') { "\"evil\"".to_owned() } else { title };
    let runbook = fs::read_to_string(dir.join("runbook.yaml")).unwrap();
    let runbook = runbook
        .replace("title: Loan database, restore to a point in time", &format!("title: {title}"));
    fs::write(dir.join("runbook.yaml"), &runbook).unwrap();
    let mut prev = hash(runbook.as_bytes());
    let mut journal = String::new();
    for line in fs::read_to_string(dir.join("journal.jsonl")).unwrap().lines() {
        let mut record: Json = serde_json::from_str(line).unwrap();
        spoil(&mut record, "", evil);
        record["prev"] = prev.into();
        if let Some(body) = record["body"].as_object_mut()
            && let Some(sha256) = body.get_mut("runbook_sha256")
        {
            *sha256 = hash(runbook.as_bytes()).into();
        }
        let line = format!("{record}\n");
        prev = hash(line.as_bytes());
        journal.push_str(&line);
    }
    fs::write(dir.join("journal.jsonl"), journal).unwrap();
    fs::write(dir.join("output/rows.2.log"), evil).unwrap();
}

fn bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The tags of a page, and nothing of what stands between them.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default()).collect()
}

#[test]
fn no_text_of_a_journal_becomes_markup_a_formula_or_a_control_character() {
    for evil in EVIL {
        let runs = story();
        spoiled(runs.path(), evil);
        let reports = reports(runs.path());
        let text =
            |wanted: &str| reports.iter().find(|(ending, _)| *ending == wanted).unwrap().1.as_str();
        for (ending, text) in &reports {
            assert!(
                !text.chars().any(|c| (c.is_control() && c != '\n') || bidi(c)),
                "{ending}: {evil:?}"
            );
        }
        for ending in ["csv", "backup-audit.csv"] {
            let mut reader = csv::Reader::from_reader(text(ending).as_bytes());
            for cell in reader
                .records()
                .flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
            {
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{ending}: {cell:?}");
            }
        }
        // A page of ours has these tags and no others, whatever stands in it.
        let page = text("html");
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let page = page.replacen(style, "", 1);
        for tag in tags(&page) {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
            assert!(TAGS.contains(&name), "{evil:?} made a tag <{tag}>");
            assert!(!tag.contains(" on") && !tag.contains("javascript:"), "{evil:?} made <{tag}>");
        }
        assert_eq!(page.matches("<h1").count(), 1);
        // Outside of fenced blocks there is no line of Markdown that the text began.
        let outside: Vec<&str> = outside_fences(text("md"));
        for line in &outside {
            assert!(!line.contains("<script") && !line.replace("\\]", "").contains("]("), "{line}");
            assert!(line.trim() != "# heading", "{evil:?}");
        }
        assert!(outside.iter().filter(|line| line.starts_with("# ")).count() == 1, "{evil:?}");
        assert!(serde_json::from_str::<Json>(text("json")).is_ok());
    }
}

const TAGS: [&str; 58] = [
    "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "footer", "header",
    "section", "article", "div", "p", "h1", "h2", "h3", "h4", "h5", "ul", "li", "dl", "dt", "dd",
    "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "span", "strong", "a", "br",
    "time", "svg", "g", "path", "rect", "line", "text", "tspan", "desc", "em", "small", "sup",
    "sub", "ol", "caption", "tfoot", "abbr", "b", "i", "hr", "u", "s",
];

fn outside_fences(text: &str) -> Vec<&str> {
    let mut fence: Option<&str> = None;
    let mut outside = Vec::new();
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = line.get(..ticks),
            None => outside.push(line),
            Some(open) if ticks >= open.len() && line.trim_matches('`').is_empty() => fence = None,
            Some(_) => {}
        }
    }
    outside
}
