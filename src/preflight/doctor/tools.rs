//! The programs that the runbooks of the catalogue say they need, and their versions.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Area, Finding, Patient};
use crate::ingest::sanitise;
pub(super) use crate::preflight::requirements::find_tool as which;

/// A program that only tells its version is quick.
const ANSWER: Duration = Duration::from_secs(3);
/// Of a version, no more than a line is shown.
const LONGEST: usize = 60;

pub(super) async fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let path = patient.env("PATH").unwrap_or_default();
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for runbook in patient.runbooks() {
        for tool in &runbook.requires.tools {
            wanted.entry(tool).or_default().push(&runbook.id);
        }
    }
    let look = |(tool, runbooks)| {
        let found = which(&path, tool);
        async move {
            let version = match &found {
                Some(program) => version(tool, program).await,
                None => None,
            };
            (tool, runbooks, found, version)
        }
    };
    let seen = join_all(wanted.into_iter().map(look)).await;
    // Nobody chose the built-in catalogue: what it lacks may never be wanted.
    let chosen = patient.catalogue.directory.is_some();
    seen.into_iter()
        .map(|(tool, runbooks, found, version)| judge(tool, &runbooks, found, version, chosen))
        .collect()
}

fn judge(
    tool: &str,
    runbooks: &[&str],
    found: Option<String>,
    version: Option<String>,
    chosen: bool,
) -> Finding {
    let name = format!("tool {tool}");
    let needed = runbooks.join(", ");
    match (found, version) {
        (Some(path), Some(version)) => Area::Tools.ok(name, format!("{path}, {version}")),
        (Some(path), None) => Area::Tools.ok(name, format!("{path}, which tells no version")),
        (None, _) => {
            let (found, remedy) =
                (format!("not on the PATH, needed by {needed}"), format!("install {tool}"));
            if chosen {
                Area::Tools.bad(name, found, remedy)
            } else {
                Area::Tools.warn(name, found, remedy)
            }
        }
    }
}

async fn version(tool: &str, program: &str) -> Option<String> {
    let arguments: &[&str] = match tool {
        "kubectl" => &["version", "--client"],
        "openssl" => &["version"],
        "ssh" | "ssh-keygen" => return None,
        _ => &["--version"],
    };
    let answer = said(program, arguments).await?;
    let line = answer.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(LONGEST).collect())
}

/// What a program prints, when it ends well and in time.
pub(super) async fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(ANSWER, output).await.ok()?.ok()?;
    output.status.success().then(|| sanitise(&output.stdout))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_missing_tool_is_bad_where_somebody_chose_the_runbooks() {
        for (found, chosen, verdict) in [
            (Some("/usr/bin/psql"), true, Verdict::Ok),
            (None, true, Verdict::Bad),
            (None, false, Verdict::Warn),
        ] {
            let finding = judge("psql", &["a", "b"], found.map(str::to_owned), None, chosen);
            assert_eq!(finding.verdict, verdict);
            if found.is_none() {
                assert_eq!(finding.found, "not on the PATH, needed by a, b");
                assert_eq!(finding.remedy.as_deref(), Some("install psql"));
            }
        }
    }

    #[tokio::test]
    async fn a_program_that_hangs_or_fails_tells_nothing() {
        assert_eq!(said("/bin/echo", &["1.2"]).await.as_deref(), Some("1.2\n"));
        assert_eq!(said("/bin/false", &[]).await, None);
        assert_eq!(said("/no/such/program", &[]).await, None);
    }
}
