//! What was kept, and why it may be believed.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::event::{Kept, Severity};

/// Something a person wrote down.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Note {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// At which step.
    pub step: Option<String>,
    /// The text.
    pub text: String,
}

/// Something that was found to be wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Issue {
    /// The record it is read from.
    pub record: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub by: String,
    /// At which step.
    pub step: Option<String>,
    /// How grave.
    pub severity: Severity,
    /// Who sees to it.
    pub owner: String,
    /// Until when.
    pub due: NaiveDate,
    /// What is wrong.
    pub text: String,
}

/// A file that was kept.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Evidence {
    /// When.
    pub at: DateTime<Utc>,
    /// At which step.
    pub step: Option<String>,
    /// Below `evidence/`.
    pub file: String,
    /// Of its bytes.
    pub sha256: String,
    /// What it shows.
    pub caption: String,
}

/// A backup that the run took, copied or restored.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Backup {
    /// The day it was taken, as far as the run knows; else the day it was used.
    pub date: NaiveDate,
    /// The snapshot's name, the file, or the source and the moment that it was restored to.
    pub id: String,
    /// `manual`, `automated`, `copy`, `dump` or `point in time`.
    pub kind: String,
    /// What AWS says of it, or `restored` or `failed`.
    pub status: String,
    /// Its size in GB, where the run knows it.
    pub size_gb: Option<f64>,
    /// It was restored, and the steps that verify data succeeded.
    pub verified: bool,
    /// The step, and what it did.
    pub notes: String,
}

/// Why the record may be believed, and how far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Integrity {
    /// How many records the report is made of.
    pub records: u64,
    /// The SHA-256 of the last of them: keep it where nobody can change it.
    pub head: String,
    /// What `steady verify` found when the report was made.
    pub verified: String,
    /// What it said.
    pub problems: Vec<String>,
    /// How many checkpoints are signed with which key. `not signed`: the chain alone stops nobody who
    /// holds the files.
    pub signatures: String,
    /// The checkpoints that were signed, in order.
    pub checkpoints: Vec<Checkpoint>,
    /// Where the journal, or its head, was put out of the operator's reach, in order.
    pub anchors: Vec<Anchor>,
    /// The record up to which it was; 0: none of it.
    pub anchored_up_to: u64,
    /// The tool's version that ran it.
    pub tool: String,
    /// What makes the record weaker than it could be.
    pub notices: Vec<String>,
    /// The run before this one on the host, and its head.
    pub previous: Option<String>,
    /// The same, and whether it is still there. `None`: this run was the host's first.
    pub previous_run: Option<PreviousRun>,
    /// What the last reviewer said, or that none did.
    pub sign_off: String,
}

/// The run before this one on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PreviousRun {
    /// Its id.
    pub run: String,
    /// The SHA-256 of its last record when this run began.
    pub head: String,
    /// What became of it.
    pub found: Before,
}

/// What became of the run before this one, as far as the directory of runs tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// It is there, and its journal holds the record that this run saw as its last.
    Present,
    /// It is not there: it was removed, or kept elsewhere.
    Missing,
    /// It is there, and its journal does not hold that record: it was written anew or cut.
    HeadDiffers,
}

/// The journal, or its head, was put where the operator cannot change it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Anchor {
    /// When.
    pub at: DateTime<Utc>,
    /// The record up to which it is held there.
    pub record: u64,
    /// The SHA-256 of that record.
    pub head: String,
    /// The head alone, or the whole record of the run.
    pub what: Kept,
    /// The bucket.
    pub bucket: String,
    /// Until when nobody can delete or change it.
    pub retain_until: DateTime<Utc>,
    /// What was put there.
    pub objects: Vec<StoredObject>,
}

/// An object in a bucket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// The version that was written.
    pub version: String,
    /// Of its bytes.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// A checkpoint of the journal that was signed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Checkpoint {
    /// The record up to which it vouches.
    pub record: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// From the run directory on; its signature lies beside it.
    pub file: String,
    /// The key's fingerprint.
    pub key: String,
}
