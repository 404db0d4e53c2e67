//! What a debrief adds to the record: issues that were found, and how grave they are.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How grave an issue is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A nuisance.
    Low,
    /// It costs time.
    Medium,
    /// It may cost the objective.
    High,
    /// The restore could not be relied on.
    Critical,
}

/// See [`Fact::IssueFound`](super::Fact::IssueFound).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueFound {
    /// How grave.
    pub severity: Severity,
    /// Who sees to it.
    pub owner: String,
    /// Until when.
    pub due: NaiveDate,
    /// What is wrong.
    pub text: String,
}

impl Severity {
    /// All of them, the least grave first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
