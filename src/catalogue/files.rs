//! Runbook files on disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::runbook::MOST_BYTES;

/// A file is itself; a directory is every `.yaml` and `.yml` file below it, in order of name.
///
/// # Errors
/// One line: what cannot be read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    find(path, &mut found)?;
    Ok(found)
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot read {}: {error}", path.display());
    if !path.metadata().map_err(cannot)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = path.read_dir().map_err(cannot)?.collect();
    let mut entries = entries.map_err(cannot)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let below = entry.path();
        // A link to a directory is not followed: it may lead back up.
        if entry.file_type().map_err(cannot)?.is_dir() {
            find(&below, files)?;
        } else if below.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(below);
        }
    }
    Ok(())
}

/// The bytes of a file; of one that is too large to be a runbook, enough to see that.
///
/// # Errors
/// One line: why it cannot be read.
pub fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(bytes)
}
