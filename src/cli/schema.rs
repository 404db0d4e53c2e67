//! `steady schema`: the JSON Schema of the format, for editors, or of the report, for who reads it by machine.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::{report, runbook};

/// Arguments of `steady schema`.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// That of the after-action report as JSON
    #[arg(long)]
    report: bool,
}

pub(super) fn run(args: &SchemaArgs) -> ExitCode {
    let text = format!("{:#}\n", if args.report { report::schema() } else { runbook::schema() });
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
