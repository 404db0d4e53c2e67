//! Diagnostics: what may help somebody to find out why, in a file a day beside the runs; never on the
//! screen, and never anything that has not been through the redactor.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use crate::ingest::Redactor;

/// Below the directory of runs; hidden, so that nobody takes it for one.
const DIRECTORY: &str = ".diagnostics";
/// Days that are kept.
const DAYS: usize = 7;

/// Writes diagnostics for as long as the guard lives. Where they cannot be written the run goes on
/// without: they are nobody's record.
pub(super) fn start(runs: &Path) -> Option<WorkerGuard> {
    let dir = runs.join(DIRECTORY);
    DirBuilder::new().mode(0o700).recursive(true).create(&dir).ok()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("steady")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(dir)
        .ok()?;
    let (file, guard) = tracing_appender::non_blocking(file);
    let writer = move || Clean { file: file.clone(), redactor: Redactor::of_process() };
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).try_init().ok()?;
    Some(guard)
}

/// Libraries write here too, and know no secret. An event comes whole.
struct Clean {
    file: NonBlocking,
    redactor: Redactor,
}

impl Write for Clean {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.file.write_all(self.redactor.clean(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_library_says_is_clean() {
        let dir = tempfile::tempdir().unwrap();
        let guard = start(dir.path()).unwrap();
        Redactor::of_process().register("token", "canary-of-a-library");
        tracing::warn!(header = "Bearer canary-of-a-library", "\u{1b}[2Jrefused");
        drop(guard);
        let file = std::fs::read_dir(dir.path().join(DIRECTORY)).unwrap().next().unwrap();
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.contains("Bearer «secret token»") && text.contains("refused"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
