//! A small run for tests: every shape of fact, written through the real writer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{NewRun, create_run, sha256_hex};
use crate::engine::event::{
    Anchored, Archived, AttemptFinished, ByHand, Consent, Ending, Expectation, IssueFound, Kept,
    Occasion, Output, Previous, Resolution, ResolvedBy, RunStarted, Severity, UnknownResolved,
};
use crate::engine::{AttemptId, Event, Fact, Mode, Outcome, Part, Recorded, Stamp};
use crate::runbook::{Milestone, Value};

pub(crate) const RUN: &str = "20261121T031000Z-aurora-pitr-k3f9";
pub(crate) const RUNBOOK: &[u8] = b"steadyhand: 1\nid: aurora-pitr\n";
pub(crate) const SETTINGS: &[u8] = b"environments: {}\n";
pub(crate) const OUTPUT: &[u8] = b"deployment scaled\n";
pub(crate) const BY: &str = "alice@bastion-1";

pub(crate) fn stamp(n: u64) -> Stamp {
    let start: DateTime<Utc> = "2026-11-21T03:10:00.118Z".parse().unwrap();
    Stamp {
        at: start + TimeDelta::seconds(i64::try_from(n).unwrap()),
        boot: "1c0ffee1".into(),
        mono: 9_007_199_254_740_993 + n * 1_000_000_000,
    }
}

pub(crate) fn started(run: &str, previous: Option<Previous>) -> Event {
    Event::run(Fact::RunStarted(Box::new(RunStarted {
        run: run.into(),
        runbook: "aurora-pitr".into(),
        runbook_sha256: sha256_hex(RUNBOOK),
        settings_sha256: Some(sha256_hex(SETTINGS)),
        included: [].into(),
        mode: Mode::Drill,
        speed: None,
        phrase: None,
        targets: None,
        environment: Some("dr".into()),
        pins: BTreeMap::from([("aws.account".into(), "123456789012".into())]),
        tool: "0.1.0".into(),
        operator: BY.into(),
        identity: "self-declared".into(),
        incident: Some("INC-4211".into()),
        organisation: None,
        outage_start: "2026-11-21T03:00:00Z".parse().unwrap(),
        inputs: BTreeMap::from([
            ("restore_to".into(), Value::Timestamp("2026-11-21T02:54:00Z".parse().unwrap())),
            ("window".into(), Value::Duration(TimeDelta::minutes(5))),
            ("db_password".into(), Value::Secret("db_password".into())),
        ]),
        secrets: BTreeMap::new(),
        env: BTreeMap::new(),
        auto: false,
        practice: false,
        seen: None,
        previous,
        signing: None,
        anchor: None,
    })))
}

fn finished(outcome: Outcome, output: Option<Output>) -> Fact {
    Fact::AttemptFinished(Box::new(AttemptFinished {
        outcome,
        message: "exit status 0".into(),
        result: Value::map([("exit", Value::Int(0)), ("share", Value::Float(0.25))]),
        expectations: vec![Expectation {
            expr: "result.exit == 0".into(),
            held: true,
            seen: "0".into(),
        }],
        saved: BTreeMap::from([("newest_row".into(), Value::String("a\u{2028}b\n".into()))]),
        output,
    }))
}

fn anchored() -> Anchored {
    Anchored {
        anchor: 14,
        head: "ab".into(),
        what: Kept::Archive,
        bucket: "drills".into(),
        retain_until: "2033-11-21T03:10:12Z".parse().unwrap(),
        objects: vec![Archived {
            key: format!("steady/{RUN}/14-abababab/journal.jsonl"),
            version: "3".into(),
            sha256: sha256_hex(b"journal"),
            bytes: 7,
        }],
    }
}

/// Everything after `run_started`.
pub(crate) fn story() -> Vec<Event> {
    let stop = AttemptId { step: "stop_writers".into(), number: 1, of: Part::Do };
    let probe = AttemptId { step: "restore".into(), number: 2, of: Part::Probe };
    let output = Output {
        file: format!("{}.log", stop.file_stem()),
        sha256: sha256_hex(OUTPUT),
        bytes: OUTPUT.len() as u64,
        cut: None,
    };
    let consent = Consent::Typed { phrase: "loanserve".into() };
    vec![
        Event::run(Fact::ConsoleAttached { pid: 7, tool: "0.1.0".into() }),
        Event::step(
            "stop_writers",
            Fact::GuardSatisfied { part: Part::Do, consent, request: "ab".into() },
        ),
        Event::attempt(
            &stop,
            Fact::AttemptIntended {
                request: json!({"action": "shell", "args": {"run": "true"}}),
                digest: "ab".into(),
                token: "t".into(),
            },
        ),
        Event::attempt(&stop, Fact::AttemptStarted { pid: Some(8) }),
        Event::attempt(
            &stop,
            Fact::AttemptProgress { message: "half".into(), fraction: Some(0.5) },
        ),
        Event::attempt(&stop, finished(Outcome::Succeeded, Some(output))),
        Event::step(
            "stop_writers",
            Fact::MilestoneReached { milestone: Milestone::WritesStopped, reason: None },
        ),
        Event::attempt(
            &probe,
            Fact::UnknownResolved(Box::new(UnknownResolved {
                as_: Resolution::NotDone,
                resolved_by: ResolvedBy::Probe,
                reason: "nothing there".into(),
                result: Value::Null,
                saved: BTreeMap::new(),
            })),
        ),
        Event::step(
            "smoke",
            Fact::StepSkipped(ByHand { reason: "no URL".into(), saved: BTreeMap::new() }),
        ),
        Event::run(Fact::RunContinued {}),
        Event::run(Fact::RunFinished { ending: Ending::Completed, reason: None }),
    ]
}

/// What may be said once the run is over; not part of the run that [`write`] makes.
pub(crate) fn afterwards() -> Vec<Event> {
    vec![
        Event::run(Fact::IssueFound(IssueFound {
            severity: Severity::High,
            owner: "platform-dba".into(),
            due: "2026-12-18".parse().unwrap(),
            text: "the runbook names a host that is gone".into(),
        })),
        Event::run(Fact::LessonLearned { text: "ask for the password first".into() }),
        Event::run(Fact::Anchored(Box::new(anchored()))),
        Event::run(Fact::AnchorFailed { anchor: 15, reason: "no such bucket".into() }),
        Event::run(Fact::NotificationSent {
            hook: "slack 1".into(),
            about: 1,
            occasion: Occasion::Start,
        }),
        Event::run(Fact::NotificationFailed {
            hook: "json 2".into(),
            about: 12,
            occasion: Occasion::End,
            reason: "status 500".into(),
        }),
    ]
}

pub(crate) fn records() -> Vec<Recorded> {
    std::iter::once(started(RUN, None))
        .chain(story())
        .zip(1..)
        .map(|(event, seq)| Recorded { seq, stamp: stamp(seq), by: BY.into(), event })
        .collect()
}

/// Writes the whole run under `runs` and returns its directory.
pub(crate) fn write(runs: &Path) -> PathBuf {
    write_as(runs, RUN, None)
}

pub(crate) fn write_as(runs: &Path, run: &str, previous: Option<Previous>) -> PathBuf {
    let new = NewRun {
        runs,
        id: run,
        runbook: RUNBOOK,
        settings: Some(SETTINGS),
        included: &[],
        shared: false,
    };
    let mut journal = create_run(&new, stamp(1), BY, vec![started(run, previous)])
        .expect("a run is made")
        .journal;
    std::fs::write(journal.dir().join("output/stop_writers.1.log"), OUTPUT).unwrap();
    for (event, n) in story().into_iter().zip(2..) {
        journal.append(stamp(n), BY, event).unwrap();
    }
    journal.dir().to_owned()
}
