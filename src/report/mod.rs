//! State and records in, after-action report out: what a reviewer needs from the record of a test or
//! of an incident, as Markdown, HTML, JSON and CSV.

mod beside;
mod build;
mod csv;
mod escape;
mod export;
mod html;
mod markdown;
mod model;
mod schema;
mod test_log;
mod words;

pub use build::{Beside, build};
pub use csv::{backup_audit, csv};
pub use export::{ExportError, Format, Wanted, Written, export};
pub use html::html;
pub use markdown::markdown;
pub use model::*;
pub use schema::schema;
pub use test_log::test_log;

use serde_json::Value as Json;

use crate::ingest::sanitise;

/// The report as JSON. Its text cannot fool a terminal or a pager that it is shown in.
///
/// # Errors
/// None in practice: every field of the report is JSON.
pub fn json(report: &Report) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(&clean(serde_json::to_value(report)?))?;
    text.push('\n');
    Ok(text)
}

fn clean(json: Json) -> Json {
    match json {
        Json::String(text) => Json::String(sanitise(text)),
        Json::Array(items) => items.into_iter().map(clean).collect(),
        Json::Object(map) => map.into_iter().map(|(k, v)| (sanitise(k), clean(v))).collect(),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_)) => other,
    }
}

#[cfg(test)]
mod tests;
