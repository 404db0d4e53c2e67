//! Whose a file is. What somebody else could have written says nothing that may be acted on, and what
//! somebody else can read is no secret: both are refused, with the mode and the command that mends it.
//!
//! "Others" are everybody but this user and root. The group counts as others: who is in it may change.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

#[cfg(test)]
mod tests;

const WRITE: u32 = 0o022;
/// For the group: to list and to enter a directory.
const LOOK: u32 = 0o050;
/// For the group: to read a file.
const READ: u32 = 0o040;
const STICKY: u32 = 0o1000;
const ROOT: u32 = 0;

/// Whose it is, and what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Custody {
    owner: u32,
    mode: u32,
    is_dir: bool,
}

impl Custody {
    fn of(path: &Path) -> Result<Self, String> {
        let meta =
            path.metadata().map_err(|e| format!("cannot look at {}: {e}", path.display()))?;
        Ok(Self::from(&meta))
    }
}

impl From<&Metadata> for Custody {
    fn from(meta: &Metadata) -> Self {
        Self { owner: meta.uid(), mode: meta.mode() & 0o7777, is_dir: meta.is_dir() }
    }
}

/// Refuses a file or directory that others may write to. A symbolic link stands for what it leads to.
///
/// # Errors
/// One line: the path, why, and the command that mends it.
pub fn refuse_writable(path: &Path) -> Result<(), String> {
    judge_writable(Custody::of(path)?, me(), path)
}

/// Refuses a file that others may write to, or put another in the place of: the directory that it lies
/// in is looked at too. A sticky directory such as `/tmp` is no harm, since there everybody has only
/// what is theirs.
///
/// # Errors
/// One line: the path, why, and the command that mends it.
pub fn refuse_replaceable(file: &Path) -> Result<(), String> {
    refuse_writable(file)?;
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let custody = Custody::of(directory)?;
    let ours_or_roots = [me(), ROOT].contains(&custody.owner);
    if custody.mode & STICKY != 0 && ours_or_roots {
        return Ok(());
    }
    judge_writable(custody, me(), directory)
}

/// Refuses a file with a secret in it that others may read or write. Of root's files the group may read:
/// that is how a service is given one.
///
/// # Errors
/// One line: the path, why, and the command that mends it.
pub fn refuse_readable(file: &Path) -> Result<(), String> {
    let custody = Custody::of(file)?;
    judge_writable(custody, me(), file)?;
    judge_readable(custody, file)
}

/// Lets the group look into a directory.
///
/// # Errors
/// When its mode cannot be changed.
pub fn open_to_group(dir: &Path) -> io::Result<()> {
    let mut permissions = dir.metadata()?.permissions();
    permissions.set_mode(permissions.mode() | LOOK);
    std::fs::set_permissions(dir, permissions)
}

/// Whether the group may look into a directory.
#[must_use]
pub fn is_open_to_group(dir: &Path) -> bool {
    dir.metadata().is_ok_and(|meta| meta.mode() & LOOK == LOOK)
}

/// Lets the group read a new file of a directory that it may look into.
///
/// # Errors
/// When its mode cannot be changed.
pub fn share_alike(file: &File, path: &Path) -> io::Result<()> {
    if path.parent().is_some_and(is_open_to_group) {
        let mut permissions = file.metadata()?.permissions();
        permissions.set_mode(permissions.mode() | READ);
        file.set_permissions(permissions)?;
    }
    Ok(())
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn judge_writable(custody: Custody, me: u32, path: &Path) -> Result<(), String> {
    let Custody { owner, mode, is_dir } = custody;
    let shown = path.display();
    if owner != me && owner != ROOT {
        let all = if is_dir { "-R " } else { "" };
        return Err(format!(
            "{shown} belongs to another user, uid {owner}, who may write to it (this is uid {me}): \
             chown {all}{me} {shown}"
        ));
    }
    if mode & WRITE != 0 {
        return Err(format!("others may write to {shown} (mode {mode:04o}): chmod go-w {shown}"));
    }
    Ok(())
}

fn judge_readable(custody: Custody, file: &Path) -> Result<(), String> {
    let Custody { owner, mode, .. } = custody;
    let forbidden = if owner == ROOT { 0o037 } else { 0o077 };
    if mode & forbidden == 0 {
        return Ok(());
    }
    let shown = file.display();
    Err(format!("others may read {shown} (mode {mode:04o}), so it is no secret: chmod 600 {shown}"))
}
