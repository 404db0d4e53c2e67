//! Sign-off: a reviewer, who neither operated nor approved anything in it, says of a run that is over whether
//! it will do. Appended; never edited.

use super::approvals::is_same_person;
use super::event::{Decision, Event, Fact, KnownBy, SignedOff, Stamp};
use super::input::Refusal;
use super::state::State;

/// A reviewer's word, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOff {
    /// When.
    pub at: Stamp,
    /// The record that holds it.
    pub seq: u64,
    /// The word.
    pub said: SignedOff,
}

impl SignedOff {
    /// The text that a reviewer signs.
    #[must_use]
    pub fn text(&self, run: &str) -> String {
        let Self { reviewer, decision, note, seq, head, .. } = self;
        let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!(
            "steadyhand-sign-off/{run}\nrecord {seq} {head}\nreviewer {reviewer}\n{}\nnote {note}\n",
            decision.name()
        )
    }
}

impl State {
    /// Whether a reviewer may sign the run off.
    pub(super) fn sign_off(&self, said: SignedOff) -> Result<Event, Refusal> {
        if self.finished.is_none() {
            let why = "the run is not over: it is signed off when it has ended";
            return Err(Refusal::Nothing(why.into()));
        }
        let who = said.reviewer.trim();
        if who.is_empty() {
            return Err(Refusal::Nothing("a reviewer needs a name: --operator NAME".into()));
        }
        if said.decision == Decision::Rejected && said.note.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        if let Some(operator) = self.operators.iter().find(|one| is_same_person(one, who)) {
            return Err(Refusal::Nothing(format!(
                "{who} has operated this run as {operator}: a reviewer is somebody else"
            )));
        }
        let grants = || self.approvals.iter().flat_map(|approval| &approval.granted);
        if let Some(grant) = grants().find(|grant| is_same_person(&grant.approver, who)) {
            return Err(Refusal::Nothing(format!(
                "{who} has approved a step of this run as {}: a reviewer is somebody else",
                grant.approver
            )));
        }
        let key = said.known_by.key();
        let approvers = key.is_some() && grants().any(|grant| grant.known_by.key() == key);
        if approvers || key.is_some_and(|key| self.is_operators_key(key)) {
            return Err(Refusal::Nothing(format!(
                "{} is the key of somebody who operated or approved this run",
                key.unwrap_or_default()
            )));
        }
        let uid = match said.known_by {
            KnownBy::LocalUser { uid } => Some(uid),
            KnownBy::SelfDeclared {} | KnownBy::Signature { .. } => None,
        };
        if uid.is_some_and(|uid| self.approvals.iter().any(|a| a.asked.uid == uid)) {
            return Err(Refusal::Nothing(format!("{who} is the user who operated this run")));
        }
        Ok(Event::run(Fact::SignedOff(Box::new(said))))
    }
}
