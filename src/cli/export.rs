//! `steady export`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {}

pub(super) fn run(_globals: &Globals, _args: &ExportArgs) -> ExitCode {
    fail(2, "export is being built")
}
