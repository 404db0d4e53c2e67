//! `steady verify`

use std::process::ExitCode;

use super::{Globals, fail};

/// Arguments of `steady verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {}

pub(super) fn run(_globals: &Globals, _args: &VerifyArgs) -> ExitCode {
    fail(2, "verify is being built")
}
