//! The PostgreSQL runbooks by keys alone at 80x24, against real clusters. What is in the databases
//! afterwards is looked at here, not taken from the screen.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::damage::{damaged, dumps, replicated};
use crate::services::postgres::PASSWORD;

const ORDERS: &str = "SELECT count(*), min(id), max(id) FROM orders";
const PAGE_DOWN: &str = "\x1b[6~";

/// From the command line to the first step.
fn begun(dir: &Path, runbook: &str, inputs: &[(&str, String)]) -> Terminal {
    let runbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut words = vec!["run".to_owned(), runbook.into(), "--mode".into(), "drill".into()];
    words.extend(["--runbooks".into(), runbooks.display().to_string()]);
    for (name, value) in inputs {
        words.extend(["-i".into(), format!("{name}={value}")]);
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut terminal = Terminal::steady(dir, &words, &[("PGPASSWORD", PASSWORD)]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal
}

/// What the console waits for a person to do.
#[derive(Debug, PartialEq)]
enum Turn {
    Over,
    Stuck,
    Run,
    Review,
}

fn turn(screen: &str) -> Option<Turn> {
    [
        ("─ Debrief ─", Turn::Over),
        ("FAILED", Turn::Stuck),
        ("UNKNOWN", Turn::Stuck),
        ("Run this?", Turn::Review),
        ("Enter review", Turn::Review),
        ("Enter run", Turn::Run),
    ]
    .into_iter()
    .find(|(text, _)| screen.contains(text))
    .map(|(_, turn)| turn)
}

/// Goes the straight path until the debrief, or until `stuck`; `phrase` is typed where one is asked for,
/// after a wrong one was refused.
fn walk(terminal: &mut Terminal, dir: &Path, phrase: &str) -> Turn {
    loop {
        terminal.wait_for("something to do", |screen| turn(screen).is_some());
        let before = records(dir).len();
        match turn(&terminal.screen()) {
            Some(Turn::Run) => {
                terminal.press(ENTER);
            }
            Some(Turn::Review) => review(terminal, dir, phrase),
            Some(end @ (Turn::Over | Turn::Stuck)) => return end,
            None => continue,
        }
        // A key that came before the request was prepared does nothing, and is pressed again.
        if soon(terminal, |_| records(dir).len() > before) {
            settled(terminal, dir);
        }
    }
}

/// Whether the screen or the journal becomes so within the time a person would wait before pressing again.
fn soon(terminal: &mut Terminal, good: impl Fn(&Terminal) -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    while !good(terminal) {
        if Instant::now() > deadline {
            return false;
        }
        terminal.take_in();
    }
    true
}

/// Waits until what was begun has come out.
fn settled(terminal: &mut Terminal, dir: &Path) {
    terminal.wait_record(dir, "of the outcome", |_| {
        let all = records(dir);
        let count = |kind: &str| all.iter().filter(|r| r["type"] == kind).count();
        count("guard_satisfied") == count("attempt_finished")
    });
    terminal.wait_for("what was recorded", |screen| {
        let shown = format!("journal ✓ {} ", records(dir).len());
        screen.contains("─ Debrief ─") || screen.contains(&shown)
    });
}

/// Reads the whole request, then consents as it asks.
fn review(terminal: &mut Terminal, dir: &Path, phrase: &str) {
    let open = |terminal: &Terminal| terminal.screen().contains("Run this?");
    if !open(terminal) {
        terminal.press(ENTER);
        if !soon(terminal, open) {
            return;
        }
    }
    while !terminal.screen().contains("── the end ──") {
        let before = terminal.screen();
        terminal.press(PAGE_DOWN);
        terminal.wait_for("more of the request", |screen| screen != before);
    }
    if !terminal.screen().contains("and Enter:") {
        terminal.confirm();
        return;
    }
    if !records(dir).iter().any(|r| r["type"] == "guard_refused") {
        terminal.press("wrong").press(ENTER);
        terminal.wait_record(dir, "of the refusal", |r| r["type"] == "guard_refused");
        terminal.wait_text("was typed where");
    }
    terminal.press(phrase).press(ENTER);
}

/// The run ends with its report; the record holds together. The JSON report.
fn end(terminal: &mut Terminal, dir: &Path) -> Json {
    terminal.wait_text("COMPLETED").press(ENTER);
    let status = terminal.wait_exit();
    assert!(status.success(), "{status:?}:\n{}", terminal.screen());
    assert!(!terminal.raw().contains(PASSWORD), "the password was on the screen");
    let run = run_dir(dir).unwrap();
    let verified = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["verify", run.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let reports = std::fs::read_dir(run.join("reports")).unwrap().flatten();
    let json =
        reports.map(|entry| entry.path()).find(|p| p.extension().is_some_and(|e| e == "json"));
    serde_json::from_str(&std::fs::read_to_string(json.unwrap()).unwrap()).unwrap()
}

#[test]
fn pitr_brings_back_what_was_deleted_and_nothing_that_came_after() {
    let Some(damaged) = damaged() else { return };
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "25|21|905");
    let mut terminal = begun(dir.path(), "postgres-pitr-wal", &damaged.inputs());
    let phrase = damaged.cluster.data.display().to_string();
    assert_eq!(walk(&mut terminal, dir.path(), &phrase), Turn::Over, "{}", terminal.screen());
    let report = end(&mut terminal, dir.path());
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "40|1|40");
    let refused =
        records(dir.path()).iter().filter(|r| is(r, "guard_refused", "set_aside")).count();
    assert_eq!(refused, 1, "the wrong name was refused first");
    let objectives = &report["objectives"];
    assert!(objectives["rto"]["actual_s"].as_i64().is_some_and(|s| s > 0), "{objectives}");
    assert_eq!(objectives["basis"], "achieved");
    let point = objectives["recovery_point"].as_str().unwrap();
    assert!(point.starts_with(&damaged.newest_good[..19]), "{point}");
}

#[test]
fn a_logical_restore_swaps_in_a_plain_and_a_custom_dump_and_refuses_a_tampered_one() {
    let Some(dumps) = dumps() else { return };
    for file in [&dumps.plain_gz, &dumps.custom] {
        let dir = tempfile::tempdir().unwrap();
        dumps.cluster.sql("shop", "TRUNCATE orders");
        let mut terminal = begun(dir.path(), "postgres-logical-restore", &dumps.inputs(file));
        assert_eq!(walk(&mut terminal, dir.path(), "shop"), Turn::Over, "{}", terminal.screen());
        end(&mut terminal, dir.path());
        assert_eq!(dumps.cluster.sql("shop", "SELECT count(*) FROM orders"), "500");
        dumps.cluster.sql("postgres", "DROP DATABASE shop_before_restore");
    }
    let inputs = dumps.inputs(&dumps.custom);
    let mut bytes = std::fs::read(&dumps.custom).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dumps.custom, bytes).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begun(dir.path(), "postgres-logical-restore", &inputs);
    assert_eq!(walk(&mut terminal, dir.path(), "shop"), Turn::Stuck, "{}", terminal.screen());
    terminal.wait_record(dir.path(), "of the refusal", |r| {
        is(r, "attempt_finished", "restore")
            && r["body"]["message"]
                .as_str()
                .is_some_and(|m| m.contains("it was changed or damaged"))
    });
}

#[test]
fn a_replica_is_promoted() {
    let Some(pair) = replicated() else { return };
    let dir = tempfile::tempdir().unwrap();
    let inputs = pair.inputs(&pair.stop_primary());
    let mut terminal = begun(dir.path(), "postgres-replica-promote", &inputs);
    assert_eq!(walk(&mut terminal, dir.path(), "127.0.0.1"), Turn::Over, "{}", terminal.screen());
    end(&mut terminal, dir.path());
    assert_eq!(pair.replica.sql("postgres", "SELECT pg_is_in_recovery()"), "f");
    pair.replica.sql("postgres", "INSERT INTO orders VALUES (41, now())");
    assert!(pair.primary.try_sql("postgres", "SELECT 1").is_err());
}
