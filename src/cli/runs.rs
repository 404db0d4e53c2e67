//! `steady runs`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady runs`.
#[derive(Debug, clap::Args)]
pub struct RunsArgs {}

pub(super) fn run(_globals: &Globals, _args: &RunsArgs) -> ExitCode {
    fail(2, "runs is being built")
}
