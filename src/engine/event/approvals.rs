//! Facts about people besides the operator: who approves, and who signs a run off.

use serde::{Deserialize, Serialize};

use super::{Part, Pins};

/// See [`Fact::ApprovalRequested`](super::Fact::ApprovalRequested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequested {
    /// Which of the step's actions.
    pub part: Part,
    /// The number of the attempt that is to be approved.
    pub attempt: u32,
    /// SHA-256 of its request, secrets masked: what is approved.
    pub request: String,
    /// The proven identity of its target.
    pub target: Pins,
    /// Who may approve.
    pub by: Vec<String>,
    /// How many of them must.
    pub count: u32,
    /// The user id of the console that asks: that user's approval is nobody else's.
    pub uid: u32,
    /// SHA-256 of the line before this record's.
    pub head: String,
}

/// See [`Fact::ApprovalGranted`](super::Fact::ApprovalGranted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalGranted {
    /// The record that asked for it.
    pub asked: u64,
    /// SHA-256 of the request that is approved.
    pub request: String,
    /// Who: a user's name, or the principal that a key stands for.
    pub approver: String,
    /// How that is known.
    #[serde(flatten)]
    pub known_by: KnownBy,
    /// The glass was broken before: this approves in retrospect.
    pub afterwards: bool,
}

/// See [`Fact::SignedOff`](super::Fact::SignedOff).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOff {
    /// Who.
    pub reviewer: String,
    /// How that is known.
    #[serde(flatten)]
    pub known_by: KnownBy,
    /// What the reviewer says of the run.
    pub decision: Decision,
    /// Why; may be empty when accepted.
    pub note: String,
    /// The record up to which the reviewer has seen the journal.
    pub seq: u64,
    /// SHA-256 of that record's line.
    pub head: String,
}

/// How it is known who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "known_by")]
pub enum KnownBy {
    /// They said so.
    SelfDeclared {},
    /// The kernel told the user at the other end of a socket, or of this process.
    LocalUser {
        /// The user id.
        uid: u32,
    },
    /// Their key signed it.
    Signature {
        /// The key's fingerprint, as `ssh-keygen -l` prints it.
        key: String,
        /// Below the run directory; the text lies beside it.
        file: String,
        /// SHA-256 of the signature's bytes.
        sha256: String,
    },
}

/// A reviewer's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The run and its record will do.
    Accepted,
    /// They will not; the note says why.
    Rejected,
}

impl Decision {
    /// As the record writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl KnownBy {
    /// The fingerprint of the key, when there is one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Signature { key, .. } => Some(key),
            Self::SelfDeclared {} | Self::LocalUser { .. } => None,
        }
    }
}

impl std::fmt::Display for KnownBy {
    /// For people: after a name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SelfDeclared {} => write!(f, "self-declared"),
            Self::LocalUser { uid } => write!(f, "local user, uid {uid}"),
            Self::Signature { key, .. } => write!(f, "key {key}"),
        }
    }
}
