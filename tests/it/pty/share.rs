//! `share: group`: a member of the group looks on, everybody else does not.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::{ENTER, Terminal, run_dir};
use crate::services::skip;

const RUNBOOK: &str = "steadyhand: 1
id: small
title: A small change
steps:
  - {id: change, title: Change something, do: {shell: {run: 'echo seen by the group'}}}
  - {id: more, title: Change more, do: {shell: {run: 'true'}}}
";
const GROUP: u32 = 54321;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap_or_else(|e| panic!("{}: {e}", path.display())).mode() & 0o777
}

/// A directory of runs for the group, as docs/settings.md has it made.
fn place(share: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(dir.path().join("small.yaml"), RUNBOOK).unwrap();
    std::fs::write(dir.path().join("steadyhand.yaml"), format!("steadyhand: 1\n{share}")).unwrap();
    dir
}

#[test]
fn the_group_looks_on_and_nobody_else_does() {
    if !rustix::process::geteuid().is_root() {
        skip("share: group", "not root: no other user can be had to look on");
        return;
    }
    let dir = place("share: group\n");
    let runs = dir.path().join("runs");
    std::fs::create_dir(&runs).unwrap();
    chown(&runs, None, Some(GROUP)).unwrap();
    std::fs::set_permissions(&runs, PermissionsExt::from_mode(0o2750)).unwrap();
    // As careful an account as there is: it shares all the same.
    let line = format!("umask 077; exec '{}' \"$@\"", env!("CARGO_BIN_EXE_steady"));
    let words = ["-c", &line, "steady", "run", "./small.yaml", "--mode", "drill"];
    let mut console = Terminal::program(dir.path(), "sh", &words, &[], (80, 24));
    console.wait_text("Before the first step").press(ENTER).wait_text("Enter review").press(ENTER);
    console.confirm().wait_text("2 of 2");

    let run = run_dir(dir.path()).unwrap();
    for (name, expected) in [
        ("", 0o750),
        ("output", 0o750),
        ("output/change.1.log", 0o640),
        ("journal.jsonl", 0o640),
        ("runbook.yaml", 0o640),
        ("settings.yaml", 0o640),
        // What is not looked at stays the operator's alone.
        ("attempts", 0o700),
        ("evidence", 0o700),
        ("reports", 0o700),
    ] {
        assert_eq!(mode(&run.join(name)), expected, "{name}");
    }

    // The program lies where only its builder may look.
    let program = dir.path().join("steady");
    std::fs::copy(env!("CARGO_BIN_EXE_steady"), &program).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let look = |group: u32| {
        let ids = ["--reuid=65534".to_owned(), format!("--regid={group}"), "--clear-groups".into()];
        let words: Vec<&str> = ids.iter().map(String::as_str).collect();
        let watch = [program.to_str().unwrap(), "watch", run.to_str().unwrap()];
        Terminal::program(dir.path(), "setpriv", &[&words[..], &watch].concat(), &[], (80, 24))
    };
    let mut member = look(GROUP);
    member.wait_text("WATCHING").wait_text("2 of 2");
    // The output of the first step, from its file.
    member.press("\x1b[A").press("o").wait_text("seen by the group").press("q");
    member.press("q");
    assert!(member.wait_exit().success());
    let mut stranger = look(GROUP + 1);
    assert!(!stranger.wait_exit().success());
    assert!(stranger.screen().contains("Permission denied"), "{}", stranger.screen());
    console.press("q").wait_exit();
}

#[test]
fn without_it_a_run_is_its_operators_alone_and_a_closed_place_is_said() {
    let dir = place("");
    let words = ["run", "./small.yaml", "--mode", "drill"];
    let mut console = Terminal::steady(dir.path(), &words, &[]);
    console
        .wait_text("Before the first step")
        .press(ENTER)
        .wait_text("1 of 2")
        .press("q")
        .wait_exit();
    let run = run_dir(dir.path()).unwrap();
    for (name, expected) in [("", 0o700), ("output", 0o700), ("journal.jsonl", 0o600)] {
        assert_eq!(mode(&run.join(name)), expected, "{name}");
    }
    std::fs::write(dir.path().join("steadyhand.yaml"), "steadyhand: 1\nshare: group\n").unwrap();
    let mut console = Terminal::steady(dir.path(), &words, &[]);
    console.wait_text("Before the first step").press(ENTER);
    console.wait_text("the group cannot look into").press("q").wait_exit();
}
