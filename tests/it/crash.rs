//! The console killed by SIGKILL at every record boundary of a run of ten steps with a child in flight,
//! and once more while it recovers; then resumed to its end.
//!
//! `CRASH_KILLS` asks for more kill points than the usual hundred.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::services::console::{Console, eventually, fails_at, lines, said, text};

/// Each script appends its own line to the ledger, so that one that ran twice is seen.
const TEN_STEPS: &str = r#"steadyhand: 1
id: ten-steps
title: Ten steps
objectives: {rto: 30m}
inputs:
  ledger: {type: path}
steps:
  - id: freeze
    title: Stop the writers
    do: {shell: {run: 'echo freeze >> "$INPUT_LEDGER"'}}
    milestone: writes_stopped
  - id: count
    title: Count the rows
    effect: reads
    do: {shell: {run: 'echo count >> "$INPUT_LEDGER"; echo 2000'}}
    save: {rows: result.stdout}
  - id: way
    title: Choose the way
    do: {choose: {options: [fast, safe], default: safe}}
    save: {chosen: result.choice}
  - id: moment
    title: Wait for the moment
    do: {wait: {until: "2026-01-01T00:00:00Z"}}
  - id: drop_old
    title: Drop the damaged rows
    effect: destroys
    guard: {type: damaged}
    do: {shell: {run: 'echo drop_old >> "$INPUT_LEDGER"'}}
  - id: load
    title: Load the rows
    do:
      shell:
        run: |
          echo load >> "$INPUT_LEDGER"
          row=0
          while [ $row -lt 2000 ]; do
            echo "row $row"
            row=$((row + 1))
            [ $((row % 500)) -ne 0 ] || sleep 0.1
          done
    expect: [size(result.lines) > 0]
  - id: fast
    title: Not this way
    when: steps.way.chosen == 'fast'
    do: {shell: {run: 'echo fast >> "$INPUT_LEDGER"'}}
  - id: retire
    title: Retire the damaged copy
    effect: destroys
    guard: {type: copy}
    do: {shell: {run: 'echo retire >> "$INPUT_LEDGER"'}}
  - id: compare
    title: Compare
    effect: reads
    do: {shell: {run: 'echo compare >> "$INPUT_LEDGER"; echo "$ROWS"'}}
    env: {ROWS: "${{ steps.count.rows }}"}
    expect: [result.stdout == '2000']
  - id: reopen
    title: Let the writers in
    do: {shell: {run: 'echo reopen >> "$INPUT_LEDGER"'}}
    milestone: service_restored
"#;
const READS: [&str; 2] = ["count", "compare"];
const ACTS: [&str; 5] = ["freeze", "drop_old", "load", "retire", "reopen"];
/// At once, in threads of their own.
const AT_ONCE: usize = 2;

/// One run: begun, killed, resumed, until it is over.
struct Trial {
    console: Console,
    kills: u64,
    /// What was told on standard output: only what is durable is told.
    told: Vec<String>,
}

impl Trial {
    fn new() -> Self {
        Self { console: Console::new(TEN_STEPS), kills: 0, told: Vec::new() }
    }

    fn begin(&self) -> Command {
        let ledger = format!("ledger={}", self.console.file("ledger").display());
        self.console.drill(&["--allow-destructive", "--json", "-i", &ledger])
    }

    fn resume(&self) -> Command {
        let run = self.console.run();
        let args = ["resume", run.to_str().unwrap(), "--auto", "--allow-destructive", "--json"];
        self.console.steady(&args)
    }

    /// Whether it came to its end before that record.
    fn until(&mut self, command: Command, record: u64) -> bool {
        let output = fails_at(command, record).output().unwrap();
        self.told.extend(lines(&output.stdout));
        if output.status.signal() != Some(9) {
            self.assert_over(&output);
            return true;
        }
        self.kills += 1;
        assert_eq!(self.console.lines().len() as u64, record, "{}", said(&output));
        false
    }

    fn finish(&mut self, mut command: Command) {
        let output = command.output().unwrap();
        self.told.extend(lines(&output.stdout));
        self.assert_over(&output);
    }

    fn assert_over(&self, output: &Output) {
        let journal = self.console.lines().join("\n");
        assert_eq!(output.status.code(), Some(0), "{}\n{journal}", said(output));
    }

    /// What must be true of a run that is over, however often it was killed.
    fn assert_whole(&self) {
        let journal = self.console.lines();
        for told in self.told.iter().filter(|line| line.starts_with("{\"v\":")) {
            let record: Json = serde_json::from_str(told).unwrap();
            let place = usize::try_from(record["seq"].as_u64().unwrap()).unwrap();
            assert_eq!(journal.get(place - 1), Some(told), "acknowledged and then lost");
        }
        let records = self.console.records();
        let tried = assert_consented(&records);
        let ledger = text(&self.console.file("ledger"));
        let done = |step: &str| ledger.lines().filter(|line| *line == step).count();
        for step in ACTS {
            assert_eq!(done(step), 1, "{step}: {ledger}");
        }
        for step in READS {
            // What only reads may run again, each time under a consent of its own.
            assert!((1..=tried[step]).contains(&done(step)), "{step}: {ledger}");
        }
        assert_eq!(done("fast"), 0);
        assert_resolved(&records);
        self.assert_output(&records);
        let ends = records.iter().filter(|record| record["type"] == "run_finished").count();
        assert_eq!(ends, 1);
        let run = self.console.run();
        let verified = self.console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
        assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    }

    /// The child in flight lost nothing of what it printed.
    fn assert_output(&self, records: &[Json]) {
        let mut rows = String::new();
        for row in 0..2000 {
            let _ = writeln!(rows, "row {row}");
        }
        let finished = records.iter().rfind(|it| is(it, "attempt_finished", "load")).unwrap();
        let output = &finished["body"]["output"];
        let file = self.console.run().join("output").join(output["file"].as_str().unwrap());
        assert!(text(&file) == rows, "{} of {} bytes", text(&file).len(), rows.len());
        assert_eq!(output["sha256"], hex::encode(Sha256::digest(&rows)));
        assert_eq!(output["bytes"], rows.len());
    }
}

fn is(record: &Json, kind: &str, step: &str) -> bool {
    record["type"] == kind && record["step"] == step
}

/// Every attempt has a consent of its own; how many attempts each step had.
fn assert_consented(records: &[Json]) -> BTreeMap<String, usize> {
    let mut consented: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for record in records {
        let step = record["step"].as_str().unwrap_or_default();
        if record["type"] == "guard_satisfied" {
            consented.insert(step, 1);
        }
        if record["type"] == "attempt_intended" {
            assert_eq!(consented.insert(step, 0), Some(1), "without consent: {record}");
            *tried.entry(step.to_owned()).or_default() += 1;
        }
        // A consent does not survive its console.
        if record["type"] == "console_attached" {
            consented.clear();
        }
    }
    tried
}

/// Every attempt came out, or it is told how its unknown outcome was resolved.
fn assert_resolved(records: &[Json]) {
    for intended in records.iter().filter(|it| it["type"] == "attempt_intended") {
        let end = records.iter().find(|it| {
            (it["type"] == "attempt_finished" || it["type"] == "unknown_resolved")
                && it["step"] == intended["step"]
                && it["attempt"] == intended["attempt"]
        });
        assert!(end.is_some(), "nobody knows what became of {intended}");
    }
}

/// How many records a run has that nobody disturbs, up to where its console lets go.
fn undisturbed() -> u64 {
    let mut trial = Trial::new();
    trial.finish(trial.begin());
    trial.assert_whole();
    let records = trial.console.records();
    let end = records.iter().position(|record| record["type"] == "console_detached").unwrap();
    end as u64 + 1
}

#[test]
fn killed_at_every_record_and_resumed_nothing_is_lost_and_nothing_done_twice() {
    let wanted = std::env::var("CRASH_KILLS").map_or(100, |kills| kills.parse().unwrap());
    let last = undisturbed();
    let (next, kills, reattached) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, SeqCst);
                    if n >= last && kills.load(SeqCst) >= wanted {
                        return;
                    }
                    let (round, first) = (n / last, n % last + 1);
                    let mut trial = Trial::new();
                    assert!(!trial.until(trial.begin(), first), "record {first} was never there");
                    // Each round kills the recovery somewhere else.
                    let again = first + 1 + (first + round) % 5;
                    if !trial.until(trial.resume(), again) {
                        trial.finish(trial.resume());
                    }
                    trial.assert_whole();
                    kills.fetch_add(trial.kills, SeqCst);
                    let records = trial.console.records();
                    let found = |it: &Json| {
                        is(it, "unknown_resolved", "load") && it["body"]["as"] == "running"
                    };
                    reattached.fetch_add(u64::from(records.iter().any(found)), SeqCst);
                }
            });
        }
    });
    let (kills, trials) = (kills.into_inner(), next.into_inner() - AT_ONCE as u64);
    let reattached = reattached.into_inner();
    println!("{kills} kill points in {trials} runs; {reattached} found the child in flight");
    assert!(kills >= wanted && reattached > 0, "{kills} kills, {reattached} reattached");
}

/// Whatever is asked, the answer is 200.
fn answering() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    format!("http://{address}/")
}

/// The supervisor is killed as well, so that nobody saw the end: the probe is asked, else a person.
#[test]
fn a_child_that_nobody_saw_end_is_known_by_its_probe_or_a_person_decides() {
    let step = "steadyhand: 1\nid: lost\ntitle: Lost\nsteps:\n  - id: act\n    title: Act\n    \
                do: {shell: {run: 'echo acted >> \"$HOME/ledger\"'}}\n";
    let url = answering();
    let probe =
        format!("    probe: {{do: {{http: {{url: '{url}'}}}}, done: result.status == 200}}\n");
    for (runbook, code, resolved_by) in
        [(format!("{step}{probe}"), 0, Some("probe")), (step.to_owned(), 5, None)]
    {
        let console = Console::new(&runbook);
        let mut run = console.drill(&[]);
        let output = run.env("STEADYHAND_FAILPOINT", "supervisor:before_exit").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let records = console.records();
        let resolved = records.iter().find(|it| is(it, "unknown_resolved", "act"));
        let by = resolved.map(|it| it["body"]["resolved_by"].as_str().unwrap());
        assert_eq!(by, resolved_by);
        assert_eq!(text(&console.file("ledger")), "acted\n");
        // Looking at it once more, from another console, does not do it again.
        let again = console.steady(&["resume", "--auto"]).output().unwrap();
        let expected = if code == 0 { 2 } else { code };
        assert_eq!(again.status.code(), Some(expected), "{}", said(&again));
        assert_eq!(text(&console.file("ledger")), "acted\n");
    }
}

/// The connection is lost, or somebody stops the console: what it began goes on without it.
#[test]
fn a_console_that_is_told_to_go_leaves_its_child_at_work() {
    let runbook = "steadyhand: 1\nid: long\ntitle: Long\nsteps:\n  - id: act\n    title: Act\n    effect: destroys\n    \
                   guard: {type: loans}\n    do:\n      shell:\n        run: |\n          \
                   while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done\n          echo acted >> \"$HOME/ledger\"\n";
    for (signal, name) in
        [(Signal::HUP, "SIGHUP"), (Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")]
    {
        let console = Console::new(runbook);
        let first = console.drill(&["--allow-destructive"]).spawn().unwrap();
        eventually(|| {
            let journal = console.runs().first().map(|run| text(&run.join("journal.jsonl")))?;
            journal.contains("\"attempt_started\"").then_some(())
        });
        let pid = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let output = first.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", said(&output));
        let words = said(&output);
        assert!(words.contains(name) && words.contains("steady resume"), "{words}");
        let kinds: Vec<_> = console.records().iter().map(|it| it["type"].clone()).collect();
        assert!(kinds.contains(&"signal_received".into()), "{kinds:?}");

        std::fs::write(console.file("go"), "").unwrap();
        // No consent is asked for again: nothing is done again.
        let resumed = console.steady(&["resume", "--auto"]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
        assert_eq!(text(&console.file("ledger")), "acted\n");
        assert_eq!(assert_consented(&console.records())["act"], 1);
    }
}
