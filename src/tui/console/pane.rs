//! The right side of a run: what the step is for, what it runs, how it went, what it prints.

use ratatui::text::Line;

use super::super::theme::Theme;
use super::super::{clock, request, text};
use super::{approval, choices, steps};
use crate::driver::{Prepared, View};
use crate::engine::{Attempt, Outcome, Part, Stamp, Status, StepState};
use crate::runbook::render::render_plan;

/// `03:12 / 15:00`
pub(super) fn time(view: &View, step: &StepState, now: &Stamp) -> String {
    let spent = steps::elapsed(&view.state, step, now).map(clock::clock);
    let budget = step.step.budget.map(clock::clock);
    match (spent, budget) {
        (Some(spent), Some(budget)) => format!("{spent} / {budget}"),
        (Some(spent), None) => spent,
        (None, _) => {
            let expected = view.pace.expected(&step.step).map(clock::clock);
            expected.map(|expected| format!("~{expected}")).unwrap_or_default()
        }
    }
}

/// Everything but the output, in lines of at most `columns`.
pub(super) fn lines(
    view: &View,
    step: &StepState,
    theme: &Theme,
    now: &Stamp,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines = approval::lines(view, step, theme, now, columns);
    how_it_stands(&mut lines, view, step, theme, now, columns);
    if let Some(usual) = usual(view, step) {
        lines.extend(text::wrap(&usual, columns).into_iter().map(|l| Line::styled(l, theme.dim)));
        lines.push(Line::raw(""));
    }
    if let Some(whole) = step.step.part_of(&view.state.scope(None)) {
        let line = text::shown(&format!("Part of: {whole}"));
        lines.extend(text::wrap(&line, columns).into_iter().map(|l| Line::styled(l, theme.dim)));
        lines.push(Line::raw(""));
    }
    if let Some(instructions) = &step.step.instructions {
        let rendered = instructions
            .render_text(&view.state.scope_of(&step.step, None))
            .unwrap_or_else(|_| instructions.source().to_owned());
        lines.extend(text::markdown(&rendered, columns).into_iter().map(Line::raw));
        lines.push(Line::raw(""));
    }
    let prepared = view.prepared.as_deref().filter(|p| p.step == step.id());
    match (prepared, step.last()) {
        (None | Some(_), last) if step.is_for_people() => {
            lines.extend(for_people(view, step, last, columns));
        }
        (Some(prepared), _) => lines.extend(prepared_lines(prepared, theme, columns)),
        (None, Some(attempt)) => {
            lines.extend(request::from_json(&attempt.request, theme, columns));
        }
        (None, None) => lines.extend(planned(view, step, theme, columns)),
    }
    if let (Some(evidence), None) = (&step.step.evidence, &step.settled) {
        lines.push(Line::raw(""));
        let ask = format!("Evidence wanted (e): {}", text::one_line(evidence));
        lines.extend(text::wrap(&ask, columns).into_iter().map(|l| Line::styled(l, theme.warn)));
    }
    lines
}

/// How long it took in earlier runs, while it has not come out in this one.
fn usual(view: &View, step: &StepState) -> Option<String> {
    let usual = view.pace.of(step.id(), Part::Do).filter(|_| step.settled.is_none())?;
    let (p50, p90) = (clock::clock(usual.p50), clock::clock(usual.p90));
    let budget = step.step.budget.map(|budget| format!(", budget {}", clock::clock(budget)));
    let of =
        if usual.count == 1 { "1 attempt".into() } else { format!("{} attempts", usual.count) };
    Some(format!("Past: p50 {p50}, p90 {p90} of {of}{}", budget.unwrap_or_default()))
}

/// What went wrong, or what is known, first: it is what one must read.
fn how_it_stands(
    lines: &mut Vec<Line<'static>>,
    view: &View,
    step: &StepState,
    theme: &Theme,
    now: &Stamp,
    columns: usize,
) {
    let mut say = |message: &str, style| {
        let wrapped = text::wrap(&text::shown(message), columns);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, style)));
    };
    match view.state.status(step) {
        Status::Failed(attempt) | Status::Retrying(attempt) => {
            say(&format!("✗ FAILED: {}", attempt.message()), theme.bad);
            for unmet in attempt.unmet() {
                say(&format!("  expected {}: {}", unmet.expr, unmet.seen), theme.bad);
            }
        }
        Status::Unknown(attempt) => {
            say(
                "? UNKNOWN: nobody knows how this came out. It is not done again without you.",
                theme.unknown,
            );
            say(attempt.message(), theme.text);
        }
        Status::Running(attempt) => {
            let share = |fraction: Option<f64>| {
                fraction.map(|f| format!("{:.0} % ", f * 100.0)).unwrap_or_default()
            };
            match (&view.status, &attempt.progress) {
                (Some(live), _) => {
                    say(&format!("{}{}", share(live.fraction), live.message), theme.running);
                }
                (None, Some((at, message, fraction))) => {
                    let at = clock::moment(at.at, now.at);
                    say(&format!("{at} {}{message}", share(*fraction)), theme.running);
                }
                (None, None) => {}
            }
            if let Some(reason) = &attempt.cancel {
                say(&format!("stopping: {reason}"), theme.warn);
            }
        }
        Status::Done(outcome) => {
            let why = step.settled.as_ref().map_or("", |settled| settled.why.as_str());
            let (word, style) = match outcome {
                Outcome::Succeeded => ("✓ done", theme.ok),
                Outcome::Failed => ("✗ FAILED", theme.bad),
                Outcome::Unknown => ("? UNKNOWN", theme.unknown),
                Outcome::Skipped => ("↷ skipped", theme.warn),
                Outcome::NotApplicable => ("– does not apply", theme.dim),
                Outcome::Overridden => ("✎ marked done by hand", theme.warn),
            };
            say(&if why.is_empty() { word.to_owned() } else { format!("{word}: {why}") }, style);
        }
        Status::AwaitsPerson(_) if step.step.is_approval() => {}
        Status::AwaitsPerson(_) => say("☛ Your turn. Enter answers.", theme.running),
        Status::Pending | Status::Ready | Status::Consented => {}
    }
    if !lines.is_empty() {
        lines.push(Line::raw(""));
    }
}

fn prepared_lines(prepared: &Prepared, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let mut lines = match &prepared.request {
        Ok(request) => request::lines(request, theme, columns),
        Err(why) => text::wrap(&text::shown(&format!("✗ cannot be run: {why}")), columns)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
    };
    lines.extend(request::target(prepared, theme, columns));
    lines
}

/// The plan: what is not known yet stands as its template.
fn planned(view: &View, step: &StepState, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    match render_plan(&step.step.action, &step.step.env, &view.state.scope_of(&step.step, None)) {
        Ok(request) => request::lines(&request, theme, columns),
        Err(why) => text::wrap(&text::shown(&why.to_string()), columns)
            .into_iter()
            .map(|line| Line::styled(line, theme.dim))
            .collect(),
    }
}

/// What a person ticks or chooses from.
fn for_people(
    view: &View,
    step: &StepState,
    last: Option<&Attempt>,
    columns: usize,
) -> Vec<Line<'static>> {
    let done = matches!(view.state.status(step), Status::Done(Outcome::Succeeded));
    let planned = || {
        let scope = view.state.scope_of(&step.step, None);
        render_plan(&step.step.action, &step.step.env, &scope).map(|request| request.masked())
    };
    let request = match last {
        Some(attempt) => attempt.request.clone(),
        None => planned().unwrap_or_default(),
    };
    if step.step.is_approval() {
        let what = request.get("args").and_then(|args| args.get("what"));
        let what = what.and_then(serde_json::Value::as_str).unwrap_or_default();
        let wrapped = text::wrap(&text::shown(what), columns);
        return wrapped.into_iter().map(Line::raw).collect();
    }
    let items = choices::checklist(&request).into_iter();
    let ticks = items.map(|item| format!("{} {item}", if done { "☑" } else { "☐" }));
    let options = choices::options(&request).unwrap_or_default().into_iter();
    ticks
        .chain(options.map(|option| format!("• {}", option.label)))
        .flat_map(|line| text::wrap(&text::shown(&line), columns))
        .map(Line::raw)
        .collect()
}
