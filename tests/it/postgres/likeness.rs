//! The sandbox's PostgreSQL answers as the real one does: the same statements over the same protocol, the same
//! SQLSTATEs, columns, types and rows.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::SinkExt as _;
use steadyhand::sandbox::Blow;
use steadyhand::sandbox::postgres::{Loading, Postgres, questions};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, Error, NoTls};

use crate::services::postgres::{Cluster, PASSWORD, USER};

async fn enter(port: u16, database: &str, password: &str) -> Result<Client, Error> {
    let mut config = Config::new();
    config.host("127.0.0.1").port(port).user(USER).password(password).dbname(database);
    config.application_name("likeness");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A parameter that is sent as text, whatever its type.
#[derive(Debug)]
struct AsText(&'static str);

impl ToSql for AsText {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The SQLSTATE of a refusal, or "ok".
fn told<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "ok".into(),
        Err(error) => error.code().map_or_else(|| error.to_string(), |code| code.code().into()),
    }
}

async fn copied(client: &Client, sql: &str, rows: &'static str) -> String {
    let sink = match client.copy_in::<_, Bytes>(sql).await {
        Ok(sink) => sink,
        Err(error) => return told::<()>(Err(error)),
    };
    let mut sink = std::pin::pin!(sink);
    let (first, second) = rows.split_at(rows.len() / 2);
    for piece in [first, second] {
        sink.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
    }
    sink.finish().await.map_or_else(|e| told::<()>(Err(e)), |rows| format!("{rows} rows"))
}

/// Statements about whole databases, and who may be in them meanwhile.
async fn databases(port: u16) -> Vec<String> {
    let client = enter(port, "postgres", PASSWORD).await.unwrap();
    let mut seen = vec![
        told(enter(port, "nowhere", PASSWORD).await),
        told(enter(port, "postgres", "not the password").await),
    ];
    for sql in [
        "CREATE DATABASE \"one\" TEMPLATE template0",
        "CREATE DATABASE one",
        "ALTER DATABASE nowhere RENAME TO other",
        "ALTER DATABASE one RENAME TO postgres",
        "ALTER DATABASE postgres RENAME TO other",
        "ALTER DATABASE one ALLOW_CONNECTIONS false",
        "DROP DATABASE nowhere",
        "DROP DATABASE IF EXISTS nowhere",
        "DROP DATABASE postgres",
    ] {
        // The runbook's way, then the loader's.
        seen.push(format!("{sql}: {}", told(client.execute(sql, &[]).await)));
    }
    seen.push(told(enter(port, "one", PASSWORD).await));
    seen.push(told(client.batch_execute("ALTER DATABASE one ALLOW_CONNECTIONS true").await));
    let inside = enter(port, "one", PASSWORD).await.unwrap();
    // The real server looks for five seconds whether they leave.
    seen.push(told(client.batch_execute("ALTER DATABASE one RENAME TO two").await));
    seen.push(told(client.batch_execute("DROP DATABASE one WITH (FORCE)").await));
    drop(inside);
    seen.push(told(client.batch_execute("CREATE DATABASE two").await));
    // What a transaction has renamed keeps its name when it fails.
    for sql in [
        "BEGIN",
        "ALTER DATABASE two RENAME TO three",
        "ALTER DATABASE nowhere RENAME TO two",
        "ROLLBACK",
        "BEGIN",
        "ALTER DATABASE two RENAME TO three",
        "ALTER DATABASE three RENAME TO two",
        "COMMIT",
    ] {
        seen.push(format!("{sql}: {}", told(client.batch_execute(sql).await)));
    }
    seen
}

/// A load in the database `two`, with its mistakes.
async fn load(port: u16) -> Vec<String> {
    let client = enter(port, "two", PASSWORD).await.unwrap();
    let mut seen = Vec::new();
    for sql in [
        "SET statement_timeout = 0;",
        "BEGIN",
        "CREATE TABLE public.gone (id bigint)",
        "ROLLBACK",
        "CREATE TABLE public.loans (\n    id bigint NOT NULL,\n    total numeric(12,2),\n    at timestamptz\n);",
        "CREATE TABLE public.loans (id bigint)",
        "ALTER TABLE ONLY public.loans\n    ADD CONSTRAINT loans_pkey PRIMARY KEY (id);",
        "CREATE INDEX loans_at ON public.loans USING btree (at);",
        "CREATE INDEX loans_at ON public.loans USING btree (at);",
        "CREATE INDEX nothing_at ON public.nothing USING btree (at);",
        "ANALYZE",
    ] {
        seen.push(format!("{sql}: {}", told(client.batch_execute(sql).await)));
    }
    let copy = "COPY public.loans (id, total, at) FROM stdin;";
    seen.push(copied(&client, copy, "1\t10.00\t2026-11-21 03:00:00+00\n2\t\\N\t\\N\n").await);
    // tokio-postgres does not always outlive a COPY that is refused: each has a session of its own.
    for refused in
        ["COPY public.loans (id, no) FROM stdin;", "COPY public.nothing (id) FROM stdin;"]
    {
        let other = enter(port, "two", PASSWORD).await.unwrap();
        seen.push(copied(&other, refused, "3\t1\n").await);
    }
    // A transaction that failed is good for nothing.
    seen.push(told(client.batch_execute("BEGIN").await));
    seen.push(copied(&client, copy, "4\t1.00\t2026-11-21 04:00:00+00\n").await);
    seen.push(told(client.batch_execute("CREATE TABLE public.loans (id bigint)").await));
    seen.push(told(client.batch_execute("ANALYZE").await));
    seen.push(told(client.batch_execute("COMMIT").await));
    seen.push(told(client.batch_execute("ANALYZE").await));
    seen
}

/// The questions, asked in the database `two`: types of parameters and columns, and the rows where both must have
/// the same.
async fn asked(port: u16) -> Vec<String> {
    let client = enter(port, "two", PASSWORD).await.unwrap();
    let other = enter(port, "two", PASSWORD).await.unwrap();
    let mut seen = Vec::new();
    for sql in questions() {
        let statement = client.prepare(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        let types: Vec<_> = statement.params().iter().map(ToString::to_string).collect();
        let columns: Vec<_> = statement
            .columns()
            .iter()
            .map(|column| format!("{} {}", column.name(), column.type_()))
            .collect();
        seen.push(format!("{sql}: ({}) -> {}", types.join(", "), columns.join(", ")));
        if sql.contains("'the %s %s'") {
            let rows = client.query(&statement, &[]).await.unwrap();
            seen.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        }
        if sql.contains("query_to_xml") {
            // Parameters travel as text, as the runbook's do.
            let given: [&(dyn ToSql + Sync); 2] = [&AsText("public.loans"), &AsText("at")];
            let row = client.query_one(&statement, &given).await.unwrap();
            let newest: DateTime<Utc> = row.get(1);
            let count = |at: usize| row.get::<_, i64>(at);
            seen.push(format!("{} {newest} {} {}", count(0), count(2), count(3)));
            let given: [&(dyn ToSql + Sync); 2] = [&AsText("nothing"), &AsText("at")];
            seen.push(told(client.query_one(&statement, &given).await));
        }
        for name in ["two", "three"]
            .into_iter()
            .filter(|_| sql.starts_with("SELECT EXISTS") || sql.starts_with("SELECT NOT"))
        {
            let given: [&(dyn ToSql + Sync); 1] = [&AsText(name)];
            let row = client.query_one(&statement, &given).await.unwrap();
            seen.push(format!("{name}: {}", row.get::<_, bool>(0)));
        }
        if sql.contains("damaged_there") {
            for (name, owner) in [("two", USER), ("three", "nobody")] {
                let given: [&(dyn ToSql + Sync); 2] = [&AsText(name), &AsText(owner)];
                let row = client.query_one(&statement, &given).await.unwrap();
                let (yes, there, owner) =
                    (row.get::<_, bool>(0), row.get::<_, bool>(1), row.get::<_, bool>(3));
                seen.push(format!("{yes} {there} {} {owner}", row.get::<_, i64>(2)));
            }
        }
        if sql.contains("set_config($1") {
            let given: [&(dyn ToSql + Sync); 2] = [&"jit", &"off"];
            let row = client.query_one(&statement, &given).await.unwrap();
            seen.push(row.get(0));
        }
    }
    drop(other);
    seen
}

#[tokio::test]
async fn the_sandbox_answers_as_postgresql_does() {
    let Some(cluster) = Cluster::start("") else { return };
    let loading = Loading { delay: Duration::ZERO, lesson: None, blow: Blow::default() };
    let sandbox = Postgres::start(PASSWORD, Vec::new(), loading).await.unwrap();
    assert_eq!(databases(sandbox.port()).await, databases(cluster.port).await);
    assert_eq!(load(sandbox.port()).await, load(cluster.port).await);
    assert_eq!(asked(sandbox.port()).await, asked(cluster.port).await);
    let rows = cluster.sql("two", "SELECT count(*) FROM loans");
    assert_eq!(sandbox.rows("two", "loans").unwrap().to_string(), rows);
}

#[tokio::test]
async fn what_the_sandbox_does_not_understand_it_says() {
    let loading = Loading { delay: Duration::ZERO, lesson: None, blow: Blow::default() };
    let sandbox = Postgres::start(PASSWORD, Vec::new(), loading).await.unwrap();
    let client = enter(sandbox.port(), "postgres", PASSWORD).await.unwrap();
    for answer in [
        client.batch_execute("DELETE FROM loans").await,
        client.query("SELECT version()", &[]).await.map(drop),
    ] {
        let error = answer.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "0A000");
        assert!(error.as_db_error().unwrap().message().contains("practice server"));
    }
    client.batch_execute("ANALYZE").await.unwrap();
}
