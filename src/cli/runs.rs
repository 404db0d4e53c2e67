//! `steady runs`: what each runbook's drills come to, what was run, how it ended, and how long it took.

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Globals, USAGE, fail, print_json};
use crate::catalogue::{Drill, Measured, PastRun, Practised, past_runs, practised};
use crate::runbook::model::Mode;
use crate::runbook::value::duration_text;

/// Arguments of `steady runs`.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
    /// Only the runbooks whose drill is overdue (their `drill_every`); exits 1 when there are any
    #[arg(long)]
    overdue: bool,
}

pub(super) fn run(globals: &Globals, args: &RunsArgs) -> ExitCode {
    let runs = match globals.runs_dir() {
        Ok(runs) => runs,
        Err(message) => return fail(USAGE, message),
    };
    let past = match past_runs(&runs) {
        Ok(past) => past,
        Err(message) => return fail(USAGE, message),
    };
    let now = Utc::now();
    let runbooks = globals.catalogue().map(|catalogue| practised(&catalogue, &past, now));
    if args.overdue {
        // Without the runbooks nobody can say what is overdue: that is no 0 and no 1.
        return runbooks.map_or_else(|why| fail(USAGE, why), |all| overdue(&all, args.json));
    }
    // Runbooks that cannot be read are no reason to hide the runs.
    let runbooks = runbooks.unwrap_or_else(|why| {
        eprintln!("steady: the drills of runbooks are not shown: {why}");
        Vec::new()
    });
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        print_json(&json!({ "runs": past, "runbooks": runbooks }))
    } else {
        let mut text = drills(&runbooks);
        if past.is_empty() {
            let _ = writeln!(text, "no runs in {}", runs.display());
        } else {
            text.push_str(&as_text(&past));
        }
        std::io::stdout().lock().write_all(text.as_bytes())
    };
    ExitCode::SUCCESS
}

/// Which drills are overdue and since when; 1 when any is, or when nobody can tell of one.
fn overdue(runbooks: &[Practised], as_json: bool) -> ExitCode {
    let late: Vec<&Practised> =
        runbooks.iter().filter(|r| r.overdue || r.broken.is_some()).collect();
    let _ = if as_json {
        print_json(&json!({ "overdue": late }))
    } else {
        let mut text: String = late.iter().map(|runbook| late_line(runbook)).collect();
        if late.is_empty() {
            let asked = runbooks.iter().filter(|r| r.drill_every_s.is_some()).count();
            text = format!("no drill is overdue; {asked} runbooks ask for drills\n");
        }
        std::io::stdout().lock().write_all(text.as_bytes())
    };
    ExitCode::from(u8::from(!late.is_empty()))
}

fn late_line(runbook: &Practised) -> String {
    let id = &runbook.id;
    if let (Some(why), false) = (&runbook.broken, runbook.overdue) {
        return format!("{id}: nobody can tell, the runbook cannot be read: {why}\n");
    }
    let every = length(runbook.drill_every_s);
    let last = match (&runbook.history.last_passed, &runbook.history.last) {
        (Some(passed), _) => format!("the last one passed {} ({})", day(passed.at), passed.run),
        (None, Some(last)) => {
            format!("none has passed; the last one {} ({})", word(last), last.run)
        }
        (None, None) => "there was none".to_owned(),
    };
    let since = runbook.overdue_since.map(|at| format!(" since {}", day(at))).unwrap_or_default();
    format!("{id}: overdue{since}; one is wanted every {every}, {last}\n")
}

/// One line a runbook that wants drills or had any.
fn drills(runbooks: &[Practised]) -> String {
    let shown: Vec<&Practised> = runbooks
        .iter()
        .filter(|runbook| runbook.drill_every_s.is_some() || runbook.history.last.is_some())
        .collect();
    if shown.is_empty() {
        return String::new();
    }
    let ids = width(&shown, "RUNBOOK", |runbook| &runbook.id);
    let by = |runbook: &Practised| {
        let last = runbook.history.last.as_ref();
        last.and_then(|last| last.by.clone()).unwrap_or_else(|| "-".into())
    };
    let people = shown.iter().map(|r| by(r).chars().count()).max().unwrap_or(0).max("BY".len());
    let mut text = format!(
        "{:ids$}  {:10}  {:people$}  {:9}  {:>16}  {:8}\n",
        "RUNBOOK", "LAST DRILL", "BY", "RESULT", "RTO", "QUARTERS"
    );
    for runbook in shown {
        let last = runbook.history.last.as_ref();
        let _ = writeln!(
            text,
            "{:ids$}  {:10}  {:people$}  {:9}  {:>16}  {}{}",
            runbook.id,
            last.map_or("never".to_owned(), |last| day(last.at)),
            by(runbook),
            last.map_or("-", word),
            last.map_or("-".to_owned(), |last| measured(&last.rto)),
            runbook.trend,
            if runbook.overdue { late(runbook) } else { String::new() },
        );
    }
    text.push_str("bars: up to ▆ within the RTO, ▇ █ over it, × not measured, · no drill\n\n");
    text
}

fn late(runbook: &Practised) -> String {
    match runbook.overdue_since {
        Some(at) => format!("  OVERDUE since {}", day(at)),
        None => format!("  OVERDUE, every {}", length(runbook.drill_every_s)),
    }
}

fn word(drill: &Drill) -> &'static str {
    if drill.passed { "passed" } else { "failed" }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

fn width(runbooks: &[&Practised], least: &str, of: impl Fn(&Practised) -> &str) -> usize {
    runbooks.iter().map(|r| of(r).chars().count()).max().unwrap_or(0).max(least.len())
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
pub(super) fn measured(measured: &Measured) -> String {
    let met = match measured.met {
        Some(true) => " ok",
        Some(false) => " missed",
        None => "",
    };
    format!("{}/{}{met}", length(measured.actual_s), length(measured.target_s))
}

/// A length in seconds as runbooks write it.
pub(super) fn length(seconds: Option<i64>) -> String {
    seconds.and_then(TimeDelta::try_seconds).map_or("-".to_owned(), duration_text)
}
