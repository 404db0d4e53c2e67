//! What is under way: one task for each effect, each ending in one report to the loop.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Wires};
use super::outside;
use super::prepare::{prepare, refused};
use super::view::Prepared;
use crate::actions::{self, Finish, Found, Progress};
use crate::engine::event::{Anchored, AttemptId, Part};
use crate::engine::{Effect, State};
use crate::journal::Checkpoint;
use crate::machine::failpoint::panic_here;
use crate::runbook::Request;
use crate::settings::Archive;
use crate::signing::Signed;

/// Progress messages that make one report at most.
const BATCH: usize = 512;
/// What is said of a task that panicked.
const FAILED: &str = "this program has a defect and gave up on it; the diagnostics file says where";

/// What a task has to say.
pub(super) enum Report {
    /// This may be consented to.
    Prepared(Box<Prepared>),
    /// This was consented to and looked at once more.
    Verified(Box<Prepared>),
    /// An attempt gets on. Many at once: a flood must not cost the loop a turn a line.
    Progress(AttemptId, Vec<Progress>),
    /// An attempt came out.
    Finished(AttemptId, Finish),
    /// What could be seen of an attempt whose end is unknown.
    Found(AttemptId, Found),
    /// A checkpoint was signed, or why not.
    Signed(Checkpoint, Result<Signed, String>),
    /// A head lies where it cannot be changed, or why not.
    Anchored(Checkpoint, Result<Anchored, String>),
}

/// What a task is for: at most one of each is under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Prepare(String, Part),
    Verify(String, Part),
    Attempt(AttemptId),
    Find(AttemptId),
    Sign,
    Anchor,
}

struct Worker {
    task: JoinHandle<()>,
    cancel: CancellationToken,
    fail: CancellationToken,
}

/// The tasks, and the way back from them.
pub(super) struct Workers {
    jobs: BTreeMap<Job, Worker>,
    tx: mpsc::Sender<(Job, Report)>,
    rx: mpsc::Receiver<(Job, Report)>,
}

impl Workers {
    pub(super) fn new() -> Self {
        let (tx, rx) = mpsc::channel(1024);
        Self { jobs: BTreeMap::new(), tx, rx }
    }

    /// The next report. A report of a task that was stopped meanwhile is of no interest.
    pub(super) async fn next(&mut self) -> Option<Report> {
        loop {
            let (job, report) = self.rx.recv().await?;
            if !self.jobs.contains_key(&job) {
                continue;
            }
            if !matches!(report, Report::Progress(..)) {
                self.jobs.remove(&job);
            }
            return Some(report);
        }
    }

    /// Whether this attempt is being run, waited for or looked for.
    pub(super) fn has(&self, id: &AttemptId) -> bool {
        self.jobs.contains_key(&Job::Attempt(id.clone()))
            || self.jobs.contains_key(&Job::Find(id.clone()))
    }

    /// Whether a step is about to be intended.
    pub(super) fn is_verifying(&self, step: &str) -> bool {
        self.jobs.keys().any(|job| matches!(job, Job::Verify(of, _) if of == step))
    }

    /// One line about what the driver does on its own.
    pub(super) fn busy(&self) -> Option<String> {
        self.jobs.keys().find_map(|job| match job {
            Job::Prepare(step, _) => Some(format!("looking at what `{step}` will do")),
            Job::Verify(step, _) => Some(format!("checking the target of `{step}` once more")),
            Job::Find(id) => Some(format!("looking for what became of {}", id.file_stem())),
            Job::Sign => Some("signing a checkpoint".to_owned()),
            // Nobody waits for it.
            Job::Attempt(_) | Job::Anchor => None,
        })
    }

    pub(super) fn prepare(&mut self, desk: &Arc<Desk>, state: &Arc<State>, step: &str, part: Part) {
        let job = Job::Prepare(step.to_owned(), part);
        let work = prepare(desk.clone(), state.clone(), step.to_owned(), part);
        let failed = Report::Prepared(Box::new(refused(step.to_owned(), part, FAILED.into())));
        let work = async move { Report::Prepared(Box::new(work.await)) };
        self.spawn(job, Default::default(), failed, work);
    }

    pub(super) fn verify(&mut self, desk: &Arc<Desk>, state: &Arc<State>, step: &str, part: Part) {
        let job = Job::Verify(step.to_owned(), part);
        let work = prepare(desk.clone(), state.clone(), step.to_owned(), part);
        let failed = Report::Verified(Box::new(refused(step.to_owned(), part, FAILED.into())));
        let work = async move { Report::Verified(Box::new(work.await)) };
        self.spawn(job, Default::default(), failed, work);
    }

    pub(super) fn run(&mut self, desk: &Desk, state: &State, id: &AttemptId, request: Request) {
        self.attempt(desk, state, id, request, |action, cx, request| action.run(cx, request));
    }

    pub(super) fn reattach(
        &mut self,
        desk: &Desk,
        state: &State,
        id: &AttemptId,
        request: Request,
    ) {
        self.attempt(desk, state, id, request, |action, cx, request| action.reattach(cx, request));
    }

    fn attempt(
        &mut self,
        desk: &Desk,
        state: &State,
        id: &AttemptId,
        request: Request,
        begin: impl FnOnce(
            &'static dyn actions::Action,
            actions::Context,
            Request,
        ) -> futures_util::future::BoxFuture<'static, Finish>,
    ) {
        // A step for people is completed by their answer.
        let Some(action) = desk.action(&request) else { return };
        let job = Job::Attempt(id.clone());
        let (progress, mut lines) = Desk::progress();
        let wires = Wires::to(progress);
        let (cancel, fail) = (wires.cancel.clone(), wires.fail.clone());
        let token = state.attempt(id).map(|a| a.token.clone()).unwrap_or_default();
        let cx = desk.context(state, id, token, &request, Some(wires));
        let effect = request.effect;
        let work = begin(action, cx, request);
        let (tx, from, of) = (self.tx.clone(), job.clone(), id.clone());
        // Nobody saw its end, and what it has started may still be at work.
        let failed = match effect {
            crate::runbook::Effect::Reads => Finish::failed(FAILED),
            crate::runbook::Effect::Changes | crate::runbook::Effect::Destroys => {
                Finish::unknown(format!("{FAILED}: look at how far it got"))
            }
        };
        self.spawn(job, (cancel, fail), Report::Finished(id.clone(), failed), async move {
            panic_here("worker");
            let forward = async {
                let mut several = Vec::new();
                while lines.recv_many(&mut several, BATCH).await > 0 {
                    let report = Report::Progress(of.clone(), std::mem::take(&mut several));
                    let _ = tx.send((from.clone(), report)).await;
                }
            };
            // The action drops its end of the channel when it is through: then both are.
            let (finish, ()) = tokio::join!(work, forward);
            Report::Finished(of, finish)
        });
    }

    pub(super) fn find(&mut self, desk: &Desk, state: &State, id: &AttemptId, request: Request) {
        let of = id.clone();
        let found = desk.action(&request).map(|action| {
            let token = state.attempt(id).map(|a| a.token.clone()).unwrap_or_default();
            action.find(desk.context(state, id, token, &request, None), request)
        });
        let failed = Report::Found(id.clone(), Found::CannotTell(FAILED.into()));
        self.spawn(Job::Find(id.clone()), Default::default(), failed, async move {
            let found = match found {
                Some(found) => found.await,
                None => Found::NotStarted("a person does it".into()),
            };
            Report::Found(of, found)
        });
    }

    pub(super) fn sign(&mut self, desk: &Desk, checkpoint: Checkpoint) {
        let (signer, dir) = (desk.signer.clone(), desk.dir.clone());
        let failed = Report::Signed(checkpoint.clone(), Err(FAILED.into()));
        self.spawn(Job::Sign, Default::default(), failed, async move {
            let signed = match signer {
                Some(signer) => signer.checkpoint(&dir, &checkpoint).await,
                None => Err("this run is signed, and the settings name no key any more: set \
                             `signing: {key: …}`, then steady resume"
                    .to_owned()),
            };
            Report::Signed(checkpoint, signed)
        });
    }

    pub(super) fn anchor(
        &mut self,
        archive: Option<Archive>,
        head: Checkpoint,
        now: DateTime<Utc>,
    ) {
        let failed = Report::Anchored(head.clone(), Err(FAILED.into()));
        self.spawn(Job::Anchor, Default::default(), failed, async move {
            let anchored = outside::anchor(archive, head.clone(), now).await;
            Report::Anchored(head, anchored)
        });
    }

    /// Whether a head is on its way.
    pub(super) fn is_anchoring(&self) -> bool {
        self.jobs.contains_key(&Job::Anchor)
    }

    fn spawn(
        &mut self,
        job: Job,
        (cancel, fail): (CancellationToken, CancellationToken),
        failed: Report,
        work: impl Future<Output = Report> + Send + 'static,
    ) {
        if self.jobs.contains_key(&job) {
            return;
        }
        let (tx, of) = (self.tx.clone(), job.clone());
        let task = tokio::spawn(async move {
            // A panic would be a job that never ends, and a run that waits for it for ever.
            let report = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(failed);
            let _ = tx.send((of, report)).await;
        });
        self.jobs.insert(job, Worker { task, cancel, fail });
    }

    /// Asks an attempt to stop; it reports how that went.
    pub(super) fn cancel(&self, id: &AttemptId) {
        if let Some(worker) = self.jobs.get(&Job::Attempt(id.clone())) {
            worker.cancel.cancel();
        }
    }

    /// Lets an attempt fail that is only rehearsed.
    pub(super) fn fail(&self, id: &AttemptId) {
        if let Some(worker) = self.jobs.get(&Job::Attempt(id.clone())) {
            worker.fail.cancel();
        }
    }

    /// Ends the looking that no effect asks for any more. Attempts always end by themselves.
    pub(super) fn keep(&mut self, effects: &[Effect], undo_of: Option<&str>) {
        self.jobs.retain(|job, worker| {
            let wanted = match job {
                Job::Attempt(_) | Job::Sign | Job::Anchor => true,
                Job::Prepare(step, part) => match part {
                    Part::Undo => undo_of == Some(step),
                    Part::Do | Part::Probe => {
                        effects.contains(&Effect::Prepare { step: step.clone() })
                    }
                },
                Job::Verify(step, part) => {
                    *part == Part::Probe
                        || effects.iter().any(|effect| match effect {
                            Effect::Begin { step: of, .. } | Effect::Retry { step: of, .. } => {
                                of == step
                            }
                            Effect::Prepare { .. }
                            | Effect::Run(_)
                            | Effect::Reattach(_)
                            | Effect::Cancel(_)
                            | Effect::Sign
                            | Effect::Anchor
                            | Effect::Hear
                            | Effect::AskApproval { .. }
                            | Effect::Find(_)
                            | Effect::Probe { .. } => false,
                        })
                }
                Job::Find(_) => true,
            };
            if !wanted {
                worker.task.abort();
            }
            wanted
        });
    }
}
