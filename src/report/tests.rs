use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::*;
use crate::engine::event::{
    Accepted, ApprovalGranted, ApprovalRequested, AttemptFinished, ByHand, Check, Consent, Ending,
    Expectation as Expected, KnownBy, Objective as Which, Output, Resolution, ResolvedBy,
    RunStarted, Seen, UnknownResolved,
};
use crate::engine::{AttemptId, Event, Fact, Mode, Outcome, Part, Recorded, Stamp, State};
use crate::journal::{self, Finding};
use crate::runbook::expr::Expr;
use crate::runbook::model::{self, Reviewed, Runbook, Verifies};
use crate::runbook::template::Template;
use crate::runbook::{Milestone, Value};

const ALICE: &str = "alice@bastion-1";

fn step(id: &str, title: &str) -> model::Step {
    model::Step::ad_hoc(id, title, "true").unwrap()
}

fn runbook() -> Runbook {
    Runbook {
        id: "aurora-pitr".into(),
        title: "Aurora | point in time <b>".into(),
        summary: None,
        version: Some("3".into()),
        owner: Some("platform-dba".into()),
        reviewed: Some(Reviewed { on: "2026-10-01".parse().unwrap(), by: "dba-lead".into() }),
        system: Some("loan database".into()),
        scope: Some("The cluster and its writer; not the readers".into()),
        success: Some("Row checks pass and the service answers".into()),
        tags: vec![],
        drill_every: None,
        objectives: model::Objectives {
            rto: Some(TimeDelta::minutes(30)),
            rpo: Some(TimeDelta::minutes(5)),
        },
        escalation: vec![],
        requires: model::Requires::default(),
        inputs: vec![],
        recovery_point: Some(Template::parse("${{ steps.rows.newest_row }}").unwrap()),
        steps: vec![
            model::Step {
                milestone: Some(Milestone::WritesStopped),
                ..step("stop", "Stop the writers")
            },
            model::Step {
                expect: vec![Expr::parse("result.exit == 0").unwrap()],
                budget: Some(TimeDelta::minutes(15)),
                ..step("restore", "Restore the cluster")
            },
            model::Step { verifies: Some(Verifies::Data), ..step("rows", "Check the rows") },
            step("snapshot", "Forensic snapshot"),
            model::Step {
                milestone: Some(Milestone::ServiceRestored),
                ..step("smoke", "The service answers")
            },
        ],
    }
}

fn attempt(step: &str, number: u32) -> AttemptId {
    AttemptId { step: step.into(), number, of: Part::Do }
}

/// Writes records the way a run does: a second apart.
pub(super) struct Run {
    records: Vec<Recorded>,
}

impl Run {
    fn new() -> Self {
        let mut run = Self { records: Vec::new() };
        run.add(Event::run(Fact::RunStarted(Box::new(RunStarted {
            run: "20261121T031000Z-aurora-pitr-k3f9".into(),
            runbook: "aurora-pitr".into(),
            runbook_sha256: "5e".repeat(32),
            settings_sha256: None,
            included: [].into(),
            mode: Mode::Drill,
            speed: None,
            phrase: None,
            targets: None,
            environment: Some("dr".into()),
            pins: BTreeMap::from([("aws.account".into(), "123456789012".into())]),
            tool: "0.1.0".into(),
            operator: ALICE.into(),
            identity: "self-declared".into(),
            incident: Some("INC-4211".into()),
            organisation: None,
            outage_start: "2026-11-21T03:00:00Z".parse().unwrap(),
            inputs: BTreeMap::from([
                ("restore_to".into(), Value::Timestamp("2026-11-21T03:07:30Z".parse().unwrap())),
                ("db_password".into(), Value::Secret("db_password".into())),
            ]),
            secrets: BTreeMap::from([("db_password".into(), "env:PGPASSWORD".into())]),
            env: BTreeMap::new(),
            auto: false,
            practice: false,
            seen: Some(Seen::Changed {
                run: "20260820T091500Z-aurora-pitr-0b1c".into(),
                sha256: "e5".repeat(32),
                files: vec!["runbook.yaml".into(), "included/verify.yaml".into()],
                accepted: Accepted::Shown,
            }),
            previous: None,
            signing: None,
            anchor: None,
        }))));
        run
    }

    fn add(&mut self, event: Event) -> &mut Self {
        let n = self.records.len();
        let start: chrono::DateTime<Utc> = "2026-11-21T03:10:00Z".parse().unwrap();
        let seconds = i64::try_from(n).unwrap();
        self.records.push(Recorded {
            seq: n as u64 + 1,
            stamp: Stamp {
                at: start + TimeDelta::seconds(seconds),
                boot: "b".into(),
                mono: n as u64 * 1_000_000_000,
            },
            by: ALICE.into(),
            event,
        });
        self
    }

    fn intend(&mut self, id: &AttemptId, consent: Option<Consent>) -> &mut Self {
        let request = json!({"action": "shell", "args": {"run": "restore `it` | tee\n```"}});
        if let Some(consent) = consent {
            let satisfied = Fact::GuardSatisfied { part: Part::Do, consent, request: "d1".into() };
            self.add(Event::step(&id.step, satisfied));
        }
        let intended = Fact::AttemptIntended { request, digest: "d1".into(), token: "t".into() };
        self.add(Event::attempt(id, intended));
        self.add(Event::attempt(id, Fact::AttemptStarted { pid: Some(7) }))
    }

    fn finish(&mut self, id: &AttemptId, outcome: Outcome, saved: &[(&str, Value)]) -> &mut Self {
        let held = outcome == Outcome::Succeeded;
        self.add(Event::attempt(
            id,
            Fact::AttemptFinished(Box::new(AttemptFinished {
                outcome,
                message: if held { "exit status 0" } else { "exit status 1: see \u{1b}[31mlog" }
                    .into(),
                result: Value::map([("exit", Value::Int(i64::from(!held)))]),
                expectations: vec![Expected {
                    expr: "result.exit == 0".into(),
                    held,
                    seen: format!("result.exit = {}", i32::from(!held)),
                }],
                saved: saved.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
                output: Some(Output {
                    file: format!("{}.log", id.file_stem()),
                    sha256: "0f".repeat(32),
                    bytes: 12,
                    cut: None,
                }),
            })),
        ))
    }

    fn succeed(&mut self, step: &str, saved: &[(&str, Value)]) -> &mut Self {
        let id = attempt(step, 1);
        self.intend(&id, Some(Consent::Confirmed)).finish(&id, Outcome::Succeeded, saved)
    }

    pub(super) fn report(&self) -> Report {
        let state = State::new(Arc::new(runbook())).apply_all(&self.records);
        let verdict = journal::Verdict {
            run: "20261121T031000Z-aurora-pitr-k3f9".into(),
            result: Finding::Consistent,
            records: self.records.len() as u64,
            head: "a3".repeat(32),
            signatures: vec![],
            signed_up_to: 0,
            audited: false,
            anchored_up_to: 0,
            problems: vec![],
            notes: vec![],
        };
        build(&state, &self.records, &Beside::of(verdict)).unwrap()
    }
}

/// A drill with a bit of everything: a refused guard, a failure, a crash, an unknown, a skip.
pub(super) fn eventful() -> Run {
    let mut run = Run::new();
    let attached = || Event::run(Fact::ConsoleAttached { pid: 7, tool: "0.1.0".into() });
    let pins = BTreeMap::from([("aws.account".into(), "123456789012".into())]);
    let check = Check { name: "psql".into(), ok: true, detail: "/usr/bin/psql".into() };
    run.add(attached());
    run.add(Event::run(Fact::Preflight { checks: vec![check], overridden: None }));
    run.succeed("stop", &[]);
    run.add(Event::step(
        "stop",
        Fact::MilestoneReached { milestone: Milestone::WritesStopped, reason: None },
    ));
    run.add(Event::step("restore", Fact::TargetVerified { pins }));
    let wrong = Fact::GuardRefused { part: Part::Do, reason: "typed `laonserve`".into() };
    run.add(Event::step("restore", wrong));
    let typed = |phrase: &str| Some(Consent::Typed { phrase: phrase.into() });
    let (first, second) = (attempt("restore", 1), attempt("restore", 2));
    run.intend(&first, typed("loanserve")).finish(&first, Outcome::Failed, &[]);
    run.intend(&second, typed("loanserve"));
    run.add(attached());
    run.add(Event::attempt(
        &second,
        Fact::UnknownResolved(Box::new(UnknownResolved {
            as_: Resolution::Succeeded,
            resolved_by: ResolvedBy::Operator,
            reason: "the console of AWS shows it".into(),
            result: Value::Null,
            saved: BTreeMap::new(),
        })),
    ));
    let newest = Value::Timestamp("2026-11-21T03:07:00Z".parse().unwrap());
    run.succeed("rows", &[("newest_row", newest)]);
    let reason = "no space; see `wiki` | <script>alert(1)</script>".into();
    let by_hand = ByHand { reason, saved: BTreeMap::new() };
    run.add(Event::step("snapshot", Fact::StepSkipped(by_hand)));
    run.succeed("smoke", &[]);
    run.add(Event::step(
        "smoke",
        Fact::MilestoneReached { milestone: Milestone::ServiceRestored, reason: None },
    ));
    run.add(Event::step("smoke", Fact::NoteAdded { text: "slow, ask the vendor".into() }));
    run.add(Event::run(Fact::EvidenceAttached {
        file: "graph.png".into(),
        sha256: "ee".repeat(32),
        bytes: 3,
        caption: "error rate".into(),
    }));
    run.add(Event::run(Fact::ClockStep { by_ms: -2500 }));
    run.add(Event::run(Fact::RunFinished { ending: Ending::Completed, reason: None }));
    run
}

#[test]
fn the_report_of_an_eventful_drill() {
    let report = eventful().report();
    insta::assert_snapshot!("eventful.md", markdown(&report));
    insta::assert_snapshot!("eventful.json", json(&report).unwrap());
}

#[test]
fn verdicts_are_said_each_on_its_own() {
    let verdicts = eventful().report().verdicts;
    assert_eq!(verdicts.recovery_time, Verdict::Met);
    assert_eq!(verdicts.data_loss, Verdict::Met);
    assert_eq!(verdicts.data_integrity, Verdict::Met);
    assert_eq!(verdicts.passed, Some(false));
    assert_eq!(verdicts.not_passed_because, ["step `snapshot` was skipped"]);
}

#[test]
fn a_run_that_has_just_begun_has_nothing_to_conclude() {
    let report = Run::new().report();
    assert_eq!(report.verdicts.ending, None);
    assert_eq!(report.verdicts.recovery_time, Verdict::NotMeasured);
    assert_eq!(report.verdicts.data_loss, Verdict::NotMeasured);
    assert_eq!(report.verdicts.data_integrity, Verdict::NotMeasured);
    assert_eq!(report.objectives.rto.actual_s, None);
    let text = markdown(&report);
    assert!(text.contains("not finished"), "{text}");
}

#[test]
fn a_missed_objective_and_a_verification_marked_done_are_not_met() {
    let mut run = Run::new();
    let by_hand = ByHand {
        reason: "looks fine".into(),
        saved: BTreeMap::from([(
            "newest_row".into(),
            Value::Timestamp("2026-11-21T02:40:00Z".parse().unwrap()),
        )]),
    };
    run.add(Event::step("rows", Fact::StepOverridden(by_hand)));
    let breached = Fact::ObjectiveBreached { objective: Which::Rpo, target_s: 300, actual_s: 1200 };
    run.add(Event::run(breached));
    run.add(Event::run(Fact::RunFinished { ending: Ending::Aborted, reason: Some("no".into()) }));
    let report = run.report();
    assert_eq!(report.verdicts.data_loss, Verdict::NotMet);
    assert_eq!(report.verdicts.data_integrity, Verdict::NotMet);
    assert_eq!(report.verdicts.passed, Some(false));
    let because = report.verdicts.not_passed_because.join("\n");
    for reason in ["aborted", "`rows` was marked done", "`smoke` has no outcome", "recovery point"]
    {
        assert!(because.contains(reason), "{reason}: {because}");
    }
    assert_eq!(report.objectives.rpo.actual_s, Some(1200));
}

#[test]
fn nothing_is_called_compliant_and_nothing_can_fool_a_reader() {
    let report = eventful().report();
    for text in [markdown(&report), json(&report).unwrap()] {
        assert!(text.contains("supports evidence for"));
        assert!(!text.to_lowercase().contains("complian"));
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    }
    let text = markdown(&report);
    // What stands between fences is text by definition.
    let outside: String = text.split("```").step_by(2).collect();
    assert!(!outside.contains("<script>"), "{text}");
    assert!(!text.contains("db_password: "), "{text}");
}

#[test]
fn a_rehearsal_is_not_judged_and_says_that_nothing_was_executed() {
    let mut run = eventful();
    if let Fact::RunStarted(started) = &mut run.records[0].event.fact {
        started.mode = Mode::Rehearsal;
    }
    let report = run.report();
    assert_eq!(report.verdicts.passed, None);
    assert_eq!(report.verdicts.not_judged, Some("a rehearsal executes nothing"));
    assert_eq!(report.verdicts.recovery_time, Verdict::NotMeasured);
    assert!(!report.interim);
    let page = html(&report);
    assert!(page.contains("Nothing was executed") && page.contains("not judged"), "{page}");
    let text = markdown(&report);
    assert!(text.contains("| Passed | not judged: a rehearsal executes nothing |"), "{text}");
    assert!(text.contains("**Rehearsal: nothing was executed."), "{text}");
    assert!(test_log(&report).contains("Result: not judged: nothing was executed\n"));
}

#[test]
fn a_broken_glass_is_in_red_until_somebody_approves_in_retrospect() {
    let mut run = Run::new();
    let asked = ApprovalRequested {
        part: Part::Do,
        attempt: 1,
        request: "d1".into(),
        target: BTreeMap::new(),
        by: vec!["bob".into()],
        count: 1,
        uid: 1001,
        head: "00".repeat(32),
    };
    run.add(Event::step("restore", Fact::ApprovalRequested(Box::new(asked))));
    let seq = run.records.len() as u64;
    let glass =
        Consent::BreakGlass { phrase: "without approval".into(), reason: "bob sleeps".into() };
    let id = attempt("restore", 1);
    run.intend(&id, Some(glass)).finish(&id, Outcome::Succeeded, &[]);
    let report = run.report();
    assert_eq!(report.approvals[0].standing, Answer::NotApproved);
    let page = html(&report);
    assert!(page.contains("<p class=\"warning alarm\""), "{page}");
    assert!(page.contains("<strong class=\"bad\">✗ ACTED ON WITHOUT APPROVAL"), "{page}");
    assert!(markdown(&report).contains("**✗ Step restore: ACTED ON WITHOUT APPROVAL"));

    let granted = ApprovalGranted {
        asked: seq,
        request: "d1".into(),
        approver: "bob".into(),
        known_by: KnownBy::LocalUser { uid: 1002 },
        afterwards: true,
    };
    run.add(Event::step("restore", Fact::ApprovalGranted(Box::new(granted))));
    let report = run.report();
    assert_eq!(report.approvals[0].standing, Answer::ApprovedAfterwards);
    assert!(!html(&report).contains("warning alarm"));
    let bob = report.people.involved.iter().find(|person| person.name == "bob").unwrap();
    assert_eq!(
        (bob.roles.as_slice(), bob.identity.as_str()),
        (&[Role::Approver][..], "local user, uid 1002")
    );
}
