//! The console's side: starting attempts. A supervisor that has seen its attempt to the end is kept for
//! the next one: to start the program anew costs more than many a step does.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Pid;
use rustix::termios::tcsetpgrp;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::console::{Standing, inspect};
use super::{Next, Order, READY};
use crate::machine::failpoint;

/// The supervisors of one console.
#[derive(Clone, Debug)]
pub struct Supervisors {
    program: PathBuf,
    idle: Arc<Mutex<Option<Talk>>>,
}

/// A supervisor, and both ways to talk to it. It ends when this is dropped and its attempt is over.
#[derive(Debug)]
struct Talk {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    heard: Vec<u8>,
}

/// An attempt that was launched by this console.
#[derive(Debug)]
pub struct Launched {
    /// The child's process id; `None` when it has ended already or could not be started, as
    /// [`super::follow`] will tell.
    pub child: Option<u32>,
    talk: Option<Talk>,
    home: Supervisors,
}

impl Supervisors {
    /// None yet. `program` is this program.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self { program, idle: Arc::default() }
    }

    /// This program, for a child that is one of its own commands.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts an attempt in a new directory `dir`.
    ///
    /// # Errors
    /// The child was certainly not started.
    pub async fn launch(&self, dir: &Path, order: &Order) -> io::Result<Launched> {
        DirBuilder::new().mode(0o700).create(dir)?;
        failpoint::here("launch:unordered");
        let mut talk = match (order.terminal, self.take_idle()) {
            (false, Some(talk)) => talk,
            (false, None) => Talk::start(&mut self.command())?,
            (true, _) => {
                let mut command = self.command();
                let talk = Talk::start(command.arg("--terminal").process_group(0))?;
                give_terminal(&talk.process)?;
                talk
            }
        };
        // A supervisor that is gone already says why, or leaves nothing behind: see below.
        let _ = talk.order(dir, order).await;
        failpoint::here("launch:ordered");
        let line = talk.line().await?;
        let launched = |child, talk| Launched { child, talk, home: self.clone() };
        let why = match line.split_once(' ') {
            Some(("started", pid)) => return Ok(launched(pid.parse().ok(), Some(talk))),
            Some(("refused", why)) => why,
            None if line == "ended" => return Ok(launched(None, Some(talk))),
            Some(_) | None => {
                // It said nothing, so it is over: wait until its lock is free as well.
                talk.process.wait().await?;
                "the supervisor died at its start"
            }
        };
        match inspect(dir)? {
            Standing::NeverStarted => Err(io::Error::other(why.to_owned())),
            Standing::Alive(_) | Standing::Exited(_) | Standing::Lost(_) => {
                Ok(launched(None, None))
            }
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("__attempt");
        command
    }

    fn take_idle(&self) -> Option<Talk> {
        let mut talk = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        // It may have been killed meanwhile.
        matches!(talk.process.try_wait(), Ok(None)).then_some(talk)
    }
}

impl Talk {
    fn start(command: &mut Command) -> io::Result<Self> {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(stdin), Some(stdout)) => {
                let stdout = BufReader::new(stdout);
                Ok(Self { process, stdin, stdout, heard: Vec::new() })
            }
            _ => Err(io::Error::other("the supervisor cannot be talked to")),
        }
    }

    async fn order(&mut self, dir: &Path, order: &Order) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Next { dir, order })?;
        line.push(b'\n');
        self.stdin.write_all(&line).await
    }

    /// What it says next; empty when it is gone. May be dropped half-way and asked again.
    async fn line(&mut self) -> io::Result<String> {
        self.stdout.read_until(b'\n', &mut self.heard).await?;
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.heard)).trim_end().to_owned();
        Ok(line)
    }
}

/// Makes the group of a supervisor the terminal's foreground: only who is there itself may do that.
fn give_terminal(supervisor: &Child) -> io::Result<()> {
    let terminal = File::open("/dev/tty")?;
    let pid = supervisor.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let pid = pid.ok_or_else(|| io::Error::other("the supervisor died at its start"))?;
    Ok(tcsetpgrp(&terminal, pid)?)
}

impl Launched {
    /// Returns when the supervisor has said that the attempt is over, or is gone itself.
    pub(super) async fn over(&mut self) {
        let Some(talk) = &mut self.talk else { return };
        let line = talk.line().await.unwrap_or_default();
        if let Some(talk) = self.talk.take().filter(|_| line == READY) {
            *self.home.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(talk);
        }
    }
}
