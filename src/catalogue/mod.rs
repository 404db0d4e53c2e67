//! Finding runbooks: in a directory, else in the catalogue built into the binary. And the index of
//! past runs.

mod attempts;
mod built_in;
mod chain;
mod compare;
mod familiar;
mod files;
mod history;
mod library;
mod runs;

use std::path::{Path, PathBuf};

pub use attempts::{Past, Saved};
pub use chain::latest;
pub use compare::{Comparison, Side, StepPair, StepSide, Time, compare};
pub use familiar::{Before, Change, ChangedFile, DiffLine, Familiar, Mark, familiar};
pub use files::{files, read};
pub use history::{Drill, History, Practised, Quarter, practised};
pub use library::pinned;
pub use runs::{Folded, Measured, PastRun, Standing, fold, past_runs};

use crate::runbook::diagnostic::{Severity, Style, render};
use crate::runbook::suggest::did_you_mean;
use crate::runbook::{Checked, Runbook, check_with};

/// Where runbooks are looked up when nothing else was said.
const DIRECTORY: &str = "runbooks";

/// Every runbook of one place, the broken ones too.
#[derive(Debug)]
pub struct Catalogue {
    /// `None`: built into the binary.
    pub directory: Option<PathBuf>,
    /// In order of path.
    pub entries: Vec<Entry>,
}

/// One file of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The file, or `built-in/NAME`.
    pub path: String,
    /// The exact bytes: what is checked is what a run pins.
    pub bytes: Vec<u8>,
    /// The runbook, when it is good, and its problems.
    pub checked: Checked,
    /// The paths of the other runbooks with the same id.
    pub namesakes: Vec<String>,
}

impl Entry {
    /// The runbooks that its steps name by id are looked up in `directory`, or where [`Catalogue::open`]
    /// would.
    fn new(path: String, bytes: Vec<u8>, directory: Option<&Path>) -> Self {
        let checked = check_with(&bytes, &path, &mut |wanted| library::find(wanted, directory));
        Self { path, bytes, checked, namesakes: Vec::new() }
    }

    /// The file's entry.
    ///
    /// # Errors
    /// One line: it cannot be read.
    pub fn of_file(file: &Path, directory: Option<&Path>) -> Result<Self, String> {
        Ok(Self::new(file.display().to_string(), read(file)?, directory))
    }

    /// The other runbooks whose steps are this one's, as a run pins them: a file's name, and the bytes.
    #[must_use]
    pub fn pins(&self) -> Vec<(String, Vec<u8>)> {
        let included = self.checked.included.iter();
        included.map(|one| (library::pin_name(&one.at), one.bytes.clone())).collect()
    }

    /// The runbook's id; of a broken one, its file's name without the ending.
    #[must_use]
    pub fn id(&self) -> &str {
        match &self.checked.runbook {
            Some(runbook) => &runbook.id,
            None => Path::new(&self.path).file_stem().and_then(|s| s.to_str()).unwrap_or_default(),
        }
    }

    /// Why it cannot be used, in a few words.
    #[must_use]
    pub fn broken(&self) -> Option<String> {
        if self.checked.runbook.is_some() {
            return (!self.namesakes.is_empty())
                .then(|| format!("the same id as {}", self.namesakes.join(", ")));
        }
        let problems = self.checked.problems.iter();
        let errors = problems.filter(|problem| problem.severity == Severity::Error).count();
        Some(if errors == 1 { "1 problem".into() } else { format!("{errors} problems") })
    }

    /// The runbook.
    ///
    /// # Errors
    /// Its problems, as `steady check` shows them.
    pub fn runbook(&self) -> Result<&Runbook, String> {
        self.checked.runbook.as_ref().ok_or_else(|| {
            let problems = self.checked.problems.iter();
            let shown = problems.filter(|problem| problem.severity == Severity::Error);
            let texts: Vec<_> =
                shown.map(|p| render(p, &self.checked.source, Style::Plain)).collect();
            format!("{} cannot be used:\n\n{}", self.path, texts.join("\n\n"))
        })
    }
}

impl Catalogue {
    /// Reads `directory`, else `./runbooks`, else what is built in.
    ///
    /// # Errors
    /// The directory that was given cannot be read, or a file in it.
    pub fn open(directory: Option<&Path>) -> Result<Self, String> {
        let directory = match directory {
            Some(given) => Some(given.to_owned()),
            None => Some(PathBuf::from(DIRECTORY)).filter(|dir| dir.is_dir()),
        };
        let mut entries = match &directory {
            Some(dir) => files(dir)?
                .iter()
                .map(|file| Entry::of_file(file, Some(dir)))
                .collect::<Result<Vec<_>, String>>()?,
            None => built_in::RUNBOOKS
                .iter()
                .map(|(name, bytes)| Entry::new(format!("built-in/{name}"), bytes.to_vec(), None))
                .collect(),
        };
        find_namesakes(&mut entries);
        Ok(Self { directory, entries })
    }

    /// The entry of this id.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn find(&self, id: &str) -> Result<&Entry, String> {
        let Some(found) = self.entries.iter().find(|entry| entry.id() == id) else {
            let known = || self.entries.iter().map(Entry::id);
            let place = match &self.directory {
                Some(dir) => format!("in {}", dir.display()),
                None => "built in".into(),
            };
            let help = did_you_mean(id, known())
                .unwrap_or_else(|| "see `steady list`, or give a path".into());
            return Err(format!("no runbook `{id}` {place}; {help}"));
        };
        if found.namesakes.is_empty() {
            return Ok(found);
        }
        let others = found.namesakes.join(", ");
        Err(format!("the id `{id}` is in {} and in {others}; give the path", found.path))
    }
}

/// The runbook of this id as it is built in, whatever the directories hold.
///
/// # Errors
/// One line: there is none.
pub fn built_in(id: &str) -> Result<Entry, String> {
    let file = format!("{id}.yaml");
    let found = built_in::RUNBOOKS.iter().find(|(name, _)| *name == file);
    let (name, bytes) = found.ok_or_else(|| format!("no runbook `{id}` built in"))?;
    Ok(Entry::new(format!("built-in/{name}"), bytes.to_vec(), None))
}

/// The runbook that `name` means: a path when it looks like one, else an id of the catalogue.
///
/// # Errors
/// One line: there is no such file or id.
pub fn find(name: &str, directory: Option<&Path>) -> Result<Entry, String> {
    if name.contains(['/', '.']) {
        return Entry::of_file(Path::new(name), directory);
    }
    let mut catalogue = Catalogue::open(directory)?;
    let path = catalogue.find(name)?.path.clone();
    catalogue.entries.retain(|entry| entry.path == path);
    catalogue.entries.pop().ok_or_else(|| format!("no runbook `{name}`"))
}

fn find_namesakes(entries: &mut [Entry]) {
    let ids: Vec<_> = entries.iter().map(|e| (e.id().to_owned(), e.path.clone())).collect();
    for entry in entries.iter_mut().filter(|entry| entry.checked.runbook.is_some()) {
        let same = ids.iter().filter(|(id, path)| id == entry.id() && *path != entry.path);
        entry.namesakes = same.map(|(_, path)| path.clone()).collect();
    }
}

#[cfg(test)]
mod tests;
