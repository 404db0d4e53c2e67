//! A rehearsal by keys: the same screens, made to fail, taken back, and to its end.

use super::walk::{Turn, end, walk};
use super::{ENTER, Terminal, is, records};

const RUNBOOK: &str = "steadyhand: 1
id: small
title: A small restore
objectives: {rto: 5m}
inputs:
  password: {type: secret, env: NO_SUCH_PASSWORD}
steps:
  - id: make
    title: Make the new one
    do: {shell: {run: 'echo made >> touched'}}
    undo: {shell: {run: 'echo unmade >> touched'}}
    budget: 1h
  - id: who
    title: Is somebody there?
    do: {manual: {}}
  - id: drop
    title: Drop the old one
    do: {shell: {run: 'echo $INPUT_PASSWORD >> touched'}}
    effect: destroys
    guard: {type: old}
    milestone: service_restored
";

#[test]
fn it_is_made_to_fail_undone_and_brought_to_its_end_by_keys() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("small.yaml"), RUNBOOK).unwrap();
    let words = ["run", "./small.yaml", "--mode", "rehearsal", "--speed", "20"];
    let mut terminal = Terminal::steady(dir, &words, &[("PATH", "")]);
    terminal.wait_text("nothing is executed: no program, no connection, no secret");
    terminal.wait_text("not fetched").press(ENTER);
    terminal.wait_text("REHEARSAL").wait_text("not measured").wait_text("Enter review");
    terminal.press(ENTER).wait_text("REHEARSAL: nothing is executed").confirm();

    // An hour is three minutes, and three minutes are too long.
    terminal.wait_text("f let it fail").wait_text("1h (its budget)").press("f");
    terminal.wait_text("made to fail in a rehearsal").wait_text("Enter choices");
    terminal.wait_record(dir, "of the failure", |r| {
        is(r, "attempt_finished", "make") && r["body"]["outcome"] == "failed"
    });
    terminal.press("f").wait_text("nothing is at work that could fail");

    // Undone, cancelled, and passed by: a rehearsal has every choice.
    terminal.press(" ").wait_text("undo").press("u");
    terminal.wait_text("Undo with this?").confirm();
    terminal.wait_record(dir, "of the undo", |r| {
        is(r, "attempt_finished", "make") && r["body"]["outcome"] == "succeeded"
    });
    terminal.wait_text("Enter review").press(ENTER).confirm();
    terminal.wait_text("f let it fail").press(" ").wait_text("cancel").press("x");
    terminal.wait_text("Stop what is at work").press("enough").press(ENTER);
    terminal.wait_text("cancelled; nothing was executed").wait_text("Enter choices");
    terminal.press(" ").wait_text("mark done").press("d").wait_text("Mark the step done");
    terminal.press("practised").press(ENTER);
    terminal
        .wait_text("2 of 3")
        .wait_text("Is somebody there?")
        .wait_text("Enter run")
        .press(ENTER);
    terminal.wait_text("Enter answer").press(ENTER).wait_text("Is it done?").press("d");
    terminal.wait_text("3 of 3");
    assert_eq!(walk(&mut terminal, dir, Some("old")), Turn::Over);
    terminal.wait_text("A rehearsal: nothing was executed").wait_text("not measured");
    let report = end(&mut terminal, dir);
    assert_eq!(report["identity"]["mode"], "rehearsal", "{report}");
    assert!(!dir.join("touched").exists());
    assert!(!records(dir).iter().any(|r| r["type"] == "attempt_started"));
}

#[test]
fn a_shipped_runbook_is_rehearsed_by_keys_with_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let words = "run vault-snapshot-restore --mode rehearsal --speed 10000 -i vault_url=https://vault.example \
                 -i snapshot=/no/s -i kv_path=a/b -i kv_version=2";
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut terminal = Terminal::steady(dir, &words, &[("PATH", "")]);
    terminal.wait_text("Before the first step").press(ENTER).wait_text("REHEARSAL");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over);
    end(&mut terminal, dir);
}
