//! What every attempt of a run may use.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::rehearsal::Rehearsal;
use crate::actions::rehearsed::Rehearsed;
use crate::actions::secrets::Secrets;
use crate::actions::{self, Action, Context, Progress, Terminal};
use crate::aws::AwsAccess;
use crate::engine::event::Pins;
use crate::engine::{AttemptId, State};
use crate::ingest::Redactor;
use crate::runbook::Request;
use crate::signing::Signer;
use crate::supervisor::Supervisors;

/// How many progress messages may wait: a flood is for the disk, the screen sees the last of it.
const PROGRESS_DEPTH: usize = 1024;

/// What the attempts of one run share.
#[derive(Clone)]
pub struct Desk {
    /// The run's id.
    pub run: String,
    /// The run directory.
    pub dir: PathBuf,
    /// The values of secret inputs.
    pub secrets: Arc<Secrets>,
    /// Knows them all.
    pub redactor: Redactor,
    /// Where and as whom to call AWS.
    pub aws: AwsAccess,
    /// What must be proven of the target before anything changes.
    pub pins: Pins,
    /// Signs checkpoints, when there is a key.
    pub signer: Option<Signer>,
    /// Whose signatures are approvals.
    pub allowed_signers: Option<PathBuf>,
    /// For the children that must outlive this console.
    pub supervisors: Supervisors,
    /// This console's.
    pub terminal: Terminal,
    /// Nothing is executed: what is gone by instead.
    pub rehearsal: Option<Rehearsal>,
}

impl Desk {
    /// The same with other secrets.
    pub(super) fn holding(&self, secrets: Secrets) -> Self {
        Self { secrets: Arc::new(secrets), ..self.clone() }
    }

    /// What does what a request asks for: its action, or what stands in for it in a rehearsal. `None`: a
    /// person does it.
    pub(super) fn action(&self, request: &Request) -> Option<&'static dyn Action> {
        let action = actions::find(request.action)?;
        Some(if self.rehearsal.is_some() { &Rehearsed } else { action })
    }

    /// The context of one attempt; without wires its progress goes nowhere and nothing stops it.
    pub(super) fn context(
        &self,
        state: &State,
        id: &AttemptId,
        token: String,
        request: &Request,
        wires: Option<Wires>,
    ) -> Context {
        let wires = wires.unwrap_or_else(|| Wires::to(mpsc::channel(PROGRESS_DEPTH).0));
        let Wires { progress, cancel, fail } = wires;
        Context {
            supervisors: self.supervisors.clone(),
            terminal: self.terminal.clone(),
            run: self.run.clone(),
            attempt: id.clone(),
            token,
            run_dir: self.dir.clone(),
            withhold: self.secrets.withholds(request),
            secrets: self.secrets.clone(),
            redactor: self.redactor.clone(),
            cancel,
            progress,
            aws: self.aws.clone(),
            timeout: state.step(&id.step).and_then(|s| s.step.timeout?.to_std().ok()),
            rehearsed: self.rehearsal.as_ref().map(|plan| plan.planned(state, id, fail)),
        }
    }

    /// A channel for an attempt's progress.
    pub(super) fn progress() -> (mpsc::Sender<Progress>, mpsc::Receiver<Progress>) {
        mpsc::channel(PROGRESS_DEPTH)
    }
}

/// How an attempt at work is heard and stopped.
#[derive(Clone, Debug)]
pub(super) struct Wires {
    /// What it says.
    pub(super) progress: mpsc::Sender<Progress>,
    /// Somebody wants it to stop.
    pub(super) cancel: CancellationToken,
    /// Somebody lets it fail, in a rehearsal.
    pub(super) fail: CancellationToken,
}

impl Wires {
    /// Its progress goes to `progress`.
    pub(super) fn to(progress: mpsc::Sender<Progress>) -> Self {
        Self { progress, cancel: CancellationToken::new(), fail: CancellationToken::new() }
    }
}
