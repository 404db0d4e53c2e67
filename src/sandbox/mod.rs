//! The embedded practice environment: a loopback stand-in for the part of Amazon RDS that a restore
//! needs, and for the application in front of the database. It speaks the same protocol (form in, XML
//! out), refuses what AWS refuses with the same codes, and its states take seconds.
//!
//! It begins damaged: the cluster [`CLUSTER`] is there, its table is empty, and a good moment lies
//! inside the restorable window. Nothing in here is real, and nothing outside is touched.

mod app;
mod fault;
mod query;
mod rds;
mod world;
mod xml;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use chrono::{DateTime, SecondsFormat, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use fault::Fault;
use fault::Faults;
use world::World;

/// The damaged cluster.
pub const CLUSTER: &str = "loanserve-prod";

/// What the sandbox takes for proof of identity, `(access key, secret key)`. Not a secret.
pub const CREDENTIALS: (&str, &str) = ("STEADYHANDPRACTICE", "practice-only-no-secret");

const ACCOUNT: &str = "000000000042";
const REGION: &str = "practice-1";

/// How the sandbox behaves.
#[derive(Clone, Copy, Debug)]
pub struct SandboxOptions {
    /// How long a cluster or an instance is `creating`, `failing-over` or `deleting`.
    pub state_delay: Duration,
}

impl Default for SandboxOptions {
    /// States take three seconds: long enough to be seen, short enough to be borne.
    fn default() -> Self {
        Self { state_delay: Duration::from_secs(3) }
    }
}

/// A running sandbox; it ends when this is dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

/// What every request sees.
#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    faults: Arc<Mutex<Faults>>,
}

impl Shared {
    /// Runs `f` on the world of this moment.
    fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(Utc::now());
        f(&mut world)
    }

    fn next_fault(&self, action: &str) -> Option<Fault> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).next(action)
    }
}

impl Sandbox {
    /// Starts a sandbox on a free loopback port.
    ///
    /// # Errors
    /// When no loopback port can be listened on.
    pub async fn start(options: SandboxOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            world: Arc::new(Mutex::new(World::damaged(options.state_delay, Utc::now()))),
            faults: Arc::default(),
        };
        let router = Router::new()
            .route("/", post(query::handle))
            .route("/app/health", get(app::health))
            .route("/app/rows", get(app::rows))
            .route("/app/config", get(app::config).put(app::configure))
            .route("/app/writers", get(app::writers).put(app::set_writers))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the sandbox stopped");
            }
        });
        Ok(Self { address, shared, server })
    }

    /// Where it listens, such as `http://127.0.0.1:41000`: the AWS endpoint, and the application below
    /// `/app`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account that `GetCallerIdentity` tells.
    #[must_use]
    pub fn account(&self) -> &'static str {
        ACCOUNT
    }

    /// The region of everything in it.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// When the damage was done: the start of the outage.
    #[must_use]
    pub fn damaged_at(&self) -> DateTime<Utc> {
        self.shared.with(|world| world.damaged_at())
    }

    /// The last good moment, as an operator would give it.
    #[must_use]
    pub fn good_moment(&self) -> DateTime<Utc> {
        self.shared.with(|world| world.good_moment())
    }

    /// Inputs of the runbook `aurora-pitr` that rehearse it here, by name.
    #[must_use]
    pub fn inputs(&self) -> BTreeMap<String, String> {
        let endpoint = self.endpoint();
        let moment = self.good_moment().to_rfc3339_opts(SecondsFormat::Secs, true);
        [
            ("source_cluster", CLUSTER.to_owned()),
            ("restore_to", moment),
            ("operate", "http".to_owned()),
            ("stop_url", format!("{endpoint}/app/writers")),
            ("cutover_url", format!("{endpoint}/app/config")),
            ("rows", "http".to_owned()),
            ("rows_url", format!("{endpoint}/app/rows")),
            ("smoke_url", format!("{endpoint}/app/health")),
            ("drain", "1s".to_owned()),
            ("poll", "1s".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// The next `times` calls of the AWS operation `action` (such as `DescribeDBClusters`) come out as
    /// `fault` says.
    pub fn inject(&self, action: &str, fault: Fault, times: u32) {
        let mut faults = self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.add(action, fault, times);
    }

    /// How often the AWS operation `action` was carried out (not: asked for).
    #[must_use]
    pub fn calls(&self, action: &str) -> usize {
        self.shared.with(|world| world.calls(action))
    }

    /// The identifiers of the clusters that are there, sorted.
    #[must_use]
    pub fn clusters(&self) -> Vec<String> {
        self.shared.with(|world| world.clusters.keys().cloned().collect())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}
