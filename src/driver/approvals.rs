//! Approvals in the hands of the driver: what is asked, and what is brought.

use super::run::Driver;
use crate::engine::event::Pins;
use crate::engine::{Input, Status};

impl Driver {
    /// An `approve` step asks for what it waits for.
    pub(super) fn ask_approval_of(&mut self, step: &str) {
        let asking = self.state.step(step).map(|of| self.state.status(of));
        let Some(Status::AwaitsPerson(attempt)) = asking else { return };
        let digest = attempt.digest.clone();
        self.note(Input::AskApproval {
            step: step.to_owned(),
            digest,
            target: Pins::new(),
            uid: rustix::process::getuid().as_raw(),
            head: self.journal.head().to_owned(),
        });
    }
}
