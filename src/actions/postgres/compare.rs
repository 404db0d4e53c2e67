//! `postgres.compare`: whether two databases hold the same, or one holds what was counted before.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join};
use regex::Regex;
use serde::Deserialize;
use tokio_postgres::Error;

use super::connection::Connection;
use super::session::Session;
use super::{application_name, trouble};
use crate::actions::{Action, Context, Finish, Progress};
use crate::aws::s3::{S3, split};
use crate::runbook::{Request, Value};

/// `postgres.compare`.
pub struct Compare;

impl Action for Compare {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            match compare(&cx, &request).await {
                Ok(finish) => finish,
                Err(why) => Finish::failed(cx.redactor.clean(why)),
            }
        }
        .boxed()
    }
}

/// What a table holds; the sum is of what its rows say, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    rows: i64,
    sum: Option<String>,
}

/// By name, such as `public.orders`.
type Tables = BTreeMap<String, Held>;

/// How to look at tables.
struct How {
    pattern: Option<Regex>,
    sums: bool,
}

async fn compare(cx: &Context, request: &Request) -> Result<Finish, String> {
    let pattern = request.text("tables").filter(|text| !text.is_empty());
    let pattern = pattern
        .map(|text| Regex::new(text).map_err(|e| format!("`tables` is no regular expression: {e}")))
        .transpose()?;
    let how = How { pattern, sums: request.text("by") == Some("checksums") };
    let secrets = cx.secrets.as_ref();
    let target = Connection::of_key(request, "target", secrets)?;
    let counts = request.text("counts").filter(|text| !text.is_empty());
    if counts.is_some() && how.sums {
        return Err("`counts` has no checksums: leave `by` out, or give `source`".into());
    }
    let (mut source, mut target) = match counts {
        Some(place) => {
            let source = counted(cx, place).await?;
            let target = look(cx, &target, &how).await?;
            (source, target)
        }
        None => {
            let source = Connection::of_key(request, "source", secrets)?;
            try_join(look(cx, &source, &how), look(cx, &target, &how)).await?
        }
    };
    let fits = |name: &String| how.pattern.as_ref().is_none_or(|it| it.is_match(name));
    source.retain(|name, _| fits(name));
    if counts.is_some() {
        // What was not counted is not compared.
        target.retain(|name, _| source.contains_key(name));
    }
    if source.is_empty() && target.is_empty() {
        return Err(
            "there is no table to compare: check `tables`, and that it is the right database"
                .into(),
        );
    }
    Ok(told(cx, &source, &target))
}

fn told(cx: &Context, source: &Tables, target: &Tables) -> Finish {
    let only = |these: &Tables, those: &Tables| -> Vec<String> {
        these.keys().filter(|name| !those.contains_key(*name)).cloned().collect()
    };
    let (missing, extra) = (only(source, target), only(target, source));
    let different: Vec<_> = source
        .iter()
        .filter_map(|(name, here)| Some((name, here, target.get(name)?)))
        .filter(|(_, here, there)| here != there)
        .collect();
    let rows = |tables: &Tables| tables.values().map(|held| held.rows).sum::<i64>();
    let equal = missing.is_empty() && extra.is_empty() && different.is_empty();
    let mut said = Vec::new();
    for (name, here, there) in &different {
        said.push(if here.rows == there.rows {
            format!("{name} has as many rows and others")
        } else {
            format!("{name} has {} rows and not {}", there.rows, here.rows)
        });
    }
    said.extend(missing.iter().map(|name| format!("{name} is missing")));
    said.extend(extra.iter().map(|name| format!("{name} is there besides")));
    let message = if equal {
        format!("the same: {} tables, {} rows", source.len(), rows(source))
    } else {
        const SHOWN: usize = 5;
        let more = said.len().saturating_sub(SHOWN);
        said.truncate(SHOWN);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("not the same: {}{more}", said.join(", "))
    };
    let text = |it: &str| Value::String(cx.redactor.clean(it));
    let list = |names: &[String]| Value::List(names.iter().map(|name| text(name)).collect());
    let different = different.iter().map(|(name, here, there)| {
        Value::map([
            ("table", text(name)),
            ("source_rows", Value::Int(here.rows)),
            ("target_rows", Value::Int(there.rows)),
        ])
    });
    let count = source.keys().filter(|name| target.contains_key(*name)).count();
    let result = Value::map([
        ("equal", Value::Bool(equal)),
        ("tables", Value::Int(i64::try_from(count).unwrap_or(i64::MAX))),
        ("missing", list(&missing)),
        ("extra", list(&extra)),
        ("different", Value::List(different.collect())),
        ("source_rows", Value::Int(rows(source))),
        ("target_rows", Value::Int(rows(target))),
    ]);
    Finish::succeeded(cx.redactor.clean(message), result)
}

/// `{"public.orders": 500}`, or a manifest with that under `rows`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Counted {
    Manifest { rows: BTreeMap<String, i64> },
    Plain(BTreeMap<String, i64>),
}

/// What somebody counted before, from a file or an object of S3.
async fn counted(cx: &Context, place: &str) -> Result<Tables, String> {
    let unusable = |e: String| {
        format!(
            "the counts {place} cannot be used: {e}; they must be JSON such as {{\"public.orders\": 500}}"
        )
    };
    let bytes = if place.starts_with("s3://") {
        let (bucket, key) = split(place)?;
        let s3 = S3::connect(&cx.aws).await;
        s3.small(bucket, key).await.map_err(|failure| unusable(failure.message))?
    } else {
        tokio::fs::read(place).await.map_err(|e| unusable(e.to_string()))?
    };
    let (Counted::Manifest { rows } | Counted::Plain(rows)) =
        serde_json::from_slice(&bytes).map_err(|e| unusable(e.to_string()))?;
    Ok(rows.into_iter().map(|(name, rows)| (name, Held { rows, sum: None })).collect())
}

/// A partitioned table counts for its partitions; what an extension owns is not compared.
const TABLES: &str = "\
    SELECT n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition \
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
      AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%' \
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                      AND d.objid = c.oid AND d.deptype = 'e') \
    ORDER BY 1";

/// One snapshot, in which a row reads the same wherever it is.
const BEGIN: &str = "\
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; \
    SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3";

async fn look(cx: &Context, connection: &Connection, how: &How) -> Result<Tables, String> {
    let cancelled = || "cancelled: nothing was changed by it".to_owned();
    let name = application_name(cx);
    let session = tokio::select! {
        session = connection.open(&name) => session.map_err(|e| e.message)?,
        () = cx.cancel.cancelled() => return Err(cancelled()),
    };
    tokio::select! {
        tables = held(cx, connection, &session, how) => {
            tables.map_err(|e| trouble::running(connection, &e).message)
        }
        () = cx.cancel.cancelled() => {
            // It only reads: what the server makes of it does not matter.
            drop(session.cancel().await);
            Err(cancelled())
        }
    }
}

async fn held(
    cx: &Context,
    connection: &Connection,
    session: &Session,
    how: &How,
) -> Result<Tables, Error> {
    let client = &session.client;
    client.batch_execute(BEGIN).await?;
    let mut tables = Tables::new();
    let found = client.query(TABLES, &[]).await?;
    for (at, row) in found.iter().enumerate() {
        let (name, quoted): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if how.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&name)) {
            continue;
        }
        let message = cx.redactor.clean(format!("{connection}: {name}"));
        let fraction = Some(at as f64 / found.len() as f64);
        // A full channel is no reason to wait.
        drop(cx.progress.try_send(Progress::Status { message, fraction }));
        let sum = if how.sums {
            "coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text"
        } else {
            "NULL::text"
        };
        let row = client.query_one(&format!("SELECT count(*), {sum} FROM {quoted} t"), &[]).await?;
        tables.insert(name, Held { rows: row.try_get(0)?, sum: row.try_get(1)? });
    }
    // Its locks are gone before anybody does anything with the result.
    client.batch_execute("COMMIT").await?;
    Ok(tables)
}
