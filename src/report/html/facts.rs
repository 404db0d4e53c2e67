//! Identity, plan, people and time.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::model::{Report, Role};
use super::super::words::{plain, seconds, split, word};
use super::{at, hash, list, maybe, name, said, section, t, table};

pub(super) fn facts(report: &Report) -> Markup {
    html! {
        (section("identity", "Identity", &identity(report)))
        (section("plan", "Plan", &plan(report)))
        (section("people", "People", &people(report)))
        (section("time", "Time (UTC)", &time(report)))
    }
}

fn pins(pins: &BTreeMap<String, String>) -> Markup {
    html! {
        @if pins.is_empty() { span.none { "none" } }
        @for (i, (pin, value)) in pins.iter().enumerate() {
            @if i > 0 { br; }
            (t(pin)) " = " code { (t(value)) }
        }
    }
}

fn identity(report: &Report) -> Markup {
    let identity = &report.identity;
    let proven = identity.proven.as_ref().map_or_else(
        || html! { span.none { "never" } },
        |proven| html! { (at(proven.at)) br; (pins(&proven.pins)) },
    );
    list(&[
        ("Run", Some(html! { code { (t(&identity.run)) } })),
        ("Mode", Some(html! { (word(&identity.mode)) })),
        ("Unattended", identity.unattended.then(|| html! { "yes (--auto)" })),
        ("Scenario", said(Some(&identity.scenario))),
        ("Incident or ticket", said(identity.incident.as_deref())),
        ("Organisation", said(identity.organisation.as_deref())),
        ("System", said(identity.system.as_deref())),
        ("Environment", said(identity.environment.as_deref())),
        ("Account", said(identity.account.as_deref())),
        ("Region", said(identity.region.as_deref())),
        (
            "Allowed targets",
            identity.allowed_targets.as_ref().map(|lists| html! { (t(&plain(lists))) }),
        ),
        ("Target pins", Some(pins(&identity.pinned))),
        ("Target last proven", Some(proven)),
    ])
}

fn plan(report: &Report) -> Markup {
    let plan = &report.plan;
    let reviewed = plan
        .reviewed_on
        .map(|on| format!("{on} by {}", plan.reviewed_by.as_deref().unwrap_or("unknown")));
    let inputs: Vec<_> = plan
        .inputs
        .iter()
        .map(|(input, value)| vec![html! { code { (t(input)) } }, html! { (t(&plain(value))) }])
        .collect();
    html! {
        (list(&[
            ("Runbook", Some(html! { code { (t(&plan.runbook)) } })),
            ("Version", said(plan.version.as_deref())),
            ("SHA-256", Some(hash(&plan.sha256))),
            ("Known to the operator", plan.seen.as_ref().map(|seen| html! { (t(&seen.to_string())) })),
            ("Settings SHA-256", plan.settings_sha256.as_deref().map(hash)),
            ("Owner", said(plan.owner.as_deref())),
            ("Last reviewed", said(reviewed.as_deref())),
            ("Scope", said(plan.scope.as_deref())),
            ("Success criteria", said(plan.success.as_deref())),
        ]))
        @if !inputs.is_empty() { (table(&["Input", "Value"], &inputs)) }
    }
}

fn people(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .people
        .involved
        .iter()
        .map(|person| {
            let records = report.people.recorded_by.get(&person.name).copied().unwrap_or_default();
            let roles: Vec<_> = person.roles.iter().map(Role::name).collect();
            vec![
                name(&person.name),
                html! { (roles.join(", ")) },
                html! { (t(&person.identity)) },
                html! { (records) },
            ]
        })
        .collect();
    html! {
        (table(&["Who", "As", "Known by", "Records"], &rows))
        p.small { "Observers: " (t(&report.people.observers)) "." }
    }
}

fn time(report: &Report) -> Markup {
    let time = &report.time;
    let jumps: Vec<_> = time.clock_steps_ms.iter().map(|ms| format!("{ms} ms")).collect();
    let amended: Vec<_> = time
        .outage_start_amendments
        .iter()
        .map(|one| {
            vec![
                at(one.at),
                name(&one.by),
                at(one.from),
                at(one.to),
                html! { (seconds(one.rto_s)) },
                html! { (t(&one.reason)) },
            ]
        })
        .collect();
    html! {
        (list(&[
            ("Start of the outage, as declared", Some(maybe(time.outage_start))),
            ("Declared", Some(maybe(time.declared))),
            ("Run started", Some(at(time.started))),
            ("Writes stopped", Some(maybe(time.writes_stopped))),
            ("Service restored", Some(maybe(time.service_restored))),
            ("Run closed", Some(maybe(time.closed))),
            ("Where the time went", time.split.map(|parts| html! { (split(parts)) })),
            ("Measured by", Some(html! { (time.clock) })),
            ("Jumps of the wall clock", (!jumps.is_empty()).then(|| html! { (jumps.join(", ")) })),
        ]))
        @if !amended.is_empty() {
            h3 { "The start of the outage was amended" }
            (table(&["At", "By", "From", "To", "RTO from then", "Reason"], &amended))
        }
    }
}
