//! A server of the sandbox on a loopback port of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A port that is taken, and nobody answers yet.
pub(super) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

/// An HTTP server; it ends when this is dropped.
pub(super) struct Server(JoinHandle<()>);

impl Port {
    /// Takes a free loopback port.
    pub(super) async fn take() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Such as `http://127.0.0.1:41000`.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers from here on.
    pub(super) fn serve(self, router: Router) -> Server {
        Server(tokio::spawn(async move {
            if let Err(error) = axum::serve(self.listener, router).await {
                tracing::error!(%error, "a stand-in stopped");
            }
        }))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}
