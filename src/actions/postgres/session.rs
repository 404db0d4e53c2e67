//! An open session, and how to stop what it runs.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Config, Error, config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::{Connection, SslMode};
use super::tls;
use super::trouble::{self, Nature, Trouble};

/// Longest wait for an answer to a connection attempt.
const CONNECT: Duration = Duration::from_secs(10);

/// A session; what it runs goes on in the server when it is dropped: cancel first.
pub(super) struct Session {
    /// For statements.
    pub client: Client,
    /// What the server says besides results; ends with the session.
    pub notices: mpsc::UnboundedReceiver<String>,
    tls: MakeRustlsConnect,
}

impl Connection {
    /// Logs in.
    pub(super) async fn open(&self, application_name: &str) -> Result<Session, Trouble> {
        let refused = |message| Trouble { nature: Nature::Refused, message };
        let this = self.clone();
        // `verify-full` reads the machine's certificates: files.
        let tls = tokio::task::spawn_blocking(move || tls::connector(&this))
            .await
            .map_err(|e| refused(format!("TLS cannot be set up: {e}")))?
            .map_err(refused)?;
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&self.user)
            .dbname(&self.database)
            .application_name(application_name)
            .connect_timeout(CONNECT)
            // A dead peer is noticed within a minute, however long a statement may take.
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3)
            .ssl_mode(match self.sslmode {
                SslMode::Disable => config::SslMode::Disable,
                SslMode::Prefer => config::SslMode::Prefer,
                SslMode::Require | SslMode::VerifyFull => config::SslMode::Require,
            });
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        let login = async { config.connect(tls.clone()).await };
        // The library's own limit covers the TCP connection alone.
        let (client, mut connection) = match tokio::time::timeout(2 * CONNECT, login).await {
            Ok(opened) => opened.map_err(|error| trouble::connecting(self, &error))?,
            Err(_) => {
                return Err(Trouble {
                    nature: Nature::NotYet,
                    message: format!(
                        "{self} took the connection and does not answer: is it PostgreSQL that \
                         listens there, and is it overloaded?"
                    ),
                });
            }
        };
        let (notice, notices) = mpsc::unbounded_channel();
        tokio::spawn(poll_fn(move |cx| {
            loop {
                match connection.poll_message(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Some(Ok(AsyncMessage::Notice(said)))) => {
                        // Nobody may be listening; the session goes on.
                        drop(notice.send(format!("{}: {}", said.severity(), said.message())));
                    }
                    Poll::Ready(Some(Ok(_))) => {}
                    // The statement under way learns of it by itself.
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                }
            }
        }));
        Ok(Session { client, notices, tls })
    }
}

impl Session {
    /// Asks the server to stop what this session runs; the statement then ends with an error.
    pub async fn cancel(&self) -> Result<(), Error> {
        self.client.cancel_token().cancel_query(self.tls.clone()).await
    }

    /// The first column of the first row as text.
    pub async fn text(&self, sql: &str) -> Result<String, Error> {
        self.client.query_one(sql, &[]).await?.try_get(0)
    }
}
