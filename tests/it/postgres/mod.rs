//! The `postgres` family and its runbooks against real servers.

mod compare;
mod fixtures;
mod from_s3;
mod likeness;
mod loader;
mod query;
mod restore_dump;
mod runbooks;
mod wait_ready;

use steadyhand::actions::postgres::Connection;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use crate::services::attempt::{Attempt, attempt, request, text};
use crate::services::postgres::{Cluster, PASSWORD, USER};

/// An attempt that knows the clusters' password as `db_password`.
fn with_password() -> Attempt {
    attempt(&[("db_password", PASSWORD), ("wrong_password", "not the password")])
}

/// The `connection` argument for `cluster`, with these keys instead or besides.
fn connection(cluster: &Cluster, database: &str, other: &[(&str, Value)]) -> Resolved {
    let mut keys = vec![
        ("host".to_owned(), Resolved::Value(Value::String("127.0.0.1".into()))),
        ("port".to_owned(), Resolved::Value(Value::Int(cluster.port.into()))),
        ("user".to_owned(), text(USER)),
        ("password".to_owned(), Resolved::Value(Value::Secret("db_password".into()))),
        ("database".to_owned(), text(database)),
    ];
    for (key, value) in other {
        keys.retain(|(name, _)| name != key);
        keys.push(((*key).to_owned(), Resolved::Value(value.clone())));
    }
    Resolved::Map(keys)
}

/// A `postgres.query` without parameters.
fn query(connection: Resolved, effect: Effect, sql: &str) -> Request {
    request("postgres.query", effect, vec![("connection", connection), ("sql", text(sql))])
}

#[tokio::test]
async fn the_identity_of_a_cluster_is_what_its_standby_has_too() {
    let Some(primary) = Cluster::start("") else { return };
    let replica = primary.replica();
    let attempt = with_password();
    let mut seen = Vec::new();
    for cluster in [&primary, &replica] {
        let request = query(connection(cluster, "postgres", &[]), Effect::Reads, "SELECT 1");
        let place = Connection::of(&request, attempt.cx.secrets.as_ref()).unwrap();
        seen.push(steadyhand::actions::postgres::system_identifier(&place).await.unwrap());
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(
        seen[0],
        primary.sql("postgres", "SELECT system_identifier FROM pg_control_system()")
    );
}
