//! `steady check`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {}

pub(super) fn run(_globals: &Globals, _args: &CheckArgs) -> ExitCode {
    fail(2, "check is being built")
}
