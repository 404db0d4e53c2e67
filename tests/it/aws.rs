//! The `rds` actions through the real SDK, against the sandbox and against moto.

mod actions;
mod faults;
mod instances;
mod likeness;
mod runs;
mod snapshots;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_rds::types::Tag;
use steadyhand::actions::{Action, Context, Finish, Progress, Terminal, rds};
use steadyhand::aws::{self, AwsAccess};
use steadyhand::engine::{AttemptId, Part};
use steadyhand::ingest::Redactor;
use steadyhand::runbook::registry::{EffectRule, FieldType, action};
use steadyhand::runbook::{Effect, Request, Resolved, Reveal, Value};
use steadyhand::sandbox::aws::Aws;
use steadyhand::sandbox::{CREDENTIALS, Sandbox, SandboxOptions, practice};
use steadyhand::supervisor::Supervisors;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::services::moto::Moto;

/// The cluster that every place begins with: a writer `…-1` and a reader `…-2`.
pub(crate) const SOURCE: &str = "loanserve-prod";
/// An instance on its own, and its replica.
const ALONE: &str = "loanserve-reports";
const REPLICA: &str = "loanserve-reports-replica";
/// No wait of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
const RUN: &str = "20261121T031000Z-aurora-pitr-k3f9";

/// Somewhere to call.
pub(crate) struct Place {
    pub(crate) access: AwsAccess,
    sandbox: Option<Sandbox>,
    _moto: Option<Moto>,
}

impl Place {
    /// The sandbox; its states take `delay`.
    async fn sandbox(delay: Duration) -> Self {
        let pitr = practice("aurora-pitr").unwrap();
        let options = SandboxOptions { state_delay: delay };
        let sandbox = Sandbox::open(pitr, options, None).await.unwrap();
        let access = AwsAccess {
            profile: None,
            region: Some(sandbox.aws().region().into()),
            endpoint: Some(sandbox.endpoint().into()),
            practice_credentials: Some((CREDENTIALS.0.into(), CREDENTIALS.1.into())),
        };
        Self { access, sandbox: Some(sandbox), _moto: None }
    }

    /// moto with the same cluster in it; its states take `delay`.
    pub(crate) async fn moto(delay: Duration) -> Option<Self> {
        Self::of_moto(Moto::start(delay)?).await
    }

    /// A moto, with the same cluster in it.
    pub(crate) async fn of_moto(moto: Moto) -> Option<Self> {
        let place = Self { access: moto.access(), sandbox: None, _moto: Some(moto) };
        let client = place.client().await;
        client
            .create_db_cluster()
            .db_cluster_identifier(SOURCE)
            .engine("aurora-postgresql")
            .engine_version("15.4")
            .master_username("loans")
            .master_user_password("loans-of-moto")
            .set_vpc_security_group_ids(Some(vec!["sg-0a1".into(), "sg-0a2".into()]))
            .db_cluster_parameter_group_name("loanserve-aurora-postgresql15")
            .storage_encrypted(true)
            .kms_key_id("arn:aws:kms:eu-west-1:123456789012:key/loanserve")
            .tags(Tag::builder().key("service").value("loanserve").build())
            .send()
            .await
            .unwrap();
        for n in 1..=2 {
            client
                .create_db_instance()
                .db_instance_identifier(format!("{SOURCE}-{n}"))
                .db_cluster_identifier(SOURCE)
                .db_instance_class("db.r6g.large")
                .engine("aurora-postgresql")
                .send()
                .await
                .unwrap();
        }
        client
            .create_db_instance()
            .db_instance_identifier(ALONE)
            .db_instance_class("db.r6g.large")
            .engine("postgres")
            .engine_version("15.4")
            .allocated_storage(100)
            .storage_type("gp3")
            .storage_encrypted(true)
            .master_username("loans")
            .master_user_password("loans-of-moto")
            .backup_retention_period(7)
            .set_vpc_security_group_ids(Some(vec!["sg-0a1".into(), "sg-0a2".into()]))
            .send()
            .await
            .unwrap();
        client
            .create_db_instance_read_replica()
            .db_instance_identifier(REPLICA)
            .source_db_instance_identifier(ALONE)
            .send()
            .await
            .unwrap();
        place.ok("rds.wait_available", [("cluster", text(SOURCE))]).await;
        place.ok("rds.wait_available", [("instance", text(REPLICA))]).await;
        Some(place)
    }

    /// Both, as far as they can be had.
    async fn both(delay: Duration) -> Vec<Self> {
        let mut places = vec![Self::sandbox(delay).await];
        places.extend(Self::moto(delay).await);
        places
    }

    fn practice(&self) -> &Aws {
        self.sandbox.as_ref().unwrap().aws()
    }

    /// The inputs of `aurora-pitr` there.
    fn inputs(&self) -> BTreeMap<String, String> {
        self.sandbox.as_ref().unwrap().offer().inputs.clone()
    }

    pub(crate) async fn client(&self) -> aws_sdk_rds::Client {
        aws_sdk_rds::Client::new(&aws::config(&self.access).await)
    }

    /// An attempt of the step `restore`.
    fn attempt(&self) -> Attempt {
        let (progress, said) = mpsc::channel(1000);
        let run_dir = TempDir::new().unwrap();
        std::fs::create_dir(run_dir.path().join("output")).unwrap();
        let cx = Context {
            supervisors: Supervisors::new(env!("CARGO_BIN_EXE_steady").into()),
            terminal: Terminal::new().0,
            run: RUN.into(),
            attempt: AttemptId { step: "restore".into(), number: 1, of: Part::Do },
            token: "restore.1-a3f9".into(),
            run_dir: run_dir.path().into(),
            rehearsed: None,
            secrets: Arc::new(NoSecrets),
            redactor: Redactor::default(),
            withhold: false,
            cancel: CancellationToken::new(),
            progress,
            aws: self.access.clone(),
            timeout: None,
        };
        Attempt { cx, said, _run_dir: run_dir }
    }

    /// Completes and runs an action, as the console does.
    async fn run<const N: usize>(&self, name: &str, args: [(&str, Value); N]) -> Finish {
        let attempt = self.attempt();
        let request = request(name, args);
        match handler(name).complete(attempt.cx.clone(), request).await {
            Ok(request) => attempt.run(&request).await,
            Err(why) => Finish::failed(why),
        }
    }

    /// [`Place::run`], which must succeed; the result has the registry's fields.
    async fn ok<const N: usize>(&self, name: &str, args: [(&str, Value); N]) -> Value {
        let finish = self.run(name, args).await;
        assert_eq!(finish.outcome, steadyhand::engine::Outcome::Succeeded, "{}", finish.message);
        assert_registered(name, &finish.result);
        finish.result
    }

    /// What completing adds to a request.
    async fn complete<const N: usize>(
        &self,
        name: &str,
        args: [(&str, Value); N],
    ) -> Result<Request, String> {
        handler(name).complete(self.attempt().cx, request(name, args)).await
    }

    /// The tags of a cluster.
    async fn tags(&self, cluster: &str) -> BTreeMap<String, String> {
        let client = self.client().await;
        let answer = client.describe_db_clusters().db_cluster_identifier(cluster).send().await;
        let cluster = answer.unwrap().db_clusters.unwrap().remove(0);
        let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
        cluster.tag_list().iter().filter_map(pair).collect()
    }
}

struct Attempt {
    cx: Context,
    said: mpsc::Receiver<Progress>,
    _run_dir: TempDir,
}

impl Attempt {
    fn undo(mut self) -> Self {
        self.cx.attempt.of = Part::Undo;
        self
    }

    fn step(mut self, step: &str) -> Self {
        self.cx.attempt.step = step.into();
        self
    }

    async fn run(&self, request: &Request) -> Finish {
        let run = handler(request.action).run(self.cx.clone(), request.clone());
        tokio::time::timeout(PATIENCE, run).await.unwrap_or_else(|_| panic!("{}", request.action))
    }

    /// Waits until a line with `part` in it was said.
    async fn hears(&mut self, part: &str) -> String {
        let found = async {
            while let Some(progress) = self.said.recv().await {
                if let Progress::Line(line) = progress
                    && line.contains(part)
                {
                    return line;
                }
            }
            panic!("{part:?} was never said");
        };
        tokio::time::timeout(PATIENCE, found).await.expect(part)
    }
}

struct NoSecrets;

impl Reveal for NoSecrets {
    fn reveal(&self, _name: &str) -> Option<&str> {
        None
    }
}

fn handler(name: &str) -> &'static dyn Action {
    rds::find(name).unwrap_or_else(|| panic!("no action {name}"))
}

fn text(it: &str) -> Value {
    Value::String(it.into())
}

/// A request as the runbook has it, looked at ten times a second.
fn request<const N: usize>(name: &str, args: [(&str, Value); N]) -> Request {
    let spec = action(name).unwrap_or_else(|| panic!("{name} is not registered"));
    let EffectRule::Fixed(effect) = spec.effect else { panic!("{name} has no fixed effect") };
    let mut args: Vec<_> =
        args.into_iter().map(|(key, value)| (key.to_owned(), Resolved::Value(value))).collect();
    if spec.keys.iter().any(|key| key.name == "every") {
        let pause = Value::Duration(chrono::TimeDelta::milliseconds(100));
        args.push(("every".into(), Resolved::Value(pause)));
    }
    for (key, _) in &args {
        assert!(spec.keys.iter().any(|it| it.name == key), "{name} has no key {key}");
    }
    Request { action: spec.name, effect, args, env: Vec::new(), secrets: Vec::new() }
}

/// A restore to the end of the window.
fn restore(target: &str) -> Request {
    request(
        "rds.restore_cluster_to_point_in_time",
        [("source", text(SOURCE)), ("target", text(target)), ("to", text("latest"))],
    )
}

/// Every field of a result is one that the registry promises, of the promised type.
fn assert_registered(name: &str, result: &Value) {
    let Value::Map(map) = result else { panic!("{name}: {result} is no map") };
    for (field, value) in map {
        let spec = action(name).unwrap().result.iter().find(|it| it.name == field);
        let promised = spec.unwrap_or_else(|| panic!("{name}: {field} is not registered")).ty;
        let told = match value {
            Value::String(_) => FieldType::String,
            Value::Int(_) => FieldType::Int,
            Value::Bool(_) => FieldType::Bool,
            Value::Timestamp(_) => FieldType::Timestamp,
            Value::List(_) => FieldType::StringList,
            other => panic!("{name}: {field} is {}", other.kind()),
        };
        assert_eq!(told, promised, "{name}: {field}");
    }
}

#[test]
fn every_registered_rds_action_has_a_handler() {
    let registered =
        steadyhand::runbook::registry::actions().filter(|it| it.name.starts_with("rds."));
    let mut count = 0;
    for spec in registered {
        assert!(rds::find(spec.name).is_some(), "{}", spec.name);
        let destroys = spec.effect == EffectRule::Fixed(Effect::Destroys);
        assert_eq!(spec.destroys.is_some(), destroys, "{}", spec.name);
        count += 1;
    }
    assert_eq!(count, 15);
}
