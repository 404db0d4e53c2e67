//! `steady export`: the after-action report.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Globals, USAGE, fail};
use crate::catalogue::fold;
use crate::report::{Format, export};

/// Arguments of `steady export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// A run's id, the beginning of one, or its directory
    run: String,
    /// md, json
    #[arg(long, value_delimiter = ',', default_value = "md,json", value_name = "FORMATS")]
    format: Vec<Format>,
    /// Where to write it [default: the run's reports/]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(globals: &Globals, args: &ExportArgs) -> ExitCode {
    let dir = match globals.find_run(&args.run) {
        Ok(dir) => dir,
        Err(message) => return fail(USAGE, message),
    };
    let folded = match fold(&dir) {
        Ok(folded) => folded,
        Err(message) => return fail(1, message),
    };
    let out = args.output.as_deref();
    match export(&dir, &folded.state, &folded.records, &args.format, out) {
        Err(e) => fail(1, e),
        Ok(written) => {
            for file in &written {
                println!("{}", file.path.display());
            }
            ExitCode::SUCCESS
        }
    }
}
