//! `postgres.restore_dump`: a dump file into an empty database.
//!
//! psql and pg_restore do the loading, under the supervisor: they outlive the console, and a resumed
//! one waits for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tokio_postgres::Error;

use super::application_name;
use super::connection::{Connection, SslMode};
use super::dump::{Dump, Format, inspect};
use super::session::Session;
use super::trouble;
use crate::actions::manifest::Expected;
use crate::actions::supervised::{self, End, Job};
use crate::actions::{Action, Context, Finish, Found, Progress};
use crate::engine::Outcome;
use crate::runbook::{Request, Value};
use crate::supervisor::{Ended, Exit, Stdin, Stopped};

/// Between two words on how far the check of a file is.
const WORD: Duration = Duration::from_secs(1);
/// How long the server may take to end the sessions of a load that was stopped.
const STOP: Duration = Duration::from_secs(30);

/// `postgres.restore_dump`.
pub struct RestoreDump;

impl Action for RestoreDump {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            match Load::prepare(&cx, &request).await {
                Ok(load) => {
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
            match Load::look(&cx, &request).await {
                Ok(load) => load.finish(&cx, end).await,
                Err(message) => Finish::unknown(cx.redactor.clean(format!(
                    "the load has ended, and its dump cannot be looked at again: {message}"
                ))),
            }
        }
        .boxed()
    }
}

/// A load whose file is good.
struct Load {
    connection: Connection,
    file: PathBuf,
    expected: Expected,
    dump: Dump,
    jobs: i64,
}

impl Load {
    /// Everything that can be refused is, before the database is touched.
    async fn prepare(cx: &Context, request: &Request) -> Result<Self, String> {
        let load = Self::look(cx, request).await?;
        let program = load.program();
        if !on_path(program) {
            return Err(format!(
                "`{program}` is not installed on this machine: install PostgreSQL's client programs \
                 (Debian: apt-get install postgresql-client)"
            ));
        }
        if load.dump.gzip && load.dump.format == Format::Custom && load.jobs > 1 {
            return Err(format!(
                "{} is gzipped and pg_restore reads it as a stream, which cannot be done with `jobs: {}`: \
                 gunzip it first, or leave `jobs` out",
                load.file.display(),
                load.jobs
            ));
        }
        let checking = async {
            let session = open(&load.connection, cx).await?;
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
        Ok(load)
    }

    /// Reads the request and the whole file.
    async fn look(cx: &Context, request: &Request) -> Result<Self, String> {
        let connection = Connection::of(request, cx.secrets.as_ref())?;
        let file = PathBuf::from(request.text("file").unwrap_or_default());
        let declared = match request.text("format") {
            Some("plain") => Some(Format::Plain),
            Some("custom") => Some(Format::Custom),
            Some(_) | None => None,
        };
        let jobs = request.int("jobs").unwrap_or(1);
        if !(1..=64).contains(&jobs) {
            return Err(format!("`jobs` is {jobs}, not 1 to 64"));
        }
        let expected = Expected::of_file(&file, request.text("sha256"), request.text("manifest"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut reading = tokio::task::spawn_blocking({
            let (stop, progress, file) = (stop.clone(), cx.progress.clone(), file.clone());
            move || {
                let mut last = Instant::now();
                let dump = inspect(&file, declared, &expected, |read, all| {
                    if last.elapsed() >= WORD {
                        last = Instant::now();
                        let fraction = Some(read as f64 / all.max(1) as f64);
                        let message = format!("checking {}", file.display());
                        // A full channel is no reason to wait.
                        drop(progress.try_send(Progress::Status { message, fraction }));
                    }
                    !stop.load(Ordering::Relaxed)
                });
                dump.map(|dump| (expected, dump))
            }
        });
        let read = tokio::select! {
            read = &mut reading => read,
            () = cx.cancel.cancelled() => {
                stop.store(true, Ordering::Relaxed);
                reading.await
            }
        };
        let (expected, dump) =
            read.map_err(|e| format!("the dump could not be checked: {e}"))??;
        Ok(Self { connection, file, expected, dump, jobs })
    }

    fn program(&self) -> &'static str {
        match self.dump.format {
            Format::Plain => "psql",
            Format::Custom => "pg_restore",
        }
    }

    /// Whether a failure leaves nothing behind.
    fn in_one_transaction(&self) -> bool {
        self.jobs == 1 || self.dump.format == Format::Plain
    }

    fn job(&self, cx: &Context, request: &Request) -> Job {
        let argv = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let text = |after: &str| Stdin::File {
            path: self.file.clone(),
            gunzip: self.dump.gzip,
            after: after.to_owned(),
        };
        let database = quoted(&self.connection.database);
        let jobs = self.jobs.to_string();
        let file = self.file.display().to_string();
        let (argv, stdin): (Vec<String>, Stdin) = match self.dump.format {
            // Not `--single-transaction`: psql would commit at the end of its input, wherever that
            // comes. This way the commit is the last line of an input that came whole.
            Format::Plain => (
                argv(&[
                    "psql",
                    "-X",
                    "-q",
                    "-w",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-d",
                    &database,
                    "-c",
                    "BEGIN",
                    "-f",
                    "-",
                ]),
                text("\nCOMMIT;\n"),
            ),
            Format::Custom if self.jobs > 1 => (
                argv(&[
                    "pg_restore",
                    "-w",
                    "--exit-on-error",
                    "--no-owner",
                    "-j",
                    &jobs,
                    "-d",
                    &database,
                    &file,
                ]),
                Stdin::Null,
            ),
            Format::Custom => (
                argv(&["pg_restore", "-w", "--single-transaction", "--no-owner", "-d", &database]),
                text(""),
            ),
        };
        Job {
            argv,
            env: self.env(cx),
            cwd: None,
            stdin,
            secrets: supervised::secrets_of(cx, request),
        }
    }

    /// libpq's variables: the password never stands in an argument.
    fn env(&self, cx: &Context) -> Vec<(String, String)> {
        let connection = &self.connection;
        let mut env = vec![
            ("PGHOST", connection.host.clone()),
            ("PGPORT", connection.port.to_string()),
            ("PGUSER", connection.user.clone()),
            ("PGSSLMODE", connection.sslmode.name().to_owned()),
            ("PGAPPNAME", application_name(cx)),
            ("PGCONNECT_TIMEOUT", "10".to_owned()),
        ];
        if let Some(password) = &connection.password {
            env.push(("PGPASSWORD", password.expose_secret().to_owned()));
        }
        if connection.sslmode == SslMode::VerifyFull {
            // libpq looks in the home directory otherwise, not where this machine keeps them.
            let machine =
                ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
            let machine = machine.iter().map(PathBuf::from).find(|path| path.exists());
            if let Some(ca) = connection.ca.clone().or(machine) {
                env.push(("PGSSLROOTCERT", ca.display().to_string()));
            }
        }
        env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
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
                ("sha256", text(&self.dump.sha256)),
                ("checked_against", text(self.expected.checked_against())),
                ("dumped_at", text(self.expected.dumped_at())),
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
        let program = self.program();
        match (&exit.stopped, &exit.ended) {
            (Some(Stopped::Cancelled), _) => format!("{program} was cancelled"),
            (Some(Stopped::TimedOut), _) => {
                format!("{program} took longer than the step's timeout")
            }
            (Some(Stopped::BadInput(message)), _) => {
                format!("{} cannot be read to its end: {message}", self.file.display())
            }
            (None, Ended::NotStarted(why)) => why.clone(),
            (None, Ended::Signal(signal)) => format!("{program} was killed by signal {signal}"),
            (None, Ended::Code(code)) => {
                // psql goes on to say where it was; the error itself is the first such line.
                let said = exit
                    .stderr
                    .lines()
                    .find(|line| line.contains("error") || line.contains("ERROR"));
                match said.or_else(|| exit.stderr.lines().last()) {
                    Some(line) => line.trim().to_owned(),
                    None => format!("{program} ended with exit code {code}"),
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

/// A database's name as libpq's `-d` takes it, whatever it holds.
fn quoted(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| is_file(&dir.join(program))))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file())
}
