//! Which Kubernetes cluster a script acts on, and what proves it.
//!
//! A context is a name in somebody's file; what it leads to may change behind it. The cluster itself is told
//! apart by the UID of its namespace `kube-system`, which is made with the cluster and lives as long. It is
//! asked for with the operator's own kubectl, in the environment that the step's commands get.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::runbook::{Request, Resolved, Reveal};

/// Longest wait for kubectl, its login helpers included.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster as a script names it: by a context, or as the current one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Context {
    /// Whatever a plain `kubectl` uses.
    Current,
    /// `--context NAME`.
    Named(String),
}

/// The contexts that a `shell` request uses, as far as its text tells. The current one counts unless every
/// kubectl in it names another: a program that is called may use it.
///
/// # Errors
/// One line: it names a context that cannot be told before it runs.
pub(super) fn contexts(request: &Request) -> Result<Vec<Context>, String> {
    let words = words(request);
    let mut named = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let Some(after) =
            ["--context", "--kube-context"].iter().find_map(|flag| word.strip_prefix(flag))
        else {
            continue;
        };
        let name = match after.strip_prefix('=') {
            Some(name) => Some(name),
            None if after.is_empty() => words.get(i + 1).map(String::as_str),
            None => continue,
        };
        named.push(Context::Named(resolve(name.unwrap_or_default(), request)?));
    }
    let programs = words.iter().filter(|word| {
        matches!(word.rsplit('/').next().unwrap_or_default(), "kubectl" | "helm" | "oc")
    });
    let bare = named.is_empty() || programs.count() > named.len();
    named.extend(bare.then_some(Context::Current));
    named.sort();
    named.dedup();
    Ok(named)
}

fn words(request: &Request) -> Vec<String> {
    match (request.text("run"), request.arg("argv")) {
        (Some(script), _) => script
            .split(|c: char| c.is_whitespace() || ";&|()`<>".contains(c))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
        (None, Some(Resolved::List(words))) => words.iter().map(Resolved::shown).collect(),
        (None, Some(other)) => vec![other.shown()],
        (None, None) => Vec::new(),
    }
}

/// A word of a script: as it stands, or a variable of the step.
fn resolve(word: &str, request: &Request) -> Result<String, String> {
    let word = word.trim_matches(['"', '\'']);
    let name = word.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
    let variable = name.and_then(|name| request.env.iter().find(|(key, _)| key == name));
    let told = match (name, variable) {
        (None, _) => Some(word.to_owned()),
        (Some(_), Some((_, Resolved::Value(value)))) => Some(value.to_string()),
        (Some(_), _) => None,
    };
    told.filter(|name| !name.is_empty() && !name.contains('$')).ok_or_else(|| {
        format!(
            "kubernetes.cluster is pinned and the script's context `{word}` cannot be told before it runs: \
             write its name, or \"$INPUT_NAME\" of an input"
        )
    })
}

/// The UID of the cluster's namespace `kube-system`.
///
/// # Errors
/// One line: kubectl is not there, or could not ask the cluster.
pub(super) async fn cluster(
    context: &Context,
    request: &Request,
    secrets: &(dyn Reveal + Send + Sync),
) -> Result<String, String> {
    let mut kubectl = Command::new("kubectl");
    if let Context::Named(name) = context {
        kubectl.arg("--context").arg(name);
    }
    kubectl.args(["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]);
    let env = request.env.iter().filter_map(|(k, v)| Some((k.clone(), v.revealed(secrets)?)));
    kubectl.envs(env).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, kubectl.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(e)) => return Err(format!("kubectl cannot be run: {e}")),
        Err(_) => return Err(format!("kubectl gave no answer in {} s", PATIENCE.as_secs())),
    };
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let uid = said(&output.stdout);
    if output.status.success() && !uid.is_empty() {
        return Ok(uid);
    }
    let why = said(&output.stderr);
    let why = why.lines().next_back().unwrap_or("it printed nothing");
    Err(format!("kubectl get namespace kube-system: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{Effect, Value};

    fn of(script: &str) -> Result<Vec<Context>, String> {
        let text = |it: &str| Resolved::Value(Value::String(it.into()));
        let env = vec![("INPUT_CLUSTER".to_owned(), text("dr"))];
        let args = vec![("run".to_owned(), text(script))];
        contexts(&Request::new("shell", Effect::Changes, args, env))
    }

    #[test]
    fn a_script_tells_its_contexts() {
        let named = |name: &str| Context::Named(name.into());
        for (script, told) in [
            ("echo hello", vec![Context::Current]),
            ("kubectl scale deploy/api --replicas=0", vec![Context::Current]),
            ("kubectl --context dr get nodes", vec![named("dr")]),
            ("kubectl --context=dr get nodes", vec![named("dr")]),
            ("kubectl --context \"$INPUT_CLUSTER\" get nodes", vec![named("dr")]),
            ("/usr/bin/kubectl --context='${INPUT_CLUSTER}' x", vec![named("dr")]),
            ("helm --kube-context dr list; kubectl --context dr x", vec![named("dr")]),
            ("kubectl --context a x | kubectl --context b x", vec![named("a"), named("b")]),
            ("kubectl --context dr x && kubectl delete pod y", vec![Context::Current, named("dr")]),
        ] {
            assert_eq!(of(script), Ok(told), "{script}");
        }
        for script in
            ["kubectl --context $ctx x", "kubectl --context=\"$1\" x", "kubectl --context"]
        {
            assert!(of(script).unwrap_err().contains("cannot be told before it runs"), "{script}");
        }
    }
}
