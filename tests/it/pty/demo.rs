//! What a newcomer sees of `steady demo`, by keys alone at 80x24: each practice, and each trouble in it up to a good
//! end. The sandbox is asked for its own state while the debrief is on screen.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value as Json;

use super::walk::{Turn, end, review, walk, walk_until};
use super::{ENTER, ESC, Terminal, is, records, run_dir};

const LEFT: &str = "\x1b[D";

/// `steady demo …`, up to the checks before the first step.
fn begun(dir: &Path, arguments: &[&str]) -> Terminal {
    let arguments: Vec<_> = ["demo"].iter().chain(arguments).copied().collect();
    let mut terminal = Terminal::steady(dir, &arguments, &[]);
    terminal.wait_text("Before the first step").wait_text("Practice, nothing here is real");
    terminal
}

/// What the sandbox of the only run answers to a GET: the status, and the body.
fn asked(dir: &Path, path: &str) -> (String, String) {
    let settings = std::fs::read_to_string(run_dir(dir).unwrap().join("settings.yaml")).unwrap();
    let host = settings.split("http://").nth(1).unwrap().split('"').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// The outcomes of a step's attempts, with what they were of.
fn outcomes(dir: &Path, step: &str) -> Vec<String> {
    let all = records(dir);
    let finished = all.iter().filter(|r| is(r, "attempt_finished", step));
    finished.map(|r| format!("{} {}", word(&r["of"]), word(&r["body"]["outcome"]))).collect()
}

fn word(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

/// The service is served from the restored cluster.
fn served(dir: &Path) {
    let (status, health) = asked(dir, "/app/health");
    assert!(status.contains("200"), "{status}: {health}");
    assert!(health.contains("loanserve-prod-restored.cluster"), "{health}");
}

#[test]
fn aurora_pitr_by_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begun(dir.path(), &[]);
    terminal.press(ENTER);
    assert_eq!(walk(&mut terminal, dir.path(), None), Turn::Over, "{}", terminal.screen());
    served(dir.path());
    end(&mut terminal, dir.path());
}

#[test]
fn a_restore_that_hangs_is_cancelled_undone_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut terminal = begun(dir, &["--fault", "restore-stuck"]);
    terminal.wait_text("The restore will hang").press(ENTER);
    assert_eq!(walk_until(&mut terminal, dir, None, "─ Restore loanserve"), None);
    review(&mut terminal, dir, None);
    terminal.wait_text("Z creating").press(" ").wait_text("What to do?").press("x");
    terminal.wait_text("Stop what is at work").press("it hangs").press(ENTER);
    terminal.wait_text("UNKNOWN: nobody knows").press(ENTER).wait_text("it failed").press("f");
    terminal.wait_text("reason").press("cancelled").press(ENTER);
    terminal.wait_record(dir, "resolved", |r| is(r, "unknown_resolved", "restore"));
    terminal.wait_text("FAILED").press(" ").wait_text("What to do?").press("u");
    terminal.wait_text("Undo with this?").type_phrase("loanserve-prod-restored");
    terminal
        .wait_record(dir, "undone", |r| is(r, "attempt_finished", "restore") && r["of"] == "undo");
    terminal.wait_for("the step again", |screen| {
        screen.contains("Enter review") && !screen.contains("FAILED")
    });
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    served(dir);
    end(&mut terminal, dir);
    assert_eq!(outcomes(dir, "restore"), ["do unknown", "undo succeeded", "do succeeded"]);
}

#[test]
fn a_refused_call_says_which_permission_is_missing_and_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut terminal = begun(dir, &["--fault", "access-denied"]);
    terminal.wait_text("r tries again").press(ENTER);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck);
    terminal.wait_record(dir, "refused", |r| {
        let message = word(&r["body"]["message"]);
        r["type"] == "attempt_finished"
            && message.contains("is not authorized to perform")
            && message.contains("the identity needs the permission rds:")
    });
    tried_again(&mut terminal);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    served(dir);
    end(&mut terminal, dir);
}

fn tried_again(terminal: &mut Terminal) {
    // A key that comes before the request is prepared is not taken: it is pressed again.
    while terminal.screen().contains("FAILED") {
        terminal.press(ENTER).wait_text("retry").press("r");
        terminal.wait_for("an answer", |screen| !screen.contains("What to do?"));
    }
}

#[test]
fn a_failover_that_is_refused_first() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut terminal = begun(dir, &["failover", "--fault", "access-denied"]);
    terminal.press(ENTER);
    assert_eq!(walk_until(&mut terminal, dir, None, "─ Who takes over?"), None);
    terminal
        .press(ENTER)
        .wait_text("Enter answer")
        .press(ENTER)
        .wait_text("Enter choose")
        .press(ENTER);
    terminal.wait_record(dir, "heir", |r| is(r, "attempt_finished", "heir"));
    terminal.wait_text("4 of 13");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck);
    tried_again(&mut terminal);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    let (status, health) = asked(dir, "/app/health");
    assert!(status.contains("200"), "{status}: {health}");
    end(&mut terminal, dir);
    let clusters: Vec<_> = outcomes(dir, "failover");
    assert_eq!(clusters, ["do failed", "do succeeded"]);
}

#[test]
fn a_killed_console_is_resumed_in_the_same_sandbox() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut terminal = begun(dir, &["--fault", "console-killed"]);
    terminal.wait_text("steady resume").press(ENTER);
    assert_eq!(walk_until(&mut terminal, dir, None, "─ Restore loanserve"), None);
    review(&mut terminal, dir, None);
    assert!(!terminal.wait_exit().success());
    terminal.wait_text("The console was killed").wait_text("steady resume");
    assert!(terminal.raw().contains("\x1b[?1049l"), "the screen was given back");
    assert_eq!(outcomes(dir, "restore"), [""; 0]);
    let mut again = resumed(dir);
    assert_eq!(walk(&mut again, dir, None), Turn::Over, "{}", again.screen());
    served(dir);
    end(&mut again, dir);
    assert_eq!(outcomes(dir, "restore"), ["do succeeded"], "it was not done again");
}

/// A second console, which has found what became of what the first one had begun.
fn resumed(dir: &Path) -> Terminal {
    let mut again = Terminal::steady(dir, &["resume"], &[]);
    again.wait_record(dir, "found", |r| is(r, "unknown_resolved", ""));
    again
        .wait_for("what was found", |screen| screen.contains("RTO") && !screen.contains("UNKNOWN"));
    again
}

#[test]
fn another_account_is_refused_until_the_environment_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut terminal = begun(dir, &["--fault", "wrong-target"]);
    terminal.wait_text("000000000042 here, 000000000077 in the settings: wrong target");
    terminal.press(ENTER).wait_text("put the failed checks right");
    assert!(run_dir(dir).is_none(), "nothing was begun");
    terminal.press(ESC).wait_text("New run").press(LEFT).wait_text("aws.account = 000000000042");
    while !terminal.screen().contains("Everything is as it must be") {
        let before = terminal.screen();
        terminal.press(ENTER).wait_for("the next field", |screen| screen != before);
    }
    terminal.wait_text("Enter goes on.").press(ENTER);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    served(dir);
    end(&mut terminal, dir);
    assert_eq!(records(dir)[0]["body"]["environment"], "sandbox");
}
