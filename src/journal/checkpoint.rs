//! Checkpoints: three lines of text that name a record and its hash, kept below `checkpoints/` with a
//! signature beside them. What the signature is made with is no concern of the journal's.

use std::io;
use std::path::Path;

use super::chain::sha256_hex;
use super::disk;

/// The folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// What the first line begins with, so that no signed text of another kind can be taken for one.
const ORIGIN: &str = "steadyhand/";
const TEXT: &str = ".txt";
const SIGNATURE: &str = ".sig";

/// What is signed: this record of this run had this hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The run's id.
    pub run: String,
    /// The record.
    pub seq: u64,
    /// The SHA-256 of its line.
    pub head: String,
}

impl Checkpoint {
    /// The bytes that are signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{ORIGIN}{}\n{}\n{}\n", self.run, self.seq, self.head)
    }

    /// Reads what [`Self::text`] writes, and nothing else.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        let run = lines.next()?.strip_prefix(ORIGIN)?.to_owned();
        let seq = lines.next()?.parse().ok()?;
        let checkpoint = Self { run, seq, head: lines.next()?.to_owned() };
        (checkpoint.text() == text).then_some(checkpoint)
    }

    /// The name of its file.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}{TEXT}", self.seq)
    }
}

/// A checkpoint as it lies in the run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of its file.
    pub file: String,
    /// Its bytes.
    pub text: Vec<u8>,
    /// The bytes of the signature beside it.
    pub signature: Option<Vec<u8>>,
}

/// A checkpoint that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The name of its file.
    pub file: String,
    /// The SHA-256 of its signature.
    pub signature: String,
}

/// Keeps a checkpoint and its signature in the run directory `dir`: when this returns, both are on the
/// disk. What a console that was killed left of the same checkpoint is replaced.
///
/// # Errors
/// When they cannot be written.
pub fn keep(dir: &Path, checkpoint: &Checkpoint, signature: &[u8]) -> io::Result<Kept> {
    let folder = dir.join(CHECKPOINTS);
    let file = checkpoint.file();
    // The text comes last: a reader that finds it finds its signature.
    disk::place(&folder, &format!("{file}{SIGNATURE}"), signature)?;
    disk::place(&folder, &file, checkpoint.text().as_bytes())?;
    disk::sync_dir(&folder)?;
    Ok(Kept { file, signature: sha256_hex(signature) })
}

/// Every checkpoint of the run in `dir`, in the order of the records.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub(super) fn all(dir: &Path) -> io::Result<Vec<Found>> {
    let folder = dir.join(CHECKPOINTS);
    let entries = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let Ok(file) = entry?.file_name().into_string() else { continue };
        let Some(seq) = number(&file) else { continue };
        let text = disk::read(&folder.join(&file))?;
        let signature = match disk::read(&folder.join(format!("{file}{SIGNATURE}"))) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            other => Some(other?),
        };
        found.push((seq, Found { file, text, signature }));
    }
    found.sort_by_key(|(seq, _)| *seq);
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The number in the name of a checkpoint's file.
pub(super) fn number(file: &str) -> Option<u64> {
    let seq: u64 = file.strip_suffix(TEXT)?.parse().ok()?;
    (file == format!("{seq}{TEXT}")).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint { run: "20261121T031000Z-x-k3f9".into(), seq: 17, head: "a3".repeat(32) }
    }

    #[test]
    fn three_lines_and_only_those_are_read_back() {
        let text = checkpoint().text();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(Checkpoint::parse(text.as_bytes()), Some(checkpoint()));
        for other in [
            text.replace("steadyhand/", "steadyhands/"),
            text.replace("\n17\n", "\n017\n"),
            text.replace("\n17\n", "\n+17\n"),
            text.replace('\n', "\r\n"),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            String::new(),
        ] {
            assert_ne!(other, text);
            assert_eq!(Checkpoint::parse(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(Checkpoint::parse(b"steadyhand/\xff\n1\n2\n"), None);
    }

    #[test]
    fn what_is_kept_is_found_and_a_half_kept_one_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(all(dir.path()).unwrap(), []);
        let folder = dir.path().join(CHECKPOINTS);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(".17.txt.sig"), "half").unwrap();
        std::fs::write(folder.join("17.txt.sig"), "an earlier one").unwrap();
        std::fs::write(folder.join("017.txt"), "not a name").unwrap();
        let early = Checkpoint { seq: 4, ..checkpoint() };
        for one in [checkpoint(), early] {
            let kept = keep(dir.path(), &one, b"signature").unwrap();
            assert_eq!(kept.signature, sha256_hex(b"signature"));
        }
        let found = all(dir.path()).unwrap();
        let names: Vec<_> = found.iter().map(|found| found.file.as_str()).collect();
        assert_eq!(names, ["4.txt", "17.txt"]);
        assert_eq!(found[1].text, checkpoint().text().as_bytes());
        assert_eq!(found[1].signature.as_deref(), Some(&b"signature"[..]));
    }
}
