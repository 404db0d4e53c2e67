//! Whether an operator knows a runbook: its bytes, and those of the runbooks it includes, against what the
//! operator's last run of it pinned.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use similar::{ChangeTag, TextDiff};

use super::{Entry, built_in, read};
use crate::engine::event::{Accepted, RunStarted, Seen};
use crate::engine::{Event, Fact, Recorded};
use crate::journal::{self, sha256_hex};

/// A comparison is cut short rather than waited for; it is then longer than need be, and still right.
const COMPARISON: Duration = Duration::from_millis(500);
/// Lines that are shown around what changed.
const AROUND: usize = 3;
/// Fewer digits of a hash than this name nothing.
const FEWEST_DIGITS: usize = 8;

/// What an operator knows of a runbook.
#[derive(Debug, PartialEq, Eq)]
pub enum Familiar {
    /// Every byte is built into this binary.
    BuiltIn,
    /// The operator has no run of it here.
    New,
    /// The operator's last run of it had the same bytes.
    Unchanged {
        /// That run.
        run: String,
    },
    /// The operator's last run of it had others.
    Changed(Change),
}

/// How a runbook differs from what an operator last ran.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// That run.
    pub run: String,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Its runbook's SHA-256.
    pub sha256: String,
    /// The SHA-256 of the runbook as it is now.
    pub sha256_now: String,
    /// The files that differ, in order of name; the runbook itself comes first.
    pub files: Vec<ChangedFile>,
}

/// A file that differs.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its name in a run directory.
    pub name: String,
    /// As it was run.
    pub before: Before,
    /// As it is now; `None`: it is not included any more.
    pub after: Option<String>,
}

/// A file as it was run.
#[derive(Debug, PartialEq, Eq)]
pub enum Before {
    /// It was not included then.
    Absent,
    /// The run directory does not hold what was run any more.
    Lost,
    /// Its text.
    Text(String),
}

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub mark: Mark,
    /// Without its end.
    pub text: String,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Names a file, or the place in it.
    Place,
    /// It is as it was.
    Same,
    /// It was put in.
    Added,
    /// It was taken out.
    Removed,
}

impl Mark {
    /// The sign before such a line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Place => "",
            Self::Same => " ",
            Self::Added => "+",
            Self::Removed => "-",
        }
    }
}

/// What `operator` knows of the runbook. Practice is no run of it.
///
/// # Errors
/// One line: the directory of runs cannot be read.
pub fn familiar(entry: &Entry, runs: &Path, operator: &str) -> Result<Familiar, String> {
    let included = entry.pins();
    let mut bytes = std::iter::once(&entry.bytes).chain(included.iter().map(|(_, bytes)| bytes));
    if bytes.all(|bytes| built_in::RUNBOOKS.iter().any(|(_, shipped)| shipped == bytes)) {
        return Ok(Familiar::BuiltIn);
    }
    let Some((at, last)) = last_run(runs, entry.id(), operator)? else {
        return Ok(Familiar::New);
    };
    let before = hashes(&last);
    let now: BTreeMap<String, &[u8]> =
        std::iter::once((journal::RUNBOOK.to_owned(), &*entry.bytes))
            .chain(included.iter().map(|(name, bytes)| (below_included(name), &**bytes)))
            .collect();
    let same = |name: &String| {
        before.get(name).is_some_and(|was| now.get(name).is_some_and(|is| *was == sha256_hex(is)))
    };
    let mut names: Vec<&String> = before.keys().chain(now.keys()).filter(|n| !same(n)).collect();
    names.sort_by_key(|name| (*name != journal::RUNBOOK, *name));
    names.dedup();
    if names.is_empty() {
        return Ok(Familiar::Unchanged { run: last.run });
    }
    let dir = runs.join(&last.run);
    let changed = |name: &String| ChangedFile {
        name: name.clone(),
        before: match before.get(name) {
            None => Before::Absent,
            Some(hash) => match read(&dir.join(name)) {
                Ok(bytes) if sha256_hex(&bytes) == *hash => Before::Text(text(&bytes)),
                Ok(_) | Err(_) => Before::Lost,
            },
        },
        after: now.get(name).map(|bytes| text(bytes)),
    };
    let files = names.into_iter().map(changed).collect();
    Ok(Familiar::Changed(Change {
        run: last.run,
        at,
        sha256: last.runbook_sha256,
        sha256_now: sha256_hex(&entry.bytes),
        files,
    }))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn below_included(name: &str) -> String {
    format!("{}/{name}", journal::INCLUDED)
}

/// The SHA-256 of each file that a run pinned of its runbook.
pub(super) fn hashes(run: &RunStarted) -> BTreeMap<String, String> {
    let included = run.included.iter().map(|(name, hash)| (below_included(name), hash.clone()));
    included.chain([(journal::RUNBOOK.to_owned(), run.runbook_sha256.clone())]).collect()
}

/// The operator's last run of a runbook.
fn last_run(
    runs: &Path,
    runbook: &str,
    operator: &str,
) -> Result<Option<(DateTime<Utc>, RunStarted)>, String> {
    let ids = journal::run_ids(runs).map_err(|e| format!("cannot read {}: {e}", runs.display()))?;
    let mut last: Option<(DateTime<Utc>, RunStarted)> = None;
    for id in ids.iter().rev() {
        // An id begins with the second; of runs of one second the record tells which was later.
        let second = |id: &str| id.split('-').next().map(str::to_owned);
        if last.as_ref().is_some_and(|(_, run)| second(&run.run) != second(id)) {
            break;
        }
        let first = journal::first_record(&runs.join(id)).filter(|first| first.by == operator);
        let Some(Recorded { stamp, event: Event { fact: Fact::RunStarted(run), .. }, .. }) = first
        else {
            continue;
        };
        let is_it = run.runbook == runbook && run.run == *id && !run.practice;
        if is_it && last.as_ref().is_none_or(|(at, _)| *at < stamp.at) {
            last = Some((stamp.at, *run));
        }
    }
    Ok(last)
}

impl Familiar {
    /// What the record says of it; a change as it was accepted.
    #[must_use]
    pub fn seen(&self, accepted: Accepted) -> Seen {
        match self {
            Self::BuiltIn => Seen::BuiltIn,
            Self::New => Seen::New,
            Self::Unchanged { run } => Seen::Unchanged { run: run.clone() },
            Self::Changed(change) => Seen::Changed {
                run: change.run.clone(),
                sha256: change.sha256.clone(),
                files: change.files.iter().map(|file| file.name.clone()).collect(),
                accepted,
            },
        }
    }
}

impl Change {
    /// The SHA-256 of each file that is there now and differs.
    #[must_use]
    pub fn hashes(&self) -> Vec<String> {
        let after = self.files.iter().filter_map(|file| file.after.as_deref());
        after.map(|text| sha256_hex(text.as_bytes())).collect()
    }

    /// Whether each of [`Change::hashes`] begins with one of `accepted`.
    #[must_use]
    pub fn is_accepted(&self, accepted: &[String]) -> bool {
        let names = |hash: &String| {
            accepted.iter().any(|given| given.len() >= FEWEST_DIGITS && hash.starts_with(&**given))
        };
        self.hashes().iter().all(names)
    }

    /// How many lines were put in, and how many taken out.
    #[must_use]
    pub fn counts(diff: &[DiffLine]) -> (usize, usize) {
        let count = |mark| diff.iter().filter(|line| line.mark == mark).count();
        (count(Mark::Added), count(Mark::Removed))
    }

    /// What changed, with a few lines around it.
    #[must_use]
    pub fn diff(&self) -> Vec<DiffLine> {
        let mut lines = Vec::new();
        let place = |text: String| DiffLine { mark: Mark::Place, text };
        for file in &self.files {
            let remark = match (&file.before, &file.after) {
                (Before::Absent, _) => ": new",
                (Before::Lost, _) => ": what was run is lost, so this is the whole of it",
                (Before::Text(_), None) => ": not included any more",
                (Before::Text(_), Some(_)) => "",
            };
            lines.push(place(format!("{}{remark}", file.name)));
            let before = match &file.before {
                Before::Absent | Before::Lost => "",
                Before::Text(text) => text,
            };
            let after = file.after.as_deref().unwrap_or_default();
            let diff = TextDiff::configure().timeout(COMPARISON).diff_lines(before, after);
            for hunk in diff.unified_diff().context_radius(AROUND).iter_hunks() {
                lines.push(place(hunk.header().to_string()));
                lines.extend(hunk.iter_changes().map(|change| DiffLine {
                    mark: match change.tag() {
                        ChangeTag::Equal => Mark::Same,
                        ChangeTag::Insert => Mark::Added,
                        ChangeTag::Delete => Mark::Removed,
                    },
                    text: change.value().trim_end_matches('\n').to_owned(),
                }));
            }
        }
        lines
    }
}
