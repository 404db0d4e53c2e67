//! A signature that somebody brings, made elsewhere: over which text is it, and whose?

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::auditor::{AllowedSigners, unfit};
use super::keygen;
use crate::journal::Signature;

/// The longest signature that is looked at, in bytes; an RSA key of 16,384 bits needs 4 KiB.
const LONGEST: usize = 16 * 1024;
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// What a signature turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Over this one of the texts, by somebody who is allowed.
    Good {
        /// The place of the text.
        text: usize,
        /// The name that the key stands for.
        principal: String,
        /// The key's fingerprint.
        key: String,
    },
    /// Worth nothing.
    Bad {
        /// Who brought it, as far as is known.
        who: String,
        /// Why.
        why: String,
    },
}

/// A file that lies there for `ssh-keygen` alone.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // Another one gets another name: what is left harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

impl Draft {
    /// `folder` is the caller's alone.
    fn write(folder: &Path, armoured: &str) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".brought-{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Self(path);
        file.write_all(armoured.as_bytes())?;
        Ok(draft)
    }
}

/// The signature in what was pasted: from its first line to its last, each line trimmed.
///
/// # Errors
/// One line: what is missing.
pub fn trimmed(pasted: &str) -> Result<String, String> {
    if pasted.len() > LONGEST {
        return Err(format!("that is longer than {} KiB: no signature", LONGEST / 1024));
    }
    let lines = pasted.lines().map(str::trim).skip_while(|line| *line != BEGIN);
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
        if line == END {
            return Ok(text);
        }
    }
    Err(format!("that is no whole signature: it begins with {BEGIN} and ends with {END}"))
}

/// Judges a signature by the allowed signers. `folder` is a directory to work in; `preferred` are the names
/// that it should be one of.
#[must_use]
pub fn judge(
    folder: &Path,
    allowed: Result<&AllowedSigners, String>,
    namespace: &str,
    pasted: &str,
    texts: &[String],
    preferred: &[String],
) -> Judged {
    let bad = |why: String| Judged::Bad { who: "a signature".into(), why };
    let allowed = match allowed {
        Ok(allowed) => allowed,
        Err(why) => return bad(why),
    };
    let judged = trimmed(pasted).and_then(|armoured| {
        let draft = Draft::write(folder, &armoured).map_err(|e| e.to_string())?;
        let (text, key) = over(&draft, namespace, texts)?;
        let signed = texts.get(text).map_or("", String::as_str);
        let who = allowed.who(namespace, &draft.0, signed.as_bytes(), None, preferred);
        match who.map_err(|e| e.to_string())? {
            Signature::Good { principal, key } => Ok(Judged::Good { text, principal, key }),
            Signature::Wrong(why) | Signature::Untrusted(why) => {
                Ok(Judged::Bad { who: format!("key {key}"), why })
            }
            Signature::NotChecked => Err("nobody has looked at it".to_owned()),
        }
    });
    judged.unwrap_or_else(bad)
}

/// Which of the texts a signature is over, whoever made it, and its key's fingerprint.
///
/// # Errors
/// One line: why over none.
pub fn fits(
    folder: &Path,
    namespace: &str,
    pasted: &str,
    texts: &[String],
) -> Result<(usize, String), String> {
    let draft = Draft::write(folder, &trimmed(pasted)?).map_err(|e| e.to_string())?;
    over(&draft, namespace, texts)
}

fn over(draft: &Draft, namespace: &str, texts: &[String]) -> Result<(usize, String), String> {
    let signature = draft.0.to_string_lossy();
    let args = ["-Y", "check-novalidate", "-n", namespace, "-s", &signature];
    let mut complaint = String::from("there is nothing that could be signed");
    for (place, text) in texts.iter().enumerate() {
        let said = keygen::run(&args, text.as_bytes()).map_err(|e| e.to_string())?;
        if let Some(key) = said.fingerprint().filter(|_| said.ok) {
            return Ok((place, key));
        }
        complaint = match unfit(&said, namespace) {
            Signature::Wrong(_) if said.complaint("incorrect signature").is_some() => {
                "it signs another text: none that this run has asked for".to_owned()
            }
            Signature::Wrong(why) | Signature::Untrusted(why) => why,
            Signature::Good { .. } | Signature::NotChecked => continue,
        };
    }
    Err(complaint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_found_in_what_is_pasted_around_it() {
        let good = format!("{BEGIN}\nAAAA\n{END}\n");
        let pasted = format!("$ cat x.sig\r\n  {BEGIN}\r\nAAAA \r\n{END}\r\n$ ");
        assert_eq!(trimmed(&pasted).unwrap(), good);
        for bad in
            [String::new(), "yes".into(), good.replace("END", "AND"), "x".repeat(LONGEST + 1)]
        {
            assert!(trimmed(&bad).is_err(), "{bad:.40}");
        }
    }
}
