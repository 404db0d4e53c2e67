//! `steady verify` of a directory of runs: each in one line, and what is missing between them.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::archive::name;
use crate::services::console::{Console, said, text};

const RUNBOOK: &str = r#"steadyhand: 1
id: kept
title: Kept
steps:
  - id: look
    title: Look
    effect: reads
    do: {shell: {run: 'true'}}
"#;

#[test]
fn every_run_of_a_directory_is_judged_and_a_missing_one_shows() {
    let console = Console::new(RUNBOOK);
    for _ in 0..3 {
        let output = console.drill(&[]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let runs = console.runs();
    let verify = |code: i32, words: &[&str]| {
        let output = console.steady(&["verify", "runs"]).output().unwrap();
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    };
    let lines = runs.iter().map(|run| format!("{}: consistent, unsigned", name(run)));
    let lines: Vec<String> = lines.collect();
    let words: Vec<&str> = lines.iter().map(String::as_str).collect();
    verify(0, &[&words[..], &["3 runs, 0 missing: consistent"]].concat());

    // One is taken away that another names as the one before it: runs of one second have no order by name.
    let before = |run: &PathBuf| -> Option<String> {
        let first = text(&run.join("journal.jsonl"));
        let first: Json = serde_json::from_str(first.lines().next().unwrap()).unwrap();
        Some(first["body"]["previous"]["run"].as_str()?.to_owned())
    };
    let (later, gone) = runs.iter().find_map(|run| Some((name(run), before(run)?))).unwrap();
    std::fs::remove_dir_all(console.file("runs").join(&gone)).unwrap();
    let gap = format!("{gone}: MISSING: run {later} names it");
    verify(8, &[&gap, "2 runs, 1 missing: incomplete"]);

    // The gravest finding is the exit status.
    let journal = console.file("runs").join(&later).join("journal.jsonl");
    std::fs::write(&journal, text(&journal).replacen("\"look\"", "\"book\"", 1)).unwrap();
    verify(6, &[&format!("{later}: modified"), &gap]);
}
