//! Space that is set aside while there is some, so that a full disk can still take the record that
//! says why the run stopped.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::disk;

/// How much is set aside.
const BYTES: u64 = 8 * 1024 * 1024;

const NAME: &str = ".reserve";

/// A file that takes up space until it is given back.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Sets the space aside in `dir`; what an earlier console left is used again.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let path = dir.join(NAME);
        let file = match disk::create_append(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => disk::open_append(&path)?,
            other => other?,
        };
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, BYTES) {
            // A file system that cannot promise space: the journal works, only without the promise.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Self { path }),
            Err(e) => {
                let _ = std::fs::remove_file(&path);
                Err(e.into())
            }
        }
    }

    /// Gives back what an earlier console left.
    pub(super) fn discard(dir: &Path) {
        let _ = std::fs::remove_file(dir.join(NAME));
    }

    /// The run directory has got its name.
    pub(super) fn moved_to(&mut self, dir: &Path) {
        self.path = dir.join(NAME);
    }

    /// Gives the space back; `false` when that was done before.
    pub(super) fn release(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}
