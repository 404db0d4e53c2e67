//! The machine under the process: which boot of it this is, and what it says of a process. For crash tests
//! a debug build can be told that it is another boot, and where the process is to die.

pub mod failpoint;
pub mod process;

use std::fs;
use std::io;

/// The kernel's boot id: process ids and readings of the boot clock mean something within one boot only.
///
/// # Errors
/// When the kernel does not tell it.
pub fn boot_id() -> io::Result<String> {
    #[cfg(debug_assertions)]
    if let Ok(pretended) = std::env::var("STEADYHAND_BOOT_ID") {
        return Ok(pretended);
    }
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}
