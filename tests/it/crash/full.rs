//! A disk without room, on a small file system of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use steadyhand::engine::{Event, Fact, Stamp};
use steadyhand::journal::{NewRun, create_run};
use tempfile::TempDir;

use super::law::Fold;
use crate::pty::{ENTER, Terminal};
use crate::services::console::{Console, said, text};
use crate::services::skip;

/// A file system in memory of so many MiB, unmounted in the end.
struct SmallDisk {
    at: TempDir,
}

impl SmallDisk {
    fn new(mib: u32) -> Option<Self> {
        let at = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m,mode=700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at.path());
        let said = match mount.output() {
            Ok(output) if output.status.success() => String::new(),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(e) => e.to_string(),
        };
        if said.is_empty() {
            return Some(Self { at });
        }
        skip("a full disk", &format!("a small file system cannot be mounted: {said}"));
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.at.path().join(name)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.at.path()).status();
    }
}

/// A step that takes all the room there is, one that prints into the full disk, and one that must not run meanwhile.
const RUNBOOK: &str = r#"steadyhand: 1
id: full
title: A full disk
inputs:
  disk: {type: path}
steps:
  - id: before
    title: Before
    do: {shell: {run: 'echo before >> ledger'}}
  - id: fill
    title: Fill the disk
    do: {shell: {run: 'echo fill >> ledger; FILL'}}
  - id: after
    title: Destroy the copy
    effect: destroys
    guard: {type: copy}
    do: {shell: {run: 'echo after >> ledger'}}
"#;

/// Takes what is left, to the last byte.
const FILLER: &str = r#"cat /dev/zero > "$INPUT_DISK/filler" 2> /dev/null || true"#;
/// Takes most of it and prints more than there is room for then.
const FLOOD: &str = r#"head -c 70000000 /dev/zero > "$INPUT_DISK/filler"; seq 1500000"#;

fn console(disk: &SmallDisk, fill: &str) -> Console {
    Console::new(&RUNBOOK.replace("FILL", fill)).with_runs(disk.path("runs"))
}

fn given(disk: &SmallDisk) -> String {
    format!("disk={}", disk.at.path().display())
}

fn assert_over(console: &Console) {
    let fold = Fold::of(&console.records());
    assert!(fold.finished && fold.broken.is_empty(), "{:?}", fold.broken);
    assert_eq!(text(&console.file("ledger")), "before\nfill\nafter\n");
    let run = console.run();
    let verified = console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(!run.join(".reserve").exists(), "what was set aside is given back");
}

#[test]
fn without_room_for_its_record_a_run_does_not_begin() {
    let Some(disk) = SmallDisk::new(4) else { return };
    let console = console(&disk, FILLER);
    let output = console.drill(&["--allow-destructive", "-i", &given(&disk)]).output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("only 4 MiB free") && words.contains("make room"), "{words}");
    assert!(console.runs().is_empty(), "{:?}", console.runs());
    assert_eq!(text(&console.file("ledger")), "");

    // The disk is filled after it was looked at.
    let runs = disk.path("runs");
    let new = NewRun {
        runs: &runs,
        id: "a-run",
        runbook: b"",
        settings: None,
        included: &[],
        shared: false,
    };
    let at = Stamp { at: chrono::Utc::now(), boot: "b".into(), mono: 1 };
    let fact = Event::run(Fact::RunContinued {});
    let refusal = create_run(&new, at, "alice@bastion-1", vec![fact]).unwrap_err().to_string();
    assert!(
        refusal.contains("no room for a new run") && refusal.contains("free some"),
        "{refusal}"
    );
    assert!(console.runs().is_empty(), "{:?}", console.runs());
}

#[test]
fn a_full_disk_halts_the_console_before_the_next_action_and_resume_goes_on() {
    let Some(disk) = SmallDisk::new(80) else { return };
    let console = console(&disk, FILLER);
    let home = console.file(".").canonicalize().unwrap();
    let runs = disk.path("runs").display().to_string();
    let on = |arguments: &[&str]| Terminal::steady(&home, arguments, &[("STEADYHAND_RUNS", &runs)]);
    let mut terminal = on(&["run", "./runbook.yaml", "--mode", "drill", "-i", &given(&disk)]);
    terminal.wait_text("Before the first step").press(ENTER);
    for step in ["1 of 3", "2 of 3"] {
        terminal.wait_text(step).wait_text("Enter review").press(ENTER).confirm();
    }
    // What `fill` left is enough to tell how it came out, and not for another attempt.
    terminal.wait_text("3 of 3").wait_text("Enter review").press(ENTER).type_phrase("copy");
    terminal.wait_text("HALTED").wait_text("no space left");
    assert!(terminal.screen().contains("journal ✗ HALTED"), "{}", terminal.screen());
    // No key begins anything any more.
    terminal.press(ENTER).press("y").press("q");
    terminal.wait_exit();
    let words = terminal.raw();
    for said in [
        "halted: no space left",
        "left to do, as plain commands",
        "echo after >> ledger",
        "steady resume",
    ] {
        assert!(words.contains(said), "not `{said}`: {words}");
    }
    assert_eq!(text(&console.file("ledger")), "before\nfill\n");
    let paused = console.records().into_iter().find(|r| r["type"] == "run_paused");
    assert!(paused.is_some_and(|r| r["body"]["reason"].as_str().unwrap().contains("no space")));

    // Still full: nothing moves, and nothing is lost.
    let output = console.steady(&["resume", "--auto", "--allow-destructive"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("no space left"), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "before\nfill\n");

    std::fs::remove_file(disk.path("filler")).unwrap();
    let mut terminal = on(&["resume"]);
    terminal.wait_text("Enter go on").press(ENTER);
    terminal.wait_text("3 of 3").wait_text("Enter review").press(ENTER).type_phrase("copy");
    terminal.wait_text("COMPLETED").press(ENTER);
    assert!(terminal.wait_exit().success());
    assert_over(&console);
}

#[test]
fn a_child_that_prints_into_a_full_disk_is_seen_to_its_end() {
    let Some(disk) = SmallDisk::new(80) else { return };
    let console = console(&disk, FLOOD);
    let mut run = console.drill(&["--allow-destructive", "-i", &given(&disk)]);
    let output = run.output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(5), "{words}");
    assert!(words.contains("halted: no space left") && words.contains("steady resume"), "{words}");
    assert_eq!(text(&console.file("ledger")), "before\nfill\n");

    std::fs::remove_file(disk.path("filler")).unwrap();
    let resumed = console.steady(&["resume", "--auto", "--allow-destructive"]).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    assert_over(&console);
    let records = console.records();
    let finished = records.iter().find(|r| super::law::is(r, "attempt_finished", "fill")).unwrap();
    let output = &finished["body"]["output"];
    let printed: usize = (1..=1_500_000).map(|n: u32| n.to_string().len() + 1).sum();
    assert_eq!(output["bytes"], printed, "counted to the end: {output}");
    assert!(output["cut"].as_str().unwrap().contains("No space left"), "{output}");
    assert_eq!(output["sha256"], hash(&console.run().join("output/fill.1.log")));
}

fn hash(path: &Path) -> String {
    use sha2::{Digest, Sha256};

    hex::encode(Sha256::digest(std::fs::read(path).unwrap()))
}
