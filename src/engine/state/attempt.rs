//! One attempt, and where it stands.

use serde_json::Value as Json;

use super::super::event::{
    AttemptFinished, AttemptId, Consent, Expectation, Outcome, Part, Resolution, Stamp,
    UnknownResolved,
};

/// A satisfied guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For which action.
    pub part: Part,
    /// How.
    pub consent: Consent,
    /// The request that was on screen.
    pub digest: String,
    /// Who.
    pub by: String,
    /// The record that says so.
    pub seq: u64,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// When it was intended.
    pub intended: Stamp,
    /// Who consented.
    pub by: String,
    /// What was consented to, and how.
    pub consent: Option<Consent>,
    /// The request, secrets masked.
    pub request: Json,
    /// SHA-256 of the request.
    pub digest: String,
    /// Sent along where the other side can recognise a repeat.
    pub token: String,
    /// When it began, and its process.
    pub started: Option<(Stamp, Option<u32>)>,
    /// The latest progress.
    pub progress: Option<(Stamp, String, Option<f64>)>,
    /// Somebody wants it to stop.
    pub cancel: Option<String>,
    /// How it came out.
    pub finished: Option<(Stamp, AttemptFinished)>,
    /// The console that intended it is gone.
    pub lost: bool,
    /// What became of an attempt whose outcome was unknown.
    pub resolved: Option<(Stamp, UnknownResolved)>,
    /// What was to come next was refused at the last look: nothing is tried again on its own.
    pub refused_after: bool,
    /// The run was taken back before it: it no longer counts.
    pub stale: bool,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At work, in this console's hands.
    Running,
    /// Nobody knows.
    Unknown,
    /// It did its work.
    Succeeded,
    /// It did not.
    Failed,
    /// It certainly changed nothing: it may be tried as if for the first time.
    NotDone,
}

impl Attempt {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let finished = self.finished.as_ref().map(|(_, finished)| finished.outcome);
        match (finished, self.resolved.as_ref().map(|(_, r)| r.as_)) {
            // What is resolved as running finishes again later, or is lost again with its console.
            (None, Some(Resolution::Running)) if !self.lost => Standing::Running,
            (None | Some(Outcome::Unknown), Some(Resolution::Succeeded)) => Standing::Succeeded,
            (None | Some(Outcome::Unknown), Some(Resolution::Failed)) => Standing::Failed,
            (None | Some(Outcome::Unknown), Some(Resolution::NotDone)) => Standing::NotDone,
            (None, None) if !self.lost => Standing::Running,
            (Some(Outcome::Succeeded), _) => Standing::Succeeded,
            (Some(Outcome::Failed), _) => Standing::Failed,
            (None | Some(_), _) => Standing::Unknown,
        }
    }

    /// It was found still at work by a console that did not start it.
    #[must_use]
    pub fn is_reattached(&self) -> bool {
        self.resolved.as_ref().is_some_and(|(_, r)| r.as_ == Resolution::Running)
    }

    /// When it came out.
    #[must_use]
    pub fn ended(&self) -> Option<&Stamp> {
        let finished = self.finished.as_ref().map(|(at, _)| at);
        let resolved =
            self.resolved.as_ref().filter(|(_, r)| r.as_ != Resolution::Running).map(|(at, _)| at);
        resolved.or(finished)
    }

    /// Its message, once there is one.
    #[must_use]
    pub fn message(&self) -> &str {
        match (&self.resolved, &self.finished) {
            (Some((_, resolved)), _) if resolved.as_ != Resolution::Running => &resolved.reason,
            (_, Some((_, finished))) => &finished.message,
            _ => "",
        }
    }

    /// Expectations that did not hold.
    #[must_use]
    pub fn unmet(&self) -> Vec<&Expectation> {
        self.finished
            .iter()
            .flat_map(|(_, finished)| finished.expectations.iter().filter(|e| !e.held))
            .collect()
    }
}
