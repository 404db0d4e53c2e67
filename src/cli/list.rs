//! `steady list`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {}

pub(super) fn run(_globals: &Globals, _args: &ListArgs) -> ExitCode {
    fail(2, "list is being built")
}
