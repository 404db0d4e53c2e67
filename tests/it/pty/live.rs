//! Live runs: one at a time on an environment, and only on the right system.

use std::path::Path;

use rustix::process::Signal;

use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::sts::Sts;

const RUNBOOK: &str = "steadyhand: 1
id: small
title: A small change
steps:
  - id: change
    title: Change something
    do: {shell: {run: 'echo changed >> changed'}}
  - id: more
    title: Change more
    do: {shell: {run: 'echo more >> changed'}}
";

fn place(settings: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("small.yaml"), RUNBOOK).unwrap();
    let settings = format!("steadyhand: 1\nenvironments:\n{settings}");
    std::fs::write(dir.path().join("steadyhand.yaml"), settings).unwrap();
    dir
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// `steady run` with these words, its runs kept in `runs` below `dir`; of the incident everything is told.
fn run(dir: &Path, runs: &str, words: &[&str]) -> Terminal {
    let runs = dir.join(runs).display().to_string();
    let told = ["--incident", "INC-4211", "--outage-start", "12m ago"];
    let all = [&["run", "./small.yaml", "--runs", &runs][..], &told, words].concat();
    Terminal::steady(dir, &all, &[])
}

/// It ends with this code, having said all this; nothing was begun in `runs`.
fn assert_refused(mut terminal: Terminal, words: &[&str]) {
    let status = terminal.wait_exit();
    let said: String = terminal.screen().lines().map(str::trim_end).collect();
    assert!(!status.success(), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
}

/// Presses `Enter`, as a person would again and again, until this is on screen.
fn until(terminal: &mut Terminal, text: &str) {
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while !terminal.screen().contains(text) {
        terminal.press(ENTER);
        super::walk::soon(terminal, |terminal| terminal.screen().contains(text));
        assert!(std::time::Instant::now() < deadline, "no {text:?} on\n{}", terminal.screen());
    }
}

#[test]
fn an_environment_has_one_live_run_at_a_time() {
    let live = |name| format!("  {name}:\n    mode: live\n    target: {{host: {}}}\n", host());
    let dir = place(&format!("{}{}", live("shop-of-this-test"), live("another-of-this-test")));
    let dir = dir.path();
    let mut first = run(dir, "runs", &["--env", "shop-of-this-test"]);
    first.wait_text("Before the first step").press(ENTER).wait_text("1 of 2");

    // Wherever its own runs are kept.
    let process = format!("process {}", first.pid());
    for runs in ["runs", "elsewhere"] {
        let second = run(dir, runs, &["--env", "shop-of-this-test"]);
        let words = ["has a live run already", &process, "since 20", "steady watch"];
        assert_refused(second, &words);
    }
    assert!(!dir.join("elsewhere").exists(), "nothing was begun");

    // What is no live run on it is in nobody's way.
    let rehearsal = ["--env", "shop-of-this-test", "--mode", "rehearsal"];
    for words in [&["--env", "another-of-this-test"][..], &rehearsal] {
        run(dir, "elsewhere", words).wait_text("Before the first step").press("q").wait_exit();
    }

    // A console that died blocks nobody, and is not forgotten.
    first.signal(Signal::KILL).wait_exit();
    let left = run_dir(dir).unwrap();
    let mut next = run(dir, "runs", &["--env", "shop-of-this-test"]);
    next.wait_text("Before the first step")
        .wait_text("an earlier run")
        .wait_text("goes on with it");
    next.press(ENTER).wait_text("1 of 2").wait_text("! the live run");
    let resume = Terminal::steady(dir, &["resume", left.to_str().unwrap()], &[]);
    assert_refused(resume, &["has a live run already"]);
}

#[test]
fn credentials_that_expired_are_renewed_and_the_same_key_goes_on() {
    let sts = Sts::start(&[("AKIAPROD", "111111111111")]);
    let dir = place(&format!(
        "  prod:\n    mode: drill\n    aws: {{region: eu-west-1, endpoint: \"{}\"}}\n    \
         target: {{aws.account: \"111111111111\"}}\n",
        sts.endpoint
    ));
    let dir = dir.path();
    let env = [
        ("AWS_ACCESS_KEY_ID", "AKIAPROD"),
        ("AWS_SECRET_ACCESS_KEY", "secret-of-prod"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let mut terminal = Terminal::steady(dir, &["run", "./small.yaml", "--env", "prod"], &env);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter review").press(ENTER);
    // The account is shown beside what will be done there.
    terminal.wait_text("Run this?").wait_text("111111111111").confirm();
    terminal.wait_text("2 of 2").wait_text("Enter review").press(ENTER).wait_text("Run this?");
    sts.expire(true);
    terminal.confirm();
    terminal.wait_record(dir, "of the refusal", |r| {
        is(r, "guard_refused", "more")
            && r["body"]["reason"].as_str().unwrap().contains("the credentials have expired")
    });
    until(&mut terminal, "the target is not proven");
    assert!(!records(dir).iter().any(|r| is(r, "attempt_intended", "more")));
    sts.expire(false);
    // Each key looks anew, until it may be confirmed.
    until(&mut terminal, "Run this?");
    terminal.confirm().wait_text("COMPLETED").press(ENTER);
    assert!(terminal.wait_exit().success(), "{}", terminal.screen());
    assert_eq!(std::fs::read_to_string(dir.join("changed")).unwrap(), "changed\nmore\n");
}

#[test]
fn a_live_run_asks_of_the_incident_and_acts_when_its_environment_was_named() {
    let dir = place("  shop-of-that-test:\n    mode: live\n");
    let dir = dir.path();
    let mut terminal =
        Terminal::steady(dir, &["run", "./small.yaml", "--env", "shop-of-that-test"], &[]);
    terminal.wait_text("New run").wait_text("outage start now");
    // The environment and the mode stand; the ticket and the start are told here.
    terminal.press(ENTER).press(ENTER).press("INC-7").wait_text("INC-7").press(ENTER);
    terminal.press("\u{15}").press("12 min");
    terminal.press(ENTER).wait_text("`12 min` is not");
    terminal.press("\u{15}").press("12m ago").wait_text("12 min ago").press(ENTER);
    terminal.wait_text("Before the first step");
    until(&mut terminal, "1 of 2");
    terminal.wait_text("LIVE").wait_text("INC-7").wait_text("Enter review");
    until(&mut terminal, "This run is LIVE");

    // Neither pasted nor nearly right.
    terminal.press("\x1b[200~shop-of-that-test\x1b[201~").press("shop").press(ENTER);
    terminal.wait_record(dir, "of the refusal", |r| {
        r["type"] == "guard_refused" && r.get("step").is_none_or(serde_json::Value::is_null)
    });
    terminal.wait_text("was typed where");
    let reason = records(dir).iter().rfind(|r| r["type"] == "guard_refused").unwrap().clone();
    assert!(reason["body"]["reason"].as_str().unwrap().starts_with("`shop` was typed"), "{reason}");
    until(&mut terminal, "This run is LIVE");
    terminal.press("shop-of-that-test").press(ENTER);
    terminal.wait_record(dir, "of the name", |r| {
        r["type"] == "guard_satisfied" && r["body"]["phrase"] == "shop-of-that-test"
    });
    // On to the step's own guard, and not asked again: not by the next step, nor by the next console.
    terminal.wait_text("Run this?").confirm();
    terminal.wait_text("2 of 2").wait_text("Enter review").signal(Signal::KILL).wait_exit();
    let run = run_dir(dir).unwrap();
    let mut next = Terminal::steady(dir, &["resume", run.to_str().unwrap()], &[]);
    next.wait_text("2 of 2");
    until(&mut next, "Run this?");
    next.confirm().wait_text("COMPLETED").press(ENTER);
    next.wait_exit();
    let asked = records(dir).iter().filter(|r| r["body"]["phrase"] == "shop-of-that-test").count();
    assert_eq!(asked, 2, "as what run_started says, and once typed");
    let started = &records(dir)[0]["body"];
    assert_eq!(started["incident"], "INC-7");
    assert_eq!(std::fs::read_to_string(dir.join("changed")).unwrap(), "changed\nmore\n");
}

#[test]
fn without_an_environment_the_name_of_this_host_is_typed() {
    let dir = place("  unused:\n    mode: drill\n");
    let dir = dir.path();
    let mut terminal = run(dir, "runs", &[]);
    terminal.wait_text("Before the first step").press(ENTER).wait_text("1 of 2");
    until(&mut terminal, "This run is LIVE");
    terminal.wait_text(&host()).press(&host()).press(ENTER);
    terminal.wait_text("Run this?").press("\x1b").wait_text("Enter review");
    terminal.press("q").wait_exit();
}

#[test]
fn the_reason_to_go_on_in_spite_of_preflight_is_asked_for_once() {
    let dir = place("  unused:\n    mode: drill\n");
    let dir = dir.path();
    let wants = RUNBOOK.replace("steps:", "requires: {tools: [no-such-tool-here]}\nsteps:");
    std::fs::write(dir.join("small.yaml"), wants).unwrap();
    let mut terminal = run(dir, "runs", &[]);
    terminal.wait_text("One check failed").press(ENTER).wait_text("Go on in spite");
    terminal.press("people wait").press(ENTER);
    // The run, not the question again.
    terminal.wait_text("1 of 2").wait_record(dir, "of the reason", |r| {
        r["type"] == "preflight" && r["body"]["overridden"] == "people wait"
    });
    terminal.press("q").wait_exit();

    // Given on the command line, it is shown and not asked for at all.
    let mut terminal = run(dir, "others", &["--override-preflight", "told before"]);
    terminal.wait_text("goes on in spite of it: told before").press(ENTER).wait_text("1 of 2");
    terminal.press("q").wait_exit();
}
