//! The auditor's side: whose signature is it, and may they have made it?

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Local, Utc};

use super::NAMESPACE;
use super::keygen::{Said, run};
use crate::custody;
use crate::journal::checkpoint::{CHECKPOINTS, Found};
use crate::journal::{Auditor, Signature};

/// An auditor's `allowed_signers` file, see `ssh-keygen(1)`. Never one of the run's.
#[derive(Clone, Debug)]
pub struct AllowedSigners {
    file: PathBuf,
    /// The run directory that is looked at.
    run: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowedSignersError {
    /// It cannot be read.
    #[error("cannot read the allowed signers {file}: {source}")]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no such line.
    #[error(
        "{file}:{line}: not a line of allowed signers: write PRINCIPAL KEYTYPE KEY, see ssh-keygen(1)"
    )]
    Malformed {
        /// Which.
        file: PathBuf,
        /// From 1.
        line: usize,
    },
    /// Others could write another key into it.
    #[error("the allowed signers are not used: {0}")]
    NotOurs(String),
    /// It names nobody.
    #[error("{0} allows nobody: write PRINCIPAL KEYTYPE KEY, one a line, see ssh-keygen(1)")]
    Empty(PathBuf),
}

impl AllowedSigners {
    /// Reads the auditor's file, for the run in the directory `run`.
    ///
    /// # Errors
    /// The file is not there, or not what it must be: `ssh-keygen` would pass over such a line.
    pub fn open(file: &Path, run: &Path) -> Result<Self, AllowedSignersError> {
        let unreadable = |source| AllowedSignersError::Unreadable { file: file.to_owned(), source };
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        custody::refuse_replaceable(file).map_err(AllowedSignersError::NotOurs)?;
        let lines = text.lines().zip(1..).map(|(line, n)| (line.trim(), n));
        let mut any = false;
        for (text, line) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            any = true;
            if !is_signer(text) {
                return Err(AllowedSignersError::Malformed { file: file.to_owned(), line });
            }
        }
        if any {
            Ok(Self { file: file.to_owned(), run: run.to_owned() })
        } else {
            Err(AllowedSignersError::Empty(file.to_owned()))
        }
    }

    /// Asks `ssh-keygen -Y <what>` about a signature.
    fn ask(&self, what: &str, signature: &Path, more: &[&OsStr], text: &[u8]) -> io::Result<Said> {
        let mut args = vec![OsString::from("-Y"), what.into()];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        args.extend([OsString::from("-s"), signature.into()]);
        run(&args, text)
    }
}

impl AllowedSigners {
    /// Whose signature over `text` the file `signature` is, and whether they may have made it `at` that time.
    /// Of several names for one key, one that is `preferred` goes first.
    ///
    /// # Errors
    /// `ssh-keygen` could not be asked.
    pub(super) fn who(
        &self,
        namespace: &str,
        signature: &Path,
        text: &[u8],
        at: Option<DateTime<Utc>>,
        preferred: &[String],
    ) -> io::Result<Signature> {
        let wanted = [OsStr::new("-n"), OsStr::new(namespace)];
        let fits = self.ask("check-novalidate", signature, &wanted, text)?;
        let Some(key) = fits.fingerprint().filter(|_| fits.ok) else {
            return Ok(unfit(&fits, namespace));
        };
        let mut by = vec![OsStr::new("-f"), self.file.as_os_str()];
        // A key that has expired since may have been good when the record was written.
        let time = at
            .map(|at| format!("-Overify-time={}", at.with_timezone(&Local).format("%Y%m%d%H%M%S")));
        by.extend(time.as_deref().map(OsStr::new));
        let principals = self.ask("find-principals", signature, &by, b"")?;
        let listed = String::from_utf8_lossy(&principals.out).into_owned();
        let mut names: Vec<&str> =
            listed.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
        names.sort_by_key(|name| !preferred.iter().any(|one| one == name));
        let mut complaint = principals;
        for principal in names {
            let mut args = by.clone();
            args.extend(wanted);
            args.extend([OsStr::new("-I"), OsStr::new(principal)]);
            let said = self.ask("verify", signature, &args, text)?;
            if said.ok {
                return Ok(Signature::Good { principal: principal.to_owned(), key });
            }
            complaint = said;
        }
        Ok(Signature::Untrusted(untrusted(&complaint, &key, namespace)))
    }
}

impl Auditor for AllowedSigners {
    fn judge(&self, found: &Found, at: Option<DateTime<Utc>>) -> io::Result<Signature> {
        let signature = self.run.join(CHECKPOINTS).join(format!("{}.sig", found.file));
        self.who(NAMESPACE, &signature, &found.text, at, &[])
    }

    fn judge_text(
        &self,
        namespace: &str,
        file: &str,
        text: &[u8],
        at: DateTime<Utc>,
    ) -> io::Result<Signature> {
        self.who(namespace, &self.run.join(file), text, Some(at), &[])
    }
}

/// Why a signature does not fit its text.
pub(super) fn unfit(said: &Said, namespace: &str) -> Signature {
    if said.complaint("namespace does not match").is_some() {
        let why = format!("it was made for something else than {namespace}");
        return Signature::Untrusted(why);
    }
    let why = if said.complaint("incorrect signature").is_some() {
        "the text was changed, or another was signed".to_owned()
    } else {
        let said = said.err.iter().find(|line| !line.is_empty());
        said.cloned().unwrap_or_else(|| "ssh-keygen does not say why".to_owned())
    };
    Signature::Wrong(why)
}

/// Why the auditor's file does not vouch for a key.
fn untrusted(said: &Said, key: &str, namespace: &str) -> String {
    if said.complaint("has expired").is_some() {
        return format!("signed with {key} after the allowed signers say that it was valid");
    }
    if said.complaint("not yet valid").is_some() {
        return format!("signed with {key} before the allowed signers say that it was valid");
    }
    if said.complaint("not permitted for use in signature namespace").is_some() {
        return format!(
            "signed with {key}, which the allowed signers do not allow for {namespace}"
        );
    }
    format!("signed with {key}, which is not among the allowed signers")
}

/// `PRINCIPALS [OPTIONS] KEYTYPE KEY [COMMENT]`: options hold no key type, but may hold spaces.
fn is_signer(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(2).skip(1).any(|pair| match pair {
        [kind, key] => is_key(kind, key),
        _ => false,
    })
}

/// Whether the key, as OpenSSH writes it down, is of that kind: it begins with its kind's length and name.
fn is_key(kind: &str, key: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(key) else { return false };
    let named = u32::try_from(kind.len()).map(u32::to_be_bytes);
    named.is_ok_and(|length| {
        bytes.strip_prefix(&length).is_some_and(|rest| rest.starts_with(kind.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIM3Mv/G8Xvub42faZyajjwKzUz5OAAAAAAAAAAAAAAAA";

    #[test]
    fn a_line_that_ssh_keygen_would_pass_over_is_refused_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("signers");
        let open = |text: &str| {
            std::fs::write(&file, text).unwrap();
            AllowedSigners::open(&file, dir.path()).map(|_| ()).map_err(|e| e.to_string())
        };
        let good = format!(
            "# auditors' own\n\nalice@x ssh-ed25519 {KEY}\n\
             bob@x,carol@x namespaces=\"a,b c\",valid-before=\"20300101\" ssh-ed25519 {KEY} a comment\n"
        );
        assert_eq!(open(&good), Ok(()));
        for (text, said) in [
            (format!("{good}alice@x\n"), ":5: not a line"),
            (format!("ssh-ed25519 {KEY}\n"), ":1: not a line"),
            (format!("alice@x ssh-rsa {KEY}\n"), ":1: not a line"),
            (format!("alice@x ssh-ed25519 {}\n", &KEY[1..]), ":1: not a line"),
            ("# nobody\n".to_owned(), "allows nobody"),
        ] {
            let error = open(&text).unwrap_err();
            assert!(error.contains(said) && error.contains("signers"), "{error}");
        }
        std::fs::write(&file, &good).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        let error = AllowedSigners::open(&file, dir.path()).unwrap_err().to_string();
        assert!(error.contains("others may write"), "{error}");
        let error = AllowedSigners::open(Path::new("/nonexistent/s"), dir.path()).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/s"), "{error}");
    }
}
