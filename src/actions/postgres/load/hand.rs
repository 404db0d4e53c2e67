//! A session that loads.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};
use tokio_postgres::{CopyInSink, Error};

use super::split::{Copy, Rows, Statement};
use super::{Options, Problem, say};
use crate::actions::postgres::session::Session;

/// A `COPY` is ended and begun again after this many bytes: the server tells what is wrong with rows only
/// at the end of one.
const STRETCH: usize = 256 << 20;

/// What the dump has set for its session: the name and the statement.
pub(super) type Settings = BTreeMap<String, Arc<Statement>>;

/// A session, with what the dump has set in it.
pub(super) struct Hand {
    session: Session,
    settings: Settings,
}

impl Hand {
    pub async fn open(options: &Options) -> Result<Self, Problem> {
        let session = options
            .connection
            .open(&options.application_name)
            .await
            .map_err(|trouble| Problem::of(trouble.message))?;
        let hand = Self { session, settings: Settings::new() };
        for (name, value) in &options.settings {
            hand.execute(
                "SELECT pg_catalog.set_config($1, $2, false)",
                &[name as &(dyn tokio_postgres::types::ToSql + Sync), value],
            )
            .await
            .map_err(|e| told(&e, |_| None, &format!("the setting {name} = {value}")))?;
        }
        Ok(hand)
    }

    async fn execute(
        &self,
        sql: &str,
        params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<(), Error> {
        self.session.client.query(sql, params).await.map(drop)
    }

    /// A statement of ours.
    pub async fn own(&self, sql: &str) -> Result<(), Problem> {
        self.session.client.batch_execute(sql).await.map_err(|e| told(&e, |_| None, sql))
    }

    /// A statement of the dump.
    pub async fn run(&mut self, statement: &Statement) -> Result<(), Problem> {
        let done = self.session.client.batch_execute(&statement.sql).await;
        self.show_notices(statement.line);
        done.map_err(|error| {
            let line = |db: &DbError| match db.position() {
                Some(ErrorPosition::Original(at)) => {
                    let before = statement.sql.chars().take(*at as usize).filter(|c| *c == '\n');
                    Some(statement.line + before.count() as u64)
                }
                _ => None,
            };
            told(&error, line, &first_words(&statement.sql)).or_at(statement.line)
        })
    }

    /// As [`Hand::run`]; once more when the server has chosen it to end a deadlock.
    pub async fn insist(&mut self, statement: &Statement) -> Result<(), Problem> {
        match self.run(statement).await {
            Err(problem) if problem.deadlock => self.run(statement).await,
            done => done,
        }
    }

    /// Makes what the dump has set the same here.
    pub async fn set(&mut self, settings: &Settings) -> Result<(), Problem> {
        for (name, statement) in settings {
            let same = self.settings.get(name).is_some_and(|now| now.sql == statement.sql);
            if !same {
                self.run(statement).await?;
                self.settings.insert(name.clone(), statement.clone());
            }
        }
        Ok(())
    }

    /// Notes that the dump has set something in this session.
    pub fn has_set(&mut self, name: String, statement: Arc<Statement>) {
        self.settings.insert(name, statement);
    }

    /// What the dump has set in this session.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn show_notices(&mut self, line: u64) {
        while let Ok(notice) = self.session.notices.try_recv() {
            say(&format!("line {line}: {notice}"));
        }
    }

    /// Begins to send rows.
    pub async fn copy(&self, copy: Arc<Copy>, sql: String) -> Result<Copying, Problem> {
        let sink = self.begin(&copy, &sql).await?;
        Ok(Copying { sink: Some(sink), copy, sql, sent: 0, rows: 0, pieces: Vec::new(), lines: 0 })
    }

    async fn begin(&self, copy: &Copy, sql: &str) -> Result<Sink, Problem> {
        let sink = self.session.client.copy_in(sql).await;
        sink.map(Box::pin).map_err(|e| told(&e, |_| Some(copy.line), &first_words(sql)))
    }

    /// Sends rows.
    pub async fn send(&self, copying: &mut Copying, rows: Rows) -> Result<(), Problem> {
        if copying.sent >= STRETCH {
            copying.end().await?;
        }
        let sink = match &mut copying.sink {
            Some(sink) => sink,
            none @ None => none.insert(self.begin(&copying.copy, &copying.sql).await?),
        };
        copying.pieces.push((copying.lines, rows.line));
        copying.lines += rows.lines;
        copying.sent += rows.bytes.len();
        if sink.send(rows.bytes).await.is_err() {
            // What the server has to say about it comes with the end.
            copying.end().await?;
        }
        Ok(())
    }
}

type Sink = Pin<Box<CopyInSink<Bytes>>>;

/// A `COPY` under way in one session.
pub(super) struct Copying {
    sink: Option<Sink>,
    /// Which.
    pub copy: Arc<Copy>,
    sql: String,
    /// Bytes and lines of this stretch.
    sent: usize,
    lines: u64,
    rows: u64,
    /// Of this stretch: how many lines came before a piece, and where it stands in the dump.
    pieces: Vec<(u64, u64)>,
}

impl Copying {
    /// Ends a stretch.
    async fn end(&mut self) -> Result<(), Problem> {
        let pieces = std::mem::take(&mut self.pieces);
        (self.sent, self.lines) = (0, 0);
        let Some(mut sink) = self.sink.take() else { return Ok(()) };
        let line = |db: &DbError| {
            // `COPY orders, line 17, column id: "x"`: the line of this stretch.
            let (_, rest) = db.where_()?.split_once(", line ")?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            let n = digits.parse::<u64>().ok()?.checked_sub(1)?;
            let (before, line) = pieces.iter().rev().find(|(before, _)| *before <= n)?;
            Some(line + n - before)
        };
        let what = format!("the rows of {}", self.copy.table);
        self.rows += sink
            .as_mut()
            .finish()
            .await
            .map_err(|error| told(&error, line, &what).or_at(self.copy.line))?;
        Ok(())
    }

    /// Ends it; how many rows the server has taken.
    pub async fn finish(mut self) -> Result<u64, Problem> {
        self.end().await?;
        Ok(self.rows)
    }
}

/// What the server, or the line to it, said of `what`.
fn told(error: &Error, line: impl Fn(&DbError) -> Option<u64>, what: &str) -> Problem {
    let Some(db) = error.as_db_error() else {
        use std::error::Error as _;
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return Problem::of(format!("the connection broke at {what}: {cause}"));
    };
    let mut message = format!("{}: {} (SQLSTATE {})", what, db.message(), db.code().code());
    for more in [db.detail(), db.where_(), db.hint()].into_iter().flatten() {
        message.push_str("; ");
        message.push_str(more);
    }
    Problem {
        line: line(db),
        message: message.replace('\n', " "),
        deadlock: *db.code() == SqlState::T_R_DEADLOCK_DETECTED,
    }
}

/// Enough of a statement to know it by.
fn first_words(sql: &str) -> String {
    const ENOUGH: usize = 60;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}
