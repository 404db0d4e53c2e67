//! The supervisor of a child that has the console's terminal.
//!
//! It stays in the console's session, in a process group with its child, and the console makes that group
//! the terminal's foreground: what is typed, `Ctrl-C` included, goes to the child. What the child prints is
//! not seen. The child ends with its console; how it ended is on the disk as for any other.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpgrp, getppid, kill_process, kill_process_group,
    waitpid,
};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};
use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::files::{self, EXIT};
use super::serve::{Orders, claim, command, not_spawned, start, tell};
use super::{ChildId, Ended, Exit, Kept, Order, Ordered, Stopped};
use crate::machine::process::Process;

const NOT_SEEN: &str = "the console's process group is outside this PID namespace, so the terminal could not be \
    given back to it: start steady from a shell inside";
const NOT_KEPT: &str = "not kept: it was printed on the console's terminal";

/// `steady __attempt --terminal`: owns one child to its end, or to that of its console. Says on standard
/// output what [`super::serve`] says.
#[must_use]
pub fn serve_terminal() -> ExitCode {
    match attempt() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tell(&format!("refused {e}"));
            ExitCode::FAILURE
        }
    }
}

fn attempt() -> io::Result<()> {
    super::forbid_core_dumps()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let heard = Heard::open()?;
        let mut orders = Orders::open()?;
        match orders.next().await? {
            Some(Ordered { dir, order }) => run(&dir, &order, orders, heard).await,
            None => Ok(()),
        }
    })
}

/// What the terminal sends to the whole group is for the child: it must not end this process. Handlers,
/// unlike signals that are ignored, are not passed on to the child.
struct Heard {
    child: Signals,
    hangup: Signals,
    terminate: Signals,
    _typed: [Signals; 3],
}

impl Heard {
    fn open() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            _typed: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
                signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?,
            ],
        })
    }
}

async fn run(dir: &Path, order: &Order, mut console: Orders, mut heard: Heard) -> io::Result<()> {
    let terminal = Terminal::open()?;
    let lock = claim(dir)?;
    let started = start(dir)?;
    let leave = |ended, stopped| {
        terminal.give_back();
        let output = Kept {
            sha256: hex::encode(Sha256::digest([])),
            bytes: 0,
            cut: Some(NOT_KEPT.to_owned()),
        };
        let exit = Exit {
            ended,
            stopped,
            output,
            stdout: String::new(),
            stderr: String::new(),
            stdout_cut: false,
            started: started.at,
            finished: Utc::now(),
            notes: Vec::new(),
            fed: None,
        };
        files::mark(dir, EXIT, &exit)
    };
    let pid = match terminal.spawn(order) {
        Ok(pid) => pid,
        Err(message) => {
            leave(Ended::NotStarted(message), None)?;
            tell("ended");
            return Ok(());
        }
    };
    let number = pid.as_raw_nonzero().get().cast_unsigned();
    files::hold(&lock, ChildId { pid: number, start: files::start_time(number) })?;
    tell(&format!("started {number}"));

    let mut end = End::new(pid, order);
    let ended = loop {
        tokio::select! {
            // A terminal that hangs up takes the child with it: the reason must be known first.
            biased;
            _ = heard.hangup.recv() => end.stop(Stopped::ConsoleGone, Signal::HUP),
            () = console.end(), if end.stopped.is_none() => {
                end.stop(Stopped::ConsoleGone, Signal::HUP);
            }
            _ = heard.terminate.recv() => end.stop(Stopped::Cancelled, Signal::TERM),
            () = end.due() => end.act(),
            _ = heard.child.recv() => match look(pid)? {
                Some(status) if status.stopped() => terminal.go_on(),
                Some(status) => break how(status),
                None => {}
            },
        }
    };
    let stopped = end.stopped.is_some();
    leave(ended, end.stopped)?;
    drop(lock);
    tell("ended");
    if stopped {
        // Whoever is left of the group; this process too, which has nothing more to do.
        let _ = kill_process_group(getpgrp(), Signal::KILL);
    }
    Ok(())
}

fn look(pid: Pid) -> io::Result<Option<WaitStatus>> {
    let seen = waitpid(Some(pid), WaitOptions::NOHANG | WaitOptions::UNTRACED)?;
    Ok(seen.map(|(_, status)| status))
}

fn how(status: WaitStatus) -> Ended {
    match status.exit_status() {
        Some(code) => Ended::Code(code),
        None => Ended::Signal(status.terminating_signal().unwrap_or_default()),
    }
}

/// The terminal, as it was when the console gave it away.
struct Terminal {
    file: File,
    modes: Termios,
    console: Pid,
}

/// None when it began outside this PID namespace: the terminal could not be given back to it.
fn group(pid: Option<Pid>) -> Option<Pid> {
    let process = Process::of(pid?.as_raw_nonzero().get().unsigned_abs())?;
    Pid::from_raw(i32::try_from(process.group).ok()?)
}

impl Terminal {
    fn open() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let modes = tcgetattr(&file)?;
        let console = group(getppid()).ok_or_else(|| io::Error::other(NOT_SEEN))?;
        Ok(Self { file, modes, console })
    }

    fn spawn(&self, order: &Order) -> Result<Pid, String> {
        let copy = || self.file.try_clone().map_err(|e| format!("the terminal: {e}"));
        let mut command = command(order)?;
        command.stdin(copy()?).stdout(copy()?).stderr(copy()?);
        let child = command.spawn().map_err(|e| not_spawned(order, &e))?;
        Ok(Pid::from_child(&child))
    }

    fn is_ours(&self) -> bool {
        tcgetpgrp(&self.file).is_ok_and(|group| group == getpgrp())
    }

    /// A child that stops, by `Ctrl-Z` or by itself, would leave the console waiting for ever: it goes on.
    /// One that stopped because the terminal was taken from it would only stop again.
    fn go_on(&self) {
        if self.is_ours() {
            let _ = kill_process_group(getpgrp(), Signal::CONT);
        }
    }

    /// With the modes it had. Only the foreground may do that; when somebody else has taken the terminal
    /// meanwhile, it is theirs.
    fn give_back(&self) {
        if self.is_ours() {
            let _ = tcsetattr(&self.file, OptionalActions::Now, &self.modes);
            let _ = tcsetpgrp(&self.file, self.console);
        }
    }
}

/// How the child is brought to its end.
struct End {
    pid: Pid,
    patience: Duration,
    stopped: Option<Stopped>,
    timeout_at: Option<Instant>,
    kill_at: Option<Instant>,
}

impl End {
    fn new(pid: Pid, order: &Order) -> Self {
        Self {
            pid,
            patience: Duration::from_millis(order.patience_ms),
            stopped: None,
            timeout_at: order.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms)),
            kill_at: None,
        }
    }

    fn stop(&mut self, why: Stopped, signal: Signal) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            self.timeout_at = None;
            self.kill_at = Some(Instant::now() + self.patience);
            // This process gets them too, and has handlers.
            let _ = kill_process_group(getpgrp(), signal);
            let _ = kill_process_group(getpgrp(), Signal::CONT);
        }
    }

    async fn due(&self) {
        match [self.timeout_at, self.kill_at].into_iter().flatten().min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn act(&mut self) {
        let now = Instant::now();
        if self.timeout_at.is_some_and(|at| at <= now) {
            self.stop(Stopped::TimedOut, Signal::TERM);
        }
        if self.kill_at.take_if(|at| *at <= now).is_some() {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}
