//! A directory for the files of a scene.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use chrono::Utc;

/// A directory of its own, for its owner alone; it goes when this is dropped.
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// Makes one among the temporary files.
    pub(super) fn new() -> io::Result<Self> {
        let nanos = Utc::now().timestamp_nanos_opt().unwrap_or_default();
        let name = format!("steadyhand-practice-{}-{nanos}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // One that is there already is somebody else's: that is an error.
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a file there.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let file = self.0.join(name);
        std::fs::write(&file, bytes)?;
        Ok(file)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // Best effort: what stays is practice, among the temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
