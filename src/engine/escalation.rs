//! Escalation: whom to call when the outage lasts, and whether somebody has.

use super::event::{Event, Fact, Recorded, Stamp};
use super::input::Refusal;
use super::objectives::recovery_time;
use super::state::State;
use crate::runbook::Milestone;

/// An escalation line whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalated {
    /// When it was due.
    pub at: Stamp,
    /// Seconds after the outage's start.
    pub after_s: i64,
    /// Who is to be called.
    pub to: String,
    /// How.
    pub contact: String,
    /// When and by whom it was seen to, and what came of it.
    pub acknowledged: Option<(Stamp, String, String)>,
}

impl State {
    /// The latest escalation, while nobody has seen to it and the service is down: a later one takes the
    /// place of an earlier one.
    #[must_use]
    pub fn open_escalation(&self) -> Option<&Escalated> {
        let restored = self.milestones.contains_key(&Milestone::ServiceRestored);
        let over = self.finished.is_some();
        let latest = self.escalations.last()?;
        (!restored && !over && latest.acknowledged.is_none()).then_some(latest)
    }

    /// The next escalation line whose time has come.
    pub(super) fn due_escalation(&self, now: &Stamp) -> Option<Event> {
        if self.milestones.contains_key(&Milestone::ServiceRestored) {
            return None;
        }
        let elapsed = recovery_time(self, now)?.elapsed;
        let line = self.runbook.escalation.iter().find(|line| {
            let said = |e: &Escalated| {
                (e.after_s, &e.to, &e.contact)
                    == (line.after.num_seconds(), &line.to, &line.contact)
            };
            line.after <= elapsed && !self.escalations.iter().any(said)
        })?;
        Some(Event::run(Fact::EscalationDue {
            after_s: line.after.num_seconds(),
            to: line.to.clone(),
            contact: line.contact.clone(),
        }))
    }

    pub(super) fn acknowledged(&self, note: String) -> Result<Event, Refusal> {
        let open = self.open_escalation();
        let open = open.ok_or_else(|| Refusal::Nothing("no escalation is due".into()))?;
        Ok(Event::run(Fact::EscalationAcknowledged { to: open.to.clone(), note }))
    }

    pub(super) fn escalate(&mut self, record: &Recorded, after_s: i64, to: &str, contact: &str) {
        self.escalations.push(Escalated {
            at: record.stamp.clone(),
            after_s,
            to: to.to_owned(),
            contact: contact.to_owned(),
            acknowledged: None,
        });
    }

    pub(super) fn acknowledge(&mut self, record: &Recorded, to: &str, note: &str) {
        let told = (record.stamp.clone(), record.by.clone(), note.to_owned());
        if let Some(escalated) = self.escalations.iter_mut().rev().find(|e| e.to == to) {
            escalated.acknowledged = Some(told);
        }
    }
}
