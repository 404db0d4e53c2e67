//! `steady check`: every problem of every runbook.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::{Globals, USAGE, fail};
use crate::runbook::diagnostic::{Severity, Style, render, summary};
use crate::runbook::{self, Checked};

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
    let roots = if args.paths.is_empty() {
        vec![globals.runbooks.clone().unwrap_or_else(|| PathBuf::from("runbooks"))]
    } else {
        args.paths.clone()
    };
    let checked = match check_all(&roots) {
        Ok(checked) => checked,
        Err(message) => return fail(USAGE, message),
    };
    let text = if args.json { as_json(&checked) } else { as_text(&checked) };
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    let good = count(&checked, Severity::Error) == 0;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check_all(roots: &[PathBuf]) -> Result<Vec<Checked>, String> {
    let mut files = Vec::new();
    for root in roots {
        find(root, &mut files)?;
    }
    if files.is_empty() {
        let names: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
        return Err(format!("no .yaml file in {}", names.join(", ")));
    }
    files.iter().map(|file| check_file(file)).collect()
}

fn check_file(file: &Path) -> Result<Checked, String> {
    let name = file.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than is allowed is enough to refuse the rest unread.
    File::open(file)
        .and_then(|opened| opened.take(runbook::MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    Ok(runbook::check(&bytes, &name))
}

/// A file is itself; a directory is every `.yaml` and `.yml` file below it, in order of name.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let cannot = |error: io::Error| format!("cannot read {}: {error}", path.display());
    if !path.metadata().map_err(cannot)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = path.read_dir().map_err(cannot)?.collect();
    let mut entries = entries.map_err(cannot)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let below = entry.path();
        // A link to a directory is not followed: it may lead back up.
        if entry.file_type().map_err(cannot)?.is_dir() {
            find(&below, files)?;
        } else if below.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(below);
        }
    }
    Ok(())
}

fn as_json(checked: &[Checked]) -> String {
    let problems: Vec<_> = checked.iter().flat_map(|checked| &checked.problems).collect();
    format!("{:#}\n", json!({ "problems": problems }))
}

fn as_text(checked: &[Checked]) -> String {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let style = if colour { Style::Coloured } else { Style::Plain };
    let mut text = String::new();
    for checked in checked {
        for problem in &checked.problems {
            text.push_str(&render(problem, &checked.source, style));
            text.push_str("\n\n");
        }
    }
    let (errors, warnings) = (count(checked, Severity::Error), count(checked, Severity::Warning));
    text.push_str(&summary(checked.len(), errors, warnings));
    text.push('\n');
    text
}

fn count(checked: &[Checked], severity: Severity) -> usize {
    let problems = checked.iter().flat_map(|checked| &checked.problems);
    problems.filter(|problem| problem.severity == severity).count()
}
