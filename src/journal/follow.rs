//! Following a journal that somebody else writes.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::chain::{Chain, is_torn};
use super::read::{self, ReadError};
use super::{JOURNAL, disk};
use crate::engine::Recorded;

/// Reads records as they are appended.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    chain: Chain,
    offset: u64,
}

impl Follower {
    /// How long to wait between two calls of [`Self::poll`].
    pub const PAUSE: Duration = Duration::from_millis(100);

    /// Follows the journal of a run directory from its first record.
    ///
    /// # Errors
    /// When the runbook, which the chain begins with, cannot be read.
    pub fn new(dir: &Path) -> Result<Self, ReadError> {
        Ok(Self { dir: dir.to_owned(), chain: read::genesis(dir)?, offset: 0 })
    }

    /// The records that have become complete since the last call. A last line that is still being
    /// written, or that the next console will set aside, is left for later.
    ///
    /// # Errors
    /// When the journal cannot be read or a record is damaged, altered or of a newer version.
    pub fn poll(&mut self) -> Result<Vec<Recorded>, ReadError> {
        self.read().map(|(records, _)| records)
    }

    /// As [`Self::poll`], the lines as they lie on the disk, without their newlines.
    ///
    /// # Errors
    /// As [`Self::poll`].
    pub fn poll_lines(&mut self) -> Result<Vec<String>, ReadError> {
        let (_, bytes) = self.read()?;
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// What has become complete: as records, and as bytes.
    fn read(&mut self) -> Result<(Vec<Recorded>, Vec<u8>), ReadError> {
        let path = self.dir.join(JOURNAL);
        let mut bytes = Vec::new();
        disk::open(&path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(self.offset))?;
                file.read_to_end(&mut bytes)
            })
            .map_err(|source| ReadError::Io { path, source })?;
        let scan = self.chain.scan(&bytes);
        self.offset += scan.good as u64;
        match scan.stop {
            Some(stop) if !is_torn(bytes.get(scan.good..).unwrap_or_default()) => {
                Err(read::refused(&self.dir, &stop))
            }
            _ => {
                bytes.truncate(scan.good);
                Ok((scan.records, bytes))
            }
        }
    }

    /// The SHA-256 of the last line that was read.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.chain.head
    }
}
