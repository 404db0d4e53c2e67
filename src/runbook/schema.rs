//! The JSON Schema of the format, for editors: completion and help per key. The checker knows more.

use serde_json::{Map, Value as Json, json};

use super::format::{self, Shape, Word};
use super::registry::{self, ActionSpec, Key, Kind};

/// The schema, draft 2020-12.
#[must_use]
pub fn schema() -> Json {
    let mut root = words(format::RUNBOOK);
    let top = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("Steadyhand runbook, format version 1")),
        ("$defs", definitions()),
    ];
    if let Json::Object(map) = &mut root {
        map.extend(top.map(|(key, value)| (key.to_owned(), value)));
    }
    root
}

/// What recurs: templates, durations, expressions and every action.
fn definitions() -> Json {
    let mut defs = Map::new();
    for (name, schema) in [
        // Plain scalars are read as text here, whatever they look like to an editor.
        ("text", json!({ "type": ["string", "number", "boolean"] })),
        ("template", json!({ "type": "string", "pattern": r"\$\{\{" })),
        ("duration", json!({ "type": "string", "examples": ["90s", "15m", "1h30m", "7d"] })),
        (
            "expression",
            json!({ "type": ["string", "boolean"], "description": "CEL, without `${{ }}`" }),
        ),
        ("call", call()),
    ] {
        defs.insert(name.to_owned(), schema);
    }
    for spec in registry::actions() {
        defs.insert(spec.name.to_owned(), action(spec));
    }
    Json::Object(defs)
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// One action, keyed by its name.
fn call() -> Json {
    let actions: Map<_, _> =
        registry::actions().map(|spec| (spec.name.to_owned(), reference(spec.name))).collect();
    json!({
        "type": "object",
        "properties": actions,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

fn action(spec: &ActionSpec) -> Json {
    let mut schema = keys(spec.keys);
    let rules: Vec<Json> =
        registry::alternatives(spec).map(|(keys, one)| rule(keys, one)).collect();
    if let Json::Object(map) = &mut schema {
        map.insert("description".into(), json!(spec.help));
        if !rules.is_empty() {
            map.insert("allOf".into(), Json::Array(rules));
        } else if spec.keys.iter().all(|key| !key.required) {
            map.insert("type".into(), json!(["object", "null"]));
        }
    }
    schema
}

/// Exactly one of some keys, or at most one.
fn rule(keys: &[&str], one_needed: bool) -> Json {
    let required = |keys: &[&str]| json!({ "required": keys });
    if one_needed {
        let each: Vec<_> = keys.iter().map(|key| required(&[*key])).collect();
        return json!({ "oneOf": each });
    }
    let pairs: Vec<_> = keys
        .iter()
        .enumerate()
        .flat_map(|(i, a)| keys.iter().skip(i + 1).map(move |b| json!({ "required": [a, b] })))
        .collect();
    json!({ "not": { "anyOf": pairs } })
}

/// A map of known keys, each with its schema and its help.
fn object<'k>(entries: impl Iterator<Item = (&'k str, bool, &'k str, Json)>) -> Json {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, needed, help, mut schema) in entries {
        if let Json::Object(map) = &mut schema {
            map.insert("description".into(), json!(help));
        }
        properties.insert(name.to_owned(), schema);
        if needed {
            required.push(name);
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn words(words: &[Word]) -> Json {
    object(words.iter().map(|word| (word.name, word.required, word.help, shape(&word.shape))))
}

fn keys(keys: &[Key]) -> Json {
    object(keys.iter().map(|key| (key.name, key.required, key.help, kind(&key.kind))))
}

fn list(items: &Json) -> Json {
    json!({ "type": "array", "items": items })
}

fn map(values: &Json) -> Json {
    json!({ "type": "object", "additionalProperties": values })
}

fn either(one: &Json, other: &Json) -> Json {
    json!({ "anyOf": [one, other] })
}

fn or_template(schema: &Json) -> Json {
    either(schema, &reference("template"))
}

fn named(pattern: &str, values: &Json) -> Json {
    json!({
        "type": "object",
        "patternProperties": { format!("^{pattern}$"): values },
        "additionalProperties": false,
    })
}

fn shape(shape: &Shape) -> Json {
    match shape {
        Shape::Version => json!({ "const": 1 }),
        Shape::Text | Shape::Template => reference("text"),
        Shape::Id => json!({ "type": "string", "pattern": format!("^{}$", format::ID) }),
        Shape::Name => json!({ "type": "string", "pattern": format!("^{}$", format::NAME) }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Count => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        Shape::Duration => reference("duration"),
        Shape::Date => json!({ "type": "string", "format": "date" }),
        Shape::OfInput => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Expr => reference("expression"),
        Shape::Exprs => list(&reference("expression")),
        Shape::NamedExprs => named(format::NAME, &reference("expression")),
        Shape::NamedTemplates => named(format::ENV, &reference("text")),
        Shape::Texts => list(&reference("text")),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Map(inner) => words(inner),
        Shape::Maps(inner) => list(&words(inner)),
        Shape::NamedMaps(inner) => named(format::NAME, &words(inner)),
        Shape::Action => reference("call"),
        Shape::Guard => {
            let mut guard = words(format::GUARD);
            if let Json::Object(map) = &mut guard {
                map.insert("minProperties".into(), json!(1));
            }
            either(&json!({ "enum": ["none", "confirm"] }), &guard)
        }
    }
}

fn kind(kind: &Kind) -> Json {
    match kind {
        Kind::Text | Kind::Path => reference("text"),
        Kind::Script | Kind::Sql | Kind::Url | Kind::S3Uri => json!({ "type": "string" }),
        Kind::Int => or_template(&json!({ "type": "integer" })),
        Kind::Names => list(&reference("text")),
        Kind::Count => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        Kind::Bool => or_template(&json!({ "type": "boolean" })),
        Kind::Duration => or_template(&reference("duration")),
        Kind::Timestamp => or_template(&json!({ "type": "string", "format": "date-time" })),
        Kind::RestorePoint => either(
            &json!({ "const": "latest" }),
            &or_template(&json!({ "type": "string", "format": "date-time" })),
        ),
        Kind::Secret => reference("template"),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Argv | Kind::TextList | Kind::Options => or_template(&list(&reference("text"))),
        Kind::Params => list(&json!({ "type": ["string", "number", "boolean", "null"] })),
        Kind::Statuses => {
            let status = or_template(&json!({ "type": "integer", "minimum": 100, "maximum": 599 }));
            either(&status, &list(&status))
        }
        Kind::Lists => map(&list(&reference("text"))),
        Kind::TextMap | Kind::UrlQuery => map(&reference("text")),
        Kind::Json => json!({}),
        Kind::Expr => reference("expression"),
        Kind::Group(inner) => keys(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_every_key_can_be_completed() {
        let schema = schema();
        for word in format::RUNBOOK {
            assert!(schema["properties"][word.name].is_object(), "{}", word.name);
        }
        for word in format::STEP {
            let step = &schema["properties"]["steps"]["items"]["properties"][word.name];
            assert_eq!(step["description"], word.help, "{}", word.name);
        }
        for spec in registry::actions() {
            assert!(schema["$defs"]["call"]["properties"][spec.name].is_object(), "{}", spec.name);
            for key in spec.keys {
                let key_schema = &schema["$defs"][spec.name]["properties"][key.name];
                assert_eq!(key_schema["description"], key.help, "{} {}", spec.name, key.name);
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(json: &Json, root: &Json) {
            if let Some(name) = json["$ref"].as_str() {
                let name = name.strip_prefix("#/$defs/").expect("a definition");
                assert!(root["$defs"][name].is_object(), "{name}");
            }
            match json {
                Json::Object(map) => map.values().for_each(|value| walk(value, root)),
                Json::Array(items) => items.iter().for_each(|value| walk(value, root)),
                _ => {}
            }
        }
        let schema = schema();
        walk(&schema, &schema);
    }
}
