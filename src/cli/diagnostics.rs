//! Diagnostics: what may help somebody to find out why, in a file a day beside the runs; never on the
//! screen, and never anything that has not been through the redactor.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

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
    let (writer, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).try_init().ok()?;
    Some(guard)
}
