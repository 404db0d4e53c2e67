//! A session: what it has begun, and carrying out what it asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pgwire::error::{PgWireError, PgWireResult};
use tokio::sync::Notify;

use super::answer::{Cell, refused};
use super::databases;
use super::questions::Question;
use super::statement::Statement;
use super::world::{Database, Known, Table, World};
use super::{Lesson, Shared};

/// How long a load that hangs hangs: longer than a sandbox lives.
const HANGING: Duration = Duration::from_secs(86_400);
/// The rows go on for so long after the blow that kills the console.
const AFTER_THE_BLOW: Duration = Duration::from_secs(4);

/// One client's session.
pub(super) struct Session {
    pub(super) shared: Shared,
    inside: Mutex<Inside>,
    end: Arc<Notify>,
}

#[derive(Default)]
struct Inside {
    pid: i32,
    database: String,
    /// What the transaction under way has made of the database.
    transaction: Option<Database>,
    /// Names that it has given to whole databases: taken back when it fails.
    renamed: Vec<(String, String)>,
    failed: bool,
    copying: Option<Copying>,
}

/// Rows on their way into a table.
struct Copying {
    table: String,
    /// Where in the table each column of a row belongs.
    places: Vec<usize>,
    /// The beginning of a row whose end has not come.
    rest: Vec<u8>,
    filled: Table,
}

/// How a statement came out.
pub(super) enum Outcome {
    Done(&'static str),
    Began,
    Ended(&'static str),
    Rows(&'static Question, Vec<Vec<Cell>>),
    CopyIn { columns: usize },
}

/// Where a question is asked.
pub(super) struct Here<'a> {
    world: &'a mut World,
    inside: &'a Inside,
}

impl Here<'_> {
    /// The database as the session sees it.
    pub(super) fn database(&self) -> Database {
        self.inside.seen(self.world)
    }

    /// A table of the database.
    pub(super) fn table(&self, name: &str) -> PgWireResult<Table> {
        known(&self.database(), name.strip_prefix("public.").unwrap_or(name)).cloned()
    }

    /// Another database; `None` when there is none.
    pub(super) fn other(&self, name: &str) -> Option<&Database> {
        self.world.databases.get(name)
    }

    /// How many sessions are in a database.
    pub(super) fn sessions(&self, database: &str) -> usize {
        self.world.sessions.values().filter(|known| known.database == database).count()
    }

    /// Ends other sessions; their number.
    pub(super) fn terminate(&mut self, which: impl Fn(&Known) -> bool) -> usize {
        let pid = self.inside.pid;
        self.world.terminate(|other, known| other != pid && which(known))
    }
}

impl Inside {
    fn seen(&self, world: &World) -> Database {
        let committed = || world.databases.get(&self.database).cloned().unwrap_or_default();
        self.transaction.clone().unwrap_or_else(committed)
    }
}

impl Session {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared, inside: Mutex::default(), end: Arc::default() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a database.
    pub(super) fn enter(&self, database: &str, application_name: &str) {
        let known = Known {
            application_name: application_name.to_owned(),
            database: database.to_owned(),
            end: self.end.clone(),
        };
        let pid = self.shared.with(|world| world.join(known));
        let mut inside = self.inside();
        inside.pid = pid;
        database.clone_into(&mut inside.database);
    }

    /// Waits until somebody ends it.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    /// It is over: what it had not committed is gone.
    pub(super) fn leave(&self) {
        let pid = self.inside().pid;
        self.shared.with(|world| world.sessions.remove(&pid));
    }

    /// Notes that a statement failed: the transaction is good for nothing any more.
    pub(super) fn fail(&self, error: PgWireError) -> PgWireError {
        let mut inside = self.inside();
        inside.failed = inside.transaction.is_some();
        inside.copying = None;
        error
    }

    /// Carries out a statement.
    pub(super) fn carry_out(
        &self,
        statement: &Statement,
        given: &[String],
    ) -> PgWireResult<Outcome> {
        let mut inside = self.inside();
        if inside.failed && !matches!(statement, Statement::Commit | Statement::Rollback) {
            return Err(refused(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        self.shared.with(|world| carry_out(world, &mut inside, statement, given))
    }

    /// Takes rows.
    pub(super) fn take(&self, bytes: &[u8]) {
        if let Some(copying) = &mut self.inside().copying {
            copying.take(bytes);
        }
    }

    /// The time that the rows take, and what goes wrong meanwhile.
    pub(super) async fn work(&self) {
        let loading = self.shared.with(|world| {
            let loading = world.loading.clone();
            // Once: the second try works.
            if matches!(loading.lesson, Some(Lesson::RestoreStuck | Lesson::ConsoleKilled)) {
                world.loading.lesson = None;
            }
            loading
        });
        match loading.lesson {
            Some(Lesson::RestoreStuck) => tokio::time::sleep(HANGING).await,
            Some(Lesson::ConsoleKilled) => {
                loading.blow.strike();
                tokio::time::sleep(AFTER_THE_BLOW).await;
            }
            Some(Lesson::AccessDenied | Lesson::WrongTarget) | None => {
                tokio::time::sleep(loading.delay).await;
            }
        }
    }

    /// All rows have come; how many they were.
    pub(super) fn copied(&self) -> PgWireResult<usize> {
        let mut inside = self.inside();
        let Some(copying) = inside.copying.take() else {
            return Err(refused("08P01", "no COPY is under way"));
        };
        if !copying.rest.is_empty() {
            return Err(refused("22P04", "the last row has no end"));
        }
        let rows = copying.filled.rows;
        self.shared.with(|world| {
            change(world, &mut inside, |database| {
                if let Some(table) = database.tables.get_mut(&copying.table) {
                    table.add(copying.filled);
                }
                Ok(())
            })
        })?;
        Ok(usize::try_from(rows).unwrap_or(usize::MAX))
    }
}

impl Copying {
    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        for row in String::from_utf8_lossy(&whole).lines().filter(|row| *row != "\\.") {
            self.filled.rows += 1;
            for (value, place) in row.split('\t').zip(&self.places) {
                let Some(column) = self.filled.columns.get_mut(*place) else { continue };
                if value != "\\N" && column.greatest.as_deref().is_none_or(|known| known < value) {
                    column.greatest = Some(value.to_owned());
                }
            }
        }
    }
}

/// Changes the database, in the transaction when there is one.
fn change(
    world: &mut World,
    inside: &mut Inside,
    change: impl FnOnce(&mut Database) -> PgWireResult<()>,
) -> PgWireResult<()> {
    if let Some(database) = &mut inside.transaction {
        return change(database);
    }
    match world.databases.get_mut(&inside.database) {
        Some(database) => change(database),
        None => Err(refused("3D000", format!("database \"{}\" does not exist", inside.database))),
    }
}

fn carry_out(
    world: &mut World,
    inside: &mut Inside,
    statement: &Statement,
    given: &[String],
) -> PgWireResult<Outcome> {
    match statement {
        Statement::Begin => {
            inside.transaction = Some(inside.seen(world));
            Ok(Outcome::Began)
        }
        Statement::Commit | Statement::Rollback => Ok(end(world, inside, statement)),
        Statement::Heeded(tag) => Ok(Outcome::Done(tag)),
        Statement::Ask(question) => {
            let rows = (question.rows)(&mut Here { world, inside }, given)?;
            Ok(Outcome::Rows(question, rows))
        }
        Statement::CreateDatabase(_)
        | Statement::DropDatabase { .. }
        | Statement::RenameDatabase { .. }
        | Statement::AllowConnections { .. } => {
            let tag = databases::carry_out(world, &inside.database, inside.pid, statement)?;
            if let (Statement::RenameDatabase { from, to }, Some(_)) =
                (statement, &inside.transaction)
            {
                inside.renamed.push((from.clone(), to.clone()));
            }
            Ok(Outcome::Done(tag))
        }
        Statement::CreateTable { name, columns } => {
            change(world, inside, |database| {
                if database.tables.contains_key(name) {
                    return Err(refused("42P07", format!("relation \"{name}\" already exists")));
                }
                let table = Table::new(columns.iter().map(String::as_str));
                database.tables.insert(name.clone(), table);
                Ok(())
            })?;
            Ok(Outcome::Done("CREATE TABLE"))
        }
        Statement::Alter { table, other, tag } => {
            change(world, inside, |database| {
                known(database, table)?;
                if !database.others.insert(other.clone()) {
                    return Err(refused("42P07", format!("relation \"{other}\" already exists")));
                }
                Ok(())
            })?;
            Ok(Outcome::Done(tag))
        }
        Statement::CopyIn { table, columns } => {
            let database = inside.seen(world);
            let into = known(&database, table)?;
            let places = columns
                .iter()
                .map(|name| {
                    into.columns.iter().position(|it| it.name == *name).ok_or_else(|| {
                        let message =
                            format!("column \"{name}\" of relation \"{table}\" does not exist");
                        refused("42703", message)
                    })
                })
                .collect::<PgWireResult<Vec<_>>>()?;
            let filled = Table::new(into.columns.iter().map(|it| it.name.as_str()));
            inside.copying =
                Some(Copying { table: table.clone(), places, rest: Vec::new(), filled });
            Ok(Outcome::CopyIn { columns: columns.len() })
        }
    }
}

/// Ends the transaction; one that failed is rolled back whatever is asked.
fn end(world: &mut World, inside: &mut Inside, statement: &Statement) -> Outcome {
    let made = inside.transaction.take();
    let failed = std::mem::take(&mut inside.failed);
    let renamed = std::mem::take(&mut inside.renamed);
    if failed || matches!(statement, Statement::Rollback) {
        for (from, to) in renamed.into_iter().rev() {
            if let Some(database) = world.databases.remove(&to) {
                world.databases.insert(from, database);
            }
        }
    }
    if failed || matches!(statement, Statement::Rollback) {
        return Outcome::Ended("ROLLBACK");
    }
    if let Some(made) = made {
        world.databases.insert(inside.database.clone(), made);
    }
    Outcome::Ended("COMMIT")
}

fn known<'a>(database: &'a Database, table: &str) -> PgWireResult<&'a Table> {
    database
        .tables
        .get(table)
        .ok_or_else(|| refused("42P01", format!("relation \"{table}\" does not exist")))
}
