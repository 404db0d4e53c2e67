//! The `steady` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    steadyhand::cli::main()
}
