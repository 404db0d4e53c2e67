//! From the tree to the settings. Pure; every problem in one pass.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Aws, Environment, PINS, Settings, Signing};
use crate::runbook::Problem;
use crate::runbook::diagnostic::{Problems, Source, suggestion};
use crate::runbook::model::Mode;
use crate::runbook::targets::{Allowed, TargetKind, Targets};
use crate::runbook::yaml::{self, Fields, Kind, Node};

mod outside;
#[cfg(test)]
mod tests;

/// What came of reading the file.
#[derive(Debug)]
pub struct Checked {
    /// The file's text, to show the problems in.
    pub source: Source,
    /// In the order of the file.
    pub problems: Vec<Problem>,
    /// There when no problem is an error. Paths are as the file writes them.
    pub settings: Option<Settings>,
}

/// Reads settings and finds every problem in them. `file` is how the problems name it.
#[must_use]
pub fn check(bytes: &[u8], file: &str) -> Checked {
    let source = match yaml::decode(bytes, file) {
        Ok(source) => source,
        Err((source, problems)) => return Checked { source, problems, settings: None },
    };
    let mut problems = Problems::new(&source);
    let settings = yaml::read(&mut problems).and_then(|root| settings(&mut problems, &root));
    let settings = settings.filter(|_| problems.none_is_an_error());
    let problems = problems.finish();
    Checked { source, problems, settings }
}

type Keys = &'static [(&'static str, bool)];

const SETTINGS: Keys = &[
    ("steadyhand", true),
    ("runs", false),
    ("share", false),
    ("runbooks", false),
    ("operator", false),
    ("organisation", false),
    ("theme", false),
    ("signing", false),
    ("archive", false),
    ("notify", false),
    ("allowed_signers", false),
    ("environments", false),
];
const ENVIRONMENT: Keys = &[
    ("mode", true),
    ("auto", false),
    ("inputs", false),
    ("aws", false),
    ("target", false),
    ("targets", false),
];
const SIGNING: Keys = &[("key", true), ("required", false)];
const AWS: Keys = &[("profile", false), ("region", false), ("endpoint", false)];

fn settings(problems: &mut Problems<'_>, root: &Node) -> Option<Settings> {
    let fields = Fields::read(problems, root, "the settings", SETTINGS.iter().copied())?;
    if let Some(node) = fields.get("steadyhand")
        && let Some(version) = yaml::integer(problems, node)
        && version != 1
    {
        let message = format!("settings of version {version} are not known");
        problems
            .error(node.span.clone(), "unknown-version", message)
            .help(yaml::of_version(version));
    }
    let path = |problems: &mut _, key| text(problems, &fields, key).map(PathBuf::from);
    Some(Settings {
        runs: path(problems, "runs"),
        shared: fields
            .get("share")
            .is_some_and(|node| yaml::one_of(problems, node, &["group"]).is_some()),
        runbooks: path(problems, "runbooks"),
        operator: text(problems, &fields, "operator"),
        organisation: text(problems, &fields, "organisation"),
        theme: text(problems, &fields, "theme"),
        signing: fields.get("signing").and_then(|node| signing(problems, node)),
        archive: fields.get("archive").and_then(|node| outside::archive(problems, node)),
        notify: fields.get("notify").map(|node| outside::hooks(problems, node)).unwrap_or_default(),
        allowed_signers: path(problems, "allowed_signers"),
        environments: environments(problems, &fields),
    })
}

fn text(problems: &mut Problems<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    let text = yaml::plain_text(problems, node)?;
    if text.trim().is_empty() {
        let message = format!("`{key}` is empty");
        problems.error(node.span.clone(), "empty-value", message).help("leave the key out");
        return None;
    }
    Some(text.to_owned())
}

fn signing(problems: &mut Problems<'_>, node: &Node) -> Option<Signing> {
    let fields = Fields::read(problems, node, "`signing`", SIGNING.iter().copied())?;
    let key = text(problems, &fields, "key");
    let required = fields.get("required").and_then(|node| yaml::boolean(problems, node));
    Some(Signing { key: key?.into(), required: required.unwrap_or(false) })
}

fn environments(problems: &mut Problems<'_>, fields: &Fields<'_>) -> BTreeMap<String, Environment> {
    let Some(node) = fields.get("environments") else { return BTreeMap::new() };
    let Kind::Map(entries) = &node.kind else {
        yaml::expected(problems, node, "a map of environments");
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let name = &entry.key;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 63 || !name.chars().all(good) {
            let message = format!("`{name}` is not a name for an environment");
            problems
                .error(entry.key_span.clone(), "bad-name", message)
                .help("use lower case letters, digits, - and _");
        }
        if let Some(environment) = environment(problems, &entry.value) {
            found.insert(name.clone(), environment);
        }
    }
    found
}

fn environment(problems: &mut Problems<'_>, node: &Node) -> Option<Environment> {
    let fields = Fields::read(problems, node, "an environment", ENVIRONMENT.iter().copied())?;
    let mode = fields.get("mode").and_then(|node| {
        yaml::one_of(problems, node, &["live", "drill", "rehearsal"]).map(|word| match word {
            "drill" => Mode::Drill,
            "rehearsal" => Mode::Rehearsal,
            _ => Mode::Live,
        })
    });
    let auto = fields.get("auto").and_then(|node| Some((node, yaml::boolean(problems, node)?)));
    if let (Some((node, true)), Some(Mode::Live)) = (auto, mode) {
        problems
            .error(node.span.clone(), "auto-on-live", "a live environment is never run unattended")
            .help("take `auto` away, or make it a drill environment");
    }
    let lists = fields.get("targets").and_then(|node| Some((node, targets(problems, node)?)));
    if let (Some((node, _)), Some(Mode::Live)) = (&lists, mode) {
        problems
            .error(node.span.clone(), "targets-on-live", "`targets` holds drills, and this is live")
            .help("take `targets` away; `target` pins what a live run acts on");
    }
    let inputs = fields.get("inputs").map(|node| texts(problems, node, "inputs"));
    let pins = fields.get("target").map(|node| pins(problems, node));
    let aws = fields.get("aws").and_then(|node| aws(problems, node));
    Some(Environment {
        mode: mode?,
        auto: auto.is_some_and(|(_, auto)| auto),
        inputs: inputs.unwrap_or_default(),
        aws: aws.unwrap_or_default(),
        pins: pins.unwrap_or_default(),
        targets: lists.map(|(_, lists)| lists),
    })
}

/// Names to text; a number keeps the digits it was written with.
fn texts(problems: &mut Problems<'_>, node: &Node, what: &str) -> BTreeMap<String, String> {
    let Kind::Map(entries) = &node.kind else {
        yaml::expected(problems, node, &format!("a map of {what}"));
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            let text = yaml::plain_text(problems, &entry.value)?;
            Some((entry.key.clone(), text.to_owned()))
        })
        .collect()
}

fn pins(problems: &mut Problems<'_>, node: &Node) -> BTreeMap<String, String> {
    if let Kind::Map(entries) = &node.kind {
        // A pin that nobody checks would be worse than none.
        let known = || PINS.into_iter().map(|(name, _)| name);
        for entry in entries.iter().filter(|entry| !known().any(|name| name == entry.key)) {
            let message = format!("`{}` cannot be proven", entry.key);
            problems.error(entry.key_span.clone(), "unknown-pin", message).help(suggestion(
                &entry.key,
                "pins",
                known(),
            ));
        }
    }
    texts(problems, node, "pins")
}

/// Lists of names, by kind. An empty one says that nothing of the kind is acted on.
fn targets(problems: &mut Problems<'_>, node: &Node) -> Option<Targets> {
    let keys = TargetKind::ALL.map(|kind| (kind.name(), false));
    let fields = Fields::read(problems, node, "`targets`", keys.into_iter())?;
    let mut lists = BTreeMap::new();
    for kind in TargetKind::ALL {
        let Some(node) = fields.get(kind.name()) else { continue };
        let Kind::List(items) = &node.kind else {
            yaml::expected(problems, node, "a list of names, such as [dr-*]");
            continue;
        };
        let names: Vec<String> = items
            .iter()
            .filter_map(|item| Some(yaml::plain_text(problems, item)?.trim().to_owned()))
            .collect();
        let line = problems.line(node.span.start);
        lists.insert(kind, Allowed { names, line });
    }
    Some(Targets { lists })
}

fn aws(problems: &mut Problems<'_>, node: &Node) -> Option<Aws> {
    let fields = Fields::read(problems, node, "`aws`", AWS.iter().copied())?;
    let [profile, region, endpoint] =
        ["profile", "region", "endpoint"].map(|key| text(problems, &fields, key));
    if let (Some(url), Some(node)) = (&endpoint, fields.get("endpoint"))
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        let message = format!("`{url}` is not an http or https URL");
        problems
            .error(node.span.clone(), "bad-url", message)
            .help("write it like http://127.0.0.1:4566");
    }
    Some(Aws { profile, region, endpoint })
}
