//! Towards a guard: what must be typed first, the confirmation, and what becomes of both as the run moves.

use super::approval::{self, Turn};
use super::ask::Purpose;
use super::{Console, Overlay, Reaction};
use crate::driver::{Command, Prepared};
use crate::engine::state::StepState;
use crate::engine::{Given, Part, Stamp, State};
use crate::runbook::model::Guard;
use crate::tui::confirm::Confirm;
use crate::tui::secret::SecretField;

/// Why what is prepared may not be run.
fn stands_in_the_way(prepared: &Prepared) -> Option<String> {
    match (&prepared.request, &prepared.target) {
        (Err(why), _) => Some(format!("it cannot be run: {why}")),
        (Ok(_), Err(why)) => Some(format!("the target is not proven: {why}")),
        (Ok(_), Ok(_)) => None,
    }
}

impl Console {
    /// A confirmation shows what is prepared, or nothing; an undo that was asked for is shown once it is there.
    pub(super) fn follow_prepared(&mut self, old_notice: u64, now: &Stamp) -> Reaction {
        let prepared = self.view.prepared.clone();
        if let Overlay::Confirm(confirm) = &mut self.overlay {
            let shown = confirm.prepared();
            let step = self.view.state.step(&shown.step);
            // The run keeps what was consented to while it is at work.
            let answered = step.is_some_and(|step| confirm.is_answered(step));
            let same = prepared
                .as_ref()
                .filter(|p| p.step == shown.step && p.part == shown.part && !answered)
                .cloned();
            match same.map(|prepared| (stands_in_the_way(&prepared), prepared)) {
                // What may not be run is not asked for.
                Some((Some(why), _)) => {
                    self.overlay = Overlay::None;
                    self.remark = Some(why);
                }
                Some((None, prepared)) => {
                    confirm.changed(prepared);
                    confirm.resized(self.size);
                    if let Some(notice) = &self.view.notice
                        && notice.number > old_notice
                    {
                        confirm.refused(&notice.text);
                    }
                }
                None => self.overlay = Overlay::None,
            }
        }
        if let (Some(undo), Some(prepared)) = (&self.undo, &prepared)
            && prepared.part == Part::Undo
            && prepared.step == *undo
            && !matches!(self.overlay, Overlay::Secret(_))
        {
            if prepared.wants.is_empty() {
                self.undo = None;
                self.confirm(now);
            } else {
                self.type_secrets();
            }
        }
        if let (Some(review), Some(prepared), Overlay::None) =
            (&self.review, &prepared, &self.overlay)
            && prepared.step == *review
            && prepared.wants.is_empty()
            && self.view.state.to_enter_for(&prepared.step, prepared.part).is_none()
        {
            // The operator has begun this step, and typed what it lacked.
            self.review = None;
            let state = self.view.state.clone();
            if let Some(step) = state.step(&prepared.step) {
                return self.begin(step, now);
            }
        }
        Reaction::default()
    }

    /// Towards the guard of the current step.
    pub(super) fn begin(&mut self, step: &StepState, now: &Stamp) -> Reaction {
        let Some(prepared) = self.view.prepared.clone().filter(|p| p.step == step.id()) else {
            return self.say("not ready yet: the request and the target are being looked at");
        };
        if let Some(why) = stands_in_the_way(&prepared) {
            self.say(why);
            // It may have been put right meanwhile: it is looked at anew.
            return Command::PrepareDo.into();
        }
        if !prepared.wants.is_empty() {
            self.review = Some(prepared.step.clone());
            self.type_secrets();
            return Reaction::default();
        }
        if let Some(phrase) = self.view.state.to_enter_for(step.id(), prepared.part) {
            let phrase = phrase.to_owned();
            self.review = Some(prepared.step.clone());
            return self.ask(Purpose::Enter(phrase), now);
        }
        if prepared.part == Part::Do {
            match approval::turn(&self.view, step) {
                Turn::Own => {}
                Turn::Ask => {
                    let (step, digest) = (prepared.step.clone(), prepared.digest.clone());
                    return Command::AskApproval { step, digest }.into();
                }
                Turn::Wait => return self.wait_for_approval(step),
            }
        }
        match State::guard(&step.step, prepared.part) {
            Guard::None => Command::Consent {
                step: prepared.step.clone(),
                part: prepared.part,
                digest: prepared.digest.clone(),
                given: Given::Enter,
            }
            .into(),
            Guard::Confirm | Guard::Type(_) => {
                self.confirm(now);
                Reaction::default()
            }
        }
    }

    /// Opens the confirmation of what is prepared.
    pub(super) fn confirm(&mut self, now: &Stamp) {
        let Some(prepared) = self.view.prepared.clone() else { return };
        let Some(step) = self.view.state.step(&prepared.step) else { return };
        let title = self.view.state.title(step);
        let mut confirm = Confirm::new(prepared, &title, step, now);
        confirm.resized(self.size);
        self.overlay = Overlay::Confirm(Box::new(confirm));
    }

    pub(super) fn leave_confirm(&mut self) -> Reaction {
        let undo = matches!(&self.overlay, Overlay::Confirm(c) if c.prepared().part == Part::Undo);
        self.overlay = Overlay::None;
        if undo { Command::PrepareDo.into() } else { Reaction::default() }
    }

    /// Opens the field for what must be typed.
    pub(super) fn type_secrets(&mut self) {
        let declared = &self.view.state.runbook.inputs;
        let help = |name: &String| {
            let input = declared.iter().find(|input| input.name == *name);
            input.and_then(|input| input.help.clone()).unwrap_or_default()
        };
        let wanted = self.view.wants.iter().map(|name| (name.clone(), help(name))).collect();
        if let Some(field) = SecretField::new(wanted) {
            self.overlay = Overlay::Secret(field);
        }
    }

    pub(super) fn leave_secret(&mut self) -> Reaction {
        self.overlay = Overlay::None;
        self.review = None;
        match self.undo.take() {
            Some(_) => Command::PrepareDo.into(),
            None => Reaction::default(),
        }
    }
}
