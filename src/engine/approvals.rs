//! Approvals: somebody else than the operator agrees to one request before it is carried out. What is asked,
//! who may answer, and what makes an answer worthless, all follow from the state alone.

use std::fmt::Write as _;

use super::event::{
    ApprovalGranted, ApprovalRequested, Consent, Event, Fact, KnownBy, Outcome, Part, Pins,
    Recorded, Stamp,
};
use super::input::{Given, Refusal};
use super::state::{Attempt, State, Status, StepState};
use crate::runbook::model::Approvers;
use crate::runbook::{Step, StepId, Value};

/// Refused answers that a request keeps in the record; what comes after them is said and not recorded, so
/// that nobody can flood a journal.
const MOST_REFUSED: usize = 32;

/// One request for approval, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The record that asked.
    pub seq: u64,
    /// When.
    pub at: Stamp,
    /// The operator who asked.
    pub asked_by: String,
    /// Of which step.
    pub step: StepId,
    /// What was asked.
    pub asked: ApprovalRequested,
    /// Who agreed, in order.
    pub granted: Vec<Grant>,
    /// What was no approval, and why: `(who, why)`.
    pub refused: Vec<(String, String)>,
    /// The operator went on without.
    pub broken: Option<Broken>,
    /// It is answered, used or worth nothing any more.
    pub ended: Option<(Stamp, End)>,
}

/// Somebody agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub approver: String,
    /// How that is known.
    pub known_by: KnownBy,
    /// When.
    pub at: Stamp,
    /// In retrospect.
    pub afterwards: bool,
}

/// The operator broke the glass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// When.
    pub at: Stamp,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What became of a request for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// What it was for was begun.
    Used,
    /// Somebody who may approve said no.
    Declined {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// What it was for is not what would be done now.
    Void(String),
}

impl Approval {
    /// How many more have to agree.
    #[must_use]
    pub fn missing(&self) -> u32 {
        let granted = u32::try_from(self.granted.len()).unwrap_or(u32::MAX);
        self.asked.count.saturating_sub(granted)
    }

    /// The operator went on without, and nobody has approved that since.
    #[must_use]
    pub fn is_open_glass(&self) -> bool {
        self.broken.is_some() && matches!(self.ended, Some((_, End::Used))) && self.missing() > 0
    }

    /// Somebody is still to be heard: before the step, or in retrospect.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        (self.ended.is_none() && self.missing() > 0) || self.is_open_glass()
    }

    /// See [`ApprovalRequested::text`].
    #[must_use]
    pub fn text(&self, run: &str) -> String {
        self.asked.text(run, &self.step, self.seq)
    }

    /// `bob or carol`, or `2 of bob, carol, dave`.
    #[must_use]
    pub fn wanted(&self) -> String {
        wanted(&self.asked.by, self.asked.count)
    }
}

impl ApprovalRequested {
    /// The text that an approver signs, and sees when nothing is signed: it fits this request, which record
    /// `seq` of this run asks for, and no other.
    #[must_use]
    pub fn text(&self, run: &str, step: &str, seq: u64) -> String {
        let Self { part, attempt, request, head, .. } = self;
        let part = match part {
            Part::Do => "do",
            Part::Undo => "undo",
            Part::Probe => "probe",
        };
        format!(
            "steadyhand-approval/{run}\nstep {step} attempt {attempt} of {part}\nrequest {request}\n\
             target {}\nasked in record {seq}\nafter {head}\n",
            target_text(&self.target),
        )
    }
}

/// Who has to approve, in a few words.
#[must_use]
pub fn wanted(by: &[String], count: u32) -> String {
    match by {
        [one] => one.clone(),
        many if count == 1 => many.join(" or "),
        many if usize::try_from(count).is_ok_and(|count| count == many.len()) => many.join(" and "),
        many => format!("{count} of {}", many.join(", ")),
    }
}

/// From whom what is no approval came, and why it is none.
#[must_use]
pub fn refusal(who: &str, why: &str) -> String {
    // A reason that names the key, or the person, says so itself.
    let name = who.strip_prefix("key ").unwrap_or(who);
    if why.contains(name) { why.to_owned() } else { format!("{who}: {why}") }
}

/// The proven identity of a target on one line.
fn target_text(pins: &Pins) -> String {
    let mut text = String::new();
    for (name, value) in pins {
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = write!(text, "{}{name}={value}", if text.is_empty() { "" } else { " " });
    }
    if text.is_empty() { "not proven".into() } else { text }
}

/// Two names of one person, as far as names tell: what stands before the `@` is the same.
#[must_use]
pub fn is_same_person(one: &str, other: &str) -> bool {
    let user = |name: &str| name.split('@').next().unwrap_or(name).to_ascii_lowercase();
    user(one) == user(other)
}

impl State {
    /// Who has to approve one of a step's actions before the operator may begin it.
    #[must_use]
    pub fn approvers(step: &Step, part: Part) -> Option<&Approvers> {
        step.approval.as_ref().filter(|_| part == Part::Do && !step.is_approval())
    }

    /// The request for approval that counts for a step's action now.
    #[must_use]
    pub fn approval(&self, step: &str, part: Part) -> Option<&Approval> {
        self.approvals
            .iter()
            .rev()
            .find(|approval| approval.step == step && approval.asked.part == part)
            .filter(|approval| approval.ended.is_none())
    }

    /// The latest request for approval of a step, whatever came of it.
    #[must_use]
    pub fn last_approval(&self, step: &str) -> Option<&Approval> {
        self.approvals.iter().rev().find(|approval| approval.step == step)
    }

    /// Requests that somebody is still to be heard about: before a step, or in retrospect.
    pub fn awaited_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|approval| approval.is_awaited())
    }

    /// What has to be typed to go on without the approval. It holds what the step's own guard asks for.
    ///
    /// # Errors
    /// The guard's template cannot be rendered yet.
    pub fn break_glass_phrase(&self, step: &StepState, part: Part) -> Result<String, String> {
        let own = self.phrase(step, part)?;
        Ok(format!("break glass {}", own.as_deref().unwrap_or_else(|| step.id())))
    }

    /// Whether what the operator consents to is approved, where that is needed.
    pub(super) fn approved(
        &self,
        step: &StepState,
        part: Part,
        given: &Given,
        digest: &str,
    ) -> Result<(), Refusal> {
        let Some(needed) = Self::approvers(&step.step, part) else { return Ok(()) };
        let who = wanted(&needed.by, needed.count);
        let why = match (given, self.approval(step.id(), part)) {
            (Given::Auto { .. }, _) => {
                format!("`{}` needs the approval of {who}: --auto never gives one", step.id())
            }
            (_, None) => format!("this needs the approval of {who}: ask for it first"),
            (_, Some(open)) if open.asked.request != digest => {
                "the request is not the one that was sent for approval: ask again".into()
            }
            (_, Some(open)) if open.missing() > 0 => {
                format!("this waits for the approval of {who}")
            }
            (_, Some(_)) => return Ok(()),
        };
        Err(Refusal::Guard(why))
    }

    pub(super) fn ask_approval(
        &self,
        step: &str,
        digest: String,
        target: Pins,
        uid: u32,
        head: String,
    ) -> Result<Event, Refusal> {
        let of = self.its_turn(step)?;
        let Some(needed) = &of.step.approval else {
            return Err(Refusal::Nothing(format!("`{step}` needs nobody's approval")));
        };
        let attempt = match (of.step.is_approval(), self.status(of)) {
            (true, Status::AwaitsPerson(attempt)) if attempt.digest == digest => attempt.id.number,
            (true, _) => return Err(Refusal::Nothing(format!("`{step}` has not begun"))),
            (false, _) => {
                self.idle()?;
                self.applies(of)?;
                of.next_number()
            }
        };
        let open = self.approval(step, Part::Do);
        if open.is_some_and(|o| o.asked.request == digest && o.asked.target == target) {
            return Err(Refusal::Nothing("this very request is asked for already".into()));
        }
        let (by, count) = (needed.by.clone(), needed.count);
        let part = Part::Do;
        let asked =
            ApprovalRequested { part, attempt, request: digest, target, by, count, uid, head };
        Ok(Event::step(step, Fact::ApprovalRequested(Box::new(asked))))
    }

    /// Somebody approves what record `asked` asked for. What is no approval is a fact as well.
    pub(super) fn approve(
        &self,
        asked: u64,
        request: &str,
        approver: String,
        known_by: KnownBy,
    ) -> Result<Event, Refusal> {
        let Some(of) = self.approvals.iter().find(|approval| approval.seq == asked) else {
            let reason = format!("record {asked} asks for no approval");
            return self.refuse_approval(None, approver, reason);
        };
        if let Err(reason) = self.may_answer(of, request, &approver, &known_by) {
            return self.refuse_approval(Some(asked), approver, reason);
        }
        let granted = ApprovalGranted {
            asked,
            request: request.to_owned(),
            approver,
            known_by,
            afterwards: of.broken.is_some(),
        };
        Ok(Event::step(&of.step, Fact::ApprovalGranted(Box::new(granted))))
    }

    /// Somebody who may approve says no.
    pub(super) fn decline(
        &self,
        asked: u64,
        request: &str,
        approver: String,
        known_by: &KnownBy,
        reason: String,
    ) -> Result<Event, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let Some(of) = self.approvals.iter().find(|approval| approval.seq == asked) else {
            let reason = format!("record {asked} asks for no approval");
            return self.refuse_approval(None, approver, reason);
        };
        if let Err(reason) = self.may_answer(of, request, &approver, known_by) {
            return self.refuse_approval(Some(asked), approver, reason);
        }
        let asked = Some(asked);
        Ok(Event::step(&of.step, Fact::ApprovalRefused { asked, approver, reason, declined: true }))
    }

    /// Puts down that something was no approval, once for each request and reason.
    pub(super) fn refuse_approval(
        &self,
        asked: Option<u64>,
        approver: String,
        reason: String,
    ) -> Result<Event, Refusal> {
        let known = asked.and_then(|seq| self.approvals.iter().find(|a| a.seq == seq));
        let Some(of) = known.or(self.approvals.last()) else {
            return Err(Refusal::Nothing(reason));
        };
        let same = |(who, why): &(String, String)| *who == approver && *why == reason;
        if of.refused.len() >= MOST_REFUSED || of.refused.iter().any(same) {
            return Err(Refusal::Nothing(reason));
        }
        let (asked, declined) = (Some(of.seq), false);
        Ok(Event::step(&of.step, Fact::ApprovalRefused { asked, approver, reason, declined }))
    }

    /// Whether this person's word on this request counts.
    fn may_answer(
        &self,
        of: &Approval,
        request: &str,
        approver: &str,
        known_by: &KnownBy,
    ) -> Result<(), String> {
        if let Some(why) = self.self_approval(of, approver, known_by) {
            return Err(why);
        }
        if !of.asked.by.iter().any(|name| name == approver) {
            return Err(format!("{approver} is not among those who may approve: {}", of.wanted()));
        }
        if request != of.asked.request {
            return Err(format!(
                "that approves another request, {}, and not the one that record {} asks for",
                short(request),
                of.seq
            ));
        }
        match &of.ended {
            Some((_, End::Void(why))) => {
                return Err(format!(
                    "what record {} asked for is void: {why}; the operator has to ask again",
                    of.seq
                ));
            }
            Some((_, End::Declined { by, .. })) => {
                return Err(format!("{by} has declined it; the operator has to ask again"));
            }
            Some((_, End::Used)) if !of.is_open_glass() => {
                return Err("what it is for was approved and begun already".into());
            }
            Some((_, End::Used)) | None => {}
        }
        if of.granted.iter().any(|grant| is_same_person(&grant.approver, approver)) {
            return Err(format!("{approver} has approved it already"));
        }
        let same_key =
            |grant: &&Grant| grant.known_by.key().is_some_and(|key| Some(key) == known_by.key());
        if let Some(grant) = of.granted.iter().find(same_key) {
            return Err(format!("the same key has approved it already, for {}", grant.approver));
        }
        if of.missing() == 0 {
            return Err("it is approved already: nothing is missing".into());
        }
        Ok(())
    }

    /// Who asks does not approve: neither under another name, nor as another user, nor with the same key.
    fn self_approval(&self, of: &Approval, approver: &str, known_by: &KnownBy) -> Option<String> {
        let refused = |why: String| Some(format!("self-approval: {why}"));
        match known_by {
            KnownBy::LocalUser { uid } if *uid == of.asked.uid => {
                return refused(format!(
                    "{approver} (uid {uid}) is the user whose console asks; somebody else has to approve"
                ));
            }
            KnownBy::Signature { key, .. } if self.is_operators_key(key) => {
                return refused(format!("{key} is the key that signs this run for its operator"));
            }
            KnownBy::LocalUser { .. } | KnownBy::Signature { .. } | KnownBy::SelfDeclared {} => {}
        }
        let operator = self.operators.iter().find(|operator| is_same_person(operator, approver));
        operator.and_then(|operator| refused(format!("{approver} operates this run as {operator}")))
    }

    /// Whether the key has signed this run for its operator.
    pub(super) fn is_operators_key(&self, key: &str) -> bool {
        let bound = self.run().and_then(|run| run.signing.as_ref()?.key.as_deref());
        bound == Some(key) || self.signatures.signed.iter().any(|signed| signed.key == key)
    }

    /// The operator goes on without the approval that was asked for.
    pub(super) fn break_glass(
        &self,
        step: &str,
        part: Part,
        typed: &str,
        reason: String,
        digest: String,
    ) -> Result<Event, Refusal> {
        if self.paused.is_some() {
            return Err(Refusal::Paused);
        }
        let of = self.its_turn(step)?;
        match self.approval(step, part) {
            None => return Err(Refusal::Guard("ask for the approval first".into())),
            Some(open) if open.asked.request != digest => return Err(Refusal::Changed),
            Some(open) if open.missing() == 0 => {
                return Err(Refusal::Nothing("it is approved: there is no glass to break".into()));
            }
            Some(_) => {}
        }
        if !of.step.is_approval() {
            self.idle()?;
            self.applies(of)?;
        }
        let phrase = self.break_glass_phrase(of, part).map_err(Refusal::Expression)?;
        if typed != phrase {
            let reason = format!("`{typed}` was typed where `{phrase}` was asked for");
            return Ok(Event::step(step, Fact::GuardRefused { part, reason }));
        }
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let consent = Consent::BreakGlass { phrase, reason };
        Ok(Event::step(step, Fact::GuardSatisfied { part, consent, request: digest }))
    }

    /// An `approve` step ends when its approvals are complete, when somebody declines, or when the glass is
    /// broken.
    pub(super) fn due_approval(&self) -> Option<Event> {
        let step = self.current().filter(|step| step.step.is_approval())?;
        let Status::AwaitsPerson(attempt) = self.status(step) else { return None };
        let approval = self.last_approval(step.id()).filter(|a| is_for(a, attempt))?;
        let names: Vec<String> = approval.granted.iter().map(|g| g.approver.clone()).collect();
        let (outcome, message) = match (&approval.ended, &approval.broken) {
            (Some((_, End::Declined { by, reason })), _) => {
                (Outcome::Failed, format!("{by} declined: {reason}"))
            }
            (_, Some(broken)) => (Outcome::Succeeded, format!("glass broken: {}", broken.reason)),
            (None, None) if approval.missing() == 0 => {
                (Outcome::Succeeded, format!("approved by {}", names.join(", ")))
            }
            (Some(_) | None, None) => return None,
        };
        let names = names.into_iter().map(Value::String).collect();
        let result = Value::map([("approvers", Value::List(names))]);
        Some(self.ended(attempt, outcome, message, result, None))
    }

    /// The `approve` step that waits and has not asked yet.
    pub(super) fn unasked(&self) -> Option<&StepState> {
        let step = self.current().filter(|step| step.step.is_approval())?;
        let Status::AwaitsPerson(attempt) = self.status(step) else { return None };
        let asked = self.last_approval(step.id()).is_some_and(|a| is_for(a, attempt));
        (!asked).then_some(step)
    }

    pub(super) fn take_request(
        &mut self,
        record: &Recorded,
        step: &str,
        asked: &ApprovalRequested,
    ) {
        self.void_approvals(&record.stamp, "it was asked for anew", |open| open.step == step);
        self.approvals.push(Approval {
            seq: record.seq,
            at: record.stamp.clone(),
            asked_by: record.by.clone(),
            step: step.to_owned(),
            asked: asked.clone(),
            granted: Vec::new(),
            refused: Vec::new(),
            broken: None,
            ended: None,
        });
    }

    pub(super) fn take_grant(&mut self, record: &Recorded, granted: &ApprovalGranted) {
        self.signatures.approved = self.signatures.approved.max(record.seq);
        let Some(of) = self.approvals.iter_mut().find(|a| a.seq == granted.asked) else { return };
        of.granted.push(Grant {
            approver: granted.approver.clone(),
            known_by: granted.known_by.clone(),
            at: record.stamp.clone(),
            afterwards: granted.afterwards,
        });
    }

    pub(super) fn take_refusal(
        &mut self,
        record: &Recorded,
        asked: Option<u64>,
        approver: &str,
        reason: &str,
        declined: bool,
    ) {
        let Some(of) = self.approvals.iter_mut().find(|a| Some(a.seq) == asked) else { return };
        if declined {
            let (by, reason) = (approver.to_owned(), reason.to_owned());
            of.ended = Some((record.stamp.clone(), End::Declined { by, reason }));
        } else {
            of.refused.push((approver.to_owned(), reason.to_owned()));
        }
    }

    /// The glass was broken over the request that is open.
    pub(super) fn take_broken_glass(&mut self, record: &Recorded, step: &str, reason: &str) {
        let open = self.approvals.iter_mut().rev().find(|a| a.step == step && a.ended.is_none());
        if let Some(open) = open {
            let (at, by) = (record.stamp.clone(), record.by.clone());
            open.broken = Some(Broken { at, by, reason: reason.to_owned() });
        }
    }

    /// What was approved is begun, or an `approve` step is over.
    pub(super) fn use_approvals(&mut self, at: &Stamp, step: &str) {
        for open in self.approvals.iter_mut().filter(|a| a.step == step && a.ended.is_none()) {
            let end = if open.missing() == 0 || open.broken.is_some() {
                End::Used
            } else {
                End::Void("nobody waits for it any more".into())
            };
            open.ended = Some((at.clone(), end));
        }
    }

    /// What was asked for or approved is not what would be done now.
    pub(super) fn void_approvals(
        &mut self,
        at: &Stamp,
        why: &str,
        which: impl Fn(&Approval) -> bool,
    ) {
        let open = self.approvals.iter_mut().filter(|a| a.ended.is_none());
        for approval in open.filter(|approval| which(approval)) {
            approval.ended = Some((at.clone(), End::Void(why.to_owned())));
        }
    }
}

fn is_for(approval: &Approval, attempt: &Attempt) -> bool {
    approval.asked.attempt == attempt.id.number && approval.asked.part == attempt.id.of
}

/// The beginning of a digest, for people.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
