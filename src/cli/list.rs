//! `steady list`: runbooks, objectives and the last passed drill.

use std::io::Write;
use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use super::{Globals, USAGE, fail, print_json};
use crate::catalogue::{Catalogue, Entry, History, PastRun, past_runs};
use crate::runbook::Runbook;
use crate::runbook::value::duration_text;

/// Arguments of `steady list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Print the list as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(globals: &Globals, args: &ListArgs) -> ExitCode {
    let catalogue = match globals.catalogue() {
        Ok(catalogue) => catalogue,
        Err(message) => return fail(USAGE, message),
    };
    // Runs that cannot be read are no reason to hide the runbooks.
    let past = globals.runs_dir().and_then(|runs| past_runs(&runs)).unwrap_or_else(|why| {
        eprintln!("steady: no drills are known: {why}");
        Vec::new()
    });
    let now = Utc::now();
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        let runbooks: Vec<_> = catalogue.entries.iter().map(|e| as_json(e, &past, now)).collect();
        print_json(&json!({ "runbooks": runbooks }))
    } else {
        let text = as_text(&catalogue, &past, now);
        std::io::stdout().lock().write_all(text.as_bytes())
    };
    ExitCode::SUCCESS
}

fn as_json(entry: &Entry, past: &[PastRun], now: DateTime<Utc>) -> Json {
    let history = History::of(past, entry.id(), now);
    let runbook = entry.checked.runbook.as_ref();
    json!({
        "id": entry.id(),
        "title": runbook.map(|runbook| &runbook.title),
        "path": entry.path,
        "tags": runbook.map_or(&[][..], |runbook| &runbook.tags),
        "objectives": {
            "rto_s": runbook.and_then(|r| r.objectives.rto).map(|rto| rto.num_seconds()),
            "rpo_s": runbook.and_then(|r| r.objectives.rpo).map(|rpo| rpo.num_seconds()),
        },
        "last_drill": history.last_passed.as_ref().map(|drill| drill.at),
        "drill_every_s": runbook.and_then(|r| r.drill_every).map(|every| every.num_seconds()),
        "overdue": history.is_overdue(runbook.and_then(|r| r.drill_every), now),
        "broken": entry.broken(),
    })
}

/// The day of the last passed drill, and whether the next one is due.
fn drill(history: &History, every: Option<TimeDelta>, now: DateTime<Utc>) -> String {
    let last = history.last_passed.as_ref();
    let day = last.map_or("never".to_owned(), |drill| drill.at.format("%Y-%m-%d").to_string());
    if history.is_overdue(every, now) { format!("{day} OVERDUE") } else { day }
}

fn as_text(catalogue: &Catalogue, past: &[PastRun], now: DateTime<Utc>) -> String {
    let place = match &catalogue.directory {
        Some(dir) => dir.display().to_string(),
        None => "the built-in catalogue".into(),
    };
    if catalogue.entries.is_empty() {
        return format!("no runbooks in {place}\n");
    }
    let width = |of: &dyn Fn(&Entry) -> usize, least: usize| {
        catalogue.entries.iter().map(of).max().unwrap_or(0).max(least)
    };
    let ids = width(&|entry| entry.id().chars().count(), "RUNBOOK".len());
    let objective = |runbook: Option<&Runbook>, rto: bool| {
        let objectives = runbook.map(|runbook| &runbook.objectives);
        let length = objectives.and_then(|o| if rto { o.rto } else { o.rpo });
        length.map_or("-".to_owned(), duration_text)
    };
    let mut text =
        format!("{:ids$}  {:>6}  {:>6}  {:18}  TITLE\n", "RUNBOOK", "RTO", "RPO", "LAST DRILL");
    for entry in &catalogue.entries {
        let runbook = entry.checked.runbook.as_ref();
        let (rto, rpo) = (objective(runbook, true), objective(runbook, false));
        let title = match (entry.broken(), runbook) {
            (None, Some(runbook)) => runbook.title.clone(),
            (Some(why), Some(_)) => format!("BROKEN: {why}"),
            (why, None) => {
                format!("BROKEN: {}; see steady check {}", why.unwrap_or_default(), entry.path)
            }
        };
        let drill = runbook.map_or("-".to_owned(), |runbook| {
            drill(&History::of(past, &runbook.id, now), runbook.drill_every, now)
        });
        text.push_str(&format!("{:ids$}  {rto:>6}  {rpo:>6}  {drill:18}  {title}\n", entry.id()));
    }
    text
}
