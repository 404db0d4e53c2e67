//! The first lines of a run: what it is, how long is left, how much is lost, what it acts on.

use chrono::TimeDelta;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::theme::Theme;
use super::super::{clock, text};
use crate::driver::View;
use crate::engine::clock::Certainty;
use crate::engine::escalation::Escalated;
use crate::engine::objectives::{self, Basis, RecoveryTime};
use crate::engine::{Mode, Stamp, State, pace};

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
pub(super) fn rto(view: &View, theme: &Theme, now: &Stamp, columns: usize) -> Line<'static> {
    let state = &view.state;
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
    let remark = time.certainty.remark();
    let Some(target) = time.target else {
        let since = if time.stopped { "to the service restored" } else { "since the outage began" };
        return Line::raw(format!("RTO {elapsed} {since} · no objective{remark}"));
    };
    let left = format!("RTO {elapsed} / {}", clock::clock(target));
    let (verdict, style) = verdict(state, &time, target, theme);
    let (pace, style) = match pace(view, &time, target, theme, now) {
        Some((pace, style)) => (format!(" · {pace}"), style),
        None => (String::new(), style),
    };
    let room = columns.saturating_sub(text::width(&left) + 4);
    // Whether the clock can be relied on is never what is dropped.
    let right = [format!("{verdict}{pace}{remark}"), format!("{verdict}{remark}")];
    let right = right.into_iter().find(|right| text::width(right) <= room);
    let right = right.unwrap_or_else(|| text::fit(&format!("{verdict}{remark}"), room));
    let share = time.elapsed.num_milliseconds().max(0) * 1000 / target.num_milliseconds().max(1);
    let room = room.saturating_sub(text::width(&right)).min(40);
    let bar = bar(usize::try_from(share).unwrap_or(1000).min(1000), room);
    Line::from(vec![
        Span::styled(left, theme.title),
        Span::raw("  "),
        Span::styled(bar, style),
        Span::raw("  "),
        Span::styled(right, style),
    ])
}

fn verdict(
    state: &State,
    time: &RecoveryTime,
    target: TimeDelta,
    theme: &Theme,
) -> (String, Style) {
    let over = time.elapsed - target;
    match (time.met(), time.stopped) {
        (Some(true), _) => ("✓ restored in time".to_owned(), theme.ok),
        (Some(false), true) => {
            (format!("✗ MISSED: restored {} late", clock::clock(over)), theme.bad)
        }
        (Some(false), false) => (format!("✗ MISSED by {}", clock::clock(over)), theme.bad),
        (None, _) if time.certainty == Certainty::Uncertain => {
            ("clocks contradict: Space o".to_owned(), theme.warn)
        }
        (None, _) if state.finished.is_some() => ("not restored".to_owned(), theme.warn),
        (None, _) => (format!("{} left", clock::clock(-over)), theme.ok),
    }
}

/// `on pace for 26:10`, while that can still come true.
fn pace(
    view: &View,
    time: &RecoveryTime,
    target: TimeDelta,
    theme: &Theme,
    now: &Stamp,
) -> Option<(String, Style)> {
    if view.state.finished.is_some() || time.stopped || time.certainty == Certainty::Uncertain {
        return None;
    }
    let end = pace::projection(&view.state, &view.pace, now)?;
    let said = format!("on pace for {}", clock::clock(end));
    Some(match (time.met(), end > target) {
        (Some(_), _) => (said, theme.bad),
        (None, true) => (format!("LATE: {said}"), theme.warn),
        (None, false) => (said, theme.ok),
    })
}

/// `▲ ESCALATE: 15m are over. Call Database lead: #db-oncall`
pub(super) fn escalation(due: &Escalated, read_only: bool) -> String {
    let after = clock::span(TimeDelta::seconds(due.after_s));
    let how = if read_only { "" } else { " (Space e: done)" };
    format!("▲ ESCALATE: {after} are over. Call {}: {}{how}", due.to, due.contact)
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
                Some(false) => (" ✗ MISSED", theme.bad),
                None => ("", theme.text),
            };
            let basis = match rpo.basis {
                Basis::Achieved => "recovery point",
                Basis::Stated => "stated, not measured:",
                Basis::Requested => "requested, not proven:",
            };
            let point = clock::moment(rpo.point, now.at);
            let sure = rpo.certainty.remark();
            (format!("RPO {}{of}{sign}  {basis} {point}{sure}", clock::span(rpo.actual)), style)
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
