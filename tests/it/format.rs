//! `docs/format.md`: its reference section is made from the tables that the checker reads.

use std::fmt::Write;
use std::path::Path;

use steadyhand::runbook::format::{self, Shape, Word};
use steadyhand::runbook::registry::{
    self, ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind,
};

const BEGIN: &str = "<!-- generated from the registry: UPDATE=1 cargo test --test it format -->";
const END: &str = "<!-- end of the generated part -->";

#[test]
fn the_reference_is_what_the_registry_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let text = std::fs::read_to_string(&path).expect("docs/format.md");
    let (before, rest) = text.split_once(BEGIN).expect("the begin mark");
    let (_, after) = rest.split_once(END).expect("the end mark");
    let right = format!("{before}{BEGIN}\n\n{}\n{END}{after}", reference());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &right).expect("written");
    }
    let text = std::fs::read_to_string(&path).expect("docs/format.md");
    assert!(text == right, "docs/format.md is behind the registry: run with UPDATE=1");
}

#[test]
fn the_schema_is_printed() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_steady"))
        .arg("schema")
        .output()
        .expect("steady runs");
    assert!(output.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["steps"]["items"]["properties"]["guard"].is_object());
}

fn reference() -> String {
    let mut out = String::new();
    for (title, words) in [
        ("The runbook", format::RUNBOOK),
        ("`reviewed`", format::REVIEWED),
        ("`objectives`", format::OBJECTIVES),
        ("`escalation`, a list of", format::ESCALATION),
        ("`requires`", format::REQUIRES),
        ("`inputs`, by name", format::INPUT),
        ("`steps`, a list of", format::STEP),
        ("`probe`", format::PROBE),
        ("`retry`", format::RETRY),
        ("`guard`, when it is a map", format::GUARD),
        ("`guard.approve`", format::APPROVE),
    ] {
        writeln!(out, "### {title}\n\n| key | holds | |\n|---|---|---|").unwrap();
        for Word { name, required, shape, help } in words {
            row(&mut out, name, *required, &self::shape(shape), help);
        }
        out.push('\n');
    }
    out.push_str("## Actions\n");
    for spec in registry::actions() {
        action(&mut out, spec);
    }
    out
}

fn row(out: &mut String, name: &str, required: bool, holds: &str, help: &str) {
    let needed = if required { " (required)" } else { "" };
    writeln!(out, "| `{name}`{needed} | {holds} | {} |", cell(help)).unwrap();
}

fn action(out: &mut String, spec: &ActionSpec) {
    writeln!(out, "\n### `{}`\n\n{}.", spec.name, spec.help.trim_end_matches('.')).unwrap();
    writeln!(out, "\nEffect: {}.", effect(spec)).unwrap();
    if !spec.acts_on.is_empty() {
        let on = spec.acts_on.iter().map(|(kind, key)| format!("`{kind}` by `{key}`"));
        let on = on.collect::<Vec<_>>().join(" and ");
        writeln!(out, "A drill's `targets` hold {on}.").unwrap();
    }
    for (keys, needed) in registry::alternatives(spec) {
        let many = if needed { "Exactly one" } else { "At most one" };
        writeln!(out, "{many} of `{}`.", keys.join("`, `")).unwrap();
    }
    if !spec.keys.is_empty() {
        out.push_str("\n| key | holds | |\n|---|---|---|\n");
        keys(out, spec.keys, "");
    }
    if spec.result.is_empty() {
        out.push_str("\nNo result.\n");
        return;
    }
    out.push_str("\n| `result.` | type | |\n|---|---|---|\n");
    for Field { name, ty, help } in spec.result {
        writeln!(out, "| `{name}` | {} | {} |", field_type(*ty), cell(help)).unwrap();
    }
}

fn keys(out: &mut String, list: &[Key], parent: &str) {
    for Key { name, kind, required, help } in list {
        let path = format!("{parent}{name}");
        row(out, &path, *required, &self::kind(kind), help);
        if let Kind::Group(inner) = kind {
            keys(out, inner, &format!("{path}."));
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn effect(spec: &ActionSpec) -> String {
    let name = |effect: Effect| format!("`{}`", effect.name());
    match spec.effect {
        EffectRule::Fixed(Effect::Destroys) => {
            let key = spec.destroys.unwrap_or_default();
            format!("`destroys`; its guard is to type `{key}`")
        }
        EffectRule::Fixed(effect) => name(effect),
        EffectRule::Declared(default, others) => {
            let others: Vec<_> =
                others.iter().filter(|e| **e != default).copied().map(name).collect();
            format!("{}; `effect:` may say {}", name(default), others.join(" or "))
        }
        EffectRule::ByFlag(flag) => {
            let key = spec.destroys.unwrap_or_default();
            format!("`changes`; `destroys` with `{flag}: true`: its guard is to type `{key}`")
        }
        EffectRule::ByMethod => {
            "GET and HEAD `reads`, else `changes`; `effect:` may say another".to_owned()
        }
    }
}

fn one_of(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Version => "`1`".into(),
        Shape::Text => "text".into(),
        Shape::Template => "text, templates".into(),
        Shape::Id => format!("`{}`", format::ID),
        Shape::Name => format!("`{}`", format::NAME),
        Shape::Bool => "`true` or `false`".into(),
        Shape::Count => "a whole number".into(),
        Shape::Duration => "a duration".into(),
        Shape::Date => "a day".into(),
        Shape::OfInput => "a value".into(),
        Shape::Expr => "an expression".into(),
        Shape::Exprs => "a list of expressions".into(),
        Shape::NamedExprs => "names to expressions".into(),
        Shape::NamedTemplates => "names to text, templates".into(),
        Shape::Texts => "a list of text".into(),
        Shape::Choice(words) => one_of(words),
        Shape::Map(_) => "a map, below".into(),
        Shape::Maps(_) => "a list, below".into(),
        Shape::NamedMaps(_) => "names to maps, below".into(),
        Shape::Action => "one action".into(),
        Shape::Guard => "`none`, `confirm` or a map, below".into(),
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text, templates".into(),
        Kind::Script => "a script; no templates".into(),
        Kind::Sql => "SQL; no templates".into(),
        Kind::Int => "an integer".into(),
        Kind::Bool => "`true` or `false`".into(),
        Kind::Duration => "a duration".into(),
        Kind::Timestamp => "a timestamp".into(),
        Kind::RestorePoint => "a timestamp, or `latest`".into(),
        Kind::Url => "a URL; no secrets".into(),
        Kind::S3Uri => "an S3 URI; no secrets".into(),
        Kind::Path => "a path; no secrets".into(),
        Kind::Secret => "a secret input, whole".into(),
        Kind::Choice(words) => one_of(words),
        Kind::Argv => "a list of text; no secrets".into(),
        Kind::TextList => "a list of text".into(),
        Kind::Names => "a list of names; no templates".into(),
        Kind::Count => "a whole number; no templates".into(),
        Kind::Lists => "names to lists of text".into(),
        Kind::TextMap => "names to text".into(),
        Kind::UrlQuery => "names to text; no secrets".into(),
        Kind::Params => "a list of scalars".into(),
        Kind::Statuses => "a status, or a list of them".into(),
        Kind::Json => "anything".into(),
        Kind::Expr => "an expression over `result`".into(),
        Kind::Group(_) => "a map:".into(),
        Kind::Options => {
            "a list of text or of maps with `value` and `label`, or one template".into()
        }
    }
}

fn field_type(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Dyn => "known when it runs",
        FieldType::Bool => "boolean",
        FieldType::Int => "integer",
        FieldType::Float => "number",
        FieldType::String => "string",
        FieldType::Timestamp => "timestamp",
        FieldType::Duration => "duration",
        FieldType::StringList => "list of strings",
        FieldType::DynList => "list",
    }
}
