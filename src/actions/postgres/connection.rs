//! The `connection` group of a request.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::runbook::{Request, Resolved, Reveal, Value};

/// Where a database is and as whom to log in.
#[derive(Clone, Debug)]
pub struct Connection {
    /// A name, an address, or the directory of a Unix socket.
    pub host: String,
    /// Usually 5432.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password, when the server asks for one.
    pub password: Option<SecretString>,
    /// The database.
    pub database: String,
    /// How the line is protected.
    pub sslmode: SslMode,
    /// The authorities that [`SslMode::VerifyFull`] trusts instead of this machine's.
    pub ca: Option<PathBuf>,
}

/// libpq's word for how the line is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted when the server can.
    Prefer,
    /// Encrypted, to whoever answers.
    Require,
    /// Encrypted, to a server whose certificate and name are right.
    VerifyFull,
}

impl SslMode {
    /// As the format and libpq write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl Connection {
    /// Reads `connection` of a request of this family.
    ///
    /// # Errors
    /// One line: which key is wrong, and what it may be.
    pub fn of(request: &Request, secrets: &dyn Reveal) -> Result<Self, String> {
        let Some(Resolved::Map(entries)) = request.arg("connection") else {
            return Err(format!("`{}` needs `connection: {{host: …, user: …}}`", request.action));
        };
        let find = |key: &str| entries.iter().find(|(k, _)| k == key).map(|(_, value)| value);
        let text = |key: &str| match find(key) {
            Some(Resolved::Value(value)) => Some(value.to_string()).filter(|text| !text.is_empty()),
            _ => None,
        };
        let required = |key: &str| text(key).ok_or_else(|| format!("`connection.{key}` is empty"));
        let port = match find("port") {
            None => 5432,
            Some(Resolved::Value(Value::Int(port))) if (1..=65535).contains(port) => {
                u16::try_from(*port).unwrap_or(5432)
            }
            Some(other) => {
                return Err(format!("`connection.port` is {}, not 1 to 65535", other.shown()));
            }
        };
        let password = match find("password") {
            None => None,
            Some(password) => Some(password.revealed(secrets).ok_or_else(|| {
                format!(
                    "the secret for `connection.password` ({}) is not to be had",
                    password.shown()
                )
            })?),
        };
        let sslmode = match text("sslmode").as_deref() {
            None | Some("prefer") => SslMode::Prefer,
            Some("disable") => SslMode::Disable,
            Some("require") => SslMode::Require,
            Some("verify-full") => SslMode::VerifyFull,
            Some(other) => {
                return Err(format!(
                    "`connection.sslmode` is `{other}`: write disable, prefer, require or verify-full"
                ));
            }
        };
        Ok(Self {
            host: required("host")?,
            port,
            user: required("user")?,
            password: password.map(SecretString::from),
            database: text("database").unwrap_or_else(|| "postgres".into()),
            sslmode,
            ca: text("ca").map(PathBuf::from),
        })
    }
}

impl fmt::Display for Connection {
    /// `host:port/database`, as every message names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}
