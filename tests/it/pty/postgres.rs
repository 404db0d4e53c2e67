//! The PostgreSQL runbooks by keys alone at 80x24, against real clusters. What is in the databases
//! afterwards is looked at here, not taken from the screen.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::walk::{self, Turn, walk};
use super::{ENTER, Terminal, is, records};
use crate::services::damage::{damaged, dumps, replicated};
use crate::services::postgres::PASSWORD;

const ORDERS: &str = "SELECT count(*), min(id), max(id) FROM orders";

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

/// The run ends with its report, and the password was never on the screen. The JSON report.
fn end(terminal: &mut Terminal, dir: &Path) -> Json {
    let report = walk::end(terminal, dir);
    assert!(!terminal.raw().contains(PASSWORD), "the password was on the screen");
    report
}

#[test]
fn pitr_brings_back_what_was_deleted_and_nothing_that_came_after() {
    let Some(damaged) = damaged() else { return };
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "25|21|905");
    let mut terminal = begun(dir.path(), "postgres-pitr-wal", &damaged.inputs());
    let phrase = damaged.cluster.data.display().to_string();
    assert_eq!(walk(&mut terminal, dir.path(), Some(&phrase)), Turn::Over, "{}", terminal.screen());
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
        assert_eq!(
            walk(&mut terminal, dir.path(), Some("shop")),
            Turn::Over,
            "{}",
            terminal.screen()
        );
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
    assert_eq!(walk(&mut terminal, dir.path(), Some("shop")), Turn::Stuck, "{}", terminal.screen());
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
    assert_eq!(
        walk(&mut terminal, dir.path(), Some("127.0.0.1")),
        Turn::Over,
        "{}",
        terminal.screen()
    );
    end(&mut terminal, dir.path());
    assert_eq!(pair.replica.sql("postgres", "SELECT pg_is_in_recovery()"), "f");
    pair.replica.sql("postgres", "INSERT INTO orders VALUES (41, now())");
    assert!(pair.primary.try_sql("postgres", "SELECT 1").is_err());
}
