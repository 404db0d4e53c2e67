//! The catalogue, and the terminal around every screen.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{ENTER, ESC, Terminal, run_dir, runs};
use crate::services::console::eventually;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("runbooks");
    std::fs::create_dir(&books).unwrap();
    for (id, title) in [("one", "Restore the loans"), ("two", "Promote the replica")] {
        let text = format!(
            "steadyhand: 1\nid: {id}\ntitle: {title}\nsteps:\n  - id: a\n    title: A\n    do: {{manual: {{}}}}\n"
        );
        std::fs::write(books.join(format!("{id}.yaml")), text).unwrap();
    }
    dir
}

fn catalogue(dir: &Path) -> Terminal {
    let mut terminal = Terminal::steady(dir, &[], &[]);
    terminal.wait_text("Restore the loans");
    terminal
}

#[test]
fn a_search_finds_as_one_types() {
    let dir = place();
    let mut terminal = catalogue(dir.path());
    terminal.press("/promo").wait_text("1 of 2");
    assert!(!terminal.screen().contains("Restore the loans"));
    terminal.press(ESC).wait_text("2 of 2").press("Q");
    assert!(terminal.wait_exit().success());
    assert!(terminal.raw().contains("\x1b[?1049l"), "the screen was given back");
}

/// The bytes that the console has read so far, from wherever.
fn bytes_read(terminal: &Terminal) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{}/io", terminal.pid())).unwrap();
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    read.parse().unwrap()
}

/// The keys that wait to be read.
fn keys_waiting(terminal: &Terminal) -> u64 {
    rustix::io::ioctl_fionread(terminal.tty()).unwrap()
}

#[test]
fn a_screen_that_is_too_small_says_so_and_takes_no_keys() {
    let dir = place();
    let mut terminal = catalogue(dir.path());
    terminal.resize(20, 5).wait_text("Needed: 80x24");
    // Nothing on screen tells that keys were taken and ignored; how much the console has read does, and a
    // frame that was drawn later.
    let before = bytes_read(&terminal);
    terminal.press(ENTER).press("q");
    eventually(|| {
        (bytes_read(&terminal) >= before + 2 && keys_waiting(&terminal) == 0).then_some(())
    });
    terminal.resize(24, 6).wait_text("This one: 24x6");
    terminal.resize(80, 24).wait_text("Restore the loans").press("q");
    assert!(terminal.wait_exit().success());
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let dir = place();
        let mut terminal = catalogue(dir.path());
        terminal.signal(signal).wait_exit();
        assert!(terminal.raw().contains("\x1b[?1049l"), "{signal:?}");
        assert!(!terminal.cells().alternate_screen());
    }
}

#[test]
fn no_terminal_is_said() {
    let dir = place();
    let output = Command::new(env!("CARGO_BIN_EXE_steady"))
        .current_dir(dir.path())
        .env("STEADYHAND_RUNS", runs(dir.path()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("needs a terminal"), "{said}");
    assert!(run_dir(dir.path()).is_none());
}
