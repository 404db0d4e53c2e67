//! The quarterly drill from its start to the signed-off archive, by keys and commands alone: a real PostgreSQL, a real
//! S3 with object lock, an approver and a reviewer with keys of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use steadyhand::aws::s3::S3;
use tempfile::TempDir;

use super::walk::{self, Turn, walk};
use super::{ENTER, Terminal, is, records, run_dir, runs};
use crate::archive::{KEYS, locked};
use crate::report::schema::{judged, shipped};
use crate::services::damage::{Dumps, dumps, sha256};
use crate::services::openssh;
use crate::services::postgres::PASSWORD;
use crate::services::seaweed::Seaweed;

const RUNBOOK: &str = r#"steadyhand: 1
id: quarterly
title: Quarterly drill
objectives: {rto: 30m, rpo: 24h}
inputs:
  port: {type: integer}
  dump: {type: string}
  sha256: {type: string}
  db_password: {type: secret, env: PGPASSWORD}
recovery_point: "${{ steps.check.newest }}"
steps:
  - id: create
    title: Create shop_drill
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: postgres, password: "${{ inputs.db_password }}"}
        sql: CREATE DATABASE shop_drill
    guard: {approve: {by: [carol]}}
  - id: load
    title: Load the dump
    do:
      postgres.restore_dump:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: postgres, password: "${{ inputs.db_password }}", database: shop_drill}
        file: "${{ inputs.dump }}"
        sha256: "${{ inputs.sha256 }}"
  - id: check
    title: Are all rows there?
    effect: reads
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: postgres, password: "${{ inputs.db_password }}", database: shop_drill}
        sql: SELECT count(*) AS rows, max(created_at) AS newest FROM orders
    expect:
      - result.row.rows == 500
    save: {newest: result.row.newest}
    verifies: data
    milestone: service_restored
"#;

struct Drill {
    dir: TempDir,
    dumps: Dumps,
    s3: S3,
    runtime: tokio::runtime::Runtime,
    _seaweed: Seaweed,
}

impl Drill {
    /// `None`, said loudly, where something of it cannot be had.
    fn prepared() -> Option<Self> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let seaweed = runtime.block_on(Seaweed::start())?;
        let dumps = dumps().filter(|_| openssh::is_here())?;
        let s3 = runtime.block_on(S3::connect(&seaweed.access()));
        runtime.block_on(locked(&s3, "drills"));
        let dir = tempfile::tempdir().unwrap();
        let keys = ["alice", "carol", "rita"]
            .map(|who| (who, openssh::public(&openssh::key(dir.path(), who, ""))));
        let lines = keys.map(|(who, key)| format!("{who} {key}\n"));
        let file = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
        file("quarterly.yaml", RUNBOOK.into());
        file("approvers", lines[1].clone());
        file("auditors", lines.concat());
        file(
            "steadyhand.yaml",
            format!(
                "steadyhand: 1\noperator: alice@bastion\nsigning: {{key: alice}}\n\
                 allowed_signers: approvers\n\
                 archive: {{to: s3://drills/steady, retention: 400d, anchor: true, \
                 aws: {{region: eu-west-1, endpoint: \"http://127.0.0.1:{}\"}}}}\n\
                 environments:\n  dr: {{mode: drill}}\n",
                seaweed.port()
            ),
        );
        Some(Self { dir, dumps, s3, runtime, _seaweed: seaweed })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self) -> PathBuf {
        run_dir(self.path()).unwrap()
    }

    /// A command beside the console, which must succeed; what it says.
    fn steady(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steady"));
        command.args(args).current_dir(self.path()).envs(KEYS);
        let output = command.env("STEADYHAND_RUNS", runs(self.path())).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        said
    }

    /// Carol signs, on her own machine, the text that the screen shows; the signature is brought back.
    fn approve(&self, terminal: &mut Terminal) {
        terminal.wait_text("Enter ask for approval").press(ENTER);
        terminal.wait_record(self.path(), "of the request", |r| is(r, "approval_requested", ""));
        terminal.wait_text("Waits for the approval");
        let asked = records(self.path()).into_iter().find(|r| is(r, "approval_requested", ""));
        let text = self.path().join("asked.txt");
        let kept = self.run().join(format!("approvals/{}.txt", asked.unwrap()["seq"]));
        fs::copy(kept, &text).unwrap();
        let signature = openssh::sign(&self.path().join("carol"), "approval@steadyhand", &text);
        fs::write(self.path().join("asked.sig"), signature).unwrap();
        let run = self.run();
        let id = run.file_name().unwrap().to_str().unwrap();
        self.steady(&["approve", id, "--signature", "asked.sig"]);
        terminal.wait_text("approved by carol");
    }

    /// What lies in the archive at the end of its name.
    fn archived(&self, objects: &[Json], ending: &str) -> Vec<u8> {
        let key = objects.iter().map(|it| it["key"].as_str().unwrap());
        let key = key.into_iter().find(|key| key.ends_with(ending)).unwrap();
        self.runtime.block_on(async {
            let got = self.s3.client.get_object().bucket("drills").key(key).send().await.unwrap();
            got.body.collect().await.unwrap().to_vec()
        })
    }
}

/// Fills in a form, a text a field.
fn fill(terminal: &mut Terminal, title: &str, texts: &[&str]) {
    terminal.wait_text(title);
    for text in texts {
        // An arrow moves a choice on and leaves nothing to be seen of itself.
        terminal.press(text);
        if !text.starts_with('\x1b') {
            terminal.wait_text(text);
        }
        terminal.press(ENTER);
    }
}

#[test]
fn a_drill_goes_from_its_start_to_a_signed_off_archive() {
    let Some(drill) = Drill::prepared() else { return };
    let dir = drill.path();
    let file = drill.dumps.plain.display().to_string();
    let inputs = [
        format!("port={}", drill.dumps.cluster.port),
        format!("dump={file}"),
        format!("sha256={}", sha256(&drill.dumps.plain)),
    ];
    let mut words = vec!["run", "./quarterly.yaml", "--env", "dr"];
    words.extend(inputs.iter().flat_map(|input| ["-i", input.as_str()]));
    let env = [KEYS[0], KEYS[1], ("PGPASSWORD", PASSWORD)];
    let mut terminal = Terminal::steady(dir, &words, &env);
    terminal.wait_text("Before the first step").press(ENTER);

    drill.approve(&mut terminal);
    terminal.wait_text("Enter review");
    walk::review(&mut terminal, dir, None);
    terminal.wait_record(dir, "of the step", |r| is(r, "attempt_finished", "create"));
    terminal.wait_text("Load the dump").press("n");
    fill(&mut terminal, "Note", &["the approver was in another city"]);
    terminal.wait_record(dir, "of the note", |r| is(r, "note_added", ""));
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());

    terminal.press("i");
    let issue = ["the dump lay on one disk", "\x1b[C", "platform-dba", "14d"];
    fill(&mut terminal, "An issue that was found", &issue);
    terminal.wait_record(dir, "of the issue", |r| {
        is(r, "issue_found", "") && r["body"]["severity"] == "high"
    });
    terminal.wait_text("Issues: 1").press("w");
    fill(&mut terminal, "Lesson", &["ask for the approval first"]);
    terminal.wait_record(dir, "of the lesson", |r| is(r, "lesson_learned", ""));
    terminal.wait_for("the debrief", |screen| !screen.contains("Lesson ═"));
    walk::end(&mut terminal, dir);
    assert!(!terminal.raw().contains(PASSWORD), "the password was on the screen");
    assert_eq!(drill.dumps.cluster.sql("shop_drill", "SELECT count(*) FROM orders"), "500");

    let run = drill.run();
    let (path, id) = (run.to_str().unwrap(), run.file_name().unwrap().to_str().unwrap());
    let seen = ["--accept", "--note", "seen", "--operator", "rita", "--key", "rita"];
    drill.steady(&[&["sign-off", path], &seen[..]].concat());
    drill.steady(&["export", path, "--upload"]);
    let uri = format!("s3://drills/steady/{id}");
    let said = drill.steady(&["verify", &uri, "--allowed-signers", "auditors"]);
    assert!(said.contains(": intact: "), "{said}");
    assert!(said.contains("objects, locked until"), "{said}");

    // The head went there while the drill went on: nobody waited for it.
    let all = records(dir);
    assert!(all.iter().any(|r| is(r, "anchored", "") && r["body"]["what"] == "head"));
    // The record tells of all of it, in an order that nobody could have made up afterwards.
    let mut at = 0;
    for kind in [
        "run_started",
        "approval_requested",
        "approval_granted",
        "attempt_finished",
        "note_added",
        "milestone_reached",
        "run_finished",
        "issue_found",
        "lesson_learned",
        "signed_off",
        "anchored",
    ] {
        let next = all.iter().skip(at).position(|r| r["type"] == kind);
        at += next.unwrap_or_else(|| panic!("no {kind} after record {at}")) + 1;
    }
    let objects = all[at - 1]["body"]["objects"].as_array().unwrap();
    let report = drill.archived(objects, &format!("reports/{id}.json"));
    let report: Json = serde_json::from_slice(&report).unwrap();
    judged(shipped(), &report).unwrap();
    let text = report.to_string();
    for told in ["the dump lay on one disk", "ask for the approval first", "rita", "carol"] {
        assert!(text.contains(told), "the report does not tell of: {told}");
    }
    assert!(!text.contains(PASSWORD));

    // With the credentials that put it there, which may do everything with the bucket.
    for object in objects {
        let (key, version) = (object["key"].as_str().unwrap(), object["version"].as_str().unwrap());
        let gone = drill.s3.client.delete_object().bucket("drills").key(key).version_id(version);
        let refused = drill.runtime.block_on(gone.send());
        assert!(refused.is_err(), "{key} could be deleted");
    }
    drill.steady(&["verify", &uri, "--allowed-signers", "auditors"]);
}
