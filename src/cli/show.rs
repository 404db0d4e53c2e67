//! `steady show`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {}

pub(super) fn run(_globals: &Globals, _args: &ShowArgs) -> ExitCode {
    fail(2, "show is being built")
}
