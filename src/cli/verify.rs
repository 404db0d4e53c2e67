//! `steady verify`: a run, all runs of a directory, or an archive where it lies.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use serde_json::json;

use super::{Globals, USAGE, archive, fail, full_screen, print_json};
use crate::archive::{Fetched, NotFetched, fetch};
use crate::journal::{self, Auditor, Finding, Verdict};
use crate::signing::AllowedSigners;

/// Arguments of `steady verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// A run's id, the beginning of one, its directory, a directory of runs, or s3://bucket/prefix/RUN
    run: String,
    /// The auditor's allowed_signers file, see ssh-keygen(1): whose signatures count
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(globals: &Globals, args: &VerifyArgs) -> ExitCode {
    if args.run.starts_with("s3://") {
        return of_archive(globals, args);
    }
    let dir = match globals.find_run(&args.run) {
        Ok(dir) => dir,
        Err(e) => {
            return match journal::run_ids(Path::new(&args.run)) {
                Ok(ids) if !ids.is_empty() => of_runs(args, Path::new(&args.run), &ids),
                _ => fail(USAGE, e),
            };
        }
    };
    match judge(args, &dir, |auditor| journal::verify(&dir, auditor)) {
        Ok(verdict) => said(args, &verdict),
        Err(code) => code,
    }
}

/// Judges with the auditor's keys, when there are any.
fn judge(
    args: &VerifyArgs,
    dir: &Path,
    judge: impl FnOnce(Option<&dyn Auditor>) -> Result<Verdict, journal::ReadError>,
) -> Result<Verdict, ExitCode> {
    let allowed = args.allowed_signers.as_deref();
    let auditor = allowed.map(|file| AllowedSigners::open(file, dir)).transpose();
    let auditor = auditor.map_err(|e| fail(USAGE, e))?;
    let auditor = auditor.as_ref().map(|auditor| auditor as &dyn Auditor);
    judge(auditor).map_err(|e| fail(1, e))
}

fn said(args: &VerifyArgs, verdict: &Verdict) -> ExitCode {
    if args.json {
        if let Err(e) = print_json(verdict) {
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

/// Every run of a directory, a line each, and whether one is missing between them.
fn of_runs(args: &VerifyArgs, runs: &Path, ids: &[String]) -> ExitCode {
    let mut worst = Finding::Intact;
    let mut verdicts = Vec::new();
    for id in ids {
        let dir = runs.join(id);
        let verdict = match judge(args, &dir, |auditor| journal::verify(&dir, auditor)) {
            Ok(verdict) => verdict,
            Err(code) => return code,
        };
        worst = worst.min(verdict.result);
        if !args.json {
            println!("{}: {}", verdict.run, verdict.sentence());
        }
        verdicts.push(verdict);
    }
    let missing = journal::missing_runs(runs, ids);
    if !missing.is_empty() {
        worst = worst.min(Finding::Incomplete);
    }
    if args.json {
        let missing: Vec<_> =
            missing.iter().map(|gap| json!({ "run": gap.run, "named_by": gap.named_by })).collect();
        if let Err(e) = print_json(&json!({ "runs": verdicts, "missing": missing })) {
            return fail(1, e);
        }
    } else {
        for gap in &missing {
            println!("{}: MISSING: run {} names it as the one before it", gap.run, gap.named_by);
        }
        println!("{} runs, {} missing: {}", ids.len(), missing.len(), worst.name());
    }
    ExitCode::from(worst.exit_code())
}

fn of_archive(globals: &Globals, args: &VerifyArgs) -> ExitCode {
    let settings = match globals.load_settings() {
        Ok(loaded) => loaded.settings.archive,
        Err(message) => return fail(USAGE, message),
    };
    let access = archive::access(settings.as_ref());
    let scratch = match tempfile::Builder::new().prefix("steady-verify-").tempdir() {
        Ok(scratch) => scratch,
        Err(e) => return fail(1, format!("no directory to look at the archive in: {e}")),
    };
    let fetching = fetch(&access, &args.run, scratch.path(), Utc::now());
    let fetched: Fetched = match full_screen::block_on(fetching) {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(NotFetched::NoPlace(why))) => return fail(USAGE, why),
        Ok(Err(NotFetched::NotWhole(why))) => return fail(Finding::Incomplete.exit_code(), why),
        Ok(Err(NotFetched::Failed(why))) | Err(why) => return fail(1, why),
    };
    match judge(args, &fetched.dir, |auditor| fetched.verdict(auditor)) {
        Ok(verdict) => said(args, &verdict),
        Err(code) => code,
    }
}
