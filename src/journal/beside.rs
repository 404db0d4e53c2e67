//! What lies beside a journal, for whoever tells of it: the ends of what an attempt printed, and what became
//! of the run before.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::chain::sha256_hex;
use super::rundir::run_ids;
use super::{JOURNAL, disk};
use crate::engine::event::Previous;

/// The beginning and the end of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The first bytes, or all of them.
    pub head: Vec<u8>,
    /// How many bytes lie between the two.
    pub left_out: u64,
    /// The last bytes; empty when nothing is left out.
    pub tail: Vec<u8>,
}

/// The first `head` and the last `tail` bytes of `output/<file>` in the run directory.
///
/// # Errors
/// It is not there, no plain file, or outside the directory.
pub fn output_ends(dir: &Path, file: &str, head: u64, tail: u64) -> io::Result<Ends> {
    if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "outside the run directory"));
    }
    let mut opened = disk::open(&dir.join("output").join(file))?;
    let length = opened.metadata()?.len();
    let mut ends = Ends { head: Vec::new(), left_out: 0, tail: Vec::new() };
    if length <= head + tail {
        // What is being written may grow while it is read.
        opened.take(head + tail).read_to_end(&mut ends.head)?;
        return Ok(ends);
    }
    opened.by_ref().take(head).read_to_end(&mut ends.head)?;
    opened.seek(SeekFrom::Start(length - tail))?;
    opened.take(tail).read_to_end(&mut ends.tail)?;
    ends.left_out = length - head - tail;
    Ok(ends)
}

/// What became of the run before one, as far as the directory of runs tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It is there, and its journal holds the record that was its last.
    Present,
    /// It is not there.
    Missing,
    /// It is there, and its journal does not hold that record.
    HeadDiffers,
}

/// Looks for the run before the one in `dir`.
#[must_use]
pub fn trace(dir: &Path, previous: &Previous) -> Trace {
    let Some(runs) = dir.parent() else { return Trace::Missing };
    // A name of the record's is not a path: only what is listed is opened.
    if !run_ids(runs).unwrap_or_default().contains(&previous.run) {
        return Trace::Missing;
    }
    match was_head(&runs.join(&previous.run), &previous.head) {
        true => Trace::Present,
        false => Trace::HeadDiffers,
    }
}

/// Whether the journal in `dir` can be read and holds the record whose hash is `head`.
#[must_use]
pub fn was_head(dir: &Path, head: &str) -> bool {
    disk::read(&dir.join(JOURNAL)).is_ok_and(|lines| is_among(&lines, head))
}

/// Whether one of these lines was the head once.
pub(super) fn is_among(lines: &[u8], head: &str) -> bool {
    lines.split_inclusive(|b| *b == b'\n').any(|line| sha256_hex(line) == head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture;

    #[test]
    fn the_ends_of_an_output_are_bounded() {
        let runs = tempfile::tempdir().unwrap();
        let dir = fixture::write(runs.path());
        let all = output_ends(&dir, "stop_writers.1.log", 10, 8).unwrap();
        let whole = Ends { head: fixture::OUTPUT.to_vec(), left_out: 0, tail: Vec::new() };
        assert_eq!(all, whole);
        let ends = output_ends(&dir, "stop_writers.1.log", 4, 3).unwrap();
        let cut = Ends { head: b"depl".to_vec(), left_out: 11, tail: b"ed\n".to_vec() };
        assert_eq!(ends, cut);
        assert!(output_ends(&dir, "../journal.jsonl", 4, 3).is_err());
        assert!(output_ends(&dir, "none.1.log", 4, 3).is_err());
    }

    #[test]
    fn the_run_before_is_there_gone_or_another() {
        let runs = tempfile::tempdir().unwrap();
        let dir = fixture::write(runs.path());
        let lines = disk::read(&dir.join(JOURNAL)).unwrap();
        let last = lines.split_inclusive(|b| *b == b'\n').next_back().unwrap();
        let next = runs.path().join("next");
        let previous = |run: &str, head: String| Previous { run: run.into(), head };
        let seen = previous(fixture::RUN, sha256_hex(last));
        assert_eq!(trace(&next, &seen), Trace::Present);
        assert_eq!(trace(&next, &previous(fixture::RUN, "00".repeat(32))), Trace::HeadDiffers);
        assert_eq!(trace(&next, &previous("20260101T000000Z-a-0000", seen.head)), Trace::Missing);
    }
}
