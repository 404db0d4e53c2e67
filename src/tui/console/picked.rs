//! What was picked from a menu.

use super::super::signature::SignatureField;
use super::ask::Purpose;
use super::choices::{self, Pick};
use super::{Choice, Console, Overlay, Reaction};
use crate::driver::Command;
use crate::engine::event::Resolution;
use crate::engine::state::StepState;
use crate::engine::{Input, Stamp};
use crate::runbook::Milestone;

impl Console {
    pub(super) fn pick(&mut self, pick: Pick, now: &Stamp) -> Reaction {
        let state = self.view.state.clone();
        match pick {
            Pick::Choice(choice) => self.choose(choice, now),
            Pick::Stay => Reaction::default(),
            Pick::Leave => {
                Reaction { left: true, ..Command::Leave { reason: "left".into() }.into() }
            }
            Pick::Done => Input::Answer { choice: None, done: true, note: String::new() }.into(),
            Pick::DoneWithNote => self.ask(Purpose::Answer { done: true }, now),
            Pick::NotDone => self.ask(Purpose::Answer { done: false }, now),
            Pick::Paste => {
                self.overlay = Overlay::Sign(SignatureField::default());
                Reaction::default()
            }
            Pick::ReadText => self.read_text(),
            Pick::BreakGlass => self.break_glass(now),
            Pick::Item(i) => self.item(i, now),
            Pick::Resolve(resolution) => {
                // Not the latest one: that may be a probe, which could not tell.
                let unknown = state.current().and_then(StepState::unknown);
                let Some(attempt) = unknown.map(|attempt| attempt.id.clone()) else {
                    return Reaction::default();
                };
                let names = match resolution {
                    Resolution::Succeeded => state.needed_from(&attempt.step).into_iter().collect(),
                    Resolution::Failed | Resolution::NotDone | Resolution::Running => Vec::new(),
                };
                self.ask(Purpose::Resolve(attempt, resolution, names), now)
            }
        }
    }

    /// An option is chosen, or an item of the checklist is ticked or unticked.
    pub(super) fn item(&mut self, index: usize, now: &Stamp) -> Reaction {
        let state = self.view.state.clone();
        let Some(attempt) = state.current().and_then(StepState::last) else {
            return Reaction::default();
        };
        if let Some(options) = choices::options(&attempt.request) {
            let choice = options.into_iter().nth(index).map(|offer| offer.value);
            return Input::Answer { choice, done: true, note: String::new() }.into();
        }
        if let Some(tick) = self.ticks.as_mut().and_then(|(_, ticks)| ticks.get_mut(index)) {
            *tick = !*tick;
        }
        self.go(now)
    }

    pub(super) fn choose(&mut self, choice: Choice, now: &Stamp) -> Reaction {
        let state = self.view.state.clone();
        let Some(current) = state.current().map(|step| step.id().to_owned()) else {
            return Reaction::default();
        };
        let needed = || state.needed_from(&current).into_iter().collect();
        let milestone = |milestone: Milestone| {
            if state.milestones.contains_key(&milestone) {
                Purpose::Withdraw(milestone)
            } else {
                Purpose::Declare(milestone)
            }
        };
        let purpose = match choice {
            Choice::Retry => {
                return match state.step(&current) {
                    Some(step) => self.begin(step, now),
                    None => Reaction::default(),
                };
            }
            Choice::CheckAgain if !self.view.wants.is_empty() => {
                self.type_secrets();
                return Reaction::default();
            }
            Choice::CheckAgain => {
                return match state.step(&current) {
                    // To read again is to check again.
                    Some(step) if step.unknown().is_none() && step.reads() => self.begin(step, now),
                    Some(_) | None => Command::LookAgain.into(),
                };
            }
            Choice::Undo => {
                return match choices::undo_of(&state) {
                    Ok(step) => {
                        self.undo = Some(step.id().to_owned());
                        Command::PrepareUndo { step: step.id().to_owned() }.into()
                    }
                    Err(why) => self.say(why.to_string()),
                };
            }
            Choice::Pause if state.paused.is_some() => return Input::Continue.into(),
            Choice::Pause => Purpose::Pause,
            Choice::Skip => Purpose::Skip(current.clone(), needed()),
            Choice::MarkDone => Purpose::MarkDone(current.clone(), needed()),
            Choice::RerunFrom => {
                Purpose::Rerun(self.looked_id().unwrap_or_else(|| current.clone()))
            }
            Choice::AdHoc => Purpose::AdHoc,
            Choice::Amend => Purpose::Amend,
            Choice::OutageStart => Purpose::OutageStart,
            Choice::Escalation => Purpose::Acknowledge,
            Choice::Stopped => milestone(Milestone::WritesStopped),
            Choice::Restored => milestone(Milestone::ServiceRestored),
            Choice::Cancel => Purpose::Cancel,
            Choice::Abort => Purpose::Abort,
        };
        self.ask(purpose, now)
    }
}
