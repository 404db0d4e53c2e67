//! The steps and when they ran, as lines.

use super::console::steps;
use super::theme::Theme;
use super::{clock, text};
use crate::engine::{Stamp, State};

/// One line a step, and what else happened to it below.
#[must_use]
pub fn lines(state: &State, now: &Stamp) -> Vec<String> {
    let mut lines = Vec::new();
    let theme = Theme::default();
    if let Some(outage) = &state.outage {
        lines.push(format!("{}  outage began", clock::moment(outage.start, now.at)));
    }
    if let Some((at, run)) = &state.started {
        lines.push(format!(
            "{}  {} began, by {}",
            clock::moment(at.at, now.at),
            run.run,
            run.operator
        ));
    }
    for step in &state.steps {
        let (sign, word, _) = steps::standing(state, step, &theme, now);
        let title = text::one_line(&state.title(step));
        let begun = step.attempts.first().map(|a| clock::moment(a.intended.at, now.at));
        lines.push(format!("{:<9}  {sign} {title}  {word}", begun.unwrap_or_default()));
        for attempt in &step.attempts {
            let end = attempt
                .ended()
                .map(|end| clock::clock(state.between(&attempt.intended, end).length));
            let stale = if attempt.stale { " (before a rerun)" } else { "" };
            lines.push(format!(
                "{:<9}      attempt {}{stale}  {}  {}",
                "",
                attempt.id.number,
                end.unwrap_or_default(),
                text::one_line(attempt.message())
            ));
        }
        for note in state.notes.iter().filter(|n| n.step.as_deref() == Some(step.id())) {
            lines.push(format!(
                "{:<9}      note by {}: {}",
                "",
                note.by,
                text::one_line(&note.text)
            ));
        }
    }
    for (milestone, reached) in &state.milestones {
        lines.push(format!("{}  ◆ {}", clock::moment(reached.at.at, now.at), milestone.name()));
    }
    for note in state.notes.iter().filter(|note| note.step.is_none()) {
        let at = clock::moment(note.at.at, now.at);
        lines.push(format!("{at}  note by {}: {}", note.by, text::one_line(&note.text)));
    }
    lines
}
