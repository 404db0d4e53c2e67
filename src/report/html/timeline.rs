//! The timeline, drawn to scale: each step's time and its target, what it went by with, the objective and
//! the milestones. A long runbook has several charts on one scale, so that each fits on a sheet.

mod scale;

use maud::{Markup, html};

use self::scale::{LEFT, RIGHT, Scale, WIDTH};
use super::super::model::{Activity, MarkKind, Report, Span, Step};
use super::super::words::{seconds, word};
use super::steps::sign;
use super::{section, t};

/// So many steps fit on a sheet with their heads.
const ROWS: usize = 28;
const ROW: f64 = 24.0;
const BAR: f64 = 9.0;
/// Room above the rows: labels of moments, then the axis.
const LABEL: f64 = 15.0;
const LEVELS: usize = 4;
const AXIS: f64 = 22.0;
const TOP: f64 = LABEL * 4.0 + AXIS;
/// What is shorter is drawn so wide, to be seen at all.
const LEAST: f64 = 1.5;

pub(super) fn timeline(report: &Report) -> Markup {
    let scale = Scale::new(&report.timeline);
    let numbered: Vec<_> = report.steps.iter().zip(1..).collect();
    let charts = numbered.chunks(ROWS).count();
    let body = html! {
        p.legend {
            (key("machine", "at work")) (key("person", "waiting for a person, or done by one"))
            (key("approval", "waiting for an approval"))
            span.key { svg class="swatch" viewBox="0 0 24 12" aria-hidden="true" {
                path.budget d="M1 3V9M1 6H23M23 3V9";
            } "target" }
        }
        @for (chart, rows) in numbered.chunks(ROWS).enumerate() {
            (self::chart(report, &scale, rows, chart + 1, charts))
        }
        @for remark in remarks(report, &scale) { p.small { (remark) } }
    };
    section("timeline", "Timeline", &body)
}

fn key(class: &str, text: &str) -> Markup {
    html! {
        span.key {
            svg class="swatch" viewBox="0 0 24 12" aria-hidden="true" {
                (bar(class, 1.0, 2.0, 22.0, 8.0, ""))
            }
            (text)
        }
    }
}

/// A stretch of time. The hatching says without colour what it went by with.
fn bar(class: &str, x: f64, y: f64, width: f64, height: f64, title: &str) -> Markup {
    let gap = if class == "approval" { 3.0 } else { 4.5 };
    let mut strokes = String::new();
    let mut at = x + gap;
    while class != "machine" && at < x + width {
        let lean = if class == "person" { height.min(at - x) } else { 0.0 };
        strokes.push_str(&format!("M{at:.1} {y:.1}l{:.1} {lean:.1}", -lean));
        if lean == 0.0 {
            strokes.push_str(&format!("v{height:.1}"));
        }
        at += gap;
    }
    html! {
        g class=(class) {
            @if !title.is_empty() { title { (title) } }
            rect x=(n(x)) y=(n(y)) width=(n(width)) height=(n(height)) {}
            @if !strokes.is_empty() { path d=(strokes) {} }
        }
    }
}

fn n(value: f64) -> String {
    format!("{value:.1}")
}

fn chart(
    report: &Report,
    scale: &Scale,
    rows: &[(&Step, usize)],
    chart: usize,
    charts: usize,
) -> Markup {
    // A number of rows is small.
    let height = rows.iter().fold(TOP + 8.0, |sum, _| sum + ROW);
    let of = if charts > 1 { format!(" ({chart} of {charts})") } else { String::new() };
    html! {
        svg.timeline viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
            aria-labelledby={ "chart-" (chart) "-title chart-" (chart) "-text" }
        {
            title id={ "chart-" (chart) "-title" } { "Timeline of the run" (of) }
            desc id={ "chart-" (chart) "-text" } { (described(report, rows)) }
            (axis(scale, height))
            (moments(report, scale, height))
            @for ((step, number), y) in rows.iter().zip((0..).map(|i: u32| TOP + ROW * f64::from(i))) {
                (row(scale, step, *number, y))
            }
        }
    }
}

/// The chart in words.
fn described(report: &Report, rows: &[(&Step, usize)]) -> String {
    let objective = report.timeline.objective_s.map(|s| format!("Objective: {}. ", seconds(s)));
    let marks =
        report.timeline.marks.iter().map(|mark| format!("{} at {}. ", mark.text, after(mark.at_s)));
    let steps = rows.iter().map(|(step, number)| {
        let outcome = step.outcome.as_ref().map_or_else(|| "no outcome yet".into(), word);
        format!("{number}. {}: {outcome}, {}. ", step.title, took(step))
    });
    let all: String = objective.into_iter().chain(marks).chain(steps).collect();
    format!("Time after the start of the outage. {}", t(all.trim_end()))
}

fn axis(scale: &Scale, height: f64) -> Markup {
    html! {
        @for s in scale.ticks() {
            @let x = scale.x(s);
            line.grid x1=(n(x)) x2=(n(x)) y1=(n(TOP - 4.0)) y2=(n(height)) {}
            text.tick x=(n(x)) y=(n(TOP - 9.0)) text-anchor="middle" { (after(s)) }
        }
        line.base x1=(n(LEFT)) x2=(n(RIGHT)) y1=(n(TOP - 4.0)) y2=(n(TOP - 4.0)) {}
    }
}

/// Seconds after the start of the outage, as a reader counts.
#[expect(clippy::cast_possible_truncation, reason = "a run is far shorter than what an i64 counts")]
fn after(s: f64) -> String {
    seconds(s.round() as i64)
}

fn moments(report: &Report, scale: &Scale, height: f64) -> Markup {
    let timeline = &report.timeline;
    let marks = timeline.marks.iter().map(|mark| {
        let (class, sign) = match mark.kind {
            MarkKind::Milestone => ("milestone", "◆"),
            MarkKind::Withdrawn => ("withdrawn", "◇"),
            MarkKind::Breach => ("breach", "✗"),
        };
        (mark.at_s, class, format!("{sign} {}", t(&mark.text)))
    });
    #[expect(clippy::cast_precision_loss, reason = "an objective is far shorter than 2^53 seconds")]
    let objective = timeline
        .objective_s
        .map(|s| (s as f64, "objective", format!("┆ objective {}", seconds(s))));
    let outage = (0.0, "outage", "▸ outage".to_owned());
    let shown = std::iter::once(outage).chain(objective).chain(marks);
    let mut shown: Vec<_> = shown.filter(|(s, ..)| scale.holds(*s)).collect();
    shown.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ends = [f64::MIN; LEVELS];
    html! {
        @for (s, class, text) in &shown {
            @let x = scale.x(*s);
            @let (level, from) = place(&mut ends, x, text);
            @let y = LABEL * level + 11.0;
            g class={ "moment " (class) } {
                title { (text) " at " (after(*s)) }
                line x1=(n(x)) x2=(n(x)) y1=(n(y + 3.0)) y2=(n(height)) {}
                text x=(n(from)) y=(n(y)) { (text) }
            }
        }
    }
}

/// On which level a label stands, and from where, so that as few as possible lie on others.
fn place(ends: &mut [f64; LEVELS], x: f64, text: &str) -> (f64, f64) {
    let width = text.chars().fold(6.0, |sum, _| sum + 6.3);
    let from = (x - 3.0).min(WIDTH - width).max(0.0);
    let free = ends.iter().position(|end| *end <= from);
    // When none is free, the one that is free the soonest.
    let soonest =
        || ends.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
    let level = free.unwrap_or_else(soonest);
    if let Some(end) = ends.get_mut(level) {
        *end = from + width;
    }
    ((0..level).fold(0.0, |sum, _| sum + 1.0), from)
}

fn row(scale: &Scale, step: &Step, number: usize, y: f64) -> Markup {
    let (class, sign) = step.outcome.map_or(("none", "·"), sign);
    let over = step.seconds.zip(step.budget_s).is_some_and(|(took, budget)| took > budget);
    let top = y + 5.0;
    html! {
        g.row {
            title { (number) ". " (t(&step.title)) }
            text.name x="0" y=(n(y + 14.0)) {
                tspan class={ "outcome " (class) } { (sign) } " " (number) " " (short(&step.title))
            }
            @for span in &step.spans { (stretch(scale, span, top)) }
            @if step.spans.is_empty() {
                text.nothing x=(n(LEFT + 4.0)) y=(n(y + 14.0)) {
                    (step.outcome.as_ref().map_or_else(|| "not reached".into(), word))
                }
            }
            (budget(scale, step, top + BAR + 4.0))
            text class=(if over { "took over" } else { "took" }) x=(n(WIDTH)) y=(n(y + 14.0)) text-anchor="end" {
                (took(step))
            }
        }
    }
}

fn stretch(scale: &Scale, span: &Span, y: f64) -> Markup {
    let (from, to) = (scale.x(span.from_s), scale.x(span.to_s));
    let class = match span.activity {
        Activity::Machine => "machine",
        Activity::Person => "person",
        Activity::Approval => "approval",
    };
    let title = format!("{class} {}", after(span.to_s - span.from_s));
    bar(class, from, y, (to - from).max(LEAST), BAR, &title)
}

/// The step's target, from when something was first at work.
fn budget(scale: &Scale, step: &Step, y: f64) -> Markup {
    let at_work = step.spans.iter().find(|span| span.activity == Activity::Machine);
    let first = at_work.or_else(|| step.spans.first()).map(|span| span.from_s);
    let Some((first, budget)) = first.zip(step.budget_s) else { return html! {} };
    #[expect(clippy::cast_precision_loss, reason = "a target is far shorter than 2^53 seconds")]
    let (from, to) = (scale.x(first), scale.x(first + budget as f64));
    let end = if scale.holds(first + budget as f64) { "v-4" } else { "l-4 -2m4 2l-4 2" };
    html! {
        path.budget d=(format!("M{from:.1} {:.1}v4m0 -2H{:.1}m0 2{end}", y - 2.0, to.max(from + LEAST))) {}
    }
}

/// How long a step took, of how long it should.
fn took(step: &Step) -> String {
    match (step.seconds, step.budget_s) {
        (Some(took), Some(budget)) if took > budget => {
            format!("{} / {} over", seconds(took), seconds(budget))
        }
        (Some(took), Some(budget)) => format!("{} / {}", seconds(took), seconds(budget)),
        (Some(took), None) => seconds(took),
        (None, Some(budget)) => format!("– / {}", seconds(budget)),
        (None, None) => "–".into(),
    }
}

/// A title that fits beside its row.
fn short(title: &str) -> String {
    const CHARS: usize = 31;
    let title = t(title).replace('\n', " ");
    match title.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", title.get(..end).unwrap_or(&title).trim_end()),
        None => title,
    }
}

/// What lies outside the chart.
fn remarks(report: &Report, scale: &Scale) -> Vec<String> {
    let timeline = &report.timeline;
    let mut remarks = Vec::new();
    if !scale.holds(0.0) {
        let before = after(timeline.started_s);
        remarks.push(format!("The outage began {before} before the run did: left of the chart."));
    }
    #[expect(clippy::cast_precision_loss, reason = "an objective is far shorter than 2^53 seconds")]
    if let Some(objective) = timeline.objective_s.filter(|s| !scale.holds(*s as f64)) {
        let objective = seconds(objective);
        remarks.push(format!(
            "The objective, {objective} after the start of the outage, lies outside the chart."
        ));
    }
    remarks.push("Times are counted from the start of the outage.".into());
    remarks
}

#[cfg(test)]
mod tests;
