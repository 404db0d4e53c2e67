//! Backups in S3 by keys: what was listed is offered, the choice is downloaded, and what nobody vouches for
//! wants the operator's word.

use std::path::Path;

use chrono::{TimeDelta, Utc};
use serde_json::Value as Json;
use steadyhand::sandbox::CREDENTIALS;

use super::walk::{self, Turn, walk, walk_until};
use super::{ENTER, Terminal, is, records};
use crate::s3::Practice;

const RUNBOOK: &str = r#"steadyhand: 1
id: fetch
title: Fetch a backup
inputs:
  backups: {type: s3_uri}
  accept_unverified: {type: boolean, default: false}
steps:
  - id: there
    title: Which backups are there?
    do: {s3.list: {uri: "${{ inputs.backups }}", pattern: '\.dump$'}}
    save: {objects: result.objects}
  - id: which
    title: Which one is to be restored?
    do: {choose: {options: "${{ steps.there.objects }}"}}
    save: {uri: result.choice}
  - id: fetch
    title: Fetch it
    do:
      s3.download:
        uri: "${{ steps.which.uri }}"
        to: shop.dump
        unverified: "${{ inputs.accept_unverified }}"
"#;

/// Three backups, the newest without a manifest.
async fn backups() -> Practice {
    let practice = Practice::start().await;
    let s3 = practice.s3.clone().bucket("backups", false);
    for (name, hours) in [("old", 56), ("good", 32), ("bad", 8)] {
        let at = Utc::now() - TimeDelta::hours(hours);
        let bytes = format!("the {name} backup").repeat(1000);
        let manifest = format!("{{\"sha256\": \"{}\"}}", crate::s3::sha256(bytes.as_bytes()));
        if name != "bad" {
            s3.put("backups", &format!("pg/{name}.dump.manifest.json"), manifest, at);
        }
        s3.put("backups", &format!("pg/{name}.dump"), bytes, at);
    }
    practice
}

fn begun(practice: &Practice, dir: &Path) -> Terminal {
    std::fs::write(dir.join("fetch.yaml"), RUNBOOK).unwrap();
    let endpoint = practice.access.endpoint.as_ref().unwrap();
    let region = practice.s3.region();
    let settings = format!(
        "steadyhand: 1\nenvironments:\n  here:\n    mode: drill\n    aws: {{endpoint: \"{endpoint}\", region: {region}}}\n"
    );
    std::fs::write(dir.join("steadyhand.yaml"), settings).unwrap();
    let keys = [
        ("AWS_ACCESS_KEY_ID", CREDENTIALS.0),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let words = ["run", "fetch.yaml", "--env", "here", "-i", "backups=s3://backups/pg/"];
    let mut terminal = Terminal::steady(dir, &words, &keys);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal
}

fn finished(record: &Json, step: &str) -> bool {
    is(record, "attempt_finished", step)
}

/// Opens the question and takes the option after so many downs.
fn choose(terminal: &mut Terminal, dir: &Path, downs: usize) {
    walk_until(terminal, dir, None, "Which one is to be restored?");
    terminal.press(ENTER).wait_text("Enter answers.").press(ENTER).wait_text("Which one?");
    for label in ["bad.dump  13.7 KiB  8 h old", "good.dump  14.6 KiB  32 h old", "old.dump"] {
        terminal.wait_text(label);
    }
    for _ in 0..downs {
        terminal.press("\x1b[B");
    }
    terminal.press(ENTER);
    terminal.wait_record(dir, "of the choice", |r| finished(r, "which"));
}

#[test]
fn a_listed_backup_is_chosen_and_fetched() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let practice = runtime.block_on(backups());
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begun(&practice, dir.path());
    choose(&mut terminal, dir.path(), 1);
    assert_eq!(walk(&mut terminal, dir.path(), None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, dir.path());
    let fetched = std::fs::read(dir.path().join("shop.dump")).unwrap();
    assert_eq!(fetched, practice.s3.get("backups", "pg/good.dump").unwrap());
    let all = records(dir.path());
    let chosen = all.iter().find(|r| finished(r, "which")).unwrap();
    assert_eq!(chosen["body"]["result"]["choice"], "s3://backups/pg/good.dump");
    // What was consented to is this very object, and the digest that its manifest tells.
    let intended = all.iter().find(|r| is(r, "attempt_intended", "fetch")).unwrap();
    let args = &intended["body"]["request"]["args"];
    assert_eq!(args["sha256"], crate::s3::sha256(&fetched));
    assert_eq!(args["manifest"], "s3://backups/pg/good.dump.manifest.json");
    assert_eq!(args["size"], fetched.len());
}

#[test]
fn a_backup_without_a_manifest_wants_the_operators_word() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let practice = runtime.block_on(backups());
    let dir = tempfile::tempdir().unwrap();
    let mut terminal = begun(&practice, dir.path());
    choose(&mut terminal, dir.path(), 0);
    terminal.wait_for("the refusal", |screen| {
        screen.contains("nothing says what") && screen.contains("`unverified: true`")
    });
    assert!(!dir.path().join("shop.dump").exists());
    terminal.press(" ").wait_text("amend an input").press("a").wait_text("Amend an input");
    while !terminal.screen().contains("[accept_unverified]") {
        let before = terminal.screen();
        terminal.press("\x1b[C").wait_for("another input", |screen| screen != before);
    }
    terminal.press(ENTER).press("true").press(ENTER).press("it is all we have").press(ENTER);
    terminal.wait_record(dir.path(), "of the new value", |r| r["type"] == "input_amended");
    assert_eq!(walk(&mut terminal, dir.path(), None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, dir.path());
    let fetched = std::fs::read(dir.path().join("shop.dump")).unwrap();
    assert_eq!(fetched, practice.s3.get("backups", "pg/bad.dump").unwrap());
    let all = records(dir.path());
    let fetch = all.iter().find(|r| finished(r, "fetch")).unwrap();
    assert_eq!(fetch["body"]["result"]["checked_against"], "nothing");
    let message = fetch["body"]["message"].as_str().unwrap();
    assert!(message.contains("NOBODY vouches for its SHA-256"), "{message}");
}
