//! What a reviewer reads first: what was run, and what may be concluded.

use maud::{Markup, html};

use super::super::model::{Answer, Approval, Before, Objective, Report, Verdict};
use super::super::words::{self, basis, ending, seconds, verdict_word, word};
use super::{at, t};
use crate::engine::Mode;

pub(super) fn summary(report: &Report) -> Markup {
    let identity = &report.identity;
    let place = [&identity.environment, &identity.system, &identity.incident];
    let place: Vec<_> = place.into_iter().flatten().map(|text| t(text)).collect();
    html! {
        header {
            p.kind {
                "After-action report "
                span class={ "mode " (word(&identity.mode)) } { (word(&identity.mode)) }
            }
            h1 { (t(&report.plan.title)) }
            p.place {
                code { (t(&identity.run)) }
                @for part in &place { " · " (part) }
            }
            @for alarm in alarms(report) { p.warning.alarm role="note" { "✗ " (alarm) } }
            @for warning in warnings(report) { p.warning role="note" { (warning) } }
        }
        section #verdicts {
            h2 { "Verdicts" }
            (cards(report))
            (reasons(report))
        }
    }
}

/// What was done that somebody still has to answer for.
fn alarms(report: &Report) -> Vec<Markup> {
    let open = report.approvals.iter().filter(|one| one.standing == Answer::NotApproved);
    let alarm = |approval: &Approval| {
        let reason = approval.broken_glass.as_ref().map_or("", |glass| glass.reason.as_str());
        html! {
            strong { "Acted on without approval. " }
            "Step " code { (t(&approval.step)) } ": " (t(reason)) ". Nobody has approved that since."
        }
    };
    open.map(alarm).collect()
}

/// What a reader must know before anything else.
fn warnings(report: &Report) -> Vec<Markup> {
    let mut warnings = Vec::new();
    if report.interim {
        warnings.push(html! {
            strong { "Not finished. " } "As of " (at(report.as_of)) ", everything in here may yet change."
        });
    }
    if report.identity.mode == Mode::Rehearsal {
        warnings.push(html! {
            strong { "Rehearsal. " } "Nothing was executed: it shows how people went through the plan, and \
            nothing about a system."
        });
    }
    if report.identity.practice {
        warnings.push(html! {
            strong { "Practice. " } "Against the embedded sandbox: it proves nothing about a real system."
        });
    }
    if let (Some(amended), true) =
        (report.time.outage_start_amendments.last(), report.sign_offs.is_empty())
    {
        warnings.push(html! {
            strong { "The start of the outage was amended " } "from " (at(amended.from)) " to " (at(amended.to))
            ": it wants a reviewer's sign-off."
        });
    }
    if let Some(previous) = &report.integrity.previous_run
        && previous.found != Before::Present
    {
        warnings.push(html! {
            strong { "The run before this one is " }
            @if previous.found == Before::Missing { strong { "missing. " } } @else { strong { "not what it was. " } }
            code { (t(&previous.run)) }
        });
    }
    warnings
}

fn cards(report: &Report) -> Markup {
    let (verdicts, objectives) = (&report.verdicts, &report.objectives);
    let steps: Vec<_> = report.steps.iter().filter(|step| step.verifies_data).collect();
    let checks = match steps.len() {
        0 => "no step verifies data".to_owned(),
        1 => format!("by the step {}", t(steps.first().map_or("", |step| step.id.as_str()))),
        n => format!("by {n} steps"),
    };
    let (passed, word) = match verdicts.passed {
        Some(true) => (Verdict::Met, "passed"),
        Some(false) => (Verdict::NotMet, "not passed"),
        None if report.interim => (Verdict::NotMeasured, "not finished"),
        None => (Verdict::NotMeasured, "not judged"),
    };
    let why = verdicts.not_judged.map_or_else(|| ending(report), str::to_owned);
    // Both values: the first one is what was declared before anybody knew how it would end.
    let amended = report.time.outage_start_amendments.first().map_or(String::new(), |first| {
        format!("{} from the start that was declared first", seconds(first.rto_s))
    });
    html! {
        div.cards {
            (card("Passed", passed, word, &html! { (t(&why)) }))
            (card(
                "Recovery time (RTO)",
                verdicts.recovery_time,
                verdict_word(verdicts.recovery_time),
                &measured(&objectives.rto, &amended),
            ))
            (card(
                "Data loss (RPO)",
                verdicts.data_loss,
                verdict_word(verdicts.data_loss),
                &measured(&objectives.rpo, basis(objectives.basis)),
            ))
            (card(
                "Data integrity",
                verdicts.data_integrity,
                verdict_word(verdicts.data_integrity),
                &html! { (checks) },
            ))
        }
    }
}

/// The sign and the word say what the colour says.
fn card(title: &str, verdict: Verdict, word: &str, body: &Markup) -> Markup {
    let (class, sign) = match verdict {
        Verdict::Met => ("good", "✓"),
        Verdict::NotMet => ("bad", "✗"),
        Verdict::NotMeasured => ("open", "?"),
        Verdict::NotAsked => ("none", "–"),
    };
    html! {
        div class={ "card " (class) } {
            h3 { (title) }
            p.verdict { span.sign aria-hidden="true" { (sign) } " " (word) }
            p.body { (body) }
        }
    }
}

fn measured(objective: &Objective, note: &str) -> Markup {
    html! {
        @match (objective.actual_s, objective.target_s) {
            (Some(actual), Some(target)) => { strong { (seconds(actual)) } " of " (seconds(target)) }
            (Some(actual), None) => { strong { (seconds(actual)) } ", no objective" }
            (None, Some(target)) => { "no actual value, of " (seconds(target)) }
            (None, None) => { "no objective" }
        }
        @if !note.is_empty() { br; (note) }
    }
}

fn reasons(report: &Report) -> Markup {
    let reasons = &report.verdicts.not_passed_because;
    html! {
        @if !reasons.is_empty() {
            div.reasons {
                h3 { "Not passed because" }
                ul { @for reason in reasons { li { (t(reason)) } } }
            }
        }
        p.loss { (t(&words::loss(&report.objectives))) }
        p.loss {
            "Record: " (t(&report.integrity.verified)) ", " (report.integrity.records) " records, head "
            code { (t(report.integrity.head.get(..16).unwrap_or(&report.integrity.head))) } ". "
            "Sign-off: " (t(&report.integrity.sign_off)) "."
        }
    }
}
