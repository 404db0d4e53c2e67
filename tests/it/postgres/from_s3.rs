//! `postgres.restore_dump` from SeaweedFS: streamed, held to its manifest, and nothing half-loaded.

use std::time::Duration;

use steadyhand::actions::postgres::RestoreDump;
use steadyhand::actions::{Action as _, Finish, Progress};
use steadyhand::aws::AwsAccess;
use steadyhand::aws::s3::S3;
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use super::{connection, with_password};
use crate::services::attempt::{Attempt, request, text};
use crate::services::damage::{gzip, sha256};
use crate::services::door::Door;
use crate::services::postgres::Cluster;
use crate::services::seaweed::Seaweed;

/// A database `shop` whose dump is some megabytes, and a bucket with dumps of it.
struct Shop {
    cluster: Cluster,
    seaweed: Seaweed,
    s3: S3,
}

const ORDERS: &str = "SELECT count(*) || ' ' || md5(string_agg(note, ',' ORDER BY id)) FROM orders";

impl Shop {
    async fn open() -> Option<Self> {
        let seaweed = Seaweed::start().await?;
        let cluster = Cluster::start_with("", &["dumps"])?;
        let s3 = S3::connect(&seaweed.access()).await;
        s3.client.create_bucket().bucket("backups").send().await.unwrap();
        cluster.sql("postgres", "CREATE DATABASE shop");
        cluster.sql(
            "shop",
            "CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE INDEX ON orders (note); \
             INSERT INTO orders SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 60000) i",
        );
        let shop = Self { cluster, seaweed, s3 };
        let plain = shop.dump("-Fp", "shop.sql");
        let custom = shop.dump("-Fc", "shop.dump");
        for (key, bytes) in
            [("pg/shop.sql.gz", &gzip(&plain)), ("pg/shop.sql", &plain), ("pg/shop.dump", &custom)]
        {
            shop.put(key, bytes.clone()).await;
            shop.vouch(key, bytes).await;
        }
        Some(shop)
    }

    fn dump(&self, format: &str, name: &str) -> Vec<u8> {
        let path = self.cluster.home.path().join("dumps").join(name);
        let path = path.to_str().unwrap();
        self.cluster.must("pg_dump", &[format, "-f", path, "shop"], &[]).unwrap();
        std::fs::read(path).unwrap()
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.s3.client.put_object().bucket("backups").key(key).body(bytes.into());
        put.send().await.unwrap();
    }

    /// Leaves a manifest beside `key` that says that it is `bytes`.
    async fn vouch(&self, key: &str, bytes: &[u8]) {
        let file = self.cluster.home.path().join("dumps").join("vouched");
        std::fs::write(&file, bytes).unwrap();
        let manifest = format!("{{\"date\": \"2026-11-20\", \"sha256\": \"{}\"}}", sha256(&file));
        self.put(&format!("{key}.manifest.json"), manifest.into_bytes()).await;
    }

    fn request(&self, key: &str, more: &[(&str, Value)]) -> Request {
        let mut args = vec![
            ("connection", connection(&self.cluster, "target", &[])),
            ("file", text(&format!("s3://backups/{key}"))),
        ];
        args.extend(more.iter().map(|(key, value)| (*key, Resolved::Value(value.clone()))));
        request("postgres.restore_dump", Effect::Changes, args)
    }

    fn attempt(&self, access: AwsAccess) -> Attempt {
        let mut attempt = with_password();
        attempt.cx.aws = access;
        self.cluster.sql("postgres", "DROP DATABASE IF EXISTS target");
        self.cluster.sql("postgres", "CREATE DATABASE target");
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
        self.cluster.sql("target", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_streamed_from_s3_also_when_the_server_goes_away_in_the_middle() {
    let Some(shop) = Shop::open().await else { return };
    let whole = shop.cluster.sql("shop", ORDERS);
    for (key, jobs) in
        [("pg/shop.sql.gz", 1), ("pg/shop.sql.gz", 2), ("pg/shop.dump", 1), ("pg/shop.dump", 2)]
    {
        let attempt = shop.attempt(shop.seaweed.access());
        let finish = shop.load(&attempt, shop.request(key, &[("jobs", Value::Int(jobs))])).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{key} {jobs}: {}", finish.message);
        assert_eq!(shop.cluster.sql("target", ORDERS), whole, "{key} {jobs}");
        let field = |name: &str| finish.result.get(name).cloned().unwrap();
        assert_eq!(field("checked_against"), Value::String("manifest".into()));
        assert_eq!(field("dumped_at"), Value::String("2026-11-20".into()));
    }
    let door = Door::open(shop.seaweed.port(), vec![1_000_000, 3_000_000], Duration::from_secs(1));
    let access = AwsAccess { endpoint: Some(door.endpoint()), ..shop.seaweed.access() };
    let mut attempt = shop.attempt(access);
    let finish = shop.load(&attempt, shop.request("pg/shop.sql", &[])).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(door.times_shut(), 2);
    assert_eq!(shop.cluster.sql("target", ORDERS), whole);
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
    let Some(shop) = Shop::open().await else { return };
    let whole = gzip(&shop.dump("-Fp", "again.sql"));
    let mut tampered = shop.dump("-Fp", "again.sql");
    let at = tampered.len() - 1000;
    tampered[at] ^= 1;
    shop.put("pg/tampered.sql", tampered).await;
    shop.vouch("pg/tampered.sql", &whole).await;
    shop.put("pg/cut.sql.gz", whole[..whole.len() / 2].to_vec()).await;
    shop.put("pg/picture.sql", vec![0xff, 0xd8, 0xff, 0xe0, 0]).await;
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
        let attempt = shop.attempt(shop.seaweed.access());
        let finish = shop.load(&attempt, shop.request(key, more)).await;
        assert_eq!(finish.outcome, Outcome::Failed, "{key}: {}", finish.message);
        assert!(finish.message.contains(said), "{key}: {}", finish.message);
        assert_eq!(shop.tables(), "0", "{key}");
    }
    // By several sessions it is no transaction, and what is left is said.
    let attempt = shop.attempt(shop.seaweed.access());
    let request = shop.request("pg/tampered.sql", &[("jobs", Value::Int(2))]);
    let finish = shop.load(&attempt, request).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert!(finish.message.contains("objects are left in"), "{}", finish.message);
}
