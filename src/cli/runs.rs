//! `steady runs`: what was run, how it ended, and how long it took.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;

use super::{Globals, USAGE, fail, print_json};
use crate::catalogue::{Measured, PastRun, past_runs};
use crate::runbook::model::Mode;
use crate::runbook::value::duration_text;

/// Arguments of `steady runs`.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(globals: &Globals, args: &RunsArgs) -> ExitCode {
    let runs = match globals.runs_dir() {
        Ok(runs) => runs,
        Err(message) => return fail(USAGE, message),
    };
    let past = match past_runs(&runs) {
        Ok(past) => past,
        Err(message) => return fail(1, message),
    };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        print_json(&json!({ "runs": past }))
    } else if past.is_empty() {
        writeln!(std::io::stdout(), "no runs in {}", runs.display())
    } else {
        std::io::stdout().lock().write_all(as_text(&past).as_bytes())
    };
    ExitCode::SUCCESS
}

fn as_text(past: &[PastRun]) -> String {
    let ids = past.iter().map(|run| run.run.len()).max().unwrap_or(0).max("RUN".len());
    let mut text = format!(
        "{:ids$}  {:9}  {:10}  {:>16}  {:>16}  DEVIATIONS\n",
        "RUN", "MODE", "OUTCOME", "RTO", "RPO"
    );
    for run in past {
        let mode = match run.mode {
            _ if run.practice => "practice",
            Some(Mode::Live) => "live",
            Some(Mode::Drill) => "drill",
            Some(Mode::Rehearsal) => "rehearsal",
            None => "-",
        };
        let outcome = match run.passed {
            Some(true) => "passed",
            Some(false) | None => run.outcome.name(),
        };
        let (rto, rpo) = (measured(&run.rto), measured(&run.rpo));
        let line = format!(
            "{:ids$}  {mode:9}  {outcome:10}  {rto:>16}  {rpo:>16}  {}\n",
            run.run, run.deviations
        );
        text.push_str(&line);
        if let Some(problem) = &run.problem {
            text.push_str(&format!("{:ids$}  {problem}\n", ""));
        }
    }
    text
}

/// `26m10s/30m ok`: actual, objective, met.
fn measured(measured: &Measured) -> String {
    let length = |s: Option<i64>| {
        s.and_then(chrono::TimeDelta::try_seconds).map_or("-".to_owned(), duration_text)
    };
    let met = match measured.met {
        Some(true) => " ok",
        Some(false) => " missed",
        None => "",
    };
    format!("{}/{}{met}", length(measured.actual_s), length(measured.target_s))
}
