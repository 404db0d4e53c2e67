//! The run as one entry of a log of recovery tests: nine lines, each a name and a value.

use super::model::{Basis, Report};
use super::words::{seconds, word};
use crate::ingest::sanitise;

/// The entry, as a reader of such logs expects it. Times are UTC.
#[must_use]
pub fn test_log(report: &Report) -> String {
    let time = &report.time;
    let objectives = &report.objectives;
    let clock = |at: chrono::DateTime<chrono::Utc>| at.format("%H:%M:%S").to_string();
    let rto = objectives.rto.actual_s.map_or_else(|| "not measured".into(), minutes);
    let rpo = match (objectives.rpo.actual_s, objectives.basis) {
        (Some(s), Basis::Achieved) => seconds(s),
        (Some(s), Basis::Stated) => format!("{} (stated, not measured)", seconds(s)),
        (Some(s), Basis::Requested | Basis::NotMeasured) => {
            format!("{} (requested, not measured)", seconds(s))
        }
        (None, _) => "not measured".into(),
    };
    let result = match report.verdicts.passed {
        Some(true) => "PASS",
        Some(false) => "FAIL",
        None if report.verdicts.not_judged.is_some() => "not judged: nothing was executed",
        None => "not finished",
    };
    let lines = [
        ("Date", time.started.format("%Y-%m-%d").to_string()),
        ("Test", report.plan.title.clone()),
        ("Operator", report.people.operator.clone()),
        ("Start Time", clock(time.started)),
        ("End Time", time.closed.map_or_else(|| "not finished".into(), clock)),
        ("Actual RTO", rto),
        ("Actual RPO", rpo),
        ("Result", result.into()),
        ("Notes", notes(report)),
    ];
    lines.iter().map(|(name, value)| format!("{name}: {}\n", one_line(value))).collect()
}

/// Minutes, as the log asks for, to a tenth.
#[expect(clippy::cast_precision_loss, reason = "a run lasts less than 2^53 seconds")]
fn minutes(s: i64) -> String {
    let minutes = format!("{:.1}", s as f64 / 60.0);
    format!("{} minutes", minutes.trim_end_matches(".0"))
}

/// What stands in the way of a pass, then what departed from the straight path, then what people wrote.
fn notes(report: &Report) -> String {
    let because = report.verdicts.not_passed_because.iter().cloned();
    let deviations = report.deviations.iter().map(|deviation| {
        let step = deviation.step.as_deref().map_or(String::new(), |step| format!("{step} "));
        format!("{step}{}: {}", deviation.kind, deviation.text)
    });
    let issues = report.issues.iter().map(|issue| {
        format!(
            "issue ({}): {}, {} by {}",
            word(&issue.severity),
            issue.text,
            issue.owner,
            issue.due
        )
    });
    let notes = report.notes.iter().map(|note| note.text.clone());
    let all: Vec<String> = because.chain(deviations).chain(issues).chain(notes).collect();
    if all.is_empty() { "none".into() } else { all.join("; ") }
}

fn one_line(text: &str) -> String {
    sanitise(text).split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}
