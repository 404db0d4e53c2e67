//! An object into a file, whole or not at all.
//!
//! The bytes go to `<to>.<8 digits>.part` beside the file, where the digits stand for the very object:
//! what an earlier attempt has left of the same bytes is gone on from, anything else is removed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::actions::Context;
use crate::actions::manifest::Expected;
use crate::actions::meter::{Meter, WORD, size};
use crate::aws::object::{Object, Reading};
use crate::aws::s3::S3;

/// Chunks that wait to be written.
const WAITING: usize = 64;

/// An object on its way into a file.
pub(super) struct Fetch<'a> {
    pub object: &'a Object,
    pub to: &'a Path,
    pub overwrite: bool,
    pub expected: &'a Expected,
}

/// What came.
#[derive(Debug)]
pub(super) struct Fetched {
    pub sha256: String,
    pub transferred: u64,
}

/// The part that an attempt writes, open and locked.
struct Part {
    path: PathBuf,
    file: File,
    hash: Sha256,
    length: u64,
}

impl Fetch<'_> {
    /// Fetches it; what an earlier attempt left is gone on from when a digest will be held against it.
    ///
    /// # Errors
    /// One line: why not, and what is left. After a cancellation nothing is.
    pub async fn run(&self, cx: &Context, s3: &S3, meter: &mut Meter) -> Result<Fetched, String> {
        self.free()?;
        let part = self.begin().await?;
        let path = part.path.clone();
        let mut dropped = Dropped(Some(&path));
        let filled = self.fill(cx, s3, part, meter).await;
        dropped.0 = None;
        filled.map_err(|stop| match stop {
            Stop::Keep(why, length) => format!(
                "{why}; the {} that came are kept in {}: trying again goes on from there",
                size(length),
                path.display()
            ),
            Stop::Remove(why) => match std::fs::remove_file(&path) {
                Ok(()) => format!("{why}; nothing is left"),
                Err(e) => format!("{why}; {} is left and cannot be removed: {e}", path.display()),
            },
        })
    }

    /// That the file may be written.
    ///
    /// # Errors
    /// One line: it is there already, or its directory is not.
    pub fn free(&self) -> Result<(), String> {
        let to = self.to.display();
        match std::fs::symlink_metadata(self.to) {
            Ok(there) if there.is_dir() => {
                return Err(format!("{to} is a directory: name the file, such as {to}/backup"));
            }
            Ok(_) if !self.overwrite => {
                return Err(format!("{to} exists: name another file, or say `overwrite: true`"));
            }
            Ok(_) | Err(_) => {}
        }
        let dir = directory(self.to);
        if dir.is_dir() {
            return Ok(());
        }
        Err(format!("there is no directory {}: make it first", dir.display()))
    }

    /// Where the bytes go until they are all there.
    pub fn part(&self) -> PathBuf {
        let object = self.object;
        let version = object.version.as_deref().unwrap_or_default();
        let whole = format!("{object}\n{version}\n{}\n{}", object.etag, object.size);
        let digits = hex::encode(Sha256::digest(whole));
        let mut path = self.to.as_os_str().to_owned();
        path.push(format!(".{}.part", digits.get(..8).unwrap_or_default()));
        path.into()
    }

    /// Opens and locks the part, and reads what is in it already.
    async fn begin(&self) -> Result<Part, String> {
        remove_others(self.to, &self.part());
        let path = self.part();
        // Without a digest nobody would see that the old bytes have suffered.
        let keep = self.expected.sha256().is_some();
        let (whole, shown) = (self.object.size, path.display().to_string());
        let trouble = move |e: &io::Error| format!("{shown} cannot be written: {e}");
        let part = blocking(move || open(path, keep, whole)).await?.map_err(|e| trouble(&e))?;
        let Some(part) = part else {
            return Err(format!("{} is being downloaded by another process", self.to.display()));
        };
        let wanted = whole - part.length;
        match rustix::fs::statvfs(directory(self.to)) {
            Ok(there) if there.f_bavail.saturating_mul(there.f_frsize) < wanted => {
                let free = there.f_bavail.saturating_mul(there.f_frsize);
                // Nothing of this attempt is in it; what was there before may be gone on from.
                if part.length == 0 {
                    let _ = std::fs::remove_file(&part.path);
                }
                Err(format!(
                    "{} needs {} more and only {} are free in {}: make room, or choose another place",
                    self.object,
                    size(wanted),
                    size(free),
                    directory(self.to).display()
                ))
            }
            // A file system that does not tell will say so when it is full.
            Ok(_) | Err(_) => Ok(part),
        }
    }

    async fn fill(
        &self,
        cx: &Context,
        s3: &S3,
        part: Part,
        meter: &mut Meter,
    ) -> Result<Fetched, Stop> {
        let Part { path, file, hash, length } = part;
        let mut reader = s3.read(self.object, Reading { from: length, ..Reading::default() });
        let gauge = reader.gauge();
        let (chunks, waiting) = mpsc::channel(WAITING);
        let writing = tokio::task::spawn_blocking(move || write(file, hash, waiting));
        let mut got = length;
        let mut tick = tokio::time::interval(WORD);
        let ended = loop {
            tokio::select! {
                () = cx.cancel.cancelled() => break Some(Stop::Remove("cancelled".into())),
                _ = tick.tick() => meter.tell(cx, got, gauge.trouble()),
                next = reader.next() => match next {
                    Ok(Some(bytes)) => {
                        got += bytes.len() as u64;
                        // The writer ends early only on an error of its own, which it tells below.
                        if chunks.send(bytes).await.is_err() {
                            break None;
                        }
                    }
                    Ok(None) => break None,
                    Err(failure) if failure.is("PreconditionFailed") => {
                        break Some(Stop::Remove(failure.message));
                    }
                    Err(failure) => break Some(Stop::Keep(failure.message, got)),
                },
            }
        };
        drop((chunks, reader));
        let written =
            writing.await.map_err(|e| Stop::Remove(format!("the writer is lost: {e}")))?;
        let (file, hash) = written
            .map_err(|e| Stop::Remove(format!("{} cannot be written: {e}", path.display())))?;
        match ended {
            Some(Stop::Keep(why, _)) if self.expected.sha256().is_none() => {
                return Err(Stop::Remove(why));
            }
            Some(stop) => return Err(stop),
            None => {}
        }
        let sha256 = hex::encode(hash.finalize());
        self.expected.check(&self.object.to_string(), &sha256).map_err(Stop::Remove)?;
        self.free().map_err(Stop::Remove)?;
        let to = self.to.to_owned();
        let named = blocking(move || name(&file, &path, &to)).await.map_err(Stop::Remove)?;
        named.map_err(|e| Stop::Remove(format!("{} cannot be written: {e}", self.to.display())))?;
        meter.tell(cx, got, None);
        Ok(Fetched { sha256, transferred: gauge.transferred() })
    }
}

/// Removes the part of a download that is dropped before its end.
struct Dropped<'a>(Option<&'a Path>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Why there is no file.
enum Stop {
    /// What came is right and may be gone on from: why, and how much it is.
    Keep(String, u64),
    /// What came is of no use, or not wanted any more.
    Remove(String),
}

/// The SHA-256 of a file.
///
/// # Errors
/// It cannot be read.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    hash_all(&mut File::open(path)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

/// Work for a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|e| format!("a thread is lost: {e}"))
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `None`: another process has it.
fn open(path: PathBuf, keep: bool, whole: u64) -> io::Result<Option<Part>> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default())
        .open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(e)) => return Err(e),
    }
    let mut length = file.metadata()?.len();
    let mut hash = Sha256::new();
    if !keep || length > whole {
        file.set_len(0)?;
        length = 0;
    }
    if length > 0 {
        // Leaves the file at its end, where it is gone on.
        hash_all(&mut file, &mut hash)?;
    }
    Ok(Some(Part { path, file, hash, length }))
}

fn hash_all(file: &mut File, hash: &mut Sha256) -> io::Result<()> {
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(got) => hash.update(&chunk[..got]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn write(
    file: File,
    mut hash: Sha256,
    mut waiting: mpsc::Receiver<Bytes>,
) -> io::Result<(File, Sha256)> {
    let mut file = BufWriter::with_capacity(1024 * 1024, file);
    while let Some(bytes) = waiting.blocking_recv() {
        hash.update(&bytes);
        file.write_all(&bytes)?;
    }
    Ok((file.into_inner().map_err(io::IntoInnerError::into_error)?, hash))
}

/// Makes a whole part the file: its bytes are on the disk before its name is.
fn name(file: &File, part: &Path, to: &Path) -> io::Result<()> {
    file.sync_all()?;
    std::fs::rename(part, to)?;
    File::open(directory(to))?.sync_all()
}

/// Whether nobody writes a part: it is locked as long as somebody does.
pub(super) fn is_idle(part: &Path) -> bool {
    File::open(part).is_ok_and(|file| file.try_lock().is_ok())
}

/// Parts of the same file that are of other objects.
fn remove_others(to: &Path, ours: &Path) {
    let Some(name) = to.file_name().and_then(|it| it.to_str()) else { return };
    let Ok(entries) = std::fs::read_dir(directory(to)) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path != ours) {
        let digits = path
            .file_name()
            .and_then(|it| {
                it.to_str()?.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".part")
            })
            .filter(|it| it.len() == 8 && it.bytes().all(|b| b.is_ascii_hexdigit()));
        if digits.is_some() && is_idle(&path) {
            let _ = std::fs::remove_file(&path);
        }
    }
}
