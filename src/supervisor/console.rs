//! The console's side: look at an attempt, follow it, stop it.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::{sleep, timeout};

use super::files::{self, VOID};
use super::launch::Launched;
use super::{Exit, Started};
use crate::machine::failpoint;

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

/// What became of the attempt whose directory this is. Once it answers [`Standing::NeverStarted`], no
/// supervisor will start a child there any more.
///
/// # Errors
/// When the directory cannot be read, or one of its files is damaged.
pub fn inspect(dir: &Path) -> io::Result<Standing> {
    if !dir.exists() {
        return Ok(Standing::NeverStarted);
    }
    if let Some(exit) = files::exit(dir)? {
        return Ok(Standing::Exited(Box::new(exit)));
    }
    let lock = files::lock_file(dir)?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Standing::Alive(files::started(dir)?)),
        Err(TryLockError::Error(e)) => Err(e),
        Ok(()) => {
            // It may have ended between the first look and the lock.
            if let Some(exit) = files::exit(dir)? {
                return Ok(Standing::Exited(Box::new(exit)));
            }
            if let Some(started) = files::started(dir)? {
                return Ok(Standing::Lost(started));
            }
            failpoint::here("inspect:not_void");
            files::mark(dir, VOID, &())?;
            failpoint::here("inspect:void");
            Ok(Standing::NeverStarted)
        }
    }
}

impl Started {
    /// The child's process id, when it certainly still runs.
    #[must_use]
    pub fn running_child(&self) -> Option<u32> {
        let child = self.child?;
        // One of another boot is not read at all.
        let same = child.start.is_some() && child.start == files::start_time(child.pid);
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
    let Some(pid) = i32::try_from(started.supervisor).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    // The handle comes first: if the lock is still held afterwards, it is the supervisor's.
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(false) };
    match inspect(dir)? {
        Standing::Alive(_) => {
            pidfd_send_signal(handle, Signal::TERM)?;
            Ok(true)
        }
        Standing::NeverStarted | Standing::Exited(_) | Standing::Lost(_) => Ok(false),
    }
}

const QUICKEST: Duration = Duration::from_millis(10);
const SLOWEST: Duration = Duration::from_millis(100);
/// Text that the screen is behind by more than this is passed over: the file has it.
const BEHIND: u64 = 1024 * 1024;
const WINDOW: u64 = 128 * 1024;
/// A supervisor that is through says so at once.
const WORD: Duration = Duration::from_secs(1);

/// Waits for the end of the attempt of `dir`, which this console has `launched` or an earlier one, and
/// hands on its output as it is written; what was written faster than anybody could read is passed over.
///
/// # Errors
/// When the directory cannot be read.
pub async fn follow(
    dir: &Path,
    output: &Path,
    mut launched: Option<Launched>,
    mut text: impl FnMut(&str) + Send,
) -> io::Result<Standing> {
    let mut reader = Reader { at: 0, rest: Vec::new() };
    let mut pause = QUICKEST;
    // What was launched a moment ago is not worth a look yet.
    wait(QUICKEST, &mut launched).await;
    loop {
        // In this order: what was written before the end is read after it was seen.
        let standing = inspect(dir)?;
        let more = reader.read(output, &mut text)?;
        match standing {
            Standing::Alive(_) => {
                pause = if more { QUICKEST } else { SLOWEST.min(pause * 2) };
                wait(pause, &mut launched).await;
            }
            Standing::NeverStarted | Standing::Exited(_) | Standing::Lost(_) => {
                // Seen before it was said: the supervisor is still wanted for the next attempt.
                if let Some(launched) = &mut launched {
                    let _ = timeout(WORD, launched.over()).await;
                }
                return Ok(standing);
            }
        }
    }
}

/// Waits so long, or until the supervisor says that the attempt is over: sooner than a look would tell.
async fn wait(pause: Duration, launched: &mut Option<Launched>) {
    match launched {
        Some(attempt) => {
            if timeout(pause, attempt.over()).await.is_ok() {
                *launched = None;
            }
        }
        None => sleep(pause).await,
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
