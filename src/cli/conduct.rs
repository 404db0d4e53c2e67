//! Conducting a run to its end: on the full screen, or unattended with its records on standard output.

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::run::Unattended;
use super::{Globals, diagnostics, export, fail, full_screen, panics, remaining};
use crate::driver::{Clock, Command, Handle, Left, Loan, Run};
use crate::engine::event::{Ending, Recorded};
use crate::engine::objectives::{recovery_time, rpo};
use crate::engine::{Fact, Outcome, State, Subject};
use crate::journal;
use crate::preflight;
use crate::report::{Format, Wanted};
use crate::runbook::value::duration_text;
use crate::tui::console;
use crate::tui::terminal::{self, Screen};
use crate::tui::theme::Theme;

/// How long who does not read is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a run is shown.
pub(super) struct Conduct {
    unattended: Option<Shown>,
    theme: Theme,
    operator: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Text,
    Json,
}

impl Conduct {
    /// # Errors
    /// One line: there is no terminal for the full screen, or no such theme.
    pub(super) fn new(globals: &Globals, unattended: Unattended) -> Result<Self, String> {
        let shown = match (unattended.auto, unattended.json) {
            (true, true) => Some(Shown::Json),
            (true, false) => Some(Shown::Text),
            (false, _) => None,
        };
        if shown.is_none() {
            terminal::possible().map_err(|e| format!("{e}; or add --auto"))?;
        }
        Ok(Self {
            unattended: shown,
            theme: full_screen::theme(globals)?,
            operator: globals.operator()?,
        })
    }

    /// Nobody is there.
    pub(super) fn is_unattended(&self) -> bool {
        self.unattended.is_some()
    }

    /// The theme of the screens.
    pub(super) fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Drives a run to its end, or to where it has to stop.
    pub(super) async fn conduct(self, mut run: Run, screen: Option<Screen>) -> ExitCode {
        let dir = run.dir();
        let _diagnostics = dir.parent().and_then(diagnostics::start);
        let (handle, earlier, signer) = (run.handle(), run.earlier(), run.signer());
        // A rehearsal has nothing at work that could be lost, and asks nobody.
        if !run.is_rehearsal()
            && let Some(risk) = preflight::connection().await.risk()
        {
            run.warn(risk);
        }
        let (driving, loans) = run.drive();
        let driving = tokio::spawn(driving);
        // Whether there is still somebody to say goodbye to.
        let (mut reachable, mut printing) = (true, None);
        match self.unattended {
            None => match show(handle, loans, screen, &self.theme).await {
                Ok(given_back) => reachable = given_back,
                Err(e) => eprintln!("steady: the screen failed: {e}"),
            },
            Some(shown) => {
                // There is no terminal to lend.
                drop(loans);
                let print = print_records(dir.clone(), shown, handle, earlier);
                let runtime = tokio::runtime::Handle::current();
                // Who does not read on holds up the printing, and nothing else.
                printing = Some(tokio::task::spawn_blocking(move || runtime.block_on(print)));
            }
        }
        let driven = driving.await;
        // A pipe is waited for, unless there is no time.
        let told_to_go = matches!(driven, Ok((_, Left::Detached(_))));
        let patience = if printing.is_none() || told_to_go { PATIENCE } else { Duration::MAX };
        if let Some(printing) = printing {
            reachable = timeout(patience, printing).await.is_ok();
        }
        panics::say();
        let (state, left) = match driven {
            Ok(ended) => ended,
            Err(_) => return fail(1, "the run was let go of in disorder; steady resume goes on"),
        };
        let formats = [Format::Md, Format::Json, Format::Html];
        let wanted = Wanted { formats: &formats, out: None, excerpts: true };
        let exported = export::write(&dir, &wanted, &self.operator, signer.as_ref()).await;
        if reachable
            && let Ok(Some(why)) = exported.as_ref().map(|exported| exported.unsigned.as_ref())
        {
            eprintln!("steady: the end of the journal is not signed: {why}");
        }
        let report =
            exported.map(|exported| exported.written.into_iter().map(|file| file.path).collect());
        if reachable {
            let goodbye = self.goodbye(&dir, &state, &left, &report);
            let said = tokio::task::spawn_blocking(move || print!("{goodbye}"));
            // Nobody may be reading, and this process is to end.
            let _ = timeout(patience, said).await;
        }
        exit_code(&state, &left)
    }

    /// The last lines: how it ended, what is left, and where everything is.
    fn goodbye(
        &self,
        dir: &Path,
        state: &State,
        left: &Left,
        report: &Result<Vec<PathBuf>, String>,
    ) -> String {
        let journal = dir.join(journal::JOURNAL);
        if self.unattended == Some(Shown::Json) {
            let run = state.run().map(|run| run.run.clone());
            let report = report.as_ref().ok().and_then(|paths| paths.first());
            let report = report.map(|path| path.display().to_string());
            let outcome = outcome_word(state, left);
            let end = json!({ "run": run, "outcome": outcome, "journal": journal.display().to_string(), "report": report });
            return format!("{end}\n");
        }
        let mut lines = vec![match left {
            Left::Finished => summary(state),
            Left::Stopped(stopped) => format!("stopped: {}", stopped.why),
            Left::Detached(reason) if state.finished.is_none() => format!("left: {reason}"),
            Left::Detached(_) => summary(state),
            Left::Halted(why) => format!("halted: {why}"),
        }];
        if state.finished.is_none() {
            let left = remaining::text(state, &remaining::access(dir));
            lines.extend(left.lines().map(str::to_owned));
            lines.push(format!("to go on: steady resume {}", dir.display()));
        }
        lines.push(format!("journal: {}", journal.display()));
        match report {
            Ok(paths) => {
                lines.extend(paths.iter().map(|path| format!("report:  {}", path.display())));
            }
            Err(why) => lines.push(format!("report:  none: {why}")),
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

fn outcome_word(state: &State, left: &Left) -> &'static str {
    match (state.finished.as_ref().map(|(_, ending, _)| *ending), left) {
        (Some(Ending::Completed), _) => "completed",
        (Some(Ending::Aborted), _) => "aborted",
        (None, Left::Stopped(stopped)) if stopped.failed => "failed",
        (None, _) => "stopped",
    }
}

fn summary(state: &State) -> String {
    let Some((at, ending, _)) = &state.finished else { return String::new() };
    let mut lines = vec![match ending {
        Ending::Completed => "completed".to_owned(),
        Ending::Aborted => "aborted".to_owned(),
    }];
    if let Some(clock) = recovery_time(state, at) {
        let of = clock.target.map_or(String::new(), |t| format!(" of {}", whole(t)));
        let restored = if clock.stopped { "" } else { " (the service was not restored)" };
        lines.push(format!("RTO {}{of}{restored}", whole(clock.elapsed)));
    }
    if let Some(rpo) = rpo(state) {
        let of = rpo.target.map_or(String::new(), |t| format!(" of {}", whole(t)));
        lines.push(format!("RPO {}{of}", whole(rpo.actual)));
    }
    lines.push(format!("{} deviations", state.deviations.len()));
    lines.join(" · ")
}

/// A length of time in whole seconds, as runbooks write it.
fn whole(length: TimeDelta) -> String {
    duration_text(TimeDelta::seconds(length.num_seconds()))
}

/// 0 completed, 1 failed, 3 completed but an objective was missed, 4 aborted, 5 stopped with work left.
fn exit_code(state: &State, left: &Left) -> ExitCode {
    let code = match state.finished.as_ref().map(|(_, ending, _)| *ending) {
        Some(Ending::Aborted) => 4,
        Some(Ending::Completed) => {
            let failed = state
                .steps
                .iter()
                .any(|step| step.settled.as_ref().is_some_and(|s| s.outcome == Outcome::Failed));
            match (failed, state.breaches.is_empty()) {
                (true, _) => 1,
                (false, false) => 3,
                (false, true) => 0,
            }
        }
        None => match left {
            Left::Stopped(stopped) if stopped.failed => 1,
            Left::Halted(_) | Left::Stopped(_) | Left::Detached(_) | Left::Finished => 5,
        },
    };
    ExitCode::from(code)
}

/// The run on the full screen. When the screen is left, so is the run. Whether the terminal was given back.
async fn show(
    handle: Handle,
    loans: Receiver<Loan>,
    screen: Option<Screen>,
    theme: &Theme,
) -> Result<bool, String> {
    let clock = Clock::new().map_err(|e| e.to_string())?;
    let mut screen = match screen {
        Some(screen) => screen,
        None => Screen::take().map_err(|e| e.to_string())?,
    };
    let Handle { views, commands } = handle;
    let hands = Some((commands.clone(), loans));
    let shown = console::show(&mut screen, theme, views, hands, || clock.now());
    let shown = AssertUnwindSafe(shown).catch_unwind().await;
    let given_back = screen.release();
    match shown {
        Ok(shown) => shown.map(|()| given_back).map_err(|e| e.to_string()),
        Err(_panic) => {
            let reason = "the screen failed: a defect of this program".to_owned();
            let _ = commands.send(Command::Leave { reason: reason.clone() }).await;
            Err(reason)
        }
    }
}

/// Prints what becomes durable, until the driver is through; what `earlier` consoles wrote was printed
/// by them.
async fn print_records(dir: PathBuf, shown: Shown, handle: Handle, earlier: u64) {
    // The loop of an unattended run ends by itself; this end only has to stay.
    let Handle { mut views, commands: _commands } = handle;
    let Ok(mut journal) = journal::Follower::new(&dir) else { return };
    let mut earlier = usize::try_from(earlier).unwrap_or(usize::MAX);
    let mut print = || {
        let mut out = std::io::stdout().lock();
        let lines = match shown {
            Shown::Json => {
                journal.poll_lines().map(|lines| lines.into_iter().map(Some).collect::<Vec<_>>())
            }
            Shown::Text => journal.poll().map(|records| records.iter().map(told).collect()),
        };
        let lines = lines.unwrap_or_default();
        let new = lines.iter().skip(earlier).flatten();
        earlier = earlier.saturating_sub(lines.len());
        for line in new {
            // A reader that has gone away does not stop a restore.
            let _ = writeln!(out, "{line}");
        }
        let _ = out.flush();
    };
    while views.changed().await.is_ok() {
        views.borrow_and_update();
        print();
    }
    print();
}

/// One line for people about what matters to them.
fn told(record: &Recorded) -> Option<String> {
    let at = record.stamp.at.format("%H:%M:%SZ");
    let step = match &record.event.of {
        Subject::Run => String::new(),
        Subject::Step(step) => format!("{step}: "),
        Subject::Attempt(id) if id.number > 1 => format!("{} (attempt {}): ", id.step, id.number),
        Subject::Attempt(id) => format!("{}: ", id.step),
    };
    let what = match &record.event.fact {
        Fact::RunStarted(run) => format!("run {} of {}", run.run, run.runbook),
        Fact::AttemptIntended { .. } => "starting".to_owned(),
        Fact::AttemptProgress { message, .. } => message.clone(),
        Fact::AttemptFinished(finished) => {
            let word = match finished.outcome {
                Outcome::Succeeded => "succeeded",
                Outcome::Failed => "FAILED",
                Outcome::Unknown => "UNKNOWN",
                Outcome::Skipped | Outcome::NotApplicable | Outcome::Overridden => return None,
            };
            format!("{word}: {}", finished.message)
        }
        Fact::UnknownResolved(resolved) => format!("was UNKNOWN; {}", resolved.reason),
        Fact::StepNotApplicable { when } => format!("does not apply: `{when}` is false"),
        Fact::MilestoneReached { milestone, .. } => format!("milestone {}", milestone.name()),
        Fact::ObjectiveBreached { target_s, actual_s, .. } => {
            format!("objective missed: {actual_s} s of {target_s} s")
        }
        Fact::GuardRefused { reason, .. } => format!("refused: {reason}"),
        Fact::ClockStep { by_ms } => format!("the wall clock was moved by {by_ms} ms"),
        Fact::Recovery { bytes, .. } => format!("{bytes} damaged bytes of the journal set aside"),
        _ => return None,
    };
    Some(format!("{at} {step}{what}"))
}
