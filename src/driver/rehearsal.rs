//! A rehearsal's plan: how long each attempt would take, and what earlier runs saved.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::actions::rehearsed::Planned;
use crate::catalogue::Past;
use crate::engine::event::RunStarted;
use crate::engine::pace::Usual;
use crate::engine::{AttemptId, Mode, Part, State};
use crate::runbook::value::duration_text;

/// How many times as fast as planned a rehearsal goes when nothing else is said.
pub const SPEED: u32 = 20;
/// How long an attempt is taken to last of which nothing is known.
const UNKNOWN: TimeDelta = TimeDelta::seconds(30);

/// What a rehearsal goes by.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// How many times as fast as planned.
    speed: u32,
    past: Past,
}

impl Rehearsal {
    /// `None` when the run is none.
    pub(super) fn of(run: &RunStarted, past: Past) -> Option<Self> {
        let speed = run.speed.unwrap_or(SPEED).max(1);
        (run.mode == Mode::Rehearsal).then_some(Self { speed, past })
    }

    /// So much sooner.
    pub(super) fn sooner(&self, length: Duration) -> Duration {
        length / self.speed
    }

    pub(super) fn planned(
        &self,
        state: &State,
        id: &AttemptId,
        fail: CancellationToken,
    ) -> Planned {
        let step = state.step(&id.step);
        let budget = step.filter(|_| id.of == Part::Do).and_then(|step| step.step.budget);
        let (length, how) = match (self.past.pace.of(&id.step, id.of), budget) {
            (Some(Usual { p50, count: 1, .. }), _) => {
                (p50, "as the one attempt on record".to_owned())
            }
            (Some(Usual { p50, count, .. }), _) => (p50, format!("the median of {count} attempts")),
            (None, Some(budget)) => (budget, "its budget".to_owned()),
            (None, None) => (UNKNOWN, "a guess: it has no budget and no past".to_owned()),
        };
        let whole = TimeDelta::seconds(length.num_seconds());
        let shown = if whole.is_zero() { length } else { whole };
        let saved = self.past.saved.get(&id.step).filter(|_| id.of == Part::Do);
        Planned {
            said: format!("{} ({how})", duration_text(shown)),
            takes: self.sooner(length.to_std().unwrap_or_default()),
            saved: saved.map(|saved| saved.values.clone()).unwrap_or_default(),
            saved_by: saved.map(|saved| saved.run.clone()),
            fail,
        }
    }
}
