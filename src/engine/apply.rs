//! The fold: `apply(state, record)`. Total: a record that makes no sense changes nothing but the count,
//! since what is on disk cannot be argued with.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::approvals::Approval;
use super::archive::{News, Untold};
use super::debrief::Issue;
use super::event::{
    AttemptId, ByHand, Consent, Fact, Outcome, Part, Pins, Recorded, Resolution, ResolvedBy, Stamp,
    Subject,
};
use super::sign_off::SignOff;
use super::signing::Signed;
use super::state::{
    Attempt, Deviation, Evidence, Granted, Note, Reached, Settled, Standing, State, StepState,
};
use crate::runbook::model::Step;

impl State {
    /// The state after one more record.
    #[must_use]
    pub fn apply(mut self, record: &Recorded) -> Self {
        self.absorb(record);
        self
    }

    /// As [`Self::apply`], in place.
    pub fn absorb(&mut self, record: &Recorded) {
        self.records += 1;
        self.note_boot(&record.stamp);
        self.last = Some(record.stamp.clone());
        if let Some(news) = News::of(record) {
            self.notifications.news.insert(record.seq, news);
        }
        self.take_in(record);
        self.follow_spans(record);
    }

    /// Folds many records.
    #[must_use]
    pub fn apply_all<'a>(self, records: impl IntoIterator<Item = &'a Recorded>) -> Self {
        records.into_iter().fold(self, Self::apply)
    }

    fn take_in(&mut self, record: &Recorded) {
        let at = record.stamp.clone();
        let of = step_of(&record.event.of).map(str::to_owned);
        match &record.event.fact {
            Fact::RunStarted(run) => {
                self.operators.insert(run.operator.clone());
                self.inputs = run.inputs.clone();
                self.declare_outage(&at, run.outage_start);
                self.started = Some((at, (**run).clone()));
            }
            Fact::ConsoleAttached { .. } => {
                self.attached = true;
                self.operators.insert(record.by.clone());
                // Another console may have the key: it tries anew.
                self.signatures.failed = None;
                self.anchors.tried = false;
                self.forget_what_was_in_hand();
                // An `approve` step waits in the hands of its console; a guard's request outlives it.
                self.void_waiting_steps(&at);
            }
            Fact::ConsoleDetached { .. } => self.attached = false,
            Fact::InputAmended { input, value, reason } => {
                let text = format!("{input} is now {value}: {reason}");
                self.inputs.insert(input.clone(), value.clone());
                self.void_consents();
                let why = format!("the input `{input}` was amended since");
                self.void_approvals(&at, &why, |_| true);
                self.deviate(record, "input amended", text);
            }
            Fact::Preflight { checks, overridden } => {
                self.preflight.clone_from(checks);
                if let Some(reason) = overridden {
                    self.deviate(record, "preflight overridden", reason.clone());
                }
            }
            Fact::TargetVerified { pins } => {
                self.meet_target(&at, of.as_deref(), pins);
                self.target = Some((at, pins.clone()));
            }
            Fact::NoteAdded { text } => {
                let (by, text) = (record.by.clone(), text.clone());
                self.notes.push(Note { at, by, step: of, text });
            }
            Fact::EvidenceAttached { file, sha256, caption, .. } => self.evidence.push(Evidence {
                at,
                step: of,
                file: file.clone(),
                sha256: sha256.clone(),
                caption: caption.clone(),
            }),
            Fact::MilestoneReached { milestone, reason } => {
                if let Some(reason) = reason {
                    let text = format!("{}: {reason}", milestone.name());
                    self.deviate(record, "milestone by hand", text);
                }
                let reached = Reached { at, seq: record.seq, step: of, reason: reason.clone() };
                self.milestones.insert(*milestone, reached);
            }
            Fact::MilestoneWithdrawn { milestone, reason } => {
                self.milestones.remove(milestone);
                self.withdrawn.insert(*milestone, record.seq);
                let text = format!("{}: {reason}", milestone.name());
                self.deviate(record, "milestone withdrawn", text);
            }
            Fact::ObjectiveBreached { objective, .. } => {
                self.breaches.push(*objective);
            }
            Fact::OutageStartAmended { start, reason } => {
                self.amend_outage(record, *start, reason);
            }
            Fact::EscalationDue { after_s, to, contact } => {
                self.escalate(record, *after_s, to, contact);
            }
            Fact::EscalationAcknowledged { to, note } => self.acknowledge(record, to, note),
            Fact::Recovery { bytes, kept_as, .. } => {
                let text = format!("{bytes} damaged bytes at the end were set aside as {kept_as}");
                self.deviate(record, "journal recovered", text);
            }
            Fact::RunPaused { reason } => self.paused = Some(reason.clone()),
            Fact::RunContinued {} => self.paused = None,
            Fact::RunFinished { ending, reason } => {
                self.signatures.closed = Some(record.seq);
                self.finished = Some((at, *ending, reason.clone()));
            }
            // A live run's own, before its first step that acts.
            Fact::GuardSatisfied { .. } if of.is_none() => self.entered = true,
            Fact::GuardSatisfied { part, consent, request } => {
                if let (Consent::BreakGlass { reason, .. }, Some(step)) = (consent, of.as_deref()) {
                    self.take_broken_glass(record, step, reason);
                    self.deviate(record, "break-glass approval", reason.clone());
                }
                let granted = Granted {
                    part: *part,
                    consent: consent.clone(),
                    digest: request.clone(),
                    by: record.by.clone(),
                    seq: record.seq,
                };
                self.on_step(of.as_deref(), |step| step.consent = Some(granted));
            }
            Fact::ApprovalRequested(asked) => {
                if let Some(step) = of.as_deref() {
                    self.take_request(record, step, asked);
                }
            }
            Fact::ApprovalGranted(granted) => self.take_grant(record, granted),
            Fact::ApprovalRefused { asked, approver, reason, declined } => {
                self.take_refusal(record, *asked, approver, reason, *declined);
            }
            Fact::SignedOff(said) => {
                self.sign_offs.push(SignOff { at, seq: record.seq, said: (**said).clone() });
            }
            // What was consented to and then refused at the last look is consented to no more.
            Fact::GuardRefused { .. } => self.on_step(of.as_deref(), |step| {
                step.consent = None;
                if let Some(attempt) = step.attempts.last_mut() {
                    attempt.refused_after = true;
                }
            }),
            Fact::StepSkipped(by_hand) => {
                self.settle_by_hand(record, of.as_deref(), Outcome::Skipped, by_hand);
                self.deviate(record, "skipped", by_hand.reason.clone());
            }
            Fact::StepOverridden(by_hand) => {
                self.settle_by_hand(record, of.as_deref(), Outcome::Overridden, by_hand);
                self.deviate(record, "marked done", by_hand.reason.clone());
            }
            Fact::StepNotApplicable { when } => {
                let why = format!("`{when}` is false");
                self.set_outcome(record, of.as_deref(), Outcome::NotApplicable, why);
            }
            Fact::StepInserted { title, run, before, reason } => {
                self.insert(of.as_deref(), title, run, before.as_deref());
                self.deviate(record, "step added", format!("{title}: {reason}"));
            }
            Fact::RerunRequested { reason } => {
                self.go_back_to(&at, of.as_deref());
                self.deviate(record, "run taken back", reason.clone());
            }
            Fact::AttemptIntended { request, digest, token } => {
                self.intend_attempt(record, request, digest, token);
            }
            Fact::AttemptStarted { pid } => {
                self.on_attempt(record, |attempt| attempt.started = Some((at, *pid)));
            }
            Fact::AttemptProgress { message, fraction } => self.on_attempt(record, |attempt| {
                attempt.progress = Some((at, message.clone(), *fraction));
            }),
            Fact::CancelRequested { reason } => {
                self.on_attempt(record, |attempt| attempt.cancel = Some(reason.clone()));
            }
            Fact::AttemptFinished(finished) => {
                self.on_attempt(record, |attempt| {
                    attempt.finished = Some((at, (**finished).clone()));
                    attempt.lost = false;
                });
                let cut = finished.output.as_ref().and_then(|output| output.cut.clone());
                if let Some(cut) = cut {
                    self.deviate(record, "output cut", cut);
                }
                if let Some(step) = of.filter(|step| self.is_approval(step)) {
                    self.use_approvals(&record.stamp, &step);
                }
                self.after_outcome(record);
            }
            Fact::UnknownResolved(resolved) => {
                self.on_attempt(record, |attempt| {
                    if resolved.as_ == Resolution::Running {
                        attempt.finished = None;
                        attempt.lost = false;
                    }
                    attempt.resolved = Some((at, (**resolved).clone()));
                });
                if resolved.resolved_by == ResolvedBy::Operator {
                    self.deviate(record, "unknown resolved by hand", resolved.reason.clone());
                }
                self.after_outcome(record);
            }
            Fact::CheckpointSigned { checkpoint, file, key, .. } => {
                let (checkpoint, file, key) = (*checkpoint, file.clone(), key.clone());
                self.signatures.signed.push(Signed { checkpoint, file, key, at });
            }
            Fact::CheckpointFailed { checkpoint, reason } => {
                self.signatures.failed = Some((*checkpoint, reason.clone()));
                self.deviate(record, "not signed", reason.clone());
            }
            Fact::IssueFound(issue) => self.issues.push(Issue {
                seq: record.seq,
                at,
                by: record.by.clone(),
                step: of,
                severity: issue.severity,
                owner: issue.owner.clone(),
                due: issue.due,
                text: issue.text.clone(),
            }),
            Fact::LessonLearned { text } => {
                let (by, text) = (record.by.clone(), text.clone());
                self.lessons.push(Note { at, by, step: of, text });
            }
            Fact::Anchored(anchored) => self.anchors.held.push((at, (**anchored).clone())),
            Fact::AnchorFailed { anchor, reason } => {
                self.anchors.tried = true;
                self.anchors.failed.push((at, *anchor, reason.clone()));
                self.deviate(record, "not anchored", reason.clone());
            }
            Fact::NotificationSent { hook, about, .. } => {
                self.notifications.settled.insert((hook.clone(), *about));
            }
            Fact::NotificationFailed { hook, about, occasion, reason } => {
                let (hook, reason) = (hook.clone(), reason.clone());
                self.notifications.settled.insert((hook.clone(), *about));
                self.notifications.failed.push(Untold { at, hook, occasion: *occasion, reason });
            }
            // Said and kept, with no bearing on what may happen next.
            Fact::SignalReceived { .. } | Fact::ClockStep { .. } | Fact::Exported { .. } => {}
        }
    }

    fn on_step(&mut self, id: Option<&str>, change: impl FnOnce(&mut StepState)) {
        if let Some(step) = id.and_then(|id| self.step_mut(id)) {
            change(step);
        }
    }

    fn on_attempt(&mut self, record: &Recorded, change: impl FnOnce(&mut Attempt)) {
        if let Subject::Attempt(id) = &record.event.of
            && let Some(attempt) = self.attempt_mut(id)
        {
            change(attempt);
        }
    }

    fn intend_attempt(&mut self, record: &Recorded, request: &Json, digest: &str, token: &str) {
        let Subject::Attempt(id) = &record.event.of else { return };
        let attempt = self.intended(record, id, request, digest, token);
        if let Some(step) = self.step_mut(&id.step) {
            step.consent = None;
            step.attempts.push(attempt);
        }
        if id.of == Part::Do {
            self.use_approvals(&record.stamp, &id.step);
        }
        if id.of == Part::Do && id.number > 1 {
            self.deviate_on_retry(record, id);
        }
    }

    fn intended(
        &self,
        record: &Recorded,
        id: &AttemptId,
        request: &Json,
        digest: &str,
        token: &str,
    ) -> Attempt {
        let granted = self.step(&id.step).and_then(|step| step.consent.clone());
        Attempt {
            id: id.clone(),
            intended: record.stamp.clone(),
            by: granted.as_ref().map_or(record.by.clone(), |granted| granted.by.clone()),
            consent: granted.map(|granted| granted.consent),
            request: request.clone(),
            digest: digest.to_owned(),
            token: token.to_owned(),
            started: None,
            progress: None,
            cancel: None,
            finished: None,
            lost: false,
            resolved: None,
            refused_after: false,
            stale: false,
        }
    }

    /// What an attempt's outcome means for its step.
    fn after_outcome(&mut self, record: &Recorded) {
        let Subject::Attempt(id) = &record.event.of else { return };
        let Some(attempt) = self.attempt(id) else { return };
        let standing = attempt.standing();
        let why = attempt.message().to_owned();
        let resolved = attempt.resolved.as_ref().filter(|(_, r)| r.as_ == Resolution::Succeeded);
        let saved = match (resolved, &attempt.finished) {
            (Some((_, resolved)), _) => resolved.saved.clone(),
            (None, Some((_, finished))) => finished.saved.clone(),
            (None, None) => return,
        };
        let Some(step) = self.step_mut(&id.step) else { return };
        match (id.of, standing) {
            (Part::Do, Standing::Succeeded) => {
                step.saved = saved;
                step.undone = false;
                self.set_outcome(record, Some(&id.step), Outcome::Succeeded, why);
            }
            (Part::Do, Standing::Failed) if Self::goes_on_after_failure(&step.step) => {
                if !step.retries_left() {
                    self.set_outcome(record, Some(&id.step), Outcome::Failed, why);
                    let text = "its on_failure says continue".to_owned();
                    self.deviate(record, "failed, went on", text);
                }
            }
            (Part::Undo, Standing::Succeeded) => {
                step.settled = None;
                step.saved.clear();
                step.undone = true;
                for attempt in &mut step.attempts {
                    attempt.stale = true;
                }
                self.deviate(record, "undone", why);
            }
            // It was looked at again, and now it is as expected.
            (Part::Probe, Standing::Succeeded) if step.unexpected().is_some() => {
                step.saved = saved;
                step.undone = false;
                self.set_outcome(record, Some(&id.step), Outcome::Succeeded, why.clone());
                self.deviate(record, "checked again", why);
            }
            (Part::Do | Part::Undo | Part::Probe, _) => {}
        }
    }

    fn set_outcome(&mut self, record: &Recorded, id: Option<&str>, outcome: Outcome, why: String) {
        let settled = Settled { outcome, at: record.stamp.clone(), seq: record.seq, why };
        self.on_step(id, |step| {
            step.settled = Some(settled);
            step.consent = None;
        });
    }

    fn settle_by_hand(
        &mut self,
        record: &Recorded,
        id: Option<&str>,
        outcome: Outcome,
        by_hand: &ByHand,
    ) {
        self.void_approvals(&record.stamp, "the step was settled without it", |open| {
            Some(open.step.as_str()) == id
        });
        self.on_step(id, |step| {
            step.saved = by_hand.saved.clone();
            step.undone &= outcome != Outcome::Overridden;
            // What was unknown about it is decided by the same word.
            for attempt in &mut step.attempts {
                attempt.stale |= attempt.standing() == Standing::Unknown;
            }
        });
        self.set_outcome(record, id, outcome, by_hand.reason.clone());
    }

    /// What an earlier console held in its hands is lost: consents are void, attempts unknown.
    fn forget_what_was_in_hand(&mut self) {
        self.void_consents();
        let is_running = |attempt: &Attempt| attempt.standing() == Standing::Running;
        for step in self.steps.iter_mut().filter(|step| step.attempts.iter().any(is_running)) {
            for attempt in &mut Arc::make_mut(step).attempts {
                attempt.lost |= is_running(attempt);
            }
        }
    }

    fn void_consents(&mut self) {
        for step in self.steps.iter_mut().filter(|step| step.consent.is_some()) {
            Arc::make_mut(step).consent = None;
        }
    }

    fn is_approval(&self, id: &str) -> bool {
        self.step(id).is_some_and(|step| step.step.is_approval())
    }

    fn void_waiting_steps(&mut self, at: &Stamp) {
        let steps = self.steps.iter().filter(|step| step.step.is_approval());
        let waiting: BTreeSet<_> = steps.map(|step| step.id().to_owned()).collect();
        self.void_approvals(at, "the console that asked is gone", |open| {
            waiting.contains(&open.step)
        });
    }

    /// What was approved for one target is not approved for another.
    fn meet_target(&mut self, at: &Stamp, id: Option<&str>, pins: &Pins) {
        let of = |open: &Approval| Some(open.step.as_str()) == id && open.asked.target != *pins;
        if self.approvals.iter().any(|open| open.ended.is_none() && of(open)) {
            self.void_approvals(at, "the target is another since", of);
            self.on_step(id, |step| step.consent = None);
        }
    }

    fn insert(&mut self, id: Option<&str>, title: &str, run: &str, before: Option<&str>) {
        let Some(id) = id.filter(|id| !self.index.contains_key(*id)) else { return };
        let Some(step) = Step::ad_hoc(id, title, run) else { return };
        let place = before.and_then(|id| self.position(id)).unwrap_or(self.steps.len());
        self.steps.insert(place, Arc::new(StepState::new(step, true)));
        self.reindex();
    }

    fn go_back_to(&mut self, at: &Stamp, id: Option<&str>) {
        let Some(place) = id.and_then(|id| self.position(id)) else { return };
        let later: BTreeSet<_> =
            self.steps.iter().skip(place).map(|step| step.id().to_owned()).collect();
        self.void_approvals(at, "the run was taken back since", |open| later.contains(&open.step));
        for step in self.steps.iter_mut().skip(place).map(Arc::make_mut) {
            step.settled = None;
            step.consent = None;
            step.saved.clear();
            for attempt in &mut step.attempts {
                attempt.stale = true;
            }
        }
        let index = &self.index;
        self.milestones.retain(|_, reached| {
            let of = reached.step.as_ref().and_then(|step| index.get(step));
            of.is_none_or(|at| *at < place)
        });
    }

    pub(super) fn deviate(&mut self, record: &Recorded, kind: &'static str, text: String) {
        self.deviations.push(Deviation {
            seq: record.seq,
            at: record.stamp.clone(),
            by: record.by.clone(),
            step: step_of(&record.event.of).map(str::to_owned),
            kind,
            text,
        });
    }

    fn deviate_on_retry(&mut self, record: &Recorded, id: &AttemptId) {
        let Some(step) = self.step(&id.step) else { return };
        let earlier = step.attempts.iter().rev().skip(1).find(|a| a.id.of == Part::Do);
        let Some(earlier) = earlier else { return };
        let by_itself = step.attempts.last().is_some_and(|attempt| attempt.consent.is_none());
        let how = if by_itself { "on its own" } else { "with fresh consent" };
        let text = format!("attempt {} {how} after: {}", id.number, earlier.message());
        self.deviate(record, "retried", text);
    }
}

/// The step a record is about.
fn step_of(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::Run => None,
        Subject::Step(step) => Some(step),
        Subject::Attempt(id) => Some(&id.step),
    }
}
