//! What stands between the console and an AWS: it passes everything on, counts it, and refuses what a test
//! wants refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// Listens on a free port; it ends with its runtime.
#[derive(Clone)]
pub struct Front {
    /// Where it listens.
    pub endpoint: String,
    state: Arc<Inner>,
}

struct Inner {
    behind: String,
    client: reqwest::Client,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    refusals: BTreeMap<String, u32>,
    passed: BTreeMap<String, usize>,
}

impl Front {
    /// In front of what listens at `behind`.
    pub async fn of(behind: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        // It is there already when another front was before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new();
        let state = Arc::new(Inner { behind, client, said: Mutex::default() });
        let router = Router::new().fallback(pass).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, state }
    }

    /// The next `times` calls of `action` are refused: access denied.
    pub fn deny(&self, action: &str, times: u32) {
        self.state.said.lock().unwrap().refusals.insert(action.to_owned(), times);
    }

    /// How often `action` was passed on.
    pub fn passed(&self, action: &str) -> usize {
        self.state.said.lock().unwrap().passed.get(action).copied().unwrap_or_default()
    }
}

async fn pass(
    State(state): State<Arc<Inner>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let action = String::from_utf8_lossy(&body)
        .split('&')
        .find_map(|field| field.strip_prefix("Action=").map(str::to_owned))
        .unwrap_or_default();
    if state.denies(&action) {
        let said = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not \
             authorized to perform: rds:{action}</Message></Error></ErrorResponse>"
        );
        return (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "text/xml")], said).into_response();
    }
    let mut headers = headers;
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    let url = format!("{}{uri}", state.behind);
    match state.client.post(url).headers(headers).body(body).send().await {
        Ok(answer) => {
            let status = answer.status();
            let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
            let mut response = Response::new(Body::from(answer.bytes().await.unwrap_or_default()));
            *response.status_mut() = status;
            if let Some(kind) = kind {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Inner {
    fn denies(&self, action: &str) -> bool {
        let mut said = self.said.lock().unwrap();
        if let Some(left @ 1..) = said.refusals.get_mut(action) {
            *left -= 1;
            return true;
        }
        *said.passed.entry(action.to_owned()).or_default() += 1;
        false
    }
}
