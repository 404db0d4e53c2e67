//! Nobody reads what a command prints: it has gone away, or it has stopped reading.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pipe::pipe;
use rustix::process::{Pid, Signal, kill_process};

use crate::services::console::{Console, eventually, text};

const RUNBOOK: &str = "steadyhand: 1
id: said
title: Something to print
steps:
  - id: one
    title: One
    do: {shell: {run: 'while [ -e wait ]; do sleep 0.02; done'}}
";

/// The command, printing to nobody.
fn unheard(mut command: Command) -> Child {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    command.stdout(writer).spawn().unwrap()
}

#[test]
fn a_reader_that_has_gone_away_is_no_reason_to_fail() {
    let console = Console::new(RUNBOOK);
    for args in [
        &["list"][..],
        &["runs"],
        &["runs", "--json"],
        &["show", "runbook.yaml"],
        &["check", "runbook.yaml"],
        &["schema"],
    ] {
        let output = unheard(console.steady(args)).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("defect") && !said.contains("panicked"), "{args:?}: {said}");
        assert_ne!(output.status.code(), Some(101), "{args:?}: {said}");
    }
    for args in [&["--json"][..], &[]] {
        let output = unheard(console.drill(args)).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("panicked"), "{args:?}: {said}");
    }
    let last = console.runs().pop().unwrap();
    let journal = std::fs::read_to_string(last.join("journal.jsonl")).unwrap();
    assert!(journal.contains("run_finished"), "{journal}");
}

#[test]
fn a_reader_that_does_not_read_on_holds_up_neither_the_run_nor_a_signal() {
    let console = Console::new(RUNBOOK);
    std::fs::write(console.file("wait"), "").unwrap();
    let (reader, writer) = pipe().unwrap();
    fill(&writer);
    let mut drill = console.drill(&["--json"]);
    let mut child = drill.stdout(writer).spawn().unwrap();
    let has = |kind: &str| {
        let record = format!("\"type\":\"{kind}\"");
        console.runs().iter().any(|run| text(&run.join("journal.jsonl")).contains(&record))
    };
    eventually(|| has("attempt_started").then_some(()));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = eventually(|| child.try_wait().unwrap());
    assert_eq!((status.code(), status.signal()), (Some(5), None));
    assert!(has("console_detached"));
    std::fs::remove_file(console.file("wait")).unwrap();
    drop(reader);
}

/// No byte more goes into it.
fn fill(pipe: &OwnedFd) {
    let flags = fcntl_getfl(pipe).unwrap();
    fcntl_setfl(pipe, flags | OFlags::NONBLOCK).unwrap();
    let mut file = File::from(pipe.try_clone().unwrap());
    for size in [4096, 1] {
        while file.write(&vec![b'x'; size]).is_ok() {}
    }
    fcntl_setfl(pipe, flags).unwrap();
}

#[test]
fn a_run_over_a_connection_says_what_a_lost_one_would_end() {
    for (env, said) in [(Some("10.0.0.7 51234 10.0.0.9 22"), true), (None, false)] {
        let console = Console::new(RUNBOOK);
        let mut drill = console.drill(&[]);
        drill.envs(env.map(|value| ("SSH_CONNECTION", value)));
        assert!(drill.output().unwrap().status.success());
        let records = console.records();
        let preflight = records.iter().find(|record| record["type"] == "preflight").unwrap();
        let checks = preflight["body"]["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "connection");
        assert_eq!(check.is_some(), said, "{preflight}");
        if let Some(check) = check {
            assert!(check["detail"].as_str().unwrap().contains("SSH"), "{check}");
        }
    }
}
