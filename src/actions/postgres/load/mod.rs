//! `steady __load`: a dump from standard input into a database, as a child under the supervisor.
//!
//! The text of a plain dump is cut as psql would cut it; a custom one becomes text by pg_restore. Either
//! way the supervisor's mark at the end of the input ([`WHOLE`]) is what lets a load count: an input
//! that is cut off, damaged, or not what its SHA-256 should be ends without it.
//!
//! With one job everything is one transaction. With more, the rows go to that many sessions, piece by piece,
//! and indexes and keys are made side by side: pg_dump's comments say what the parts are.

mod entry;
mod foreign;
mod hand;
mod parallel;
pub(super) mod settings;
mod single;
mod source;
mod split;

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::connection::Connection;
use split::{Part, Splitter};

/// Follows an input that is whole and right. The supervisor withholds it from any other.
pub(super) const WHOLE: &str = "\n-- steadyhand: this is the end, and all of it was right\n";
/// How many parts may wait for the server.
const AHEAD: usize = 16;

/// What to load with.
pub(super) struct Options {
    /// Where to.
    pub connection: Connection,
    /// By which the sessions are found in the server.
    pub application_name: String,
    /// How many sessions.
    pub jobs: usize,
    /// Settings of each session, before the dump's own.
    pub settings: Vec<(String, String)>,
}

/// Why a load ended.
#[derive(Debug)]
pub(super) struct Problem {
    /// Where in the dump's text.
    line: Option<u64>,
    message: String,
    /// The server has ended a deadlock by it.
    deadlock: bool,
}

impl Problem {
    fn of(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into(), deadlock: false }
    }

    fn at(line: u64, message: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of(message) }
    }

    fn or_at(self, line: u64) -> Self {
        Self { line: self.line.or(Some(line)), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the dump: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The statements of an SQL text that no dump is.
///
/// # Errors
/// One line: it does not end, or is not SQL alone.
pub(super) fn statements(sql: &str) -> Result<Vec<String>, String> {
    let mut splitter = Splitter::new();
    splitter.push(sql.as_bytes());
    // The last one needs no semicolon.
    splitter.push(b"\n;");
    splitter.end();
    let mut statements = Vec::new();
    while let Some(part) = splitter.next().map_err(|problem| problem.message)? {
        match part {
            Part::Statement(statement) if statement.sql == ";" => {}
            Part::Statement(statement) => statements.push(statement.sql),
            Part::Copy(_) | Part::Rows(_) | Part::CopyEnd => {
                return Err("COPY … FROM stdin has no rows here".into());
            }
        }
    }
    Ok(statements)
}

/// One line of what is going on.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads it: the load goes on.
    drop(writeln!(out, "{line}"));
}

/// The thread that reads the dump.
pub(super) struct Reading(JoinHandle<Result<(), Problem>>);

impl Reading {
    /// That the input was read to its end, and was whole.
    async fn whole(self) -> Result<(), Problem> {
        self.0.await.unwrap_or_else(|e| Err(Problem::of(format!("the dump's reader died: {e}"))))
    }
}

/// Loads standard input into the database that libpq's variables name, with `settings` (`name=value`) in
/// each session.
#[must_use]
pub fn serve(jobs: usize, settings: &[String]) -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let loaded = match runtime {
        Ok(runtime) => runtime.block_on(load(jobs, settings)),
        Err(e) => Err(Problem::of(format!("it could not be started: {e}"))),
    };
    match loaded {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            // The reader may wait for an input that never ends.
            std::process::exit(1)
        }
    }
}

async fn load(jobs: usize, settings: &[String]) -> Result<(), Problem> {
    let settings = settings
        .iter()
        .map(|pair| {
            let pair = pair.split_once('=');
            pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| Problem::of("a setting is `name=value`"))
        })
        .collect::<Result<_, _>>()?;
    let options = Options {
        connection: Connection::from_env().map_err(Problem::of)?,
        application_name: std::env::var("PGAPPNAME").unwrap_or_default(),
        jobs,
        settings,
    };
    let (tx, mut parts) = mpsc::channel::<Part>(AHEAD);
    let reading = Reading(tokio::task::spawn_blocking(move || source::read(&tx)));
    if options.jobs > 1 {
        parallel::load(&options, &mut parts, reading).await
    } else {
        single::load(&options, &mut parts, reading).await
    }
}
