//! `steady schema`

use std::process::ExitCode;

use super::fail;

pub(super) fn run() -> ExitCode {
    fail(2, "schema is being built")
}
