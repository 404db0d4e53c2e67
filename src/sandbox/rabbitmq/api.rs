//! RabbitMQ's management API, as far as a restore of definitions needs it. What it answers was first seen on
//! RabbitMQ 3.10.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::broker::{VERSION, permission};

/// The longest definitions file that is taken in.
const LONGEST: usize = 64 * 1024 * 1024;

const NODE: &str = "rabbit@practice";

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/api/overview", get(overview))
        .route("/api/nodes", get(nodes))
        .route("/api/health/checks/{check}", get(health))
        .route("/api/definitions", get(definitions).post(import))
        .route("/api/consumers", get(consumers))
        .route("/api/vhosts/{vhost}", get(vhost).put(put_vhost))
        .route("/api/users/{user}", put(put_user))
        .route("/api/permissions/{vhost}/{user}", put(put_permission))
        .route("/api/policies/{vhost}/{name}", put(put_policy))
        .route("/api/exchanges/{vhost}/{name}", put(put_exchange))
        .route("/api/queues/{vhost}/{name}", put(put_queue))
        .route("/api/bindings/{vhost}/e/{exchange}/q/{queue}", post(bind))
        .route("/api/{list}", get(list))
        .layer(from_fn_with_state(shared.clone(), logged_in))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(shared)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, Json(body)).into_response()
}

fn bad(reason: &Value) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({"error": "bad_request", "reason": reason}))
}

fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, &json!({"error": "Object Not Found", "reason": "Not Found"}))
}

/// 201 for what is new, 204 for what was there.
fn made(new: bool) -> Response {
    if new { StatusCode::CREATED } else { StatusCode::NO_CONTENT }.into_response()
}

/// Who asks.
#[derive(Clone)]
struct User(String);

async fn logged_in(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let login = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let login = login.and_then(|value| value.strip_prefix("Basic "));
    let login = login.and_then(|value| String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok());
    let known = login.as_deref().and_then(|login| login.split_once(':'));
    if let Some((user, password)) = known
        && shared.broker().knows(user, password)
    {
        request.extensions_mut().insert(User(user.to_owned()));
        return next.run(request).await;
    }
    let body = json!({"error": "not_authorized", "reason": "Login failed"});
    answer(StatusCode::UNAUTHORIZED, &body)
}

#[derive(Deserialize)]
struct Columns {
    columns: Option<String>,
}

impl Columns {
    /// Only the columns that are asked for.
    fn of(&self, items: Vec<Value>) -> Response {
        let Some(columns) = &self.columns else {
            return answer(StatusCode::OK, &Value::Array(items));
        };
        let kept = items.into_iter().map(|item| {
            let each =
                columns.split(',').filter_map(|c| Some((c.to_owned(), item.get(c)?.clone())));
            Value::Object(each.collect())
        });
        answer(StatusCode::OK, &kept.collect())
    }
}

async fn overview() -> Response {
    let body = json!({
        "management_version": VERSION, "product_name": "RabbitMQ", "product_version": VERSION,
        "rabbitmq_version": VERSION, "cluster_name": NODE, "node": NODE,
    });
    answer(StatusCode::OK, &body)
}

async fn nodes(Query(columns): Query<Columns>) -> Response {
    let node = json!({
        "name": NODE, "type": "disc", "running": true, "mem_alarm": false, "disk_free_alarm": false,
        "partitions": [],
    });
    columns.of(vec![node])
}

async fn health(Path(check): Path<String>) -> Response {
    match check.as_str() {
        "alarms" | "local-alarms" | "virtual-hosts" => {
            answer(StatusCode::OK, &json!({"status": "ok"}))
        }
        "node-is-quorum-critical" => {
            answer(StatusCode::OK, &json!({"status": "ok", "reason": "single node cluster"}))
        }
        _ => not_found(),
    }
}

async fn definitions(State(shared): State<Shared>) -> Response {
    answer(StatusCode::OK, &shared.broker().definitions())
}

async fn import(
    State(shared): State<Shared>,
    Extension(User(user)): Extension<User>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_none_or(|kind| !kind.starts_with("application/json")) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match serde_json::from_slice(&body) {
        Ok(file @ Value::Object(_)) => match shared.broker().import(&file, &user) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(reason) => bad(&reason),
        },
        Ok(_) | Err(_) => bad(&json!("failed_to_parse_json")),
    }
}

async fn consumers(State(shared): State<Shared>) -> Response {
    answer(StatusCode::OK, &Value::Array(shared.broker().consumers()))
}

async fn list(
    State(shared): State<Shared>,
    Path(list): Path<String>,
    Query(columns): Query<Columns>,
) -> Response {
    match list.as_str() {
        "vhosts" | "users" | "permissions" | "policies" | "exchanges" | "queues" | "bindings" => {
            columns.of(shared.broker().list(&list))
        }
        _ => not_found(),
    }
}

async fn vhost(State(shared): State<Shared>, Path(vhost): Path<String>) -> Response {
    let found = shared.broker().list("vhosts").into_iter().find(|item| item["name"] == vhost);
    found.map_or_else(not_found, |item| answer(StatusCode::OK, &item))
}

async fn put_vhost(
    State(shared): State<Shared>,
    Extension(User(user)): Extension<User>,
    Path(vhost): Path<String>,
) -> Response {
    made(shared.broker().vhost(&vhost, &user))
}

/// RabbitMQ reads a body as JSON, whatever it is called; none is an empty one.
fn asked(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

async fn put_user(State(shared): State<Shared>, Path(user): Path<String>, body: Bytes) -> Response {
    let asked = asked(&body);
    let password = asked["password"].as_str().unwrap_or_default();
    made(shared.broker().user(&user, password, &asked["tags"]))
}

type Named = Path<(String, String)>;

/// Puts what belongs to a vhost that must be there.
fn within(shared: &Shared, vhost: &str, list: &'static str, item: Value) -> Response {
    let mut broker = shared.broker();
    if broker.has_vhost(vhost) { made(broker.put(list, item)) } else { not_found() }
}

async fn put_permission(
    State(shared): State<Shared>,
    Path((vhost, user)): Named,
    body: Bytes,
) -> Response {
    within(&shared, &vhost, "permissions", permission(&vhost, &user, &asked(&body)))
}

async fn put_policy(
    State(shared): State<Shared>,
    Path((vhost, name)): Named,
    body: Bytes,
) -> Response {
    let asked = asked(&body);
    let policy = json!({
        "vhost": vhost, "name": name, "pattern": asked["pattern"], "definition": asked["definition"],
        "apply-to": asked["apply-to"].as_str().unwrap_or("all"),
        "priority": asked["priority"].as_i64().unwrap_or_default(),
    });
    within(&shared, &vhost, "policies", policy)
}

fn flag(asked: &Value, name: &str) -> bool {
    asked[name].as_bool().unwrap_or_default()
}

fn arguments(asked: &Value) -> Value {
    asked.get("arguments").cloned().unwrap_or_else(|| json!({}))
}

async fn put_exchange(
    State(shared): State<Shared>,
    Path((vhost, name)): Named,
    body: Bytes,
) -> Response {
    let asked = asked(&body);
    let exchange = json!({
        "vhost": vhost, "name": name, "type": asked["type"].as_str().unwrap_or("direct"),
        "durable": flag(&asked, "durable"), "auto_delete": flag(&asked, "auto_delete"),
        "internal": flag(&asked, "internal"), "arguments": arguments(&asked),
    });
    within(&shared, &vhost, "exchanges", exchange)
}

async fn put_queue(
    State(shared): State<Shared>,
    Path((vhost, name)): Named,
    body: Bytes,
) -> Response {
    let asked = asked(&body);
    let queue = json!({
        "vhost": vhost, "name": name, "durable": flag(&asked, "durable"),
        "auto_delete": flag(&asked, "auto_delete"), "arguments": arguments(&asked),
    });
    within(&shared, &vhost, "queues", queue)
}

async fn bind(
    State(shared): State<Shared>,
    Path((vhost, exchange, queue)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let asked = asked(&body);
    let binding = json!({
        "vhost": vhost, "source": exchange, "destination": queue, "destination_type": "queue",
        "routing_key": asked["routing_key"].as_str().unwrap_or_default(),
        "arguments": arguments(&asked),
    });
    within(&shared, &vhost, "bindings", binding)
}
