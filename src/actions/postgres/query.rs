//! `postgres.query`: one statement.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio_postgres::Error;

use super::connection::Connection;
use super::load;
use super::params::{Param, params};
use super::session::Session;
use super::trouble::{self, Nature, Trouble};
use super::{application_name, clean, columns};
use crate::actions::{Action, Context, Finish, Found, Progress};
use crate::runbook::{Effect, Request, Resolved, Reveal, Value, names};

/// Rows kept; more are counted.
const ROWS: usize = 200;
/// Bytes kept; the rows after them are counted.
const BYTES: usize = 1 << 20;
/// How long the server may take to stop a statement.
const STOP: Duration = Duration::from_secs(10);
/// Pause between two looks at a statement that a lost console has left.
const LOOK: Duration = Duration::from_secs(2);

/// `postgres.query`.
pub struct Query;

impl Action for Query {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move { run(&cx, &request).await.unwrap_or_else(|finish| finish) }.boxed()
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        async move {
            match look(&cx, &request).await {
                Ok(Some(running)) => Found::Running(running),
                Ok(None) => Found::CannotTell(
                    "its session is gone from the server: the statement either took effect or was \
                     rolled back; look in the database"
                        .into(),
                ),
                Err(why) => Found::CannotTell(why),
            }
        }
        .boxed()
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            loop {
                match look(&cx, &request).await {
                    Ok(Some(running)) => {
                        status(&cx, running);
                        tokio::select! {
                            () = tokio::time::sleep(LOOK) => {}
                            () = cx.cancel.cancelled() => {
                                return Finish::unknown("stopped waiting; the statement may still run");
                            }
                        }
                    }
                    Ok(None) => {
                        return Finish::unknown(
                            "the statement has ended and nobody heard its answer: look in the \
                             database whether it took effect",
                        );
                    }
                    Err(why) => return Finish::unknown(why),
                }
            }
        }
        .boxed()
    }
}

/// What came back.
struct Answer {
    rows: Vec<Value>,
    count: i64,
    affected: i64,
}

async fn run(cx: &Context, request: &Request) -> Result<Finish, Finish> {
    let secrets = cx.secrets.as_ref();
    let connection = Connection::of(request, secrets).map_err(Finish::failed)?;
    let params = params(request, secrets).map_err(Finish::failed)?;
    let refused = |message: String| Finish::failed(cx.redactor.clean(message));
    let mut statements = statements(request, secrets).map_err(refused)?;
    let last = statements.pop().unwrap_or_default();
    if !statements.is_empty() && !params.is_empty() {
        return Err(Finish::failed(
            "`params` cannot be told apart between several statements: use `names` and :'name'",
        ));
    }
    let reads = request.effect == Effect::Reads;
    let failed = |trouble: Trouble| Finish::failed(cx.redactor.clean(trouble.message));

    // Nothing counts before the last statement's end: cancelling and every error are plain failures.
    let prepare = async {
        let session = connection.open(&application_name(cx)).await?;
        let told = |error: Error| trouble::running(&connection, &error);
        if reads {
            session.client.batch_execute("BEGIN READ ONLY").await.map_err(told)?;
        } else if !statements.is_empty() {
            session.client.batch_execute("BEGIN").await.map_err(told)?;
        }
        for statement in &statements {
            session.client.batch_execute(statement).await.map_err(told)?;
        }
        let statement = session.client.prepare(&last).await.map_err(told)?;
        Ok((session, statement))
    };
    let (mut session, statement) = tokio::select! {
        prepared = prepare => prepared.map_err(failed)?,
        () = cx.cancel.cancelled() => return Err(Finish::failed("cancelled before anything was run")),
    };
    if let Some(unreadable) = columns::unreadable(statement.columns()) {
        return Err(Finish::failed(unreadable));
    }
    let (given, wanted) = (params.len(), statement.params().len());
    if given != wanted {
        return Err(Finish::failed(format!(
            "`sql` uses {wanted} parameter(s) and `params` gives {given}"
        )));
    }

    let carried_out = async {
        let answer = carry_out(cx, &mut session, &statement, params).await?;
        if !reads && !statements.is_empty() {
            session.client.batch_execute("COMMIT").await.map_err(Stopped::Told)?;
        }
        Ok(answer)
    };
    let answer = match carried_out.await {
        Ok(answer) => answer,
        Err(Stopped::Told(error)) => {
            let trouble = trouble::running(&connection, &error);
            return Err(if trouble.nature == Nature::Lost && !reads {
                Finish::unknown(cx.redactor.clean(trouble.message))
            } else {
                failed(trouble)
            });
        }
        Err(Stopped::Silent) => {
            let message = format!(
                "{connection} was asked to cancel and has not said that it did; look for the session \
                 `{}` in pg_stat_activity",
                application_name(cx)
            );
            return Err(if reads { Finish::failed(message) } else { Finish::unknown(message) });
        }
    };
    let message = if statement.columns().is_empty() {
        format!("{} row(s) affected", answer.affected)
    } else if let Some(kept) = Some(answer.rows.len()).filter(|kept| *kept as i64 != answer.count) {
        format!("{} rows, the first {kept} of them kept", answer.count)
    } else {
        format!("{} row(s)", answer.count)
    };
    let rows = clean(&cx.redactor, Value::List(answer.rows));
    let row = match &rows {
        Value::List(rows) => rows.first().cloned().unwrap_or(Value::Null),
        _ => Value::Null,
    };
    Ok(Finish::succeeded(
        message,
        Value::map([
            ("rows", rows),
            ("row", row),
            ("count", Value::Int(answer.count)),
            ("affected", Value::Int(answer.affected)),
        ]),
    ))
}

/// The statements of `sql`, with `names` in their places; one at least.
fn statements(request: &Request, secrets: &dyn Reveal) -> Result<Vec<String>, String> {
    let sql = request.text("sql").unwrap_or_default();
    let sql = names::filled(sql, |name| {
        let given = match request.arg("names") {
            Some(Resolved::Map(names)) => names.iter().find(|(key, _)| key == name),
            _ => None,
        };
        given
            .and_then(|(_, value)| value.revealed(secrets))
            .ok_or_else(|| format!("`sql` uses `{name}` and `names` does not give it"))
    })?;
    let statements = load::statements(&sql).map_err(|why| format!("`sql`: {why}"))?;
    if statements.len() < 2 {
        return Ok(vec![sql]);
    }
    if request.effect == Effect::Reads {
        return Err(
            "`sql` has several statements, and one that only reads is alone: split the step".into(),
        );
    }
    // Ours is around all of them.
    let ends = ["begin", "start", "commit", "end", "rollback", "abort", "prepare"];
    let first =
        |sql: &str| sql.split(|c: char| !c.is_ascii_alphabetic()).next().map(str::to_lowercase);
    match statements.iter().find(|sql| first(sql).is_some_and(|word| ends.contains(&&*word))) {
        Some(sql) => {
            Err(format!("`sql`: several statements are one transaction already: take out `{sql}`"))
        }
        None => Ok(statements),
    }
}

/// Why there is no answer.
enum Stopped {
    /// The server, or the line, said so.
    Told(Error),
    /// It was asked to cancel and said nothing.
    Silent,
}

async fn carry_out(
    cx: &Context,
    session: &mut Session,
    statement: &tokio_postgres::Statement,
    params: Vec<Param>,
) -> Result<Answer, Stopped> {
    let client = &session.client;
    let mut answer = pin!(async {
        let mut stream = pin!(client.query_raw(statement, params).await?);
        let mut answer = Answer { rows: Vec::new(), count: 0, affected: 0 };
        let mut bytes = 0;
        while let Some(row) = stream.next().await {
            let row = row?;
            answer.count += 1;
            bytes += row.raw_size_bytes();
            if answer.rows.len() < ROWS && bytes <= BYTES {
                answer.rows.push(columns::row(&row));
            }
        }
        let affected = stream.rows_affected().unwrap_or(0);
        answer.affected = i64::try_from(affected).unwrap_or(i64::MAX);
        Ok::<_, Error>(answer)
    });
    let answered = loop {
        tokio::select! {
            biased;
            Some(notice) = session.notices.recv() => show(cx, &notice),
            answer = &mut answer => break Some(answer),
            () = cx.cancel.cancelled() => break None,
        }
    };
    if let Some(answer) = answered {
        // What the server said just before its answer.
        while let Ok(notice) = session.notices.try_recv() {
            show(cx, &notice);
        }
        return answer.map_err(Stopped::Told);
    }
    let stopping = async {
        // When the request to cancel is lost, the statement's own end is still waited for.
        drop(session.cancel().await);
        answer.await
    };
    match tokio::time::timeout(STOP, stopping).await {
        Ok(answer) => answer.map_err(Stopped::Told),
        Err(_) => Err(Stopped::Silent),
    }
}

/// The session of this attempt in the server, described, when it is still at work.
async fn look(cx: &Context, request: &Request) -> Result<Option<String>, String> {
    let connection = Connection::of(request, cx.secrets.as_ref())?;
    let session =
        connection.open("steadyhand look").await.map_err(|t| cx.redactor.clean(t.message))?;
    let name = application_name(cx);
    let row = session
        .client
        .query_opt(
            "SELECT pid, extract(epoch FROM clock_timestamp() - query_start)::bigint \
             FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle' LIMIT 1",
            &[&name],
        )
        .await
        .map_err(|error| cx.redactor.clean(trouble::running(&connection, &error).message))?;
    Ok(row.map(|row| {
        let (pid, seconds): (i32, i64) =
            (row.try_get(0).unwrap_or_default(), row.try_get(1).unwrap_or_default());
        format!(
            "the statement runs in the server as process {pid}, for {seconds} s; \
             `SELECT pg_cancel_backend({pid})` stops it"
        )
    }))
}

/// Shows what the server says besides results; a full channel is no reason to wait.
fn show(cx: &Context, notice: &str) {
    if !cx.withhold {
        drop(cx.progress.try_send(Progress::Line(cx.redactor.clean(notice))));
    }
}

/// Shown when somebody looks; a full channel is no reason to wait.
fn status(cx: &Context, message: String) {
    drop(cx.progress.try_send(Progress::Status { message, fraction: None }));
}
