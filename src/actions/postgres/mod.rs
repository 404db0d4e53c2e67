//! The `postgres` family: SQL through tokio-postgres, dumps through PostgreSQL's own programs.
//!
//! Every session carries an `application_name` that belongs to one attempt alone, so that a person at
//! the server sees what Steadyhand does there, and a resumed console can look for it.

mod backup;
mod columns;
mod compare;
mod connection;
mod dump;
mod load;
mod login;
mod params;
mod query;
mod restore;
mod session;
mod tls;
mod trouble;
mod wait_ready;

use sha2::{Digest as _, Sha256};

use super::Context;
use crate::ingest::Redactor;
use crate::runbook::Value;

pub use compare::Compare;
pub use connection::Connection;
pub use load::serve as load_dump;
pub use login::{Login, Unusable, login};
pub use query::Query;
pub use restore::RestoreDump;
pub use wait_ready::WaitReady;

/// PostgreSQL cuts an `application_name` here, in bytes.
const NAME_LIMIT: usize = 63;

/// The identity of a cluster, for the target pin `postgres.system_identifier`: set by initdb, kept by
/// base backups and replicas.
///
/// # Errors
/// One line for the operator: what failed, where, and what to do.
pub async fn system_identifier(connection: &Connection) -> Result<String, String> {
    let session =
        connection.open("steadyhand target check").await.map_err(|trouble| trouble.message)?;
    session
        .text("SELECT system_identifier::text FROM pg_control_system()")
        .await
        .map_err(|error| trouble::running(connection, &error).message)
}

/// `steadyhand <run> <step>.<n>`, cut with a digest of the whole where it is too long, so that two
/// attempts never share a name.
fn application_name(cx: &Context) -> String {
    let name = format!("steadyhand {} {}.{}", cx.run, cx.attempt.step, cx.attempt.number);
    if name.len() <= NAME_LIMIT {
        return name;
    }
    let digest = &hex::encode(Sha256::digest(&name))[..12];
    let keep = name.floor_char_boundary(NAME_LIMIT - digest.len() - 1);
    format!("{}~{digest}", &name[..keep])
}

/// What a server sent, fit to be kept and shown.
fn clean(redactor: &Redactor, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.clean(text)),
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| clean(redactor, item)).collect())
        }
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, item)| (redactor.clean(key), clean(redactor, item)))
                .collect(),
        ),
        plain @ (Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Secret(_)) => plain,
    }
}

#[cfg(test)]
mod tests;
