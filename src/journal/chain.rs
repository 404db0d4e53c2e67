//! The chain of hashes: `prev` of a record is the SHA-256 of the exact bytes of the line before it,
//! newline included; the first one's is that of `runbook.yaml`.

use sha2::{Digest, Sha256};

use super::record::{self, Fault};
use crate::engine::Recorded;

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
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

    /// Reads lines that follow on this chain and moves its end on.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut scan = Scan { records: Vec::new(), good: 0, stop: None };
        while scan.good < bytes.len() {
            let rest = bytes.get(scan.good..).unwrap_or_default();
            match self.step(rest) {
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

    fn step(&mut self, rest: &[u8]) -> Result<(Recorded, usize), Fault> {
        let length = rest.iter().position(|b| *b == b'\n').ok_or(Fault::NoEnd)? + 1;
        let line = rest.get(..length).unwrap_or_default();
        let (recorded, prev) = record::decode(line)?;
        if recorded.seq != self.len + 1 {
            return Err(Fault::WrongSeq(recorded.seq));
        }
        if prev != self.head {
            return Err(Fault::WrongPrev);
        }
        self.follow(line);
        Ok((recorded, length))
    }

    /// Moves the end on past a line that is known to be good.
    pub(super) fn follow(&mut self, line: &[u8]) {
        self.len += 1;
        self.head = sha256_hex(line);
    }
}

/// Whether the bytes can be the last write, cut short or damaged by a crash: nothing in them is a
/// record, whatever it is chained to. A whole record out of place is no accident of that kind.
pub(super) fn is_torn(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|b| *b == b'\n').all(|line| {
        !line.ends_with(b"\n") || matches!(record::decode(line), Err(Fault::NotJson(_)))
    })
}
