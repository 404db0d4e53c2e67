//! What the sessions of a load are set to: safe for a restore, and shown before it begins.

use crate::actions::postgres::session::Session;
use crate::actions::postgres::{Connection, trouble};
use crate::runbook::{Request, Resolved, Value};

/// The key under which a request carries them.
const KEY: &str = "session_settings";
/// A load may use this much of any server that restores something; a larger one says so by its
/// `shared_buffers`.
const LEAST: i64 = 256 << 20;
/// PostgreSQL 16 and older use no more for one index.
const MOST: i64 = 1 << 30;

/// Adds them to a request that has none.
///
/// # Errors
/// The server cannot be asked.
pub(in crate::actions::postgres) async fn add(
    request: &mut Request,
    connection: &Connection,
    session: &Session,
) -> Result<(), String> {
    if request.arg(KEY).is_some() {
        return Ok(());
    }
    let jobs = request.int("jobs").unwrap_or(1).clamp(1, 64);
    let asked = session
        .client
        .query_one(
            "SELECT (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'), \
             (SELECT setting::bigint * 1024 FROM pg_settings WHERE name = 'maintenance_work_mem')",
            &[],
        )
        .await
        .and_then(|row| Ok((row.try_get::<_, i64>(0)?, row.try_get::<_, i64>(1)?)))
        .map_err(|error| trouble::running(connection, &error).message)?;
    let (buffers, present) = asked;
    let memory = (buffers.max(LEAST) / jobs).min(MOST).max(present);
    let text = |text: &str| Resolved::Value(Value::String(text.into()));
    let mut settings = vec![
        ("maintenance_work_mem".to_owned(), text(&format!("{}kB", memory / 1024))),
        ("jit".to_owned(), text("off")),
    ];
    if jobs > 1 {
        // One transaction has one commit, which waits for the disk. Many have a last one that does.
        settings.push(("synchronous_commit".to_owned(), text("off")));
        // Foreign keys are then checked by their indexes, which have just been written.
        settings.push(("random_page_cost".to_owned(), text("1.1")));
    }
    request.args.push((KEY.to_owned(), Resolved::Map(settings)));
    Ok(())
}

/// Those of a request, as `name=value`.
pub(in crate::actions::postgres) fn of(request: &Request) -> Vec<String> {
    match request.arg(KEY) {
        Some(Resolved::Map(settings)) => {
            settings.iter().map(|(name, value)| format!("{name}={}", value.shown())).collect()
        }
        _ => Vec::new(),
    }
}
