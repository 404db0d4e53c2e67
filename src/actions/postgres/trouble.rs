//! What went wrong between us and a server, as one line with the place and the remedy.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::connection::{Connection, SslMode};

/// A failure of the server or of the way to it.
#[derive(Debug, PartialEq)]
pub(super) struct Trouble {
    /// What kind.
    pub nature: Nature,
    /// One line: what, where, what to do.
    pub message: String,
}

/// What a failure lets one conclude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// Nothing answers yet, or it says that it is not ready: may be different in a moment.
    NotYet,
    /// The server, or this machine, refused: trying again changes nothing.
    Refused,
    /// The line broke after something was sent: whether it was done is not known.
    Lost,
}

/// Why no session could be opened.
pub(super) fn connecting(connection: &Connection, error: &Error) -> Trouble {
    if let Some(db) = error.as_db_error() {
        return logging_in(connection, db);
    }
    let refused = |message: String| Trouble { nature: Nature::Refused, message };
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let tls =
        io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(tls) = tls {
        let remedy = match connection.sslmode {
            SslMode::VerifyFull => {
                "check that `connection.host` is a name in the server's certificate and that \
                 `connection.ca` holds its authority"
            }
            SslMode::Disable | SslMode::Prefer | SslMode::Require => {
                "check the server's TLS settings"
            }
        };
        return refused(format!("TLS with {connection} failed: {tls}; {remedy}"));
    }
    let Some(io) = io else {
        return other(connection, error);
    };
    let (what, remedy) = match io.kind() {
        io::ErrorKind::ConnectionRefused => (
            "connection refused: nothing listens there".to_owned(),
            "check host and port, and that the server runs",
        ),
        io::ErrorKind::NotFound => (
            "there is no socket of that port in the directory".to_owned(),
            "check host and port, and that the server runs",
        ),
        _ => (io.to_string(), "check the host's name, the network and the firewall"),
    };
    Trouble {
        nature: Nature::NotYet,
        message: format!("cannot reach {connection}: {what}; {remedy}"),
    }
}

/// Neither the server nor the operating system said why: a time limit, a missing password, no TLS.
fn other(connection: &Connection, error: &Error) -> Trouble {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    if cause.contains("password") {
        return Trouble {
            nature: Nature::Refused,
            message: format!(
                "{connection} asks for a password and there is none: give `connection.password`"
            ),
        };
    }
    if cause.contains("TLS") {
        return Trouble {
            nature: Nature::Refused,
            message: format!(
                "{connection} does not speak TLS and `sslmode: {}` insists on it: switch `ssl` on in \
                 the server, or write `sslmode: prefer`",
                connection.sslmode.name()
            ),
        };
    }
    let detail = if cause.is_empty() { error.to_string() } else { format!("{error}: {cause}") };
    Trouble {
        nature: Nature::NotYet,
        message: format!(
            "cannot reach {connection}: {detail}; check the host, the network and the firewall"
        ),
    }
}

fn logging_in(connection: &Connection, db: &DbError) -> Trouble {
    let said = db.message();
    let (user, database) = (&connection.user, &connection.database);
    let refused = |message: String| Trouble { nature: Nature::Refused, message };
    let not_yet = |message: String| Trouble { nature: Nature::NotYet, message };
    match *db.code() {
        SqlState::INVALID_PASSWORD => refused(format!(
            "{connection} refused the password of `{user}`: check the secret given as \
             `connection.password`, and the role's name"
        )),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => refused(format!(
            "{connection} refused the login ({said}): check `connection.user`, `sslmode` and the \
             server's pg_hba.conf"
        )),
        SqlState::INVALID_CATALOG_NAME => refused(format!(
            "{connection}: there is no database `{database}`: check `connection.database`, or create it"
        )),
        SqlState::INSUFFICIENT_PRIVILEGE => refused(format!(
            "{connection}: `{user}` may not connect ({said}): GRANT CONNECT, or use another role"
        )),
        SqlState::CANNOT_CONNECT_NOW => not_yet(format!(
            "{connection} is not ready: {said}; wait for it with postgres.wait_ready, or read the \
             server's log"
        )),
        SqlState::TOO_MANY_CONNECTIONS => not_yet(format!(
            "{connection} has no connection left ({said}): end idle sessions, or wait"
        )),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            not_yet(format!("{connection} is shutting down ({said}): start it again"))
        }
        _ => refused(format!("{connection} refused the session: {}", told(db))),
    }
}

/// Why a statement failed on an open session.
pub(super) fn running(connection: &Connection, error: &Error) -> Trouble {
    let lost = |why: String| Trouble {
        nature: Nature::Lost,
        message: format!(
            "the connection to {connection} broke before the answer came ({why}); whether the \
             statement took effect is not known: look in the database"
        ),
    };
    let Some(db) = error.as_db_error() else {
        let cause = error.source().map(ToString::to_string);
        return lost(cause.unwrap_or_else(|| error.to_string()));
    };
    match *db.code() {
        // The server ends the session; it may do so after a commit and before the answer.
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => lost(db.message().to_owned()),
        SqlState::INSUFFICIENT_PRIVILEGE => refused(format!(
            "{connection}: `{}` is not allowed to do this ({}): use another role, or GRANT it",
            connection.user,
            db.message()
        )),
        SqlState::READ_ONLY_SQL_TRANSACTION => refused(format!(
            "{connection}: {}: the step says `effect: reads`, or the server is a standby",
            db.message()
        )),
        _ => refused(format!("{connection}: {}", told(db))),
    }
}

fn refused(message: String) -> Trouble {
    Trouble { nature: Nature::Refused, message }
}

/// The server's own words on one line.
fn told(db: &DbError) -> String {
    let mut told = format!("{} (SQLSTATE {})", db.message(), db.code().code());
    if let Some(ErrorPosition::Original(at)) = db.position() {
        told.push_str(&format!(" at character {at} of `sql`"));
    }
    for more in [db.detail(), db.hint()].into_iter().flatten() {
        told.push_str("; ");
        told.push_str(more);
    }
    told.replace('\n', " ")
}
