//! One object of S3, pinned, and its bytes in order.
//!
//! The object is cut into parts, a few of which are fetched at a time, each by a task of its own. A part
//! whose connection breaks is asked for from the byte it got to, with growing pauses, until nothing has
//! come for as long as the patience lasts. Every request carries `If-Match`: of an object that has
//! changed meanwhile there are no more bytes, only an error.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::failure::{explained, of_credentials};
use super::s3::{S3, strange};
use super::{Failure, Reached};

const CALL: &str = "s3:GetObject";
/// A connection on which nothing has come for so long is given up.
const STALLED: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An object as it was when it was looked at: what is read later is of this one, or an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its version, in a bucket that keeps them.
    pub version: Option<String>,
    /// As S3 writes it, with its quotes.
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Option<DateTime<Utc>>,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// How an object is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The first byte that is wanted.
    pub from: u64,
    /// Given up when a part has got no new byte for so long.
    pub patience: Duration,
    /// Bytes of a part.
    pub part: u64,
    /// So many parts are under way or waiting to be taken: memory is at most this times `part`.
    pub ahead: usize,
}

impl Default for Reading {
    /// Whole; four parts of 8 MiB, two minutes of patience.
    fn default() -> Self {
        let part = 8 * 1024 * 1024;
        Self { from: 0, patience: Duration::from_secs(120), part, ahead: 4 }
    }
}

/// What a [`Reader`] tells while it reads.
#[derive(Debug, Default)]
pub struct Gauge {
    transferred: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Gauge {
    /// The bytes that came over the network, those that were thrown away included.
    #[must_use]
    pub fn transferred(&self) -> u64 {
        self.transferred.load(Ordering::Relaxed)
    }

    /// Why nothing comes at the moment.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn got(&self, bytes: usize) {
        self.transferred.fetch_add(bytes as u64, Ordering::Relaxed);
        self.set_trouble(None);
    }
}

/// The bytes of an object, in order. Dropping it ends every request.
#[derive(Debug)]
pub struct Reader {
    s3: S3,
    object: Arc<Object>,
    reading: Reading,
    gauge: Arc<Gauge>,
    /// Where the next part begins.
    next: u64,
    parts: VecDeque<Part>,
    tasks: JoinSet<()>,
}

/// A part that is under way or waits to be taken.
#[derive(Debug)]
struct Part {
    /// Holds the whole part at most, so it needs no bound.
    bytes: mpsc::UnboundedReceiver<Result<Bytes, Failure>>,
    left: u64,
}

impl Reader {
    pub(super) fn new(s3: S3, object: Object, reading: Reading) -> Self {
        Self {
            s3,
            object: Arc::new(object),
            reading,
            gauge: Arc::default(),
            next: reading.from,
            parts: VecDeque::new(),
            tasks: JoinSet::new(),
        }
    }

    /// How far it is, also for another task.
    #[must_use]
    pub fn gauge(&self) -> Arc<Gauge> {
        self.gauge.clone()
    }

    /// The next bytes; `None` at the end. Nothing is lost when it is dropped before it is ready.
    ///
    /// # Errors
    /// The object was changed or deleted, access was refused, or nothing came for too long. It is the
    /// end of the reading; a new one may begin at the byte this one got to.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            while self.tasks.try_join_next().is_some() {}
            while self.parts.len() < self.reading.ahead && self.next < self.object.size {
                self.begin();
            }
            let Some(part) = self.parts.front_mut() else { return Ok(None) };
            if part.left == 0 {
                self.parts.pop_front();
                continue;
            }
            let bytes = match part.bytes.recv().await {
                Some(bytes) => bytes?,
                None => return Err(strange(CALL, "a part ended too early")),
            };
            part.left = part.left.saturating_sub(bytes.len() as u64);
            return Ok(Some(bytes));
        }
    }

    fn begin(&mut self) {
        let from = self.next;
        self.next = (from + self.reading.part).min(self.object.size);
        let (sender, bytes) = mpsc::unbounded_channel();
        self.parts.push_back(Part { bytes, left: self.next - from });
        let fetch = Fetch {
            s3: self.s3.clone(),
            object: self.object.clone(),
            at: from,
            end: self.next,
            patience: self.reading.patience,
            gauge: self.gauge.clone(),
            to: sender,
        };
        self.tasks.spawn(fetch.run());
    }
}

/// One part being fetched.
struct Fetch {
    s3: S3,
    object: Arc<Object>,
    /// The next byte to ask for.
    at: u64,
    end: u64,
    patience: Duration,
    gauge: Arc<Gauge>,
    to: mpsc::UnboundedSender<Result<Bytes, Failure>>,
}

/// Why a request brought no more.
enum Broken {
    /// Asking again may help.
    Now(Failure),
    /// So may fresh credentials.
    Expired(Failure),
    /// It will not.
    ForGood(Failure),
}

impl Fetch {
    async fn run(mut self) {
        let (mut pause, mut since) = (FIRST_PAUSE, Instant::now());
        while self.at < self.end {
            let before = self.at;
            let Err(broken) = self.request().await else { continue };
            if self.at > before {
                (pause, since) = (FIRST_PAUSE, Instant::now());
            }
            let failure = match broken {
                Broken::ForGood(failure) => return self.end(failure),
                Broken::Now(failure) => failure,
                Broken::Expired(failure) => {
                    self.s3 = S3::connect(&self.s3.access).await;
                    failure
                }
            };
            if since.elapsed() + pause > self.patience {
                let waited = since.elapsed().as_secs();
                let message = format!("{failure}; nothing came for {waited} s");
                return self.end(Failure { message, ..failure });
            }
            self.gauge.set_trouble(Some(failure.message));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn end(&self, failure: Failure) {
        // The other side is gone: nobody wants to know.
        let _ = self.to.send(Err(failure));
    }

    /// Asks for the rest of the part once.
    async fn request(&mut self) -> Result<(), Broken> {
        let object = &self.object;
        let asked = self
            .s3
            .patient
            .get_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .set_version_id(object.version.clone())
            .if_match(&object.etag)
            .range(format!("bytes={}-{}", self.at, self.end - 1));
        let answer = match timeout(STALLED, asked.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.broken(&error)),
            Err(_) => return Err(stalled()),
        };
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        if answer.e_tag() != Some(&object.etag) {
            return Err(Broken::ForGood(changed(object)));
        }
        if length != Some(self.end - self.at) {
            let what = format!("{object}: the server does not give the range that was asked for");
            return Err(Broken::ForGood(strange(CALL, &what)));
        }
        self.take(answer.body).await
    }

    async fn take(&mut self, mut body: ByteStream) -> Result<(), Broken> {
        while self.at < self.end {
            let bytes = match timeout(STALLED, body.next()).await {
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(error))) => return Err(dropped(&explained(&error))),
                Ok(None) => return Err(dropped("it ended too early")),
                Err(_) => return Err(stalled()),
            };
            self.gauge.got(bytes.len());
            self.at += bytes.len() as u64;
            if self.to.send(Ok(bytes)).is_err() {
                // Nobody reads any more; the task is about to be ended.
                self.at = self.end;
            }
        }
        Ok(())
    }

    fn broken(&self, error: &SdkError<GetObjectError, HttpResponse>) -> Broken {
        // With a version the permission has another name.
        let call = if self.object.version.is_some() { "s3:GetObjectVersion" } else { CALL };
        let failure = self.s3.failure(call, error);
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        match (status, failure.code.as_deref()) {
            (_, Some("PreconditionFailed")) | (Some(412), _) => {
                Broken::ForGood(changed(&self.object))
            }
            (
                _,
                Some(
                    "ExpiredToken"
                    | "ExpiredTokenException"
                    | "RequestExpired"
                    | "TokenRefreshRequired",
                ),
            ) => Broken::Expired(failure),
            (_, Some("RequestTimeout" | "SlowDown")) | (Some(429 | 500..), _) => {
                Broken::Now(failure)
            }
            (Some(_), _) => Broken::ForGood(failure),
            (None, _) if of_credentials(error) => Broken::Expired(failure),
            (None, _) if matches!(error, SdkError::ConstructionFailure(_)) => {
                Broken::ForGood(failure)
            }
            (None, _) => Broken::Now(failure),
        }
    }
}

fn changed(object: &Object) -> Failure {
    let message = format!(
        "{CALL}: {object} was changed since it was looked at: look again, and see who writes there"
    );
    Failure { message, code: Some("PreconditionFailed".into()), reached: Reached::Refused }
}

fn dropped(why: &str) -> Broken {
    Broken::Now(lost(format!("{CALL}: the connection was lost: {why}")))
}

fn stalled() -> Broken {
    let seconds = STALLED.as_secs();
    Broken::Now(lost(format!("{CALL}: nothing came for {seconds} s")))
}

fn lost(message: String) -> Failure {
    Failure { message, code: None, reached: Reached::Unclear }
}
