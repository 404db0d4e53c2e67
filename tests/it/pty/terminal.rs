//! What may happen to a terminal and to the process in it. Afterwards it is as it was before.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use rustix::termios::LocalModes;

use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::console::eventually;

/// One long step that destroys; `go` ends it.
const RUNBOOK: &str = r#"steadyhand: 1
id: long
title: Something long
steps:
  - id: wipe
    title: Wipe the old copy
    do:
      shell: {run: 'echo wiped >> wiped; while [ -e wiped ] && [ ! -e go ]; do sleep 0.05; done'}
    effect: destroys
    guard: {type: old}
  - id: after
    title: What comes after
    do: {manual: {}}
"#;

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("long.yaml"), RUNBOOK).unwrap();
    dir
}

const RUN: &[&str] = &["run", "./long.yaml", "--mode", "drill"];

/// The destructive step is at work.
fn wiping(dir: &Path, env: &[(&str, &str)]) -> Terminal {
    let mut terminal = Terminal::steady(dir, RUN, env);
    begin(dir, &mut terminal);
    terminal
}

fn begin(dir: &Path, terminal: &mut Terminal) {
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter review").press(ENTER).type_phrase("old");
    terminal.wait_record(dir, "wipe started", |r| is(r, "attempt_started", "wipe"));
    eventually(|| dir.join("wiped").exists().then_some(()));
}

fn go_on(dir: &Path) {
    fs::write(dir.join("go"), "").unwrap();
}

/// Another console finds the child of the one that is gone, and sees it to its end.
fn resumes(dir: &Path) {
    let mut again = Terminal::steady(dir, &["resume"], &[]);
    again.wait_text("1 of 2").wait_text("Wipe the old copy");
    go_on(dir);
    again.wait_record(dir, "wipe succeeded", |r| {
        is(r, "attempt_finished", "wipe") && r["body"]["outcome"] == "succeeded"
    });
    again.wait_text("2 of 2").press("q").wait_exit();
    assert_eq!(fs::read_to_string(dir.join("wiped")).unwrap(), "wiped\n", "it was not done again");
}

/// The terminal is as a shell wants it: in what it was told last, and in its modes.
fn is_usable(terminal: &Terminal) {
    let cells = terminal.cells();
    assert!(!cells.alternate_screen() && !cells.hide_cursor() && !cells.bracketed_paste());
    assert_eq!(cells.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    assert!(!cells.application_cursor() && !cells.application_keypad());
    let raw = terminal.raw();
    for (on, off) in [
        ("\x1b[?1049h", "\x1b[?1049l"),
        ("\x1b[?2004h", "\x1b[?2004l"),
        ("\x1b[?25l", "\x1b[?25h"),
        ("\x1b[22;0t", "\x1b[23;0t"),
        // Whatever title was set, the old one was fetched after it.
        ("\x1b]0;", "\x1b[23;0t"),
    ] {
        assert!(raw.rfind(on).unwrap() < raw.rfind(off).unwrap(), "{on:?} {off:?}");
    }
    let modes = terminal.modes();
    let cooked = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    assert!(modes.local_modes.contains(cooked), "{modes:?}");
}

fn detached(dir: &Path, terminal: &mut Terminal, why: &str) {
    terminal.wait_record(dir, "detached", |r| {
        is(r, "console_detached", "") && r["body"]["reason"].as_str().unwrap().contains(why)
    });
}

#[test]
fn a_signal_ends_the_console_and_not_its_child() {
    for (signal, name) in [
        (Signal::HUP, "SIGHUP"),
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
    ] {
        let dir = place();
        let mut terminal = wiping(dir.path(), &[]);
        let status = terminal.signal(signal).wait_exit();
        assert_eq!(status.exit_code(), 5, "{name}");
        is_usable(&terminal);
        detached(dir.path(), &mut terminal, name);
        let heard = |r: &serde_json::Value| r["body"]["signal"] == name;
        assert!(records(dir.path()).iter().any(heard), "{name}");
        assert!(terminal.screen().contains("steady resume"), "{}", terminal.screen());
        go_on(dir.path());
    }
}

#[test]
fn a_cut_line_ends_the_console_and_not_its_child() {
    let dir = place();
    let mut terminal = wiping(dir.path(), &[]);
    let status = terminal.cut().wait_exit();
    assert_eq!(status.exit_code(), 5);
    detached(dir.path(), &mut terminal, "");
    resumes(dir.path());
}

#[test]
fn a_terminal_that_takes_nothing_holds_up_neither_the_run_nor_a_signal() {
    let dir = place();
    let mut terminal = wiping(dir.path(), &[]);
    let stuck = terminal.stop_reading();
    // Frames enough to fill whatever is in between: each is another.
    for n in 0..400 {
        terminal.resize(500 - n % 2, 200);
    }
    go_on(dir.path());
    eventually(|| {
        records(dir.path()).iter().any(|r| is(r, "attempt_finished", "wipe")).then_some(())
    });
    let pid = terminal.pid();
    terminal.signal(Signal::TERM);
    eventually(|| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')).then_some(())
    });
    drop(stuck);
    detached(dir.path(), &mut terminal, "SIGTERM");
    let cooked = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    assert!(terminal.modes().local_modes.contains(cooked));
}

#[test]
fn a_panic_of_the_screen_gives_the_terminal_back_and_lets_go_of_the_run() {
    let dir = place();
    let env = [("STEADYHAND_FAILPOINT", "panic:screen"), ("STEADYHAND_PANIC_TEXT", "too bad")];
    let mut terminal = wiping(dir.path(), &env);
    terminal.press("!");
    assert_eq!(terminal.wait_exit().exit_code(), 5);
    is_usable(&terminal);
    let said = terminal.screen();
    assert!(said.contains("has a defect") && said.contains("too bad"), "{said}");
    assert!(said.contains("steady resume"), "{said}");
    detached(dir.path(), &mut terminal, "the screen failed");
    resumes(dir.path());
}

#[test]
fn a_panic_behind_the_screen_is_an_unknown_outcome_and_no_step_that_hangs() {
    let dir = place();
    let env = [("STEADYHAND_FAILPOINT", "panic:worker"), ("STEADYHAND_PANIC_TEXT", "too bad")];
    let mut terminal = Terminal::steady(dir.path(), RUN, &env);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter review").press(ENTER).type_phrase("old");
    terminal.wait_record(dir.path(), "wipe unknown", |r| {
        is(r, "attempt_finished", "wipe") && r["body"]["outcome"] == "unknown"
    });
    // Nothing had been started, and that could be seen.
    terminal.wait_record(dir.path(), "resolved", |r| is(r, "unknown_resolved", "wipe"));
    terminal.wait_text("Enter review");
    // The screen is still there, whole, and takes keys.
    assert!(terminal.cells().alternate_screen() && !terminal.raw().contains("too bad"));
    terminal.press("q").wait_exit();
    is_usable(&terminal);
    assert!(terminal.screen().contains("too bad"), "{}", terminal.screen());
}

/// A shell with `steady` in the foreground of it.
fn in_a_shell(dir: &Path) -> Terminal {
    let env = [("PS1", "shell> "), ("ENV", "/dev/null"), ("STEADY", env!("CARGO_BIN_EXE_steady"))];
    let mut terminal = Terminal::program(dir, "sh", &["-i"], &env, (80, 24));
    terminal.wait_text("shell>").press("$STEADY run ./long.yaml --mode drill\r");
    begin(dir, &mut terminal);
    terminal
}

/// The console that the shell has started.
fn console(dir: &Path) -> rustix::process::Pid {
    let holder = run_dir(dir).unwrap().join("journal.jsonl");
    let find = || {
        fs::read_dir("/proc").unwrap().filter_map(Result::ok).find_map(|process| {
            let pid: i32 = process.file_name().to_str()?.parse().ok()?;
            let program = fs::read_link(process.path().join("exe")).ok()?;
            let open = fs::read_dir(process.path().join("fd")).ok()?;
            let holds = open
                .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
                .any(|file| file == holder);
            (holds && program.ends_with("steady")).then_some(pid)
        })
    };
    rustix::process::Pid::from_raw(eventually(find)).unwrap()
}

#[test]
fn a_console_that_is_stopped_gives_the_terminal_to_the_shell_and_comes_back_with_fg() {
    let dir = place();
    let mut terminal = in_a_shell(dir.path());
    let pid = console(dir.path());
    for signal in [Signal::TSTP, Signal::STOP] {
        rustix::process::kill_process(pid, signal).unwrap();
        terminal.wait_for("the shell", |screen| screen.trim_end().ends_with("shell>"));
        if signal == Signal::TSTP {
            is_usable(&terminal);
            terminal.press("echo $((6 * 7))\r").wait_text("42");
        }
        // Stopped without a word it has left the modes as they were: no Enter is made a line's end.
        let taken = |raw: &str| raw.matches("\x1b[?1049h").count();
        let before = taken(&terminal.raw());
        terminal.press("fg\n").wait_raw("the screen", |raw| taken(raw) > before);
        terminal.wait_text("Wipe the old copy").wait_text("1 of 2");
        assert!(terminal.cells().alternate_screen() && terminal.cells().bracketed_paste());
        // Keys are the console's again.
        terminal.press("t").wait_text("Timeline").press("q").wait_text("1 of 2");
    }
    for name in ["SIGTSTP", "SIGCONT"] {
        assert!(records(dir.path()).iter().any(|r| r["body"]["signal"] == name), "{name}");
    }
    assert!(!records(dir.path()).iter().any(|r| is(r, "clock_step", "")));
    go_on(dir.path());
    terminal.wait_text("2 of 2").press("q").wait_text("steady resume");
    terminal.wait_for("the shell", |screen| screen.trim_end().ends_with("shell>"));
    is_usable(&terminal);
}

#[test]
fn a_console_without_a_shell_cannot_be_stopped_for_ever() {
    let dir = place();
    let mut terminal = wiping(dir.path(), &[]);
    terminal.signal(Signal::TSTP).press("t").wait_text("Timeline").press("q");
    go_on(dir.path());
    terminal.wait_text("2 of 2").press("q").wait_exit();
}

#[test]
fn screens_of_every_size() {
    let dir = place();
    let mut terminal = wiping(dir.path(), &[]);
    for (columns, rows) in [(1, 1), (500, 200), (20, 5), (2, 100), (300, 3)] {
        terminal.resize(columns, rows);
    }
    terminal.wait_text("Needed");
    terminal.resize(500, 200).wait_text("Wipe the old copy");
    for n in 0..200 {
        terminal.resize(1 + 7 * (n % 60), 1 + 5 * (n % 20));
    }
    terminal.resize(80, 24).wait_text("Wipe the old copy").wait_text("1 of 2");
    go_on(dir.path());
    terminal.wait_text("2 of 2").press("q").wait_exit();
    is_usable(&terminal);
}

#[test]
fn a_dumb_terminal_is_refused_and_one_without_a_name_is_not() {
    let dir = place();
    let mut terminal = Terminal::steady(dir.path(), RUN, &[("TERM", "dumb")]);
    assert_eq!(terminal.wait_exit().exit_code(), 2);
    let said = terminal.raw();
    assert!(said.contains("TERM") && said.contains("--auto") && !said.contains("\x1b["), "{said}");
    assert!(run_dir(dir.path()).is_none());
    for env in [("TERM", ""), ("NO_COLOR", "1")] {
        let mut terminal = Terminal::steady(dir.path(), RUN, &[env]);
        terminal.wait_text("Before the first step").press("q").wait_exit();
        is_usable(&terminal);
    }
}
