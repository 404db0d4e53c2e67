//! A person who goes the straight path: reads, consents, types what is asked for, and stops where it goes wrong.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::{ENTER, Terminal, records, run_dir};

const PAGE_DOWN: &str = "\x1b[6~";

/// What the console waits for a person to do.
#[derive(Debug, PartialEq)]
pub enum Turn {
    /// The run is over.
    Over,
    /// A step failed, or nobody knows how it came out.
    Stuck,
    /// A step that needs no consent.
    Run,
    /// A request to be consented to.
    Review,
    /// A secret that somebody must type.
    Secret,
}

fn turn(screen: &str) -> Option<Turn> {
    // An unknown outcome is nobody's turn while the console still looks.
    if screen.contains("… looking for what became of") {
        return None;
    }
    [
        (" Debrief ", Turn::Over),
        ("FAILED", Turn::Stuck),
        ("UNKNOWN", Turn::Stuck),
        ("Run this?", Turn::Review),
        ("Enter review", Turn::Review),
        ("Enter type the secret", Turn::Secret),
        ("Enter run", Turn::Run),
    ]
    .into_iter()
    .find(|(text, _)| screen.contains(text))
    .map(|(_, turn)| turn)
}

/// Goes the straight path until the debrief, or until it is stuck. `phrase` is typed where one is asked for, after a
/// wrong one was refused; without it what the screen asks for.
pub fn walk(terminal: &mut Terminal, dir: &Path, phrase: Option<&str>) -> Turn {
    let end = walk_until(terminal, dir, phrase, "─ no such screen ─");
    end.expect("the run is over, or stuck")
}

/// [`walk`], as far as a screen with `stop` on it where it is a person's turn; `None` there.
pub fn walk_until(
    terminal: &mut Terminal,
    dir: &Path,
    phrase: Option<&str>,
    stop: &str,
) -> Option<Turn> {
    loop {
        terminal.wait_for("something to do", |screen| turn(screen).is_some());
        if terminal.screen().contains(stop) {
            return None;
        }
        let before = records(dir).len();
        match turn(&terminal.screen()) {
            Some(Turn::Run) => {
                terminal.press(ENTER);
            }
            Some(Turn::Review) => review(terminal, dir, phrase),
            end @ Some(Turn::Over | Turn::Stuck | Turn::Secret) => return end,
            None => continue,
        }
        // A key that came before the request was prepared does nothing, and is pressed again.
        if soon(terminal, |_| records(dir).len() > before) {
            settled(terminal, dir);
        }
    }
}

/// Whether the screen or the journal becomes so within the time a person would wait before pressing again.
pub fn soon(terminal: &mut Terminal, good: impl Fn(&Terminal) -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(2);
    while !good(terminal) {
        if Instant::now() > deadline {
            return false;
        }
        terminal.take_in();
    }
    true
}

/// Waits until what was begun has come out.
fn settled(terminal: &mut Terminal, dir: &Path) {
    terminal.wait_record(dir, "of the outcome", |_| {
        let all = records(dir);
        let count = |kind: &str| all.iter().filter(|r| r["type"] == kind).count();
        count("guard_satisfied") == count("attempt_finished")
    });
    shown(terminal, dir);
}

/// Reads the whole request, then consents as it asks.
pub fn review(terminal: &mut Terminal, dir: &Path, phrase: Option<&str>) {
    let open = |terminal: &Terminal| terminal.screen().contains("Run this?");
    if !open(terminal) {
        terminal.press(ENTER);
        if !soon(terminal, open) {
            return;
        }
    }
    read_on(terminal);
    if !terminal.screen().contains("and Enter:") {
        terminal.confirm();
        return;
    }
    if !records(dir).iter().any(|r| r["type"] == "guard_refused") {
        terminal.press("wrong").press(ENTER);
        terminal.wait_record(dir, "of the refusal", |r| r["type"] == "guard_refused");
        terminal.wait_text("was typed where");
    }
    let asked = asked(&terminal.screen());
    terminal.press(phrase.unwrap_or(&asked)).wait_text("Enter runs exactly this.").press(ENTER);
}

/// The phrase that the screen asks for.
fn asked(screen: &str) -> String {
    let after = screen.split("Type `").nth(1).unwrap_or_default();
    after.split('`').next().unwrap_or_default().to_owned()
}

/// The run ends with its report; the record holds together. The JSON report.
pub fn end(terminal: &mut Terminal, dir: &Path) -> Json {
    terminal.wait_text("COMPLETED").press(ENTER);
    let status = terminal.wait_exit();
    assert!(status.success(), "{status:?}:\n{}", terminal.screen());
    let run = run_dir(dir).unwrap();
    let verified = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["verify", run.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    let reports = std::fs::read_dir(run.join("reports")).unwrap().flatten();
    let json =
        reports.map(|entry| entry.path()).find(|p| p.extension().is_some_and(|e| e == "json"));
    serde_json::from_str(&std::fs::read_to_string(json.unwrap()).unwrap()).unwrap()
}

/// Waits until the screen shows what the journal has.
pub fn shown(terminal: &mut Terminal, dir: &Path) {
    terminal.wait_for("what was recorded", |screen| {
        let shown = format!("journal ✓ {} ", records(dir).len());
        screen.contains(" Debrief ") || screen.contains(&shown)
    });
}

/// Reads a request to its end.
pub fn read_on(terminal: &mut Terminal) {
    while !terminal.screen().contains("── the end ──") {
        let before = terminal.screen();
        terminal.press(PAGE_DOWN).wait_for("more of the request", |screen| screen != before);
    }
}

/// Does the failed step again, and waits for its end. A key that came before the request was prepared anew
/// does nothing, and is pressed again.
pub fn retry(terminal: &mut Terminal, dir: &Path) {
    let before = records(dir).len();
    while records(dir).len() == before {
        terminal.wait_text("Enter choices").press(ENTER).wait_text("retry").press("r");
        soon(terminal, |_| records(dir).len() > before);
    }
    let finished = |all: &[Json]| all.iter().skip(before).any(|r| r["type"] == "attempt_finished");
    terminal.wait_record(dir, "of its end", |_| finished(&records(dir)));
    shown(terminal, dir);
}

/// Gives an input another value.
pub fn amend(terminal: &mut Terminal, dir: &Path, input: &str, value: &str) {
    terminal.press(" ").wait_text("amend an input").press("a");
    terminal.wait_text("Amend an input");
    let chosen = format!("[{input}]");
    while !terminal.screen().contains(&chosen) {
        let before = terminal.screen();
        terminal.press("\x1b[C").wait_for("another input", |screen| screen != before);
    }
    terminal.press(ENTER).press(value).press(ENTER).press("as it must be").press(ENTER);
    terminal.wait_record(dir, "of the new value", |r| {
        r["type"] == "input_amended" && r["body"]["value"] == value
    });
    shown(terminal, dir);
}
