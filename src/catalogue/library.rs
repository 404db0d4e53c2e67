//! The other runbooks that a step names.

use std::path::{Component, Path, PathBuf};

use super::{DIRECTORY, built_in, files, read};
use crate::journal;
use crate::runbook::{Found, Runbook, Wanted, check_with};

/// A path goes from the file that names it; an id is one of `directory`, else of `./runbooks`, else
/// built in.
pub(super) fn find(wanted: &Wanted<'_>, directory: Option<&Path>) -> Result<Found, String> {
    let Wanted { name, from, .. } = wanted;
    if name.contains(['/', '.']) {
        let beside = Path::new(from).parent().unwrap_or(Path::new(""));
        let path = plain(&beside.join(name));
        return Ok(Found { bytes: read(&path)?, file: path.display().to_string() });
    }
    let usual = Path::new(DIRECTORY);
    match directory.or_else(|| usual.is_dir().then_some(usual)) {
        Some(directory) => {
            for file in files(directory)? {
                let bytes = read(&file)?;
                if id(&bytes) == Some(name) {
                    return Ok(Found { bytes, file: file.display().to_string() });
                }
            }
            Err(format!("no runbook `{name}` in {}", directory.display()))
        }
        None => {
            let file = format!("{name}.yaml");
            let found = built_in::RUNBOOKS.iter().find(|(name, _)| *name == file);
            let (_, bytes) = found.ok_or_else(|| format!("no runbook `{name}` built in"))?;
            Ok(Found { bytes: bytes.to_vec(), file: format!("built-in/{file}") })
        }
    }
}

/// Without `.` and `..` where they can be taken out, so that one file has one name.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

/// The id that a file says: a key of the outermost map begins its line.
fn id(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("id:"))?;
    let value = value.split(" #").next().unwrap_or(value);
    Some(value.trim().trim_matches(['"', '\'']))
}

/// The file below `included/` that has the runbook of the step `at`.
pub(super) fn pin_name(at: &str) -> String {
    format!("{}.yaml", at.replace('/', "+"))
}

/// The runbook as a run has pinned it.
///
/// # Errors
/// One line: it cannot be read, or this version does not accept it.
pub fn pinned(run: &Path) -> Result<Runbook, String> {
    let path = run.join(journal::RUNBOOK);
    let bytes = read(&path)?;
    let mut library = |wanted: &Wanted<'_>| {
        let file = run.join(journal::INCLUDED).join(pin_name(wanted.at));
        Ok(Found { bytes: read(&file)?, file: file.display().to_string() })
    };
    let checked = check_with(&bytes, &path.display().to_string(), &mut library);
    checked.runbook.ok_or_else(|| {
        let first = checked.problems.first().map_or(String::new(), |p| format!(": {}", p.message));
        format!(
            "this version cannot read {}{first}; use the one that began the run",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_however_it_is_written() {
        for text in ["id: a-b", "title: x\nid: \"a-b\"\n", "id: a-b # the first", "id:  'a-b'"] {
            assert_eq!(id(text.as_bytes()), Some("a-b"), "{text}");
        }
        assert_eq!(id(b"steps:\n  - id: one"), None);
    }

    #[test]
    fn one_file_has_one_name() {
        assert_eq!(plain(Path::new("a/./b/../c.yaml")), Path::new("a/c.yaml"));
        assert_eq!(plain(Path::new("../c.yaml")), Path::new("../c.yaml"));
        assert_eq!(plain(Path::new("/a/../c.yaml")), Path::new("/c.yaml"));
    }
}
