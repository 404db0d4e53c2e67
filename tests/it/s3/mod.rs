//! The `s3` actions through the real SDK, against SeaweedFS and the sandbox.

mod actions;
mod download;
mod likeness;
mod refusals;

use std::time::Duration;

use steadyhand::actions::{Action, Finish, Found, s3};
use steadyhand::aws::AwsAccess;
use steadyhand::aws::s3::S3;
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::{EffectRule, FieldType, action};
use steadyhand::runbook::{Effect, Request, Resolved, Value};
use steadyhand::sandbox::{self, CREDENTIALS};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::services::attempt::{Attempt, attempt, request};

/// No action of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(100);

/// Somewhere to call.
struct Place {
    access: AwsAccess,
    s3: S3,
}

/// The sandbox's S3, served; it ends when this is dropped.
pub struct Practice {
    pub s3: sandbox::s3::S3,
    pub access: AwsAccess,
    _server: JoinSet<()>,
}

impl Practice {
    pub async fn start() -> Self {
        let s3 = sandbox::s3::S3::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let access = AwsAccess {
            profile: None,
            region: Some(s3.region().into()),
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            practice_credentials: Some((CREDENTIALS.0.into(), CREDENTIALS.1.into())),
        };
        let mut server = JoinSet::new();
        let router = s3.router();
        server.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { s3, access, _server: server }
    }
}

impl Place {
    async fn of(access: AwsAccess) -> Self {
        Self { s3: S3::connect(&access).await, access }
    }

    /// A new bucket; it keeps versions when `versioned`.
    async fn bucket(&self, name: &str, versioned: bool) {
        self.s3.client.create_bucket().bucket(name).send().await.unwrap();
        if versioned {
            use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
            let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
            let on = self.s3.client.put_bucket_versioning().versioning_configuration(on.build());
            on.bucket(name).send().await.unwrap();
        }
    }

    async fn put(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) -> Option<String> {
        let put = self.s3.client.put_object().bucket(bucket).key(key).body(bytes.into().into());
        put.send().await.unwrap().version_id
    }

    async fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let got = self.s3.client.get_object().bucket(bucket).key(key).send().await.ok()?;
        Some(got.body.collect().await.unwrap().to_vec())
    }

    fn attempt(&self) -> Attempt {
        let mut attempt = attempt(&[]);
        attempt.cx.aws = self.access.clone();
        attempt
    }

    /// Completes and runs an action, as the console does.
    async fn run<const N: usize>(&self, name: &str, args: [(&str, Value); N]) -> Finish {
        let attempt = self.attempt();
        let request = asked(name, args);
        match handler(name).complete(attempt.cx.clone(), request).await {
            Ok(request) => run(&attempt, &request).await,
            Err(why) => Finish::failed(why),
        }
    }

    /// [`Place::run`], which must succeed; the result has the registry's fields.
    async fn ok<const N: usize>(&self, name: &str, args: [(&str, Value); N]) -> Value {
        let finish = self.run(name, args).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{name}: {}", finish.message);
        assert_registered(name, &finish.result);
        finish.result
    }

    /// [`Place::run`], which must fail with these words in its message.
    async fn fails<const N: usize>(&self, name: &str, args: [(&str, Value); N], words: &[&str]) {
        let finish = self.run(name, args).await;
        assert_eq!(finish.outcome, Outcome::Failed, "{name}: {}", finish.message);
        for word in words {
            assert!(
                finish.message.contains(word),
                "{name}: {word:?} is not in: {}",
                finish.message
            );
        }
        assert!(!finish.message.contains('\n'), "{}", finish.message);
    }
}

async fn run(attempt: &Attempt, request: &Request) -> Finish {
    let run = handler(request.action).run(attempt.cx.clone(), request.clone());
    tokio::time::timeout(PATIENCE, run).await.unwrap_or_else(|_| panic!("{}", request.action))
}

async fn found(attempt: &Attempt, request: &Request) -> Found {
    handler(request.action).find(attempt.cx.clone(), request.clone()).await
}

fn handler(name: &str) -> &'static dyn Action {
    s3::find(name).unwrap_or_else(|| panic!("no action {name}"))
}

fn text(it: impl Into<String>) -> Value {
    Value::String(it.into())
}

/// A request as the runbook has it.
fn asked<const N: usize>(name: &str, args: [(&str, Value); N]) -> Request {
    let effect = match action(name).unwrap().effect {
        EffectRule::Fixed(effect) => effect,
        EffectRule::ByFlag(_) | EffectRule::Declared(..) | EffectRule::ByMethod => Effect::Changes,
    };
    let args = args.into_iter().map(|(key, value)| (key, Resolved::Value(value)));
    request(name, effect, args.collect())
}

/// Every field is in the registry, with its type.
fn assert_registered(name: &str, result: &Value) {
    let Value::Map(fields) = result else { panic!("{name}: the result is no map") };
    let spec = action(name).unwrap();
    for (key, value) in fields {
        let field = spec.result.iter().find(|field| field.name == key);
        let field = field.unwrap_or_else(|| panic!("{name}: {key} is not in the registry"));
        let fits = match field.ty {
            FieldType::Dyn => true,
            FieldType::Bool => matches!(value, Value::Bool(_)),
            FieldType::Int => matches!(value, Value::Int(_)),
            FieldType::Float => matches!(value, Value::Float(_)),
            FieldType::String => matches!(value, Value::String(_)),
            FieldType::Timestamp => matches!(value, Value::Timestamp(_)),
            FieldType::Duration => matches!(value, Value::Duration(_)),
            FieldType::StringList | FieldType::DynList => matches!(value, Value::List(_)),
        };
        assert!(fits, "{name}: {key} is {value:?}");
    }
}

fn int(result: &Value, field: &str) -> i64 {
    match result.get(field) {
        Some(Value::Int(it)) => *it,
        other => panic!("{field} is {other:?}"),
    }
}

fn string<'a>(result: &'a Value, field: &str) -> &'a str {
    result.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} of {result:?}"))
}

/// Bytes that nobody could make up.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

/// The names in a directory, sorted.
fn names(dir: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
