//! Texts that others than the operator sign, kept with their signatures: whoever has OpenSSH can check them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::chain::sha256_hex;
use super::disk;

/// The folder of what was asked for approval: `41.txt` is what record 41 asks, `41.1.sig` its first signature.
pub const APPROVALS: &str = "approvals";
/// The folder of what reviewers said: `63.txt` and `63.sig` belong to record 63.
pub const SIGN_OFFS: &str = "sign-offs";

/// Keeps a file of one of these folders: when this returns, it is on the disk. One of that name is replaced.
/// Its path below the run directory, and the SHA-256 of its bytes.
///
/// # Errors
/// When it cannot be written.
pub fn keep(run: &Path, folder: &str, name: &str, bytes: &[u8]) -> io::Result<(String, String)> {
    let inside = run.join(folder);
    // Runs of earlier versions have no such folder.
    DirBuilder::new().mode(0o700).recursive(true).create(&inside)?;
    disk::place(&inside, name, bytes)?;
    disk::sync_dir(&inside)?;
    Ok((format!("{folder}/{name}"), sha256_hex(bytes)))
}
