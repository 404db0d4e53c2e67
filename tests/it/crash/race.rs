//! Two consoles want one run, and several begin runs in one place.

use std::process::Child;

use super::law::Fold;
use crate::services::console::{Console, eventually, said, text};

const RUNBOOK: &str = r#"steadyhand: 1
id: race
title: A race
steps:
  - id: act
    title: Act
    do: {shell: {run: 'echo acted >> ledger; while [ ! -e go ] && [ -e ledger ]; do sleep 0.01; done'}}
  - id: more
    title: More
    do: {shell: {run: 'echo more >> ledger'}}
"#;

const ROUNDS: u32 = 25;

#[test]
fn one_console_gets_the_run_and_the_other_is_told_who_has_it() {
    for round in 0..ROUNDS {
        let console = Console::new(RUNBOOK);
        let mut run = console.drill(&[]);
        run.env("STEADYHAND_FAILPOINT", "fact:attempt_started:act");
        assert!(!run.output().unwrap().status.success());

        let mut racers: Vec<Child> =
            (0..2).map(|_| console.steady(&["resume", "--auto"]).spawn().unwrap()).collect();
        // The child is at work until both have tried: whoever ends now has lost.
        let lost = eventually(|| racers.iter_mut().position(|it| it.try_wait().unwrap().is_some()));
        let loser = racers.remove(lost).wait_with_output().unwrap();
        let winner = racers.remove(0);
        let words = said(&loser);
        assert_eq!(loser.status.code(), Some(1), "round {round}: {words}");
        let holder = format!("is held by process {} on ", winner.id());
        assert!(words.contains(&holder), "round {round}: not {holder}: {words}");
        assert!(words.contains("steady watch"), "round {round}: {words}");

        std::fs::write(console.file("go"), "").unwrap();
        let id = winner.id();
        let winner = winner.wait_with_output().unwrap();
        assert_eq!(winner.status.code(), Some(0), "round {round}: {}", said(&winner));
        let records = console.records();
        let fold = Fold::of(&records);
        assert!(fold.finished && fold.broken.is_empty(), "round {round}: {:?}", fold.broken);
        let attached = records.iter().filter(|r| r["type"] == "console_attached");
        let pids: Vec<_> = attached.map(|r| r["body"]["pid"].clone()).collect();
        assert_eq!(pids.len(), 2, "round {round}: {pids:?}");
        assert_eq!(pids[1], id, "round {round}");
        assert_eq!(text(&console.file("ledger")), "acted\nmore\n");
        let run = console.run();
        let verified = console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
        assert!(verified.status.success(), "round {round}: {}", said(&verified));
    }
    println!("{ROUNDS} rounds");
}

#[test]
fn runs_that_begin_at_once_leave_each_other_alone_and_what_a_crash_left_is_swept() {
    let console = Console::new(
        &RUNBOOK.replace("while [ ! -e go ] && [ -e ledger ]; do sleep 0.01; done", "true"),
    );
    for (crashed, failpoint) in ["draft:made", "draft:recorded"].iter().enumerate() {
        let output = console.drill(&[]).env("STEADYHAND_FAILPOINT", failpoint).output().unwrap();
        assert!(!output.status.success());
        // The second one has swept away what the first one left.
        assert_eq!(console.runs().len(), 1, "after crash {crashed}: {:?}", console.runs());
    }
    for round in 1..=4 {
        let started: Vec<Child> = (0..4).map(|_| console.drill(&[]).spawn().unwrap()).collect();
        for run in started {
            let output = run.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "round {round}: {}", said(&output));
        }
        let runs = console.runs();
        assert_eq!(runs.len(), 4 * round, "{runs:?}");
        for run in runs {
            let name = run.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(!name.starts_with('.'), "{name} was left");
            let verified = console.steady(&["verify", &name]).output().unwrap();
            assert!(verified.status.success(), "{}", said(&verified));
        }
    }
}
