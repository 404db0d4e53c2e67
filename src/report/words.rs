//! The report's words, the same in every medium.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::model::{Answer, Approval, Basis, Objective, Objectives, Report, Split, Verdict};
use crate::engine::clock::Certainty;
use crate::engine::event::Ending;
use crate::runbook::value::duration_text;

/// A length of time as runbooks write it.
pub(super) fn seconds(s: i64) -> String {
    TimeDelta::try_seconds(s).map_or_else(|| format!("{s}s"), duration_text)
}

/// A moment for people: whole seconds, UTC.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A word of ours as it is written in the record.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    }
}

/// A value as one line of text.
pub(super) fn plain(json: &serde_json::Value) -> String {
    match json {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not met",
        Verdict::NotMeasured => "not measured",
        Verdict::NotAsked => "nothing asked for",
    }
}

/// Actual against target.
pub(super) fn against(objective: &Objective) -> String {
    let actual = objective.actual_s.map_or_else(|| "no actual value".into(), seconds);
    match objective.target_s {
        Some(target) => format!("{actual} against {}", seconds(target)),
        None => format!("{actual}, no objective"),
    }
}

/// Whether the run passed, and why not.
pub(super) fn passed(report: &Report) -> String {
    let verdicts = &report.verdicts;
    match (verdicts.passed, verdicts.not_judged) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), _) => format!("no: {}", verdicts.not_passed_because.join("; ")),
        (None, Some(why)) => format!("not judged: {why}"),
        (None, None) => "not finished".to_owned(),
    }
}

/// Where a request for approval stands.
pub(super) fn answer(approval: &Approval) -> String {
    let standing = match approval.standing {
        Answer::Approved => "approved",
        Answer::ApprovedAfterwards => "acted on without, approved in retrospect",
        Answer::NotApproved => "ACTED ON WITHOUT APPROVAL, and not approved since",
        Answer::Declined => "declined",
        Answer::Void => "void",
        Answer::Awaited => "awaited",
    };
    let why = approval.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
    let glass = approval.broken_glass.as_ref();
    let glass =
        glass.map_or(String::new(), |g| format!("; glass broken by {}: {}", g.by, g.reason));
    format!("{standing}{why}{glass}")
}

/// Who agreed to it, and how each is known.
pub(super) fn granted(approval: &Approval) -> Vec<String> {
    let granted = approval.granted.iter().map(|grant| {
        let afterwards = if grant.afterwards { ", in retrospect" } else { "" };
        format!("{} ({}) at {}{afterwards}", grant.approver, grant.identity, moment(grant.at))
    });
    let refused = approval.refused.iter();
    let refused = refused.map(|one| format!("refused: {}: {}", one.approver, one.reason));
    granted.chain(refused).collect()
}

/// Who may approve it, and how many of them must.
pub(super) fn wanted(approval: &Approval) -> String {
    format!("{} of {}", approval.count, approval.wanted_by.join(", "))
}

/// How the run ended, with the reason.
pub(super) fn ending(report: &Report) -> String {
    let ending = match report.verdicts.ending {
        Some(Ending::Completed) => "completed",
        Some(Ending::Aborted) => "aborted",
        None => "not finished",
    };
    let reason = report.verdicts.reason.as_deref().map_or(String::new(), |r| format!(": {r}"));
    format!("{ending}{reason}")
}

/// What the loss is known from, in a few words.
pub(super) fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Achieved => "measured by a step",
        Basis::Stated => "from the point that a person stated, not measured",
        Basis::Requested => "from the point that was requested, not measured",
        Basis::NotMeasured => "no recovery point is known",
    }
}

/// What the loss is counted from and to.
pub(super) fn loss(objectives: &Objectives) -> String {
    let known = objectives.recovery_point.zip(objectives.loss_counted_to);
    let Some((point, until)) = known.map(|(point, until)| (moment(point), moment(until))) else {
        return "No recovery point is known: the loss of data was not measured.".into();
    };
    let clock = objectives.loss_clock.filter(|words| *words != Certainty::Verified.words());
    let clock = clock.map_or(String::new(), |words| format!(" ({words})"));
    let source = objectives.source.as_deref().map_or(String::new(), |s| format!(" ({s})"));
    let to = format!("to {until}, the later of the outage's start and the stop of writes{clock}");
    match objectives.basis {
        Basis::Achieved => {
            format!(
                "The loss is counted from {point}, the recovery point that a step measured{source}, {to}."
            )
        }
        Basis::Stated => {
            format!(
                "The recovery point {point} was stated by a person{source}; no step measured it. Counted {to}."
            )
        }
        Basis::Requested | Basis::NotMeasured => format!(
            "The recovery point {point} was requested{source}; no step measured what was achieved. Counted {to}."
        ),
    }
}

/// What the time went to.
pub(super) fn split(split: Split) -> String {
    format!(
        "{} before the run, {} at work, {} waiting for a person, {} waiting for an approval",
        seconds(split.before_s),
        seconds(split.machine_s),
        seconds(split.person_s),
        seconds(split.approval_s)
    )
}

/// What the chain holds, and what it does not.
pub(super) const HONESTLY: &str = "The chain alone stops nobody who holds the files. A copy of the head, kept where \
the operator cannot change it, does for everything before it, and so does a signed checkpoint whose key you know. \
VERIFY.txt in the run directory says how to check it without this tool.";
