//! Logging in and looking round, for `steady doctor`.

use super::connection::Connection;
use super::trouble::{self, Nature};

/// What a server tells whoever logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// `PostgreSQL 17.2`.
    pub version: String,
    /// Whether the line is.
    pub encrypted: bool,
    /// `None`: the role may not read it.
    pub system_identifier: Option<String>,
}

/// Why nobody can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// One line: what, where, what to do.
    pub message: String,
    /// Nothing answers yet: it may be different in a moment, and nothing says that the settings are wrong.
    pub may_change: bool,
}

/// Logs in and asks what is asked for here. Changes nothing.
///
/// # Errors
/// The server cannot be reached, or refuses.
pub async fn login(connection: &Connection) -> Result<Login, Unusable> {
    let unusable = |trouble: trouble::Trouble| Unusable {
        may_change: trouble.nature == Nature::NotYet,
        message: trouble.message,
    };
    let session = connection.open("steadyhand doctor").await.map_err(unusable)?;
    let failed = |error| unusable(trouble::running(connection, &error));
    let version = session.text("SHOW server_version").await.map_err(failed)?;
    let encrypted = session
        .text("SELECT coalesce((SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()), 'f')")
        .await
        .map_err(failed)?;
    let system = session.text("SELECT system_identifier::text FROM pg_control_system()").await;
    Ok(Login {
        version: format!("PostgreSQL {version}"),
        encrypted: encrypted.starts_with('t'),
        system_identifier: system.ok(),
    })
}
