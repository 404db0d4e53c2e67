//! What a person may do besides going on, by keys alone: each goes through its guard and leaves its record.

use std::path::Path;

use super::walk::{amend, shown};
use super::{ENTER, ESC, Terminal, is, records};

const RUNBOOK: &str = r#"steadyhand: 1
id: small
title: A small change
inputs:
  name: {type: string, default: loans}
  key: {type: secret, env: API_KEY}
steps:
  - id: make
    title: Make it
    do: {shell: {run: 'echo "made $INPUT_NAME" >> ledger'}}
    undo: {shell: {run: 'echo "unmade $INPUT_NAME" >> ledger'}}
  - id: settle
    title: It settles
    do: {shell: {run: 'echo settle >> ledger; cat state'}}
    expect: ["result.stdout == 'good'"]
    probe:
      do: {shell: {run: 'echo looked >> looks; cat state'}}
      done: "result.stdout == 'good'"
  - id: last
    title: The last one
    do: {shell: {run: 'echo last >> ledger'}}
"#;

const KEY: &str = "key-that-nobody-may-see";

fn begun() -> (tempfile::TempDir, Terminal) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("small.yaml"), RUNBOOK).unwrap();
    std::fs::write(dir.path().join("state"), "bad\n").unwrap();
    let env = [("API_KEY", KEY)];
    let words = ["run", "./small.yaml", "--mode", "drill"];
    let mut terminal = Terminal::steady(dir.path(), &words, &env);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter review");
    (dir, terminal)
}

fn ledger(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("ledger")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Consents to the step whose turn it is, and waits for its end.
fn goes(terminal: &mut Terminal, dir: &Path, step: &str) {
    let ended = |all: &[serde_json::Value]| {
        all.iter().filter(|r| is(r, "attempt_finished", step) && r["of"] == "do").count()
    };
    let before = ended(&records(dir));
    terminal.wait_text("Enter review").press(ENTER).confirm();
    terminal.wait_record(dir, "of its end", |_| ended(&records(dir)) > before);
    shown(terminal, dir);
}

fn count(dir: &Path, kind: &str, step: &str) -> usize {
    records(dir).iter().filter(|r| is(r, kind, step)).count()
}

#[test]
fn an_amended_input_and_a_run_taken_back_ask_for_every_guard_again() {
    let (dir, mut terminal) = begun();
    let dir = dir.path();
    goes(&mut terminal, dir, "make");
    amend(&mut terminal, dir, "name", "orders");
    terminal.press("k").press(" ").wait_text("What to do?").press("f");
    terminal.wait_text("Take the run back").press("the wrong name").press(ENTER);
    terminal.wait_record(dir, "of going back", |r| is(r, "rerun_requested", "make"));
    terminal.wait_text("1 of 3").wait_text("Enter review");
    assert_eq!(ledger(dir), ["made loans"], "going back does nothing by itself");
    goes(&mut terminal, dir, "make");
    assert_eq!(ledger(dir), ["made loans", "made orders"]);
    assert_eq!(count(dir, "guard_satisfied", "make"), 2);
    terminal.press("q").wait_exit();
}

#[test]
fn what_was_not_as_expected_is_checked_again_and_not_done_again() {
    let (dir, mut terminal) = begun();
    let dir = dir.path();
    goes(&mut terminal, dir, "make");
    goes(&mut terminal, dir, "settle");
    terminal.wait_text("FAILED").wait_text("does not hold");
    // Enter opens the choices and does nothing; the state has not settled yet.
    let look = |terminal: &mut Terminal, times: usize| {
        terminal.press(ENTER).wait_text("What to do?").wait_text("check again").press("c");
        terminal.wait_record(dir, "of the look", |_| {
            records(dir)
                .iter()
                .filter(|r| is(r, "attempt_finished", "settle") && r["of"] == "probe")
                .count()
                == times
        });
    };
    look(&mut terminal, 1);
    terminal.wait_text("FAILED");
    shown(&mut terminal, dir);
    std::fs::write(dir.join("state"), "good\n").unwrap();
    look(&mut terminal, 2);
    terminal.wait_text("3 of 3");
    assert_eq!(ledger(dir), ["made loans", "settle"], "it was done once");
    assert_eq!(count(dir, "guard_satisfied", "settle"), 1);
    goes(&mut terminal, dir, "last");
    terminal.wait_text("COMPLETED").press(ENTER);
    assert!(terminal.wait_exit().success(), "{}", terminal.screen());
}

#[test]
fn a_step_that_the_runbook_lacked_has_the_same_guard_journal_and_masks() {
    let (dir, mut terminal) = begun();
    let dir = dir.path();
    terminal
        .press(" ")
        .wait_text("What to do?")
        .press("h")
        .wait_text("A step that the runbook lacks");
    let command = "echo adhoc >> ledger; echo $INPUT_KEY";
    for text in ["Look around", command, "it was forgotten"] {
        terminal.press(text).press(ENTER);
    }
    terminal.wait_record(dir, "of the new step", |r| r["type"] == "step_inserted");
    terminal.wait_text("1 of 4").wait_text("Enter review");
    assert_eq!(ledger(dir), [""; 0], "it is a step like any other: nothing runs before its guard");
    terminal.press(ENTER).wait_text("Run this?").wait_text("adhoc").press(ENTER);
    terminal.confirm();
    terminal.wait_record(dir, "of its end", |r| is(r, "attempt_finished", "adhoc_1"));
    assert_eq!(ledger(dir), ["adhoc"]);
    let all = serde_json::to_string(&records(dir)).unwrap();
    assert!(!all.contains(KEY) && all.contains("«secret key»"), "{all}");
    assert_eq!(count(dir, "guard_satisfied", "adhoc_1"), 1);
    shown(&mut terminal, dir);
    terminal.press("q").wait_exit();
    assert!(!terminal.raw().contains(KEY));
}

/// The secrets of the night are gone by then.
#[test]
fn a_debrief_goes_on_the_day_after() {
    let (dir, mut terminal) = begun();
    let dir = dir.path();
    std::fs::write(dir.join("state"), "good\n").unwrap();
    for step in ["make", "settle"] {
        goes(&mut terminal, dir, step);
    }
    terminal.press("q").wait_exit();
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["resume", "--auto"])
        .env("STEADYHAND_RUNS", super::runs(dir))
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(!refused.status.success(), "a run that goes on needs its secrets");
    let mut terminal = Terminal::steady(dir, &["resume"], &[("API_KEY", KEY)]);
    goes(&mut terminal, dir, "last");
    terminal.wait_text("COMPLETED").press(ENTER).wait_exit();
    let run = super::run_dir(dir).unwrap();
    let mut terminal = Terminal::steady(dir, &["resume", run.to_str().unwrap()], &[]);
    terminal.wait_text("COMPLETED").press("w").wait_text("Lesson");
    terminal.press("call earlier").press(ENTER);
    terminal.wait_record(dir, "of the lesson", |r| r["type"] == "lesson_learned");
}

#[test]
fn an_undo_is_confirmed_and_refused_once_the_service_is_restored() {
    let (dir, mut terminal) = begun();
    let dir = dir.path();
    goes(&mut terminal, dir, "make");
    terminal.press(" ").wait_text("What to do?").press("v");
    terminal.wait_text("The service is restored").press("users say so").press(ENTER);
    terminal.wait_record(dir, "of the milestone", |r| r["type"] == "milestone_reached");
    shown(&mut terminal, dir);
    terminal.press(" ").wait_text("What to do?").press("u").wait_text("✗ the service was restored");
    terminal.press(ESC).wait_for("the menu's end", |screen| !screen.contains("What to do?"));
    assert_eq!(ledger(dir), ["made loans"]);
    terminal.press(" ").wait_text("What to do?").press("v");
    terminal.wait_text("The service is down again").press("it relapsed").press(ENTER);
    terminal.wait_record(dir, "of its withdrawal", |r| r["type"] == "milestone_withdrawn");
    shown(&mut terminal, dir);
    terminal.press(" ").wait_text("What to do?").press("u").wait_text("Undo with this?");
    // Neither a pasted y nor one that comes right behind another key is meant.
    terminal.press("\x1b[200~y\x1b[201~").press("jy").wait_text("too fast to be meant");
    assert_eq!(ledger(dir), ["made loans"]);
    terminal.confirm();
    terminal.wait_record(dir, "of the undo", |r| {
        is(r, "attempt_finished", "make") && r["of"] == "undo"
    });
    assert_eq!(ledger(dir), ["made loans", "unmade loans"]);
    terminal.wait_text("1 of 3").wait_text("Enter review").press("q").wait_exit();
}
