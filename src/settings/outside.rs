//! Where the record of a run goes besides the disk, and who is told of it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Days, Months, Utc};

use super::Aws;
use crate::runbook::inputs::SecretSource;

/// What hooks are told of.
pub const OCCASIONS: [&str; 5] = ["start", "milestone", "breach", "approval_needed", "end"];

/// Where runs are archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// `s3://bucket/prefix`, without a slash at its end.
    pub to: String,
    /// For how long nobody can delete or change what is there.
    pub retention: Retention,
    /// What goes along besides the journal, the reports and what they are checked with.
    pub include: BTreeSet<Include>,
    /// The head goes there at the start of each run, too.
    pub anchor: bool,
    /// Where and as whom to call S3.
    pub aws: Aws,
}

/// What is archived only when it is asked for: it may hold personal data, and what is locked cannot be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Include {
    /// What the steps printed.
    Output,
    /// The files that people kept.
    Evidence,
}

impl Include {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Output, Self::Evidence];

    /// The word for it, and its folder in the run directory.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Evidence => "evidence",
        }
    }
}

/// How long something is kept: so many years, or so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// By the calendar.
    Years(u32),
    /// Of 24 hours.
    Days(u32),
}

impl Default for Retention {
    fn default() -> Self {
        Self::Years(7)
    }
}

impl Retention {
    /// Longer is a slip of the finger that nobody could take back.
    const MOST_YEARS: u32 = 100;

    /// Reads `7y` or `400d`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (count, retention): (_, fn(u32) -> Self) = match text.strip_suffix('y') {
            Some(years) => (years, Self::Years),
            None => (text.strip_suffix('d')?, Self::Days),
        };
        let retention = retention(count.parse().ok().filter(|count| *count > 0)?);
        let most = match retention {
            Self::Years(years) => years <= Self::MOST_YEARS,
            Self::Days(days) => days <= Self::MOST_YEARS * 365,
        };
        most.then_some(retention)
    }

    /// Until when something is kept that is put there `now`.
    #[must_use]
    pub fn from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let until = match self {
            Self::Years(years) => now.checked_add_months(Months::new(years * 12)),
            Self::Days(days) => now.checked_add_days(Days::new(days.into())),
        };
        until.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Who is told of a run, over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What records and the screen call it: its address is nobody's business.
    pub name: String,
    /// Where it is.
    pub url: Address,
    /// What it is sent.
    pub kind: HookKind,
    /// What it is told of: some of [`OCCASIONS`].
    pub on: BTreeSet<String>,
    /// How long one try may take.
    pub timeout: Duration,
}

/// The address of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// As it is written.
    Url(String),
    /// A secret: whoever knows it may write there.
    Secret(SecretSource),
}

/// What a hook is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookKind {
    /// `{"text": …}`, as Slack and its likes take it.
    Slack,
    /// `{"incident": …}`, as Statuspage takes it.
    Statuspage,
    /// What happened, with all its parts.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_goes_by_the_calendar() {
        let now: DateTime<Utc> = "2028-02-29T12:00:00Z".parse().unwrap();
        let from = |text: &str| Retention::parse(text).map(|it| it.from(now).to_rfc3339());
        assert_eq!(from("7y").as_deref(), Some("2035-02-28T12:00:00+00:00"));
        assert_eq!(from("4y").as_deref(), Some("2032-02-29T12:00:00+00:00"));
        assert_eq!(from("1d").as_deref(), Some("2028-03-01T12:00:00+00:00"));
        for bad in ["", "7", "y", "0y", "-1y", "7 y", "7m", "101y", "99999999999d", "40000d"] {
            assert_eq!(from(bad), None, "{bad}");
        }
    }
}
