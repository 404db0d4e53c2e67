//! Records that are appended when no console has the run: by an approver in retrospect, by a reviewer.

use std::path::Path;
use std::sync::Arc;

use crate::catalogue;
use crate::driver::Clock;
use crate::engine::{Event, Input, State};
use crate::journal::{Checkpoint, Journal, TornTail};
use crate::signing::Signer;

/// A run that this process holds, and its state.
pub(super) struct Aside {
    journal: Journal,
    clock: Clock,
    by: String,
    /// As its records have it.
    pub state: State,
}

impl Aside {
    /// Takes hold of a run.
    ///
    /// # Errors
    /// One line: another process has it, or its record is not as it was written.
    pub fn open(dir: &Path, by: &str) -> Result<Self, String> {
        let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
        let runbook = Arc::new(catalogue::pinned(dir)?);
        let opened = Journal::open(dir).map_err(|e| e.to_string())?;
        let state = State::new(runbook).apply_all(&opened.records);
        let (journal, by) = (opened.journal, by.to_owned());
        let mut aside = Self { journal, clock, by, state };
        for event in opened.torn.iter().map(TornTail::event) {
            aside.append(event)?;
        }
        Ok(aside)
    }

    /// The run's id.
    pub fn run(&self) -> String {
        self.state.run().map(|run| run.run.clone()).unwrap_or_default()
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.journal.len()
    }

    /// Decides an input and puts down what it is.
    ///
    /// # Errors
    /// One line: why it may not be, or why it could not be written.
    pub fn take(&mut self, input: Input) -> Result<Event, String> {
        let event =
            self.state.decide(input, &self.clock.now()).map_err(|refusal| refusal.to_string())?;
        self.append(event.clone())?;
        Ok(event)
    }

    /// Whether this would be taken, and as what.
    ///
    /// # Errors
    /// One line: why not.
    pub fn would_take(&self, input: Input) -> Result<Event, String> {
        self.state.decide(input, &self.clock.now()).map_err(|refusal| refusal.to_string())
    }

    fn append(&mut self, event: Event) -> Result<(), String> {
        let appended = self.journal.append(self.clock.now(), &self.by, event);
        self.state.absorb(&appended.map_err(|e| e.to_string())?);
        Ok(())
    }

    /// Signs what is now the end. No record tells of that signature: it could not vouch for it.
    ///
    /// # Errors
    /// One line: why not, and what to do.
    pub async fn sign_end(&self, dir: &Path, signer: &Signer) -> Result<(), String> {
        let head = self.journal.head().to_owned();
        let end = Checkpoint { run: self.run(), seq: self.journal.len(), head };
        signer.checkpoint(dir, &end).await.map(|_| ())
    }
}
