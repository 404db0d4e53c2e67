//! Writing the report down.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{build, json, markdown};
use crate::engine::{Event, Fact, Recorded, State};
use crate::journal::{self, sha256_hex};

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Md,
    /// JSON.
    Json,
}

impl Format {
    /// Its name, and the ending of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md => "md",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Md, Self::Json]
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| "a report is written as md or json".to_owned())
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// As the record names it: from the run directory on where it is in it.
    pub file: String,
    /// What it is written as.
    pub format: Format,
    /// Of its bytes.
    pub sha256: String,
}

impl Written {
    /// The fact to be recorded by whoever holds the journal.
    #[must_use]
    pub fn event(&self) -> Event {
        Event::run(Fact::Exported {
            file: self.file.clone(),
            format: self.format.name().to_owned(),
            sha256: self.sha256.clone(),
        })
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The journal has no first record.
    #[error("{0} holds no record yet: there is nothing to report")]
    Empty(PathBuf),
    /// The record cannot be checked.
    #[error(transparent)]
    Read(#[from] journal::ReadError),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the report of the run in `dir`, once in each format, into `out` or else into the run's
/// `reports/`. A file of an earlier report is replaced as a whole.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    dir: &Path,
    state: &State,
    records: &[Recorded],
    formats: &[Format],
    out: Option<&Path>,
) -> Result<Vec<Written>, ExportError> {
    let verdict = journal::verify(dir, None)?;
    let report =
        build(state, records, &verdict).ok_or_else(|| ExportError::Empty(dir.to_owned()))?;
    let out = out.map_or_else(|| dir.join("reports"), Path::to_owned);
    let mut written = Vec::new();
    for format in formats {
        let name = format!("{}.{}", report.identity.run, format.name());
        let path = out.join(&name);
        let text = match format {
            Format::Md => Ok(markdown(&report)),
            Format::Json => json(&report).map_err(io::Error::from),
        };
        text.and_then(|text| {
            replace(&out, &name, text.as_bytes())?;
            let inside = path.strip_prefix(dir).unwrap_or(&path);
            let file = inside.display().to_string();
            let sha256 = sha256_hex(text.as_bytes());
            written.push(Written { path: path.clone(), file, format: *format, sha256 });
            Ok(())
        })
        .map_err(|source| ExportError::Io { path: path.clone(), source })?;
    }
    Ok(written)
}

/// A reader sees the old file or the new one, never half of one.
fn replace(out: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(out)?;
    let draft = out.join(format!(".{name}.{}", std::process::id()));
    let result = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&draft, out.join(name)));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result
}
