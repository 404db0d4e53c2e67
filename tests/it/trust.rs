//! What an operator last ran and what is run now: a runbook that is new is named, one that changed is
//! shown and asked about, and what somebody else could have written is refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::services::console::{Console, said, text};
use crate::services::skip;

const OUTER: &str = r#"steadyhand: 1
id: outer
title: The whole
steps:
  - id: act
    title: Act
    do: {shell: {run: 'echo acted >> "$HOME/ledger"'}}
  - id: part
    title: The part
    do: {runbook: {id: ./part.yaml}}
"#;

const PART: &str = r#"steadyhand: 1
id: part
title: The part
steps:
  - id: look
    title: Look
    do: {shell: {run: 'echo looked >> "$HOME/ledger"'}}
"#;

fn place() -> Console {
    let console = Console::new(OUTER);
    fs::write(console.file("part.yaml"), PART).unwrap();
    console
}

fn sha256(path: &Path) -> String {
    steadyhand::journal::sha256_hex(&fs::read(path).unwrap())
}

/// The first record of each run.
fn first_records(console: &Console) -> Vec<Json> {
    let first = |run: &PathBuf| {
        let journal = text(&run.join("journal.jsonl"));
        serde_json::from_str(journal.lines().next().unwrap()).unwrap()
    };
    console.runs().iter().map(first).collect()
}

fn ran(console: &Console, args: &[&str]) -> Output {
    let output = console.drill(args).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused with these words; nothing was done and there is no run more.
fn refused(console: &Console, args: &[&str], code: i32, words: &[&str]) -> String {
    let (runs, ledger) = (console.runs(), text(&console.file("ledger")));
    let output = console.drill(args).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert_eq!(console.runs(), runs, "{said}");
    assert_eq!(text(&console.file("ledger")), ledger, "{said}");
    said
}

#[test]
fn a_new_runbook_is_named_with_its_hash_and_a_known_one_is_not() {
    let console = place();
    let hash = sha256(&console.file("runbook.yaml"));
    let output = ran(&console, &["--operator", "alice@bastion-1"]);
    let new = format!("runbook.yaml is new to alice@bastion-1: SHA-256 {hash}");
    assert!(stderr(&output).contains(&new), "{}", stderr(&output));
    let records = console.records();
    assert_eq!(records[0]["body"]["seen"], serde_json::json!({"as": "new"}));
    let preflight = records.iter().find(|r| r["type"] == "preflight").unwrap();
    let check = &preflight["body"]["checks"][0];
    assert_eq!(check["name"], "runbook");
    let detail = check["detail"].as_str().unwrap();
    assert!(detail.contains("new to the operator") && detail.contains(&hash), "{detail}");
    let run = records[0]["body"]["run"].as_str().unwrap().to_owned();
    let report = text(&console.run().join(format!("reports/{run}.md")));
    assert!(report.contains("new to the operator: no earlier run of it here"), "{report}");

    let output = ran(&console, &["--operator", "alice@bastion-1"]);
    assert_eq!(stderr(&output), "", "she knows it");
    // It is the operator who knows it, not the host.
    let output = ran(&console, &["--operator", "bob@bastion-1"]);
    assert!(stderr(&output).contains("is new to bob@bastion-1"), "{}", stderr(&output));
    let seen: Vec<_> = first_records(&console).iter().map(|r| r["body"]["seen"].clone()).collect();
    let known = serde_json::json!({"as": "unchanged", "run": run});
    assert!(seen.contains(&known), "{seen:?}");
}

#[test]
fn a_changed_runbook_is_shown_and_not_run_unattended_without_its_hash() {
    let console = place();
    ran(&console, &[]);
    let before = sha256(&console.file("runbook.yaml"));
    fs::write(console.file("runbook.yaml"), OUTER.replace("echo acted", "echo ACTED")).unwrap();
    let hash = sha256(&console.file("runbook.yaml"));
    let words = [
        "has changed since",
        "-    do: {shell: {run: 'echo acted",
        "+    do: {shell: {run: 'echo ACTED",
        &format!("--accept-runbook {}", &hash[..12]),
    ];
    refused(&console, &[], 2, &words);
    refused(&console, &["--accept-runbook", &before], 2, &["has changed since"]);
    refused(&console, &["--accept-runbook", &hash[..7]], 2, &["8 to 64 hexadecimal digits"]);
    refused(&console, &["--accept-runbook", "not-a-hash"], 2, &["hexadecimal"]);

    ran(&console, &["--accept-runbook", &hash[..12]]);
    let all = first_records(&console);
    let first = all.iter().find(|r| r["body"]["seen"]["as"] == "changed").unwrap();
    let seen = &first["body"]["seen"];
    assert_eq!(seen["sha256"], before.as_str());
    assert_eq!(seen["files"], serde_json::json!(["runbook.yaml"]));
    assert_eq!(seen["accepted"], "hash");
    assert_eq!(stderr(&ran(&console, &[])), "", "accepted once, it is known");
    let run = first["body"]["run"].as_str().unwrap();
    let report = text(&console.file("runs").join(format!("{run}/reports/{run}.md")));
    assert!(report.contains("the change was accepted by its hash"), "{report}");
    assert!(report.contains(&before), "{report}");
}

#[test]
fn a_change_in_an_included_runbook_is_a_change() {
    let console = place();
    ran(&console, &[]);
    fs::write(console.file("part.yaml"), PART.replace("looked", "peeked")).unwrap();
    let said = refused(&console, &[], 2, &["included/part.yaml", "echo peeked"]);
    assert!(!said.contains("acted"), "what did not change is not shown: {said}");
    let outer = sha256(&console.file("runbook.yaml"));
    refused(&console, &["--accept-runbook", &outer], 2, &["included/part.yaml"]);
    let part = sha256(&console.file("part.yaml"));
    ran(&console, &["--accept-runbook", &part]);
    assert!(text(&console.file("ledger")).ends_with("peeked\n"));
}

#[test]
fn bytes_that_are_lost_or_were_tampered_with_are_not_compared() {
    let console = place();
    ran(&console, &[]);
    fs::write(console.run().join("runbook.yaml"), OUTER.replace("acted", "planted")).unwrap();
    fs::write(console.file("runbook.yaml"), OUTER.replace("acted", "planted")).unwrap();
    let words = ["runbook.yaml: what was run is lost", "+id: outer", "planted"];
    refused(&console, &[], 2, &words);
}

#[test]
fn the_built_in_catalogue_and_practice_are_not_asked_about() {
    let console = place();
    let demo = ["demo", "vault", "--auto"];
    let output = console.steady(&demo).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains("is new to"), "{}", said(&output));
    assert_eq!(console.records()[0]["body"]["seen"], serde_json::json!({"as": "built_in"}));
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_may_write_is_refused_before_anything_begins() {
    let console = place();
    let settings = console.file("steadyhand.yaml");
    fs::write(&settings, "steadyhand: 1\nenvironments:\n  dr: {mode: drill, auto: true}\n")
        .unwrap();
    let home = settings.parent().unwrap().to_owned();
    let run = ["--env", "dr"];
    for (path, open, closed) in [(&settings, 0o666, 0o600), (&home, 0o777, 0o700)] {
        set(path, open);
        let remedy = format!("(mode {open:04o}): chmod go-w ");
        refused(&console, &run, 2, &["the settings are not used", &remedy]);
        set(path, closed);
    }
    let runs = console.file("runs");
    fs::create_dir(&runs).unwrap();
    set(&runs, 0o1777);
    refused(&console, &run, 1, &["others may write to", "chmod go-w", "runs"]);
    set(&runs, 0o700);
    ran(&console, &run);

    // The runbook itself is only warned about: what changes in it is shown.
    set(&console.file("part.yaml"), 0o666);
    ran(&console, &run);
    let warned = console.runs().iter().any(|run| {
        text(&run.join("journal.jsonl"))
            .contains("warning: others may write to part.yaml (mode 0666)")
    });
    assert!(warned);
}

#[test]
fn what_another_user_owns_is_refused() {
    let console = place();
    let settings = console.file("steadyhand.yaml");
    fs::write(&settings, "steadyhand: 1\n").unwrap();
    if chown(&settings, Some(12_345), None).is_err() {
        skip("files of another user", "only root can give a file away");
        return;
    }
    let owned = "belongs to another user, uid 12345";
    refused(&console, &[], 2, &["the settings are not used", owned, "chown 0 "]);
    fs::remove_file(&settings).unwrap();
    let runs = console.file("runs");
    fs::create_dir(&runs).unwrap();
    chown(&runs, Some(12_345), None).unwrap();
    refused(&console, &[], 1, &[owned, "chown -R 0 "]);
}

#[test]
fn a_key_that_others_may_write_signs_nothing() {
    let console = place();
    let key = console.file("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !made.is_ok_and(|status| status.success()) {
        skip("OpenSSH", "ssh-keygen cannot make a key");
        return;
    }
    let settings = "steadyhand: 1\nsigning: {key: key.pub, required: true}\n";
    fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    let public = console.file("key.pub");
    set(&public, 0o666);
    refused(&console, &[], 1, &["preflight: signature", "(mode 0666): chmod go-w"]);
    let doctor = console.steady(&["doctor"]).output().unwrap();
    assert!(said(&doctor).contains("✗ bad   signature"), "{}", said(&doctor));
}

#[test]
fn a_run_that_others_may_write_is_not_resumed() {
    let console = place();
    console.killed_at(4);
    let (run, id) = (console.run(), console.run().file_name().unwrap().to_owned());
    for (path, open, closed) in [(&run, 0o770, 0o700), (&run.join("journal.jsonl"), 0o666, 0o600)] {
        set(path, open);
        let resumed = console.steady(&["resume", id.to_str().unwrap(), "--auto"]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(1), "{}", said(&resumed));
        assert!(said(&resumed).contains("others may write to"), "{}", said(&resumed));
        set(path, closed);
    }
    let resumed = console.steady(&["resume", id.to_str().unwrap(), "--auto"]).output().unwrap();
    assert!(resumed.status.success(), "{}", said(&resumed));
}
