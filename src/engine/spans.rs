//! What a run's time went to: the machine's work, people, approvals. One span follows the other without a
//! gap, from the first record to the last.

use std::sync::Arc;

use super::approvals::Approval;
use super::event::{Fact, Recorded, Stamp};
use super::state::{State, Status};
use crate::runbook::{Milestone, StepId};

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// An attempt at work, one that is about to be, or the pause before an automatic retry.
    Machine,
    /// Somebody: to read, to consent, to answer, to decide, to open a console again.
    Person,
    /// Somebody else's approval.
    Approval,
}

impl Waits {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Machine => "the machine's work",
            Self::Person => "waiting for a person",
            Self::Approval => "waiting for approval",
        }
    }
}

/// A time in which a run waited for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// For what.
    pub kind: Waits,
    /// At which step; `None` between the last step and the end.
    pub step: Option<StepId>,
    /// From when.
    pub from: Stamp,
    /// To when.
    pub to: Stamp,
    /// The record that began it.
    pub first: u64,
}

/// The spans as they are folded: those that are over, and the one that is not.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    /// Shared: a state is cloned for every view of it, and spans end seldom.
    over: Arc<Vec<Span>>,
    /// Its `to` is its `from`.
    open: Option<Span>,
}

impl Spans {
    fn close(&mut self, at: &Stamp) {
        if let Some(span) = self.open.take().filter(|span| span.from != *at) {
            Arc::make_mut(&mut self.over).push(Span { to: at.clone(), ..span });
        }
    }
}

impl State {
    /// What the run waits for now, and at which step; `None` before it began and after it ended.
    #[must_use]
    pub fn waits_for(&self) -> Option<(Waits, Option<StepId>)> {
        self.started.as_ref()?;
        if self.finished.is_some() {
            return None;
        }
        let Some(step) = self.current() else { return Some((Waits::Person, None)) };
        let asked = |approval: &Approval| {
            approval.step == step.id() && approval.ended.is_none() && approval.is_awaited()
        };
        // What is asked of somebody else stands before anything the operator could do.
        if self.approvals.iter().any(asked) {
            return Some((Waits::Approval, Some(step.id().to_owned())));
        }
        let waits = match self.status(step) {
            // A child goes on without its console.
            Status::Running(_) => Waits::Machine,
            Status::Consented | Status::Retrying(_) if self.attached && self.paused.is_none() => {
                Waits::Machine
            }
            Status::Consented
            | Status::Retrying(_)
            | Status::AwaitsPerson(_)
            | Status::Ready
            | Status::Unknown(_)
            | Status::Failed(_)
            | Status::Pending
            | Status::Done(_) => Waits::Person,
        };
        Some((waits, Some(step.id().to_owned())))
    }

    /// What the run's time went to until `now`, or until its end, in order and without gaps.
    #[must_use]
    pub fn spans(&self, now: &Stamp) -> Vec<Span> {
        let open = self.spans.open.iter().map(|span| Span { to: now.clone(), ..span.clone() });
        self.spans.over.iter().cloned().chain(open).collect()
    }

    /// Ends the span that is open, when this record, already folded in, made the run wait for something else.
    pub(super) fn follow_spans(&mut self, record: &Recorded) {
        // The clock of the recovery-time objective stops and goes on at the edge of a span.
        let edge = matches!(
            record.event.fact,
            Fact::MilestoneReached { milestone: Milestone::ServiceRestored, .. }
                | Fact::MilestoneWithdrawn { milestone: Milestone::ServiceRestored, .. }
        );
        let waits = self.waits_for();
        let same = match (&waits, &self.spans.open) {
            (Some((kind, step)), Some(open)) => *kind == open.kind && *step == open.step,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if same && !edge {
            return;
        }
        self.spans.close(&record.stamp);
        self.spans.open = waits.map(|(kind, step)| Span {
            kind,
            step,
            from: record.stamp.clone(),
            to: record.stamp.clone(),
            first: record.seq,
        });
    }
}
