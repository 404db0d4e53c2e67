//! The S3 stand-in: buckets and objects in memory, with versions where a bucket keeps them. The protocol
//! (signatures, XML, ranges) is the `s3s` crate's; what is kept and what is refused is [`store`]'s.

mod answers;
mod store;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use self::store::Store;
use super::CREDENTIALS;
use super::aws::REGION;

/// A handle of the stand-in; its clones are the same.
#[derive(Clone, Default)]
pub struct S3(Arc<Mutex<World>>);

#[derive(Default)]
struct World {
    store: Store,
    refusals: BTreeMap<String, VecDeque<Refusal>>,
}

/// How a call comes out instead of well.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, such as `AccessDenied`.
    pub code: &'static str,
    /// The sentence that goes with it.
    pub message: &'static str,
}

impl S3 {
    /// Without a bucket.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A bucket, made when it is not there; it keeps versions when `versioned`.
    #[must_use]
    pub fn bucket(self, name: &str, versioned: bool) -> Self {
        self.world().store.bucket(name, versioned);
        self
    }

    /// Puts an object that seems to be written at `at` into a bucket that is there.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>, at: DateTime<Utc>) {
        // A bucket that is not there takes nothing: who sets a scene sees it at once.
        let _ = self.world().store.put(bucket, key, bytes.into(), None, at);
    }

    /// The newest version of an object.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.world().store.look(bucket, key, None).ok().map(|it| it.bytes)
    }

    /// The next `times` calls of `operation` (such as `GetObject`) are refused.
    pub fn refuse(&self, operation: &str, refusal: &Refusal, times: u32) {
        let mut world = self.world();
        let queue = world.refusals.entry(operation.to_owned()).or_default();
        queue.extend((0..times).map(|_| refusal.clone()));
    }

    /// Its routes: every path that nobody else answers.
    pub fn router(&self) -> Router {
        let mut service = S3ServiceBuilder::new(self.clone());
        service.set_auth(SimpleAuth::from_single(CREDENTIALS.0, CREDENTIALS.1));
        service.set_access(self.clone());
        Router::new().fallback(answer).with_state(service.build())
    }

    /// The region of every bucket.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, operation: &str) -> Option<Refusal> {
        self.world().refusals.get_mut(operation)?.pop_front()
    }
}

async fn answer(State(service): State<S3Service>, request: Request) -> Response {
    let request = request.map(s3s::Body::http_body_unsync);
    match service.call(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(error) => {
            tracing::error!(?error, "the S3 stand-in has no answer");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
