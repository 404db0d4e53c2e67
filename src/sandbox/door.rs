//! The door of a sandbox that lives in a process of its own: the console knocks for as long as it is there, and
//! says when it is through. A sandbox where nobody knocks any more waits some minutes for a console that
//! resumes the run, and ends. Both sides of the door are here.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The path of the door at the sandbox's endpoint: GET knocks, DELETE ends the sandbox.
const DOOR: &str = "/practice";

/// How long a sandbox waits for the next knock.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// No answer takes longer: it is the same machine.
const ANSWER: Duration = Duration::from_secs(5);

/// Tells the sandbox at `endpoint` that a console is there.
///
/// # Errors
/// There is no sandbox there, or none any more.
pub async fn knock(endpoint: &str) -> io::Result<()> {
    ask(endpoint, "GET").await
}

/// Tells the sandbox at `endpoint` that it is not needed any more.
///
/// # Errors
/// There is no sandbox there, or none any more.
pub async fn dismiss(endpoint: &str) -> io::Result<()> {
    ask(endpoint, "DELETE").await
}

async fn ask(endpoint: &str, method: &str) -> io::Result<()> {
    let host = endpoint.strip_prefix("http://").unwrap_or(endpoint);
    let asked = async {
        let mut stream = TcpStream::connect(host).await?;
        let request =
            format!("{method} {DOOR} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.take(1024).read_to_string(&mut answer).await?;
        match answer.starts_with("HTTP/1.1 204") {
            true => Ok(()),
            false => Err(io::Error::other("something else answers there")),
        }
    };
    tokio::time::timeout(ANSWER, asked).await?
}

#[derive(Clone)]
pub(super) struct Door(Arc<Inside>);

struct Inside {
    knocked: Mutex<Instant>,
    through: Notify,
}

impl Door {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inside { knocked: Mutex::new(Instant::now()), through: Notify::new() }))
    }

    pub(super) fn router(&self) -> Router {
        let knock = |State(door): State<Self>| async move {
            *door.0.knocked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            StatusCode::NO_CONTENT
        };
        let end = |State(door): State<Self>| async move {
            door.0.through.notify_one();
            StatusCode::NO_CONTENT
        };
        Router::new().route(DOOR, get(knock).delete(end)).with_state(self.clone())
    }

    /// Waits until the console is through, or nobody has knocked for `patience`.
    pub(super) async fn closed(&self, patience: Duration) {
        loop {
            let knocked = *self.0.knocked.lock().unwrap_or_else(PoisonError::into_inner);
            let until = knocked + patience;
            if until <= Instant::now() {
                return;
            }
            tokio::select! {
                () = self.0.through.notified() => return,
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sandbox_waits_for_the_next_knock_and_no_longer() {
        let door = Door::new();
        let begun = Instant::now();
        let knocking = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            *door.0.knocked.lock().unwrap() = Instant::now();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = door.closed(Duration::from_millis(200)) => {}
            () = knocking => {}
        }
        assert!(begun.elapsed() >= Duration::from_millis(260));
    }

    #[tokio::test]
    async fn both_sides_understand_each_other() {
        let door = Door::new();
        let port = crate::sandbox::server::Port::take().await.unwrap();
        let endpoint = port.endpoint();
        let _server = port.serve(door.router());
        knock(&endpoint).await.unwrap();
        dismiss(&endpoint).await.unwrap();
        door.closed(PATIENCE).await;
    }

    #[tokio::test]
    async fn where_no_sandbox_is_nobody_answers() {
        let port = crate::sandbox::server::Port::take().await.unwrap();
        let endpoint = port.endpoint();
        drop(port);
        knock(&endpoint).await.unwrap_err();
    }
}
