//! A dump by several sessions: not one transaction.
//!
//! What comes before the rows is made by one session. Rows go, piece by piece, to whoever has time.
//! Indexes and constraints are made side by side where they lock different tables, then foreign keys;
//! everything else comes one after the other, in the dump's order, with nothing beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinSet;

use super::entry::Locks;
use super::foreign::{self, Key};
use super::hand::{Copying, Hand, Settings};
use super::split::{Copy, Part, Rows, Statement};
use super::{Options, Problem, Reading, say};

/// Loads what is read.
pub(super) async fn load(
    options: &Options,
    parts: &mut Receiver<Part>,
    reading: Reading,
) -> Result<(), Problem> {
    let mut load = Load {
        first: Hand::open(options).await?,
        hands: Vec::new(),
        rows: None,
        table: None,
        alone: None,
        group: Group::default(),
        tables: Vec::new(),
        told: 0,
    };
    while let Some(part) = parts.recv().await {
        match part {
            Part::Statement(statement) => load.statement(options, statement).await?,
            Part::Copy(copy) => load.table(options, copy).await?,
            Part::Rows(rows) => load.rows(rows).await?,
            Part::CopyEnd => load.end_of_table().await?,
        }
    }
    reading.whole().await?;
    load.finish_rows().await?;
    load.finish_group(options).await?;
    // A commit that waits for the disk takes every commit before it along.
    load.first.own("SET synchronous_commit = on").await?;
    load.first.own("BEGIN; SELECT pg_catalog.pg_current_xact_id(); COMMIT").await
}

struct Load {
    /// Makes whatever is not made side by side.
    first: Hand,
    /// Those that have nothing to do.
    hands: Vec<Hand>,
    rows: Option<Spreading>,
    table: Option<Arc<Table>>,
    /// Rows in which a line is not a row: they cannot be spread.
    alone: Option<Copying>,
    group: Group,
    /// Those whose rows have come, and of how many of them the operator was told.
    tables: Vec<Arc<Table>>,
    told: usize,
}

/// A table whose rows are being sent.
pub(super) struct Table {
    pub copy: Arc<Copy>,
    bytes: AtomicU64,
    rows: AtomicU64,
}

/// Rows on their way to several sessions.
struct Spreading {
    to: mpsc::Sender<(Arc<Table>, Rows)>,
    at_work: JoinSet<Result<Hand, Problem>>,
}

/// What may be made side by side.
#[derive(Default)]
struct Group {
    foreign: bool,
    jobs: Vec<Job>,
}

/// An entry of the dump: its statements, one after the other.
pub(super) struct Job {
    pub locks: Locks,
    pub statements: Vec<Statement>,
    pub settings: Arc<Settings>,
}

impl Load {
    async fn statement(&mut self, options: &Options, statement: Statement) -> Result<(), Problem> {
        if let Some(name) = sets(&statement) {
            self.first.run(&statement).await?;
            self.first.has_set(name, Arc::new(statement));
            return Ok(());
        }
        let entry = statement.entry.clone();
        let kind = entry.as_ref().map(|entry| entry.kind.as_str()).unwrap_or_default();
        match kind {
            // They touch no table.
            "SEQUENCE SET" | "BLOB" | "BLOBS" | "BLOB METADATA" if self.rows.is_some() => {
                return self.first.run(&statement).await;
            }
            "CONSTRAINT" | "INDEX" | "FK CONSTRAINT" => {
                let last = self.group.jobs.last_mut();
                if let Some(job) = last.filter(|job| job.is_of(&statement)) {
                    job.statements.push(statement);
                    return Ok(());
                }
                if let Some(locks) = Locks::of(&statement.sql) {
                    self.finish_rows().await?;
                    let foreign = kind == "FK CONSTRAINT";
                    if foreign != self.group.foreign {
                        self.finish_group(options).await?;
                        self.group.foreign = foreign;
                    }
                    let settings = Arc::new(self.first.settings().clone());
                    self.group.jobs.push(Job { locks, statements: vec![statement], settings });
                    return Ok(());
                }
            }
            // On what was made last.
            "COMMENT" => {
                if let Some(job) = self.group.jobs.last_mut() {
                    job.statements.push(statement);
                    return Ok(());
                }
            }
            _ => {}
        }
        self.finish_rows().await?;
        self.finish_group(options).await?;
        self.first.run(&statement).await
    }

    async fn table(&mut self, options: &Options, copy: Arc<Copy>) -> Result<(), Problem> {
        self.finish_group(options).await?;
        if !copy.by_line {
            self.alone = Some(self.first.copy(copy.clone(), copy.sql.clone()).await?);
            return Ok(());
        }
        self.hire(options).await?;
        let hands = &mut self.hands;
        let settings = self.first.settings();
        self.rows.get_or_insert_with(|| Spreading::begin(std::mem::take(hands), settings));
        let table = Arc::new(Table { copy, bytes: AtomicU64::new(0), rows: AtomicU64::new(0) });
        self.tables.push(table.clone());
        self.table = Some(table);
        Ok(())
    }

    async fn end_of_table(&mut self) -> Result<(), Problem> {
        self.table = None;
        match self.alone.take() {
            Some(copying) => copying.finish().await.map(drop),
            None => Ok(()),
        }
    }

    /// As many sessions as there are jobs.
    async fn hire(&mut self, options: &Options) -> Result<(), Problem> {
        if self.rows.is_none() {
            while self.hands.len() < options.jobs {
                self.hands.push(Hand::open(options).await?);
            }
        }
        Ok(())
    }

    async fn rows(&mut self, rows: Rows) -> Result<(), Problem> {
        if let Some(copying) = &mut self.alone {
            return self.first.send(copying, rows).await;
        }
        let (Some(table), Some(spreading)) = (&self.table, &mut self.rows) else { return Ok(()) };
        table.bytes.fetch_add(rows.bytes.len() as u64, Ordering::Relaxed);
        tokio::select! {
            sent = spreading.to.send((table.clone(), rows)) => {
                if sent.is_ok() {
                    return Ok(());
                }
            }
            // None ends before there are no more rows, unless it is in trouble.
            Some(ended) = spreading.at_work.join_next() => { outcome(ended)?; }
        }
        self.finish_rows().await
    }

    async fn finish_rows(&mut self) -> Result<(), Problem> {
        let Some(Spreading { to, mut at_work }) = self.rows.take() else { return Ok(()) };
        drop(to);
        while let Some(ended) = at_work.join_next().await {
            self.hands.push(outcome(ended)?);
        }
        for table in &self.tables[self.told..] {
            say(&format!("{}: {} rows", table.copy.table, table.rows.load(Ordering::Relaxed)));
        }
        self.told = self.tables.len();
        Ok(())
    }

    /// Makes what was gathered.
    async fn finish_group(&mut self, options: &Options) -> Result<(), Problem> {
        let jobs = std::mem::take(&mut self.group.jobs);
        if jobs.is_empty() {
            return Ok(());
        }
        self.hire(options).await?;
        if !self.group.foreign {
            return self.side_by_side(jobs).await;
        }
        self.side_by_side(foreign::vacuum(&jobs, &self.tables)).await?;
        let mut checks = Vec::new();
        for job in jobs {
            checks.push(match Key::of(job) {
                Ok(Key { add, check }) => {
                    self.first.run(&add).await?;
                    check
                }
                Err(job) => job,
            });
        }
        self.side_by_side(checks).await
    }

    /// What locks the same tables one after the other, the largest first.
    async fn side_by_side(&mut self, mut jobs: Vec<Job>) -> Result<(), Problem> {
        let weight = |job: &Job| {
            let table = self.tables.iter().find(|table| table.copy.table == job.locks.table());
            table.map_or(0, |table| table.bytes.load(Ordering::Relaxed))
        };
        jobs.sort_by_key(|job| std::cmp::Reverse(weight(job)));
        let board = Arc::new(Board {
            state: Mutex::new(Waiting { jobs, held: Vec::new() }),
            freed: Notify::new(),
        });
        let mut at_work = JoinSet::new();
        for hand in self.hands.drain(..) {
            at_work.spawn(work(hand, board.clone()));
        }
        while let Some(ended) = at_work.join_next().await {
            self.hands.push(outcome(ended)?);
        }
        Ok(())
    }
}

fn outcome<T>(ended: Result<Result<T, Problem>, tokio::task::JoinError>) -> Result<T, Problem> {
    ended.unwrap_or_else(|e| Err(Problem::of(format!("a session's task died: {e}"))))
}

/// The name of what a statement sets for its session.
fn sets(statement: &Statement) -> Option<String> {
    let words: Vec<_> = statement.words.iter().map(String::as_str).collect();
    match words[..] {
        ["set", name, ..] => Some(name.to_owned()),
        ["select", "pg_catalog", "set_config", ..] => Some("search_path".into()),
        _ => None,
    }
}

impl Job {
    /// Whether the statement belongs to this entry too.
    fn is_of(&self, statement: &Statement) -> bool {
        let first = self.statements.first().and_then(|first| first.entry.as_ref());
        match (first, &statement.entry) {
            (Some(first), Some(entry)) => Arc::ptr_eq(first, entry),
            _ => false,
        }
    }
}

impl Spreading {
    fn begin(hands: Vec<Hand>, settings: &Settings) -> Self {
        let (to, rows) = mpsc::channel(1);
        let rows = Arc::new(Mutex::new(rows));
        let mut at_work = JoinSet::new();
        for hand in hands {
            at_work.spawn(send(hand, settings.clone(), rows.clone()));
        }
        Self { to, at_work }
    }
}

type Taking = Arc<Mutex<Receiver<(Arc<Table>, Rows)>>>;

/// One session's share of the rows.
async fn send(mut hand: Hand, settings: Settings, rows: Taking) -> Result<Hand, Problem> {
    hand.set(&settings).await?;
    let mut open: Option<(Arc<Table>, Copying)> = None;
    loop {
        let next = rows.lock().await.recv().await;
        let same = matches!((&open, &next), (Some((a, _)), Some((b, _))) if Arc::ptr_eq(a, b));
        if !same && let Some((table, copying)) = open.take() {
            table.rows.fetch_add(copying.finish().await?, Ordering::Relaxed);
        }
        let Some((table, rows)) = next else { return Ok(hand) };
        let (_, copying) = match &mut open {
            Some(open) => open,
            none @ None => {
                let copying = hand.copy(table.copy.clone(), table.copy.sql.clone()).await?;
                none.insert((table, copying))
            }
        };
        hand.send(copying, rows).await?;
    }
}

/// What is to be made, for all to take from.
struct Board {
    state: Mutex<Waiting>,
    freed: Notify,
}

struct Waiting {
    jobs: Vec<Job>,
    held: Vec<Locks>,
}

/// One session's share of the jobs.
async fn work(mut hand: Hand, board: Arc<Board>) -> Result<Hand, Problem> {
    loop {
        let freed = board.freed.notified();
        tokio::pin!(freed);
        // From here on, what others give back is heard of.
        freed.as_mut().enable();
        let job = {
            let mut state = board.state.lock().await;
            if state.jobs.is_empty() {
                return Ok(hand);
            }
            let free =
                state.jobs.iter().position(|job| state.held.iter().all(|l| l.go_with(&job.locks)));
            free.map(|at| {
                let job = state.jobs.remove(at);
                state.held.push(job.locks.clone());
                job
            })
        };
        let Some(job) = job else {
            freed.await;
            continue;
        };
        let begun = Instant::now();
        hand.set(&job.settings).await?;
        for statement in &job.statements {
            hand.insist(statement).await?;
        }
        let name = job.statements.first().and_then(|s| s.entry.as_ref()).map(|e| e.name.as_str());
        say(&format!("{}: {:.1} s", name.unwrap_or_default(), begun.elapsed().as_secs_f64()));
        let mut state = board.state.lock().await;
        if let Some(at) = state.held.iter().position(|locks| *locks == job.locks) {
            state.held.remove(at);
        }
        board.freed.notify_waiters();
    }
}
