//! Finding and reading the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::{Checked, Settings, check};
use crate::custody;
use crate::runbook::MOST_BYTES;
use crate::runbook::diagnostic::{Style, render};

/// The file's name, in the working directory and in the XDG configuration directory.
const FILE: &str = "steadyhand.yaml";

/// Settings, and the exact bytes they are from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Relative paths have been joined to the file's directory, `~` in a key's to the home directory.
    pub settings: Settings,
    /// `None`: there is no file, and everything is as it is built in.
    pub file: Option<(PathBuf, Vec<u8>)>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not there or cannot be read.
    #[error("cannot read the settings {}: {reason}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// Others could have written what it says.
    #[error("the settings are not used: {0}")]
    Untrusted(String),
    /// The file has problems.
    #[error("{}", shown(.0))]
    Invalid(Box<Checked>),
}

fn shown(checked: &Checked) -> String {
    let problems = checked.problems.iter();
    let texts: Vec<_> = problems.map(|p| render(p, &checked.source, Style::Plain)).collect();
    format!("the settings cannot be used:\n\n{}", texts.join("\n\n"))
}

/// Reads `given`, else `./steadyhand.yaml`, else `steadyhand/steadyhand.yaml` in the XDG configuration
/// directory. That neither of the latter is there is no error.
///
/// # Errors
/// A file that was named is not there, or the one that was found is no good.
pub fn load(given: Option<&Path>) -> Result<Loaded, LoadError> {
    if let Some(file) = given {
        return read(file);
    }
    let xdg = etcetera::base_strategy::Xdg::new().ok();
    let in_xdg = xdg.map(|xdg| xdg.config_dir().join("steadyhand").join(FILE));
    for file in [Some(PathBuf::from(FILE)), in_xdg].into_iter().flatten() {
        match read(&file) {
            Err(LoadError::Unreadable { reason, .. })
                if reason.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
    }
    Ok(Loaded::default())
}

fn read(file: &Path) -> Result<Loaded, LoadError> {
    let mut bytes = Vec::new();
    // One byte more than is allowed is enough to refuse the rest unread.
    File::open(file)
        .and_then(|opened| opened.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|reason| LoadError::Unreadable { file: file.to_owned(), reason })?;
    custody::refuse_replaceable(file).map_err(LoadError::Untrusted)?;
    let checked = check(&bytes, &file.display().to_string());
    let Some(mut settings) = checked.settings.clone() else {
        return Err(LoadError::Invalid(Box::new(checked)));
    };
    let beside = file.parent().unwrap_or(Path::new(""));
    for path in [&mut settings.runs, &mut settings.runbooks].into_iter().flatten() {
        *path = beside.join(&path);
    }
    if let Some(signing) = &mut settings.signing {
        signing.key = resolve(beside, &signing.key);
    }
    if let Some(file) = &mut settings.allowed_signers {
        *file = resolve(beside, file);
    }
    Ok(Loaded { settings, file: Some((file.to_owned(), bytes)) })
}

/// Beside the settings, or at home.
fn resolve(beside: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(below) => etcetera::home_dir().unwrap_or_default().join(below),
        Err(_) => beside.join(path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_and_the_bytes_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.yaml");
        let text = "steadyhand: 1\nruns: runs\nrunbooks: /srv/runbooks\n";
        std::fs::write(&file, text).unwrap();
        let loaded = load(Some(&file)).unwrap();
        assert_eq!(loaded.settings.runs, Some(dir.path().join("runs")));
        assert_eq!(loaded.settings.runbooks, Some("/srv/runbooks".into()));
        assert_eq!(loaded.file, Some((file, text.as_bytes().to_vec())));
    }

    #[test]
    fn settings_that_others_may_write_are_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.yaml");
        std::fs::write(&file, "steadyhand: 1\n").unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        for (of_dir, of_file, named) in [(0o700, 0o664, &*file), (0o770, 0o644, dir.path())] {
            set(dir.path(), of_dir);
            set(&file, of_file);
            let error = load(Some(&file)).unwrap_err().to_string();
            assert!(error.starts_with("the settings are not used: others may write"), "{error}");
            assert!(error.ends_with(&format!("chmod go-w {}", named.display())), "{error}");
        }
        set(dir.path(), 0o1777);
        assert!(load(Some(&file)).is_ok(), "a sticky directory is no harm");
    }

    #[test]
    fn a_key_is_looked_for_beside_the_file_or_at_home() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.yaml");
        let key = |path: &str| {
            let text = format!("steadyhand: 1\nsigning: {{key: {path}}}\n");
            std::fs::write(&file, text).unwrap();
            load(Some(&file)).unwrap().settings.signing.unwrap().key
        };
        assert_eq!(key("keys/id"), dir.path().join("keys/id"));
        assert_eq!(key("/etc/id"), PathBuf::from("/etc/id"));
        assert_eq!(key("~/.ssh/id"), etcetera::home_dir().unwrap().join(".ssh/id"));
    }

    #[test]
    fn a_file_that_was_named_must_be_there_and_be_good() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s.yaml");
        let error = load(Some(&file)).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the settings"), "{error}");
        std::fs::write(&file, "steadyhand: 1\nrusn: x\n").unwrap();
        let error = load(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("did you mean `runs`?") && error.contains("2:1"), "{error}");
    }
}
