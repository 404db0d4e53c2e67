//! A stand-in for one Vault node with integrated storage: sealed and unsealed by key shares, snapshots that only
//! the keys of their own cluster open, secrets with versions. After Vault's public documentation: where a real
//! `vault` or `bao` is on the PATH, the tests hold it to that.

mod api;
mod core;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;

use self::core::Core;
pub use self::core::Keys;
use super::SandboxOptions;
use super::server::{Port, Server};

/// A running node; it ends when this is dropped.
pub struct Vault {
    endpoint: String,
    shared: Shared,
    _server: Server,
}

/// What every request sees.
#[derive(Clone)]
struct Shared {
    core: Arc<Mutex<Core>>,
}

impl Shared {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a cluster that is made now, and what its keys follow from: no two are the same.
fn fresh() -> (String, String) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos = Utc::now().timestamp_nanos_opt().unwrap_or_default();
    let seed = format!("{nanos} {} {number}", std::process::id());
    (format!("vault-cluster-{:08x}", nanos ^ number.cast_signed()), seed)
}

/// The snapshot of a cluster that is not there any more, with one secret that was written `versions` times.
#[must_use]
pub fn lost(name: &str, keys: &Keys, (mount, path): (&str, &str), versions: u64) -> Vec<u8> {
    let mut core = Core::new(Duration::ZERO);
    let made = core.unsealed(name, keys).and_then(|()| {
        core.mount(&keys.token, mount)?;
        for version in 1..=versions {
            let data = serde_json::json!({ "password": format!("practice-{version}") });
            core.write(&keys.token, mount, path, data)?;
        }
        core.snapshot(&keys.token)
    });
    // Keys that cannot open their own cluster make a snapshot that no Vault takes.
    made.unwrap_or_default()
}

impl Vault {
    /// Starts a node that nobody has initialised, on a free loopback port.
    ///
    /// # Errors
    /// When no loopback port can be listened on.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let port = Port::take().await?;
        let shared = Shared { core: Arc::new(Mutex::new(Core::new(options.state_delay))) };
        let endpoint = port.endpoint();
        let server = port.serve(api::router(shared.clone()));
        Ok(Self { endpoint, shared, _server: server })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes a cluster that these keys open, unsealed.
    pub fn found(&self, name: &str, keys: &Keys) {
        // It is made once: a second time leaves the first as it is.
        let _ = self.shared.core().unsealed(name, keys);
    }
}
