//! The console's side: start a supervisor, look at one, follow one, stop one.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::time::sleep;

use super::files::{self, EXIT, VOID};
use super::{Exit, Order, Started};

/// What can be concluded from an attempt's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The child certainly never started, and never will.
    NeverStarted,
    /// The supervisor is at work; it may not yet have said what it has started.
    Alive(Option<Started>),
    /// The child has ended.
    Exited(Box<Exit>),
    /// The supervisor is gone and left no outcome. The child may have done anything, and may still run.
    Lost(Started),
}

/// Starts a supervisor in a new directory `dir` and returns the child's process id; `None` when the
/// child has ended already or could not be started, as [`follow`] will tell.
///
/// `program` is this program.
///
/// # Errors
/// The child was certainly not started.
pub async fn launch(program: &Path, dir: &Path, order: &Order) -> io::Result<Option<u32>> {
    DirBuilder::new().mode(0o700).create(dir)?;
    let mut supervisor = Command::new(program)
        .arg("__attempt")
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = supervisor.stdin.take() {
        // A supervisor that is gone already says why, or leaves nothing behind: see below.
        let _ = stdin.write_all(&serde_json::to_vec(order)?).await;
    }
    let mut line = String::new();
    if let Some(stdout) = supervisor.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).await?;
    }
    match line.trim_end().split_once(' ') {
        Some(("started", pid)) => Ok(pid.parse().ok()),
        Some(("refused", why)) => match inspect(dir)? {
            Standing::NeverStarted => Err(io::Error::other(why.to_owned())),
            Standing::Alive(_) | Standing::Exited(_) | Standing::Lost(_) => Ok(None),
        },
        _ => {
            // It said nothing, so it is over: wait until its lock is free as well.
            supervisor.wait().await?;
            match inspect(dir)? {
                Standing::NeverStarted => Err(io::Error::other("the supervisor died at its start")),
                Standing::Alive(_) | Standing::Exited(_) | Standing::Lost(_) => Ok(None),
            }
        }
    }
}

/// What became of the attempt whose directory this is. Once it answers [`Standing::NeverStarted`], no
/// supervisor will start a child there any more.
///
/// # Errors
/// When the directory cannot be read, or one of its files is damaged.
pub fn inspect(dir: &Path) -> io::Result<Standing> {
    if !dir.exists() {
        return Ok(Standing::NeverStarted);
    }
    if let Some(exit) = files::read(dir, EXIT)? {
        return Ok(Standing::Exited(Box::new(exit)));
    }
    let lock = files::lock_file(dir)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Standing::Alive(files::started(dir)?)),
        Err(TryLockError::Error(e)) => Err(e),
        Ok(()) => {
            // It may have ended between the first look and the lock.
            if let Some(exit) = files::read(dir, EXIT)? {
                return Ok(Standing::Exited(Box::new(exit)));
            }
            if let Some(started) = files::started(dir)? {
                return Ok(Standing::Lost(started));
            }
            files::write(dir, VOID, &())?;
            Ok(Standing::NeverStarted)
        }
    }
}

impl Started {
    /// The child's process id, when it certainly still runs.
    #[must_use]
    pub fn running_child(&self) -> Option<u32> {
        let child = self.child?;
        let same = self.boot == files::boot_id()
            && child.start.is_some()
            && child.start == files::start_time(child.pid);
        same.then_some(child.pid)
    }
}

/// Asks the supervisor of `dir` to stop its child: TERM, and KILL when that does not help. Whether
/// there was one to ask.
///
/// # Errors
/// When it could not be asked.
pub fn cancel(dir: &Path) -> io::Result<bool> {
    let Some(started) = files::started(dir)? else { return Ok(false) };
    // The handle comes first: if the lock is still held afterwards, it is the supervisor's.
    let Some(handle) = handle(&started) else { return Ok(false) };
    match inspect(dir)? {
        Standing::Alive(_) => {
            pidfd_send_signal(handle, Signal::TERM)?;
            Ok(true)
        }
        Standing::NeverStarted | Standing::Exited(_) | Standing::Lost(_) => Ok(false),
    }
}

/// A handle of the process with the supervisor's number.
fn handle(started: &Started) -> Option<OwnedFd> {
    let pid = i32::try_from(started.supervisor).ok().and_then(Pid::from_raw)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

const QUICKEST: Duration = Duration::from_millis(10);
const SLOWEST: Duration = Duration::from_millis(100);
/// Text that the screen is behind by more than this is passed over: the file has it.
const BEHIND: u64 = 1024 * 1024;
const WINDOW: u64 = 128 * 1024;

/// Waits for the end of the attempt of `dir` and hands on its output as it is written; what was written
/// faster than anybody could read is passed over.
///
/// # Errors
/// When the directory cannot be read.
pub async fn follow(
    dir: &Path,
    output: &Path,
    mut text: impl FnMut(&str) + Send,
) -> io::Result<Standing> {
    let mut reader = Reader { at: 0, rest: Vec::new() };
    let mut pause = QUICKEST;
    let mut end = None;
    loop {
        // In this order: what was written before the end is read after it was seen.
        let standing = inspect(dir)?;
        let more = reader.read(output, &mut text)?;
        match standing {
            Standing::Alive(started) => {
                // It may not yet have said who it is.
                if end.is_none() {
                    end = started.as_ref().and_then(handle).and_then(|fd| AsyncFd::new(fd).ok());
                }
                pause = if more { QUICKEST } else { SLOWEST.min(pause * 2) };
                tokio::select! {
                    () = sleep(pause) => {}
                    () = gone(&end) => end = None,
                }
            }
            Standing::NeverStarted | Standing::Exited(_) | Standing::Lost(_) => {
                return Ok(standing);
            }
        }
    }
}

/// Returns when the process of this handle has ended; never when there is none. Only a reason to look:
/// an attempt is over a little before its supervisor is, and that may stay to drain what the child left.
async fn gone(process: &Option<AsyncFd<OwnedFd>>) {
    match process {
        Some(process) if process.readable().await.is_ok() => {}
        Some(_) | None => std::future::pending().await,
    }
}

struct Reader {
    at: u64,
    /// The beginning of a character.
    rest: Vec<u8>,
}

impl Reader {
    /// Hands on what is new; whether there was any.
    fn read(&mut self, path: &Path, text: &mut impl FnMut(&str)) -> io::Result<bool> {
        let Ok(mut file) = File::open(path) else { return Ok(false) };
        let length = file.metadata()?.len();
        let skip = length.saturating_sub(self.at) > BEHIND;
        if skip {
            self.at = length - WINDOW;
            self.rest.clear();
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = std::mem::take(&mut self.rest);
        let new = file.take(length - self.at).read_to_end(&mut bytes)?;
        self.at += new as u64;
        let whole = if skip {
            // Begin with a whole line.
            let from = bytes.iter().position(|&b| b == b'\n').map_or(0, |at| at + 1);
            text("\n");
            &bytes[from..]
        } else {
            &bytes[..]
        };
        match str::from_utf8(whole) {
            Ok(all) => text(all),
            Err(e) => {
                let (valid, rest) = whole.split_at(e.valid_up_to());
                text(str::from_utf8(valid).unwrap_or_default());
                self.rest = rest.to_vec();
            }
        }
        Ok(new > 0)
    }
}
