//! `postgres.query`.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use steadyhand::actions::postgres::Query;
use steadyhand::actions::{Action as _, Finish, Found, Progress};
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use super::{connection, query, with_password};
use crate::services::attempt::{request, text};
use crate::services::postgres::{Cluster, until};

async fn run(request: Request) -> Finish {
    Query.run(with_password().cx, request).await
}

async fn refusal(request: Request) -> String {
    let finish = run(request).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert!(!finish.message.contains('\n'), "one line: {}", finish.message);
    finish.message
}

#[tokio::test]
async fn values_keep_their_types_and_what_would_lose_something_is_text() {
    let Some(cluster) = Cluster::start("") else { return };
    let place = || connection(&cluster, "postgres", &[]);
    let sql = "SELECT 7::int2 AS small, 1234567890123 AS big, 1.5::float8 AS real, true AS yes, \
        NULL::int AS nothing, 'é' AS word, -12345.6700::numeric AS exact, 0.00012::numeric AS tiny, \
        10000::numeric AS whole, 0::numeric AS zero, 'NaN'::numeric AS nan, \
        '2026-11-21 03:10:00.25+01'::timestamptz AS moment, '2026-11-21 03:10'::timestamp AS local, \
        'infinity'::timestamptz AS never, interval '1 day 2 s' AS length, interval '1 month' AS month, \
        '{\"a\": [1]}'::jsonb AS tree, ARRAY['x', NULL] AS list, \
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, '0/16B3748'::pg_lsn AS lsn";
    let finish = run(query(place(), Effect::Reads, sql)).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let text = |text: &str| Value::String(text.into());
    let row = Value::map([
        ("small", Value::Int(7)),
        ("big", Value::Int(1_234_567_890_123)),
        ("real", Value::Float(1.5)),
        ("yes", Value::Bool(true)),
        ("nothing", Value::Null),
        ("word", text("é")),
        ("exact", text("-12345.6700")),
        ("tiny", text("0.00012")),
        ("whole", text("10000")),
        ("zero", text("0")),
        ("nan", text("NaN")),
        (
            "moment",
            Value::Timestamp(
                DateTime::parse_from_rfc3339("2026-11-21T02:10:00.25Z").unwrap().into(),
            ),
        ),
        ("local", text("2026-11-21T03:10:00")),
        ("never", text("infinity")),
        ("length", Value::Duration(TimeDelta::seconds(86402))),
        ("month", text("1 months 0s")),
        ("tree", Value::map([("a", Value::List(vec![Value::Int(1)]))])),
        ("list", Value::List(vec![text("x"), Value::Null])),
        ("id", text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("lsn", text("0/16B3748")),
    ]);
    assert_eq!(finish.result.get("row"), Some(&row));
    assert_eq!(finish.result.get("count"), Some(&Value::Int(1)));

    let inet = refusal(query(place(), Effect::Changes, "SELECT '::1'::inet AS address")).await;
    assert!(inet.contains("`address::text`"), "{inet}");

    let many = run(query(place(), Effect::Reads, "SELECT generate_series(1, 1000)")).await;
    assert_eq!(many.result.get("count"), Some(&Value::Int(1000)));
    assert!(matches!(many.result.get("rows"), Some(Value::List(rows)) if rows.len() == 200));
}

#[tokio::test]
async fn parameters_are_data_whatever_they_hold() {
    let Some(cluster) = Cluster::start("") else { return };
    cluster.sql("postgres", "CREATE TABLE t (id int, note text, at timestamptz, len interval)");
    let note = "'); DROP TABLE t; --";
    let insert = |params: Vec<Value>| {
        request(
            "postgres.query",
            Effect::Changes,
            vec![
                ("connection", connection(&cluster, "postgres", &[])),
                ("sql", text("INSERT INTO t VALUES ($1, $2, $3, $4)")),
                ("params", Resolved::List(params.into_iter().map(Resolved::Value).collect())),
            ],
        )
    };
    let moment = DateTime::parse_from_rfc3339("2026-11-21T03:10:00.123456Z").unwrap();
    let finish = run(insert(vec![
        Value::Int(1),
        Value::String(note.into()),
        Value::Timestamp(moment.into()),
        Value::Duration(TimeDelta::milliseconds(90_500)),
    ]))
    .await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("affected"), Some(&Value::Int(1)));
    assert_eq!(
        cluster.sql("postgres", "SELECT id, note, at, len FROM t"),
        format!("1|{note}|2026-11-21 03:10:00.123456+00|00:01:30.5")
    );
    let few = refusal(insert(vec![Value::Int(1)])).await;
    assert!(few.contains("uses 4 parameter(s) and `params` gives 1"), "{few}");
}

#[tokio::test]
async fn a_step_that_reads_cannot_write() {
    let Some(cluster) = Cluster::start("") else { return };
    cluster.sql("postgres", "CREATE TABLE t (id int)");
    let place = || connection(&cluster, "postgres", &[]);
    let refused = refusal(query(place(), Effect::Reads, "INSERT INTO t VALUES (1)")).await;
    assert!(refused.contains("effect: reads"), "{refused}");
    let two = refusal(query(place(), Effect::Reads, "COMMIT; INSERT INTO t VALUES (1)")).await;
    assert!(two.contains("one that only reads is alone"), "{two}");
    assert_eq!(cluster.sql("postgres", "SELECT count(*) FROM t"), "0");
}

#[tokio::test]
async fn every_refusal_says_where_and_what_to_do() {
    let Some(cluster) = Cluster::start("") else { return };
    cluster.sql("postgres", "CREATE ROLE guest LOGIN PASSWORD 'correct-horse-battery'");
    cluster.sql("postgres", "CREATE TABLE secret (id int)");
    let place = format!("127.0.0.1:{}/", cluster.port);
    let cases: [(&str, Value, &[&str]); 7] = [
        (
            "password",
            Value::Secret("wrong_password".into()),
            &["refused the password of `postgres`", "`connection.password`"],
        ),
        ("password", Value::Secret("unknown_secret".into()), &["is not to be had"]),
        ("port", Value::Int(1), &["cannot reach", "connection refused", "check host and port"]),
        (
            "host",
            Value::String("no.such.host.invalid".into()),
            &["cannot reach", "check the host's"],
        ),
        ("database", Value::String("shop".into()), &["no database `shop`", "create it"]),
        ("sslmode", Value::String("require".into()), &["does not speak TLS", "sslmode: prefer"]),
        ("user", Value::String("guest".into()), &["`guest` is not allowed", "GRANT"]),
    ];
    for (key, value, words) in cases {
        let there = connection(&cluster, "postgres", &[(key, value)]);
        let said = refusal(query(there, Effect::Reads, "SELECT * FROM secret")).await;
        for word in words {
            assert!(said.contains(word), "{key}: {said}");
        }
        assert!(!said.contains("not the password"), "{said}");
        assert!(said.contains(&place) || matches!(key, "port" | "host" | "password"), "{said}");
    }
    let wrong = query(connection(&cluster, "postgres", &[]), Effect::Reads, "SELEC 1");
    let said = refusal(wrong).await;
    assert!(said.contains("syntax error") && said.contains("at character 1"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_the_statement_in_the_server() {
    let Some(cluster) = Cluster::start("") else { return };
    cluster.sql("postgres", "CREATE TABLE t AS SELECT 1 AS id");
    let attempt = with_password();
    let slow = query(
        connection(&cluster, "postgres", &[]),
        Effect::Changes,
        "DELETE FROM t WHERE id = 1 AND pg_sleep(600) IS NOT NULL",
    );
    let task = tokio::spawn(Query.run(attempt.cx.clone(), slow.clone()));
    let ours = "SELECT application_name FROM pg_stat_activity WHERE query LIKE 'DELETE%' \
                AND state = 'active'";
    cluster.until("postgres", ours, "steadyhand 20261121T031000Z-a-test-k3f9 restore.1");

    // A resumed console finds it at work.
    let found = Query.find(attempt.cx.clone(), slow.clone()).await;
    assert!(
        matches!(&found, Found::Running(seen) if seen.contains("pg_cancel_backend")),
        "{found:?}"
    );

    attempt.cancel.cancel();
    let finish = task.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert!(finish.message.contains("canceling statement"), "{}", finish.message);
    assert_eq!(cluster.sql("postgres", ours), "");
    assert_eq!(cluster.sql("postgres", "SELECT count(*) FROM t"), "1");
    let found = Query.find(attempt.cx.clone(), slow).await;
    assert!(matches!(found, Found::CannotTell(_)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_leaves_a_change_unknown_and_a_read_failed() {
    let Some(cluster) = Cluster::start("") else { return };
    for (effect, outcome) in [(Effect::Changes, Outcome::Unknown), (Effect::Reads, Outcome::Failed)]
    {
        let slow = query(connection(&cluster, "postgres", &[]), effect, "SELECT pg_sleep(600)");
        let task = tokio::spawn(Query.run(with_password().cx, slow));
        until("the server ends the session", || {
            cluster.sql(
                "postgres",
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE application_name LIKE 'steadyhand%' AND state = 'active'",
            ) == "1"
        });
        let finish = task.await.unwrap();
        assert_eq!(finish.outcome, outcome, "{}", finish.message);
        assert!(finish.message.contains("is not known"), "{}", finish.message);
    }
}

#[tokio::test]
async fn what_the_server_says_is_shown_without_secrets_and_control_sequences() {
    let Some(cluster) = Cluster::start("") else { return };
    let mut attempt = with_password();
    let notice = "DO $$ BEGIN RAISE NOTICE E'password correct-horse-battery \\x1b[31mred'; END $$";
    let request = query(connection(&cluster, "postgres", &[]), Effect::Changes, notice);
    let finish = Query.run(attempt.cx.clone(), request).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let Ok(Progress::Line(line)) = attempt.progress.try_recv() else { panic!("no notice") };
    assert!(line.contains("NOTICE") && line.contains("red"), "{line}");
    assert!(!line.contains("correct-horse") && !line.contains('\u{1b}'), "{line}");

    let leak = query(
        connection(&cluster, "postgres", &[]),
        Effect::Reads,
        "SELECT 'correct-horse-battery' AS leak",
    );
    let finish = Query.run(attempt.cx.clone(), leak).await;
    assert!(!format!("{finish:?}").contains("correct-horse"), "{finish:?}");
}

#[tokio::test]
async fn sslmode_means_what_libpq_means_by_it() {
    let Some(cluster) = Cluster::start("") else { return };
    let (key, cert): (PathBuf, PathBuf) =
        (cluster.data.join("server.key"), cluster.data.join("server.crt"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    if !made.as_ref().is_ok_and(|output| output.status.success()) {
        return crate::services::skip("TLS to PostgreSQL", "no openssl to make a certificate with");
    }
    let readable = cluster.home.path().join("ca.pem");
    std::fs::copy(&cert, &readable).unwrap();
    cluster.own().unwrap();
    cluster.sql("postgres", "ALTER SYSTEM SET ssl = on");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    cluster.until("postgres", "SHOW ssl", "on");
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let ask = |mode: &str, host: &str, ca: bool| {
        let mut keys =
            vec![("sslmode", Value::String(mode.into())), ("host", Value::String(host.into()))];
        if ca {
            keys.push(("ca", Value::String(readable.display().to_string())));
        }
        run(query(connection(&cluster, "postgres", &keys), Effect::Reads, encrypted))
    };
    for (mode, host, ca, encrypted) in [
        ("disable", "127.0.0.1", false, false),
        ("prefer", "127.0.0.1", false, true),
        ("require", "127.0.0.1", false, true),
        ("verify-full", "localhost", true, true),
    ] {
        let finish = ask(mode, host, ca).await;
        let row = Value::map([("ssl", Value::Bool(encrypted))]);
        assert_eq!(finish.result.get("row"), Some(&row), "{mode}: {}", finish.message);
    }
    for (host, ca) in [("127.0.0.1", true), ("localhost", false)] {
        let finish = ask("verify-full", host, ca).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        assert!(finish.message.contains("TLS with"), "{host}: {}", finish.message);
    }
}

#[tokio::test]
async fn names_are_quoted_and_several_statements_are_one_transaction() {
    let Some(cluster) = Cluster::start("") else { return };
    let named = |sql: &str, names: &[(&str, &str)]| {
        let mut request = query(connection(&cluster, "postgres", &[]), Effect::Changes, sql);
        let names = names.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect();
        request.args.push(("names".into(), Resolved::Map(names)));
        request
    };
    let run = |request: Request| Query.run(with_password().cx, request);
    // Outside of any transaction, as it must be.
    let odd = "Odd \"name\"; DROP";
    let finish = run(named("CREATE DATABASE :\"new\" TEMPLATE template0", &[("new", odd)])).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let swap = "ALTER DATABASE :\"old\" RENAME TO :\"kept\"; -- and\n\
                SELECT count(*) AS n FROM pg_database WHERE datname = :'kept'";
    let finish = run(named(swap, &[("old", odd), ("kept", "it's\\kept")])).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("row").unwrap().get("n"), Some(&Value::Int(1)));
    let there = "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname LIKE 'it%'";
    assert_eq!(cluster.sql("postgres", there), "it's\\kept");

    // The second statement fails: the first has not happened.
    let half = "ALTER DATABASE :\"a\" RENAME TO b; ALTER DATABASE nothing RENAME TO c";
    let said = refusal(named(half, &[("a", "it's\\kept")])).await;
    assert!(said.contains("does not exist"), "{said}");
    assert_eq!(cluster.sql("postgres", there), "it's\\kept");
    let said = refusal(named("SELECT 1; COMMIT; SELECT 2", &[])).await;
    assert!(said.contains("take out `COMMIT;`"), "{said}");
}
