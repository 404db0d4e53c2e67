//! `postgres.restore_dump`.

use std::path::Path;

use steadyhand::actions::postgres::RestoreDump;
use steadyhand::actions::{Action as _, Finish};
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use super::{connection, with_password};
use crate::services::attempt::{request, text};
use crate::services::damage::{Dumps, dumps, sha256};

/// Counts of what `shop` holds.
const WHOLE: &str =
    "SELECT (SELECT count(*) FROM customers) || ' ' || (SELECT count(*) FROM orders)";

fn load(dumps: &Dumps, file: &Path, more: &[(&'static str, Value)]) -> Request {
    let mut args = vec![
        ("connection", connection(&dumps.cluster, "target", &[])),
        ("file", text(file.to_str().unwrap())),
        ("unverified", Resolved::Value(Value::Bool(true))),
    ];
    args.retain(|(key, _)| !more.iter().any(|(other, _)| key == other));
    args.extend(more.iter().map(|(key, value)| (*key, Resolved::Value(value.clone()))));
    request("postgres.restore_dump", Effect::Changes, args)
}

async fn run(request: Request) -> Finish {
    RestoreDump.run(with_password().cx, request).await
}

fn fresh(dumps: &Dumps) {
    dumps.cluster.sql("postgres", "DROP DATABASE IF EXISTS target");
    dumps.cluster.sql("postgres", "CREATE DATABASE target");
}

fn objects(dumps: &Dumps) -> String {
    dumps
        .cluster
        .sql("target", "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_gzip_and_custom_dumps_are_loaded_whole() {
    let Some(dumps) = dumps() else { return };
    let jobs = [("jobs", Value::Int(2))];
    let gz = dumps.custom.with_extension("dump.gz");
    std::fs::write(&gz, crate::services::damage::gzip(&std::fs::read(&dumps.custom).unwrap()))
        .unwrap();
    for (file, more, format) in [
        (&dumps.plain, &[][..], "plain"),
        (&dumps.plain, &jobs, "plain"),
        (&dumps.plain_gz, &[], "plain"),
        (&dumps.custom, &[], "custom"),
        (&dumps.custom, &jobs, "custom"),
        (&gz, &jobs, "custom"),
    ] {
        fresh(&dumps);
        let finish = run(load(&dumps, file, more)).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{}: {}", file.display(), finish.message);
        assert_eq!(dumps.cluster.sql("target", WHOLE), "50 500");
        let field = |name: &str| finish.result.get(name).cloned().unwrap();
        assert_eq!(field("tables"), Value::Int(3));
        assert_eq!(field("format"), Value::String(format.into()));
        assert_eq!(field("sha256"), Value::String(sha256(file)));
        assert_eq!(field("checked_against"), Value::String("nothing".into()));
        assert!(finish.output.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_loaded_is_refused_before_the_database_is_touched() {
    let Some(dumps) = dumps() else { return };
    fresh(&dumps);
    let dir = dumps.plain.parent().unwrap();
    let manifest =
        format!("{{\"date\": \"2026-11-20\", \"sha256\": \"{}\"}}", sha256(&dumps.plain_gz));
    std::fs::write(dir.join("shop.manifest.json"), manifest).unwrap();
    let finish = run(load(&dumps, &dumps.plain_gz, &[])).await;
    assert_eq!(finish.result.get("checked_against"), Some(&Value::String("manifest".into())));
    assert_eq!(finish.result.get("dumped_at"), Some(&Value::String("2026-11-20".into())));
    fresh(&dumps);

    let whole = std::fs::read(&dumps.plain_gz).unwrap();
    let mut tampered = whole.clone();
    *tampered.last_mut().unwrap() ^= 1;
    std::fs::write(&dumps.plain_gz, &tampered).unwrap();
    let cut = dir.join("cut.sql.gz");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let picture = dir.join("holiday.jpg");
    std::fs::write(&picture, [0xff, 0xd8, 0xff, 0xe0, 0]).unwrap();
    let cases: [(&Path, &str); 4] = [
        (&dumps.plain_gz, "shop.manifest.json says"),
        (&cut, "cut off or damaged"),
        (&picture, "is not a PostgreSQL dump"),
        (&dir.join("missing.sql"), "cannot be read"),
    ];
    for (file, word) in cases {
        let finish = run(load(&dumps, file, &[])).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        assert!(finish.message.contains(word), "{}", finish.message);
        assert!(!finish.message.contains('\n'), "{}", finish.message);
        assert_eq!(objects(&dumps), "0", "{}", file.display());
    }
    let nobody = [("unverified", Value::Bool(false))];
    let unvouched = dir.join("unvouched.dump");
    std::fs::copy(&dumps.custom, &unvouched).unwrap();
    let finish = run(load(&dumps, &unvouched, &nobody)).await;
    assert!(finish.message.contains("nothing says what the SHA-256"), "{}", finish.message);
    assert_eq!(objects(&dumps), "0");
    let wrong = [("sha256", Value::String("0".repeat(64)))];
    let finish = run(load(&dumps, &unvouched, &wrong)).await;
    assert!(finish.message.contains("was not touched"), "{}", finish.message);
    assert_eq!(objects(&dumps), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_loaded_on_top_of_something() {
    let Some(dumps) = dumps() else { return };
    fresh(&dumps);
    // What an extension owns is no reason to refuse.
    dumps.cluster.sql("target", "CREATE EXTENSION pgcrypto");
    dumps.cluster.sql("target", "CREATE TABLE precious (id int)");
    let finish = run(load(&dumps, &dumps.plain, &[])).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(
        finish.message.contains("is not empty: it has the table precious"),
        "{}",
        finish.message
    );
    assert!(finish.message.contains("drop and create the database"), "{}", finish.message);
    assert_eq!(objects(&dumps), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_fails_in_the_middle_leaves_nothing() {
    let Some(dumps) = dumps() else { return };
    let broken = dumps.plain.with_file_name("broken.sql");
    let whole = std::fs::read_to_string(&dumps.plain).unwrap();
    let at = whole.find("-- PostgreSQL database dump complete").unwrap();
    let text = format!("{}SELECT 1 / 0;\n{}", &whole[..at], &whole[at..]);
    std::fs::write(&broken, text).unwrap();
    fresh(&dumps);
    let finish = run(load(&dumps, &broken, &[])).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("division by zero"), "{}", finish.message);
    assert!(finish.message.contains("is empty, as it was"), "{}", finish.message);
    assert_eq!(objects(&dumps), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_load_ends_it_in_the_server_and_leaves_nothing() {
    let Some(dumps) = dumps() else { return };
    let slow = dumps.plain.with_file_name("slow.sql");
    let whole = std::fs::read_to_string(&dumps.plain).unwrap();
    let at = whole.find("-- PostgreSQL database dump complete").unwrap();
    std::fs::write(&slow, format!("{}SELECT pg_sleep(600);\n{}", &whole[..at], &whole[at..]))
        .unwrap();
    fresh(&dumps);
    let attempt = with_password();
    let task = tokio::spawn(RestoreDump.run(attempt.cx.clone(), load(&dumps, &slow, &[])));
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' \
                   AND application_name = 'steadyhand 20261121T031000Z-a-test-k3f9 restore.1'";
    dumps.cluster.until("postgres", at_work, "1");
    attempt.cancel.cancel();
    let finish = task.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert!(finish.message.contains("was cancelled"), "{}", finish.message);
    assert_eq!(dumps.cluster.sql("postgres", at_work), "0");
    assert_eq!(objects(&dumps), "0");
}
