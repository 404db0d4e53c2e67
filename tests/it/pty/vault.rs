//! `vault-snapshot-restore` by keys alone at 80x24, against a real Vault where there is one and else the
//! sandbox's stand-in. What it holds afterwards is asked of its own API.

use std::path::{Path, PathBuf};

use super::secret::clean;
use super::walk::{self, Turn, walk};
use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::vault::Vault;

const PATH: &str = "loanserve/database";
const GOOD: &str = "canary-good-1144";
const BAD: &str = "canary-bad-2255";

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("kept")).unwrap();
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn snapshot(&self, vault: &Vault, name: &str) -> String {
        let file = self.path().join(name);
        vault.snapshot(&file);
        file.display().to_string()
    }

    fn begun(&self, inputs: &[(&str, &str)], env: &[(&str, &str)]) -> Terminal {
        let runbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let mut words = vec!["run".to_owned(), "vault-snapshot-restore".to_owned()];
        words.extend(["--mode", "drill", "--runbooks"].map(str::to_owned));
        words.push(runbooks.display().to_string());
        let kept = self.path().join("kept").display().to_string();
        for (name, value) in [("keep_in", &*kept), ("kv_path", PATH)].iter().chain(inputs) {
            words.extend(["-i".into(), format!("{name}={value}")]);
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut terminal = Terminal::steady(self.path(), &words, env);
        terminal.wait_text("Before the first step").press(ENTER);
        terminal
    }
}

fn last_message(dir: &Path, step: &str) -> String {
    let all = records(dir);
    let last = all.iter().rev().find(|r| is(r, "attempt_finished", step) && r["of"] == "do");
    last.map(|r| r["body"]["message"].as_str().unwrap().to_owned()).unwrap_or_default()
}

fn ended(dir: &Path, step: &str) -> usize {
    let of = |r: &&serde_json::Value| is(r, "attempt_finished", step) && r["of"] == "do";
    records(dir).iter().filter(of).count()
}

/// Types what the step at hand asks for, consents to its request, and waits for its end.
fn type_secret(terminal: &mut Terminal, dir: &Path, step: &str, input: &str, value: &str) {
    terminal.wait_text("Enter type the secret").press(ENTER);
    typed(terminal, dir, step, input, value);
}

/// The same where the field is open already.
fn typed(terminal: &mut Terminal, dir: &Path, step: &str, input: &str, value: &str) {
    let before = ended(dir, step);
    terminal.wait_text(&format!("Type the secret {input}")).press(value);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_for("what comes next", |screen| {
        screen.contains("Run this?") || ended(dir, step) > before
    });
    if terminal.screen().contains("Run this?") {
        walk::review(terminal, dir, None);
    }
    terminal.wait_record(dir, "of its end", |_| ended(dir, step) > before);
    walk::shown(terminal, dir);
}

#[test]
fn a_snapshot_of_this_cluster_brings_back_the_version_that_it_had() {
    let vault = Vault::start();
    vault.write(PATH, "canary-first-0033");
    vault.write(PATH, GOOD);
    let desk = Desk::new();
    let snapshot = desk.snapshot(&vault, "good.snap");
    vault.write(PATH, BAD);
    assert_eq!(vault.read(PATH, &vault.token), Some((3, BAD.into())));

    let inputs = [("vault_url", &*vault.url()), ("snapshot", &snapshot), ("kv_version", "2")];
    let mut terminal = desk.begun(&inputs, &[("VAULT_TOKEN", &vault.token)]);
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, desk.path());

    assert_eq!(vault.read(PATH, &vault.token), Some((2, GOOD.into())));
    // Its own keys open it: nobody was asked for a share.
    assert!(records(desk.path()).iter().any(|r| is(r, "step_not_applicable", "unseal_1")));
    let mut canaries = vec![GOOD, BAD, vault.token.as_str()];
    canaries.extend(vault.shares.iter().map(String::as_str));
    clean(&run_dir(desk.path()).unwrap(), &canaries);

    // What was kept before is the way back.
    let kept = std::fs::read_dir(desk.path().join("kept")).unwrap().next().unwrap().unwrap();
    let bytes = std::fs::read(kept.path()).unwrap();
    let path = "/v1/sys/storage/raft/snapshot";
    assert_eq!(vault.ask("POST", path, &vault.token, &bytes).0, 204);
    vault.active();
    assert_eq!(vault.read(PATH, &vault.token), Some((3, BAD.into())));
}

#[test]
fn another_clusters_snapshot_is_forced_in_and_unsealed_by_its_own_keys_whatever_goes_wrong() {
    let lost = Vault::start();
    lost.write(PATH, "canary-first-0033");
    lost.write(PATH, GOOD);
    let desk = Desk::new();
    let snapshot = desk.snapshot(&lost, "lost.snap");
    let present = Vault::start();
    let dir = desk.path();

    // Nobody answers there: another address.
    let inputs =
        [("vault_url", "http://127.0.0.1:9"), ("snapshot", &snapshot), ("kv_version", "2")];
    let dies = ("STEADYHAND_FAILPOINT", "fact:attempt_intended:unseal_2");
    let mut terminal = desk.begun(&inputs, &[dies]);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck);
    let message = last_message(dir, "status");
    assert!(message.starts_with("not started: cannot reach 127.0.0.1"), "{message}");
    walk::amend(&mut terminal, dir, "vault_url", &present.url());
    walk::retry(&mut terminal, dir);

    // A wrong token is asked for again.
    assert_eq!(walk(&mut terminal, dir, None), Turn::Secret);
    type_secret(&mut terminal, dir, "members", "token", "canary-wrong-token");
    let message = last_message(dir, "members");
    assert!(message.starts_with("status 403 Forbidden"), "{message}");
    terminal.wait_text("Enter choices").press(ENTER).wait_text("retry").press("r");
    typed(&mut terminal, dir, "members", "token", &present.token);

    // The snapshot is not of this cluster: that is said, nothing has changed, and it is forced in.
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck);
    let message = last_message(dir, "restore");
    assert!(message.starts_with("status 400 Bad Request"), "{message}");
    assert_eq!(present.read(PATH, &present.token), None);
    assert_eq!(
        present.json("GET", "/v1/sys/seal-status", &serde_json::Value::Null).1["sealed"],
        false
    );
    walk::amend(&mut terminal, dir, "from", "another_cluster");
    terminal.press(" ").wait_text("pass the step by").press("s");
    terminal.wait_text("why it is passed by").press("it is another cluster's").press(ENTER);
    terminal.wait_record(dir, "of the skip", |r| is(r, "step_skipped", "restore"));
    type_secret(&mut terminal, dir, "restore_force", "token", &present.token);
    let sealed = || present.json("GET", "/v1/sys/seal-status", &serde_json::Value::Null).1;
    assert_eq!(sealed()["sealed"], true);

    // The console dies in the middle of the unsealing; the next one asks Vault how far it is.
    assert_eq!(walk(&mut terminal, dir, None), Turn::Secret);
    type_secret(&mut terminal, dir, "unseal_1", "share_1", &lost.shares[0]);
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret share_2").press(&lost.shares[1]);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("Run this?");
    walk::review(&mut terminal, dir, None);
    terminal.wait_exit();
    let first = terminal.raw();
    assert_eq!(sealed()["progress"], 1);
    let mut terminal = Terminal::steady(dir, &["resume"], &[]);
    terminal.wait_record(dir, "of the probe", |r| {
        is(r, "unknown_resolved", "unseal_2") && r["body"]["as"] == "not_done"
    });

    // A share is mistyped: it shows with the last one, and all are typed again.
    let mut mistyped = lost.shares[1].clone();
    let last = if mistyped.ends_with('0') { "1" } else { "0" };
    mistyped.replace_range(mistyped.len() - 1.., last);
    type_secret(&mut terminal, dir, "unseal_2", "share_2", &mistyped);
    type_secret(&mut terminal, dir, "unseal_3", "share_3", &lost.shares[2]);
    let message = last_message(dir, "unseal_3");
    assert!(message.starts_with("status 400 Bad Request"), "{message}");
    terminal.wait_text("FAILED").press("kk").wait_text("Its holder types it");
    terminal.press(" ").wait_text("rerun from here").press("f");
    terminal.wait_text("Take the run back").press("a share was mistyped").press(ENTER);
    terminal.wait_record(dir, "of the way back", |r| is(r, "rerun_requested", "unseal_1"));
    for (number, share) in (1..).zip(lost.shares.iter().skip(1).take(3)) {
        let (step, input) = (format!("unseal_{number}"), format!("share_{number}"));
        type_secret(&mut terminal, dir, &step, &input, share);
    }
    assert_eq!(sealed()["sealed"], false);

    assert_eq!(walk(&mut terminal, dir, None), Turn::Secret);
    type_secret(&mut terminal, dir, "verify_forced", "restored_token", &lost.token);
    walk::end(&mut terminal, dir);

    assert_eq!(present.read(PATH, &lost.token), Some((2, GOOD.into())));
    let mut canaries = vec![GOOD, "canary-wrong-token", &mistyped, &present.token, &lost.token];
    canaries.extend(lost.shares.iter().map(String::as_str));
    clean(&run_dir(dir).unwrap(), &canaries);
    for canary in canaries {
        assert!(!first.contains(canary) && !terminal.raw().contains(canary), "{canary}");
    }
}
