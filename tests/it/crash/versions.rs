//! A run that another version of this program began. `older/` holds one as version 0.1.0 left it at the beginning, killed while
//! an attempt was at work: it stays as it is, whatever is written from now on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::law::{Fold, is};
use crate::services::console::{Console, said, text};

const RUN: &str = "20261121T103712Z-rows-back-i8aq";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

/// The older run in a home of its own.
fn older() -> (Console, PathBuf) {
    let console = Console::new("");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/crash/older").join(RUN);
    let run = console.file("runs").join(RUN);
    copy(&kept, &run);
    std::fs::write(console.file("ledger"), "stop\ndrop\n").unwrap();
    (console, run)
}

/// Appends a record that follows on the last one, as a newer version may have written it.
fn append(run: &Path, record: &str) {
    let journal = run.join("journal.jsonl");
    let mut whole = text(&journal);
    let last = whole.lines().last().unwrap();
    let prev = hex::encode(Sha256::digest(format!("{last}\n")));
    let seq = whole.lines().count() + 1;
    whole.push_str(&record.replace("SEQ", &seq.to_string()).replace("PREV", &prev));
    whole.push('\n');
    std::fs::write(journal, whole).unwrap();
}

/// Every file below a directory and what it holds.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => all.extend(contents(&entry.path())),
            false => drop(all.insert(entry.path(), std::fs::read(entry.path()).unwrap())),
        }
    }
    all
}

const NOTE: &str = concat!(
    r#"{"v":1,"seq":SEQ,"at":"2026-11-21T10:40:00.000Z","boot":"b","mono":"1","type":"note_added","#,
    r#""by":"alice@bastion-1","body":{"text":"calm"},"prev":"PREV"}"#
);

#[test]
fn an_older_run_is_taken_to_its_end() {
    let (console, run) = older();
    let began = text(&run.join("journal.jsonl"));
    // A key more in a body is nothing that changes what may happen.
    append(&run, &NOTE.replace("\"text\"", "\"mood\":\"calm\",\"text\""));
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    // Its objective of half an hour is long missed.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "stop\ndrop\nload\nreopen\n");
    assert!(text(&run.join("journal.jsonl")).starts_with(&began), "what was written stays");
    let records = console.records();
    let fold = Fold::of(&records);
    assert!(fold.finished && fold.broken.is_empty(), "{:?}", fold.broken);
    let found =
        |r: &serde_json::Value| is(r, "unknown_resolved", "drop") && r["body"]["as"] == "running";
    assert!(records.iter().any(found), "the attempt that was at work was found");
    let verified = console.steady(&["verify", RUN]).output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn a_run_of_a_newer_version_is_refused_in_one_sentence_and_left_alone() {
    for (from, to, names) in [
        ("\"v\":1", "\"v\":2", "version 2"),
        ("note_added", "song_sung", "`song_sung`"),
        ("\"prev\"", "\"sealed\":\"x\",\"prev\"", "`sealed`"),
    ] {
        let (console, run) = older();
        append(&run, &NOTE.replace(from, to));
        let before = contents(&console.file("."));
        for command in
            [&["resume", "--auto"][..], &["resume", RUN, "--auto"], &["show", "--remaining", RUN]]
        {
            let output = console.steady(command).output().unwrap();
            let words = said(&output);
            assert!(!output.status.success(), "{command:?}: {words}");
            for part in [names, "record 22", "a newer steady", "go on with that one"] {
                assert!(words.contains(part), "{command:?} says no `{part}`: {words}");
            }
            assert_eq!(words.lines().count(), 1, "{words}");
            assert!(contents(&console.file(".")) == before, "{command:?} wrote something");
        }
    }
    // A runbook in a format that is newer.
    let (console, run) = older();
    let book = text(&run.join("runbook.yaml")).replace("steadyhand: 1", "steadyhand: 2");
    std::fs::write(run.join("runbook.yaml"), book).unwrap();
    let before = contents(&console.file("."));
    let output = console.steady(&["resume", RUN, "--auto"]).output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    for part in ["format version 2 is not known", "use the one that began the run"] {
        assert!(words.contains(part), "no `{part}`: {words}");
    }
    assert!(contents(&console.file(".")) == before, "something was written");
}
