//! What can be known before anything runs: `steady list` and `steady show`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

const RUNBOOK: &str = r#"
steadyhand: 1
id: aurora-pitr
title: Aurora PostgreSQL, restore to a point in time
objectives: {rto: 30m, rpo: 5m}
tags: [postgres, aurora]
drill_every: 90d
inputs:
  source_cluster: {type: string, pattern: "[a-z][a-z0-9-]{0,62}", env: RDS_CLUSTER_ID}
  target_cluster: {type: string, default: "${{ inputs.source_cluster + '-restored' }}"}
  restore_to:     {type: timestamp, help: "The last good moment"}
  smoke_url:      {type: url, default: "https://loans.example/health"}
  db_password:    {type: secret, env: PGPASSWORD}
recovery_point: "${{ steps.verify.newest_row }}"
steps:
  - id: window
    title: Is the moment restorable?
    do:
      rds.describe_cluster: {cluster: "${{ inputs.source_cluster }}"}
    expect:
      - result.earliest_restorable_time <= inputs.restore_to
      - inputs.restore_to <= result.latest_restorable_time
    save: {engine: result.engine}
  - id: stop_writers
    title: Stop the writers
    do:
      shell:
        run: |
          kubectl -n loans scale deploy/api --replicas=0
          kubectl -n loans rollout status deploy/api
    env: {ENGINE: "${{ steps.window.engine }}", PGPASSWORD: "${{ inputs.db_password }}"}
    milestone: writes_stopped
  - id: restore
    title: "Restore ${{ inputs.target_cluster }}"
    do:
      rds.restore_cluster_to_point_in_time:
        source: "${{ inputs.source_cluster }}"
        target: "${{ inputs.target_cluster }}"
        to: "${{ inputs.restore_to }}"
    guard: {type: "${{ inputs.target_cluster }}"}
  - id: verify
    title: The newest row
    do:
      shell: {argv: [psql, -Atc, "select max(at) from loans"]}
    effect: reads
    save: {newest_row: "timestamp(result.stdout)"}
  - id: smoke
    title: The service answers
    when: inputs.smoke_url != 'https://none.example/'
    do:
      http:
        url: "${{ inputs.smoke_url }}"
        headers: {authorization: "Bearer ${{ inputs.db_password }}"}
        poll: {every: 5s, for: 10m}
    milestone: service_restored
"#;

const SETTINGS: &str = "
steadyhand: 1
environments:
  production:
    mode: live
    inputs: {source_cluster: loanserve, of_another_runbook: x}
";

/// A working directory with the runbook, a broken one and settings.
fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("runbooks")).unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("runbooks/aurora.yaml", RUNBOOK);
    write(
        "runbooks/broken.yaml",
        &RUNBOOK.replace("aurora-pitr", "broken").replace("guard", "gaurd"),
    );
    write("steadyhand.yaml", SETTINGS);
    dir
}

fn steady(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .env("PGPASSWORD", "a canary that must not be seen")
        .output()
        .unwrap()
}

fn printed(out: &Output) -> String {
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn refused(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(out.stdout.is_empty(), "{out:?}");
    String::from_utf8(out.stderr.clone()).unwrap()
}

const GIVEN: [&str; 6] =
    ["show", "aurora-pitr", "--env", "production", "-i", "restore_to=2026-11-21 03:54+01:00"];

#[test]
fn the_list_has_the_good_and_the_broken() {
    let dir = place();
    insta::assert_snapshot!(printed(&steady(dir.path(), &["list"])));
    let json: Json =
        serde_json::from_str(&printed(&steady(dir.path(), &["list", "--json"]))).unwrap();
    let runbooks = json["runbooks"].as_array().unwrap();
    assert_eq!(runbooks[0]["id"], "aurora-pitr");
    assert_eq!(runbooks[0]["objectives"]["rto_s"], 1800);
    assert_eq!(runbooks[0]["last_drill"], Json::Null);
    assert_eq!(runbooks[1]["broken"], "1 problem");
}

#[test]
fn the_plan_shows_what_each_step_would_run() {
    let dir = place();
    let plan = printed(&steady(dir.path(), &GIVEN));
    assert!(!plan.contains("canary"));
    insta::assert_snapshot!(plan);
}

#[test]
fn the_plan_as_json() {
    let dir = place();
    let mut args = GIVEN.to_vec();
    args.push("--json");
    let json: Json = serde_json::from_str(&printed(&steady(dir.path(), &args))).unwrap();
    insta::assert_json_snapshot!(json);
}

#[test]
fn without_inputs_the_plan_shows_templates_and_what_to_give() {
    let dir = place();
    insta::assert_snapshot!(printed(&steady(dir.path(), &["show", "runbooks/aurora.yaml"])));
}

#[test]
fn what_is_wrong_with_the_inputs_is_said_at_once() {
    let dir = place();
    let said = refused(&steady(
        dir.path(),
        &["show", "aurora-pitr", "-i", "restore_to=03:14", "-i", "source_clustre=x"],
    ));
    assert!(
        said.contains(
            "`source_clustre`: the runbook has no such input; did you mean `source_cluster`?"
        ),
        "{said}"
    );
    assert!(said.contains("`restore_to`: `03:14` is not a timestamp"), "{said}");
    let said =
        refused(&steady(dir.path(), &["show", "aurora-pitr", "-i", "db_password=hunter2hunter2"]));
    assert!(said.contains("-i db_password=env:VARIABLE") && !said.contains("hunter2"), "{said}");
    let said = refused(&steady(dir.path(), &["show", "aurora-pitr", "-i", "hunter2hunter2"]));
    assert_eq!(said, "steady: -i wants NAME=VALUE\n");
}

#[test]
fn names_that_are_not_there_are_refused_with_those_that_are() {
    let dir = place();
    let said = refused(&steady(dir.path(), &["show", "aurora-ptir"]));
    assert_eq!(said, "steady: no runbook `aurora-ptir` in runbooks; did you mean `aurora-pitr`?\n");
    let said = refused(&steady(dir.path(), &["show", "aurora-pitr", "--env", "prod"]));
    assert!(said.contains("no environment `prod`; the settings have: production"), "{said}");
    let said = refused(&steady(dir.path(), &["show", "broken"]));
    assert!(said.contains("did you mean `guard`?"), "{said}");
    let said = refused(&steady(dir.path(), &["--settings", "none.yaml", "list"]));
    assert!(said.contains("cannot read the settings none.yaml"), "{said}");
    let said = refused(&steady(dir.path(), &["--runbooks", "none", "list"]));
    assert!(said.contains("cannot read none"), "{said}");
}
