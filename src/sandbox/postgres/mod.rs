//! The PostgreSQL stand-in: databases by name whose tables are counted, not kept. It speaks the wire protocol,
//! understands the statements that the shipped runbook and the loader send, and refuses every other with SQLSTATE
//! 0A000: what it does not know it does not pretend.

mod answer;
mod databases;
mod questions;
mod session;
mod statement;
mod wire;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use questions::questions;
pub use world::{Column, Database, Table};

use super::{Blow, Lesson};
use session::Session;
use world::World;

/// The role that may do everything, and the database that is always there.
const SUPERUSER: &str = "postgres";

/// How a load goes.
#[derive(Clone, Debug)]
pub struct Loading {
    /// How long the rows of a table take.
    pub delay: Duration,
    /// What goes wrong.
    pub lesson: Option<Lesson>,
    /// Falls in the middle of the first rows, with [`Lesson::ConsoleKilled`].
    pub blow: Blow,
}

/// A server on a loopback port; it ends when this is dropped.
pub struct Postgres {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

/// What every session sees.
#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    password: &'static str,
}

impl Shared {
    fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        f(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Postgres {
    /// Starts a server with these databases besides `postgres`; `password` lets everybody in.
    ///
    /// # Errors
    /// When no loopback port can be listened on.
    pub async fn start(
        password: &'static str,
        databases: Vec<(&str, Database)>,
        loading: Loading,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(Mutex::new(World::new(databases, loading)));
        let shared = Shared { world, password };
        let server = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { address, shared, server })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its databases, in order of name.
    #[must_use]
    pub fn databases(&self) -> Vec<String> {
        self.shared.with(|world| world.databases.keys().cloned().collect())
    }

    /// How many rows a table has; `None` when there is no such table.
    #[must_use]
    pub fn rows(&self, database: &str, table: &str) -> Option<u64> {
        self.shared.with(|world| Some(world.databases.get(database)?.tables.get(table)?.rows))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Shared) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let session = Arc::new(Session::new(shared.clone()));
        tokio::spawn(async move {
            let served =
                pgwire::tokio::process_socket(socket, None, wire::Handlers(session.clone()));
            tokio::select! {
                served = served => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a session broke");
                    }
                }
                () = session.ended() => {}
            }
            session.leave();
        });
    }
}
