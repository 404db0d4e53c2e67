//! What people find out by a run: issues with an owner and a date, and lessons. They may be added at any
//! time, most of them once it is over.

use chrono::NaiveDate;

use super::event::{Event, Fact, IssueFound, Severity, Stamp};
use super::input::Refusal;
use super::state::State;
use crate::runbook::StepId;

/// An issue that somebody found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The record it is read from.
    pub seq: u64,
    /// When.
    pub at: Stamp,
    /// By whom.
    pub by: String,
    /// At which step.
    pub step: Option<StepId>,
    /// How grave.
    pub severity: Severity,
    /// Who sees to it.
    pub owner: String,
    /// Until when.
    pub due: NaiveDate,
    /// What is wrong.
    pub text: String,
}

impl State {
    pub(super) fn issue(&self, step: Option<StepId>, issue: IssueFound) -> Result<Event, Refusal> {
        if issue.text.trim().is_empty() {
            return Err(Refusal::Nothing("the issue says nothing: write what is wrong".into()));
        }
        if issue.owner.trim().is_empty() {
            return Err(Refusal::Nothing("the issue has no owner: name who sees to it".into()));
        }
        self.about(step, Fact::IssueFound(issue))
    }

    pub(super) fn lesson(&self, step: Option<StepId>, text: String) -> Result<Event, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::Nothing("the lesson is empty".into()));
        }
        self.about(step, Fact::LessonLearned { text })
    }
}
