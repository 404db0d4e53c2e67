//! The application in front of the database: what a smoke test and a row check talk to.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Aws;
use super::world::Data;

/// Loans booked before the sandbox's history begins, and how long the next one takes.
const EARLIER_LOANS: i64 = 48_000;
const BETWEEN_LOANS: TimeDelta = TimeDelta::seconds(7);

/// Aurora's readers share its storage: they are behind by their caches only.
const READER_LAG_MS: i64 = 18;

type Answer = (StatusCode, Json<Value>);

fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// 200 once the application runs and its database has its rows and a writer that answers.
pub(super) async fn health(State(aws): State<Aws>) -> Answer {
    aws.with(|world| {
        let database = &world.app.database;
        match world.answering(database) {
            Some(_) if !world.app.writers => (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"status": "the application is stopped", "database": database})),
            ),
            Some(cluster) if cluster.data != Data::Emptied => {
                (StatusCode::OK, Json(json!({"status": "ok", "database": database})))
            }
            Some(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"status": "table loans is empty", "database": database})),
            ),
            None => (
                StatusCode::SERVICE_UNAVAILABLE,
                Json(json!({"status": "no answer from the database", "database": database})),
            ),
        }
    })
}

#[derive(Deserialize)]
pub(super) struct Host {
    /// The database to look at; the configured one by default.
    host: Option<String>,
}

/// How many loans there are, and the newest one's moment.
pub(super) async fn rows(State(aws): State<Aws>, Query(ask): Query<Host>) -> Answer {
    aws.with(|world| {
        let host = ask.host.unwrap_or_else(|| world.app.database.clone());
        let Some(cluster) = world.answering(&host) else {
            let error = format!("no answer from {host}");
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": error})));
        };
        let moment = match cluster.data {
            Data::Live => Utc::now(),
            Data::AsOf(moment) => moment,
            Data::Emptied => return (StatusCode::OK, Json(json!({"count": 0}))),
        };
        // A loan every few seconds of the day: a moment always has the same answer.
        let since_midnight = moment.timestamp().rem_euclid(86_400);
        let booked = since_midnight / BETWEEN_LOANS.num_seconds();
        let newest = moment
            - TimeDelta::seconds(since_midnight % BETWEEN_LOANS.num_seconds())
            - TimeDelta::nanoseconds(i64::from(moment.timestamp_subsec_nanos()));
        let body = json!({"count": EARLIER_LOANS + booked, "newest": text(newest)});
        (StatusCode::OK, Json(body))
    })
}

/// Which instance answers behind a host name.
pub(super) async fn writer(State(aws): State<Aws>, Query(ask): Query<Host>) -> Answer {
    aws.with(|world| {
        let host = ask.host.unwrap_or_else(|| world.app.database.clone());
        match world.answering(&host) {
            Some(cluster) => (StatusCode::OK, Json(json!({"writer": cluster.writer}))),
            None => {
                let error = format!("no answer from {host}");
                (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"error": error})))
            }
        }
    })
}

/// How far the readers are behind the writer, as a monitoring system has measured it.
pub(super) async fn lag(State(_): State<Aws>) -> Answer {
    (StatusCode::OK, Json(json!({"lag_ms": READER_LAG_MS})))
}

/// What the application is configured with.
pub(super) async fn config(State(aws): State<Aws>) -> Answer {
    aws.with(|world| (StatusCode::OK, Json(json!({"database": world.app.database}))))
}

#[derive(Deserialize)]
pub(super) struct Configuration {
    /// The database's host name.
    database: String,
    /// Whether the writers should run; as they do when absent.
    writers: Option<bool>,
}

/// Points the application at another database.
pub(super) async fn configure(State(aws): State<Aws>, Json(asked): Json<Configuration>) -> Answer {
    aws.with(|world| {
        world.app.database = asked.database;
        if let Some(on) = asked.writers {
            world.app.switch_writers(on, Utc::now());
        }
        let app = &world.app;
        (StatusCode::OK, Json(json!({"database": app.database, "writers": app.writers})))
    })
}

/// Whether the writers run.
pub(super) async fn writers(State(aws): State<Aws>) -> Answer {
    aws.with(|world| {
        let app = &world.app;
        let body = json!({"enabled": app.writers, "since": text(app.writers_since)});
        (StatusCode::OK, Json(body))
    })
}

#[derive(Deserialize)]
pub(super) struct Writers {
    /// Whether they should run.
    enabled: bool,
}

/// Starts or stops the writers.
pub(super) async fn set_writers(State(aws): State<Aws>, Json(asked): Json<Writers>) -> Answer {
    aws.with(|world| {
        world.app.switch_writers(asked.enabled, Utc::now());
        (StatusCode::OK, Json(json!({"enabled": world.app.writers})))
    })
}
