//! What every attempt of a run may use.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::actions::secrets::Secrets;
use crate::actions::{Context, Progress, Terminal};
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
    /// For the children that must outlive this console.
    pub supervisors: Supervisors,
    /// This console's.
    pub terminal: Terminal,
}

impl Desk {
    /// The same with other secrets.
    pub(super) fn holding(&self, secrets: Secrets) -> Self {
        Self { secrets: Arc::new(secrets), ..self.clone() }
    }

    /// The context of one attempt; its progress goes to `progress`, or nowhere.
    pub(super) fn context(
        &self,
        state: &State,
        id: &AttemptId,
        token: String,
        request: &Request,
        wires: Option<(mpsc::Sender<Progress>, CancellationToken)>,
    ) -> Context {
        let (progress, cancel) =
            wires.unwrap_or_else(|| (mpsc::channel(PROGRESS_DEPTH).0, CancellationToken::new()));
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
        }
    }

    /// A channel for an attempt's progress.
    pub(super) fn progress() -> (mpsc::Sender<Progress>, mpsc::Receiver<Progress>) {
        mpsc::channel(PROGRESS_DEPTH)
    }
}
