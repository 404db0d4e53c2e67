//! Who calls, as AWS would say: a stand-in for STS that knows a few access keys and their accounts. moto knows
//! one account only.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

/// Listens on a free port; it ends with its runtime.
pub struct Sts {
    /// Where.
    pub endpoint: String,
    expired: Arc<Mutex<bool>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Known {
    keys: Vec<(&'static str, &'static str)>,
    expired: Arc<Mutex<bool>>,
}

impl Sts {
    /// One that knows these access keys, each with its account.
    pub fn start(keys: &[(&'static str, &'static str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let expired = Arc::new(Mutex::new(false));
        let known = Known { keys: keys.to_vec(), expired: expired.clone() };
        let router = Router::new().fallback(answer).with_state(known);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, expired, _runtime: runtime }
    }

    /// From now on every call is told that its credentials have expired, or no longer.
    pub fn expire(&self, expired: bool) {
        *self.expired.lock().unwrap() = expired;
    }
}

async fn answer(State(known): State<Known>, headers: HeaderMap) -> Response {
    let refused = |code: &str| {
        let said = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>\
             </ErrorResponse>"
        );
        (StatusCode::FORBIDDEN, said).into_response()
    };
    if *known.expired.lock().unwrap() {
        return refused("ExpiredToken");
    }
    let signed = headers.get("authorization").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let key = signed.split("Credential=").nth(1).and_then(|it| it.split('/').next());
    let Some((key, account)) = known.keys.iter().find(|(known, _)| Some(*known) == key) else {
        return refused("InvalidClientTokenId");
    };
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/ops</Arn><UserId>{key}</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    .into_response()
}
