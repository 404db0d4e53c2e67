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

/// `steady run` with these words, its runs kept in `runs` below `dir`.
fn run(dir: &Path, runs: &str, words: &[&str]) -> Terminal {
    let runs = dir.join(runs).display().to_string();
    let all: Vec<_> =
        ["run", "./small.yaml", "--runs", &runs].iter().chain(words).copied().collect();
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
    for words in
        [&["--env", "another-of-this-test"][..], &["--env", "shop-of-this-test", "--mode", "drill"]]
    {
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
