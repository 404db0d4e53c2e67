//! After the last step: how it went against the objectives, what departed from the straight path, and
//! where the record is.

use std::cmp::Reverse;

use ratatui::style::Style;
use ratatui::text::Line;

use super::console::steps;
use super::theme::Theme;
use super::{clock, text};
use crate::driver::View;
use crate::engine::event::{Ending, Severity};
use crate::engine::objectives;
use crate::engine::{Mode, Stamp, State};

/// The whole of it, in lines of at most `columns`.
#[must_use]
pub fn lines(view: &View, theme: &Theme, now: &Stamp, columns: usize) -> Vec<Line<'static>> {
    let state = &view.state;
    let mut lines = Vec::new();
    let ending = state.finished.as_ref().map(|(_, ending, reason)| (ending, reason));
    let (word, style) = match (ending, objectives::passed(state)) {
        (Some((Ending::Completed, _)), Some(true)) => ("✓ COMPLETED, passed", theme.ok),
        (Some((Ending::Completed, _)), Some(false)) => ("COMPLETED, not passed", theme.warn),
        (Some((Ending::Completed, _)), None) => ("COMPLETED", theme.warn),
        (Some((Ending::Aborted, _)), _) => ("✗ ABORTED", theme.bad),
        (None, _) => ("not over yet", theme.text),
    };
    lines.push(Line::styled(word, style));
    if let Some((_, Some(reason))) = ending {
        let why = format!("Because: {}", text::one_line(reason));
        lines.extend(text::wrap(&why, columns).into_iter().map(Line::raw));
    }
    if state.mode() == Mode::Rehearsal {
        lines.push(Line::styled("A rehearsal: nothing was executed.", theme.warn));
    }
    lines.push(Line::raw(""));
    for (said, style) in [rto(view, theme, now), rpo(view, theme, now)] {
        lines.extend(text::wrap(&said, columns).into_iter().map(|line| Line::styled(line, style)));
    }
    for said in time_told(state, now) {
        lines.extend(text::wrap(&said, columns).into_iter().map(Line::raw));
    }
    lines.push(match objectives::data_verified(state) {
        Some(true) => Line::styled("Data  ✓ verified by the steps that say so", theme.ok),
        Some(false) => Line::styled("Data  ✗ a verification did not succeed", theme.bad),
        None if state.is_rehearsal() => Line::styled("Data  not verified: nothing ran", theme.dim),
        None => Line::styled("Data  no step of this runbook verifies it", theme.dim),
    });
    for open in state.approvals.iter().filter(|approval| approval.is_open_glass()) {
        let run = state.run().map_or("RUN", |run| run.run.as_str());
        let said = format!(
            "✗ {} went on without the approval of {}. In retrospect: steady approve {run}",
            open.step,
            open.wanted()
        );
        let wrapped = text::wrap(&text::one_line(&said), columns);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.bad)));
    }
    lines.push(Line::raw(""));
    lines.push(Line::styled("The record", theme.title));
    let run = state.run().map_or("RUN", |run| run.run.as_str());
    let record = [
        format!("journal  {}", view.dir.join("journal.jsonl").display()),
        format!("head     {}", view.journal.head),
        format!("report   steady export {run}"),
        format!("check    steady verify {run}"),
        match state.anchors.up_to() {
            0 => format!("archive  steady export {run} --upload s3://…"),
            record => format!("archive  held up to record {record} where nobody can change it"),
        },
    ];
    lines.extend(
        record.iter().flat_map(|line| text::chop(&text::one_line(line), columns)).map(Line::raw),
    );
    lines.push(Line::raw(""));
    lines.extend(found(view, theme, columns));
    lines.push(Line::raw(""));
    let count = state.deviations.len();
    lines.push(Line::styled(format!("Deviations: {count}"), theme.title));
    for deviation in &state.deviations {
        let step = deviation.step.as_deref().map(|step| format!(" {step}")).unwrap_or_default();
        let line = format!(
            "{}{step} {}: {}",
            clock::moment(deviation.at.at, now.at),
            deviation.kind,
            text::one_line(&deviation.text)
        );
        let wrapped = text::wrap(&line, columns);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.warn)));
    }
    lines.push(Line::raw(""));
    lines.push(Line::styled("Steps", theme.title));
    for step in &state.steps {
        let (sign, word, style) = steps::standing(state, &view.pace, step, theme, now);
        let title = text::one_line(&state.title(step));
        let line = super::frame::edges(&format!("{sign} {title}"), &word, columns.min(70));
        lines.push(Line::styled(line, style));
    }
    lines
}

/// Issues, the gravest first, and lessons.
fn found(view: &View, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let state = &view.state;
    let mut lines = vec![Line::styled(format!("Issues: {}", state.issues.len()), theme.title)];
    let mut issues: Vec<_> = state.issues.iter().collect();
    issues.sort_by_key(|issue| (Reverse(issue.severity), issue.due, issue.seq));
    for issue in issues {
        let (owner, text) = (text::one_line(&issue.owner), text::one_line(&issue.text));
        let line = format!("{}: {text} ({owner}, until {})", issue.severity, issue.due);
        let style = match issue.severity {
            Severity::Low | Severity::Medium => theme.text,
            Severity::High | Severity::Critical => theme.warn,
        };
        lines.extend(text::wrap(&line, columns).into_iter().map(|line| Line::styled(line, style)));
    }
    lines.push(Line::styled(format!("Lessons: {}", state.lessons.len()), theme.title));
    for lesson in &state.lessons {
        let wrapped = text::wrap(&text::one_line(&lesson.text), columns);
        lines.extend(wrapped.into_iter().map(Line::raw));
    }
    lines
}

/// What the time went to, and what the clock was before the start of the outage was told anew.
fn time_told(state: &State, now: &Stamp) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(split) = objectives::split(state, now) {
        let parts = [
            ("before the run", split.before),
            ("machine", split.machine),
            ("waiting for a person", split.person),
            ("for approval", split.approval),
        ];
        let parts = parts.into_iter().filter(|(_, length)| !length.is_zero());
        let parts: Vec<_> =
            parts.map(|(what, length)| format!("{what} {}", clock::clock(length))).collect();
        said.push(format!("Time  {}", parts.join(" · ")));
    }
    if let (Some(was), false) = (state.first_declared(), state.is_rehearsal()) {
        let time = objectives::recovery_time_from(state, was, now);
        said.push(format!(
            "      first said to begin at {}: {} by that; a reviewer signs it off",
            clock::moment(was.start, now.at),
            clock::clock(time.elapsed)
        ));
    }
    said
}

fn rto(view: &View, theme: &Theme, now: &Stamp) -> (String, Style) {
    let Some(time) = objectives::recovery_time(&view.state, now) else {
        let words = if view.state.is_rehearsal() { "measured in a rehearsal" } else { "known" };
        return (format!("RTO   not {words}"), theme.dim);
    };
    let actual = clock::clock(time.elapsed);
    let clock = time.certainty.remark();
    let what = if time.stopped { "restored after" } else { "not declared restored;" };
    match (time.target.map(clock::clock), time.met()) {
        (None, _) => (format!("RTO   {what} {actual}, no objective{clock}"), theme.text),
        (Some(target), Some(true)) => {
            (format!("RTO   ✓ met: {what} {actual}, objective {target}{clock}"), theme.ok)
        }
        (Some(target), Some(false)) => {
            (format!("RTO   ✗ missed: {what} {actual}, objective {target}{clock}"), theme.bad)
        }
        (Some(target), None) => {
            (format!("RTO   open: {what} {actual}, objective {target}{clock}"), theme.warn)
        }
    }
}

fn rpo(view: &View, theme: &Theme, now: &Stamp) -> (String, Style) {
    let target = view.state.runbook.objectives.rpo.map(clock::span);
    let objective = target.map_or("no objective".to_owned(), |t| format!("objective {t}"));
    if view.state.is_rehearsal() {
        return ("RPO   not measured in a rehearsal".to_owned(), theme.dim);
    }
    let Some(rpo) = objectives::rpo(&view.state) else {
        return (format!("RPO   recovery point not known, {objective}"), theme.warn);
    };
    let point = clock::moment(rpo.point, now.at);
    let actual = clock::span(rpo.actual);
    let basis = format!("{}{}", rpo.basis.words(), rpo.certainty.remark());
    let said = format!("{actual} lost, recovery point {point} ({basis}), {objective}");
    match rpo.met() {
        Some(true) => (format!("RPO   ✓ met: {said}"), theme.ok),
        Some(false) => (format!("RPO   ✗ missed: {said}"), theme.bad),
        None => (format!("RPO   {said}"), theme.warn),
    }
}
