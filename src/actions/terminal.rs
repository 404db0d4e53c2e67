//! The console's terminal, for an action that has to have it.

use tokio::sync::{mpsc, oneshot};

/// Whom to ask for the terminal.
#[derive(Clone, Debug)]
pub struct Terminal(mpsc::Sender<Loan>);

/// Somebody wants the terminal: it is his from `lent` until `back` ends.
#[derive(Debug)]
pub struct Loan {
    /// Says that the terminal is free.
    pub lent: oneshot::Sender<()>,
    /// Ends when it is wanted no more.
    pub back: oneshot::Receiver<()>,
}

/// The terminal is ours until this is dropped.
#[derive(Debug)]
pub struct Borrowed(#[expect(dead_code, reason = "its end is the message")] oneshot::Sender<()>);

impl Terminal {
    /// The terminal, and where its holder is asked for it. Who has none drops the second.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Loan>) {
        let (ask, loans) = mpsc::channel(1);
        (Self(ask), loans)
    }

    /// Asks for the terminal and waits for it; `None` when there is none.
    pub async fn borrow(&self) -> Option<Borrowed> {
        let (lent, granted) = oneshot::channel();
        let (borrowed, back) = oneshot::channel();
        self.0.send(Loan { lent, back }).await.ok()?;
        granted.await.ok()?;
        Some(Borrowed(borrowed))
    }
}
