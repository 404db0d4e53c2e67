//! From the fold and the records to the report.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::model::{
    Attempt, Basis, Checkpoint, Deviation, Evidence, Identity, Integrity, Note, Objective,
    Objectives, People, Plan, Proven, Report, Resolved, Step, Time, Unknown, Verdict, Verdicts,
};
use crate::engine::clock::Certainty;
use crate::engine::event::{Consent, Ending, RunStarted};
use crate::engine::objectives::{self, data_verified, passed, recovery_time, rpo};
use crate::engine::signing::Signed;
use crate::engine::state::{self, Standing, StepState};
use crate::engine::{Fact, Outcome, Part, Recorded, Stamp, State, Subject};
use crate::journal;
use crate::runbook::Milestone;
use crate::runbook::model::Verifies;

const STATEMENT: &str = "This record supports evidence for recovery tests and incident response, such as \
NIST SP 800-34 and 800-84, ISO 22301 8.5, SOC 2 A1.2 and A1.3, FFIEC BCM, DORA, PCI DSS 12.10.2 and HIPAA \
164.308(a)(7) ask for. It is for a reviewer to judge.";

/// The report of a run; `None` before its first record. `verdict` is what `verify` says of the
/// directory that the records are from.
#[must_use]
pub fn build(state: &State, records: &[Recorded], verdict: &journal::Verdict) -> Option<Report> {
    let (started, run) = state.started.as_ref()?;
    let now = state.last.as_ref().unwrap_or(started);
    Some(Report {
        statement: STATEMENT,
        identity: identity(state, run),
        plan: plan(state, run),
        people: people(run, records),
        time: time(state, started, now, records),
        objectives: measured(state, now),
        verdicts: verdicts(state, now),
        steps: state.steps.iter().map(|step| self::step(state, step, records)).collect(),
        deviations: state.deviations.iter().map(deviation).collect(),
        unknowns: unknowns(state, records),
        preflight: state.preflight.clone(),
        notes: state.notes.iter().map(note).collect(),
        evidence: state.evidence.iter().map(evidence).collect(),
        integrity: integrity(state, run, records, verdict),
    })
}

fn identity(state: &State, run: &RunStarted) -> Identity {
    Identity {
        run: run.run.clone(),
        mode: run.mode,
        practice: run.practice,
        unattended: run.auto,
        incident: run.incident.clone(),
        system: state.runbook.system.clone(),
        environment: run.environment.clone(),
        pinned: run.pins.clone(),
        proven: state
            .target
            .as_ref()
            .map(|(stamp, pins)| Proven { at: stamp.at, pins: pins.clone() }),
    }
}

fn plan(state: &State, run: &RunStarted) -> Plan {
    let runbook = &state.runbook;
    Plan {
        runbook: run.runbook.clone(),
        title: runbook.title.clone(),
        version: runbook.version.clone(),
        sha256: run.runbook_sha256.clone(),
        seen: run.seen.clone(),
        settings_sha256: run.settings_sha256.clone(),
        owner: runbook.owner.clone(),
        reviewed_on: runbook.reviewed.as_ref().map(|reviewed| reviewed.on),
        reviewed_by: runbook.reviewed.as_ref().map(|reviewed| reviewed.by.clone()),
        scope: runbook.scope.clone(),
        success: runbook.success.clone(),
        inputs: state.inputs.iter().map(|(k, v)| (k.clone(), v.to_plain_json())).collect(),
    }
}

fn people(run: &RunStarted, records: &[Recorded]) -> People {
    let mut recorded_by = BTreeMap::new();
    for recorded in records {
        *recorded_by.entry(recorded.by.clone()).or_default() += 1;
    }
    People { operator: run.operator.clone(), identity: run.identity.clone(), recorded_by }
}

fn time(state: &State, started: &Stamp, now: &Stamp, records: &[Recorded]) -> Time {
    let milestone = |m| state.milestones.get(&m).map(|reached| reached.at.at);
    let certainty = recovery_time(state, now).map_or(Certainty::Verified, |clock| clock.certainty);
    Time {
        outage_start: state.outage.as_ref().map(|outage| outage.start),
        declared: state.outage.as_ref().map(|outage| outage.declared.at),
        started: started.at,
        writes_stopped: milestone(Milestone::WritesStopped),
        service_restored: milestone(Milestone::ServiceRestored),
        closed: state.finished.as_ref().map(|(stamp, ..)| stamp.at),
        clock: certainty.words(),
        clock_steps_ms: records
            .iter()
            .filter_map(|r| match r.event.fact {
                Fact::ClockStep { by_ms } => Some(by_ms),
                _ => None,
            })
            .collect(),
    }
}

fn measured(state: &State, now: &Stamp) -> Objectives {
    let clock = recovery_time(state, now);
    let point = rpo(state);
    let targets = &state.runbook.objectives;
    Objectives {
        rto: Objective {
            target_s: targets.rto.map(|d| d.num_seconds()),
            // Until the service is restored the clock only says how long it has been down.
            actual_s: clock.as_ref().filter(|c| c.stopped).map(|c| c.elapsed.num_seconds()),
            met: clock.as_ref().and_then(objectives::RecoveryTime::met),
        },
        rpo: Objective {
            target_s: targets.rpo.map(|d| d.num_seconds()),
            actual_s: point.as_ref().map(|p| p.actual.num_seconds()),
            met: point.as_ref().and_then(objectives::RecoveryPoint::met),
        },
        recovery_point: point.as_ref().map(|p| p.point),
        basis: match point.as_ref().map(|p| p.basis) {
            Some(objectives::Basis::Achieved) => Basis::Achieved,
            Some(objectives::Basis::Stated) => Basis::Stated,
            Some(objectives::Basis::Requested) => Basis::Requested,
            None => Basis::NotMeasured,
        },
        loss_counted_to: point.as_ref().map(|p| p.until),
    }
}

fn verdicts(state: &State, now: &Stamp) -> Verdicts {
    let objectives = measured(state, now);
    let of = |objective: &Objective| match (objective.target_s, objective.met) {
        (None, _) => Verdict::NotAsked,
        (Some(_), None) => Verdict::NotMeasured,
        (Some(_), Some(true)) => Verdict::Met,
        (Some(_), Some(false)) => Verdict::NotMet,
    };
    Verdicts {
        ending: state.finished.as_ref().map(|(_, ending, _)| *ending),
        reason: state.finished.as_ref().and_then(|(.., reason)| reason.clone()),
        recovery_time: of(&objectives.rto),
        data_loss: of(&objectives.rpo),
        data_integrity: data_integrity(state),
        passed: passed(state),
        not_passed_because: if passed(state) == Some(false) {
            shortcomings(state, &objectives)
        } else {
            Vec::new()
        },
    }
}

/// What [`passed`] asks for and is not there.
fn shortcomings(state: &State, measured: &Objectives) -> Vec<String> {
    let mut found = Vec::new();
    if state.finished.as_ref().is_some_and(|(_, ending, _)| *ending == Ending::Aborted) {
        found.push("the run was aborted".to_owned());
    }
    for step in &state.steps {
        let what = match step.settled.as_ref().map(|settled| settled.outcome) {
            Some(Outcome::Succeeded | Outcome::NotApplicable) => continue,
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Unknown) => "is unknown",
            Some(Outcome::Skipped) => "was skipped",
            Some(Outcome::Overridden) => "was marked done",
            None => "has no outcome",
        };
        found.push(format!("step `{}` {what}", step.id()));
    }
    for (name, objective) in [("time", &measured.rto), ("point", &measured.rpo)] {
        match (objective.target_s, objective.met) {
            (None, _) | (_, Some(true)) => {}
            (Some(_), Some(false)) => {
                found.push(format!("the recovery {name} objective was missed"))
            }
            (Some(_), None) => found.push(format!("the recovery {name} was not measured")),
        }
    }
    found
}

/// A verification that did not run says nothing; one that failed, or was passed by, says no.
fn data_integrity(state: &State) -> Verdict {
    let mut verifying = state.steps.iter().filter(|s| s.step.verifies == Some(Verifies::Data));
    match data_verified(state) {
        None => Verdict::NotAsked,
        Some(true) => Verdict::Met,
        Some(false) if verifying.any(|s| s.settled.is_some()) || state.finished.is_some() => {
            Verdict::NotMet
        }
        Some(false) => Verdict::NotMeasured,
    }
}

fn step(state: &State, step: &StepState, records: &[Recorded]) -> Step {
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
        saved: step.saved.iter().map(|(k, v)| (k.clone(), v.to_plain_json())).collect(),
        refused: refusals(step.id(), records),
        attempts: step.attempts.iter().map(|one| attempt(state, one)).collect(),
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

fn attempt(state: &State, attempt: &state::Attempt) -> Attempt {
    let finished = attempt.finished.as_ref().map(|(_, finished)| finished);
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
        output: finished.and_then(|f| f.output.clone()),
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

fn deviation(deviation: &state::Deviation) -> Deviation {
    Deviation {
        record: deviation.seq,
        at: deviation.at.at,
        by: deviation.by.clone(),
        step: deviation.step.clone(),
        kind: deviation.kind,
        text: deviation.text.clone(),
    }
}

fn unknowns(state: &State, records: &[Recorded]) -> Vec<Unknown> {
    let open =
        state.steps.iter().flat_map(|step| &step.attempts).filter(|attempt| {
            attempt.id.of != Part::Probe && attempt.standing() == Standing::Unknown
        });
    let resolved = records.iter().filter_map(|r| match (&r.event.of, &r.event.fact) {
        (Subject::Attempt(id), Fact::UnknownResolved(resolved)) => Some(Unknown {
            step: id.step.clone(),
            attempt: id.number,
            resolved: Some(Resolved {
                at: r.stamp.at,
                outcome: resolved.as_,
                by: resolved.resolved_by,
                reason: resolved.reason.clone(),
            }),
        }),
        _ => None,
    });
    let open = open.map(|attempt| Unknown {
        step: attempt.id.step.clone(),
        attempt: attempt.id.number,
        resolved: None,
    });
    resolved.chain(open).collect()
}

fn note(note: &state::Note) -> Note {
    Note { at: note.at.at, by: note.by.clone(), step: note.step.clone(), text: note.text.clone() }
}

fn evidence(evidence: &state::Evidence) -> Evidence {
    Evidence {
        at: evidence.at.at,
        step: evidence.step.clone(),
        file: evidence.file.clone(),
        sha256: evidence.sha256.clone(),
        caption: evidence.caption.clone(),
    }
}

fn integrity(
    state: &State,
    run: &RunStarted,
    records: &[Recorded],
    verdict: &journal::Verdict,
) -> Integrity {
    Integrity {
        records: records.len() as u64,
        head: verdict.head.clone(),
        verified: verdict.standing(),
        problems: verdict.problems.clone(),
        signatures: signatures(state),
        checkpoints: state.signatures.signed.iter().map(checkpoint).collect(),
        tool: run.tool.clone(),
        notices: notices(run, records),
        previous: run.previous.as_ref().map(|p| format!("{} with head {}", p.run, p.head)),
        sign_off: "none recorded",
    }
}

fn signatures(state: &State) -> String {
    let signed = &state.signatures.signed;
    let keys: BTreeSet<&str> = signed.iter().map(|signed| signed.key.as_str()).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let asked_for = state.run().is_some_and(|run| run.signing.is_some());
    match (signed.len(), state.signatures.failure()) {
        (0, None) if asked_for => "not signed yet".into(),
        (0, None) => "not signed".into(),
        (0, Some(why)) => format!("not signed: {why}"),
        (n, failure) => {
            let s = if n == 1 { "" } else { "s" };
            let failure = failure.map(|why| format!("; the last one is not signed: {why}"));
            format!(
                "{n} checkpoint{s} signed with {}{}",
                keys.join(", "),
                failure.unwrap_or_default()
            )
        }
    }
}

fn checkpoint(signed: &Signed) -> Checkpoint {
    Checkpoint {
        record: signed.checkpoint,
        at: signed.at.at,
        file: format!("checkpoints/{}", signed.file),
        key: signed.key.clone(),
    }
}

fn notices(run: &RunStarted, records: &[Recorded]) -> Vec<String> {
    let mut notices = vec![
        "Secrets are masked in requests and in output; a command that is set on printing one in pieces \
         can defeat that."
            .to_owned(),
    ];
    if run.practice {
        notices.push("Practice against the embedded sandbox: no real system was touched.".into());
    }
    if run.identity == "self-declared" {
        notices.push("Who the operator was is self-declared.".into());
    }
    let consoles =
        records.iter().filter(|r| matches!(r.event.fact, Fact::ConsoleAttached { .. })).count();
    if consoles > 1 {
        notices.push(format!("The console was opened {consoles} times: the run was interrupted."));
    }
    for recorded in records {
        match &recorded.event.fact {
            Fact::Recovery { bytes, kept_as, sha256 } => notices.push(format!(
                "{bytes} damaged bytes were set aside as {kept_as} (SHA-256 {sha256})."
            )),
            Fact::SignalReceived { signal } => {
                notices.push(format!("The console got {signal} at {}.", moment(recorded.stamp.at)));
            }
            _ => {}
        }
    }
    notices
}

fn moment(at: DateTime<Utc>) -> String {
    crate::runbook::value::timestamp_text(at)
}
