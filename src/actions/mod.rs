//! What the actions of the registry do. One file a family; async; an action gets a request and a
//! [`Context`] and returns a [`Finish`]. It knows no screen and no journal.

pub mod http;
mod json;
mod manifest;
mod meter;
mod new_file;
pub mod output;
pub mod postgres;
mod process;
pub mod rds;
pub mod rehearsed;
pub mod s3;
pub mod secrets;
pub mod supervised;
mod terminal;
mod time;

pub use terminal::{Borrowed, Loan, Terminal};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::aws::AwsAccess;
use crate::engine::event::Output;
use crate::engine::{AttemptId, Outcome};
use crate::ingest::Redactor;
use crate::runbook::{Request, Reveal, Value};
use crate::supervisor::Supervisors;

/// What an attempt may use.
#[derive(Clone)]
pub struct Context {
    /// For the children that must outlive the console.
    pub supervisors: Supervisors,
    /// The console's, for a child that a person talks to.
    pub terminal: Terminal,
    /// The run's id: tags, `application_name`.
    pub run: String,
    /// This attempt.
    pub attempt: AttemptId,
    /// Sent along where the other side can recognise a repeat.
    pub token: String,
    /// The run directory: `attempts/<stem>/` and `output/<stem>.log` are this attempt's.
    pub run_dir: PathBuf,
    /// Secret values, for as long as the attempt lasts.
    pub secrets: Arc<dyn Reveal + Send + Sync>,
    /// Knows every secret already.
    pub redactor: Redactor,
    /// A secret too short to mask is in use: nothing that the attempt prints may be kept or shown.
    pub withhold: bool,
    /// Fires when the operator or the timeout wants it to stop.
    pub cancel: CancellationToken,
    /// What the screen shows while it runs; a full channel is no reason to wait.
    pub progress: mpsc::Sender<Progress>,
    /// Where and as whom to call AWS.
    pub aws: AwsAccess,
    /// Cancelled after this.
    pub timeout: Option<Duration>,
    /// In a rehearsal: what [`rehearsed::Rehearsed`] goes by.
    pub rehearsed: Option<rehearsed::Planned>,
}

/// What an attempt says while it runs. Text has been through `ingest`.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The supervised child is there.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// One line of output.
    Line(String),
    /// How far it is: goes to the journal at most once in ten seconds.
    Status {
        /// One line.
        message: String,
        /// Of 1, where it can be told.
        fraction: Option<f64>,
    },
}

/// How an attempt came out. Text and result have been through `ingest`.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    /// Succeeded, failed or unknown.
    pub outcome: Outcome,
    /// One line: what happened, and when it is bad what to do.
    pub message: String,
    /// A map of the registry's result fields.
    pub result: Value,
    /// What was written to `output/`.
    pub output: Option<Output>,
}

/// What an action can tell of an attempt whose console was lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// It is at work, or its end can be read: [`Action::reattach`] will return how it came out.
    Running(String),
    /// It certainly never started.
    NotStarted(String),
    /// A person has to decide; this is what was seen.
    CannotTell(String),
}

/// One action.
pub trait Action: Send + Sync {
    /// Adds what the action will use besides what the runbook says (such as the settings copied from a
    /// restore's source), so that the confirmation shows it and the attempt runs it. Only reads.
    ///
    /// # Errors
    /// One line for the operator: why the request cannot be completed, and what to do.
    fn complete(
        &self,
        _cx: Context,
        request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(std::future::ready(Ok(request)))
    }

    /// Does it.
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish>;

    /// After a crash: what became of the attempt? Only reads.
    fn find(&self, _cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        Box::pin(std::future::ready(Found::CannotTell(
            "this action leaves no trace to look for".into(),
        )))
    }

    /// After [`Found::Running`]: waits for the end of the attempt that is already under way.
    fn reattach(&self, _cx: Context, _request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(std::future::ready(Finish::unknown("this action cannot be waited for again")))
    }
}

/// The action of this name; `None` for what a person does (`manual`, `choose`): the engine completes
/// that with the answer.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Action> {
    match name {
        "http" => Some(&http::Http),
        "json.compare" => Some(&json::Compare),
        "shell" => Some(&process::Shell),
        "wait" => Some(&time::Wait),
        "postgres.query" => Some(&postgres::Query),
        "postgres.compare" => Some(&postgres::Compare),
        "postgres.wait_ready" => Some(&postgres::WaitReady),
        "postgres.restore_dump" => Some(&postgres::RestoreDump),
        _ => rds::find(name).or_else(|| s3::find(name)),
    }
}

impl Finish {
    /// It worked.
    #[must_use]
    pub fn succeeded(message: impl Into<String>, result: Value) -> Self {
        Self { outcome: Outcome::Succeeded, message: message.into(), result, output: None }
    }

    /// It did not.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            message: message.into(),
            result: Value::Null,
            output: None,
        }
    }

    /// Nobody knows.
    #[must_use]
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unknown,
            message: message.into(),
            result: Value::Null,
            output: None,
        }
    }
}
