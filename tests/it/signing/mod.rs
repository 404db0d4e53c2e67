//! Signed runs: how they are signed, and what `steady verify` and OpenSSH alone find in them.

mod by_hand;
mod findings;
mod mutations;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::services::console::{Console, said};
use crate::services::openssh;

/// What changes, then what destroys, each with some output.
const RUNBOOK: &str = r#"steadyhand: 1
id: signed
title: Signed
steps:
  - id: stop
    title: Stop the writers
    do: {shell: {run: 'echo stopped; echo stop >> "$HOME/ledger"'}}
  - id: drop_old
    title: Drop the damaged rows
    effect: destroys
    guard: {type: damaged}
    do: {shell: {run: 'echo dropped; echo drop_old >> "$HOME/ledger"'}}
  - id: count
    title: Count the rows
    effect: reads
    do: {shell: {run: 'echo 2000'}}
"#;
const NAMESPACE: &str = "checkpoint@steadyhand";

/// A console with a key of its own, and an auditor who knows it.
struct Bench {
    console: Console,
    key: PathBuf,
    signers: PathBuf,
}

impl Bench {
    /// Signs with a key file without a passphrase; `None` where there is no OpenSSH.
    fn new(runbook: &str) -> Option<Self> {
        Self::with(runbook, "", "")
    }

    /// As [`Self::new`], the key with a passphrase and the settings with more about signing.
    fn with(runbook: &str, passphrase: &str, more: &str) -> Option<Self> {
        if !openssh::is_here() {
            return None;
        }
        let console = Console::new(runbook);
        let key = openssh::key(console.file("").as_path(), "id", passphrase);
        let signers = console.file("allowed_signers");
        let settings = format!("steadyhand: 1\nsigning: {{key: id{more}}}\n");
        fs::write(console.file("steadyhand.yaml"), settings).unwrap();
        let bench = Self { console, key, signers };
        bench.allow(&format!("alice@example.org namespaces=\"{NAMESPACE}\""), &bench.key);
        Some(bench)
    }

    /// What the auditor's file says.
    fn allow(&self, who: &str, key: &Path) {
        fs::write(&self.signers, format!("{who} {}\n", openssh::public(key))).unwrap();
    }

    fn settings(&self, signing: &str) {
        let settings = format!("steadyhand: 1\nsigning: {signing}\n");
        fs::write(self.console.file("steadyhand.yaml"), settings).unwrap();
    }

    /// The whole drill; it must come to this end.
    fn drill(&self, code: i32) -> Output {
        let output = self.console.drill(&["--allow-destructive"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        output
    }

    /// `steady verify` of the directory, by the auditor; exit status and sentence.
    fn audit(&self, run: &Path) -> (i32, String) {
        let file = self.signers.to_str().unwrap();
        let args = ["verify", run.to_str().unwrap(), "--allowed-signers", file];
        self.verify(&args)
    }

    fn verify(&self, args: &[&str]) -> (i32, String) {
        let output = self.console.steady(args).output().unwrap();
        (output.status.code().unwrap(), said(&output))
    }

    /// A copy of the run, to be tampered with.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.console.file(name);
        let copied = Command::new("cp").arg("-a").args([&self.console.run(), &copy]).status();
        assert!(copied.unwrap().success());
        copy
    }
}

fn types(records: &[Json]) -> Vec<&str> {
    records.iter().map(|record| record["type"].as_str().unwrap()).collect()
}

/// The numbers of the checkpoints that lie there, sorted.
fn checkpoints(run: &Path) -> Vec<u64> {
    let names = fs::read_dir(run.join("checkpoints")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<u64> =
        names.filter_map(|name| name.strip_suffix(".txt")?.parse().ok()).collect();
    found.sort_unstable();
    found
}
