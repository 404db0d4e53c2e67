//! The directories of runs: making a new one whole, and finding the old ones.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::chain::sha256_hex;
use super::signed::{APPROVALS, SIGN_OFFS};
use super::writer::{AppendError, Journal, is_full};
use super::{INCLUDED, JOURNAL, RUNBOOK, SETTINGS, VERIFY, disk, medium};
use crate::custody;
use crate::engine::{Event, Recorded, Stamp};
use crate::machine::failpoint;

/// What attempts print: `steady watch` shows it.
const OUTPUT: &str = "output";
const FOLDERS: [&str; 7] =
    ["attempts", OUTPUT, "evidence", "checkpoints", "reports", APPROVALS, SIGN_OFFS];
const HOW: &str = include_str!("VERIFY.txt");

/// What a new run directory is made of.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// Where runs are kept; made when it is not there.
    pub runs: &'a Path,
    /// See [`new_run_id`].
    pub id: &'a str,
    /// The exact bytes of the runbook.
    pub runbook: &'a [u8],
    /// The exact bytes of the settings in force.
    pub settings: Option<&'a [u8]>,
    /// Other runbooks whose steps are this one's: the file's name below `included/`, and its exact bytes.
    pub included: &'a [(String, Vec<u8>)],
    /// The group may look on: 0750 and 0640 where `steady watch` looks, instead of 0700 and 0600.
    pub shared: bool,
}

/// A run directory that was made, with its first record in it.
#[derive(Debug)]
pub struct Created {
    /// Ready for the next record; [`Journal::dir`] is the run directory.
    pub journal: Journal,
    /// The first records.
    pub records: Vec<Recorded>,
    /// What the operator should know, such as that the directory lies in memory.
    pub warnings: Vec<String>,
}

/// Why there is no new run directory. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A directory or file cannot be made.
    #[error("cannot make the run directory {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for it.
    #[error(
        "no room for a new run in {runs}: {source}; free some, or keep runs elsewhere: --runs DIR"
    )]
    NoSpace {
        /// Where runs are kept.
        runs: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One of the first records cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Makes a run directory under another name, and gives it its own only when its first records, `facts`, are on
/// the disk: a run is there whole or not at all. What a crash left of earlier attempts is swept away.
///
/// # Errors
/// When it cannot be made, is there already, or when others may write to the directory of runs.
pub fn create_run(
    new: &NewRun<'_>,
    stamp: Stamp,
    by: &str,
    facts: Vec<Event>,
) -> Result<Created, CreateError> {
    let turn = turn(new)?;
    create_run_in(&turn, new, stamp, by, facts)
}

/// As [`create_run`], by who has the turn already, and so knows which run it comes after.
///
/// # Errors
/// As [`create_run`].
pub fn create_run_in(
    _turn: &Turn,
    new: &NewRun<'_>,
    stamp: Stamp,
    by: &str,
    facts: Vec<Event>,
) -> Result<Created, CreateError> {
    let dir = new.runs.join(new.id);
    let failed = |source: io::Error| new.failed(source);
    let draft = Draft::make(new).map_err(failed)?;
    failpoint::here("draft:made");
    let mut journal = Journal::create(&draft.path, &sha256_hex(new.runbook)).map_err(failed)?;
    let records = facts
        .into_iter()
        .map(|fact| journal.stage(stamp.clone(), by, fact))
        .collect::<Result<_, _>>()?;
    journal.commit()?;
    failpoint::here("draft:recorded");
    draft.publish(&dir).map_err(failed)?;
    failpoint::here("draft:published");
    journal.moved_to(&dir);
    disk::sync_dir(new.runs).map_err(failed)?;
    let warnings = medium::warning(&dir).into_iter().chain(closed(new)).collect();
    Ok(Created { journal, records, warnings })
}

/// Makes the directory of runs when it is not there, with those above it; `shared`: for the group to look into.
///
/// # Errors
/// When it cannot be made.
pub fn make_place(runs: &Path, shared: bool) -> io::Result<()> {
    if runs.exists() {
        return Ok(());
    }
    let mut private = DirBuilder::new();
    private.mode(0o700).recursive(true).create(runs)?;
    if shared { custody::open_to_group(runs) } else { Ok(()) }
}

/// A run that is shared lies where nobody else can look.
fn closed(new: &NewRun<'_>) -> Option<String> {
    let runs = new.runs.display();
    (new.shared && !custody::is_open_to_group(new.runs)).then(|| {
        format!("the settings say `share: group`, and the group cannot look into {runs}: chmod g+rx {runs}")
    })
}

/// What the name of a run directory begins with until it is whole.
const DRAFT: &str = ".new-";

/// So long is waited for others that begin runs in the same place.
const PATIENCE: Duration = Duration::from_secs(5);

/// One run is begun at a time in a directory of runs, so that they follow each other; and who begins one knows
/// that every draft there was left by a crash.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] File);

/// Waits for one's turn to begin this run. Makes the directory of runs when it is not there, and sweeps away what
/// a crash left in it.
///
/// Where directories cannot be locked, and where another console hangs in its turn, nobody is kept from beginning:
/// then nothing is swept, and two runs may follow the same one.
///
/// # Errors
/// When the directory cannot be made, or when others may write to it.
pub fn turn(new: &NewRun<'_>) -> Result<Turn, CreateError> {
    let failed = |source: io::Error| new.failed(source);
    make_place(new.runs, new.shared).map_err(failed)?;
    disk::refuse_shared(new.runs).map_err(failed)?;
    let held = File::open(new.runs).map_err(failed)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match held.try_lock() {
            Ok(()) => {
                sweep(new.runs).map_err(failed)?;
                break;
            }
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => break,
        }
    }
    Ok(Turn(held))
}

impl NewRun<'_> {
    fn failed(&self, source: io::Error) -> CreateError {
        match is_full(&source) {
            true => CreateError::NoSpace { runs: self.runs.to_owned(), source },
            false => CreateError::Io { path: self.runs.join(self.id), source },
        }
    }
}

/// Removes what crashes left of runs that never began.
fn sweep(runs: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(runs)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(DRAFT.as_bytes())
            && entry.file_type()?.is_dir()
        {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A run directory without its name; removed unless it is published.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn make(new: &NewRun<'_>) -> io::Result<Self> {
        let path = new.runs.join(format!("{DRAFT}{}", new.id));
        let mut private = DirBuilder::new();
        private.mode(0o700).create(&path)?;
        let draft = Self { path };
        if new.shared {
            custody::open_to_group(&draft.path)?;
        }
        for folder in FOLDERS {
            private.create(draft.path.join(folder))?;
        }
        if new.shared {
            custody::open_to_group(&draft.path.join(OUTPUT))?;
        }
        disk::write_new(&draft.path.join(RUNBOOK), new.runbook)?;
        if let Some(settings) = new.settings {
            disk::write_new(&draft.path.join(SETTINGS), settings)?;
        }
        if !new.included.is_empty() {
            private.create(draft.path.join(INCLUDED))?;
            if new.shared {
                custody::open_to_group(&draft.path.join(INCLUDED))?;
            }
        }
        for (name, bytes) in new.included {
            disk::write_new(&draft.path.join(INCLUDED).join(name), bytes)?;
        }
        disk::write_new(&draft.path.join(VERIFY), HOW.as_bytes())?;
        Ok(draft)
    }

    fn publish(self, dir: &Path) -> io::Result<()> {
        // rename(2) replaces an empty directory: what is there at all is somebody else's.
        if dir.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(&self.path, dir)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After publishing there is nothing of this name any more.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// `20261121T031000Z-aurora-pitr-k3f9`: when, what, and four random characters.
///
/// # Errors
/// When the system has no random bytes.
pub fn new_run_id(at: DateTime<Utc>, runbook: &str) -> io::Result<String> {
    let mut random = [0; 4];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let tail: String =
        random.iter().filter_map(|b| char::from_digit(u32::from(*b) % 36, 36)).collect();
    Ok(format!("{}-{runbook}-{tail}", at.format("%Y%m%dT%H%M%SZ")))
}

/// The ids of the runs in a directory, oldest first. No directory, no runs.
///
/// # Errors
/// When the directory cannot be read.
pub fn run_ids(runs: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(runs) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.path().join(JOURNAL).symlink_metadata().is_ok()
        {
            ids.push(name);
        }
    }
    ids.sort();
    Ok(ids)
}

/// Why RUN names no run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Nothing of this name.
    #[error("no run `{run}` in {runs}; steady runs lists them")]
    NotFound {
        /// What was asked for.
        run: String,
        /// Where it was looked for.
        runs: PathBuf,
    },
    /// More than one.
    #[error("`{run}` begins the ids of {}: {}", .found.len(), .found.join(", "))]
    Ambiguous {
        /// What was asked for.
        run: String,
        /// The ids that begin with it.
        found: Vec<String>,
    },
    /// The directory of runs cannot be read.
    #[error("cannot read {runs}: {source}")]
    Io {
        /// Where.
        runs: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The directory of the run that `run` names: an id, a directory, or the beginning of only one id.
///
/// # Errors
/// When it names none, or more than one.
pub fn find_run(runs: &Path, run: &str) -> Result<PathBuf, FindError> {
    let ids = run_ids(runs).map_err(|source| FindError::Io { runs: runs.to_owned(), source })?;
    if ids.iter().any(|id| id == run) {
        return Ok(runs.join(run));
    }
    let as_dir = Path::new(run);
    if as_dir.join(JOURNAL).is_file() {
        return Ok(as_dir.to_owned());
    }
    let mut found: Vec<String> =
        ids.into_iter().filter(|id| !run.is_empty() && id.starts_with(run)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(id), true) => Ok(runs.join(id)),
        (Some(id), false) => {
            found.push(id);
            Err(FindError::Ambiguous { run: run.to_owned(), found })
        }
        (None, _) => Err(FindError::NotFound { run: run.to_owned(), runs: runs.to_owned() }),
    }
}

#[cfg(test)]
#[path = "rundir_tests.rs"]
mod tests;
