//! Reading a run's journal without holding it.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::chain::{Chain, Stop, is_torn, sha256_hex};
use super::{JOURNAL, RUNBOOK, disk, record};
use crate::engine::Recorded;

/// What a journal holds.
#[derive(Debug)]
pub struct Contents {
    /// Every record, in order.
    pub records: Vec<Recorded>,
    /// The SHA-256 of the last line.
    pub head: String,
    /// How many bytes after the last record are none: a write under way, or cut short by a crash.
    pub torn: usize,
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record is not what it must be.
    #[error("record {record} of {journal} is refused: {why}; see steady verify {dir}")]
    Refused {
        /// From 1.
        record: u64,
        /// The journal.
        journal: PathBuf,
        /// What is wrong.
        why: String,
        /// The run directory.
        dir: PathBuf,
    },
}

/// The bytes of `name` in the run directory.
pub(super) fn bytes(dir: &Path, name: &str) -> Result<Vec<u8>, ReadError> {
    let path = dir.join(name);
    disk::read(&path).map_err(|source| ReadError::Io { path, source })
}

/// The chain before the first record: the hash of `runbook.yaml` as it lies on the disk.
pub(super) fn genesis(dir: &Path) -> Result<Chain, ReadError> {
    Ok(Chain::new(sha256_hex(&bytes(dir, RUNBOOK)?)))
}

pub(super) fn refused(dir: &Path, stop: &Stop) -> ReadError {
    ReadError::Refused {
        record: stop.record,
        journal: dir.join(JOURNAL),
        why: stop.fault.to_string(),
        dir: dir.to_owned(),
    }
}

/// Reads the journal of a run directory. A last record that is cut short is left out and counted.
///
/// # Errors
/// When a file cannot be read or a record is damaged, altered or of a newer version.
pub fn read(dir: &Path) -> Result<Contents, ReadError> {
    let mut chain = genesis(dir)?;
    let bytes = bytes(dir, JOURNAL)?;
    let scan = chain.scan(&bytes);
    let rest = bytes.get(scan.good..).unwrap_or_default();
    match scan.stop {
        Some(stop) if !is_torn(rest) => Err(refused(dir, &stop)),
        _ => Ok(Contents { records: scan.records, head: chain.head, torn: rest.len() }),
    }
}

/// The first record of a run, unverified; `None` when it cannot be read.
#[must_use]
pub fn first_record(dir: &Path) -> Option<Recorded> {
    const LONGEST: u64 = 4 * 1024 * 1024;
    let mut line = Vec::new();
    let file = disk::open(&dir.join(JOURNAL)).ok()?;
    BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line).ok()?;
    record::decode(&line).ok().map(|(recorded, _)| recorded)
}
