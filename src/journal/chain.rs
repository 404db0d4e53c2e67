//! The chain of hashes: `prev` of a record is the SHA-256 of the exact bytes of the line before it,
//! newline included; the first one's is that of `runbook.yaml`.

use std::borrow::Cow;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::available_parallelism;

use memchr::{memchr, memchr_iter};
use sha2::{Digest, Sha256};

use super::record::{self, Fault};
use crate::engine::Recorded;

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    digits(bytes).iter().map(|digit| char::from(*digit)).collect()
}

fn digits(bytes: &[u8]) -> [u8; 64] {
    let mut digits = [0; 64];
    // It cannot fail: 64 digits are 32 bytes.
    let _ = hex::encode_to_slice(Sha256::digest(bytes), &mut digits);
    digits
}

/// The end of a chain: what the next record has to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// How many records there are.
    pub len: u64,
    /// The SHA-256 of the last line, or of the runbook while there is none.
    pub head: String,
}

/// Where and why reading stopped before the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// The record that would stand here, from 1.
    pub record: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Some lines, read.
#[derive(Debug)]
pub(super) struct Scan {
    /// The records up to the first fault.
    pub records: Vec<Recorded>,
    /// How many bytes those take.
    pub good: usize,
    /// `None`: every byte belongs to a record.
    pub stop: Option<Stop>,
}

impl Chain {
    pub(super) fn new(genesis: String) -> Self {
        Self { len: 0, head: genesis }
    }

    /// Reads lines that follow on this chain and moves its end on. A long journal is shared out to all
    /// processors.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let parts = match bytes.len() / SHARE {
            // Not asked for what was just appended: the answer is read from several files.
            0 | 1 => 1,
            shares => shares.min(available_parallelism().map_or(1, NonZero::get)),
        };
        self.scan_shared(bytes, parts)
    }

    fn scan_shared(&mut self, bytes: &[u8], parts: usize) -> Scan {
        let shares = read_lines(bytes, parts);
        let records = Vec::with_capacity(shares.iter().map(Vec::len).sum());
        let mut scan = Scan { records, good: 0, stop: None };
        for read in shares.into_iter().flatten() {
            match read.and_then(|read| self.step(read)) {
                Ok((recorded, length)) => {
                    scan.records.push(recorded);
                    scan.good += length;
                }
                Err(fault) => {
                    scan.stop = Some(Stop { record: self.len + 1, fault });
                    break;
                }
            }
        }
        scan
    }

    fn step(&mut self, read: Read<'_>) -> Result<(Recorded, usize), Fault> {
        if read.recorded.seq != self.len + 1 {
            return Err(Fault::WrongSeq(read.recorded.seq));
        }
        if *read.prev != *self.head {
            return Err(Fault::WrongPrev);
        }
        self.len += 1;
        self.head.clear();
        self.head.extend(read.head.iter().map(|digit| char::from(*digit)));
        Ok((read.recorded, read.length))
    }

    /// Moves the end on past a line that is known to be good.
    pub(super) fn follow(&mut self, line: &[u8]) {
        self.len += 1;
        self.head = sha256_hex(line);
    }
}

/// A line, read for itself: whether it follows on the one before it is not looked at yet.
struct Read<'a> {
    recorded: Recorded,
    prev: Cow<'a, str>,
    /// The SHA-256 of the line, in hexadecimal digits.
    head: [u8; 64],
    length: usize,
}

impl<'a> Read<'a> {
    fn of(line: &'a [u8]) -> Result<Self, Fault> {
        if !line.ends_with(b"\n") {
            return Err(Fault::NoEnd);
        }
        let (recorded, prev) = record::decode(line)?;
        Ok(Self { recorded, prev, head: digits(line), length: line.len() })
    }
}

/// Lines that one thread reads: it takes longer to start another for fewer bytes.
const SHARE: usize = 256 * 1024;

/// The lines in shares, read side by side: what a line says, and its hash, do not depend on another. A
/// share ends with the first line that is no record.
fn read_lines(bytes: &[u8], parts: usize) -> Vec<Vec<Result<Read<'_>, Fault>>> {
    let shares = shares(bytes, parts);
    let Some((first, others)) = shares.split_first() else { return Vec::new() };
    std::thread::scope(|scope| {
        let others: Vec<_> = others.iter().map(|share| scope.spawn(|| read_share(share))).collect();
        let mut read = vec![read_share(first)];
        for other in others {
            read.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        read
    })
}

fn read_share(bytes: &[u8]) -> Vec<Result<Read<'_>, Fault>> {
    let mut lines = Vec::with_capacity(memchr_iter(b'\n', bytes).count() + 1);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        lines.push(Read::of(line));
        if lines.last().is_some_and(Result::is_err) {
            break;
        }
    }
    lines
}

/// The bytes in at most so many parts of about the same length, each but the last of whole lines.
fn shares(mut bytes: &[u8], parts: usize) -> Vec<&[u8]> {
    let length = bytes.len() / parts;
    let mut shares = Vec::new();
    for _ in 1..parts {
        let end = memchr(b'\n', bytes.get(length..).unwrap_or_default());
        let Some((share, rest)) = end.and_then(|end| bytes.split_at_checked(length + end + 1))
        else {
            break;
        };
        shares.push(share);
        bytes = rest;
    }
    shares.push(bytes);
    shares
}

/// Whether the bytes can be the last write, cut short or damaged by a crash: nothing in them is a
/// record, whatever it is chained to. A whole record out of place is no accident of that kind.
pub(super) fn is_torn(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|b| *b == b'\n').all(|line| {
        !line.ends_with(b"\n") || matches!(record::decode(line), Err(Fault::NotJson(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{JOURNAL, RUNBOOK, disk, fixture};
    use super::*;

    /// Every bit of a journal flipped: reading stops at the line it is in, or at the one after it; only in the
    /// last line a flip may leave a record, and then the head is another.
    #[test]
    fn a_flip_of_any_bit_stops_the_reader_at_its_line_or_the_next() {
        let runs = tempfile::tempdir().unwrap();
        let dir = fixture::write(runs.path());
        let mut bytes = disk::read(&dir.join(JOURNAL)).unwrap();
        let mut chain = Chain::new(sha256_hex(&disk::read(&dir.join(RUNBOOK)).unwrap()));
        // Where each line begins, and the chain before it.
        let mut lines = vec![(0, chain.clone())];
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            chain.follow(line);
            lines.push((lines[lines.len() - 1].0 + line.len(), chain.clone()));
        }
        let (mut stopped, mut unseen) = (0, 0);
        for (n, (begin, before)) in lines.iter().enumerate().take(lines.len() - 1) {
            let end = lines[(n + 2).min(lines.len() - 1)].0;
            for bit in begin * 8..lines[n + 1].0 * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                let mut after = before.clone();
                let scan = after.scan(&bytes[*begin..end]);
                let line = before.len + 1;
                match scan.stop {
                    Some(stop) => {
                        stopped += 1;
                        assert!((line..=line + 1).contains(&stop.record), "bit {bit}: {stop:?}");
                    }
                    None => {
                        unseen += 1;
                        assert!(line == chain.len && after.head != chain.head, "bit {bit}");
                    }
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        println!("{stopped} flips stop the reader, {unseen} change the head alone");
        assert!(stopped > unseen * 10, "{stopped} {unseen}");
    }

    #[test]
    fn however_many_read_a_journal_they_see_the_same() {
        let runs = tempfile::tempdir().unwrap();
        let dir = fixture::write(runs.path());
        let whole = disk::read(&dir.join(JOURNAL)).unwrap();
        let start = Chain::new(sha256_hex(&disk::read(&dir.join(RUNBOOK)).unwrap()));
        for at in (0..whole.len()).step_by(61) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let mut alone = start.clone();
            let read = alone.scan_shared(&bytes, 1);
            for parts in 2..6 {
                let mut shared = start.clone();
                let same = shared.scan_shared(&bytes, parts);
                assert_eq!(
                    (&same.records, same.good, &same.stop),
                    (&read.records, read.good, &read.stop)
                );
                assert_eq!(shared, alone, "byte {at}, {parts} shares");
            }
        }
    }

    #[test]
    fn a_record_that_counts_wrong_is_refused_although_its_hashes_are_right() {
        let mut records = fixture::records();
        records[1].seq = 3;
        let first = record::encode(&records[0], "00").unwrap();
        let second = record::encode(&records[1], &sha256_hex(&first)).unwrap();
        let scan = Chain::new("00".into()).scan(&[first, second].concat());
        assert_eq!(scan.stop, Some(Stop { record: 2, fault: Fault::WrongSeq(3) }));
    }

    #[test]
    fn shares_are_whole_lines_and_nothing_is_left_out() {
        for text in
            ["", "\n", "a", "a\nbb\nccc\n", "a\n\n\nbbbbbbbbbbbbbbb\nc", "aaaaaaaaaaaaaaaaaa"]
        {
            for parts in 1..8 {
                let shares = shares(text.as_bytes(), parts);
                assert_eq!(shares.concat(), text.as_bytes(), "{parts}");
                assert!(shares.len() <= parts);
                let (last, first) = shares.split_last().unwrap();
                assert!(first.iter().all(|share| share.ends_with(b"\n")), "{text:?} {parts}");
                assert!(!last.is_empty() || shares.len() > 1 || text.is_empty());
            }
        }
    }
}
