//! The record of a run as the command line shows it.

use std::path::Path;
use std::process::{Command, Output};

fn steady(runs: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(args)
        .env("STEADYHAND_RUNS", runs)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_run_that_is_not_there_is_a_usage_error_that_says_where_it_was_looked_for() {
    let runs = tempfile::tempdir().unwrap();
    let out = steady(runs.path(), &["verify", "2026"]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stderr);
    assert!(said.contains("no run `2026` in") && said.contains("steady runs"), "{said}");
}
