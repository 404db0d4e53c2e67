//! The clock of the outage end to end: declared before the console started, over a reboot, and under a wall
//! clock that was set while no console looked.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;

use crate::services::console::{Console, said};
use crate::services::rewritten::{rewrite, shift};

const RUNBOOK: &str = r#"steadyhand: 1
id: twice
title: Twice
objectives: {rto: 2h}
escalation:
  - {after: 10m, to: Database lead, contact: db-oncall}
  - {after: 40m, to: Head of engineering, contact: eng}
  - {after: 90m, to: Board, contact: board}
steps:
  - id: one
    title: One
    do:
      shell: {run: 'true'}
    effect: reads
  - id: two
    title: Two
    do:
      shell: {run: 'true'}
    effect: reads
    milestone: service_restored
"#;

const HOUR: i64 = 3_600;
const EARLIER: [&str; 2] = ["--outage-start", "12m ago"];

/// A run that was killed after its first step; its directory.
fn half_way(console: &Console) {
    let whole = Console::new(RUNBOOK);
    assert!(whole.drill(&EARLIER).output().unwrap().status.success());
    let done = |record: &Json| record["type"] == "attempt_finished";
    let at = whole.records().iter().find(|r| done(r)).unwrap()["seq"].as_u64().unwrap();
    let drill = crate::services::console::fails_at(console.drill(&EARLIER), at);
    let output = { drill }.output().unwrap();
    assert!(!output.status.success(), "{}", said(&output));
}

fn resume(console: &Console) {
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

fn moment(at: &Json) -> DateTime<Utc> {
    at.as_str().unwrap().parse().unwrap()
}

fn of_type<'a>(records: &'a [Json], kind: &str) -> Vec<&'a Json> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

/// The actual recovery time as `steady runs` has it, and what the report says of the clock.
fn told(console: &Console, run: &Path) -> (i64, String) {
    let output = console.steady(&["runs", "--json"]).output().unwrap();
    let listed: Json = serde_json::from_slice(&output.stdout).unwrap();
    let actual = listed["runs"][0]["rto"]["actual_s"].as_i64().unwrap();
    let id = run.file_name().unwrap().to_str().unwrap();
    let out = console.file("report");
    let args = ["export", id, "--format", "json", "-o", out.to_str().unwrap()];
    let output = console.steady(&args).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let report = std::fs::read(out.join(format!("{id}.json"))).unwrap();
    let report: Json = serde_json::from_slice(&report).unwrap();
    (actual, report["time"]["clock"].as_str().unwrap().to_owned())
}

#[test]
fn a_reboot_half_way_leaves_the_clock_right_and_unverified() {
    let console = Console::new(RUNBOOK);
    half_way(&console);
    // The first half was in another boot, that ended 40 minutes ago.
    rewrite(&console.run(), |record| {
        shift(record, -2_400);
        record["boot"] = "11111111-2222-3333-4444-555555555555".into();
        let mono: i128 = record["mono"].as_str().unwrap().parse().unwrap();
        record["mono"] = (mono + 7_777_000_000_000).to_string().into();
    });
    resume(&console);
    let records = console.records();
    let restored = of_type(&records, "milestone_reached")[0];
    let passed = moment(&restored["at"]) - moment(&records[0]["body"]["outage_start"]);
    let (actual, clock) = told(&console, &console.run());
    assert!((actual - passed.num_seconds()).abs() <= 1, "{actual} s, {passed}");
    assert!((3_120..3_180).contains(&actual), "12 and 40 minutes: {actual} s");
    assert_eq!(clock, "wall clock, unverified");
    let due: Vec<_> =
        of_type(&records, "escalation_due").iter().map(|r| r["body"]["to"].clone()).collect();
    assert_eq!(due, ["Database lead", "Head of engineering"], "by the same clock");
}

#[test]
fn a_wall_clock_that_is_set_by_an_hour_either_way_moves_nothing() {
    for hours in [1, -1] {
        let console = Console::new(RUNBOOK);
        half_way(&console);
        // What was written before the clock was set stands an hour off.
        rewrite(&console.run(), |record| shift(record, hours * HOUR));
        resume(&console);
        let records = console.records();
        let set = of_type(&records, "clock_step")[0]["body"]["by_ms"].as_i64().unwrap();
        assert!((set + hours * HOUR * 1000).abs() < 1_000, "{set}");
        let mono = |record: &Json| record["mono"].as_str().unwrap().parse::<i64>().unwrap();
        let restored = of_type(&records, "milestone_reached")[0];
        let ran = (mono(restored) - mono(&records[0])) / 1_000_000_000;
        let (actual, clock) = told(&console, &console.run());
        assert!((actual - 720 - ran).abs() <= 1, "{actual} s, ran {ran} s");
        assert_eq!(clock, "boot clock");
    }
}
