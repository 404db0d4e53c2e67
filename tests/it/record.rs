//! The record of a run as the command line shows it: `runs`, `verify`, `export`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use steadyhand::engine::event::{AttemptFinished, Consent, Ending, Previous, RunStarted};
use steadyhand::engine::{AttemptId, Event, Fact, Mode, Outcome, Part, Stamp};
use steadyhand::journal::{self, Journal, NewRun, create_run, sha256_hex};
use steadyhand::runbook::{Milestone, Value};

const RUNBOOK: &[u8] = br#"steadyhand: 1
id: rows-back
title: Bring the rows back
objectives: {rto: 30m, rpo: 5m}
recovery_point: "${{ steps.rows.newest_row }}"
steps:
  - id: rows
    title: Look at the rows
    effect: reads
    do:
      shell: {run: "true"}
    save: {newest_row: "timestamp(result.stdout)"}
    milestone: service_restored
    verifies: data
"#;
const BY: &str = "alice@bastion-1";

fn steady(runs: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(args)
        .env("STEADYHAND_RUNS", runs)
        .current_dir(runs)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn stamp(n: u64) -> Stamp {
    let start: DateTime<Utc> = "2026-11-21T03:10:00Z".parse().unwrap();
    let seconds = i64::try_from(n).unwrap();
    Stamp { at: start + TimeDelta::seconds(seconds), boot: "b".into(), mono: n * 1_000_000_000 }
}

/// Begins a run of [`RUNBOOK`].
fn begin(runs: &Path, run: &str, previous: Option<Previous>) -> Journal {
    let started = RunStarted {
        run: run.into(),
        runbook: "rows-back".into(),
        runbook_sha256: sha256_hex(RUNBOOK),
        settings_sha256: None,
        included: [].into(),
        mode: Mode::Drill,
        speed: None,
        phrase: None,
        targets: None,
        environment: None,
        pins: BTreeMap::new(),
        tool: "0.1.0".into(),
        operator: BY.into(),
        identity: "self-declared".into(),
        incident: None,
        organisation: None,
        outage_start: "2026-11-21T03:00:00Z".parse().unwrap(),
        inputs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        env: BTreeMap::new(),
        auto: true,
        practice: false,
        seen: None,
        previous,
        signing: None,
        anchor: None,
    };
    let new =
        NewRun { runs, id: run, runbook: RUNBOOK, settings: None, included: &[], shared: false };
    let first = Event::run(Fact::RunStarted(Box::new(started)));
    let mut journal = create_run(&new, stamp(0), BY, vec![first]).unwrap().journal;
    let attached = Fact::ConsoleAttached { pid: 7, tool: "0.1.0".into() };
    journal.append(stamp(1), BY, Event::run(attached)).unwrap();
    journal
}

/// A whole run, passed; its directory.
fn passed(runs: &Path, run: &str, previous: Option<Previous>) -> PathBuf {
    let mut journal = begin(runs, run, previous);
    let id = AttemptId { step: "rows".into(), number: 1, of: Part::Do };
    let newest = Value::Timestamp("2026-11-21T02:58:00Z".parse().unwrap());
    let events = [
        Event::step(
            "rows",
            Fact::GuardSatisfied { part: Part::Do, consent: Consent::Auto, request: "d".into() },
        ),
        Event::attempt(
            &id,
            Fact::AttemptIntended {
                request: json!({"action": "shell", "args": {"run": "true"}}),
                digest: "d".into(),
                token: "t".into(),
            },
        ),
        Event::attempt(
            &id,
            Fact::AttemptFinished(Box::new(AttemptFinished {
                outcome: Outcome::Succeeded,
                message: "exit status 0".into(),
                result: Value::Null,
                expectations: vec![],
                saved: BTreeMap::from([("newest_row".into(), newest)]),
                output: None,
            })),
        ),
        Event::step(
            "rows",
            Fact::MilestoneReached { milestone: Milestone::ServiceRestored, reason: None },
        ),
        Event::run(Fact::RunFinished { ending: Ending::Completed, reason: None }),
    ];
    for (event, n) in events.into_iter().zip(2..) {
        journal.append(stamp(n), BY, event).unwrap();
    }
    journal.dir().to_owned()
}

#[test]
fn a_run_that_is_not_there_is_a_usage_error_that_says_where_it_was_looked_for() {
    let runs = tempfile::tempdir().unwrap();
    for command in ["verify", "export"] {
        let out = steady(runs.path(), &[command, "2026"]);
        assert_eq!(out.status.code(), Some(2), "{command}");
        let said = text(&out.stderr);
        assert!(said.contains("no run `2026` in") && said.contains("steady runs"), "{said}");
    }
}

#[test]
fn runs_lists_the_newest_first_with_objectives_and_what_is_wrong() {
    let runs = tempfile::tempdir().unwrap();
    let runs = runs.path();
    let before = Previous { run: "20261101T031000Z-rows-back-gone".into(), head: "00".into() };
    let old = passed(runs, "20261121T031000Z-rows-back-0001", Some(before));
    begin(runs, "20261121T041000Z-rows-back-0002", None);
    let bad = passed(runs, "20261121T051000Z-rows-back-0003", None);
    fs::write(bad.join("runbook.yaml"), "steadyhand: 1\n").unwrap();

    let out = steady(runs, &["runs", "--json"]);
    assert!(out.status.success());
    let listed: Json = serde_json::from_slice(&out.stdout).unwrap();
    let listed = listed["runs"].as_array().unwrap();
    let outcomes: Vec<_> = listed.iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["unreadable", "unfinished", "completed"]);
    let first = &listed[2];
    assert_eq!(first["run"], old.file_name().unwrap().to_str().unwrap());
    assert_eq!(first["runbook"], "rows-back");
    assert_eq!(first["mode"], "drill");
    assert_eq!(first["started"], "2026-11-21T03:10:00Z");
    assert_eq!(first["passed"], true);
    assert_eq!(first["rto"], json!({"target_s": 1800, "actual_s": 605, "met": true}));
    assert_eq!(first["rpo"], json!({"target_s": 300, "actual_s": 120, "met": true}));
    assert_eq!(first["deviations"], 0);
    assert!(first["problem"].as_str().unwrap().contains("rows-back-gone, is not here"));
    assert!(listed[0]["problem"].as_str().unwrap().contains("steady verify"), "{}", listed[0]);

    fs::create_dir(runs.join("runbooks")).unwrap();
    fs::write(runs.join("runbooks/rows-back.yaml"), RUNBOOK).unwrap();
    let out = steady(runs, &["list", "--json"]);
    let listed: Json = serde_json::from_slice(&out.stdout).unwrap();
    let drill = &listed["runbooks"][0]["last_drill"];
    assert_eq!(drill, "2026-11-21T03:10:06Z", "the last passed drill: {listed}");

    let table = text(&steady(runs, &["runs"]).stdout);
    assert!(table.contains("10m5s/30m ok"), "{table}");
    assert!(table.contains("passed"), "{table}");
}

#[test]
fn verify_tells_the_findings_apart_by_exit_status_and_in_one_sentence() {
    let runs = tempfile::tempdir().unwrap();
    let runs = runs.path();
    let run = "20261121T031000Z-rows-back-0001";
    let log = passed(runs, run, None).join(journal::JOURNAL);
    let whole = fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    let edited = whole.replacen("exit status 0", "exit status 9", 1);
    let cases = [
        (whole.clone(), 0, "consistent, unsigned: 7 records"),
        (edited, 6, "modified: record 5 or 6 was changed"),
        (whole[..whole.len() - 9].to_owned(), 7, "truncated: record 7: it has no end"),
        (lines[..6].concat(), 8, "incomplete: no record after 6 says that the run finished"),
    ];
    for (bytes, code, sentence) in cases {
        fs::write(&log, bytes).unwrap();
        let out = steady(runs, &["verify", "20261121"]);
        let said = text(&out.stdout);
        assert_eq!(out.status.code(), Some(code), "{said}");
        assert!(said.starts_with(&format!("{run}: {sentence}")), "{said}");
        let out = steady(runs, &["verify", run, "--json"]);
        let verdict: Json = serde_json::from_slice(&out.stdout).unwrap();
        for key in ["run", "result", "records", "head", "signatures", "problems"] {
            assert!(verdict.get(key).is_some(), "{key}: {verdict}");
        }
    }
    fs::write(&log, &whole).unwrap();
    let previous = Previous { run: run.into(), head: "00".repeat(32) };
    passed(runs, "20261122T031000Z-rows-back-0002", Some(previous));
    let out = steady(runs, &["verify", run]);
    assert_eq!(out.status.code(), Some(9), "{}", text(&out.stdout));
}

#[test]
fn export_writes_the_report_into_the_run_or_where_it_is_told() {
    let runs = tempfile::tempdir().unwrap();
    let runs = runs.path();
    let run = "20261121T031000Z-rows-back-0001";
    let dir = passed(runs, run, None);
    let out = steady(runs, &["export", run, "--operator", "bob@desk"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let reports = dir.join("reports");
    assert_eq!(
        text(&out.stdout),
        format!("{0}/{run}.md\n{0}/{run}.html\n{0}/{run}.json\n{0}/{run}.csv\n", reports.display())
    );
    let report: Json =
        serde_json::from_slice(&fs::read(reports.join(format!("{run}.json"))).unwrap()).unwrap();
    assert_eq!(report["verdicts"]["passed"], true);
    assert_eq!(report["objectives"]["rto"]["actual_s"], 605);
    assert_eq!(report["objectives"]["basis"], "achieved");
    assert_eq!(report["integrity"]["verified"], "consistent, unsigned");
    let page = fs::read_to_string(reports.join(format!("{run}.md"))).unwrap();
    assert!(page.starts_with("# After-action report: Bring the rows back\n"), "{page}");

    let records = journal::read(&dir).unwrap().records;
    let told: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.event.fact {
            Fact::Exported { file, sha256, .. } => {
                Some((r.by.as_str(), file.as_str(), sha256.clone()))
            }
            _ => None,
        })
        .collect();
    let file = format!("reports/{run}.md");
    assert_eq!(told.len(), 4);
    assert_eq!(told[0], ("bob@desk", file.as_str(), sha256_hex(page.as_bytes())));
    assert_eq!(steady(runs, &["verify", run]).status.code(), Some(0));

    // Somebody else has the journal: the report is written all the same.
    let held = Journal::open(&dir).unwrap();
    let elsewhere = runs.join("a/b");
    let out = steady(runs, &["export", run, "--format", "json", "-o", "a/b"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let said = text(&out.stderr);
    assert!(said.contains("does not tell of this report") && said.contains("held by"), "{said}");
    assert_eq!(held.records, records);
    let names: Vec<_> = fs::read_dir(&elsewhere).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, [format!("{run}.json").as_str()]);

    let out = steady(runs, &["export", run, "--format", "pdf"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("md, html, json, csv"), "{}", text(&out.stderr));
}
