//! The one writer of a journal.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::chain::{Chain, is_torn, sha256_hex};
use super::read::{self, ReadError};
use super::reserve::Reserve;
use super::{JOURNAL, disk, holder, record};
use crate::engine::{Event, Fact, Recorded, Stamp};

/// An attempt has this much at least for its records and its outcome.
const ROOM: u64 = 1024 * 1024;

/// A journal that is open for writing. It is locked for as long as this lives.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    file: File,
    /// The end of what is on the disk.
    chain: Chain,
    bytes: u64,
    staged: Staged,
    reserve: Option<Reserve>,
    poisoned: Option<String>,
}

/// Records that wait for their write.
#[derive(Debug)]
struct Staged {
    lines: Vec<u8>,
    /// The end of the chain when they are written.
    chain: Chain,
    /// One of them says that the run is over.
    over: bool,
}

/// A journal that was opened again.
#[derive(Debug)]
pub struct Opened {
    /// Ready for the next record.
    pub journal: Journal,
    /// Every record so far.
    pub records: Vec<Recorded>,
    /// What was set aside and no record tells of yet: the caller appends [`TornTail::event`] of each.
    pub torn: Vec<TornTail>,
    /// What the operator should know, such as that no space could be set aside.
    pub warnings: Vec<String>,
}

/// Bytes after the last record that were set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: String,
    /// The file in the run directory that holds them now.
    pub kept_as: String,
}

/// Why a journal cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another console has it.
    #[error("{dir} is held by {holder}; to look on: steady watch {dir}")]
    Held {
        /// The run directory.
        dir: PathBuf,
        /// Process and host, as far as known.
        holder: String,
    },
    /// It cannot be read as a whole.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error("cannot write to {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a record was not appended. The run must not go on: what the journal does not hold has not
/// happened.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full; nothing was written. The reserved space has just been given back: the record
    /// that halts the run can be appended now.
    #[error("no space left for the journal in {0}; free some, then: steady resume")]
    NoSpace(PathBuf),
    /// The disk refused a write or a sync. It is not known what it holds: no more is written to it.
    #[error(
        "the journal in {dir} can no longer be trusted to reach the disk: {why}; look after the disk, then: steady resume"
    )]
    Poisoned {
        /// The run directory.
        dir: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The fact does not read back as what it was, and so is not written.
    #[error("a record that would not read back was not written: {0}; please report this")]
    Unwritable(String),
}

impl TornTail {
    /// The fact to be recorded.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::run(Fact::Recovery {
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            kept_as: self.kept_as.clone(),
        })
    }
}

impl Journal {
    /// Creates the journal of a new run directory. `genesis` is the SHA-256 of its `runbook.yaml`.
    ///
    /// # Errors
    /// When the file is there already, the disk is full or not writable.
    pub fn create(dir: &Path, genesis: &str) -> io::Result<Self> {
        let file = disk::create_append(&dir.join(JOURNAL))?;
        file.try_lock().map_err(io::Error::from)?;
        let reserve = Reserve::take(dir)?;
        holder::write(dir)?;
        disk::sync_all(&file)?;
        disk::sync_dir(dir)?;
        let chain = Chain::new(genesis.to_owned());
        Ok(Self {
            dir: dir.to_owned(),
            file,
            staged: Staged::after(&chain),
            chain,
            bytes: 0,
            reserve: Some(reserve),
            poisoned: None,
        })
    }

    /// Opens the journal of a run directory to go on with it. Everything in it is checked first; a last
    /// record that a crash has damaged is set aside byte for byte.
    ///
    /// # Errors
    /// When another console holds it, or when anything else in it is not as it was written.
    pub fn open(dir: &Path) -> Result<Opened, OpenError> {
        let path = dir.join(JOURNAL);
        let failed = |source| OpenError::Io { path: path.clone(), source };
        disk::refuse_shared(dir)
            .map_err(|source| OpenError::Io { path: dir.to_owned(), source })?;
        let file = disk::open_append(&path).map_err(failed)?;
        disk::refuse_shared(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held { dir: dir.to_owned(), holder: holder::read(dir) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut chain = read::genesis(dir)?;
        let bytes = read::bytes(dir, JOURNAL)?;
        let scan = chain.scan(&bytes);
        let rest = bytes.get(scan.good..).unwrap_or_default();
        if let Some(stop) = &scan.stop {
            if !is_torn(rest) {
                return Err(read::refused(dir, stop).into());
            }
            set_aside(dir, stop.record, rest).map_err(failed)?;
            disk::cut(&file, scan.good as u64).map_err(failed)?;
        }
        let torn = unaccounted(dir, &scan.records).map_err(failed)?;
        holder::write(dir).map_err(failed)?;
        let mut journal = Self {
            dir: dir.to_owned(),
            file,
            staged: Staged::after(&chain),
            chain,
            bytes: scan.good as u64,
            reserve: None,
            poisoned: None,
        };
        let warnings = journal.reserve_again(&scan.records);
        Ok(Opened { journal, records: scan.records, torn, warnings })
    }

    /// Space is set aside for as long as the run is not over.
    fn reserve_again(&mut self, records: &[Recorded]) -> Vec<String> {
        let over = records.iter().any(|r| matches!(r.event.fact, Fact::RunFinished { .. }));
        if over {
            // A crash may have come between the last record and this.
            Reserve::discard(&self.dir);
            return Vec::new();
        }
        match Reserve::take(&self.dir) {
            Ok(reserve) => {
                self.reserve = Some(reserve);
                Vec::new()
            }
            Err(e) => vec![format!("no space can be set aside in {}: {e}", self.dir.display())],
        }
    }

    /// Appends one record: one write, then a sync. When this returns, the record is on the disk; the
    /// stamp's wall clock has been cut to the millisecond that the line holds.
    ///
    /// # Errors
    /// See [`AppendError`]. Nothing may be done on the strength of a record that was not appended.
    pub fn append(
        &mut self,
        stamp: Stamp,
        by: &str,
        event: Event,
    ) -> Result<Recorded, AppendError> {
        let recorded = self.stage(stamp, by, event)?;
        self.commit()?;
        Ok(recorded)
    }

    /// Makes a record that the next [`Self::commit`] writes. Until then nothing may be done or shown on
    /// the strength of it.
    ///
    /// # Errors
    /// See [`AppendError`]; what was staged before stays so.
    pub fn stage(&mut self, stamp: Stamp, by: &str, event: Event) -> Result<Recorded, AppendError> {
        if let Some(why) = &self.poisoned {
            return Err(AppendError::Poisoned { dir: self.dir.clone(), why: why.clone() });
        }
        let seq = self.staged.chain.len + 1;
        let recorded = Recorded { seq, stamp, by: by.to_owned(), event };
        let line =
            record::encode(&recorded, &self.staged.chain.head).map_err(AppendError::Unwritable)?;
        // What is returned is what a reader will see, so that nothing lives in memory alone.
        let (recorded, _) =
            record::decode(&line).map_err(|e| AppendError::Unwritable(e.to_string()))?;
        self.staged.chain.follow(&line);
        self.staged.lines.extend(line);
        self.staged.over |= matches!(recorded.event.fact, Fact::RunFinished { .. });
        Ok(recorded)
    }

    /// Puts what was staged on the disk: one write, then a sync. A crash in the middle leaves the first of
    /// the records, and perhaps a piece of one.
    ///
    /// # Errors
    /// See [`AppendError`]. None of the records counts, and none of them is staged any more.
    pub fn commit(&mut self) -> Result<(), AppendError> {
        if self.staged.lines.is_empty() {
            return Ok(());
        }
        let staged = std::mem::replace(&mut self.staged, Staged::after(&self.chain));
        self.write(&staged.lines)?;
        self.bytes += staged.lines.len() as u64;
        self.staged = Staged::after(&staged.chain);
        self.chain = staged.chain;
        if staged.over
            && let Some(reserve) = self.reserve.take()
        {
            reserve.release();
        }
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), AppendError> {
        let mut rest = lines;
        while !rest.is_empty() {
            match disk::write(&mut self.file, rest) {
                Ok(0) => return Err(self.poison("write: no byte was taken")),
                // A plain file takes less than it was given when there is no room for more: the next
                // write says so.
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if is_full(&e) => return Err(self.full(lines.len() - rest.len())),
                Err(e) => return Err(self.poison(&format!("write: {e}"))),
            }
        }
        // Never tried again: the second sync may succeed although the bytes are lost.
        disk::sync_data(&self.file).map_err(|e| self.poison(&format!("sync: {e}")))
    }

    /// There is no room. The piece that was written is cut off again, so that the journal ends with a
    /// whole record.
    fn full(&mut self, written: usize) -> AppendError {
        if written > 0
            && let Err(e) = disk::cut(&self.file, self.bytes)
        {
            return self.poison(&format!("no space left, {written} bytes written, then {e}"));
        }
        self.no_space()
    }

    /// Whether there is room for what an attempt leaves behind: asked before each, so that a full disk stops the
    /// run between two of them.
    ///
    /// # Errors
    /// [`AppendError::NoSpace`]: the reserved space has just been given back.
    pub fn room(&mut self) -> Result<(), AppendError> {
        match rustix::fs::statvfs(&self.dir) {
            Ok(fs) if fs.f_bavail.saturating_mul(fs.f_frsize) < ROOM => Err(self.no_space()),
            // Where the system does not tell, the next write does.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn no_space(&mut self) -> AppendError {
        match self.reserve.take() {
            Some(reserve) if reserve.release() => AppendError::NoSpace(self.dir.clone()),
            _ => self.poison("no space left on the device, and none was set aside any more"),
        }
    }

    fn poison(&mut self, why: &str) -> AppendError {
        self.poisoned = Some(why.to_owned());
        AppendError::Poisoned { dir: self.dir.clone(), why: why.to_owned() }
    }

    /// The SHA-256 of the last line on the disk; of `runbook.yaml` while there is none.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.chain.head
    }

    /// How many records are on the disk.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a run's journal has its first record")]
    pub fn len(&self) -> u64 {
        self.chain.len
    }

    /// Records wait for [`Self::commit`].
    #[must_use]
    pub fn is_staged(&self) -> bool {
        !self.staged.lines.is_empty()
    }

    /// The run directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The run directory has got its name.
    pub(super) fn moved_to(&mut self, dir: &Path) {
        dir.clone_into(&mut self.dir);
        if let Some(reserve) = &mut self.reserve {
            reserve.moved_to(dir);
        }
    }
}

impl Staged {
    /// Nothing yet, to follow on this chain.
    fn after(chain: &Chain) -> Self {
        Self { lines: Vec::new(), chain: chain.clone(), over: false }
    }
}

pub(super) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Puts damaged bytes into `journal.torn-<seq>`. A file of that name that holds others stays.
fn set_aside(dir: &Path, seq: u64, bytes: &[u8]) -> io::Result<()> {
    let mut name = format!("journal.torn-{seq}");
    for n in 2.. {
        let path = dir.join(&name);
        match disk::write_new(&path, bytes) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if disk::read(&path)? == bytes {
                    break;
                }
                name = format!("journal.torn-{seq}.{n}");
            }
            other => {
                other?;
                break;
            }
        }
    }
    disk::sync_dir(dir)
}

/// Files of bytes that were set aside and that no record tells of: a crash may have come between.
fn unaccounted(dir: &Path, records: &[Recorded]) -> io::Result<Vec<TornTail>> {
    let told = |name: &str| {
        records
            .iter()
            .any(|r| matches!(&r.event.fact, Fact::Recovery { kept_as, .. } if kept_as == name))
    };
    let mut torn = Vec::new();
    for kept_as in torn_files(dir)? {
        if !told(&kept_as) {
            let bytes = disk::read(&dir.join(&kept_as))?;
            let sha256 = sha256_hex(&bytes);
            torn.push(TornTail { bytes: bytes.len() as u64, sha256, kept_as });
        }
    }
    Ok(torn)
}

/// The names of the files that hold what was set aside, sorted.
pub(super) fn torn_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.starts_with("journal.torn-")
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fault_tests.rs"]
mod fault_tests;
