//! What binds a run from its first record on.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, Pins};
use crate::runbook::Value;
use crate::runbook::targets::Targets;

/// See [`Fact::RunStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// `20261121T031000Z-aurora-pitr-k3f9`.
    pub run: String,
    /// The runbook's id.
    pub runbook: String,
    /// SHA-256 of the runbook's bytes.
    pub runbook_sha256: String,
    /// SHA-256 of the settings' bytes, when there are settings.
    pub settings_sha256: Option<String>,
    /// SHA-256 of each other runbook whose steps are this one's, by its file below `included/`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub included: BTreeMap<String, String>,
    /// Live, drill or rehearsal.
    pub mode: Mode,
    /// A rehearsal: how many times as fast as planned its attempts are over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
    /// The environment's name.
    pub environment: Option<String>,
    /// A live run: what is typed before its first step that acts; `None` in a record of a version that did
    /// not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// A drill: all that it may act on, where the settings say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// What must be proven before anything changes.
    pub pins: Pins,
    /// The tool's version.
    pub tool: String,
    /// `alice@bastion-1`.
    pub operator: String,
    /// `self-declared`, or how it is bound to a key.
    pub identity: String,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// Whose record it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The declared start of the outage.
    pub outage_start: DateTime<Utc>,
    /// The inputs as resolved; secrets are names.
    pub inputs: BTreeMap<String, Value>,
    /// Where each secret input comes from, such as `env:PGPASSWORD`; never the secret.
    pub secrets: BTreeMap<String, String>,
    /// The environment variables that `requires.env` names.
    pub env: BTreeMap<String, String>,
    /// Whether it is unattended.
    pub auto: bool,
    /// Practice against the embedded sandbox.
    pub practice: bool,
    /// What the operator knew of the runbook; `None` in a record of a version that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// The previous run of this host, and its head at the time, so that a missing run shows.
    pub previous: Option<Previous>,
    /// How its checkpoints are to be signed; `None`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// Where its head is put at the start, as `s3://bucket/prefix`; `None`: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}

/// How a run's checkpoints are to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The fingerprint of the key that signed a trial before the run; `None`: none did.
    pub key: Option<String>,
    /// Nothing is done without a signature that this asks for.
    pub required: bool,
}

/// Whether an operator knew the bytes of a runbook, and of those it includes, before a run of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Seen {
    /// Every byte is built into the tool.
    BuiltIn,
    /// The operator had no run of it on this host.
    New,
    /// The operator's last run of it had the same bytes.
    Unchanged {
        /// That run.
        run: String,
    },
    /// The operator's last run of it had others, and the operator accepted these.
    Changed {
        /// That run.
        run: String,
        /// Its runbook's SHA-256.
        sha256: String,
        /// The files that differ, by their names in a run directory.
        files: Vec<String>,
        /// How.
        accepted: Accepted,
    },
}

/// How a changed runbook was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// The change was on screen, then `y`.
    Shown,
    /// Its hash was given on the command line.
    Hash,
}

impl fmt::Display for Seen {
    /// For people: after "the runbook is".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => write!(f, "built into steady"),
            Self::New => write!(f, "new to the operator: no earlier run of it here"),
            Self::Unchanged { run } => write!(f, "unchanged since the operator's run {run}"),
            Self::Changed { run, sha256, files, accepted } => {
                let how = match accepted {
                    Accepted::Shown => "the change was shown and accepted",
                    Accepted::Hash => "the change was accepted by its hash (--accept-runbook)",
                };
                write!(
                    f,
                    "changed in {} since the operator's run {run}, which had SHA-256 {sha256}; {how}",
                    files.join(", ")
                )
            }
        }
    }
}

/// The run before this one on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its id.
    pub run: String,
    /// The SHA-256 of its journal's last line at the time.
    pub head: String,
}
