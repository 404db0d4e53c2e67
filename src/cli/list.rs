//! `steady list`: runbooks, objectives and the last passed drill.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value as Json, json};

use super::{Globals, USAGE, fail, print_json};
use crate::catalogue::{Catalogue, Entry};
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
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        let runbooks: Vec<_> = catalogue.entries.iter().map(as_json).collect();
        print_json(&json!({ "runbooks": runbooks }))
    } else {
        std::io::stdout().lock().write_all(as_text(&catalogue).as_bytes())
    };
    ExitCode::SUCCESS
}

fn as_json(entry: &Entry) -> Json {
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
        "last_drill": Json::Null,
        "broken": entry.broken(),
    })
}

fn as_text(catalogue: &Catalogue) -> String {
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
    let mut text = format!("{:ids$}  {:>6}  {:>6}  TITLE\n", "RUNBOOK", "RTO", "RPO");
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
        text.push_str(&format!("{:ids$}  {rto:>6}  {rpo:>6}  {title}\n", entry.id()));
    }
    text
}
