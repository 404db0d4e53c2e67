//! `postgres.restore_dump`: a dump into an empty database.
//!
//! The loader ([`super::load`]) works under the supervisor: it outlives the console, and a resumed one
//! waits for it.

use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tokio_postgres::Error;

use super::application_name;
use super::backup::Backup;
use super::connection::Connection;
use super::dump::{Dump, Format};
use super::load;
use super::session::Session;
use super::trouble;
use crate::actions::supervised::{self, End, Job};
use crate::actions::{Action, Context, Finish, Found};
use crate::engine::Outcome;
use crate::runbook::{Request, Value};
use crate::supervisor::{Ended, Exit, Stdin, Stopped};

/// How long the server may take to end the sessions of a load that was stopped.
const STOP: Duration = Duration::from_secs(30);

/// `postgres.restore_dump`.
pub struct RestoreDump;

impl Action for RestoreDump {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        async move {
            let connection = Connection::of(&request, cx.secrets.as_ref())?;
            let clean = |message| cx.redactor.clean(message);
            Backup::of(&cx, &request).await.map_err(clean)?.pin(&mut request);
            let session = open(&connection, &cx).await.map_err(clean)?;
            load::settings::add(&mut request, &connection, &session).await.map_err(clean)?;
            Ok(request)
        }
        .boxed()
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            match Load::prepare(&cx, request).await {
                Ok((load, request)) => {
                    let end = supervised::run(&cx, load.job(&cx, &request)).await;
                    load.finish(&cx, end).await
                }
                Err(message) => Finish::failed(cx.redactor.clean(message)),
            }
        }
        .boxed()
    }

    fn find(&self, cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        async move { supervised::find(&cx) }.boxed()
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            let end = supervised::reattach(&cx).await;
            let look = async {
                let (connection, backup, jobs) = Load::read(&cx, &request).await?;
                let dump = backup.begins().await?;
                Ok::<_, String>(Load { connection, backup, dump, jobs })
            };
            match look.await {
                Ok(load) => load.finish(&cx, end).await,
                Err(message) => Finish::unknown(cx.redactor.clean(format!(
                    "the load has ended, and its dump cannot be looked at again: {message}"
                ))),
            }
        }
        .boxed()
    }
}

/// A load whose dump is good, as far as can be told.
struct Load {
    connection: Connection,
    backup: Backup,
    dump: Dump,
    jobs: i64,
}

impl Load {
    /// Everything that can be refused is, before the database is touched.
    async fn prepare(cx: &Context, mut request: Request) -> Result<(Self, Request), String> {
        let look = async {
            let (connection, backup, jobs) = Self::read(cx, &request).await?;
            let dump = backup.inspect(cx).await?;
            Ok::<_, String>(Self { connection, backup, dump, jobs })
        };
        let load = look.await?;
        if load.dump.format == Format::Custom && !on_path("pg_restore") {
            return Err(
                "`pg_restore` is not installed on this machine, and nothing else reads the custom \
                        format: install PostgreSQL's client programs (Debian: apt-get install \
                        postgresql-client), or dump in the plain format"
                    .into(),
            );
        }
        let checking = async {
            let session = open(&load.connection, cx).await?;
            load::settings::add(&mut request, &load.connection, &session).await?;
            objects(&session).await.map_err(|e| trouble::running(&load.connection, &e).message)
        };
        let objects = tokio::select! {
            objects = checking => objects?,
            () = cx.cancel.cancelled() => return Err("cancelled before anything was loaded".into()),
        };
        if let Some(first) = objects.first() {
            let more = match objects.len() {
                1 => String::new(),
                all => format!(" and {} more", all - 1),
            };
            return Err(format!(
                "{} is not empty: it has {first}{more}; a dump is never loaded on top of another load: \
                 drop and create the database, or restore into a new one",
                load.connection
            ));
        }
        Ok((load, request))
    }

    /// Reads the request.
    async fn read(cx: &Context, request: &Request) -> Result<(Connection, Backup, i64), String> {
        let connection = Connection::of(request, cx.secrets.as_ref())?;
        let jobs = request.int("jobs").unwrap_or(1);
        if !(1..=64).contains(&jobs) {
            return Err(format!("`jobs` is {jobs}, not 1 to 64"));
        }
        Ok((connection, Backup::of(cx, request).await?, jobs))
    }

    /// Whether a failure leaves nothing behind.
    fn in_one_transaction(&self) -> bool {
        self.jobs == 1
    }

    fn job(&self, cx: &Context, request: &Request) -> Job {
        let mut argv = vec![
            cx.supervisors.program().display().to_string(),
            "__load".to_owned(),
            format!("--jobs={}", self.jobs),
        ];
        argv.extend(load::settings::of(request).into_iter().map(|pair| format!("--set={pair}")));
        Job {
            argv,
            env: self.connection.to_env(application_name(cx)),
            cwd: None,
            stdin: Stdin::Backup(Box::new(self.backup.feed(&self.dump))),
        }
    }

    async fn finish(&self, cx: &Context, end: End) -> Finish {
        let exit = match end {
            End::NotStarted(message) => return Finish::failed(message),
            End::Lost(message) => return Finish::unknown(message),
            End::Exited(exit) => exit,
        };
        let mut finish = if exit.ended == Ended::Code(0) && exit.stopped.is_none() {
            self.loaded(cx, &exit).await
        } else {
            self.failed(cx, &exit).await
        };
        finish.message = cx.redactor.clean(finish.message);
        finish.output = Some(supervised::output(cx, &exit));
        finish
    }

    async fn loaded(&self, cx: &Context, exit: &Exit) -> Finish {
        let counted = async {
            let session = open(&self.connection, cx).await?;
            tables(&session).await.map_err(|e| trouble::running(&self.connection, &e).message)
        };
        let tables = match counted.await {
            Ok(tables) => tables,
            Err(message) => {
                return Finish::unknown(format!(
                    "it was loaded and cannot be looked at: {message}"
                ));
            }
        };
        let seconds = (exit.finished - exit.started).as_seconds_f64();
        let text = |text: &str| Value::String(text.to_owned());
        Finish::succeeded(
            format!("{tables} tables in {} after {seconds:.1} s", self.connection),
            Value::map([
                ("tables", Value::Int(tables)),
                ("sha256", text(exit.fed.as_ref().map_or("", |fed| &fed.sha256))),
                ("checked_against", text(self.backup.expected.checked_against())),
                ("dumped_at", text(self.backup.expected.dumped_at())),
                ("format", text(self.dump.format.name())),
                ("bytes", Value::Int(i64::try_from(self.dump.bytes).unwrap_or(i64::MAX))),
                ("seconds", Value::Float(seconds)),
            ]),
        )
    }

    /// What a load that did not come to its end has left behind: looked up, not guessed.
    async fn failed(&self, cx: &Context, exit: &Exit) -> Finish {
        let why = self.why(exit);
        let left = match open(&self.connection, cx).await {
            Ok(session) => left(&session, &application_name(cx)).await.map_err(|e| e.to_string()),
            Err(message) => Err(message),
        };
        match left {
            Ok(0) => Finish::failed(format!(
                "{why}; {} is empty, as it was: mend the cause and try again",
                self.connection
            )),
            // A transaction leaves all or nothing, and the answer to its commit may be lost.
            Ok(objects) if self.in_one_transaction() => Finish::unknown(format!(
                "{why}; {objects} objects are in {}: it was loaded after all, or somebody else made them; \
                 look at them",
                self.connection
            )),
            Ok(objects) => Finish::failed(format!(
                "{why}; {objects} objects are left in {}: drop and create the database before \
                 another try",
                self.connection
            )),
            Err(message) => Finish {
                outcome: if self.in_one_transaction() && exit.stopped.is_none() {
                    Outcome::Failed
                } else {
                    Outcome::Unknown
                },
                ..Finish::unknown(format!(
                    "{why}; what is left in the database cannot be looked up: {message}"
                ))
            },
        }
    }

    fn why(&self, exit: &Exit) -> String {
        match (&exit.stopped, &exit.ended) {
            (Some(Stopped::Cancelled | Stopped::ConsoleGone), _) => "the load was cancelled".into(),
            (Some(Stopped::TimedOut), _) => "the load took longer than the step's timeout".into(),
            (Some(Stopped::BadInput(message)), _) => {
                format!("{} cannot be loaded: {message}", self.backup)
            }
            (None, Ended::NotStarted(why)) => why.clone(),
            (None, Ended::Signal(signal)) => format!("the loader was killed by signal {signal}"),
            (None, Ended::Code(code)) => {
                // The loader's own word comes last, and begins so.
                let mut lines = exit.stderr.lines();
                match lines.find_map(|line| line.strip_prefix("error: ")) {
                    Some(said) => said.to_owned(),
                    None => format!("the loader ended with exit code {code}"),
                }
            }
        }
    }
}

async fn open(connection: &Connection, cx: &Context) -> Result<Session, String> {
    // Not the attempt's own name: that one belongs to the load's sessions.
    let name = format!("steadyhand look {}", cx.attempt.number);
    connection.open(&name).await.map_err(|trouble| trouble.message)
}

/// Tables, views, sequences and functions that a dump would bring; what an extension owns is none.
const OBJECTS: &str = "\
    SELECT format('the %s %s', kind, name) FROM ( \
      SELECT 1 AS rank, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' \
               WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' \
               ELSE 'foreign table' END AS kind, \
             c.oid::regclass::text AS name, c.oid, 'pg_class'::regclass AS class, \
             c.relnamespace AS namespace \
        FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
      UNION ALL \
      SELECT 2, 'function', p.oid::regproc::text, p.oid, 'pg_proc'::regclass, p.pronamespace \
        FROM pg_proc p \
    ) o JOIN pg_namespace n ON n.oid = o.namespace \
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') \
      AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%' \
      AND NOT EXISTS (SELECT 1 FROM pg_depend d \
                      WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e') \
    ORDER BY rank, name";

async fn objects(session: &Session) -> Result<Vec<String>, Error> {
    session.client.query(OBJECTS, &[]).await?.iter().map(|row| row.try_get(0)).collect()
}

async fn tables(session: &Session) -> Result<i64, Error> {
    let all = objects(session).await?;
    Ok(all.iter().filter(|name| name.starts_with("the table ")).count() as i64)
}

/// How many objects there are once no session of the load is left; those still at work are ended.
async fn left(session: &Session, name: &str) -> Result<usize, Error> {
    let deadline = Instant::now() + STOP;
    loop {
        let at_work = session
            .client
            .query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                &[&name],
            )
            .await?;
        if at_work.is_empty() || Instant::now() > deadline {
            return Ok(objects(session).await?.len());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| is_file(&dir.join(program))))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}
