//! Drills over time: what is overdue, the trend, two runs side by side, the chain of a host's runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use steadyhand::journal::sha256_hex;

use crate::services::console::{Console, said};
use crate::services::rewritten::{rewrite, shift};

const RUNBOOK: &str = r#"steadyhand: 1
id: rows-back
title: Bring the rows back
drill_every: 90d
objectives: {rto: 30m}
inputs:
  well: {type: boolean, default: true}
steps:
  - id: look
    title: Look
    do:
      shell: {run: 'test "$INPUT_WELL" = true'}
    effect: reads
    on_failure: continue
  - id: serve
    title: The service answers
    do:
      shell: {run: 'true'}
    effect: reads
    milestone: service_restored
"#;

const DAY: i64 = 86_400;

/// A home whose only runbook is in its catalogue.
fn home() -> Console {
    let console = Console::new(RUNBOOK);
    std::fs::create_dir(console.file("runbooks")).unwrap();
    std::fs::write(console.file("runbooks/rows-back.yaml"), RUNBOOK).unwrap();
    console
}

fn drill(console: &Console, args: &[&str]) -> PathBuf {
    let before: BTreeSet<PathBuf> = console.runs().into_iter().collect();
    let output = console.drill(args).output().unwrap();
    let new = console.runs().into_iter().find(|run| !before.contains(run));
    new.unwrap_or_else(|| panic!("{}", said(&output)))
}

fn ago(run: &Path, days: i64) {
    rewrite(run, |record| shift(record, -days * DAY));
}

fn name(run: &Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

fn answer(console: &Console, args: &[&str]) -> (Option<i32>, String) {
    let output = console.steady(args).output().unwrap();
    (output.status.code(), said(&output))
}

fn json_of(console: &Console, args: &[&str]) -> (Option<i32>, Json) {
    let output = console.steady(args).output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_scheduler_is_told_which_drills_are_overdue() {
    let console = home();
    let (code, text) = answer(&console, &["runs", "--overdue"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("rows-back: overdue; one is wanted every 90d, there was none"), "{text}");

    let old = drill(&console, &[]);
    let (code, text) = answer(&console, &["runs", "--overdue"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("no drill is overdue; 1 runbooks ask for drills"), "{text}");

    ago(&old, 100);
    // One that did not pass changes nothing.
    let failed = drill(&console, &["-i", "well=false"]);
    let (code, late) = json_of(&console, &["runs", "--overdue", "--json"]);
    assert_eq!(code, Some(1), "{late}");
    let late = &late["overdue"][0];
    assert_eq!((&late["id"], &late["overdue"]), (&json!("rows-back"), &json!(true)), "{late}");
    assert_eq!(late["last"]["run"], name(&failed), "{late}");
    assert_eq!(late["last_passed"]["run"], name(&old), "{late}");
    let since = late["overdue_since"].as_str().unwrap();
    let (_, text) = answer(&console, &["runs", "--overdue"]);
    assert!(text.contains(&format!("overdue since {}", &since[..10])), "{text}");

    let (code, text) = answer(&console, &["runs"]);
    assert_eq!(code, Some(0), "the list alone is no alarm: {text}");
    let line = text.lines().find(|line| line.starts_with("rows-back ")).unwrap();
    assert!(line.contains("failed") && line.contains("OVERDUE since"), "{line}");
    let (_, listed) = answer(&console, &["list"]);
    assert!(listed.contains("OVERDUE"), "{listed}");

    std::fs::write(console.file("runbooks/rows-back.yaml"), "steadyhand: 1\n").unwrap();
    let (code, text) = answer(&console, &["runs", "--overdue"]);
    assert_eq!(code, Some(1), "what cannot be judged is not passed over: {text}");
    assert!(text.contains("nobody can tell"), "{text}");
    let (code, text) = answer(&console, &["--runbooks", "nowhere", "runs", "--overdue"]);
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn two_runs_are_set_side_by_side() {
    let console = home();
    let one = drill(&console, &[]);
    let changed = RUNBOOK.replace("  - id: serve", "  - id: warm\n    title: Warm up\n    do:\n      shell: {run: 'true'}\n    effect: reads\n  - id: serve");
    std::fs::write(console.file("runbook.yaml"), &changed).unwrap();
    let hash = sha256_hex(changed.as_bytes());
    let other = drill(&console, &["-i", "well=false", "--accept-runbook", &hash[..12]]);
    let (one, other) = (name(&one), name(&other));

    let (code, compared) = json_of(&console, &["compare", &one, &other, "--json"]);
    assert_eq!(code, Some(0), "{compared}");
    let steps = compared["steps"].as_array().unwrap();
    let ids: Vec<_> = steps.iter().map(|step| step["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["look", "warm", "serve"]);
    assert_eq!(steps[0]["runs"][0]["outcome"], "succeeded");
    assert_eq!(steps[0]["runs"][1]["outcome"], "failed");
    assert_eq!(steps[0]["runs"][1]["deviations"], json!(["failed, went on"]));
    assert_eq!(steps[1]["runs"][0], Json::Null);
    assert_eq!(compared["runs"][0]["passed"], true);
    assert_eq!(compared["runs"][1]["passed"], false);

    let (code, text) = answer(&console, &["compare", &one, &other]);
    assert_eq!(code, Some(0), "{text}");
    for expected in [
        "completed, not passed",
        "no such step",
        "2: failed, went on",
        "+  - id: warm",
        "waiting for a person",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    std::fs::write(console.file("runbook.yaml"), RUNBOOK.replace("rows-back", "another")).unwrap();
    let third = name(&drill(&console, &[]));
    for (args, why) in [
        ([&*one, &*third], "is a run of rows-back"),
        ([&*one, &*one], "is the same run twice"),
        ([&*one, "2031"], "no run `2031` in"),
    ] {
        let (code, text) = answer(&console, &["compare", args[0], args[1]]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(why), "{text}");
    }
}

/// The run before each.
fn before(runs: &[PathBuf]) -> Vec<Option<String>> {
    let first = |run: &PathBuf| {
        let journal = std::fs::read_to_string(run.join("journal.jsonl")).unwrap();
        let first: Json = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
        first["body"]["previous"]["run"].as_str().map(str::to_owned)
    };
    runs.iter().map(first).collect()
}

#[test]
fn runs_that_begin_at_once_are_one_chain() {
    let console = home();
    drill(&console, &[]);
    let at_once: Vec<_> = (0..6).map(|_| console.drill(&[]).spawn().unwrap()).collect();
    for child in at_once {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    let last = name(&drill(&console, &[]));
    let runs = console.runs();
    let named: BTreeSet<String> = before(&runs).into_iter().flatten().collect();
    assert_eq!(runs.len(), 8);
    assert_eq!(named.len(), 7, "each but the last is named, and each once: {named:?}");
    assert!(!named.contains(&last), "{named:?}");
}

#[test]
fn a_run_that_is_taken_away_or_replaced_shows() {
    let console = home();
    let runs: Vec<PathBuf> = (0..3).map(|_| drill(&console, &[])).collect();
    let problem = |run: &Path| {
        let (_, listed) = json_of(&console, &["runs", "--json"]);
        let listed = listed["runs"].as_array().unwrap().clone();
        let found = listed.into_iter().find(|listed| listed["run"] == name(run)).unwrap();
        found["problem"].as_str().map(str::to_owned)
    };
    assert_eq!(runs.iter().map(|run| problem(run)).collect::<Vec<_>>(), [None, None, None]);
    ago(&runs[0], 1);
    assert!(problem(&runs[1]).unwrap().contains("is not as it was then"));
    std::fs::remove_dir_all(&runs[1]).unwrap();
    assert!(problem(&runs[2]).unwrap().contains(&format!("{}, is not here", name(&runs[1]))));
    let (_, text) = answer(&console, &["runs"]);
    assert!(text.contains("is not here"), "{text}");
}
