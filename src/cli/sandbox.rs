//! `steady __sandbox NAME`: a scene of the sandbox, in a process of its own that no terminal can end.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, kill_process, setsid};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Globals, fail};
use crate::journal;
use crate::sandbox::{Lesson, Practice, Sandbox, SandboxOptions};

/// Long enough for the console to show that the step is under way.
const BEFORE_THE_BLOW: Duration = Duration::from_millis(1500);
/// A look whether the console is gone.
const LOOK: Duration = Duration::from_millis(20);

/// Must be called before any thread is there. Says one line on standard output, its [`Offer`], for the console
/// that launched it.
///
/// [`Offer`]: crate::sandbox::Offer
pub(super) fn serve(
    globals: &Globals,
    practice: &'static Practice,
    lesson: Option<Lesson>,
) -> ExitCode {
    let opened = globals.runs_dir().and_then(|runs| {
        open(practice, lesson, &runs).map_err(|e| format!("the sandbox ended: {e}"))
    });
    match opened {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, why),
    }
}

fn open(practice: &'static Practice, lesson: Option<Lesson>, runs: &Path) -> io::Result<()> {
    let console = Console::here();
    // Out of the terminal's reach: it outlives the console and its connection.
    setsid()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = Sandbox::open(practice, SandboxOptions::default(), lesson).await?;
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, sandbox.offer())?;
        writeln!(stdout)?;
        drop(stdout);
        tokio::select! {
            () = sandbox.closed() => return Ok(()),
            () = sandbox.blow() => {}
        }
        tokio::time::sleep(BEFORE_THE_BLOW).await;
        console.kill(runs).await;
        sandbox.closed().await;
        Ok(())
    })
}

/// The console that launched this sandbox, and its terminal as it was before.
struct Console {
    pid: Option<Pid>,
    terminal: Option<Termios>,
}

impl Console {
    fn here() -> Self {
        let terminal = io::stderr().is_terminal().then(|| tcgetattr(io::stderr()).ok()).flatten();
        Self { pid: getppid(), terminal }
    }

    /// Kills it, and tidies up after it: nobody else is left who could.
    async fn kill(&self, runs: &Path) {
        let Some(pid) = self.pid.filter(|_| getppid() == self.pid) else { return };
        if kill_process(pid, Signal::KILL).is_err() {
            return;
        }
        while getppid() == self.pid {
            tokio::time::sleep(LOOK).await;
        }
        let Some(terminal) = &self.terminal else { return };
        let _ = tcsetattr(io::stderr(), OptionalActions::Now, terminal);
        // The screen that was there before, its cursor, and pasting as ever.
        eprint!("\x1b[?2004l\x1b[?1049l\x1b[?25h");
        eprintln!(
            "\nThe console was killed in the middle of a step. What it had begun goes on, and its record is \
             whole.\nTo go on, type within five minutes:\n\n  steady resume {}\n",
            newest(runs)
        );
    }
}

/// The run that was begun last: this one.
fn newest(runs: &Path) -> String {
    let ids = journal::run_ids(runs).unwrap_or_default();
    ids.last().map(|id| runs.join(id).display().to_string()).unwrap_or_default()
}
