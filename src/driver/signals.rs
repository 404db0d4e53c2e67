//! Signals that end a console: the run stays resumable and supervised children go on.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGHUP, SIGINT, SIGQUIT and SIGTERM, as far as they can be had.
pub(super) struct Signals {
    hangup: Option<Signal>,
    interrupt: Option<Signal>,
    quit: Option<Signal>,
    terminate: Option<Signal>,
}

impl Signals {
    pub(super) fn new() -> Self {
        Self {
            hangup: signal(SignalKind::hangup()).ok(),
            interrupt: signal(SignalKind::interrupt()).ok(),
            quit: signal(SignalKind::quit()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    /// The name of the next one.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            () = received(&mut self.hangup) => "SIGHUP",
            () = received(&mut self.interrupt) => "SIGINT",
            () = received(&mut self.quit) => "SIGQUIT",
            () = received(&mut self.terminate) => "SIGTERM",
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
