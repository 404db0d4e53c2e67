//! What of a run lies where its operator cannot change it, and who outside was told of the run.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// See [`Fact::Anchored`](super::Fact::Anchored).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchored {
    /// The record up to which the journal is held there: always an earlier one than this.
    pub anchor: u64,
    /// SHA-256 of that record's line.
    pub head: String,
    /// The head alone, or the whole record of the run.
    pub what: Kept,
    /// The bucket.
    pub bucket: String,
    /// Until when nobody, the bucket's owner included, can delete or change it.
    pub retain_until: DateTime<Utc>,
    /// What was put there. The last one is the list of the others.
    pub objects: Vec<Archived>,
}

/// How much of a run an anchor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// A checkpoint of the journal: its run, its length and its head.
    Head,
    /// Journal, reports, checkpoints and what is pinned.
    Archive,
}

/// One object of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// Its key in the bucket.
    pub key: String,
    /// The version that was written: a later one under the same key is not it.
    pub version: String,
    /// Of its bytes.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// What others are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The run began.
    Start,
    /// A milestone was reached.
    Milestone,
    /// An objective can no longer be met.
    Breach,
    /// Somebody else must approve.
    ApprovalNeeded,
    /// The run is over.
    End,
}

impl Occasion {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Start, Self::Milestone, Self::Breach, Self::ApprovalNeeded, Self::End];

    /// As the settings and the record write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Milestone => "milestone",
            Self::Breach => "breach",
            Self::ApprovalNeeded => "approval_needed",
            Self::End => "end",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
