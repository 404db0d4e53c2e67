//! Step by step.

use std::collections::BTreeMap;

use super::super::model::{Attempt, Excerpt, Span, Step};
use crate::engine::event::Consent;
use crate::engine::state::{self, Standing, StepState};
use crate::engine::{Fact, Part, Recorded, State, Subject};
use crate::runbook::model::Verifies;

pub(super) fn step(
    state: &State,
    step: &StepState,
    records: &[Recorded],
    spans: Vec<Span>,
    excerpts: &BTreeMap<String, Excerpt>,
) -> Step {
    let first = step.attempts.first().map(|attempt| &attempt.intended);
    let settled = step.settled.as_ref();
    let why = settled.map_or_else(
        || step.last_act().map_or("", state::Attempt::message),
        |settled| settled.why.as_str(),
    );
    Step {
        id: step.id().to_owned(),
        title: state.title(step),
        action: step.step.action.spec.name,
        effect: step.step.effect(),
        added: step.inserted,
        expected: step.step.expect.iter().map(|e| e.source().to_owned()).collect(),
        verifies_data: step.step.verifies == Some(Verifies::Data),
        milestone: step.step.milestone,
        outcome: settled.map(|settled| settled.outcome),
        why: why.to_owned(),
        started: first.map(|stamp| stamp.at),
        ended: settled.map(|settled| settled.at.at),
        seconds: first
            .zip(settled)
            .map(|(first, s)| state.between(first, &s.at).length.num_seconds()),
        budget_s: step.step.budget.map(|budget| budget.num_seconds()),
        spans,
        saved: step.saved.iter().map(|(k, v)| (k.clone(), v.to_plain_json())).collect(),
        refused: refusals(step.id(), records),
        attempts: step.attempts.iter().map(|one| attempt(state, one, excerpts)).collect(),
        evidence: state
            .evidence
            .iter()
            .filter(|evidence| evidence.step.as_deref() == Some(step.id()))
            .map(super::evidence)
            .collect(),
        deviations: state
            .deviations
            .iter()
            .filter(|d| d.step.as_deref() == Some(step.id()))
            .map(|d| format!("{}: {}", d.kind, d.text))
            .collect(),
    }
}

fn refusals(id: &str, records: &[Recorded]) -> Vec<String> {
    let about = |subject: &Subject| match subject {
        Subject::Run => false,
        Subject::Step(step) => step == id,
        Subject::Attempt(attempt) => attempt.step == id,
    };
    records
        .iter()
        .filter(|r| about(&r.event.of))
        .filter_map(|r| match &r.event.fact {
            Fact::GuardRefused { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .collect()
}

fn attempt(
    state: &State,
    attempt: &state::Attempt,
    excerpts: &BTreeMap<String, Excerpt>,
) -> Attempt {
    let finished = attempt.finished.as_ref().map(|(_, finished)| finished);
    let output = finished.and_then(|f| f.output.clone());
    let ended = attempt.ended();
    Attempt {
        number: attempt.id.number,
        of: attempt.id.of,
        by: attempt.by.clone(),
        consent: consent(attempt),
        request: attempt.request.clone(),
        digest: attempt.digest.clone(),
        started: attempt.intended.at,
        ended: ended.map(|stamp| stamp.at),
        seconds: ended.map(|stamp| state.between(&attempt.intended, stamp).length.num_seconds()),
        outcome: standing(attempt),
        message: attempt.message().to_owned(),
        expectations: finished.map(|f| f.expectations.clone()).unwrap_or_default(),
        excerpt: output.as_ref().and_then(|output| excerpts.get(&output.file)).cloned(),
        output,
        cancelled: attempt.cancel.clone(),
        stale: attempt.stale,
    }
}

fn standing(attempt: &state::Attempt) -> &'static str {
    match attempt.standing() {
        Standing::Running => "running",
        Standing::Unknown => "unknown",
        Standing::Succeeded => "succeeded",
        Standing::Failed => "failed",
        Standing::NotDone => "not done",
    }
}

fn consent(attempt: &state::Attempt) -> String {
    match (&attempt.consent, attempt.id.of) {
        (Some(Consent::Enter), _) => "Enter".into(),
        (Some(Consent::Confirmed), _) => "confirmed after the whole request was shown".into(),
        (Some(Consent::Typed { phrase }), _) => format!("typed `{phrase}`"),
        (Some(Consent::Auto), _) => "unattended (--auto)".into(),
        (Some(Consent::BreakGlass { phrase, reason }), _) => {
            format!("without the approval: typed `{phrase}`, {reason}")
        }
        (None, Part::Probe) => "none needed: it only reads".into(),
        (None, Part::Do | Part::Undo) => "automatic retry".into(),
    }
}
