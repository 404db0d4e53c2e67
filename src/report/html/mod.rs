//! The report as one HTML file, for the screen and for A4 paper. Nothing in it comes from outside, and its
//! policy says so to the browser: no script, no font, no picture, no request; only its own style, by hash.

mod account;
mod facts;
mod steps;
mod summary;
mod timeline;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::model::Report;
use super::words::moment;
use crate::ingest::sanitise;

const STYLE: &str = include_str!("page.css");

/// The report as a page.
#[must_use]
pub fn html(report: &Report) -> String {
    let title = format!("After-action report: {}", t(&report.plan.title));
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (summary::summary(report))
                    (timeline::timeline(report))
                    (facts::facts(report))
                    (steps::steps(report))
                    (account::account(report))
                }
                footer { p { (t(report.statement)) } }
            }
        }
    };
    page.into_string()
}

/// Text of others. maud escapes it; here what would be no character of a page is made visible.
fn t(text: &str) -> String {
    sanitise(text)
}

/// A moment, to the second for people and in full for machines.
fn at(at: DateTime<Utc>) -> Markup {
    let text = moment(at);
    html! { time datetime=(text) { (text.replace('T', " ")) } }
}

/// A moment that may not have come.
fn maybe(moment: Option<DateTime<Utc>>) -> Markup {
    moment.map_or_else(|| html! { span.none { "not recorded" } }, at)
}

/// A hash, which may break anywhere.
fn hash(text: &str) -> Markup {
    html! { code.hash { (t(text)) } }
}

/// A name or a word, which stays whole in a narrow column unless it is a long one.
fn name(text: &str) -> Markup {
    const WHOLE: usize = 24;
    let class = if text.chars().nth(WHOLE).is_some() { "name long" } else { "name" };
    html! { span class=(class) { (t(text)) } }
}

/// A section of the page.
fn section(id: &str, title: &str, body: &Markup) -> Markup {
    html! { section id=(id) { h2 { (title) } (body) } }
}

/// Names and values; a name without a value is left out.
fn list(facts: &[(&str, Option<Markup>)]) -> Markup {
    html! {
        dl {
            @for (name, value) in facts {
                @if let Some(value) = value {
                    div { dt { (name) } dd { (value) } }
                }
            }
        }
    }
}

/// Text of others as a value of a list.
fn said(text: Option<&str>) -> Option<Markup> {
    let text = text?;
    Some(html! { (t(text)) })
}

/// A table whose head is on each page that it reaches, or the word that there is nothing to put in it.
fn table(head: &[&str], rows: &[Vec<Markup>]) -> Markup {
    if rows.is_empty() {
        return html! { p.none { "None." } };
    }
    html! {
        table {
            thead { tr { @for cell in head { th scope="col" { (cell) } } } }
            tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
        }
    }
}
