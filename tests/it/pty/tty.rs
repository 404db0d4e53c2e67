//! A step that has the console's terminal: what is typed goes to its child, and the console comes back.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{ENTER, Terminal, is, records, run_dir};

const RUNBOOK: &str = r#"steadyhand: 1
id: talk
title: A program that asks
steps:
  - id: talk
    title: Answer the program
    do:
      shell:
        run: |
          echo $$ > pid
          trap 'echo caught > caught' INT
          printf 'your name? '
          read -r name || { printf 'again? '; read -r name; }
          echo "$name" > answer
          [ "$name" != nobody ]
        tty: true
  - id: after
    title: What comes after
    do:
      shell: {run: 'cat answer'}
    effect: reads
"#;

const INTERRUPT: &str = "\x03";
const SUSPEND: &str = "\x1a";

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("talk.yaml"), RUNBOOK).unwrap();
    dir
}

/// The child has the terminal.
fn asked(dir: &Path) -> Terminal {
    let mut terminal = Terminal::steady(dir, &["run", "./talk.yaml", "--mode", "drill"], &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter review").press(ENTER);
    terminal.wait_text("ends with the console").confirm();
    terminal.wait_record(dir, "talk started", |r| is(r, "attempt_started", "talk"));
    terminal.wait_for("the program alone", |screen| {
        screen.contains("your name?") && !screen.contains("Enter")
    });
    terminal
}

fn told(dir: &Path, file: &str) -> Option<String> {
    fs::read_to_string(dir.join(file)).ok().filter(|text| text.ends_with('\n'))
}

fn eventually(what: &str, mut good: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !good() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn contents(dir: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            all.push_str(&contents(&entry.path()));
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
        }
    }
    all
}

#[test]
fn a_child_has_the_terminal_and_the_console_comes_back() {
    let dir = place();
    let mut terminal = asked(dir.path());
    // Neither ends or stops anything but what the child wants to end.
    terminal.press(INTERRUPT).wait_text("again?");
    assert_eq!(told(dir.path(), "caught").as_deref(), Some("caught\n"));
    terminal.press(SUSPEND).press("marguerite").wait_text("marguerite").press("\r");
    terminal.wait_record(dir.path(), "talk succeeded", |r| {
        is(r, "attempt_finished", "talk") && r["body"]["outcome"] == "succeeded"
    });
    assert_eq!(told(dir.path(), "answer").as_deref(), Some("marguerite\n"));
    terminal.wait_text("2 of 2").wait_for("the console alone", |screen| {
        !screen.contains("your name?") && !screen.contains("marguerite")
    });
    // What was typed and printed is nowhere in the record, which says so.
    assert!(!contents(&run_dir(dir.path()).unwrap()).contains("marguerite"));
    let records = records(dir.path());
    let intended = records.iter().find(|r| is(r, "attempt_intended", "talk")).unwrap();
    let said = intended["body"]["request"]["args"]["terminal"].as_str().unwrap();
    assert!(said.contains("not kept"), "{said}");
    let finished = records.iter().find(|r| is(r, "attempt_finished", "talk")).unwrap();
    assert_eq!(finished["body"]["result"], serde_json::json!({ "exit_code": 0 }));
    assert!(finished["body"]["output"].is_null(), "{finished}");
    // The keys are the console's again.
    terminal.wait_text("Enter run").press(ENTER).wait_text("Debrief").press(ENTER);
    assert!(terminal.wait_exit().success());
}

#[test]
fn its_exit_code_decides() {
    let dir = place();
    let mut terminal = asked(dir.path());
    terminal.press("nobody\r");
    terminal.wait_record(dir.path(), "talk failed", |r| {
        is(r, "attempt_finished", "talk") && r["body"]["outcome"] == "failed"
    });
    terminal.wait_text("exit code 1");
}

#[test]
fn it_ends_with_the_console_and_nobody_knows_what_it_did() {
    let dir = place();
    let mut terminal = asked(dir.path());
    let pid = told(dir.path(), "pid").unwrap();
    terminal.signal(Signal::KILL);
    eventually("the child is gone", || !Path::new("/proc").join(pid.trim()).exists());
    drop(terminal);
    let mut terminal = Terminal::steady(dir.path(), &["resume"], &[]);
    terminal.wait_record(dir.path(), "talk unknown", |r| {
        is(r, "attempt_finished", "talk") && r["body"]["outcome"] == "unknown"
    });
    terminal.wait_text("UNKNOWN").wait_text("console");
    assert_eq!(told(dir.path(), "answer"), None);
}

#[test]
fn a_console_that_is_told_to_go_takes_the_child_with_it() {
    let dir = place();
    let mut terminal = asked(dir.path());
    let pid = told(dir.path(), "pid").unwrap();
    terminal.signal(Signal::TERM);
    terminal.wait_exit();
    eventually("the child is gone", || !Path::new("/proc").join(pid.trim()).exists());
    terminal.wait_record(dir.path(), "detached", |r| r["type"] == "console_detached");
}
