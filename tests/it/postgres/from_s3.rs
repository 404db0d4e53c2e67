//! `postgres.restore_dump` from SeaweedFS: streamed, held to its manifest, and nothing half-loaded.

use std::time::Duration;

use steadyhand::actions::postgres::RestoreDump;
use steadyhand::actions::{Action as _, Finish, Progress};
use steadyhand::aws::AwsAccess;
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use super::{connection, with_password};
use crate::services::attempt::{Attempt, request, text};
use crate::services::damage::gzip;
use crate::services::door::Door;
use crate::services::shop::{ORDERS, Shop};

/// Loads dumps of the shop into a database `target`.
struct Loads(Shop);

impl Loads {
    async fn open() -> Option<Self> {
        Shop::open().await.map(Self)
    }

    fn request(&self, key: &str, more: &[(&str, Value)]) -> Request {
        let mut args = vec![
            ("connection", connection(&self.0.cluster, "target", &[])),
            ("file", text(&format!("s3://backups/{key}"))),
        ];
        args.extend(more.iter().map(|(key, value)| (*key, Resolved::Value(value.clone()))));
        request("postgres.restore_dump", Effect::Changes, args)
    }

    fn attempt(&self, access: AwsAccess) -> Attempt {
        let mut attempt = with_password();
        attempt.cx.aws = access;
        self.0.cluster.sql("postgres", "DROP DATABASE IF EXISTS target");
        self.0.cluster.sql("postgres", "CREATE DATABASE target");
        attempt
    }

    /// Completes and loads, as the console does.
    async fn load(&self, attempt: &Attempt, request: Request) -> Finish {
        match RestoreDump.complete(attempt.cx.clone(), request).await {
            Ok(request) => RestoreDump.run(attempt.cx.clone(), request).await,
            Err(message) => Finish::failed(message),
        }
    }

    fn tables(&self) -> String {
        self.0.cluster.sql("target", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_streamed_from_s3_also_when_the_server_goes_away_in_the_middle() {
    let Some(shop) = Loads::open().await else { return };
    let whole = shop.0.cluster.sql("shop", ORDERS);
    for (key, jobs) in
        [("pg/shop.sql.gz", 1), ("pg/shop.sql.gz", 2), ("pg/shop.dump", 1), ("pg/shop.dump", 2)]
    {
        let attempt = shop.attempt(shop.0.seaweed.access());
        let finish = shop.load(&attempt, shop.request(key, &[("jobs", Value::Int(jobs))])).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{key} {jobs}: {}", finish.message);
        assert_eq!(shop.0.cluster.sql("target", ORDERS), whole, "{key} {jobs}");
        let field = |name: &str| finish.result.get(name).cloned().unwrap();
        assert_eq!(field("checked_against"), Value::String("manifest".into()));
        assert_eq!(field("dumped_at"), Value::String("2026-11-20".into()));
    }
    let door =
        Door::open(shop.0.seaweed.port(), vec![1_000_000, 3_000_000], Duration::from_secs(1));
    let access = AwsAccess { endpoint: Some(door.endpoint()), ..shop.0.seaweed.access() };
    let mut attempt = shop.attempt(access);
    let finish = shop.load(&attempt, shop.request("pg/shop.sql", &[])).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(door.times_shut(), 2);
    assert_eq!(shop.0.cluster.sql("target", ORDERS), whole);
    let mut said = Vec::new();
    while let Ok(progress) = attempt.progress.try_recv() {
        if let Progress::Status { message, .. } = progress {
            said.push(message);
        }
    }
    assert!(
        said.iter().any(|it| it.starts_with("loading: ") && it.contains("waiting: ")),
        "{said:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_backup_that_was_made_is_never_committed() {
    let Some(shop) = Loads::open().await else { return };
    let whole = gzip(&shop.0.dump("-Fp", "again.sql"));
    let mut tampered = shop.0.dump("-Fp", "again.sql");
    let at = tampered.len() - 1000;
    tampered[at] ^= 1;
    shop.0.put("pg/tampered.sql", tampered).await;
    shop.0.vouch("pg/tampered.sql", &whole).await;
    shop.0.put("pg/cut.sql.gz", whole[..whole.len() / 2].to_vec()).await;
    shop.0.put("pg/picture.sql", vec![0xff, 0xd8, 0xff, 0xe0, 0]).await;
    let accepted = [("unverified", Value::Bool(true))];
    for (key, more, said) in [
        ("pg/tampered.sql", &[][..], "cannot be loaded: its SHA-256 is "),
        ("pg/cut.sql.gz", &accepted[..], "is cut off or damaged"),
        (
            "pg/cut.sql.gz",
            &[],
            "nothing says what the SHA-256 of s3://backups/pg/cut.sql.gz must be",
        ),
        ("pg/picture.sql", &accepted, "is not a PostgreSQL dump"),
        ("pg/nothing.sql", &accepted, "NoSuchKey"),
    ] {
        let attempt = shop.attempt(shop.0.seaweed.access());
        let finish = shop.load(&attempt, shop.request(key, more)).await;
        assert_eq!(finish.outcome, Outcome::Failed, "{key}: {}", finish.message);
        assert!(finish.message.contains(said), "{key}: {}", finish.message);
        assert_eq!(shop.tables(), "0", "{key}");
    }
    // By several sessions it is no transaction, and what is left is looked up and said: how much it is depends on who
    // is faster, the digest or the sessions.
    let attempt = shop.attempt(shop.0.seaweed.access());
    let request = shop.request("pg/tampered.sql", &[("jobs", Value::Int(2))]);
    let finish = shop.load(&attempt, request).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    let left = if shop.tables() == "0" { "is empty, as it was" } else { "objects are left in" };
    assert!(finish.message.contains(left), "{}", finish.message);
}
