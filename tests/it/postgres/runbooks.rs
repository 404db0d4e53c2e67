//! The three PostgreSQL runbooks, run whole and unattended; what is in the databases afterwards is looked
//! at here, not taken from the run's own word.

use std::path::Path;
use std::process::Command;

use crate::services::damage::{damaged, dumps, replicated};
use crate::services::postgres::PASSWORD;

/// How an unattended run came out.
struct Run {
    exit: Option<i32>,
    /// The journal's records and the closing line.
    records: Vec<serde_json::Value>,
    stderr: String,
}

impl Run {
    /// Runs a shipped runbook with these inputs.
    fn of(runbook: &str, inputs: &[(&str, String)]) -> Self {
        let runs = tempfile::tempdir().unwrap();
        let mut steady = Command::new(env!("CARGO_BIN_EXE_steady"));
        steady
            .args(["run", runbook, "--auto", "--allow-destructive", "--mode", "drill", "--json"])
            .arg("--runs")
            .arg(runs.path())
            .arg("--runbooks")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks"))
            .env("PGPASSWORD", PASSWORD);
        for (name, value) in inputs {
            steady.arg("-i").arg(format!("{name}={value}"));
        }
        let output = steady.output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(!stdout.contains(PASSWORD), "the password is in the journal");
        Self {
            exit: output.status.code(),
            records: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn completed(&self) {
        assert_eq!(self.exit, Some(0), "{}\n{}", self.told(), self.stderr);
    }

    /// The run did not complete; the message of the attempt of `step` that failed.
    fn failed_at(&self, step: &str) -> String {
        assert_ne!(self.exit, Some(0), "{}", self.told());
        let failed = self
            .finished()
            .find(|record| record["step"] == step && record["body"]["outcome"] != "succeeded");
        let Some(failed) = failed else { panic!("{step} did not fail:\n{}", self.told()) };
        failed["body"]["message"].as_str().unwrap().to_owned()
    }

    /// What `step` saved.
    fn saved(&self, step: &str) -> serde_json::Value {
        let found = self.finished().filter(|record| record["step"] == step).last();
        found.map(|record| record["body"]["saved"].clone()).unwrap_or_default()
    }

    fn finished(&self) -> impl Iterator<Item = &serde_json::Value> {
        self.records.iter().filter(|record| record["type"] == "attempt_finished")
    }

    fn told(&self) -> String {
        self.finished()
            .map(|record| {
                let body = &record["body"];
                format!(
                    "{}: {} {} {}\n",
                    record["step"], body["outcome"], body["message"], body["expectations"]
                )
            })
            .collect()
    }
}

fn with(
    mut inputs: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    inputs.retain(|(key, _)| *key != name);
    inputs.push((name, value.to_owned()));
    inputs
}

const ORDERS: &str = "SELECT count(*), min(id), max(id) FROM orders";

#[test]
fn pitr_brings_back_what_was_deleted_and_nothing_that_came_after() {
    let Some(damaged) = damaged() else { return };
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "25|21|905");
    let run = Run::of("postgres-pitr-wal", &damaged.inputs());
    run.completed();
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "40|1|40");
    // The newest backup was taken after the damage; the one before it is the right one.
    assert!(
        run.saved("base")["dir"].as_str().unwrap().ends_with("/base-2"),
        "{}",
        run.saved("base")
    );
    // The recovery point that the run says it achieved is the last good row's.
    let newest = run.saved("rows")["newest"].to_string();
    assert!(newest.contains(&damaged.newest_good[..19]), "{newest}");
    // The damaged directory is still there, the settings are not.
    let home = damaged.cluster.home.path();
    let aside = std::fs::read_dir(home)
        .unwrap()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("data.before-"));
    assert!(aside);
    let conf = std::fs::read_to_string(damaged.cluster.data.join("postgresql.auto.conf")).unwrap();
    assert!(!conf.contains("recovery_target"), "{conf}");
    damaged.cluster.sql("postgres", "INSERT INTO orders VALUES (41, 'after')");
}

#[test]
fn pitr_refuses_a_moment_that_the_archive_does_not_reach() {
    let Some(damaged) = damaged() else { return };
    let late = damaged.cluster.sql("postgres", "SELECT now() + interval '1 hour'");
    let late = late.replace(' ', "T").replace("+00", "Z");
    let run = Run::of("postgres-pitr-wal", &with(damaged.inputs(), "restore_to", &late));
    let said = run.failed_at("reach");
    assert!(said.contains("does not reach"), "{said}");
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "25|21|905");

    // Without the look ahead PostgreSQL itself refuses, and its log is explained.
    let blind = with(with(damaged.inputs(), "restore_to", &late), "check_wal", "false");
    let said = Run::of("postgres-pitr-wal", &blind).failed_at("replay");
    assert!(said.contains("the WAL ended before") && said.contains("undo"), "{said}");
}

#[test]
fn pitr_refuses_a_gap_in_the_wal_and_a_moment_before_the_first_backup() {
    let Some(damaged) = damaged() else { return };
    let early = with(damaged.inputs(), "restore_to", "2020-01-01T00:00:00Z");
    let said = Run::of("postgres-pitr-wal", &early).failed_at("base");
    assert!(said.contains("fetch an older one"), "{said}");

    // The segment that holds the last good commit, which the server does not have any more either.
    let history = damaged.backups.join("base-2/backup_label");
    let label = std::fs::read_to_string(history).unwrap();
    let segment = label.split("(file ").nth(1).unwrap().split(')').next().unwrap();
    let next =
        damaged.segments().into_iter().find(|path| path.file_name().unwrap() > segment).unwrap();
    let name = next.file_name().unwrap();
    std::fs::remove_file(&next).unwrap();
    drop(std::fs::remove_file(damaged.cluster.data.join("pg_wal").join(name)));
    let said = Run::of("postgres-pitr-wal", &damaged.inputs()).failed_at("reach");
    assert!(said.contains("WAL gap") && said.contains("find that segment"), "{said}");
    assert_eq!(damaged.cluster.sql("postgres", ORDERS), "25|21|905");
}

#[test]
fn a_logical_restore_swaps_in_what_the_dump_holds() {
    let Some(dumps) = dumps() else { return };
    for file in [&dumps.plain_gz, &dumps.custom] {
        dumps.cluster.sql("shop", "TRUNCATE orders");
        dumps.cluster.sql("shop", "INSERT INTO audit VALUES (1, 'after the dump')");
        let run = Run::of("postgres-logical-restore", &dumps.inputs(file));
        run.completed();
        assert_eq!(dumps.cluster.sql("shop", "SELECT count(*) FROM orders"), "500");
        assert_eq!(dumps.cluster.sql("shop", "SELECT count(*) FROM audit"), "0");
        let old = "SELECT datallowconn FROM pg_database WHERE datname = 'shop_before_restore'";
        assert_eq!(dumps.cluster.sql("postgres", old), "f");
        dumps.cluster.sql("postgres", "DROP DATABASE shop_before_restore");
    }
}

#[test]
fn a_tampered_dump_leaves_the_damaged_database_where_it_is() {
    let Some(dumps) = dumps() else { return };
    let inputs = dumps.inputs(&dumps.custom);
    let mut bytes = std::fs::read(&dumps.custom).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dumps.custom, bytes).unwrap();
    let run = Run::of("postgres-logical-restore", &inputs);
    let said = run.failed_at("restore");
    assert!(said.contains("it was changed or damaged"), "{said}");
    dumps.cluster.sql("postgres", "ALTER DATABASE shop ALLOW_CONNECTIONS true");
    assert_eq!(dumps.cluster.sql("shop", "SELECT count(*) FROM orders"), "500");
    let empty = dumps.cluster.sql(
        "shop_restore",
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    );
    assert_eq!(empty, "0");
}

#[test]
fn a_replica_takes_over_only_when_the_old_primary_is_fenced() {
    let Some(pair) = replicated() else { return };
    let (primary, replica) = (&pair.primary, &pair.replica);
    let said = Run::of("postgres-replica-promote", &pair.inputs("true")).failed_at("fenced");
    assert!(said.contains("still answers: fence it"), "{said}");
    assert_eq!(replica.sql("postgres", "SELECT pg_is_in_recovery()"), "t");

    let run = Run::of("postgres-replica-promote", &pair.inputs(&pair.stop_primary()));
    run.completed();
    assert_eq!(replica.sql("postgres", "SELECT pg_is_in_recovery()"), "f");
    assert_eq!(replica.sql("postgres", "SELECT count(*) FROM orders"), "40");
    replica.sql("postgres", "INSERT INTO orders VALUES (41, now())");
    assert!(primary.try_sql("postgres", "SELECT 1").is_err());
}
