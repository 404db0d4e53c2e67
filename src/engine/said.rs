//! What a person says goes into the record; it must not take a secret there.

use super::event::{ByHand, IssueFound};
use super::input::{Given, Input};
use crate::runbook::Value;

impl Input {
    /// The same with `clean` applied to every text that a person typed for the record. A script is left
    /// as it is: what is changed in it would run as something else.
    #[must_use]
    pub fn cleaned(self, clean: &dyn Fn(&str) -> String) -> Self {
        let by_hand = |by_hand: ByHand| ByHand {
            reason: clean(&by_hand.reason),
            saved: by_hand.saved.into_iter().map(|(k, v)| (k, value(v, clean))).collect(),
        };
        match self {
            Self::Detach { reason } => Self::Detach { reason: clean(&reason) },
            Self::Cancel { reason } => Self::Cancel { reason: clean(&reason) },
            Self::Answer { choice, done, note } => {
                Self::Answer { choice, done, note: clean(&note) }
            }
            Self::Resolve { attempt, resolution, by, reason, saved } => Self::Resolve {
                attempt,
                resolution,
                by,
                reason: clean(&reason),
                saved: saved.into_iter().map(|(k, v)| (k, value(v, clean))).collect(),
            },
            Self::Skip { step, by_hand: said } => Self::Skip { step, by_hand: by_hand(said) },
            Self::Override { step, by_hand: said } => {
                Self::Override { step, by_hand: by_hand(said) }
            }
            Self::Consent { step, part, given: Given::BreakGlass { typed, reason }, digest } => {
                let given = Given::BreakGlass { typed: clean(&typed), reason: clean(&reason) };
                Self::Consent { step, part, given, digest }
            }
            Self::Decline { asked, request, approver, known_by, reason } => {
                Self::Decline { asked, request, approver, known_by, reason: clean(&reason) }
            }
            Self::Rerun { step, reason } => Self::Rerun { step, reason: clean(&reason) },
            Self::Amend { input, value: new, reason } => {
                Self::Amend { input, value: value(new, clean), reason: clean(&reason) }
            }
            Self::Insert { title, run, reason } => {
                Self::Insert { title: clean(&title), run, reason: clean(&reason) }
            }
            Self::Note { step, text } => Self::Note { step, text: clean(&text) },
            Self::Evidence { step, file, sha256, bytes, caption } => {
                Self::Evidence { step, file, sha256, bytes, caption: clean(&caption) }
            }
            Self::Issue { step, issue } => Self::Issue {
                step,
                issue: IssueFound { owner: clean(&issue.owner), text: clean(&issue.text), ..issue },
            },
            Self::Lesson { step, text } => Self::Lesson { step, text: clean(&text) },
            Self::Declare { milestone, reason } => {
                Self::Declare { milestone, reason: clean(&reason) }
            }
            Self::Withdraw { milestone, reason } => {
                Self::Withdraw { milestone, reason: clean(&reason) }
            }
            Self::AmendOutageStart { start, reason } => {
                Self::AmendOutageStart { start, reason: clean(&reason) }
            }
            Self::Acknowledge { note } => Self::Acknowledge { note: clean(&note) },
            Self::Pause { reason } => Self::Pause { reason: clean(&reason) },
            Self::Abort { reason } => Self::Abort { reason: clean(&reason) },
            // Nobody types these, or what is typed is compared and not kept.
            Self::Start(_)
            | Self::Attach { .. }
            | Self::TargetVerified { .. }
            | Self::Enter { .. }
            | Self::Consent { .. }
            | Self::AskApproval { .. }
            | Self::Approve { .. }
            | Self::NoApproval { .. }
            | Self::SignOff(_)
            | Self::Intend { .. }
            | Self::Began { .. }
            | Self::Progressed { .. }
            | Self::Ended { .. }
            | Self::Rehearsed { .. }
            | Self::ClockStepped { .. }
            | Self::Signal { .. }
            | Self::Recovered { .. }
            | Self::Continue
            | Self::Signed { .. }
            | Self::NotSigned { .. }
            | Self::Anchored(_)
            | Self::NotAnchored { .. }
            | Self::Notified { .. }
            | Self::Exported { .. } => self,
        }
    }
}

fn value(value: Value, clean: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        other => other,
    }
}
