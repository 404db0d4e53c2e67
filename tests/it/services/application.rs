//! The application in front of an Aurora cluster: what it answers is what the AWS API says of the database it
//! is configured with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbCluster;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

/// What is wrong with the database.
#[derive(Clone)]
pub enum Trouble {
    /// The cluster of this name has no rows.
    Emptied(String),
    /// While the instance of this name writes, nothing answers.
    Hangs(String),
}

/// What the application is configured with.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The database's host name.
    pub database: String,
    /// Whether its writers run.
    pub writers: bool,
    /// Whether users are served at all.
    pub well: bool,
}

/// A running application; it ends with its runtime.
#[derive(Clone)]
pub struct Application {
    /// Where it listens.
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    aws: Client,
    trouble: Trouble,
    newest: String,
    configured: Mutex<Configured>,
}

type Answer = (StatusCode, Json<Value>);

impl Application {
    /// One that uses the cluster behind `database`; the newest row that is ever found is of `newest`.
    pub async fn start(aws: Client, database: String, trouble: Trouble, newest: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let configured = Mutex::new(Configured { database, writers: true, well: true });
        let inner = Arc::new(Inner { aws, trouble, newest, configured });
        let router = Router::new()
            .route("/health", get(health))
            .route("/rows", get(rows))
            .route("/lag", get(|| async { Json(json!({"lag_ms": 12})) }))
            .route("/writer", get(writer))
            .route("/writers", put(set_writers))
            .route("/config", put(configure))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// What it is configured with now.
    pub fn configured(&self) -> Configured {
        self.inner.configured.lock().unwrap().clone()
    }

    /// Whether it serves users, whatever the database does.
    pub fn set_well(&self, well: bool) {
        self.inner.configured.lock().unwrap().well = well;
    }
}

impl Inner {
    /// The cluster behind a host name and its writer, when both are available and answer.
    async fn answering(&self, host: &str) -> Option<(DbCluster, String)> {
        let clusters = self.aws.describe_db_clusters().send().await.ok()?;
        let cluster = clusters.db_clusters().iter().find(|it| it.endpoint() == Some(host))?;
        let members = cluster.db_cluster_members();
        let writer = members.iter().find(|it| it.is_cluster_writer() == Some(true))?;
        let writer = writer.db_instance_identifier()?.to_owned();
        let seen = self.aws.describe_db_instances().db_instance_identifier(&writer).send().await;
        let status = seen.ok()?.db_instances().first()?.db_instance_status()?.to_owned();
        let there = status == "available" && cluster.status() == Some("available");
        let hangs = matches!(&self.trouble, Trouble::Hangs(instance) if *instance == writer);
        (there && !hangs).then(|| (cluster.clone(), writer))
    }

    fn rows(&self, cluster: &DbCluster) -> Value {
        match &self.trouble {
            Trouble::Emptied(id) if cluster.db_cluster_identifier() == Some(id) => {
                json!({"count": 0})
            }
            Trouble::Emptied(_) | Trouble::Hangs(_) => {
                json!({"count": 48_000, "newest": self.newest})
            }
        }
    }
}

fn unavailable(why: &str) -> Answer {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": why})))
}

async fn health(State(it): State<Arc<Inner>>) -> Answer {
    let configured = it.configured.lock().unwrap().clone();
    if !configured.well || !configured.writers {
        return unavailable("the application is stopped");
    }
    match it.answering(&configured.database).await {
        Some((cluster, _)) if it.rows(&cluster)["count"] != 0 => {
            (StatusCode::OK, Json(json!({"status": "ok"})))
        }
        Some(_) => unavailable("table loans is empty"),
        None => unavailable("no answer from the database"),
    }
}

async fn rows(State(it): State<Arc<Inner>>, Query(ask): Query<BTreeMap<String, String>>) -> Answer {
    match it.answering(&ask["host"]).await {
        Some((cluster, _)) => (StatusCode::OK, Json(it.rows(&cluster))),
        None => unavailable("no answer from the database"),
    }
}

async fn writer(
    State(it): State<Arc<Inner>>,
    Query(ask): Query<BTreeMap<String, String>>,
) -> Answer {
    match it.answering(&ask["host"]).await {
        Some((_, writer)) => (StatusCode::OK, Json(json!({"writer": writer}))),
        None => unavailable("no answer from the database"),
    }
}

async fn set_writers(State(it): State<Arc<Inner>>, Json(asked): Json<Value>) -> Json<Value> {
    it.configured.lock().unwrap().writers = asked["enabled"] == true;
    Json(json!({}))
}

async fn configure(State(it): State<Arc<Inner>>, Json(asked): Json<Value>) -> Json<Value> {
    let mut configured = it.configured.lock().unwrap();
    configured.database = asked["database"].as_str().unwrap().to_owned();
    configured.writers = asked["writers"] == true;
    Json(json!({}))
}
