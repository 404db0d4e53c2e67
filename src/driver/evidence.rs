//! Files that people keep with a run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The largest file that is taken, in bytes.
const MAX: u64 = 64 * 1024 * 1024;

/// A file that was copied below `evidence/`.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) bytes: u64,
}

/// Copies a file into the run's `evidence/`, synced, under a name of its own.
///
/// # Errors
/// One line for the operator.
pub(super) fn keep(run: &Path, from: &Path) -> Result<Kept, String> {
    let said = |e: io::Error| format!("{} cannot be kept as evidence: {e}", from.display());
    let mut source = File::open(from).map_err(said)?;
    let length = source.metadata().map_err(said)?;
    if !length.is_file() {
        return Err(format!("{} is no file; name a file to keep", from.display()));
    }
    if length.len() > MAX {
        return Err(format!(
            "{} is larger than {} MiB; keep an extract of it",
            from.display(),
            MAX / 1024 / 1024
        ));
    }
    let (file, mut copy) = create(&run.join("evidence"), from).map_err(said)?;
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map_err(said)?;
    copy.write_all(&bytes).and_then(|()| copy.sync_all()).map_err(said)?;
    Ok(Kept { file, sha256: hex::encode(Sha256::digest(&bytes)), bytes: bytes.len() as u64 })
}

/// The file's own name where it is free, otherwise with a number before it.
fn create(dir: &Path, from: &Path) -> io::Result<(String, File)> {
    fs::create_dir_all(dir)?;
    let name: String = from
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' })
        .collect();
    let mut number = 1;
    loop {
        let candidate = if number == 1 { name.clone() } else { format!("{number}-{name}") };
        let created =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(&candidate));
        match created {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(e),
            Ok(file) => return Ok((candidate, file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_copied_under_a_harmless_name_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("a b\u{202e}.png");
        fs::write(&from, b"picture").unwrap();
        let first = keep(dir.path(), &from).unwrap();
        let second = keep(dir.path(), &from).unwrap();
        assert_eq!((first.file.as_str(), first.bytes), ("a_b_.png", 7));
        assert_eq!(second.file, "2-a_b_.png");
        assert_eq!(fs::read(dir.path().join("evidence/2-a_b_.png")).unwrap(), b"picture");
        assert!(keep(dir.path(), dir.path()).unwrap_err().contains("is no file"));
    }
}
