//! `steady check`: every problem of every runbook.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{Globals, USAGE, fail};
use crate::catalogue;
use crate::runbook::diagnostic::{Severity, Source, Style, render, summary};
use crate::runbook::{Checked, Problem};

/// Arguments of `steady check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Runbooks, or directories of them [default: the catalogue]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the problems as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(globals: &Globals, args: &CheckArgs) -> ExitCode {
    let checked = match check_all(globals, &args.paths) {
        Ok(checked) => checked,
        Err(message) => return fail(USAGE, message),
    };
    let text = if args.json { as_json(&checked) } else { as_text(&checked) };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    let good = count(&checked, Severity::Error) == 0;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check_all(globals: &Globals, paths: &[PathBuf]) -> Result<Vec<Checked>, String> {
    if paths.is_empty() {
        let catalogue = globals.catalogue()?;
        return Ok(catalogue.entries.into_iter().map(|entry| entry.checked).collect());
    }
    let mut checked = Vec::new();
    for path in paths {
        let files = catalogue::files(path)?;
        if files.is_empty() {
            return Err(format!("no .yaml file in {}", path.display()));
        }
        for file in files {
            checked.push(globals.find_runbook_file(&file)?.checked);
        }
    }
    Ok(checked)
}

fn as_json(checked: &[Checked]) -> String {
    let problems: Vec<_> = parts(checked).into_iter().map(|(_, problem)| problem).collect();
    format!("{:#}\n", json!({ "problems": problems }))
}

fn as_text(checked: &[Checked]) -> String {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = if colour { Style::Coloured } else { Style::Plain };
    let mut text = String::new();
    for (source, problem) in parts(checked) {
        text.push_str(&render(problem, source, style));
        text.push_str("\n\n");
    }
    let (errors, warnings) = (count(checked, Severity::Error), count(checked, Severity::Warning));
    text.push_str(&summary(checked.len(), errors, warnings));
    text.push('\n');
    text
}

fn count(checked: &[Checked], severity: Severity) -> usize {
    parts(checked).iter().filter(|(_, problem)| problem.severity == severity).count()
}

/// Every problem with its file's text. A runbook that others name has its own once.
fn parts(checked: &[Checked]) -> Vec<(&Source, &Problem)> {
    let mut files = BTreeSet::new();
    let mut all = Vec::new();
    for one in checked {
        files.insert(&one.source.file);
        all.extend(one.problems.iter().map(|problem| (&one.source, problem)));
    }
    for included in checked.iter().flat_map(|checked| &checked.included) {
        if files.insert(&included.file) {
            all.extend(included.problems.iter().map(|problem| (&included.source, problem)));
        }
    }
    all
}
