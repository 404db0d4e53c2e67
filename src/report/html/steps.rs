//! Every step: what was asked for, what was run, what came of it.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::super::model::{Attempt, Excerpt, Report, Step};
use super::super::words::{plain, seconds, word};
use super::{at, hash, list, section, t, table};
use crate::engine::Outcome;

pub(super) fn steps(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .steps
        .iter()
        .zip(1..)
        .map(|(step, n)| {
            vec![
                html! { (n) },
                html! { a href={ "#step-" (n) } { (t(&step.title)) } },
                outcome(step),
                html! { @if let Some(started) = step.started { (at(started)) } },
                html! { (step.seconds.map_or_else(String::new, seconds)) },
                html! { (step.budget_s.map_or_else(String::new, seconds)) },
                html! { (step.attempts.len()) },
            ]
        })
        .collect();
    let head = ["#", "Step", "Outcome", "Start", "Took", "Target", "Attempts"];
    let body = html! {
        (table(&head, &rows))
        @for (step, n) in report.steps.iter().zip(1..) { (one(step, n)) }
    };
    section("steps", "Steps", &body)
}

/// The sign and the word of an outcome.
fn outcome(step: &Step) -> Markup {
    let Some(outcome) = &step.outcome else { return html! { span.none { "none yet" } } };
    let (class, sign) = sign(*outcome);
    html! { span class={ "outcome " (class) } { span aria-hidden="true" { (sign) } " " (word(outcome)) } }
}

/// How an outcome looks, on paper without colour too.
pub(super) fn sign(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Succeeded => ("good", "✓"),
        Outcome::Failed => ("bad", "✗"),
        Outcome::Unknown => ("open", "?"),
        Outcome::Skipped => ("aside", "↷"),
        Outcome::NotApplicable => ("none", "–"),
        Outcome::Overridden => ("aside", "!"),
    }
}

fn one(step: &Step, n: usize) -> Markup {
    let some = |items: &[String]| (!items.is_empty()).then(|| lines(items));
    let saved: Vec<_> = step.saved.iter().map(|(k, v)| format!("{k} = {}", plain(v))).collect();
    let evidence = step.evidence.iter().map(|e| format!("evidence/{} {}", e.file, e.sha256));
    let evidence: Vec<_> = evidence.collect();
    let facts = list(&[
        ("Outcome", Some(outcome(step))),
        ("Why", (!step.why.is_empty()).then(|| html! { (t(&step.why)) })),
        ("Action", Some(html! { code { (step.action) } " (" (step.effect.name()) ")" })),
        ("Added during the run", step.added.then(|| html! { "yes" })),
        ("Expected", some(&step.expected)),
        ("Verifies data", step.verifies_data.then(|| html! { "yes" })),
        ("Milestone", step.milestone.map(|m| html! { (m.name()) })),
        (
            "Took, of target",
            step.seconds.map(|took| {
                html! {
                    (seconds(took))
                    @if let Some(budget) = step.budget_s { " of " (seconds(budget)) }
                }
            }),
        ),
        ("Saved", some(&saved)),
        ("Guard refused", some(&step.refused)),
        ("Deviations", some(&step.deviations)),
        ("Evidence", some(&evidence)),
    ]);
    let mut shown: Option<&str> = None;
    html! {
        article.step id={ "step-" (n) } {
            h3 { span.number { (n) } " " (t(&step.title)) " " code.id { (t(&step.id)) } }
            (facts)
            @for attempt in &step.attempts {
                (one_attempt(attempt, shown.replace(&attempt.digest) == Some(&attempt.digest)))
            }
        }
    }
}

pub(super) fn lines(items: &[String]) -> Markup {
    html! { @for (i, item) in items.iter().enumerate() { @if i > 0 { br; } (t(item)) } }
}

fn one_attempt(attempt: &Attempt, same_request: bool) -> Markup {
    let expectations: Vec<_> = attempt
        .expectations
        .iter()
        .map(|e| {
            format!("{}: {} ({})", if e.held { "held" } else { "did not hold" }, e.expr, e.seen)
        })
        .collect();
    let facts = list(&[
        ("Who, and how", Some(html! { (t(&attempt.by)) ", " (t(&attempt.consent)) })),
        ("Start", Some(at(attempt.started))),
        ("End", attempt.ended.map(at)),
        ("Took", attempt.seconds.map(|s| html! { (seconds(s)) })),
        ("Message", (!attempt.message.is_empty()).then(|| html! { (t(&attempt.message)) })),
        ("Expectations", (!expectations.is_empty()).then(|| lines(&expectations))),
        ("Cancelled", attempt.cancelled.as_deref().map(|why| html! { (t(why)) })),
        ("Request SHA-256", Some(hash(&attempt.digest))),
    ]);
    html! {
        div.attempt {
            h4 {
                "Attempt " (attempt.number) " (" (word(&attempt.of)) "): " (attempt.outcome)
                @if attempt.stale { ", no longer counts" }
            }
            (facts)
            @if same_request {
                p.small { "The request was the same." }
            } @else {
                h5 { "Request, as resolved" }
                (request(&attempt.request))
            }
            (output(attempt))
        }
    }
}

/// What is no longer is written on one line.
const SHORT: usize = 60;

/// Name and value of everything in it; text of several lines as it stands.
fn request(request: &Json) -> Markup {
    let mut facts = Vec::new();
    for (name, value) in request.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("args", Json::Object(args)) => {
                facts.extend(args.iter().map(|(k, v)| (k.clone(), v)));
            }
            ("env", Json::Object(env)) => {
                facts.extend(env.iter().map(|(k, v)| (format!("env {k}"), v)));
            }
            _ => facts.push((name.clone(), value)),
        }
    }
    html! {
        dl.request {
            @for (name, value) in &facts {
                div { dt { (t(name)) } dd { pre { (t(&whole(value))) } } }
            }
        }
    }
}

fn whole(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => {
            let short = other.to_string();
            let long = short.chars().nth(SHORT).is_some();
            if long { serde_json::to_string_pretty(other).unwrap_or(short) } else { short }
        }
    }
}

fn output(attempt: &Attempt) -> Markup {
    let Some(output) = &attempt.output else { return html! {} };
    html! {
        h5 { "Output" }
        @if let Some(excerpt) = &attempt.excerpt { (printed(excerpt)) }
        p.small {
            code { "output/" (t(&output.file)) } ", " (output.bytes) " bytes, SHA-256 " (hash(&output.sha256))
            @if let Some(cut) = &output.cut { br; (t(cut)) }
        }
    }
}

fn printed(excerpt: &Excerpt) -> Markup {
    let (head, tail) = (excerpt.head.trim_end_matches('\n'), excerpt.tail.trim_end_matches('\n'));
    html! {
        @if head.is_empty() && excerpt.left_out == 0 {
            p.none { "It printed nothing." }
        } @else {
            pre.output { (t(head)) }
        }
        @if excerpt.left_out > 0 {
            p.small { "… " (excerpt.left_out) " bytes are left out here …" }
            pre.output { (t(tail)) }
        }
    }
}
