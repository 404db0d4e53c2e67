//! The files of an attempt's directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ChildId, Started};

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
        // The machine crashed when it had the name and not yet what is in it: see `mark`.
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Ok(Some(Started::unreadable())),
        Err(e) => return Err(e),
    };
    if started.boot == boot_id() {
        let held = fs::read(dir.join(LOCK))?;
        started.child = serde_json::from_slice(&held).ok();
    }
    Ok(Some(started))
}

/// Says in the lock file who the child is. Not synced: it means nothing after a crash of the machine.
pub(super) fn hold(mut lock: &File, child: ChildId) -> io::Result<()> {
    lock.write_all(&serde_json::to_vec(&child)?)
}

/// Puts JSON in `name` so that it is there whole or not at all. After a crash of the machine it may not
/// be: [`sync_names`].
pub(super) fn write<T: Serialize>(dir: &Path, name: &str, content: &T) -> io::Result<()> {
    draft(dir, name, content)?.sync_all()?;
    put(dir, name)
}

/// Makes the names in an attempt's directory durable.
pub(super) fn sync_names(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Puts JSON in `name`, durably: what counts is that it is there. For processes it is whole at once; a
/// crash of the machine half-way may leave the name without its content. With the name in place before
/// the sync, a file system needs to commit once, not twice.
pub(super) fn mark<T: Serialize>(dir: &Path, name: &str, content: &T) -> io::Result<()> {
    let file = draft(dir, name, content)?;
    put(dir, name)?;
    file.sync_all()?;
    sync_names(dir)
}

/// Puts JSON in `name` for readers of this boot alone: when the machine crashes it may be lost.
pub(super) fn note<T: Serialize>(dir: &Path, name: &str, content: &T) -> io::Result<()> {
    draft(dir, name, content)?;
    put(dir, name)
}

fn draft<T: Serialize>(dir: &Path, name: &str, content: &T) -> io::Result<File> {
    let draft = dir.join(format!("{name}.new"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    Ok(file)
}

fn put(dir: &Path, name: &str) -> io::Result<()> {
    fs::rename(dir.join(format!("{name}.new")), dir.join(name))
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

/// The kernel's boot id.
pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When a process was started, in clock ticks since boot.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold blanks; this is the 22nd.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}
