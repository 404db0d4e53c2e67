//! Approvals in the hands of the driver: what is asked, how it is heard, and what is brought.

use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::door::{Answer, Asked, Board, Brought, Reply, What};
use super::run::Driver;
use super::view::Urgency;
use crate::engine::approvals::refusal;
use crate::engine::event::{Fact, KnownBy, Pins};
use crate::engine::{Approval, Event, Input, Status};
use crate::journal::signed::{APPROVALS, keep};
use crate::signing::{APPROVAL, AllowedSigners, Judged, judge};

/// How many requests of a run a signature is held against, the latest first.
const MOST_TEXTS: usize = 50;

impl Driver {
    /// The operator asks for the approval of what is on screen.
    pub(super) fn ask_approval(&mut self, step: &str, digest: &str) {
        let shown = self.prepared.as_ref().filter(|p| p.step == step && p.digest == digest);
        match shown.map(|p| (&p.request, &p.target)) {
            Some((Ok(_), Ok(target))) => {
                let input = self.asking(step, digest.to_owned(), target.clone());
                self.take(input);
            }
            Some((Err(why), _) | (_, Err(why))) => {
                let why = why.clone();
                self.tell(Urgency::Danger, why);
            }
            None => {
                self.tell(Urgency::Warning, "the request has changed; look at it again".into());
            }
        }
    }

    /// An `approve` step asks for what it waits for.
    pub(super) fn ask_approval_of(&mut self, step: &str) {
        let asking = self.state.step(step).map(|of| self.state.status(of));
        let Some(Status::AwaitsPerson(attempt)) = asking else { return };
        let input = self.asking(step, attempt.digest.clone(), Pins::new());
        self.note(input);
    }

    fn asking(&self, step: &str, digest: String, target: Pins) -> Input {
        Input::AskApproval {
            step: step.to_owned(),
            digest,
            target,
            uid: rustix::process::getuid().as_raw(),
            head: self.journal.head().to_owned(),
        }
    }

    /// An `approve` step waits there: nothing is prepared, and its glass can be broken.
    pub(super) fn waits_in(&self, step: &str) -> bool {
        let of = self.state.step(step).filter(|of| of.step.is_approval());
        of.is_some_and(|of| matches!(self.state.status(of), Status::AwaitsPerson(_)))
    }

    /// Those who may approve can come, and find the text to sign.
    pub(super) fn hear(&mut self) {
        let run = self.desk.run.clone();
        for asked in self.state.awaited_approvals() {
            let name = format!("{}.txt", asked.seq);
            if !self.desk.dir.join(APPROVALS).join(&name).exists()
                && let Err(e) = keep(&self.desk.dir, APPROVALS, &name, asked.text(&run).as_bytes())
            {
                // The text is on the screen and at the door as well.
                tracing::warn!(run, "approvals/{name} cannot be kept: {e}");
            }
        }
        let board = self.board();
        self.door.open(board);
    }

    fn board(&self) -> Board {
        let state = &self.state;
        let started = state.run();
        Board {
            run: self.desk.run.clone(),
            runbook: state.runbook.title.clone(),
            mode: format!("{:?}", state.mode()).to_lowercase(),
            environment: started.and_then(|run| run.environment.clone()),
            asked: state.awaited_approvals().map(|asked| self.asked(asked)).collect(),
        }
    }

    fn asked(&self, approval: &Approval) -> Asked {
        let step = self.state.step(&approval.step);
        let prepared = self.prepared.as_ref().filter(|p| p.digest == approval.asked.request);
        let prepared = prepared.and_then(|p| p.request.as_ref().ok()).map(|r| r.masked());
        let intended = || {
            let attempts = step.iter().flat_map(|step| &step.attempts);
            let same = attempts.into_iter().find(|a| a.digest == approval.asked.request);
            same.map(|attempt| attempt.request.clone())
        };
        Asked {
            seq: approval.seq,
            at: approval.at.at,
            operator: approval.asked_by.clone(),
            step: approval.step.clone(),
            title: step.map(|step| self.state.title(step)).unwrap_or_default(),
            attempt: approval.asked.attempt,
            request: prepared.or_else(intended).unwrap_or(Json::Null),
            digest: approval.asked.request.clone(),
            target: approval.asked.target.clone(),
            text: approval.text(&self.desk.run),
            by: approval.asked.by.clone(),
            count: approval.asked.count,
            granted: approval.granted.iter().map(|grant| grant.approver.clone()).collect(),
            broken: approval.broken.as_ref().map(|broken| broken.reason.clone()),
        }
    }

    /// Looks whose signature this is, and over what; it comes back through the door.
    pub(super) fn judge(&self, armoured: String, reply: Option<oneshot::Sender<Reply>>) {
        let way = self.door.way_in();
        let (desk, state) = (self.desk.clone(), self.state.clone());
        tokio::spawn(async move {
            let work = tokio::task::spawn_blocking(move || {
                let asked: Vec<&Approval> = state.approvals.iter().rev().take(MOST_TEXTS).collect();
                let texts: Vec<String> = asked.iter().map(|one| one.text(&desk.run)).collect();
                let names: Vec<String> =
                    asked.iter().flat_map(|one| one.asked.by.clone()).collect();
                let allowed = match &desk.allowed_signers {
                    Some(file) => AllowedSigners::open(file, &desk.dir).map_err(|e| e.to_string()),
                    None => Err("nobody's signature counts: name a file of allowed signers, \
                                 `allowed_signers: FILE` in steadyhand.yaml"
                        .to_owned()),
                };
                let folder = desk.dir.join(APPROVALS);
                let allowed = allowed.as_ref().map_err(Clone::clone);
                let judged = judge(&folder, allowed, APPROVAL, &armoured, &texts, &names);
                let asked = match &judged {
                    Judged::Good { text, .. } => asked.get(*text).map(|one| one.seq),
                    Judged::Bad { .. } => None,
                };
                What::Judged { armoured, asked, judged }
            });
            if let Ok(what) = work.await {
                let _ = way.send(Brought { what, reply }).await;
            }
        });
    }

    pub(super) fn on_brought(&mut self, brought: Brought) {
        let Brought { what, reply } = brought;
        let said = match what {
            What::Said { answer: Answer::Signature { armoured }, .. } => {
                self.judge(armoured, reply);
                return;
            }
            What::Said { uid, user, answer: Answer::Approve { asked, request } } => {
                let known_by = KnownBy::LocalUser { uid };
                self.hear_out(Input::Approve { asked, request, approver: user, known_by }, &reply)
            }
            What::Said { uid, user, answer: Answer::Refuse { asked, request, reason } } => {
                let known_by = KnownBy::LocalUser { uid };
                let approver = user;
                let input = Input::Decline { asked, request, approver, known_by, reason };
                self.hear_out(input, &reply)
            }
            What::Judged { judged: Judged::Bad { who, why }, .. } => {
                let (approver, reason) = (self.clean(&who), self.clean(&why));
                self.hear_out(Input::NoApproval { approver, reason }, &reply)
            }
            What::Judged { armoured, asked, judged: Judged::Good { principal, key, .. } } => {
                self.hear_signature(&armoured, asked.unwrap_or_default(), principal, key, &reply)
            }
        };
        if let Some(reply) = reply {
            // Whoever went away has not missed what the record holds.
            let _ = reply.send(said);
        }
    }

    fn hear_signature(
        &mut self,
        armoured: &str,
        asked: u64,
        approver: String,
        key: String,
        reply: &Option<oneshot::Sender<Reply>>,
    ) -> Reply {
        let of = self.state.approvals.iter().find(|one| one.seq == asked);
        let request = of.map(|one| one.asked.request.clone()).unwrap_or_default();
        let name = format!("{asked}.{}.sig", of.map_or(1, |one| one.granted.len() + 1));
        let input = |file: String, sha256: String| Input::Approve {
            asked,
            request: request.clone(),
            approver: approver.clone(),
            known_by: KnownBy::Signature { key: key.clone(), file, sha256 },
        };
        let probe = self.state.decide(input(String::new(), String::new()), &self.clock.now());
        let counts = matches!(probe, Ok(Event { fact: Fact::ApprovalGranted(_), .. }));
        let kept = match counts {
            true => keep(&self.desk.dir, APPROVALS, &name, armoured.as_bytes()),
            false => Ok((String::new(), String::new())),
        };
        match kept {
            Ok((file, sha256)) => self.hear_out(input(file, sha256), reply),
            Err(e) => {
                let said = format!("approvals/{name} cannot be kept: {e}");
                self.tell(Urgency::Danger, said.clone());
                Reply { taken: false, said }
            }
        }
    }

    /// Decides what somebody brought, and has it on the disk before anybody is told.
    fn hear_out(&mut self, input: Input, reply: &Option<oneshot::Sender<Reply>>) -> Reply {
        if let Some(why) = &self.halted {
            return Reply { taken: false, said: why.clone() };
        }
        let redactor = self.desk.redactor.clone();
        let now = self.clock.now();
        let event = match self.state.decide(input.cleaned(&|text| redactor.clean(text)), &now) {
            Ok(event) => event,
            Err(refusal) => {
                let said = refusal.to_string();
                // Nobody from outside writes on the screen again and again.
                if reply.is_none() {
                    self.tell(Urgency::Warning, format!("no approval: {said}"));
                }
                return Reply { taken: false, said };
            }
        };
        let (taken, urgency, said) = match &event.fact {
            Fact::ApprovalGranted(granted) => (
                true,
                Urgency::Info,
                format!("approved by {} ({})", granted.approver, granted.known_by),
            ),
            Fact::ApprovalRefused { approver, reason, declined: true, .. } => {
                (true, Urgency::Warning, format!("{approver} declined: {reason}"))
            }
            Fact::ApprovalRefused { approver, reason, .. } => {
                (false, Urgency::Warning, format!("no approval: {}", refusal(approver, reason)))
            }
            _ => (false, Urgency::Warning, String::new()),
        };
        if !(self.record(event, &now) && self.commit()) {
            let said = self.halted.clone().unwrap_or_default();
            return Reply { taken: false, said };
        }
        self.tell(urgency, said.clone());
        Reply { taken, said }
    }

    fn clean(&self, text: &str) -> String {
        self.desk.redactor.clean(text)
    }
}
