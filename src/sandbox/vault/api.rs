//! Vault's HTTP API, as far as a restore needs it, after its public documentation.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::core::{Keys, Refusal};
use super::{Shared, fresh};

/// The longest snapshot that is taken in.
const LONGEST: usize = 64 * 1024 * 1024;

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/v1/sys/seal-status", get(seal_status))
        .route("/v1/sys/health", get(health))
        .route("/v1/sys/init", put(init).post(init))
        .route("/v1/sys/unseal", put(unseal).post(unseal))
        .route("/v1/sys/seal", put(seal).post(seal))
        .route("/v1/sys/storage/raft/configuration", get(configuration))
        .route("/v1/sys/storage/raft/snapshot", get(snapshot).post(restore).put(restore))
        .route("/v1/sys/storage/raft/snapshot-force", post(force).put(force))
        .route("/v1/sys/mounts/{mount}", post(mount).put(mount))
        .route("/v1/{mount}/data/{*path}", get(read).post(write).put(write))
        .route("/v1/{mount}/metadata/{*path}", get(metadata))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(shared)
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body {
        Value::Null => status.into_response(),
        body => (status, Json(body)).into_response(),
    }
}

fn refused((status, why): Refusal) -> Response {
    let errors: Vec<String> = if why.is_empty() { Vec::new() } else { vec![why] };
    answer(status, &json!({ "errors": errors }))
}

fn data(result: Result<Value, Refusal>) -> Response {
    result
        .map_or_else(refused, |data| answer(200, &json!({"request_id": "practice", "data": data})))
}

fn done(result: Result<(), Refusal>) -> Response {
    result.map_or_else(refused, |()| answer(204, &Value::Null))
}

fn token(headers: &HeaderMap) -> &str {
    headers.get("x-vault-token").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Vault reads a body as JSON, whatever it is called.
fn json_of(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|e| (400, format!("error parsing JSON: {e}")))
}

async fn seal_status(State(shared): State<Shared>) -> Response {
    answer(200, &shared.core().seal_status())
}

async fn health(State(shared): State<Shared>) -> Response {
    let core = shared.core();
    let (initialised, sealed, active) = (core.is_initialised(), core.is_sealed(), core.is_active());
    let status = match (initialised, sealed, active) {
        (false, ..) => 501,
        (true, true, _) => 503,
        (true, false, false) => 429,
        (true, false, true) => 200,
    };
    let standby = initialised && !sealed && !active;
    answer(status, &json!({"initialized": initialised, "sealed": sealed, "standby": standby}))
}

async fn init(State(shared): State<Shared>, body: Bytes) -> Response {
    let made = json_of(&body).and_then(|asked| {
        let number = |key: &str| {
            asked[key].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default()
        };
        let (name, seed) = fresh();
        let keys = Keys::of(&seed, number("secret_shares"), number("secret_threshold"));
        shared.core().init(&name, &keys).map(|()| keys)
    });
    made.map_or_else(refused, |keys| {
        answer(200, &json!({"keys": keys.shares, "root_token": keys.token}))
    })
}

async fn unseal(State(shared): State<Shared>, body: Bytes) -> Response {
    let mut core = shared.core();
    let taken = json_of(&body).and_then(|asked| match (&asked["reset"], asked["key"].as_str()) {
        (Value::Bool(true), _) => {
            core.forget_shares();
            Ok(())
        }
        (_, Some(share)) => core.unseal(share),
        (_, None) => Err((400, "'key' must be specified in request body as JSON".into())),
    });
    match taken {
        Ok(()) => answer(200, &core.seal_status()),
        Err(refusal) => refused(refusal),
    }
}

async fn seal(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let mut core = shared.core();
    let may = core.may(token(&headers));
    done(may.map(|()| core.seal()))
}

async fn configuration(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    data(shared.core().configuration(token(&headers), "127.0.0.1:8201"))
}

async fn snapshot(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    match shared.core().snapshot(token(&headers)) {
        Ok(bytes) => ([("content-type", "application/gzip")], bytes).into_response(),
        Err(refusal) => refused(refusal),
    }
}

async fn restore(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    done(shared.core().restore(token(&headers), &body, false))
}

async fn force(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    done(shared.core().restore(token(&headers), &body, true))
}

async fn mount(
    State(shared): State<Shared>,
    Path(mount): Path<String>,
    headers: HeaderMap,
) -> Response {
    done(shared.core().mount(token(&headers), &mount))
}

type Secret = Path<(String, String)>;

async fn read(
    State(shared): State<Shared>,
    Path((mount, path)): Secret,
    headers: HeaderMap,
) -> Response {
    data(shared.core().read(token(&headers), &mount, &path))
}

async fn metadata(
    State(shared): State<Shared>,
    Path((mount, path)): Secret,
    headers: HeaderMap,
) -> Response {
    data(shared.core().metadata(token(&headers), &mount, &path))
}

async fn write(
    State(shared): State<Shared>,
    Path((mount, path)): Secret,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let written = json_of(&body).and_then(|asked| {
        shared.core().write(token(&headers), &mount, &path, asked["data"].clone())
    });
    data(written.map(|version| json!({"version": version})))
}
