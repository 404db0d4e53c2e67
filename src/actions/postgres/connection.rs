//! The `connection` group of a request.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

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
    /// By its name.
    fn of(name: &str) -> Option<Self> {
        [Self::Disable, Self::Prefer, Self::Require, Self::VerifyFull]
            .into_iter()
            .find(|mode| mode.name() == name)
    }

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
        Self::of_key(request, "connection", secrets)
    }

    /// Reads the connection that `group` of a request is.
    ///
    /// # Errors
    /// One line: which key is wrong, and what it may be.
    pub(super) fn of_key(
        request: &Request,
        group: &str,
        secrets: &dyn Reveal,
    ) -> Result<Self, String> {
        let Some(Resolved::Map(entries)) = request.arg(group) else {
            return Err(format!("`{}` needs `{group}: {{host: …, user: …}}`", request.action));
        };
        let find = |key: &str| entries.iter().find(|(k, _)| k == key).map(|(_, value)| value);
        let text = |key: &str| match find(key) {
            Some(Resolved::Value(value)) => Some(value.to_string()).filter(|text| !text.is_empty()),
            _ => None,
        };
        let required = |key: &str| text(key).ok_or_else(|| format!("`{group}.{key}` is empty"));
        let port = match find("port") {
            None => 5432,
            Some(Resolved::Value(Value::Int(port))) if (1..=65535).contains(port) => {
                u16::try_from(*port).unwrap_or(5432)
            }
            Some(other) => {
                return Err(format!("`{group}.port` is {}, not 1 to 65535", other.shown()));
            }
        };
        let password = match find("password") {
            None => None,
            Some(password) => Some(password.revealed(secrets).ok_or_else(|| {
                format!("the secret for `{group}.password` ({}) is not to be had", password.shown())
            })?),
        };
        let sslmode = text("sslmode").unwrap_or_else(|| "prefer".into());
        let sslmode = SslMode::of(&sslmode).ok_or_else(|| {
            format!(
                "`{group}.sslmode` is `{sslmode}`: write disable, prefer, require or verify-full"
            )
        })?;
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

impl Connection {
    /// From libpq's variables, as [`Connection::to_env`] writes them for a child.
    ///
    /// # Errors
    /// One line: which variable is missing or wrong.
    pub(super) fn from_env() -> Result<Self, String> {
        let find = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let required = |name: &str| find(name).ok_or_else(|| format!("{name} is not set"));
        let sslmode = find("PGSSLMODE").unwrap_or_else(|| "prefer".into());
        Ok(Self {
            host: required("PGHOST")?,
            port: required("PGPORT")?.parse().map_err(|_| "PGPORT is no port")?,
            user: required("PGUSER")?,
            password: find("PGPASSWORD").map(SecretString::from),
            database: required("PGDATABASE")?,
            sslmode: SslMode::of(&sslmode).ok_or_else(|| format!("PGSSLMODE is `{sslmode}`"))?,
            ca: find("PGSSLROOTCERT").map(PathBuf::from),
        })
    }

    /// libpq's variables: a password never stands in an argument.
    pub(super) fn to_env(&self, application_name: String) -> Vec<(String, String)> {
        let env = [
            ("PGHOST", self.host.clone()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGDATABASE", self.database.clone()),
            ("PGSSLMODE", self.sslmode.name().to_owned()),
            ("PGAPPNAME", application_name),
            // Empty where there is none: the console's own are for other databases.
            (
                "PGPASSWORD",
                self.password
                    .as_ref()
                    .map(ExposeSecret::expose_secret)
                    .unwrap_or_default()
                    .to_owned(),
            ),
            (
                "PGSSLROOTCERT",
                self.ca.as_ref().map(|ca| ca.display().to_string()).unwrap_or_default(),
            ),
        ];
        env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

impl fmt::Display for Connection {
    /// `host:port/database`, as every message names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}
