//! A run from its first key to its debrief, and what may go wrong with a terminal on the way.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{ENTER, ESC, Terminal, is, records, run_dir, runs};

/// A manual step, a change, something destructive, a long one: a minute of somebody's night.
const RUNBOOK: &str = r#"steadyhand: 1
id: small
title: A small restore
objectives: {rto: 30m}
inputs:
  name: {type: string, default: loans}
steps:
  - id: declare
    title: Declare the incident
    do:
      manual: {}
  - id: stop
    title: Stop the writers
    do:
      shell: {run: 'echo "stopped $INPUT_NAME"'}
  - id: wipe
    title: Wipe the old copy
    do:
      shell: {run: 'echo wiped >> wiped; while [ -e wiped ] && [ ! -e go ]; do sleep 0.05; done; echo gone'}
    effect: destroys
    guard: {type: "${{ inputs.name }}"}
  - id: serve
    title: The service answers
    do:
      shell: {run: 'echo serving'}
    effect: reads
    milestone: service_restored
"#;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("small.yaml"), RUNBOOK).unwrap();
    dir
}

/// From the command line to the first step.
fn begun(dir: &Path) -> Terminal {
    let mut terminal =
        Terminal::steady(dir, &["run", "./small.yaml", "--mode", "drill", "-i", "name=loans"], &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_for("the first step", |screen| screen.contains("1 of 4"));
    terminal
}

/// The first step is answered and the second one confirmed and done.
fn stopped(dir: &Path) -> Terminal {
    let mut terminal = begun(dir);
    terminal.wait_text("Enter run").press(ENTER);
    terminal.wait_text("Enter answer").press(ENTER).wait_text("it is done").press("d");
    terminal.wait_text("2 of 4").wait_text("Enter review").press(ENTER).confirm();
    terminal.wait_record(dir, "stop succeeded", |r| {
        is(r, "attempt_finished", "stop") && r["body"]["outcome"] == "succeeded"
    });
    terminal.wait_text("3 of 4");
    terminal
}

/// The destructive step is at work.
fn wiping(dir: &Path) -> Terminal {
    let mut terminal = stopped(dir);
    terminal.wait_text("Enter review").press(ENTER).type_phrase("loans");
    terminal.wait_record(dir, "wipe started", |r| is(r, "attempt_started", "wipe"));
    while !dir.join("wiped").exists() {
        terminal.wait_text("RTO");
    }
    // A key that comes before the confirmation has closed would go into its field.
    terminal.wait_for("the console again", |screen| !screen.contains("Run this?"));
    terminal
}

fn go_on(dir: &Path) {
    std::fs::write(dir.join("go"), "").unwrap();
}

fn times_wiped(dir: &Path) -> usize {
    std::fs::read_to_string(dir.join("wiped")).unwrap_or_default().lines().count()
}

/// The last step and the debrief.
fn finish(terminal: &mut Terminal, dir: &Path) {
    terminal.wait_text("4 of 4").wait_text("Enter run").press(ENTER);
    terminal.wait_text("Debrief").wait_text("COMPLETED");
    terminal.press(ENTER);
    assert!(terminal.wait_exit().success(), "{}", terminal.raw());
    let verified = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["verify", run_dir(dir).unwrap().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_run_by_keys_from_start_to_debrief() {
    let dir = place();
    let mut terminal = stopped(dir.path());
    terminal.wait_text("Enter review").press(ENTER).type_phrase("loan");
    terminal.wait_text("was typed where");
    terminal.wait_record(dir.path(), "guard refused", |r| is(r, "guard_refused", "wipe"));
    assert_eq!(times_wiped(dir.path()), 0);
    terminal.type_phrase("loans");
    terminal.wait_record(dir.path(), "wipe started", |r| is(r, "attempt_started", "wipe"));
    go_on(dir.path());
    finish(&mut terminal, dir.path());
    assert_eq!(times_wiped(dir.path()), 1);
    assert!(terminal.raw().contains("\x1b[?1049l"), "the screen was given back");
}

#[test]
fn a_screen_that_is_too_small_says_so_and_recovers() {
    let dir = place();
    let mut terminal = begun(dir.path());
    terminal.resize(20, 5).wait_text("Needed: 80x24");
    // What cannot be seen cannot be meant.
    terminal.press(ENTER).resize(24, 6).wait_text("This one: 24x6");
    terminal.resize(100, 30).wait_text("Enter run");
    assert!(!records(dir.path()).iter().any(|r| is(r, "guard_satisfied", "")));
    terminal.resize(80, 24).wait_text("1 of 4").press("q");
    terminal.wait_exit();
}

#[test]
fn a_paste_outside_a_field_is_thrown_away() {
    let dir = place();
    let mut terminal = begun(dir.path());
    terminal.wait_text("Enter run").press("\x1b[200~\r\ry q\x1b[201~");
    // The key after the paste is seen, the paste is not.
    terminal.press("t").wait_text("Timeline").press(ESC).wait_text("Enter run");
    assert!(!records(dir.path()).iter().any(|r| is(r, "guard_satisfied", "")));
    terminal.press("q").wait_exit();
}

#[test]
fn a_lost_terminal_leaves_the_child_alone_and_resume_finds_it() {
    let dir = place();
    let mut terminal = wiping(dir.path());
    terminal.signal(Signal::HUP).wait_exit();
    assert!(terminal.raw().contains("\x1b[?1049l"), "the screen was given back");
    terminal.wait_record(dir.path(), "detached", |r| is(r, "console_detached", ""));
    let mut again = Terminal::steady(dir.path(), &["resume"], &[]);
    again.wait_text("3 of 4");
    go_on(dir.path());
    finish(&mut again, dir.path());
    assert_eq!(times_wiped(dir.path()), 1, "it was not done again");
}

#[test]
fn a_killed_console_is_resumed_and_nothing_is_done_twice() {
    let dir = place();
    let mut terminal = wiping(dir.path());
    terminal.signal(Signal::KILL).wait_exit();
    go_on(dir.path());
    let mut again = Terminal::steady(dir.path(), &["resume"], &[]);
    again.wait_text("4 of 4");
    finish(&mut again, dir.path());
    assert_eq!(times_wiped(dir.path()), 1, "it was not done again");
}

#[test]
fn leaving_asks_while_something_runs() {
    let dir = place();
    let mut terminal = wiping(dir.path());
    terminal.press("q").wait_text("Leave?").press("l").wait_exit();
    go_on(dir.path());
    let mut again = Terminal::steady(dir.path(), &["resume"], &[]);
    finish(&mut again, dir.path());
    assert_eq!(times_wiped(dir.path()), 1);
}

#[test]
fn another_terminal_watches_and_touches_nothing() {
    let dir = place();
    let mut terminal = wiping(dir.path());
    let run = run_dir(dir.path()).unwrap();
    let mut watcher = Terminal::steady(dir.path(), &["watch", run.to_str().unwrap()], &[]);
    watcher.wait_text("WATCHING").wait_text("3 of 4");
    go_on(dir.path());
    watcher.wait_text("4 of 4").press(ENTER).press("q").wait_exit();
    finish(&mut terminal, dir.path());
}

#[test]
fn the_bell_and_the_title_call() {
    let dir = place();
    let mut terminal = wiping(dir.path());
    let before = terminal.raw().matches('\u{7}').count();
    go_on(dir.path());
    terminal.wait_text("4 of 4").wait_text("Enter run");
    // Titles end with the bell's byte too: at least one more than there are titles.
    let titles = terminal.raw().matches("\x1b]0;").count();
    assert!(terminal.raw().matches('\u{7}').count() > titles.min(before), "{:?}", terminal.raw());
    assert!(terminal.raw().contains("● steady: A small restore: The service answers"));
}

#[test]
fn no_terminal_is_said_and_nothing_is_begun() {
    let dir = place();
    let output = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["run", "./small.yaml", "--mode", "drill"])
        .current_dir(dir.path())
        .env("STEADYHAND_RUNS", runs(dir.path()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("terminal") && said.contains("--auto"), "{said}");
    assert!(run_dir(dir.path()).is_none());
}
