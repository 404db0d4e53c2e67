//! `steady compare`: two runs of one runbook side by side.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use super::runs::{length, measured};
use super::{Globals, USAGE, fail, print_json};
use crate::catalogue::{Comparison, Side, StepPair, StepSide, compare};
use crate::engine::Outcome;
use crate::ingest::sanitise;

/// Arguments of `steady compare`.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// A run: its id, the beginning of only one id, or a directory
    run: String,
    /// Another run of the same runbook
    other: String,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(globals: &Globals, args: &CompareArgs) -> ExitCode {
    let compared = globals
        .find_run(&args.run)
        .and_then(|one| Ok((one, globals.find_run(&args.other)?)))
        .and_then(|(one, other)| compare(&one, &other));
    let compared = match compared {
        Ok(compared) => compared,
        Err(message) => return fail(USAGE, message),
    };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        print_json(&compared)
    } else {
        std::io::stdout().lock().write_all(as_text(&compared).as_bytes())
    };
    ExitCode::SUCCESS
}

/// One line of the table: what it is, and what it is in each run.
type Row = (String, [String; 2], String);

fn as_text(compared: &Comparison) -> String {
    let [one, other] = &compared.runs;
    let mut text = format!("{}\n", compared.runbook);
    for (run, number) in [(one, 1), (other, 2)] {
        let _ = writeln!(text, "  {number}  {}  by {}", run.run, run.operator);
    }
    for warning in &compared.warnings {
        let _ = writeln!(text, "  !  {warning}");
    }
    text.push('\n');
    let whole = [
        row("result", compared, result),
        row("recovery time", compared, |run| measured(&run.rto)),
        row("recovery point", compared, |run| measured(&run.rpo)),
        time("  before the run", compared, |time| time.before_s),
        time("  machine", compared, |time| time.machine_s),
        time("  waiting for a person", compared, |time| time.person_s),
        time("  waiting for approval", compared, |time| time.approval_s),
        row("deviations", compared, |run| run.deviations.to_string()),
    ];
    let steps = compared.steps.iter().map(step_row);
    let rows: Vec<Row> = whole.into_iter().chain(steps).collect();
    let width = |of: &dyn Fn(&Row) -> &str| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0)
    };
    let names = width(&|row| &row.0);
    let (left, right) = (width(&|row| &row.1[0]), width(&|row| &row.1[1]));
    for (at, (name, [one, other], change)) in rows.iter().enumerate() {
        if at + compared.steps.len() == rows.len() {
            text.push('\n');
        }
        let line = format!("{name:names$}  {one:>left$}  {other:>right$}  {change}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str("\nThe runbook: ");
    if compared.runbook_diff.is_empty() {
        text.push_str("the same, byte for byte\n");
    } else {
        text.push_str("from 1 to 2\n");
        for line in &compared.runbook_diff {
            let _ = writeln!(text, "  {}", sanitise(line.as_bytes()));
        }
    }
    text
}

fn row(name: &str, compared: &Comparison, of: impl Fn(&Side) -> String) -> Row {
    let [one, other] = &compared.runs;
    (name.to_owned(), [of(one), of(other)], String::new())
}

fn time(name: &str, compared: &Comparison, of: impl Fn(&crate::catalogue::Time) -> i64) -> Row {
    let seconds = |run: &Side| run.time.as_ref().map(&of);
    let [one, other] = &compared.runs;
    let (a, b) = (seconds(one), seconds(other));
    (name.to_owned(), [length(a), length(b)], change(a, b))
}

fn result(run: &Side) -> String {
    match run.passed {
        Some(true) => "passed".to_owned(),
        Some(false) => format!("{}, not passed", run.outcome.name()),
        None => run.outcome.name().to_owned(),
    }
}

fn step_row(pair: &StepPair) -> Row {
    let [one, other] = &pair.runs;
    let seconds = |side: &Option<StepSide>| side.as_ref().and_then(|side| side.seconds);
    let mut remarks = vec![change(seconds(one), seconds(other))];
    for (number, side) in [(1, one), (2, other)] {
        let said: Vec<&str> =
            side.iter().flat_map(|side| &side.deviations).map(String::as_str).collect();
        if !said.is_empty() {
            remarks.push(format!("{number}: {}", said.join(", ")));
        }
    }
    remarks.retain(|remark| !remark.is_empty());
    (pair.id.clone(), [step_side(one.as_ref()), step_side(other.as_ref())], remarks.join("; "))
}

/// `3m12s`, `skipped`, `failed 2m (3 attempts)`
fn step_side(side: Option<&StepSide>) -> String {
    let Some(side) = side else { return "no such step".to_owned() };
    let word = match side.outcome {
        None => "-",
        Some(Outcome::Succeeded) => "",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Unknown) => "unknown",
        Some(Outcome::Skipped) => "skipped",
        Some(Outcome::NotApplicable) => "n/a",
        Some(Outcome::Overridden) => "marked done",
    };
    let took = side.seconds.map(|seconds| length(Some(seconds)));
    let tried = (side.attempts > 1).then(|| format!("({} attempts)", side.attempts));
    let parts = [Some(word.to_owned()).filter(|word| !word.is_empty()), took, tried];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "done".to_owned() } else { parts.join(" ") }
}

/// `+1m20s`: how much longer the other one took.
fn change(one: Option<i64>, other: Option<i64>) -> String {
    match one.zip(other).map(|(one, other)| other - one) {
        None | Some(0) => String::new(),
        Some(more) if more > 0 => format!("+{}", length(Some(more))),
        Some(less) => format!("-{}", length(Some(-less))),
    }
}
