//! The files of an attempt's directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ChildId, Exit, Started};
use crate::machine::process::Process;

pub(super) const LOCK: &str = "lock";
pub(super) const STARTED: &str = "started.json";
pub(super) const FEED: &str = "feed.json";
pub(super) const EXIT: &str = "exit.json";
pub(super) const VOID: &str = "void";

/// The lock file, not yet locked; made when it is not there. Closed on exec, so no child keeps it.
pub(super) fn lock_file(dir: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(LOCK))
}

/// The JSON of `name`; `None` when there is no such file.
pub(super) fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    match fs::read(dir.join(name)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is damaged: {e}", dir.join(name).display()),
            )
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// What was started, with its child when that still means something: process ids do within one boot.
pub(super) fn started(dir: &Path) -> io::Result<Option<Started>> {
    let mut started = match read::<Started>(dir, STARTED) {
        Ok(Some(started)) => started,
        Ok(None) => return Ok(None),
        // The machine crashed: see `Draft`.
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Ok(Some(Started::unreadable())),
        Err(e) => return Err(e),
    };
    if started.boot == boot_id() {
        let held = fs::read(dir.join(LOCK))?;
        started.child = serde_json::from_slice(&held).ok();
    }
    Ok(Some(started))
}

/// How it came out, if anybody knows: what a crash of the machine has damaged is not known.
pub(super) fn exit(dir: &Path) -> io::Result<Option<Exit>> {
    match read(dir, EXIT) {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(None),
        other => other,
    }
}

/// Says in the lock file who the child is. Not synced: it means nothing after a crash of the machine.
pub(super) fn hold(mut lock: &File, child: ChildId) -> io::Result<()> {
    lock.write_all(&serde_json::to_vec(&child)?)
}

/// Puts JSON in `name`, durably: what counts is that it is there.
pub(super) fn mark<T: Serialize>(dir: &Path, name: &'static str, content: &T) -> io::Result<()> {
    let mut draft = Draft::open(dir, name)?;
    draft.put(content)?;
    draft.sync()
}

/// Puts JSON in `name` for readers of this boot alone: when the machine crashes it may be lost.
pub(super) fn note<T: Serialize>(dir: &Path, name: &'static str, content: &T) -> io::Result<()> {
    Draft::open(dir, name)?.put(content)
}

/// A file that gets its name with its content. For processes it is there whole or not at all. A crash of
/// the machine before [`Self::sync`] may leave the name without the content: readers take that for what it
/// is. With the name in place before the sync, a file system needs to commit once, not twice.
pub(super) struct Draft {
    file: File,
    dir: PathBuf,
    name: &'static str,
}

impl Draft {
    pub(super) fn open(dir: &Path, name: &'static str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(dir.join(format!("{name}.new")))?;
        Ok(Self { file, dir: dir.to_owned(), name })
    }

    /// Puts JSON in it and gives it its name. What failed may be tried again.
    pub(super) fn put<T: Serialize>(&mut self, content: &T) -> io::Result<()> {
        if self.file.stream_position()? > 0 {
            self.file.set_len(0)?;
            self.file.rewind()?;
        }
        self.file.write_all(&serde_json::to_vec(content)?)?;
        fs::rename(self.dir.join(format!("{}.new", self.name)), self.dir.join(self.name))
    }

    /// Makes it durable, and its name.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }
}

pub(super) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Space for `exit.json`, kept by a file without a name: it is free again when this is dropped, or when
/// the supervisor dies.
pub(super) struct Room(#[expect(dead_code, reason = "held, not read")] File);

impl Room {
    /// Both tails of the output, each character of them escaped.
    const BYTES: u64 = 512 * 1024;

    /// Sets it aside, so that a child that fills the disk can still be told of.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let path = dir.join("room");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, Self::BYTES) {
            // A file system that cannot promise space is used without the promise.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Self(file)),
            Err(e) => Err(e.into()),
        }
    }
}

/// This boot; of another one than any other when the kernel does not tell.
pub(super) fn boot_id() -> String {
    crate::machine::boot_id().unwrap_or_default()
}

/// When a process was started, in clock ticks since boot.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    Some(Process::of(pid)?.started)
}
