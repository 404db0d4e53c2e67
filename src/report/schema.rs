//! The JSON Schema of the report, from the types that it is made of.

use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::model::Report;

/// What every report as JSON holds to. More keys may join in later versions.
#[must_use]
pub fn schema() -> Json {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    Json::from(settings.into_generator().into_root_schema_for::<Report>())
}
