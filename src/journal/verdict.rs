//! What `verify` found, and how it is said.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chain::Chain;
use super::vouch::{Covered, Signature, Told};

/// What was found, the gravest thing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Something is not what the record says it was.
    Modified,
    /// Records are missing at the end.
    Truncated,
    /// Another run has seen a history of this one that is not this.
    Forked,
    /// A signature is missing that the run, or the auditor, asks for.
    NotSigned,
    /// The run has not finished, or something that the record names is not there.
    Incomplete,
    /// Everything fits together. Not all of it is signed by a key that was checked.
    Consistent,
    /// Everything fits together, and keys of the auditor's vouch for it to the last record.
    Intact,
}

/// The result of [`verify`](super::verify()).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The run's id; the directory's name when no record says it.
    pub run: String,
    /// The gravest finding.
    pub result: Finding,
    /// How many records fit together, from the first.
    pub records: u64,
    /// The SHA-256 of the last of them.
    pub head: String,
    /// The checkpoints, in the order of the records, and what is known of their signatures.
    pub signatures: Vec<Told>,
    /// The record up to which signatures vouch that are good, or were not checked; 0 when none does.
    pub signed_up_to: u64,
    /// Keys of an auditor's were at hand.
    pub audited: bool,
    /// Everything found, a sentence each.
    pub problems: Vec<String>,
    /// The record up to which records say that the journal lies where nobody can change it; 0: none says so.
    pub anchored_up_to: u64,
    /// What is no problem but worth knowing.
    pub notes: Vec<String>,
}

impl Finding {
    /// The exit status of `steady verify`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Intact | Self::Consistent => 0,
            Self::Modified => 6,
            Self::Truncated => 7,
            Self::Incomplete => 8,
            Self::Forked => 9,
            Self::NotSigned => 10,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Consistent => "consistent",
            Self::Modified => "modified",
            Self::Truncated => "truncated",
            Self::Incomplete => "incomplete",
            Self::Forked => "forked",
            Self::NotSigned => "not signed as required",
        }
    }
}

impl Verdict {
    /// Adds something that was found besides.
    pub fn add(&mut self, finding: Finding, sentence: String) {
        // The gravest is the one that is said first.
        if finding < self.result {
            self.result = finding;
            self.problems.insert(0, sentence);
        } else {
            self.problems.push(sentence);
        }
    }

    /// What may be said of the run, in a few words. "Intact" is never said of what is not signed by a key
    /// that was checked.
    #[must_use]
    pub fn standing(&self) -> String {
        match self.result {
            Finding::Consistent if self.signed_up_to == 0 => "consistent, unsigned".into(),
            Finding::Consistent if self.audited => {
                format!("consistent, signed up to record {}", self.signed_up_to)
            }
            Finding::Consistent => {
                let count = self.signatures.len();
                format!("consistent; {count} signature{} not checked", plural(count))
            }
            other => other.name().into(),
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let standing = self.standing();
        let head = self.head.get(..8).unwrap_or(&self.head);
        let records = self.records;
        match self.result {
            Finding::Intact => {
                let count = self.signatures.len();
                format!(
                    "{standing}: {records} records, head {head}, signed to the last by {}; {count} \
                     checkpoint{}; whether others followed is vouched for only by a copy of the head \
                     kept elsewhere",
                    self.signers(),
                    plural(count)
                )
            }
            Finding::Consistent if self.audited => format!(
                "{standing} by {}: {records} records, head {head}; those after it, and whether others \
                 followed, are vouched for only by a copy of the head kept elsewhere",
                self.signers()
            ),
            Finding::Consistent => {
                let remedy =
                    if self.signed_up_to == 0 { "" } else { " (--allowed-signers FILE does)" };
                format!(
                    "{standing}{remedy}: {records} records, head {head}; the last record, and whether \
                     others followed it, are vouched for only by a copy of the head kept elsewhere"
                )
            }
            Finding::Modified
            | Finding::Truncated
            | Finding::Forked
            | Finding::NotSigned
            | Finding::Incomplete => {
                format!("{standing}: {}", self.problems.first().map_or("", String::as_str))
            }
        }
    }

    /// Everybody whose signature is good.
    fn signers(&self) -> String {
        let mut names: Vec<&str> =
            self.signatures.iter().filter_map(|told| told.principal.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// What was found, by gravity; a list of sentences for each.
#[derive(Default)]
pub(super) struct Findings {
    problems: BTreeMap<Finding, Vec<String>>,
    notes: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding, sentence: String) {
        self.problems.entry(finding).or_default().push(sentence);
    }

    pub(super) fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    pub(super) fn verdict(
        self,
        run: String,
        chain: Chain,
        covered: Covered,
        audited: bool,
        anchored_up_to: u64,
    ) -> Verdict {
        let best = match &covered.up_to {
            Some((seq, Signature::Good { .. })) if *seq == chain.len => Finding::Intact,
            _ => Finding::Consistent,
        };
        Verdict {
            run,
            result: self.problems.keys().next().copied().unwrap_or(best),
            records: chain.len,
            head: chain.head,
            audited,
            signed_up_to: covered.up_to.map_or(0, |(seq, _)| seq),
            signatures: covered.told,
            anchored_up_to,
            problems: self.problems.into_values().flatten().collect(),
            notes: self.notes,
        }
    }
}
