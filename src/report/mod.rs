//! State and records in, after-action report out: what a reviewer needs from the record of a test or
//! of an incident, as Markdown for people and as JSON for machines.

mod build;
mod escape;
mod export;
mod markdown;
mod model;

pub use build::build;
pub use export::{ExportError, Format, Written, export};
pub use markdown::markdown;
pub use model::*;

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
