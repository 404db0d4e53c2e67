//! What the signed checkpoints say of a journal. Who signed them is known before: here is only compared.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::chain::sha256_hex;
use super::checkpoint::{CHECKPOINTS, Checkpoint, Found, number};
use super::verdict::{Finding, Findings};
use crate::engine::{Fact, Recorded};

/// What is known of the signature of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Nobody has given keys to check it with.
    NotChecked,
    /// Made by a key that the auditor's file gives to this principal.
    Good {
        /// As the auditor's file names them.
        principal: String,
        /// The key's fingerprint.
        key: String,
    },
    /// It is no signature of this text; why.
    Wrong(String),
    /// It is one, but by no key that the auditor trusts with it; why.
    Untrusted(String),
}

/// Holds the keys of an auditor.
pub trait Auditor {
    /// Judges the signature of a checkpoint; `at` is when the record was written that it vouches for, as
    /// far as known.
    ///
    /// # Errors
    /// When it cannot be judged at all.
    fn judge(&self, found: &Found, at: Option<DateTime<Utc>>) -> std::io::Result<Signature>;

    /// Judges the signature in a file of the run over a text of another namespace.
    ///
    /// # Errors
    /// When it cannot be judged at all.
    fn judge_text(
        &self,
        namespace: &str,
        file: &str,
        text: &[u8],
        at: DateTime<Utc>,
    ) -> std::io::Result<Signature>;
}

/// A checkpoint and what is known of its signature.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    pub found: Found,
    pub signature: Signature,
}

/// A checkpoint as the verdict tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Below `checkpoints/`.
    pub file: String,
    /// The record up to which it vouches.
    pub checkpoint: u64,
    /// `good`, `not checked`, `not good`, or `unsigned` when no signature lies beside it.
    pub standing: &'static str,
    /// Who signed it, as the auditor's file names them.
    pub principal: Option<String>,
    /// The key's fingerprint, as far as it was looked at.
    pub key: Option<String>,
}

/// The lines of a journal, as far as they fit together.
pub(super) struct Lines<'a> {
    lines: Vec<&'a [u8]>,
    /// Nothing is wrong with the chain, and nothing stands after it.
    pub whole: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(good: &'a [u8], whole: bool) -> Self {
        Self { lines: good.split_inclusive(|b| *b == b'\n').collect(), whole }
    }

    fn count(&self) -> u64 {
        self.lines.len() as u64
    }

    pub(super) fn head(&self, seq: u64) -> Option<String> {
        let place = usize::try_from(seq).ok()?.checked_sub(1)?;
        self.lines.get(place).map(|line| sha256_hex(line))
    }
}

/// What came of the comparison.
#[derive(Default)]
pub(super) struct Covered {
    pub told: Vec<Told>,
    /// Up to which record signatures vouch, and who signed that one.
    pub up_to: Option<(u64, Signature)>,
}

impl Covered {
    /// How many signatures vouch for something, or would if they were checked.
    pub(super) fn count(&self) -> usize {
        self.told.iter().filter(|told| ![BAD, UNSIGNED].contains(&told.standing)).count()
    }
}

const BAD: &str = "not good";
const UNSIGNED: &str = "unsigned";

/// Compares the checkpoints with the journal of `run`, as far as that says which run it is.
pub(super) fn compare(
    found: &mut Findings,
    run: Option<&str>,
    lines: &Lines<'_>,
    vouched: &[Vouched],
) -> Covered {
    let mut covered = Covered::default();
    // The last record up to which a checkpoint and the journal agree.
    let mut agreed = 0;
    for one in vouched {
        let place = format!("{CHECKPOINTS}/{}", one.found.file);
        let seq = number(&one.found.file).unwrap_or(0);
        let good = judge(found, run, lines, one, &place, agreed);
        if good {
            agreed = seq;
            covered.up_to = Some((seq, one.signature.clone()));
        }
        let (principal, key) = match &one.signature {
            Signature::Good { principal, key } => (Some(principal.clone()), Some(key.clone())),
            Signature::NotChecked | Signature::Wrong(_) | Signature::Untrusted(_) => (None, None),
        };
        let standing = match (&one.signature, good) {
            _ if one.found.signature.is_none() => UNSIGNED,
            (Signature::Good { .. }, true) => "good",
            (Signature::NotChecked, true) => "not checked",
            (Signature::Wrong(_) | Signature::Untrusted(_), _) | (_, false) => BAD,
        };
        covered.told.push(Told {
            file: one.found.file.clone(),
            checkpoint: seq,
            standing,
            principal,
            key,
        });
    }
    covered
}

/// Whether the checkpoint vouches for what stands in the journal.
fn judge(
    found: &mut Findings,
    run: Option<&str>,
    lines: &Lines<'_>,
    one: &Vouched,
    place: &str,
    agreed: u64,
) -> bool {
    let Some(signed) = Checkpoint::parse(&one.found.text) else {
        found.add(Finding::Modified, format!("{place} is not the text of a checkpoint"));
        return false;
    };
    if one.found.signature.is_none() {
        found.note(format!("{place} has no signature beside it: it vouches for nothing"));
        return false;
    }
    match &one.signature {
        Signature::Good { .. } | Signature::NotChecked => {}
        Signature::Wrong(why) => {
            found.add(Finding::Modified, format!("{place}.sig is no signature of {place}: {why}"));
            return false;
        }
        Signature::Untrusted(why) => {
            found.add(Finding::NotSigned, format!("{place}: {why}"));
            return false;
        }
    }
    if run.is_some_and(|run| run != signed.run) {
        let other = &signed.run;
        let sentence = format!("{place} was made for another run, {other}: it vouches for nothing");
        found.add(Finding::Modified, sentence);
        return false;
    }
    if signed.file() != one.found.file {
        let seq = signed.seq;
        found.add(Finding::Modified, format!("{place} is the checkpoint of record {seq}"));
        return false;
    }
    match lines.head(signed.seq) {
        Some(head) if head == signed.head => true,
        // What broke the chain has been told.
        _ if !lines.whole => false,
        None => {
            let sentence = format!(
                "{place} vouches for record {}, but the journal ends with record {}",
                signed.seq,
                lines.count()
            );
            found.add(Finding::Truncated, sentence);
            false
        }
        Some(_) if signed.seq == lines.count() => {
            let since = agreed + 1;
            let sentence = if since == signed.seq {
                format!("record {since} is not the one that {place} vouches for")
            } else {
                format!("of records {since} to {} one is not as {place} vouches", signed.seq)
            };
            found.add(Finding::Modified, sentence);
            false
        }
        Some(_) => {
            let sentence = format!(
                "{place} vouches for another history: its record {} has the head {}, and the journal, \
                 whole in itself, has another",
                signed.seq,
                signed.head.get(..8).unwrap_or(&signed.head)
            );
            found.add(Finding::Forked, sentence);
            false
        }
    }
}

/// Holds the checkpoints that records name to the files.
pub(super) fn check_recorded(found: &mut Findings, records: &[Recorded], vouched: &[Vouched]) {
    for recorded in records {
        let Fact::CheckpointSigned { checkpoint, head, file, signature, .. } = &recorded.event.fact
        else {
            continue;
        };
        let seq = recorded.seq;
        let place = format!("{CHECKPOINTS}/{file}");
        let there = vouched.iter().map(|one| &one.found).find(|one| one.file == *file);
        let (Some(there), Some(bytes)) = (there, there.and_then(|one| one.signature.as_ref()))
        else {
            let sentence = format!("{place} or its signature, named by record {seq}, is not there");
            found.add(Finding::Incomplete, sentence);
            continue;
        };
        let named = Checkpoint::parse(&there.text)
            .is_some_and(|signed| signed.seq == *checkpoint && signed.head == *head);
        if !named || sha256_hex(bytes) != *signature {
            let sentence =
                format!("{place} or its signature is not the one that record {seq} names");
            found.add(Finding::Modified, sentence);
        }
    }
}

/// What should be signed and is not: because the run was to be, or because the auditor brought keys.
pub(super) fn check_required(
    found: &mut Findings,
    records: &[Recorded],
    covered: &Covered,
    audited: bool,
) {
    let required = records.first().is_some_and(|first| match &first.event.fact {
        Fact::RunStarted(run) => run.signing.as_ref().is_some_and(|signing| signing.required),
        _ => false,
    });
    if !required && !audited {
        return;
    }
    let up_to = covered.up_to.as_ref().map_or(0, |(seq, _)| *seq);
    let whose = if audited { " by a key of the auditor's" } else { "" };
    let end = records.iter().find(|r| matches!(r.event.fact, Fact::RunFinished { .. }));
    if covered.count() == 0 {
        found.add(Finding::NotSigned, format!("nothing of it is signed{whose}"));
    } else if let Some(end) = end.filter(|end| end.seq > up_to) {
        let sentence = format!(
            "the end of the run, record {}, is not signed{whose}: signatures vouch up to record {up_to}",
            end.seq
        );
        found.add(Finding::NotSigned, sentence);
    }
    for recorded in records.iter().filter(|_| required) {
        if let Fact::CheckpointFailed { checkpoint, reason } = &recorded.event.fact {
            let sentence =
                format!("record {checkpoint} should have been signed and was not: {reason}");
            found.add(Finding::NotSigned, sentence);
        }
    }
}
