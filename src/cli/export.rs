//! `steady export`: the after-action report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::archive::{Upload, UploadArgs};
use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue::fold;
use crate::driver::Clock;
use crate::journal::{Checkpoint, Journal, TornTail};
use crate::report::{Format, Wanted, Written, export};
use crate::signing::Signer;

/// Arguments of `steady export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// A run's id, the beginning of one, or its directory
    run: String,
    /// md, html, json, csv, test-log (an entry for a log of recovery tests), backup-audit (its backups, as CSV)
    #[arg(long, value_delimiter = ',', default_value = "md,html,json,csv", value_name = "FORMATS")]
    format: Vec<Format>,
    /// Where to write it [default: the run's reports/]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    upload: UploadArgs,
}

pub(super) fn run(globals: &Globals, args: &ExportArgs) -> ExitCode {
    let dir = match globals.find_run(&args.run) {
        Ok(dir) => dir,
        Err(message) => return fail(USAGE, message),
    };
    let by = match globals.operator() {
        Ok(by) => by,
        Err(message) => return fail(USAGE, message),
    };
    let signer = match globals.signer_of(&dir) {
        Ok(signer) => signer,
        Err(message) => return fail(USAGE, message),
    };
    match args.upload.asked(globals) {
        Ok(None) => {}
        Ok(Some(upload)) => return put(&dir, &upload, &args.format, &by, signer.as_ref()),
        Err(message) => return fail(USAGE, message),
    }
    let wanted = Wanted { formats: &args.format, out: args.output.as_deref(), excerpts: true };
    let exporting = write(&dir, &wanted, &by, signer.as_ref());
    match full_screen::block_on(exporting).flatten() {
        Err(message) => fail(1, message),
        Ok(Exported { written, unrecorded, unsigned }) => {
            for file in &written {
                println!("{}", file.path.display());
            }
            if let Some(why) = unrecorded {
                eprintln!("steady: the journal does not tell of this report: {why}");
            }
            if let Some(why) = unsigned {
                eprintln!("steady: the end of the journal is not signed: {why}");
            }
            ExitCode::SUCCESS
        }
    }
}

/// Puts the whole record where nobody can change it.
fn put(
    dir: &Path,
    upload: &Upload,
    formats: &[Format],
    by: &str,
    signer: Option<&Signer>,
) -> ExitCode {
    match full_screen::block_on(upload.make(dir, formats, by, signer)).flatten() {
        Err(message) => fail(1, message),
        Ok(made) => {
            let until = made.until.date_naive();
            println!("{}: {} objects, locked until {until}", made.uri, made.objects);
            println!("to look at it where it lies: steady verify {}", made.uri);
            if let Some(why) = made.unsigned {
                eprintln!("steady: the end of the journal is not signed: {why}");
            }
            ExitCode::SUCCESS
        }
    }
}

/// A report that was written.
pub(super) struct Exported {
    /// Its files.
    pub written: Vec<Written>,
    /// Why no record tells of it, when none does.
    pub unrecorded: Option<String>,
    /// Why the end of the journal is not signed, when it should be.
    pub unsigned: Option<String>,
}

/// Writes the report of a run, as far as it has come, and records that when nobody else has the
/// journal; what is then its end is signed by the `signer`. No record tells of that signature: it could not
/// vouch for it.
///
/// # Errors
/// One line: what cannot be read or written.
pub(super) async fn write(
    dir: &Path,
    wanted: &Wanted<'_>,
    by: &str,
    signer: Option<&Signer>,
) -> Result<Exported, String> {
    let folded = fold(dir)?;
    let written = export(dir, &folded.state, &folded.records, wanted).map_err(|e| e.to_string())?;
    let journal = match record(dir, &written, by) {
        Ok(journal) => journal,
        Err(why) => return Ok(Exported { written, unrecorded: Some(why), unsigned: None }),
    };
    let mut unsigned = None;
    if let (Some(signer), Some(run)) = (signer, folded.state.run()) {
        let (run, head) = (run.run.clone(), journal.head().to_owned());
        let end = Checkpoint { run, seq: journal.len(), head };
        unsigned = signer.checkpoint(dir, &end).await.err();
    }
    Ok(Exported { written, unrecorded: None, unsigned })
}

fn record(dir: &Path, written: &[Written], by: &str) -> Result<Journal, String> {
    let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
    let mut opened = Journal::open(dir).map_err(|e| e.to_string())?;
    let torn = opened.torn.iter().map(TornTail::event);
    for event in torn.chain(written.iter().map(Written::event)) {
        opened.journal.append(clock.now(), by, event).map_err(|e| e.to_string())?;
    }
    Ok(opened.journal)
}
