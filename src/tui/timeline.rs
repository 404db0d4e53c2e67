//! The steps and when they ran, as lines.

use super::console::steps;
use super::theme::Theme;
use super::{clock, text};
use crate::engine::{Pace, Stamp, State};

/// One line a step, and what else happened to it below.
#[must_use]
pub fn lines(state: &State, pace: &Pace, now: &Stamp) -> Vec<String> {
    let mut lines = Vec::new();
    let theme = Theme::default();
    if let Some(outage) = &state.outage {
        lines.push(format!("{}  outage began", clock::moment(outage.start, now.at)));
    }
    for amended in &state.outage_amendments {
        lines.push(format!(
            "{}  told anew by {}, was {}: {}",
            clock::moment(amended.at.at, now.at),
            amended.by,
            clock::moment(amended.was.start, now.at),
            text::one_line(&amended.reason)
        ));
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
        let (sign, word, _) = steps::standing(state, pace, step, &theme, now);
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
    for escalated in &state.escalations {
        let at = clock::moment(escalated.at.at, now.at);
        let to = text::one_line(&escalated.to);
        let what = match &escalated.acknowledged {
            Some((_, by, note)) => format!("seen to by {by}: {}", text::one_line(note)),
            None => "nobody has seen to it".to_owned(),
        };
        lines.push(format!("{at}  ▲ escalation to {to}: {what}"));
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
