//! `steady verify`

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Globals, USAGE, fail, print_json};
use crate::journal::{self, Auditor};
use crate::signing::AllowedSigners;

/// Arguments of `steady verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A run's id, the beginning of one, or its directory
    run: String,
    /// The auditor's allowed_signers file, see ssh-keygen(1): whose signatures count
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(globals: &Globals, args: &VerifyArgs) -> ExitCode {
    let dir = match globals.find_run(&args.run) {
        Ok(dir) => dir,
        Err(e) => return fail(USAGE, e),
    };
    let allowed = args.allowed_signers.as_deref();
    let auditor = match allowed.map(|file| AllowedSigners::open(file, &dir)).transpose() {
        Ok(auditor) => auditor,
        Err(e) => return fail(USAGE, e),
    };
    let auditor = auditor.as_ref().map(|auditor| auditor as &dyn Auditor);
    let verdict = match journal::verify(&dir, auditor) {
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
