//! The guard of a live run as a whole: before its first step that acts, the environment's name is typed. Asked
//! once a run.

use super::event::{Consent, Event, Fact, Part};
use super::input::Refusal;
use super::state::State;
use crate::runbook::Effect;

impl State {
    /// What must still be typed before anything acts; `None` once it was, and where nothing is asked for.
    #[must_use]
    pub fn to_enter(&self) -> Option<&str> {
        self.run()?.phrase.as_deref().filter(|_| !self.entered)
    }

    /// The same, when it stands in the way of this action.
    #[must_use]
    pub fn to_enter_for(&self, step: &str, part: Part) -> Option<&str> {
        let acts = Self::effect_of(&self.step(step)?.step, part) != Effect::Reads;
        self.to_enter().filter(|_| acts)
    }

    pub(super) fn entered_for(&self, step: &str, part: Part) -> Result<(), Refusal> {
        match self.to_enter_for(step, part) {
            Some(phrase) => Err(Refusal::Guard(format!("this run is live: type `{phrase}` first"))),
            None => Ok(()),
        }
    }

    pub(super) fn enter(&self, typed: &str) -> Result<Event, Refusal> {
        let nothing = || Refusal::Nothing("nothing is asked for before the steps".into());
        let phrase = self.to_enter().ok_or_else(nothing)?;
        let part = Part::Do;
        Ok(Event::run(if typed == phrase {
            let consent = Consent::Typed { phrase: phrase.to_owned() };
            // It is for no one request: each has its own guard besides.
            Fact::GuardSatisfied { part, consent, request: String::new() }
        } else {
            let reason =
                format!("`{typed}` was typed where `{phrase}` was asked for: nothing acts");
            Fact::GuardRefused { part, reason }
        }))
    }
}
