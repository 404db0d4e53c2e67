//! What there is in the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Notify;

use super::{Lesson, Loading, SUPERUSER};

/// What proves that it is this server.
pub(super) const SYSTEM_IDENTIFIER: &str = "7400000000000000042";

/// Everything in the server.
pub(super) struct World {
    pub(super) databases: BTreeMap<String, Database>,
    /// By process id.
    pub(super) sessions: BTreeMap<i32, Known>,
    pub(super) loading: Loading,
    next_pid: i32,
    first_change_is_refused: bool,
}

/// What others know of a session.
pub(super) struct Known {
    pub(super) application_name: String,
    pub(super) database: String,
    /// Told when the session is to end.
    pub(super) end: Arc<Notify>,
}

/// A database.
#[derive(Clone, Debug)]
pub struct Database {
    /// By name, without the schema `public`.
    pub tables: BTreeMap<String, Table>,
    /// Indexes and constraints.
    pub(super) others: BTreeSet<String>,
    /// Whether new sessions are let in.
    pub(super) allows_connections: bool,
}

/// A table: what its rows would be asked for.
#[derive(Clone, Debug)]
pub struct Table {
    /// In the order of the table.
    pub columns: Vec<Column>,
    /// How many rows.
    pub rows: u64,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The greatest of its values, as text: that of moments in one format is the newest.
    pub greatest: Option<String>,
}

impl Default for Database {
    fn default() -> Self {
        Self { tables: BTreeMap::new(), others: BTreeSet::new(), allows_connections: true }
    }
}

impl Database {
    /// One with these tables.
    #[must_use]
    pub fn of<'a>(tables: impl IntoIterator<Item = (&'a str, Table)>) -> Self {
        let tables = tables.into_iter().map(|(name, table)| (name.to_owned(), table));
        Self { tables: tables.collect(), ..Self::default() }
    }
}

impl Table {
    /// An empty one with these columns.
    #[must_use]
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let column = |name: &str| Column { name: name.to_owned(), greatest: None };
        Self { columns: columns.into_iter().map(column).collect(), rows: 0 }
    }

    /// Adds rows: their number, and what is greater.
    pub(super) fn add(&mut self, rows: Self) {
        self.rows += rows.rows;
        for (column, new) in self.columns.iter_mut().zip(rows.columns) {
            column.greatest = column.greatest.take().max(new.greatest);
        }
    }

    /// The greatest value of a column.
    pub(super) fn greatest(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|it| it.name == column)?.greatest.as_deref()
    }
}

impl World {
    pub(super) fn new(databases: Vec<(&str, Database)>, loading: Loading) -> Self {
        let mut all: BTreeMap<_, _> =
            databases.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
        all.entry(SUPERUSER.to_owned()).or_default();
        Self {
            databases: all,
            sessions: BTreeMap::new(),
            first_change_is_refused: loading.lesson == Some(Lesson::AccessDenied),
            loading,
            next_pid: 4242,
        }
    }

    /// A new session's process id.
    pub(super) fn join(&mut self, known: Known) -> i32 {
        let pid = self.next_pid;
        self.next_pid += 1;
        self.sessions.insert(pid, known);
        pid
    }

    /// Whether this change is the one that is refused for want of a permission.
    pub(super) fn refuses_change(&mut self) -> bool {
        std::mem::take(&mut self.first_change_is_refused)
    }

    /// Whether anybody but the session `pid` is in a database.
    pub(super) fn is_in_use(&self, database: &str, pid: i32) -> bool {
        self.sessions.iter().any(|(id, known)| *id != pid && known.database == database)
    }

    /// Ends the sessions that `which` picks; their number.
    pub(super) fn terminate(&mut self, mut which: impl FnMut(i32, &Known) -> bool) -> usize {
        let before = self.sessions.len();
        self.sessions.retain(|pid, known| {
            let ends = which(*pid, known);
            if ends {
                known.end.notify_one();
            }
            !ends
        });
        before - self.sessions.len()
    }
}
