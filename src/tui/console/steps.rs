//! The list of steps: a sign, the title and a word or a time for each.

use chrono::TimeDelta;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::theme::Theme;
use super::super::{clock, frame, text};
use super::approval;
use crate::engine::{Outcome, Pace, Part, Stamp, State, Status, StepState};

/// How long a step has taken: to its outcome, or to now while it is at work.
pub(in super::super) fn elapsed(state: &State, step: &StepState, now: &Stamp) -> Option<TimeDelta> {
    let first = step.attempts.iter().find(|a| !a.stale && a.id.of == Part::Do)?;
    let end = match (&step.settled, step.last()) {
        (Some(settled), _) => &settled.at,
        (None, Some(last)) => last.ended().unwrap_or(now),
        (None, None) => now,
    };
    Some(state.between(&first.intended, end).length)
}

/// The sign, the word or time, and the style of where a step stands.
pub(in super::super) fn standing(
    state: &State,
    pace: &Pace,
    step: &StepState,
    theme: &Theme,
    now: &Stamp,
) -> (&'static str, String, Style) {
    let time = || elapsed(state, step, now).map(clock::clock).unwrap_or_default();
    let word = |word: &str| word.to_owned();
    match state.status(step) {
        Status::Pending => {
            let expected = pace.expected(&step.step).map(|b| format!("~{}", clock::clock(b)));
            ("·", expected.unwrap_or_default(), theme.dim)
        }
        Status::Ready | Status::AwaitsPerson(_) if approval::waits(state, step) => {
            ("⧗", word("approval"), theme.running)
        }
        Status::Ready => ("▷", word("next"), theme.running),
        Status::Consented => ("▶", word("starting"), theme.running),
        Status::Running(attempt) if attempt.cancel.is_some() => ("▶", word("stopping"), theme.warn),
        Status::Running(_) => {
            let late = step.step.budget.zip(elapsed(state, step, now)).is_some_and(|(b, t)| t > b);
            ("▶", time(), if late { theme.warn } else { theme.running })
        }
        Status::AwaitsPerson(_) => ("☛", word("your turn"), theme.running),
        Status::Retrying(_) => ("↻", word("retrying"), theme.warn),
        Status::Unknown(_) => ("?", word("UNKNOWN"), theme.unknown),
        Status::Failed(_) => ("✗", word("failed"), theme.bad),
        Status::Done(_) if step.undone => ("↶", word("undone"), theme.warn),
        Status::Done(Outcome::Succeeded) => ("✓", time(), theme.ok),
        Status::Done(Outcome::Failed) => ("✗", word("failed"), theme.bad),
        Status::Done(Outcome::Unknown) => ("?", word("UNKNOWN"), theme.unknown),
        Status::Done(Outcome::Skipped) => ("↷", word("skipped"), theme.warn),
        Status::Done(Outcome::NotApplicable) => ("–", word("n/a"), theme.dim),
        Status::Done(Outcome::Overridden) => ("✎", word("by hand"), theme.warn),
    }
}

/// The lines of the list; the one that is looked at is marked.
pub(super) fn lines(
    state: &State,
    pace: &Pace,
    looked: usize,
    theme: &Theme,
    now: &Stamp,
    columns: usize,
) -> Vec<Line<'static>> {
    let current = state.current().and_then(|step| state.position(step.id()));
    state
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| {
            let (sign, word, style) = standing(state, pace, step, theme, now);
            let title = text::one_line(&state.title(step));
            let rest = frame::edges(&title, &word, columns.saturating_sub(2));
            // Looking elsewhere than at the current step is not only a colour.
            let mark = if i == looked && current != Some(i) { "▸" } else { " " };
            let head = Span::styled(format!("{sign}{mark}"), style);
            let line = Line::from(vec![head, Span::raw(rest)]);
            frame::marked(i == looked, theme, line, columns)
        })
        .collect()
}

/// `5 of 9`
pub(super) fn place(state: &State) -> String {
    let count = state.steps.len();
    match state.current().and_then(|step| state.position(step.id())) {
        Some(at) => format!("{} of {count}", at + 1),
        None => format!("{count} steps"),
    }
}
