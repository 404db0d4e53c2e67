//! From the fold, the records and what lies beside them to the report.

mod answers;
mod backups;
mod integrity;
mod measure;
mod people;
mod spans;
mod steps;

use std::collections::BTreeMap;

use super::model::{Acknowledged, Escalation, Excerpt, Issue, PreviousRun};
use super::model::{Deviation, Evidence, Identity, Note, Plan, Proven, Report, Resolved, Unknown};
use crate::engine::debrief;
use crate::engine::escalation::Escalated;
use crate::engine::event::RunStarted;
use crate::engine::state::{self, Standing};
use crate::engine::{Fact, Part, Recorded, State, Subject};
use crate::journal;

const STATEMENT: &str = "This record supports evidence for recovery tests and incident response, such as \
NIST SP 800-34 and 800-84, ISO 22301 8.5, SOC 2 A1.2 and A1.3, FFIEC BCM, DORA, PCI DSS 12.10.2 and HIPAA \
164.308(a)(7) ask for. It is for a reviewer to judge.";

/// What lies beside the journal that a report tells of.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What `verify` says of the run directory.
    pub verdict: journal::Verdict,
    /// Of what each attempt printed, by the file's name below `output/`.
    pub excerpts: BTreeMap<String, Excerpt>,
    /// The run before this one, when it had one.
    pub previous: Option<PreviousRun>,
}

impl Beside {
    /// Nothing but the verdict.
    #[must_use]
    pub fn of(verdict: journal::Verdict) -> Self {
        Self { verdict, excerpts: BTreeMap::new(), previous: None }
    }
}

/// The report of a run; `None` before its first record.
#[must_use]
pub fn build(state: &State, records: &[Recorded], beside: &Beside) -> Option<Report> {
    let (started, run) = state.started.as_ref()?;
    let now = state.last.as_ref().unwrap_or(started);
    let scale = spans::Scale::new(state);
    let mut spent = spans::spent(&scale, now);
    Some(Report {
        statement: STATEMENT,
        interim: state.finished.is_none(),
        as_of: now.at,
        identity: identity(state, run),
        plan: plan(state, run),
        people: people::people(state, run, records),
        time: measure::time(state, started, now, records),
        objectives: measure::objectives(state, now),
        verdicts: measure::verdicts(state, now),
        timeline: spans::timeline(&scale, records, started, now),
        steps: state
            .steps
            .iter()
            .map(|step| {
                let spans = spent.remove(step.id()).unwrap_or_default();
                steps::step(state, step, records, spans, &beside.excerpts)
            })
            .collect(),
        deviations: state.deviations.iter().map(deviation).collect(),
        escalations: state.escalations.iter().map(escalation).collect(),
        unknowns: unknowns(state, records),
        approvals: state.approvals.iter().map(answers::approval).collect(),
        preflight: state.preflight.clone(),
        notes: state.notes.iter().map(note).collect(),
        issues: state.issues.iter().map(issue).collect(),
        lessons: state.lessons.iter().map(note).collect(),
        evidence: state.evidence.iter().map(evidence).collect(),
        backups: backups::backups(state),
        integrity: integrity::integrity(state, run, records, beside),
        sign_offs: state.sign_offs.iter().map(answers::sign_off).collect(),
    })
}

fn identity(state: &State, run: &RunStarted) -> Identity {
    let proven =
        state.target.as_ref().map(|(stamp, pins)| Proven { at: stamp.at, pins: pins.clone() });
    let pin = |name: &str| {
        let proven = proven.as_ref().and_then(|proven| proven.pins.get(name));
        proven.or_else(|| run.pins.get(name)).cloned()
    };
    Identity {
        run: run.run.clone(),
        mode: run.mode,
        practice: run.practice,
        unattended: run.auto,
        scenario: state.runbook.title.clone(),
        incident: run.incident.clone(),
        organisation: run.organisation.clone(),
        system: state.runbook.system.clone(),
        environment: run.environment.clone(),
        account: pin("aws.account"),
        region: pin("aws.region"),
        allowed_targets: run.targets.as_ref().and_then(|lists| serde_json::to_value(lists).ok()),
        pinned: run.pins.clone(),
        proven,
    }
}

fn plan(state: &State, run: &RunStarted) -> Plan {
    let runbook = &state.runbook;
    Plan {
        runbook: run.runbook.clone(),
        title: runbook.title.clone(),
        summary: runbook.summary.clone(),
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

fn escalation(escalated: &Escalated) -> Escalation {
    let acknowledged = escalated.acknowledged.as_ref();
    Escalation {
        at: escalated.at.at,
        after_s: escalated.after_s,
        to: escalated.to.clone(),
        contact: escalated.contact.clone(),
        acknowledged: acknowledged.map(|(at, by, note)| Acknowledged {
            at: at.at,
            by: by.clone(),
            note: note.clone(),
        }),
    }
}

fn issue(issue: &debrief::Issue) -> Issue {
    Issue {
        record: issue.seq,
        at: issue.at.at,
        by: issue.by.clone(),
        step: issue.step.clone(),
        severity: issue.severity,
        owner: issue.owner.clone(),
        due: issue.due,
        text: issue.text.clone(),
    }
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
