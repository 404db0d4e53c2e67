//! `postgres.wait_ready`.

use chrono::TimeDelta;
use steadyhand::actions::postgres::WaitReady;
use steadyhand::actions::{Action as _, Progress};
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Request, Resolved, Value};

use super::{connection, with_password};
use crate::services::attempt::{request, text};
use crate::services::postgres::Cluster;

fn wait(connection: Resolved, until: &str, limit_ms: i64) -> Request {
    let length = |ms| Resolved::Value(Value::Duration(TimeDelta::milliseconds(ms)));
    request(
        "postgres.wait_ready",
        Effect::Reads,
        vec![
            ("connection", connection),
            ("until", text(until)),
            ("every", length(50)),
            ("for", length(limit_ms)),
        ],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_accepts_and_is_a_primary_once_promoted() {
    let Some(primary) = Cluster::start("") else { return };
    let replica = primary.replica();
    let mut attempt = with_password();
    let there = || connection(&replica, "postgres", &[]);
    let finish = WaitReady.run(attempt.cx.clone(), wait(there(), "accepting", 30_000)).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("in_recovery"), Some(&Value::Bool(true)));

    let task = tokio::spawn(WaitReady.run(attempt.cx.clone(), wait(there(), "primary", 60_000)));
    let Some(Progress::Status { message, .. }) = attempt.progress.recv().await else {
        panic!("it says what it waits for")
    };
    assert!(message.contains("is in recovery"), "{message}");
    replica.sql("postgres", "SELECT pg_promote(false)");
    let finish = task.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("in_recovery"), Some(&Value::Bool(false)));
    let identifier = primary.sql("postgres", "SELECT system_identifier FROM pg_control_system()");
    assert_eq!(finish.result.get("system_identifier"), Some(&Value::String(identifier)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_server_that_is_down_but_not_for_a_wrong_password() {
    let Some(cluster) = Cluster::start("") else { return };
    let attempt = with_password();
    let wrong = [("password", Value::Secret("wrong_password".into()))];
    let request = wait(connection(&cluster, "postgres", &wrong), "accepting", 600_000);
    let finish = WaitReady.run(attempt.cx.clone(), request).await;
    assert!(finish.message.contains("refused the password"), "{}", finish.message);

    cluster.crash();
    let down = || connection(&cluster, "postgres", &[]);
    let finish = WaitReady.run(attempt.cx.clone(), wait(down(), "accepting", 200)).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(
        finish.message.starts_with("not ready after 200ms: cannot reach"),
        "{}",
        finish.message
    );

    let task = tokio::spawn(WaitReady.run(attempt.cx.clone(), wait(down(), "accepting", 60_000)));
    cluster.up().unwrap();
    let finish = task.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);

    cluster.crash();
    let task = tokio::spawn(WaitReady.run(attempt.cx.clone(), wait(down(), "accepting", 600_000)));
    attempt.cancel.cancel();
    assert!(task.await.unwrap().message.contains("stopped waiting"));
}
