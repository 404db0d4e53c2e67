//! The machine is started anew between a kill and the resume: process ids mean nothing any more, nor does the boot clock.

use std::path::Path;

use super::law::{Fold, is};
use super::neighbours::{kill, neighbours};
use crate::pty::{ENTER, Terminal, records, run_dir};
use crate::services::console::{Console, eventually, said, text};

const RUNBOOK: &str = r#"steadyhand: 1
id: reboot
title: Across a reboot
objectives: {rto: 30m}
steps:
  - id: act
    title: Act
    effect: destroys
    guard: {type: loans}
    do: {shell: {run: 'echo acted >> ledger; while [ ! -e go ] && [ -e ledger ]; do sleep 0.02; done'}}
  - id: serve
    title: The service answers
    effect: reads
    do: {shell: {run: 'echo serving'}}
    milestone: service_restored
"#;

const OTHER_BOOT: (&str, &str) = ("STEADYHAND_BOOT_ID", "00000000-another-boot");

/// The console is killed with its child at work.
fn begun() -> Console {
    let console = Console::new(RUNBOOK);
    let mut run = console.drill(&["--allow-destructive"]);
    let mut run = run.env("STEADYHAND_FAILPOINT", "fact:attempt_started:act").spawn().unwrap();
    assert!(!run.wait().unwrap().success());
    eventually(|| (text(&console.file("ledger")) == "acted\n").then_some(()));
    console
}

fn home(console: &Console) -> std::path::PathBuf {
    console.file(".").canonicalize().unwrap()
}

/// Everybody is gone, as after a reboot.
fn switch_off(home: &Path) {
    for neighbour in neighbours(home) {
        kill(neighbour.pid);
    }
    eventually(|| neighbours(home).is_empty().then_some(()));
}

#[test]
fn a_child_of_another_boot_is_unknown_and_times_across_it_are_not_verified() {
    let console = begun();
    let home = home(&console);
    switch_off(&home);
    let mut terminal = Terminal::steady(&home, &["resume"], &[OTHER_BOOT]);
    terminal.wait_text("UNKNOWN: nobody knows").wait_text("it may have been started");
    terminal.wait_text("(wall clock, unverified)");
    terminal.wait_text("Enter choices").press(ENTER).wait_text("it did its work").press("s");
    terminal.wait_text("what you saw").press("the rows are gone").press(ENTER);
    terminal.wait_text("2 of 2").wait_text("Enter run").press(ENTER);
    terminal.wait_text("Debrief").wait_text("COMPLETED").wait_text("unverified").press(ENTER);
    assert!(terminal.wait_exit().success());
    let all = records(&home);
    let fold = Fold::of(&all);
    assert!(fold.finished && fold.broken.is_empty(), "{:?}", fold.broken);
    assert_eq!(text(&console.file("ledger")), "acted\n");
    let run = run_dir(&home).unwrap();
    let verified = console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
    let reports = std::fs::read_dir(run.join("reports")).unwrap().flatten();
    let page =
        reports.map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "md")).unwrap();
    assert!(text(&page).contains("unverified"), "{}", text(&page));
}

#[test]
fn an_outcome_that_was_left_before_the_reboot_is_the_outcome() {
    let console = begun();
    let home = home(&console);
    std::fs::write(console.file("go"), "").unwrap();
    eventually(|| console.run().join("attempts/act.1/exit.json").exists().then_some(()));
    switch_off(&home);
    let mut resume = console.steady(&["resume", "--auto"]);
    let output = resume.env(OTHER_BOOT.0, OTHER_BOOT.1).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let finished = |r: &serde_json::Value| {
        is(r, "attempt_finished", "act") && r["body"]["outcome"] == "succeeded"
    };
    assert!(console.records().iter().any(finished));
    assert_eq!(text(&console.file("ledger")), "acted\n");
}

/// The number of the child may be somebody else's in another boot: nothing is said of that process.
#[test]
fn a_process_of_another_boot_is_not_taken_for_the_child() {
    let console = begun();
    let home = home(&console);
    let supervisor = neighbours(&home).into_iter().find(|it| it.supervisor).unwrap();
    kill(supervisor.pid);
    let resume = || console.steady(&["resume", "--auto"]);
    let here = resume().output().unwrap();
    assert_eq!(here.status.code(), Some(5), "{}", said(&here));
    let notices = |output: &std::process::Output| {
        let diagnostics = home.join("runs/.diagnostics");
        let files = std::fs::read_dir(diagnostics).into_iter().flatten().flatten();
        files.map(|file| text(&file.path())).chain([said(output)]).collect::<String>()
    };
    assert!(notices(&here).contains("still runs: wait for its end"), "{}", notices(&here));
    let before = notices(&here).matches("still runs").count();
    let there = resume().env(OTHER_BOOT.0, OTHER_BOOT.1).output().unwrap();
    assert_eq!(there.status.code(), Some(5), "{}", said(&there));
    assert_eq!(notices(&there).matches("still runs").count(), before, "{}", notices(&there));
    assert!(notices(&there).contains("it may have been started"), "{}", notices(&there));
    switch_off(&home);
}
