//! A runbook that changed since this operator last ran it, on the full screen.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::{ENTER, Terminal, runs};

const RUNBOOK: &str = "steadyhand: 1
id: small
title: A small restore
steps:
  - id: act
    title: Act
    do: {shell: {run: 'echo acted >> ledger'}}
    effect: reads
";

const RUN: [&str; 6] = ["run", "./small.yaml", "--mode", "drill", "--operator", "alice@bastion-1"];

/// Alice ran it once, unattended; then it was changed.
fn changed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("small.yaml"), RUNBOOK).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(RUN)
        .arg("--auto")
        .current_dir(dir.path())
        .env("STEADYHAND_RUNS", runs(dir.path()))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let after = RUNBOOK.replace("echo acted", "echo ACTED");
    std::fs::write(dir.path().join("small.yaml"), after).unwrap();
    dir
}

/// The first records of the runs, by what the operator knew of the runbook.
fn seen(dir: &Path, how: &str) -> Option<Json> {
    let found = std::fs::read_dir(runs(dir)).unwrap().filter_map(|entry| {
        let journal = std::fs::read_to_string(entry.unwrap().path().join("journal.jsonl")).ok()?;
        serde_json::from_str::<Json>(journal.lines().next()?).ok()
    });
    found.map(|first| first["body"]["seen"].clone()).find(|seen| seen["as"] == how)
}

#[test]
fn a_changed_runbook_is_one_screen_and_one_key() {
    let dir = changed();
    let dir = dir.path();
    let mut terminal = Terminal::steady(dir, &RUN, &[]);
    terminal.wait_text("This runbook has changed").wait_text("+    do: {shell: {run: 'echo ACTED");
    // Neither Enter, nor a key that was on its way before the screen came up.
    terminal.press(ENTER).press("y").wait_text("too fast to be meant");
    // A key that was meant for this screen, or is held down, begins nothing on the next one.
    terminal.wait_text("Press y to go on").press("y\r").wait_text("Before the first step");
    terminal.wait_text("shown and accepted").wait_text("Enter goes on.");
    assert_eq!(seen(dir, "changed"), None, "nothing has begun");
    terminal.wait_text("Enter goes on.").press(ENTER);
    terminal.wait_text("1 of 1");
    let seen = seen(dir, "changed").unwrap();
    assert_eq!(seen["accepted"], "shown");
    assert_eq!(seen["files"], serde_json::json!(["runbook.yaml"]));
    terminal.press("q").wait_exit();
}

#[test]
fn leaving_a_changed_runbook_begins_nothing() {
    let dir = changed();
    let mut terminal = Terminal::steady(dir.path(), &RUN, &[]);
    terminal.wait_text("This runbook has changed").press("q");
    assert_eq!(terminal.wait_exit().exit_code(), 5);
    assert_eq!(seen(dir.path(), "changed"), None);
    let ledger = std::fs::read_to_string(dir.path().join("ledger")).unwrap();
    assert_eq!(ledger, "acted\n");
}
