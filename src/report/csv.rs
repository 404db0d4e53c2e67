//! The report as CSV: one row a step, for a spreadsheet, with its attempts and deviations told in cells.
//!
//! A spreadsheet runs what begins like a formula, in a quoted cell too. Such a cell gets an apostrophe in
//! front, which spreadsheets take for "this is text".

use super::model::{Report, Step};
use super::words::{moment, seconds, word};
use crate::ingest::sanitise;

const HEAD: [&str; 20] = [
    "run",
    "runbook",
    "mode",
    "environment",
    "incident",
    "step_number",
    "step",
    "title",
    "action",
    "effect",
    "outcome",
    "started",
    "ended",
    "seconds",
    "budget_seconds",
    "attempts",
    "who",
    "why",
    "deviations",
    "output_sha256",
];

/// One row a step.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn csv(report: &Report) -> Result<String, csv::Error> {
    let rows = report.steps.iter().zip(1..).map(|(step, n)| row(report, step, n));
    table(&HEAD, rows)
}

fn row(report: &Report, step: &Step, n: u32) -> Vec<String> {
    let identity = &report.identity;
    let number = |n: Option<i64>| n.map_or_else(String::new, |n| n.to_string());
    let attempts = step.attempts.iter().map(|attempt| {
        let took = attempt.seconds.map_or(String::new(), |s| format!(" in {}", seconds(s)));
        format!("{}. {} {}{took}", attempt.number, word(&attempt.of), attempt.outcome)
    });
    let mut who: Vec<_> = step.attempts.iter().map(|attempt| attempt.by.as_str()).collect();
    who.dedup();
    let outputs = step.attempts.iter().filter_map(|attempt| attempt.output.as_ref());
    let hashes = outputs.map(|output| format!("{} {}", output.file, output.sha256));
    vec![
        identity.run.clone(),
        report.plan.runbook.clone(),
        word(&identity.mode),
        identity.environment.clone().unwrap_or_default(),
        identity.incident.clone().unwrap_or_default(),
        n.to_string(),
        step.id.clone(),
        step.title.clone(),
        step.action.into(),
        word(&step.effect),
        step.outcome.as_ref().map_or_else(|| "none yet".into(), word),
        step.started.map_or_else(String::new, moment),
        step.ended.map_or_else(String::new, moment),
        number(step.seconds),
        number(step.budget_s),
        attempts.collect::<Vec<_>>().join("; "),
        who.join("; "),
        step.why.clone(),
        step.deviations.join("; "),
        hashes.collect::<Vec<_>>().join("; "),
    ]
}

/// The backups of the run as the log of backup audits: its columns, one row a backup.
///
/// # Errors
/// None in practice: it is written to memory.
pub fn backup_audit(report: &Report) -> Result<String, csv::Error> {
    let head = ["DATE", "SNAPSHOT_ID", "TYPE", "STATUS", "SIZE_GB", "VERIFIED", "NOTES"];
    let rows = report.backups.iter().map(|backup| {
        vec![
            backup.date.to_string(),
            backup.id.clone(),
            backup.kind.clone(),
            backup.status.clone(),
            backup.size_gb.map_or_else(String::new, |gb| format!("{gb:.1}")),
            if backup.verified { "yes" } else { "no" }.into(),
            backup.notes.clone(),
        ]
    });
    table(&head, rows)
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row.iter().map(|text| cell(text)))?;
    }
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Text that no spreadsheet takes for anything else.
fn cell(text: &str) -> String {
    let clean = sanitise(text);
    // Some spreadsheets look past leading blanks, and some read full-width signs like the others.
    let first = clean.chars().find(|c| !c.is_whitespace() && !is_invisible(*c));
    let formula = matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    if formula { format!("'{clean}") } else { clean }
}

/// Of no width: what follows looks, and to some spreadsheets is, the first character.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_text() {
        let cases =
            ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\u{feff}=1", "\n=1"];
        for text in cases {
            let cell = cell(text);
            assert!(cell.starts_with('\''), "{text:?} becomes {cell:?}");
        }
        assert_eq!(cell("a=1"), "a=1");
        assert_eq!(cell("2026-11-21"), "2026-11-21");
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_or_leaves_its_place(
            texts in prop::collection::vec(any::<String>(), 3),
            lead in "[=+@\t\r\n \u{feff}\u{200b}'\"-]{0,4}",
        ) {
            let texts: Vec<String> = texts.iter().map(|text| format!("{lead}{text}")).collect();
            let written = table(&["a", "b", "c"], std::iter::once(texts)).unwrap();
            prop_assert!(!written.chars().any(|c| c.is_control() && c != '\n'));
            let mut reader = csv::Reader::from_reader(written.as_bytes());
            let records: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(records.len(), 1);
            prop_assert_eq!(records[0].len(), 3);
            for cell in &records[0] {
                let first = cell.chars().find(|c| !c.is_whitespace() && !is_invisible(*c));
                prop_assert!(!matches!(first, Some('=' | '+' | '-' | '@')), "{:?}", cell);
            }
        }
    }
}
