//! The start of the outage: as it was declared, and as it was told anew.

use chrono::{DateTime, Utc};

use super::clock::{Certainty, Elapsed};
use super::event::{Recorded, Stamp};
use super::objectives::{RecoveryTime, recovery_time_from};
use super::state::State;
use crate::runbook::value::timestamp_text;

/// The start of the outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageStart {
    /// As declared: by the wall clock, as it was when that was done.
    pub start: DateTime<Utc>,
    /// When it was declared: what the clock arithmetic hangs on.
    pub declared: Stamp,
    /// Whether the wall clock can be relied on for it: one that was set since the run began, or a machine
    /// that was booted since, leaves the moment without a witness.
    pub certainty: Certainty,
}

impl OutageStart {
    /// From the start to the declaration, as the wall clock of that moment had it.
    #[must_use]
    pub fn told(&self) -> Elapsed {
        let length = self.declared.at - self.start;
        Elapsed { length, certainty: self.certainty }.forward()
    }
}

/// The start of the outage was told anew. Both values are shown, and a reviewer signs it off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageAmended {
    /// The record that says so.
    pub seq: u64,
    /// When.
    pub at: Stamp,
    /// By whom.
    pub by: String,
    /// What was declared until then.
    pub was: OutageStart,
    /// Why.
    pub reason: String,
}

impl State {
    pub(super) fn declare_outage(&mut self, at: &Stamp, start: DateTime<Utc>) {
        let declared = at.clone();
        self.outage = Some(OutageStart { start, declared, certainty: Certainty::Verified });
    }

    pub(super) fn amend_outage(&mut self, record: &Recorded, start: DateTime<Utc>, reason: &str) {
        let at = &record.stamp;
        let certainty = match &self.started {
            Some((began, _)) => self.wall_clock_held(began, at),
            None => Certainty::Unverified,
        };
        let now = OutageStart { start, declared: at.clone(), certainty };
        let was = self.outage.replace(now);
        let was_text = was
            .as_ref()
            .map_or_else(String::new, |was| format!(" instead of {}", timestamp_text(was.start)));
        if let Some(was) = was {
            self.outage_amendments.push(OutageAmended {
                seq: record.seq,
                at: at.clone(),
                by: record.by.clone(),
                was,
                reason: reason.to_owned(),
            });
        }
        let text = format!("{}{was_text}: {reason}", timestamp_text(start));
        self.deviate(record, "outage start amended", text);
    }

    /// The recovery-time clock as it would be if the start were told anew at `now`.
    #[must_use]
    pub fn outage_told_now(&self, start: DateTime<Utc>, now: &Stamp) -> Option<RecoveryTime> {
        let (began, _) = self.started.as_ref().filter(|_| !self.is_rehearsal())?;
        let certainty = self.wall_clock_held(began, now);
        let told = OutageStart { start, declared: now.clone(), certainty };
        Some(recovery_time_from(self, &told, now))
    }

    /// The start of the outage as it was first declared, when it was told anew since.
    #[must_use]
    pub fn first_declared(&self) -> Option<&OutageStart> {
        self.outage_amendments.first().map(|amended| &amended.was)
    }
}
