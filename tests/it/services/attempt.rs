//! One attempt of one action, without a run around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadyhand::actions::{Context, Progress, Terminal};
use steadyhand::aws::AwsAccess;
use steadyhand::engine::{AttemptId, event::Part};
use steadyhand::ingest::Redactor;
use steadyhand::runbook::registry::{Effect, action};
use steadyhand::runbook::{Request, Resolved, Reveal, Value};
use steadyhand::supervisor::Supervisors;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What an action is run with, and the other ends of it.
pub struct Attempt {
    /// For the action.
    pub cx: Context,
    /// Stops it.
    pub cancel: CancellationToken,
    /// What it says.
    pub progress: mpsc::Receiver<Progress>,
    /// The run directory; goes with the attempt.
    _dir: TempDir,
}

struct Secrets(BTreeMap<String, String>);

impl Reveal for Secrets {
    fn reveal(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// An attempt `restore.1` that knows these secrets.
pub fn attempt(secrets: &[(&str, &str)]) -> Attempt {
    let dir = tempfile::tempdir().expect("a directory");
    for part in ["attempts", "output"] {
        std::fs::create_dir(dir.path().join(part)).expect("a directory");
    }
    let redactor = Redactor::default();
    for (name, value) in secrets {
        redactor.register(name, value);
    }
    let secrets = secrets.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let (sender, progress) = mpsc::channel(1000);
    let cancel = CancellationToken::new();
    let cx = Context {
        supervisors: Supervisors::new(env!("CARGO_BIN_EXE_steady").into()),
        terminal: Terminal::new().0,
        run: "20261121T031000Z-a-test-k3f9".into(),
        attempt: AttemptId { step: "restore".into(), number: 1, of: Part::Do },
        token: "token".into(),
        run_dir: dir.path().to_owned(),
        rehearsed: None,
        secrets: Arc::new(Secrets(secrets)),
        redactor,
        withhold: false,
        cancel: cancel.clone(),
        progress: sender,
        aws: AwsAccess::default(),
        timeout: None,
    };
    Attempt { cx, cancel, progress, _dir: dir }
}

/// A rendered request of a registered action.
pub fn request(name: &str, effect: Effect, args: Vec<(&str, Resolved)>) -> Request {
    let mut secrets: Vec<String> = Vec::new();
    for (_, arg) in &args {
        collect(arg, &mut secrets);
    }
    Request {
        action: action(name).expect("a registered action").name,
        effect,
        args: args.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        env: Vec::new(),
        secrets,
    }
}

fn collect(arg: &Resolved, secrets: &mut Vec<String>) {
    match arg {
        Resolved::Value(Value::Secret(name)) => secrets.push(name.clone()),
        Resolved::List(items) => items.iter().for_each(|item| collect(item, secrets)),
        Resolved::Map(entries) => entries.iter().for_each(|(_, item)| collect(item, secrets)),
        Resolved::Value(_) | Resolved::Text(_) | Resolved::Expr(_) => {}
    }
}

/// Plain text as an argument.
pub fn text(text: &str) -> Resolved {
    Resolved::Value(Value::String(text.into()))
}
