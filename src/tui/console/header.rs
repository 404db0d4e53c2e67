//! The first lines of a run: what it is, how long is left, how much is lost, what it acts on.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::theme::Theme;
use super::super::{clock, text};
use crate::driver::View;
use crate::engine::objectives::{self, Basis, RecoveryTime};
use crate::engine::{Mode, Stamp, State};

/// `LIVE · Aurora PITR · INC-4211 · production`
pub(super) fn identity(view: &View) -> String {
    let state = &view.state;
    let mode = match state.mode() {
        Mode::Live => "LIVE",
        Mode::Drill => "DRILL",
        Mode::Rehearsal => "REHEARSAL",
    };
    let mut parts = vec![mode.to_owned()];
    if view.read_only {
        parts.insert(0, "WATCHING".to_owned());
    }
    let run = state.run();
    if run.is_some_and(|run| run.practice) {
        parts.push("practice".to_owned());
    }
    parts.push(text::one_line(&state.runbook.title));
    let told = run.map(|run| [run.incident.as_deref(), run.environment.as_deref()]);
    parts.extend(told.into_iter().flatten().flatten().map(text::one_line));
    parts.join(" · ")
}

/// `journal ✓ 41 · a3f9c2e1`
pub(super) fn journal(view: &View) -> String {
    let head: String = view.journal.head.chars().take(8).collect();
    match &view.journal.halted {
        Some(_) => format!("journal ✗ HALTED {} · {head}", view.journal.records),
        None => format!("journal ✓ {} · {head}", view.journal.records),
    }
}

/// `signed ✓ 3`: how many checkpoints are signed; in capitals what should be and is not.
pub(super) fn signed(state: &State, theme: &Theme) -> (String, Style) {
    let asked_for = state.run().is_some_and(|run| run.signing.is_some());
    match (state.signatures.signed.len(), state.signatures.failure()) {
        (_, Some(_)) => ("NOT SIGNED".to_owned(), theme.warn),
        (0, None) if asked_for => ("not signed yet".to_owned(), theme.text),
        (0, None) => ("unsigned".to_owned(), theme.dim),
        (count, None) => (format!("signed ✓ {count}"), theme.text),
    }
}

/// `RTO 18:42 / 30:00  ████▌░░  11:18 left · on pace for 26:10`
pub(super) fn rto(state: &State, theme: &Theme, now: &Stamp, columns: usize) -> Line<'static> {
    if state.is_rehearsal() {
        let target = state.runbook.objectives.rto.map(clock::clock);
        let of = target.map_or(String::new(), |target| format!(" / {target}"));
        let words = "not measured: nothing is executed in a rehearsal";
        return Line::styled(format!("RTO –{of}  {words}"), theme.dim);
    }
    let Some(time) = objectives::recovery_time(state, now) else {
        return Line::styled("RTO –", theme.dim);
    };
    let elapsed = clock::clock(time.elapsed);
    let Some(target) = time.target else {
        let since = if time.stopped { "to the service restored" } else { "since the outage began" };
        return Line::raw(format!(
            "RTO {elapsed} {since} · no objective{}",
            time.certainty.remark()
        ));
    };
    let left = format!("RTO {elapsed} / {}", clock::clock(target));
    let (right, style) = verdict(state, &time, theme, now);
    let right = format!("{right}{}", time.certainty.remark());
    let room = columns.saturating_sub(text::width(&left) + text::width(&right) + 4).min(40);
    let share = time.elapsed.num_milliseconds().max(0) * 1000 / target.num_milliseconds().max(1);
    let bar = bar(usize::try_from(share).unwrap_or(1000).min(1000), room);
    Line::from(vec![
        Span::styled(left, theme.title),
        Span::raw("  "),
        Span::styled(bar, style),
        Span::raw("  "),
        Span::styled(right, style),
    ])
}

fn verdict(state: &State, time: &RecoveryTime, theme: &Theme, now: &Stamp) -> (String, Style) {
    let target = time.target.unwrap_or_default();
    let over = time.elapsed - target;
    match (time.met(), time.stopped) {
        (Some(true), _) => ("✓ restored in time".to_owned(), theme.ok),
        (Some(false), true) => (format!("✗ restored {} late", clock::clock(over)), theme.bad),
        (Some(false), false) => (format!("✗ missed by {}", clock::clock(over)), theme.bad),
        (None, _) => {
            let left = format!("{} left", clock::clock(-over));
            match objectives::projection(state, now) {
                Some(end) if end > target => {
                    (format!("{left} · LATE: on pace for {}", clock::clock(end)), theme.warn)
                }
                Some(end) => (format!("{left} · on pace for {}", clock::clock(end)), theme.ok),
                None => (left, theme.ok),
            }
        }
    }
}

/// A bar of `columns`, filled so many thousandths.
fn bar(thousandths: usize, columns: usize) -> String {
    let halves = thousandths * columns * 2 / 1000;
    let mut out = "█".repeat(halves / 2);
    if halves % 2 == 1 {
        out.push('▌');
    }
    let used = text::width(&out);
    out.push_str(&"░".repeat(columns.saturating_sub(used)));
    out
}

/// `RPO 4m12s / 5m ✓  recovery point 02:54:00Z · account …9012 us-east-1 ✓`
pub(super) fn rpo(state: &State, theme: &Theme, now: &Stamp) -> Line<'static> {
    let objective = state.runbook.objectives.rpo.map(clock::span);
    let of = objective.map(|target| format!(" / {target}")).unwrap_or_default();
    let (left, style) = match objectives::rpo(state) {
        None if state.is_rehearsal() => (format!("RPO –{of}  not measured"), theme.dim),
        None => (format!("RPO –{of}  recovery point not known yet"), theme.dim),
        Some(rpo) => {
            let (sign, style) = match rpo.met() {
                Some(true) => (" ✓", theme.ok),
                Some(false) => (" ✗ missed", theme.bad),
                None => ("", theme.text),
            };
            let basis = match rpo.basis {
                Basis::Achieved => "recovery point",
                Basis::Stated => "stated, not measured:",
                Basis::Requested => "requested, not proven:",
            };
            let point = clock::moment(rpo.point, now.at);
            (format!("RPO {}{of}{sign}  {basis} {point}", clock::span(rpo.actual)), style)
        }
    };
    let mut spans = vec![Span::styled(left, style)];
    let (pins, proven) = match (&state.target, state.run()) {
        (Some((_, pins)), _) => (pins.clone(), true),
        (None, Some(run)) => (run.pins.clone(), false),
        (None, None) => return Line::from(spans),
    };
    if !pins.is_empty() {
        let pins: Vec<String> = pins.iter().map(|(name, value)| short_pin(name, value)).collect();
        let sign = if proven { "✓" } else { "not proven yet" };
        let style = if proven { theme.text } else { theme.warn };
        spans.push(Span::raw(" · "));
        spans.push(Span::styled(format!("{} {sign}", pins.join(" ")), style));
    }
    Line::from(spans)
}

/// `account …9012`, `us-east-1`: the whole is in the confirmation.
fn short_pin(name: &str, value: &str) -> String {
    let word = name.rsplit('.').next().unwrap_or(name);
    let value = text::one_line(value);
    let long = value.len() >= 12 && value.chars().all(|c| c.is_ascii_digit());
    let value = if long { format!("…{}", &value[value.len() - 4..]) } else { value };
    if word == "region" { value } else { format!("{word} {value}") }
}
