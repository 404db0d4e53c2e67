//! `steady schema`: the JSON Schema of the format, for editors.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::runbook;

pub(super) fn run() -> ExitCode {
    let text = format!("{:#}\n", runbook::schema());
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
