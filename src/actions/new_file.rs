//! A file that is there whole or not at all.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

/// A file that is being written. It has its name only once it is finished; dropped before that, it leaves
/// nothing behind.
pub(super) struct NewFile {
    path: PathBuf,
    part: PathBuf,
    overwrite: bool,
    file: tokio::fs::File,
    hash: Sha256,
    bytes: u64,
    finished: bool,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Landed {
    /// Its name, as asked for.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Of its contents, 64 hex digits.
    pub sha256: String,
}

impl NewFile {
    /// Begins `path` as `path.part`, for its owner alone. What a lost console left of an earlier try is
    /// begun anew.
    ///
    /// # Errors
    /// One line: the file is there already and may not be replaced, or it cannot be written.
    pub fn create(path: &Path, overwrite: bool) -> Result<Self, String> {
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(is_there(path));
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        match fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(trouble(&part, &e)),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&part);
        let file = file.map_err(|e| trouble(&part, &e))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            overwrite,
            file: tokio::fs::File::from_std(file),
            hash: Sha256::new(),
            bytes: 0,
            finished: false,
        })
    }

    /// How much has been written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// One line: why they cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file.write_all(bytes).await.map_err(|e| trouble(&self.part, &e))?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives the file its name once its contents are on the disk.
    ///
    /// # Errors
    /// One line: another file has taken the name meanwhile, or the disk refuses.
    pub async fn finish(mut self) -> Result<Landed, String> {
        let written = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        written.await.map_err(|e| trouble(&self.part, &e))?;
        self.name()?;
        self.finished = true;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let synced = fs::File::open(parent.unwrap_or(Path::new("."))).and_then(|d| d.sync_all());
        synced.map_err(|e| trouble(&self.path, &e))?;
        Ok(Landed {
            path: self.path.clone(),
            bytes: self.bytes,
            sha256: hex::encode(self.hash.clone().finalize()),
        })
    }

    fn name(&self) -> Result<(), String> {
        if self.overwrite {
            return fs::rename(&self.part, &self.path).map_err(|e| trouble(&self.path, &e));
        }
        let renamed = renameat_with(CWD, &self.part, CWD, &self.path, RenameFlags::NOREPLACE);
        let named = match renamed {
            // Network file systems know no such rename; a link replaces nothing either.
            Err(Errno::INVAL | Errno::NOSYS) => {
                fs::hard_link(&self.part, &self.path).and_then(|()| fs::remove_file(&self.part))
            }
            other => other.map_err(io::Error::from),
        };
        named.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => is_there(&self.path),
            _ => trouble(&self.path, &e),
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: whoever reads the directory sees by the name that it is not whole.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn is_there(path: &Path) -> String {
    format!(
        "{} is there already and is not replaced: move it away, or mark the step done if it is the file that is wanted",
        path.display()
    )
}

fn trouble(path: &Path, e: &io::Error) -> String {
    format!(
        "{} cannot be written: {e}; check the directory and the room on the disk",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().flatten();
        let mut names: Vec<_> =
            entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_finished_file_is_whole_its_owners_alone_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        fs::write(dir.path().join("kept.part"), "of a lost console").unwrap();
        let mut file = NewFile::create(&path, false).unwrap();
        file.write(b"hello ").await.unwrap();
        file.write(b"world").await.unwrap();
        assert!(!path.exists());
        let landed = file.finish().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hello world");
        assert_eq!(landed.bytes, 11);
        assert_eq!(landed.sha256, hex::encode(Sha256::digest("hello world")));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(dir.path()), ["kept"]);
    }

    #[tokio::test]
    async fn a_file_that_is_there_stays_unless_it_may_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept");
        fs::write(&path, "the way back").unwrap();
        let refused = NewFile::create(&path, false).err().unwrap();
        assert!(refused.contains("is there already"), "{refused}");

        let mut late = NewFile::create(&dir.path().join("late"), false).unwrap();
        late.write(b"x").await.unwrap();
        fs::write(dir.path().join("late"), "meanwhile").unwrap();
        let refused = late.finish().await.err().unwrap();
        assert!(refused.contains("is there already"), "{refused}");
        assert_eq!(fs::read(dir.path().join("late")).unwrap(), b"meanwhile");

        let mut file = NewFile::create(&path, true).unwrap();
        file.write(b"new").await.unwrap();
        file.finish().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["kept", "late"]);
    }

    #[tokio::test]
    async fn what_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = NewFile::create(&dir.path().join("kept"), false).unwrap();
        file.write(b"half").await.unwrap();
        drop(file);
        assert!(names(dir.path()).is_empty());
    }
}
