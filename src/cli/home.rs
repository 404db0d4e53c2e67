//! `steady` alone: the catalogue, full screen.

use std::process::ExitCode;

use super::{Globals, fail};

pub(super) fn run(_globals: &Globals) -> ExitCode {
    fail(2, "the catalogue is being built")
}
