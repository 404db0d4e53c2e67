//! Reports hold to the JSON Schema that is shipped, and no field of theirs is without one.

use std::process::Command;

use boon::{Compiler, Schemas};
use serde_json::{Value as Json, json};

use super::{report, story};

pub fn shipped() -> Json {
    let out =
        Command::new(env!("CARGO_BIN_EXE_steady")).args(["schema", "--report"]).output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Every problem that a schema has with a report.
pub fn judged(schema: Json, report: &Json) -> Result<(), String> {
    let mut compiler = Compiler::new();
    compiler.add_resource("report.json", schema).unwrap();
    let mut schemas = Schemas::new();
    let compiled = compiler.compile("report.json", &mut schemas).unwrap();
    schemas.validate(report, compiled).map_err(|problems| format!("{problems:#}"))
}

/// The same schema, which knows no other keys than it names.
fn strict(schema: Json) -> Json {
    match schema {
        Json::Object(mut map) => {
            if map.contains_key("properties") {
                map.insert("additionalProperties".into(), json!(false));
            }
            map.into_iter().map(|(key, value)| (key, strict(value))).collect()
        }
        Json::Array(items) => items.into_iter().map(strict).collect(),
        other => other,
    }
}

#[test]
fn a_report_holds_to_the_shipped_schema_and_has_no_field_without_one() {
    let report = report(story().path());
    judged(shipped(), &report).unwrap();
    judged(strict(shipped()), &report).unwrap();

    // The judge is awake: a field too many, one too few, and one of another type.
    let mut more = report.clone();
    more["verdicts"]["luck"] = json!(true);
    judged(shipped(), &more).expect("more keys may join");
    assert!(judged(strict(shipped()), &more).is_err());
    let mut fewer = report.clone();
    fewer["identity"].as_object_mut().unwrap().remove("run");
    assert!(judged(shipped(), &fewer).is_err());
    let mut other = report;
    other["steps"][0]["attempts"] = json!("none");
    assert!(judged(shipped(), &other).is_err());
}

#[test]
fn every_field_of_the_schema_says_what_it_is() {
    let mut mute = Vec::new();
    described(&shipped(), "", &mut mute);
    assert!(mute.is_empty(), "{mute:?}");
}

fn described(schema: &Json, path: &str, mute: &mut Vec<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        // A tag of ours that tells the variants of one field apart.
        let is_tag = field.get("const").is_some();
        if field["description"].as_str().is_none_or(str::is_empty) && !is_tag {
            mute.push(format!("{path}/{name}"));
        }
    }
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        described(definition, name, mute);
    }
}
