//! A drill and its environment's list, when an input is amended on the way.

use super::walk::amend;
use super::{ENTER, Terminal, is, records};

#[test]
fn an_amended_input_cannot_lead_a_drill_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let runbook = "steadyhand: 1
id: small
title: A small change
inputs:
  host: {type: string, default: localhost}
steps:
  - id: change
    title: Change something
    do: {http: {method: PUT, url: \"http://${{ inputs.host }}:9/\"}}
";
    std::fs::write(dir.join("small.yaml"), runbook).unwrap();
    let settings =
        "steadyhand: 1\nenvironments:\n  dr:\n    mode: drill\n    targets: {http: [localhost]}\n";
    std::fs::write(dir.join("steadyhand.yaml"), settings).unwrap();
    let mut terminal = Terminal::steady(dir, &["run", "./small.yaml", "--env", "dr"], &[]);
    terminal.wait_text("every request is held to").press(ENTER);
    terminal.wait_text("Enter review").press(ENTER).wait_text("Run this?").press("\x1b");
    terminal.wait_text("Enter review");
    amend(&mut terminal, dir, "host", "production.example");
    terminal.wait_record(dir, "of the refusal", |r| is(r, "guard_refused", "change"));
    terminal.press(ENTER).wait_text("the target is not proven").wait_text("production.example");
    let all = records(dir);
    let refused = all.iter().rfind(|r| is(r, "guard_refused", "change")).unwrap();
    let reason = refused["body"]["reason"].as_str().unwrap();
    for said in [
        "`http` acts on `production.example`",
        "http: [localhost]",
        "line 5",
        "environments.dr.targets",
    ] {
        assert!(reason.contains(said), "no {said:?} in {reason}");
    }
    assert!(!all.iter().any(|r| r["type"] == "attempt_intended"));
    // And back on the list it may go on.
    amend(&mut terminal, dir, "host", "localhost");
    terminal
        .wait_text("Enter review")
        .press(ENTER)
        .wait_text("Run this?")
        .press("\x1b")
        .wait_text("Enter review");
    terminal.press("q").wait_exit();
}
