//! Keys as terminals send them over good lines and bad ones: none is lost, and nothing is taken for one.

use std::path::Path;
use std::time::Duration;

use super::{ENTER, ESC, Terminal, is, records, run_dir};

const RUNBOOK: &str = r#"steadyhand: 1
id: keys
title: Something to type into
steps:
  - id: one
    title: The first
    do: {manual: {}}
  - id: two
    title: The second
    do: {shell: {run: 'true'}}
"#;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let books = dir.path().join("runbooks");
    std::fs::create_dir(&books).unwrap();
    std::fs::write(books.join("keys.yaml"), RUNBOOK).unwrap();
    dir
}

/// The catalogue with its search open: what is typed is seen.
fn searching(dir: &Path) -> Terminal {
    let mut terminal = Terminal::steady(dir, &[], &[]);
    terminal.wait_text("Something to type into").press("/").wait_text("Enter keep");
    terminal
}

fn begun(dir: &Path) -> Terminal {
    let mut terminal = Terminal::steady(dir, &["run", "keys", "--mode", "drill"], &[]);
    terminal.wait_text("Before the first step").press(ENTER).wait_text("Enter run");
    terminal
}

#[test]
fn a_key_at_the_moment_of_a_change_of_size_is_not_lost() {
    let dir = place();
    let mut terminal = searching(dir.path());
    for round in 0..60_u16 {
        // While a frame is drawn a size and a key come, in this order, and are found at once. When that is depends
        // on the machine: the pause hunts for it. Nothing comes after the key that could wake a reader.
        terminal.resize(300 - round % 2, 90);
        std::thread::sleep(Duration::from_micros(u64::from(round) * 97 % 4000));
        terminal.resize(100 - round % 2, 30).press(if round % 2 == 0 { "a" } else { "b" });
        let typed = format!("/{}", "ab".repeat(30)[..usize::from(round) + 1].to_owned());
        terminal.wait_text(&typed);
    }
    // And many of each at once.
    terminal.press(ESC).wait_text("1 of 1").press("/").wait_text("Enter keep");
    for round in 0..60 {
        terminal.resize(90 + round, 30).press(if round % 2 == 0 { "a" } else { "b" });
    }
    terminal.wait_text(&"ab".repeat(30));
}

#[test]
fn bytes_that_are_no_keys_are_none() {
    let dir = place();
    let mut terminal = begun(dir.path());
    // The mouse, answers nobody asked for, broken UTF-8, the half of a key: no `q`, no `y`, no Enter in it.
    for bytes in [
        &b"\x1b[<0;10;20M\x1b[<0;10;20m\x1b[M\ryq"[..],
        b"\x1b]11;rgb:q/y/q\x1b\\\x1bP>|q\x1b\\",
        b"\xff\xfe\xc3\x28\xe2\x82",
        b"\x1b[12;40R\x1b[I\x1b[O\x1b[200~q\x1b[201~",
    ] {
        terminal.press_bytes(bytes);
    }
    // An arrow is an arrow and not Esc and letters.
    terminal.press("\x1b[B");
    terminal.wait_text("─ The second").press("t").wait_text("Timeline");
    // A lone Esc is a key.
    terminal.press(ESC).wait_text("Enter run").press("k");
    assert!(!records(dir.path()).iter().any(|r| is(r, "guard_satisfied", "")));
    terminal.press("q").wait_exit();
}

#[test]
fn a_megabyte_is_pasted_and_a_paste_whose_end_is_lost_is_left_with_esc() {
    let dir = place();
    let mut terminal = begun(dir.path());
    let text = "q\ry".repeat(350_000);
    terminal.press("\x1b[200~").press(&text).press("\x1b[201~");
    terminal.press("t").wait_text("Timeline").press(ESC).wait_text("Enter run");
    terminal.press("n").wait_text("Note").press("\x1b[200~the line is b").press("ad");
    terminal.press(ESC).wait_text("the line is bad");
    // What comes now are keys again.
    terminal.press("!").wait_text("the line is bad!").press(ENTER);
    terminal.wait_record(dir.path(), "the note", |r| is(r, "note_added", ""));
    terminal.wait_text("Enter run").press("q").wait_exit();
    assert!(!records(dir.path()).iter().any(|r| is(r, "guard_satisfied", "")));
    assert!(run_dir(dir.path()).is_some());
}
