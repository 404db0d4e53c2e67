//! Writing the report down.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::model::Report;
use super::{backup_audit, beside, build, csv, html, json, markdown, test_log};
use crate::engine::{Event, Fact, Recorded, State};
use crate::journal::{self, sha256_hex};

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Md,
    /// One HTML file, for the screen and for paper.
    Html,
    /// JSON.
    Json,
    /// One row a step, for a spreadsheet.
    Csv,
    /// One entry of a log of recovery tests.
    TestLog,
    /// The backups of the run, as a log of backup audits has them.
    BackupAudit,
}

impl Format {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Md, Self::Html, Self::Json, Self::Csv, Self::TestLog, Self::BackupAudit];

    /// As `--format` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md => "md",
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::TestLog => "test-log",
            Self::BackupAudit => "backup-audit",
        }
    }

    /// What the names of its files end with.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Md | Self::Html | Self::Json | Self::Csv => self.name(),
            Self::TestLog => "test-log.txt",
            Self::BackupAudit => "backup-audit.csv",
        }
    }

    /// The report in it.
    ///
    /// # Errors
    /// None in practice: it is written to memory.
    pub fn text(self, report: &Report) -> io::Result<String> {
        match self {
            Self::Md => Ok(markdown(report)),
            Self::Html => Ok(html(report)),
            Self::Json => json(report).map_err(io::Error::from),
            Self::Csv => csv(report).map_err(io::Error::from),
            Self::TestLog => Ok(test_log(report)),
            Self::BackupAudit => backup_audit(report).map_err(io::Error::from),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|format| format.name() == name);
        named.ok_or_else(|| {
            "a report is written as md, html, json, csv, test-log or backup-audit".into()
        })
    }
}

/// What to write, and where.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// As what.
    pub formats: &'a [Format],
    /// Where; `None`: in the run's `reports/`.
    pub out: Option<&'a Path>,
    /// With the beginning and the end of what attempts printed.
    pub excerpts: bool,
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

/// Writes the report of the run in `dir`, once in each format. A file of an earlier report is replaced as a
/// whole.
///
/// # Errors
/// See [`ExportError`].
pub fn export(
    dir: &Path,
    state: &State,
    records: &[Recorded],
    wanted: &Wanted<'_>,
) -> Result<Vec<Written>, ExportError> {
    let beside = beside::look(dir, state, wanted.excerpts)?;
    let report =
        build(state, records, &beside).ok_or_else(|| ExportError::Empty(dir.to_owned()))?;
    let out = wanted.out.map_or_else(|| dir.join("reports"), Path::to_owned);
    let mut written = Vec::new();
    for format in wanted.formats {
        let name = format!("{}.{}", report.identity.run, format.ending());
        let path = out.join(&name);
        let text = format.text(&report);
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
