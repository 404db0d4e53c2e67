//! A stand-in for a RabbitMQ broker, seen through its management API. What it does was first seen on the real
//! thing, and a test holds it to that.

mod api;
mod broker;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use self::broker::Broker;
use super::SandboxOptions;
use super::server::{Port, Server};

/// A running broker; it ends when this is dropped.
pub struct RabbitMq {
    endpoint: String,
    shared: Shared,
    _server: Server,
}

/// What every request sees.
#[derive(Clone)]
struct Shared {
    broker: Arc<Mutex<Broker>>,
}

impl Shared {
    fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RabbitMq {
    /// Starts a fresh broker with one administrator on a free loopback port.
    ///
    /// # Errors
    /// When no loopback port can be listened on.
    pub async fn start(options: SandboxOptions, user: &str, password: &str) -> io::Result<Self> {
        let port = Port::take().await?;
        let broker = Broker::fresh(user, password, options.state_delay);
        let shared = Shared { broker: Arc::new(Mutex::new(broker)) };
        let endpoint = port.endpoint();
        let server = port.serve(api::router(shared.clone()));
        Ok(Self { endpoint, shared, _server: server })
    }

    /// Where the management API listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The definitions file, as the API exports it.
    #[must_use]
    pub fn definitions(&self) -> Value {
        self.shared.broker().definitions()
    }
}
