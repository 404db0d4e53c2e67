//! The small process that owns one child, its output and its exit status, and outlives the console.
//!
//! `steady __attempt` ([`serve`]) is started by the console ([`Supervisors`]). It leaves the session and
//! reads an [`Order`] from standard input. It takes the attempt's `lock`, syncs `started.json`, and only
//! then spawns the child, in a process group of its own. It drains, cleans and keeps the output and leaves
//! `exit.json`. Its console is told as soon as that is there, and makes the outcome durable in its journal
//! while the supervisor makes the file durable, for the case that the console is gone. Then it waits for
//! the next order: one attempt at a time, for as long as its console lives.
//! A child that has the console's terminal has a supervisor of another kind ([`serve_terminal`]): it keeps no
//! output and ends the child when the console ends.
//!
//! **What a later console may conclude** ([`inspect`]): `exit.json` is the outcome; a held lock means
//! alive; a free lock with `started.json` but no `exit.json` means lost; neither file means that the
//! child certainly never started. The last one would be a guess while a supervisor is still on its way to
//! the lock, so whoever concludes it takes the lock, leaves `void` behind, and a supervisor that finds
//! `void` starts nothing. An order that ends early, because its console died, starts nothing either.

mod console;
mod feed;
mod files;
mod launch;
mod output;
mod serve;
mod terminal;

pub use console::{Standing, cancel, follow, inspect};
pub use launch::{Launched, Supervisors};
pub use output::{CAP, OutputFile};
pub use serve::serve;
pub use terminal::serve_terminal;

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::aws::AwsAccess;
use crate::aws::object::Object;

/// No core dump of this process, nor of those it starts: secrets are in its memory.
///
/// # Errors
/// When the system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    Ok(setrlimit(Resource::Core, none)?)
}

/// A line on a supervisor's standard input: what to run, and the attempt's directory.
#[derive(Serialize)]
struct Next<'a> {
    dir: &'a Path,
    order: &'a Order,
}

/// The same, at the other end.
#[derive(Deserialize)]
struct Ordered {
    dir: PathBuf,
    order: Order,
}

/// A supervisor says so on its standard output when the attempt is over and it takes another.
const READY: &str = "ready";

/// What to run. It travels over a pipe: secrets appear in no argument and no environment of the
/// supervisor. For the same reason it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Added to the console's own environment.
    pub env: Vec<(String, String)>,
    /// The working directory; the console's when `None`.
    pub cwd: Option<PathBuf>,
    /// What the child reads.
    pub stdin: Stdin,
    /// `(name, value)` of what must be masked in the output.
    pub secrets: Vec<(String, String)>,
    /// The output file, which must not exist yet.
    pub output: PathBuf,
    /// The output file grows no longer than this, in bytes.
    pub cap: u64,
    /// Nothing of the output may be kept: a secret is too short to mask.
    pub withhold: bool,
    /// The child gets the console's terminal; `stdin`, `secrets`, `output`, `cap` and `withhold` mean
    /// nothing.
    pub terminal: bool,
    /// The child is stopped after this many milliseconds, with or without a console.
    pub timeout_ms: Option<u64>,
    /// Milliseconds between TERM and KILL.
    pub patience_ms: u64,
}

/// The time between TERM and KILL, in milliseconds.
pub const PATIENCE_MS: u64 = 10_000;

/// What the child reads on standard input.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stdin {
    /// Nothing.
    Null,
    /// This text.
    Text(String),
    /// A backup. When it cannot be read to its end, or is not what it should be, the child is killed
    /// rather than told that it is over: half a dump must not be committed.
    Backup(Box<Backup>),
}

/// A backup that a child reads.
#[derive(Clone, Serialize, Deserialize)]
pub struct Backup {
    /// Where it is.
    pub from: From,
    /// Its length, for those who want to know how far it is.
    pub bytes: u64,
    /// What its SHA-256 must be; `None` when nobody says.
    pub sha256: Option<String>,
    /// Follows the backup, and only one that was whole and right: what makes a load count, so that no
    /// early end of the data can.
    pub after: String,
}

/// Where a backup is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// On this machine.
    File(PathBuf),
    /// In S3; fetched by the supervisor, and so without a console too.
    Object(Box<InS3>),
}

/// An object, and as whom it is read.
#[derive(Clone, Serialize, Deserialize)]
pub struct InS3 {
    /// As whom.
    pub access: AwsAccess,
    /// Which.
    pub object: Object,
}

/// `feed.json`: how far a child has been fed with a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feeding {
    /// Bytes that the child has taken.
    pub done: u64,
    /// Bytes of the backup.
    pub all: u64,
    /// Why no more come at the moment. It has been through `ingest`.
    pub trouble: Option<String>,
}

/// How far the child of the attempt of `dir` has been fed; `None` when nobody knows.
#[must_use]
pub fn feeding(dir: &Path) -> Option<Feeding> {
    files::read(dir, files::FEED).ok().flatten()
}

/// What a child was fed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fed {
    /// Bytes of it.
    pub bytes: u64,
    /// Its SHA-256, when it was read to its end.
    pub sha256: String,
    /// The child was given all of it, and what makes it count.
    pub whole: bool,
}

/// `started.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The supervisor's process id.
    pub supervisor: u32,
    /// The kernel's boot id: process ids mean something within one boot only.
    pub boot: String,
    /// When it was about to spawn the child.
    pub at: DateTime<Utc>,
    /// `None` until the child was there, and in another boot. It stands in the lock file.
    #[serde(skip)]
    pub child: Option<ChildId>,
}

impl Started {
    /// Something was started, and no more is known.
    fn unreadable() -> Self {
        Self { supervisor: 0, boot: String::new(), at: DateTime::UNIX_EPOCH, child: None }
    }
}

/// A process, told apart from a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildId {
    /// Process id, and process group.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start: Option<u64>,
}

/// `exit.json`: how it came out. Its text has been through `ingest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// How the child ended.
    pub ended: Ended,
    /// It was made to end, for this reason.
    pub stopped: Option<Stopped>,
    /// What it printed.
    pub output: Kept,
    /// The end of its standard output, at most 64 KiB.
    pub stdout: String,
    /// The end of its standard error, at most 64 KiB.
    pub stderr: String,
    /// Standard output was longer than what `stdout` holds.
    pub stdout_cut: bool,
    /// When it was started.
    pub started: DateTime<Utc>,
    /// When it had ended.
    pub finished: DateTime<Utc>,
    /// What else there is to know, such as that something it started still runs.
    pub notes: Vec<String>,
    /// What it has read.
    pub fed: Option<Fed>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was never there: why, and what to do.
    NotStarted(String),
}

/// Why a child was made to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The console asked.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// What it was to read cannot be read to its end.
    BadInput(String),
    /// It had the console's terminal, and the console or the terminal is gone.
    ConsoleGone,
}

/// What was kept of an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// SHA-256 of the file as it is on disk, in hex.
    pub sha256: String,
    /// Bytes that were printed, whether kept or not, before redaction.
    pub bytes: u64,
    /// Why the file does not hold all of it.
    pub cut: Option<String>,
}
