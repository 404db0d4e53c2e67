//! `steady verify`

use std::process::ExitCode;

use super::{Globals, USAGE, fail, print_json};
use crate::journal;

/// Arguments of `steady verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A run's id, the beginning of one, or its directory
    run: String,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(globals: &Globals, args: &VerifyArgs) -> ExitCode {
    let dir = match globals.find_run(&args.run) {
        Ok(dir) => dir,
        Err(e) => return fail(USAGE, e),
    };
    let verdict = match journal::verify(&dir) {
        Ok(verdict) => verdict,
        Err(e) => return fail(1, e),
    };
    if args.json {
        if let Err(e) = print_json(&verdict) {
            return fail(1, e);
        }
    } else {
        println!("{}: {}", verdict.run, verdict.sentence());
        // The sentence has said the first one.
        for problem in verdict.problems.iter().skip(1) {
            println!("  also: {problem}");
        }
        for note in &verdict.notes {
            println!("  note: {note}");
        }
    }
    ExitCode::from(verdict.result.exit_code())
}
