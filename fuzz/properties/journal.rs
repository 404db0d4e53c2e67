//! The journal's reader and what is made of it. The bytes are lines of a journal; what their author
//! cannot know, `seq` and `prev`, is mended first, so that the reading goes on behind the first line.

use std::path::Path;
use std::sync::Arc;

use steadyhand::engine::State;
use steadyhand::journal::{self, Finding, JOURNAL, RUNBOOK, encode, sha256_hex};
use steadyhand::report;
use steadyhand::runbook::load;

use super::is_safe;

const PLAN: &[u8] = include_bytes!("journal.yaml");

/// Nothing makes it panic; reading and verifying agree on what is a journal; what was read is written
/// as something that reads the same; and every journal has a state and a report that can be shown.
pub fn holds(bytes: &[u8]) {
    let home = home();
    let dir = &home.path().join("runs/run");
    std::fs::create_dir_all(dir).expect("a directory can be made");
    put(dir, RUNBOOK, PLAN);
    let lines = chained(bytes);
    for bytes in [bytes, &lines] {
        put(dir, JOURNAL, bytes);
        reading_holds(dir);
    }
}

fn reading_holds(dir: &Path) {
    let verdict = journal::verify(dir, None).expect("the directory can be read");
    assert!(is_safe(&verdict.sentence()) && verdict.problems.iter().all(|p| is_safe(p)));
    let Ok(contents) = journal::read(dir) else {
        assert_ne!(verdict.result, Finding::Consistent);
        return;
    };
    assert_eq!(contents.records.len() as u64, verdict.records);
    assert_eq!(contents.head, verdict.head);

    let (runbook, _) = load(PLAN, "journal.yaml").expect("the plan is a runbook");
    let state = State::new(Arc::new(runbook)).apply_all(&contents.records);
    if let Some(now) = state.last.clone() {
        let _ = (state.effects(&now), state.settle(&now));
    }
    if let Some(report) = report::build(&state, &contents.records, &report::Beside::of(verdict)) {
        let written = report::Format::ALL.map(|format| format.text(&report));
        assert!(
            written.iter().flatten().all(|text| is_safe(text)) && written.iter().all(Result::is_ok)
        );
    }

    let mut head = sha256_hex(PLAN);
    let mut again = Vec::new();
    for recorded in &contents.records {
        let line = encode(recorded, &head).expect("what was read can be written");
        head = sha256_hex(&line);
        again.extend(line);
    }
    put(dir, JOURNAL, &again);
    let reread = journal::read(dir).expect("what was written can be read");
    assert_eq!(reread.records, contents.records);
}

/// The lines with the right `seq` and `prev` where they have any.
fn chained(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut head = sha256_hex(PLAN);
    let mut out = Vec::new();
    for (line, seq) in text.split_inclusive('\n').zip(1..) {
        let line = mended(line, r#""seq":"#, ',', &seq.to_string());
        let line = mended(&line, r#""prev":""#, '"', &head);
        head = sha256_hex(line.as_bytes());
        out.extend(line.into_bytes());
    }
    out
}

/// What stands between the last `key` and the next `end` replaced.
fn mended(line: &str, key: &str, end: char, value: &str) -> String {
    let found = line.rfind(key).and_then(|at| {
        let from = at + key.len();
        let length = line[from..].find(end)?;
        Some(format!("{}{value}{}", &line[..from], &line[from + length..]))
    });
    found.unwrap_or_else(|| line.to_owned())
}

/// In memory where there is such a place: nothing of it has to last.
fn home() -> tempfile::TempDir {
    let made = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    made.expect("a temporary directory can be made")
}

fn put(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).expect("the directory can be written to");
}
