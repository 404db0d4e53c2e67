//! `steady watch`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady watch`.
#[derive(Debug, clap::Args)]
pub struct WatchArgs {}

pub(super) fn run(_globals: &Globals, _args: &WatchArgs) -> ExitCode {
    fail(2, "watch is being built")
}
