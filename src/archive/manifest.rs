//! `ARCHIVE.json`: what an archive is made of, put last.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::event::Archived;

/// The list of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of this file.
    pub steadyhand_archive: u32,
    /// The run's id.
    pub run: String,
    /// The journal goes up to this record.
    pub anchor: u64,
    /// SHA-256 of that record's line.
    pub head: String,
    /// The tool's version.
    pub tool: String,
    /// When it was put there.
    pub made: DateTime<Utc>,
    /// Until when every object is locked.
    pub retain_until: DateTime<Utc>,
    /// Folders of the run directory that were not asked for.
    pub left_out: Vec<String>,
    /// Everything but this list.
    pub objects: Vec<Archived>,
}

impl Manifest {
    pub(super) const FILE: &str = "ARCHIVE.json";
    pub(super) const VERSION: u32 = 1;
    /// Larger is no list of ours: 100 bytes a file and more would be 10,000 files.
    pub(super) const MOST_BYTES: u64 = 16 * 1024 * 1024;

    pub(super) fn text(&self) -> Result<Vec<u8>, String> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| e.to_string())?;
        text.push(b'\n');
        Ok(text)
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        if read.steadyhand_archive == Self::VERSION {
            Ok(read)
        } else {
            Err(format!("it is of version {}, of a newer steady", read.steadyhand_archive))
        }
    }

    /// The names of the files in the archive's folder, and what they hash to.
    pub(super) fn files<'a>(
        &'a self,
        folder: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        let name = move |object: &'a Archived| object.key.strip_prefix(folder).unwrap_or("");
        self.objects.iter().map(move |object| (name(object), object.sha256.as_str()))
    }
}
