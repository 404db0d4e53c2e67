//! Opening and syncing files of a run directory: no symbolic link is followed, nothing that is not a
//! plain file is read, and every file that is created is its owner's alone, unless the run is shared.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

#[cfg(test)]
use super::faults;
use crate::custody;

// std adds O_CLOEXEC to every open.
fn nofollow() -> i32 {
    // O_NONBLOCK: a FIFO in the place of a file must not hang the reader.
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Opens a plain file for reading.
pub(super) fn open(path: &Path) -> io::Result<File> {
    plain(OpenOptions::new().read(true).custom_flags(nofollow()).open(path)?)
}

/// Opens a plain file for reading and appending.
pub(super) fn open_append(path: &Path) -> io::Result<File> {
    plain(OpenOptions::new().read(true).append(true).custom_flags(nofollow()).open(path)?)
}

fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"))
    }
}

/// Creates a file that was not there, for appending, mode 0600; 0640 where the group may look.
pub(super) fn create_append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(nofollow())
        .open(path)?;
    custody::share_alike(&file, path)?;
    Ok(file)
}

/// Creates a file with this content and syncs it; the directory is the caller's to sync. Nothing of it
/// is left when that fails.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_append(path)?;
    let written = write_all(&mut file, bytes).and_then(|()| sync_all(&file));
    if written.is_err() {
        // The first failure is the one to be told.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// Puts a file in its place, whole or not at all; the directory is the caller's to sync.
pub(super) fn place(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!(".{name}"));
    match std::fs::remove_file(&draft) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    write_new(&draft, bytes)?;
    std::fs::rename(&draft, folder.join(name))
}

fn write_all(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// One `write(2)`, which may take less than it was given.
pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<usize> {
    #[cfg(test)]
    let bytes = faults::write(bytes)?;
    file.write(bytes)
}

/// Makes the bytes of a file durable, and its length.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    // What a test writes need not outlive the machine.
    #[cfg(test)]
    return faults::sync(file);
    #[cfg(not(test))]
    file.sync_data()
}

/// Makes everything about a file durable.
pub(super) fn sync_all(file: &File) -> io::Result<()> {
    #[cfg(test)]
    return faults::sync(file);
    #[cfg(not(test))]
    file.sync_all()
}

/// Cuts a file off after so many bytes, durably.
pub(super) fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    sync_all(file)
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    sync_all(&File::open(path)?)
}

/// The whole of a plain file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The SHA-256 of a plain file of any size.
pub(super) fn hash(path: &Path) -> io::Result<String> {
    let mut file = open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

/// Refuses a directory or file that others may write to: they could put another journal in the place of
/// this one.
pub(super) fn refuse_shared(path: &Path) -> io::Result<()> {
    custody::refuse_writable(path)
        .map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))
}
