//! `postgres.compare`.

use std::path::Path;

use steadyhand::actions::postgres::Compare;
use steadyhand::actions::{Action as _, Finish};
use steadyhand::engine::Outcome;
use steadyhand::runbook::Value;
use steadyhand::runbook::registry::Effect;

use super::{connection, with_password};
use crate::services::attempt::{request, text};
use crate::services::postgres::Cluster;

async fn compare(cluster: &Cluster, more: &[(&str, &str)]) -> Finish {
    let mut args = vec![("target", connection(cluster, "there", &[]))];
    args.extend(more.iter().map(|(key, value)| match *key {
        "source" => ("source", connection(cluster, value, &[])),
        key => (key, text(value)),
    }));
    let finish =
        Compare.run(with_password().cx, request("postgres.compare", Effect::Reads, args)).await;
    assert!(!finish.message.contains('\n'), "{}", finish.message);
    finish
}

fn field(finish: &Finish, name: &str) -> String {
    finish.result.get(name).unwrap_or_else(|| panic!("{name}: {}", finish.message)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_are_compared_by_rows_and_by_what_they_say() {
    let Some(cluster) = Cluster::start("") else { return };
    for name in ["here", "there"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
        cluster.sql(
            name,
            "CREATE EXTENSION pgcrypto; CREATE SCHEMA \"odd.schema\"; \
             CREATE TABLE \"odd.schema\".\"a;b\" (at timestamptz, f float8); \
             CREATE TABLE orders (id int, note text); \
             CREATE TABLE parts (id int) PARTITION BY RANGE (id); \
             CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (10); \
             CREATE TABLE parts_2 PARTITION OF parts DEFAULT; \
             INSERT INTO parts SELECT generate_series(1, 20); \
             INSERT INTO \"odd.schema\".\"a;b\" VALUES ('2026-11-20 03:00+01', 1/3.0::float8)",
        );
    }
    cluster.sql("here", "INSERT INTO orders SELECT i, 'n' || i FROM generate_series(1, 100) i");
    // In another order, and read in another zone.
    cluster
        .sql("there", "INSERT INTO orders SELECT i, 'n' || i FROM generate_series(100, 1, -1) i");
    cluster.sql("postgres", "ALTER DATABASE there SET timezone = 'Asia/Tokyo'");
    for by in ["counts", "checksums"] {
        let same = compare(&cluster, &[("source", "here"), ("by", by)]).await;
        assert_eq!(same.outcome, Outcome::Succeeded, "{}", same.message);
        assert_eq!(same.message, "the same: 3 tables, 121 rows");
        assert_eq!((&*field(&same, "equal"), &*field(&same, "tables")), ("true", "3"));
    }
    cluster.sql("there", "UPDATE orders SET note = 'other' WHERE id = 7");
    let counts = compare(&cluster, &[("source", "here")]).await;
    assert_eq!(field(&counts, "equal"), "true", "{}", counts.message);
    let sums = compare(&cluster, &[("source", "here"), ("by", "checksums")]).await;
    assert_eq!(field(&sums, "equal"), "false");
    assert!(sums.message.contains("public.orders has as many rows and others"), "{}", sums.message);

    cluster.sql("there", "DELETE FROM orders WHERE id = 7; DROP TABLE parts; CREATE TABLE more ()");
    let finish = compare(&cluster, &[("source", "here")]).await;
    assert_eq!(field(&finish, "equal"), "false");
    let Some(Value::List(different)) = finish.result.get("different") else { panic!() };
    assert_eq!(different.len(), 1);
    assert_eq!(different[0].get("source_rows"), Some(&Value::Int(100)));
    assert_eq!(different[0].get("target_rows"), Some(&Value::Int(99)));
    for said in [
        "orders has 99 rows and not 100",
        "public.parts is missing",
        "public.more is there besides",
    ] {
        assert!(finish.message.contains(said), "{}", finish.message);
    }
    let one = compare(&cluster, &[("source", "here"), ("tables", "odd")]).await;
    assert_eq!(one.message, "the same: 1 tables, 1 rows");
    let none = compare(&cluster, &[("source", "here"), ("tables", "nothing")]).await;
    assert_eq!(none.outcome, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_held_against_what_was_counted() {
    let Some(cluster) = Cluster::start_with("", &["counts"]) else { return };
    cluster.sql("postgres", "CREATE DATABASE there");
    cluster.sql("there", "CREATE TABLE a AS SELECT generate_series(1, 5); CREATE TABLE b ()");
    let file = cluster.home.path().join("counts").join("rows.json");
    let place = file.to_str().unwrap().to_owned();
    let write = |path: &Path, json: &str| std::fs::write(path, json).unwrap();
    for (json, message) in [
        (r#"{"public.a": 5}"#, "the same: 1 tables, 5 rows"),
        (
            r#"{"sha256": "…", "rows": {"public.a": 5, "public.b": 0}}"#,
            "the same: 2 tables, 5 rows",
        ),
        (r#"{"public.a": 6}"#, "not the same: public.a has 5 rows and not 6"),
        (r#"{"public.c": 1}"#, "not the same: public.c is missing"),
    ] {
        write(&file, json);
        let finish = compare(&cluster, &[("counts", &place)]).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
        assert_eq!(finish.message, message);
    }
    for (json, said) in [("[]", "must be JSON such as"), ("{}", "there is no table to compare")] {
        write(&file, json);
        let finish = compare(&cluster, &[("counts", &place)]).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        assert!(finish.message.contains(said), "{}", finish.message);
    }
}
