//! What is looked at before the first step.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::at_start::targets;
use super::connection;
use crate::aws::AwsAccess;
use crate::engine::event::{Check, Pins};
use crate::runbook::inputs::SecretSource;
use crate::runbook::targets::Targets;
use crate::runbook::{Reveal, Runbook, Value};

/// What preflight is told.
pub struct Wanted<'a> {
    /// The runbook about to run.
    pub runbook: &'a Runbook,
    /// Where and as whom to call AWS.
    pub aws: &'a AwsAccess,
    /// The environment's pins.
    pub pins: &'a Pins,
    /// All that the environment lets a drill act on.
    pub targets: Option<&'a Targets>,
    /// The names that requests are made of: the inputs, the environment.
    pub scope: &'a Value,
    /// The values of secret inputs.
    pub secrets: &'a (dyn Reveal + Send + Sync),
    /// Where runs are kept.
    pub runs: &'a Path,
    /// Reads an environment variable.
    pub env: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

/// Looks at everything; one line a check.
pub async fn check(wanted: Wanted<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let path = (wanted.env)("PATH").unwrap_or_default();
    for tool in &wanted.runbook.requires.tools {
        let found = find_tool(&path, tool);
        checks.push(Check {
            name: format!("tool {tool}"),
            ok: found.is_some(),
            detail: found.unwrap_or_else(|| format!("not on the PATH: install {tool} first")),
        });
    }
    for name in &wanted.runbook.requires.env {
        let set = (wanted.env)(name).is_some_and(|value| !value.is_empty());
        let detail = if set { "set".into() } else { format!("not set: export {name}=… first") };
        checks.push(Check { name: format!("environment {name}"), ok: set, detail });
    }
    checks.push(room(wanted.runs));
    let connection = connection().await;
    if connection.is_remote() {
        checks.push(connection.check());
    }
    checks.extend(targets(&wanted).await);
    checks
}

/// What [`check`] would look at, for a rehearsal, which looks at nothing but the place of its own record.
#[must_use]
pub fn would_check(wanted: &Wanted<'_>, secrets: &BTreeMap<String, SecretSource>) -> Vec<Check> {
    let would = |name: String, detail: &str| Check { name, ok: true, detail: detail.to_owned() };
    let requires = &wanted.runbook.requires;
    let tools = requires.tools.iter().map(|tool| {
        would(format!("tool {tool}"), "not looked for: a run would want it on the PATH")
    });
    let variables = requires
        .env
        .iter()
        .map(|name| would(format!("environment {name}"), "not looked at: a run would want it set"));
    let secrets = secrets.iter().map(|(name, source)| {
        would(format!("secret {name}"), &format!("not fetched: a run would take it from {source}"))
    });
    let pins = wanted.pins.iter().map(|(name, value)| {
        would(name.clone(), &format!("not asked: a run would have to prove {value}"))
    });
    let word = "nothing is executed: no program, no connection, no secret";
    let mut checks = vec![would("rehearsal".into(), word)];
    checks.extend(tools.chain(variables).chain(secrets).chain(pins));
    checks.push(room(wanted.runs));
    checks
}

/// The journal and the output need room; a full disk halts the run before its next action.
pub(super) fn room(runs: &Path) -> Check {
    const WANTED: u64 = 64 * 1024 * 1024;
    let there = runs.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let name = "room for the record".to_owned();
    match rustix::fs::statvfs(there) {
        Ok(fs) => {
            let free = fs.f_bavail.saturating_mul(fs.f_frsize);
            let mib = free / 1024 / 1024;
            let ok = free >= WANTED;
            let detail = if ok {
                format!("{mib} MiB free in {}", there.display())
            } else {
                format!("only {mib} MiB free in {}: make room, or use --runs DIR", there.display())
            };
            Check { name, ok, detail }
        }
        Err(e) => Check { name, ok: false, detail: format!("{}: {e}", there.display()) },
    }
}

/// Where a program lies on the PATH.
pub(super) fn find_tool(path: &str, tool: &str) -> Option<String> {
    path.split(':').filter(|dir| !dir.is_empty()).find_map(|dir| {
        let file = Path::new(dir).join(tool);
        let meta = file.metadata().ok()?;
        let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
        runs.then(|| file.display().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_where_it_can_be_run() {
        assert!(find_tool("/nowhere:/bin:/usr/bin", "sh").is_some());
        assert_eq!(find_tool("/bin:/usr/bin", "no-such-tool-here"), None);
        assert_eq!(find_tool("/etc", "passwd"), None);
    }
}
