//! The report for people.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::escape::{block, inline};
use super::model::{Answer, Attempt, Objective, Report, Role, Step};
use super::test_log::test_log;
use super::words::{self, plain, seconds, verdict_word, word};
use crate::engine::Mode;
use crate::runbook::value::timestamp_text;

/// The report as Markdown (tables as GitHub writes them).
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut doc = Doc::default();
    doc.line(&format!("# After-action report: {}", inline(&report.plan.title)));
    doc.line(&format!("> {}", inline(report.statement)));
    if report.identity.practice {
        doc.line(
            "**Practice against the embedded sandbox: it proves nothing about a real system.**",
        );
    }
    if report.interim {
        let as_of = timestamp_text(report.as_of);
        doc.line(&format!(
            "**The run had not finished at {as_of}: everything in here may yet change.**"
        ));
    }
    for one in report.approvals.iter().filter(|one| one.standing == Answer::NotApproved) {
        doc.line(&format!("**✗ Step {}: {}.**", inline(&one.step), inline(&words::answer(one))));
    }
    if report.identity.mode == Mode::Rehearsal {
        doc.line("**Rehearsal: nothing was executed. It proves nothing about a system.**");
    }
    verdicts(&mut doc, report);
    identity(&mut doc, report);
    plan(&mut doc, report);
    people(&mut doc, report);
    time(&mut doc, report);
    amended(&mut doc, report);
    objectives(&mut doc, report);
    steps(&mut doc, report);
    approvals(&mut doc, report);
    departures(&mut doc, report);
    kept(&mut doc, report);
    integrity(&mut doc, report);
    doc.heading("Sign-off");
    doc.line(&format!("Sign-off: {}.", inline(&report.integrity.sign_off)));
    sign_offs(&mut doc, report);
    doc.heading("Entry for a test log");
    doc.line(&block(&test_log(report)));
    doc.text
}

fn verdicts(doc: &mut Doc, report: &Report) {
    let verdicts = &report.verdicts;
    let objectives = &report.objectives;
    let against = |verdict, objective: &Objective| {
        format!("{}: {}", verdict_word(verdict), words::against(objective))
    };
    doc.table(
        &["Question", "Answer"],
        &[
            vec!["How the run ended".into(), words::ending(report)],
            vec!["Passed".into(), words::passed(report)],
            vec!["Recovery time (RTO)".into(), against(verdicts.recovery_time, &objectives.rto)],
            vec![
                "Data loss (RPO)".into(),
                format!(
                    "{}; {}",
                    against(verdicts.data_loss, &objectives.rpo),
                    words::basis(objectives.basis)
                ),
            ],
            vec!["Data integrity".into(), verdict_word(verdicts.data_integrity).into()],
        ],
    );
}

fn identity(doc: &mut Doc, report: &Report) {
    let identity = &report.identity;
    let pins = |pins: &std::collections::BTreeMap<String, String>| {
        let pins: Vec<_> = pins.iter().map(|(k, v)| format!("{k} = {v}")).collect();
        if pins.is_empty() { "none".to_owned() } else { pins.join(", ") }
    };
    doc.heading("Identity");
    doc.facts(&[
        ("Run", Some(identity.run.clone())),
        ("Mode", Some(word(&identity.mode))),
        ("Unattended", identity.unattended.then(|| "yes (--auto)".into())),
        ("Incident or ticket", identity.incident.clone()),
        ("Organisation", identity.organisation.clone()),
        ("System", identity.system.clone()),
        ("Environment", identity.environment.clone()),
        ("Allowed targets", identity.allowed_targets.as_ref().map(plain)),
        ("Target pins", Some(pins(&identity.pinned))),
        (
            "Target last proven",
            Some(identity.proven.as_ref().map_or_else(
                || "never".into(),
                |proven| format!("{}: {}", timestamp_text(proven.at), pins(&proven.pins)),
            )),
        ),
    ]);
}

fn plan(doc: &mut Doc, report: &Report) {
    let plan = &report.plan;
    doc.heading("Plan");
    let reviewed = plan
        .reviewed_on
        .map(|on| format!("{on} by {}", plan.reviewed_by.as_deref().unwrap_or("unknown")));
    doc.facts(&[
        ("Runbook", Some(plan.runbook.clone())),
        ("Version", plan.version.clone()),
        ("SHA-256", Some(plan.sha256.clone())),
        ("Known to the operator", plan.seen.as_ref().map(ToString::to_string)),
        ("Settings SHA-256", plan.settings_sha256.clone()),
        ("Owner", plan.owner.clone()),
        ("Last reviewed", reviewed),
        ("Scope", plan.scope.clone()),
        ("Success criteria", plan.success.clone()),
    ]);
    let inputs: Vec<_> = plan.inputs.iter().map(|(k, v)| vec![k.clone(), plain(v)]).collect();
    if !inputs.is_empty() {
        doc.table(&["Input", "Value"], &inputs);
    }
}

fn people(doc: &mut Doc, report: &Report) {
    let people = &report.people;
    doc.heading("People");
    let recorded = people.recorded_by.iter().map(|(by, n)| format!("{by} ({n} records)"));
    doc.facts(&[
        ("Operator", Some(format!("{} ({})", people.operator, people.identity))),
        ("Approvers", Some(names(report, Role::Approver))),
        ("Reviewers", Some(names(report, Role::Reviewer))),
        ("Observers", Some(people.observers.clone())),
        ("Recorded by", Some(recorded.collect::<Vec<_>>().join(", "))),
    ]);
}

/// Everybody who took part as this, and how each is known.
fn names(report: &Report, role: Role) -> String {
    let involved = report.people.involved.iter().filter(|person| person.roles.contains(&role));
    let names: Vec<_> = involved.map(|one| format!("{} ({})", one.name, one.identity)).collect();
    if names.is_empty() { "none recorded".into() } else { names.join(", ") }
}

fn sign_offs(doc: &mut Doc, report: &Report) {
    let rows: Vec<_> = report
        .sign_offs
        .iter()
        .map(|one| {
            vec![
                timestamp_text(one.at),
                format!("{} ({})", one.reviewer, one.identity),
                word(&one.decision),
                one.note.clone(),
                one.up_to_record.to_string(),
            ]
        })
        .collect();
    if !rows.is_empty() {
        doc.table(&["At", "Reviewer", "Decision", "Note", "Up to record"], &rows);
    }
}

fn approvals(doc: &mut Doc, report: &Report) {
    doc.heading("Approvals");
    let rows: Vec<_> = report
        .approvals
        .iter()
        .map(|approval| {
            vec![
                approval.record.to_string(),
                timestamp_text(approval.at),
                format!("{}.{}", approval.step, approval.attempt),
                words::wanted(approval),
                words::granted(approval).join("; "),
                words::answer(approval),
                approval.request.clone(),
            ]
        })
        .collect();
    let head = ["Record", "Asked", "Attempt", "Wanted", "Answers", "Standing", "Request SHA-256"];
    doc.rows(&head, &rows);
}

fn time(doc: &mut Doc, report: &Report) {
    let time = &report.time;
    let at =
        |at: Option<DateTime<Utc>>| Some(at.map_or_else(|| "not recorded".into(), timestamp_text));
    doc.heading("Time (UTC)");
    let jumps = time.clock_steps_ms.iter().map(|ms| format!("{ms} ms")).collect::<Vec<_>>();
    doc.facts(&[
        ("Start of the outage, as declared", at(time.outage_start)),
        ("Declared", at(time.declared)),
        ("Run started", at(Some(time.started))),
        ("Writes stopped", at(time.writes_stopped)),
        ("Service restored", at(time.service_restored)),
        ("Run closed", at(time.closed)),
        ("Where the time went", time.split.map(words::split)),
        ("Measured by", Some(time.clock.into())),
        ("Jumps of the wall clock", (!jumps.is_empty()).then(|| jumps.join(", "))),
    ]);
}

/// Starts of the outage that were amended, and escalation.
fn amended(doc: &mut Doc, report: &Report) {
    for one in &report.time.outage_start_amendments {
        doc.line(&inline(&format!(
            "The start of the outage was amended from {} to {} by {} at {}: {}. Counted from the earlier one the \
             recovery time is {}. It wants a reviewer's sign-off.",
            timestamp_text(one.from),
            timestamp_text(one.to),
            one.by,
            timestamp_text(one.at),
            one.reason,
            seconds(one.rto_s)
        )));
    }
    let rows: Vec<_> = report
        .escalations
        .iter()
        .map(|one| {
            let seen_to = one.acknowledged.as_ref().map_or_else(
                || "nobody".into(),
                |by| format!("{} at {} {}", by.by, timestamp_text(by.at), by.note),
            );
            vec![seconds(one.after_s), one.to.clone(), one.contact.clone(), seen_to]
        })
        .collect();
    if !rows.is_empty() {
        doc.table(&["Escalation after", "To", "Contact", "Seen to by"], &rows);
    }
}

fn objectives(doc: &mut Doc, report: &Report) {
    let objectives = &report.objectives;
    doc.heading("Objectives");
    let row = |name: &str, objective: &Objective| {
        let length = |s: Option<i64>| s.map_or_else(|| "none".into(), seconds);
        let met = match objective.met {
            Some(true) => "met",
            Some(false) => "not met",
            None => "cannot be said",
        };
        vec![name.into(), length(objective.target_s), length(objective.actual_s), met.into()]
    };
    doc.table(
        &["Objective", "Target", "Actual", "Result"],
        &[row("Recovery time", &objectives.rto), row("Recovery point", &objectives.rpo)],
    );
    doc.line(&inline(&words::loss(objectives)));
}

fn steps(doc: &mut Doc, report: &Report) {
    doc.heading("Steps");
    let rows: Vec<_> = report
        .steps
        .iter()
        .zip(1..)
        .map(|(step, n)| {
            vec![
                n.to_string(),
                step.title.clone(),
                step.outcome.as_ref().map_or_else(|| "none yet".into(), word),
                step.started.map_or_else(String::new, timestamp_text),
                step.ended.map_or_else(String::new, timestamp_text),
                step.seconds.map_or_else(String::new, seconds),
                step.attempts.len().to_string(),
            ]
        })
        .collect();
    doc.table(&["#", "Step", "Outcome", "Start", "End", "Took", "Attempts"], &rows);
    for (step, n) in report.steps.iter().zip(1..) {
        one_step(doc, step, n);
    }
}

fn one_step(doc: &mut Doc, step: &Step, n: u32) {
    doc.line(&format!("### {n}. {}", inline(&step.title)));
    let list = |items: &[String]| (!items.is_empty()).then(|| items.join("; "));
    let saved: Vec<_> = step.saved.iter().map(|(k, v)| format!("{k} = {}", plain(v))).collect();
    doc.facts(&[
        ("Step", Some(step.id.clone())),
        ("Action", Some(format!("{} ({})", step.action, step.effect.name()))),
        ("Added during the run", step.added.then(|| "yes".into())),
        ("Expected", list(&step.expected)),
        ("Verifies data", step.verifies_data.then(|| "yes".into())),
        ("Milestone", step.milestone.map(|m| m.name().into())),
        ("Outcome", Some(step.outcome.as_ref().map_or_else(|| "none yet".into(), word))),
        ("Why", (!step.why.is_empty()).then(|| step.why.clone())),
        ("Target time", step.budget_s.map(seconds)),
        ("Saved", list(&saved)),
        ("Guard refused", list(&step.refused)),
        ("Deviations", list(&step.deviations)),
    ]);
    let mut shown = None;
    for attempt in &step.attempts {
        let again = shown == Some(&attempt.digest);
        one_attempt(doc, attempt, again);
        shown = Some(&attempt.digest);
    }
}

fn one_attempt(doc: &mut Doc, attempt: &Attempt, same_request: bool) {
    let stale = if attempt.stale { ", no longer counts" } else { "" };
    doc.line(&format!(
        "**Attempt {} ({}): {}{stale}**",
        attempt.number,
        word(&attempt.of),
        inline(attempt.outcome)
    ));
    let output = attempt.output.as_ref().map(|output| {
        let cut = output.cut.as_ref().map_or(String::new(), |cut| format!("; {cut}"));
        format!("output/{}, {} bytes, SHA-256 {}{cut}", output.file, output.bytes, output.sha256)
    });
    let expectations: Vec<_> = attempt
        .expectations
        .iter()
        .map(|e| {
            format!("{}: {} ({})", if e.held { "held" } else { "did not hold" }, e.expr, e.seen)
        })
        .collect();
    doc.facts(&[
        ("Who, and how", Some(format!("{}, {}", attempt.by, attempt.consent))),
        ("Start", Some(timestamp_text(attempt.started))),
        ("End", attempt.ended.map(timestamp_text)),
        ("Took", attempt.seconds.map(seconds)),
        ("Message", Some(attempt.message.clone())),
        ("Expectations", (!expectations.is_empty()).then(|| expectations.join("; "))),
        ("Cancelled", attempt.cancelled.clone()),
        ("Output", output),
        ("Request SHA-256", Some(attempt.digest.clone())),
    ]);
    if same_request {
        doc.line("The request was the same.");
    } else {
        let request = serde_json::to_string_pretty(&attempt.request).unwrap_or_default();
        doc.line(&block(&request));
    }
}

fn departures(doc: &mut Doc, report: &Report) {
    doc.heading("Deviations");
    let rows: Vec<_> = report
        .deviations
        .iter()
        .map(|d| {
            let step = d.step.clone().unwrap_or_default();
            vec![
                d.record.to_string(),
                timestamp_text(d.at),
                d.by.clone(),
                step,
                d.kind.into(),
                d.text.clone(),
            ]
        })
        .collect();
    doc.rows(&["Record", "At", "By", "Step", "Kind", "Reason"], &rows);
    doc.heading("Unknown outcomes");
    let rows: Vec<_> = report
        .unknowns
        .iter()
        .map(|unknown| {
            let attempt = format!("{}.{}", unknown.step, unknown.attempt);
            match &unknown.resolved {
                None => vec![
                    attempt,
                    String::new(),
                    "still unknown".into(),
                    String::new(),
                    String::new(),
                ],
                Some(r) => vec![
                    attempt,
                    timestamp_text(r.at),
                    word(&r.outcome),
                    word(&r.by),
                    r.reason.clone(),
                ],
            }
        })
        .collect();
    doc.rows(&["Attempt", "Resolved at", "As", "By", "What was seen"], &rows);
}

fn kept(doc: &mut Doc, report: &Report) {
    doc.heading("Preflight");
    let rows: Vec<_> = report
        .preflight
        .iter()
        .map(|c| vec![c.name.clone(), if c.ok { "ok" } else { "not ok" }.into(), c.detail.clone()])
        .collect();
    doc.rows(&["Check", "Result", "Seen"], &rows);
    doc.heading("Notes, issues and lessons");
    let rows: Vec<_> = report
        .notes
        .iter()
        .map(|note| {
            let step = note.step.clone().unwrap_or_default();
            vec![timestamp_text(note.at), note.by.clone(), step, note.text.clone()]
        })
        .collect();
    doc.rows(&["At", "By", "Step", "Note"], &rows);
    if report.issues.is_empty() {
        doc.line("No issue was recorded.");
    } else {
        let rows: Vec<_> = report
            .issues
            .iter()
            .map(|issue| {
                vec![
                    word(&issue.severity),
                    issue.text.clone(),
                    issue.step.clone().unwrap_or_default(),
                    issue.owner.clone(),
                    issue.due.to_string(),
                    issue.by.clone(),
                ]
            })
            .collect();
        doc.table(&["Severity", "Issue", "Step", "Owner", "Due", "Found by"], &rows);
    }
    for lesson in &report.lessons {
        doc.text.push_str(&format!(
            "- Lesson: {} ({})\n",
            inline(&lesson.text),
            inline(&lesson.by)
        ));
    }
    doc.text.push('\n');
    doc.heading("Evidence");
    let rows: Vec<_> = report
        .evidence
        .iter()
        .map(|e| {
            let step = e.step.clone().unwrap_or_default();
            vec![
                timestamp_text(e.at),
                step,
                format!("evidence/{}", e.file),
                e.caption.clone(),
                e.sha256.clone(),
            ]
        })
        .collect();
    doc.rows(&["At", "Step", "File", "What it shows", "SHA-256"], &rows);
}

fn integrity(doc: &mut Doc, report: &Report) {
    let integrity = &report.integrity;
    doc.heading("Integrity");
    doc.facts(&[
        ("Records", Some(integrity.records.to_string())),
        ("Head", Some(integrity.head.clone())),
        ("Verified when this was written", Some(integrity.verified.clone())),
        ("Signatures", Some(integrity.signatures.clone())),
        ("Anchors", Some(anchors(report))),
        ("Tool", Some(format!("steadyhand {}", integrity.tool))),
        ("Run before this one", integrity.previous.clone()),
    ]);
    if !integrity.checkpoints.is_empty() {
        let rows: Vec<_> = integrity
            .checkpoints
            .iter()
            .map(|one| {
                vec![
                    one.record.to_string(),
                    timestamp_text(one.at),
                    one.file.clone(),
                    one.key.clone(),
                ]
            })
            .collect();
        doc.rows(&["Signed up to record", "At", "File", "Key"], &rows);
    }
    for text in integrity.problems.iter().chain(&integrity.notices) {
        doc.text.push_str(&format!("- {}\n", inline(text)));
    }
    doc.text.push('\n');
    doc.line(words::HONESTLY);
}

fn anchors(report: &Report) -> String {
    let anchors = report.integrity.anchors.iter().map(|one| {
        let objects = one.objects.iter().map(|o| format!("{} version {}", o.key, o.version));
        format!(
            "up to record {} in {} until {} ({})",
            one.record,
            one.bucket,
            timestamp_text(one.retain_until),
            objects.collect::<Vec<_>>().join(", ")
        )
    });
    let anchors: Vec<_> = anchors.collect();
    if anchors.is_empty() { "none".into() } else { anchors.join("; ") }
}

/// Markdown in the making.
#[derive(Default)]
struct Doc {
    text: String,
}

impl Doc {
    /// A paragraph of our own markup.
    fn line(&mut self, markup: &str) {
        self.text.push_str(markup.trim_end());
        self.text.push_str("\n\n");
    }

    fn heading(&mut self, title: &str) {
        self.line(&format!("## {title}"));
    }

    /// A table of names and values; absent ones are left out.
    fn facts(&mut self, facts: &[(&str, Option<String>)]) {
        let rows: Vec<_> = facts
            .iter()
            .filter_map(|(name, value)| Some(vec![(*name).to_owned(), value.clone()?]))
            .collect();
        self.table(&["", ""], &rows);
    }

    /// A table, or the word that there is nothing to put in it.
    fn rows(&mut self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            self.line("None.");
        } else {
            self.table(head, rows);
        }
    }

    fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let head: Vec<_> = head.iter().map(|&cell| cell.to_owned()).collect();
        self.row(&head);
        self.text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
        for row in rows {
            self.row(row);
        }
        self.text.push('\n');
    }

    fn row(&mut self, cells: &[String]) {
        self.text.push('|');
        for cell in cells {
            // Writing to a string does not fail.
            let _ = write!(self.text, " {} |", inline(cell));
        }
        self.text.push('\n');
    }
}
