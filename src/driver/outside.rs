//! What leaves the machine while a run goes on: its head, put where the operator cannot change it, and what
//! hooks are told. Neither is ever waited for, and what does not get there is recorded and shown.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::herald::Told;
use super::run::{Driver, Left};
use super::view::Urgency;
use super::workers::Report;
use crate::archive::{self, Place, Vault};
use crate::aws::AwsAccess;
use crate::engine::Input;
use crate::engine::event::Anchored;
use crate::journal::Checkpoint;
use crate::settings::{self, Hook, Retention, Settings};

/// How long the last answers are waited for when the run is over, and when it is only left.
const AT_THE_END: Duration = Duration::from_secs(10);
const WHEN_LEFT: Duration = Duration::from_secs(2);

/// What of the settings leaves the machine. Nothing does in a rehearsal or in practice.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Where the head goes, and for how long.
    pub(super) archive: Option<settings::Archive>,
    /// Who is told.
    pub(super) hooks: Vec<Hook>,
}

impl Outside {
    /// What the settings say; `quiet` in a rehearsal and in practice.
    pub(super) fn of(settings: Option<&Settings>, quiet: bool) -> Self {
        match settings.filter(|_| !quiet) {
            Some(settings) => {
                Self { archive: settings.archive.clone(), hooks: settings.notify.clone() }
            }
            None => Self::default(),
        }
    }

    /// Where the head of a new run is put, when the settings ask for it.
    pub(super) fn anchor(&self) -> Option<String> {
        self.archive.as_ref().filter(|archive| archive.anchor).map(|archive| archive.to.clone())
    }
}

/// Puts a head where the settings say.
pub(super) async fn anchor(
    archive: Option<settings::Archive>,
    head: Checkpoint,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Anchored, String> {
    let settings::Archive { to, retention, aws, .. } = archive.ok_or_else(|| {
        "its settings name no archive any more: nothing was put anywhere".to_owned()
    })?;
    let access = AwsAccess {
        profile: aws.profile,
        region: aws.region,
        endpoint: aws.endpoint,
        practice_credentials: None,
    };
    let vault = Vault::at(&access, Place::parse(&to)?).await;
    archive::anchor(&vault, &head, Retention::from(retention, now)).await
}

impl Driver {
    /// Begins to put what the journal's head is now where it cannot be changed.
    pub(super) fn anchor(&mut self) {
        let head = Checkpoint {
            run: self.desk.run.clone(),
            seq: self.journal.len(),
            head: self.journal.head().to_owned(),
        };
        self.workers.anchor(self.outside.archive.clone(), head, self.clock.now().at);
    }

    pub(super) fn on_anchored(&mut self, head: &Checkpoint, anchored: Result<Anchored, String>) {
        match anchored {
            Ok(anchored) => {
                self.note(Input::Anchored(Box::new(anchored)));
            }
            Err(why) => {
                let reason = self.desk.redactor.clean(&why);
                self.note(Input::NotAnchored { anchor: head.seq, reason: reason.clone() });
                self.tell(Urgency::Warning, format!("not anchored: {reason}"));
            }
        }
    }

    /// Hands over what hooks are to be told: what is on the disk, and nothing else.
    pub(super) fn announce(&mut self) {
        if self.halted.is_none() {
            self.herald.announce(&self.durable);
        }
    }

    pub(super) fn on_told(&mut self, told: Told) {
        let Told { hook, about, occasion, failure } = told;
        if let Some(why) = &failure {
            self.tell(Urgency::Warning, format!("{hook} was not told of the {occasion}: {why}"));
        }
        self.note(Input::Notified { hook, about, occasion, failure });
    }

    /// Waits a little for the answers that are still to come.
    pub(super) async fn last_answers(&mut self, left: &Left) {
        self.announce();
        let patience = match left {
            Left::Finished => AT_THE_END,
            Left::Detached(_) if self.state.finished.is_some() => AT_THE_END,
            Left::Detached(_) | Left::Stopped(_) => WHEN_LEFT,
            Left::Halted(_) => return,
        };
        let deadline = Instant::now() + patience;
        while self.herald.is_busy() || self.workers.is_anchoring() {
            tokio::select! {
                Some(told) = self.herald.next() => self.on_told(told),
                Some(report) = self.workers.next() => {
                    // Whatever else comes now is for a later console to find.
                    if let Report::Anchored(head, anchored) = report {
                        self.on_anchored(&head, anchored);
                    }
                }
                () = sleep_until(deadline) => break,
            }
        }
        for told in self.herald.give_up() {
            self.on_told(told);
        }
    }
}
