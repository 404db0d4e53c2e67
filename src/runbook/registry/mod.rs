//! The registry: every action of format version 1 as data. The checker, the schema, completion and
//! `docs/format.md` are generated from it; `actions/` holds what they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::targets::TargetKind;

/// What an action does to the world.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Reads,
    /// Changes something that can be changed back or that is new.
    Changes,
    /// Something that was there may be gone.
    Destroys,
}

impl Effect {
    /// As the format writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Changes => "changes",
            Self::Destroys => "destroys",
        }
    }
}

/// One action.
#[derive(Debug)]
pub struct ActionSpec {
    /// As a runbook writes it, such as `rds.delete_cluster`.
    pub name: &'static str,
    /// How its effect is found.
    pub effect: EffectRule,
    /// One line: what it does.
    pub help: &'static str,
    /// Its arguments.
    pub keys: &'static [Key],
    /// The fields of `result`.
    pub result: &'static [Field],
    /// The argument that names what is destroyed: the phrase to type by default.
    pub destroys: Option<&'static str>,
    /// The arguments that name what is changed or destroyed: a drill's `targets` are held against them.
    /// Empty where that cannot be told.
    pub acts_on: &'static [(TargetKind, &'static str)],
}

/// How the effect of a step is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectRule {
    /// Always this; `effect:` is refused.
    Fixed(Effect),
    /// This, unless the step's `effect:` says another of the list.
    Declared(Effect, &'static [Effect]),
    /// `http`: GET and HEAD read, anything else changes, unless `effect:` says `reads` or `destroys`.
    ByMethod,
    /// `destroys` unless the boolean argument of this name is absent or `false`, else `changes`.
    ByFlag(&'static str),
}

/// One argument of an action.
#[derive(Debug)]
pub struct Key {
    /// As a runbook writes it.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// It must be there.
    pub required: bool,
    /// One line.
    pub help: &'static str,
}

/// What an argument may hold. Templates are allowed in all but scripts, SQL, choices and expressions.
#[derive(Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// A shell script: no templates.
    Script,
    /// An SQL text: no templates.
    Sql,
    /// An integer.
    Int,
    /// `true` or `false`.
    Bool,
    /// Such as `5m`.
    Duration,
    /// A moment.
    Timestamp,
    /// A moment, or `latest`.
    RestorePoint,
    /// An `http(s)` URL.
    Url,
    /// An S3 URI, `s3://bucket/key`.
    S3Uri,
    /// A path on this machine.
    Path,
    /// A secret input, whole: `"${{ inputs.password }}"`.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of text; secrets are refused in it where it is an argument vector.
    Argv,
    /// A list of text.
    TextList,
    /// A list of names of people; no templates.
    Names,
    /// A whole number from 1 on; no templates.
    Count,
    /// Names to lists of text.
    Lists,
    /// Text keys to text.
    TextMap,
    /// The same, where it ends up in a URL: no secrets.
    UrlQuery,
    /// A list of any scalars (SQL parameters).
    Params,
    /// An HTTP status, or a list of them.
    Statuses,
    /// Any JSON-like tree with templates in its text.
    Json,
    /// A boolean expression over `result`.
    Expr,
    /// A map of these keys.
    Group(&'static [Key]),
    /// A list of text, or of maps with a `value` and perhaps a `label`; an expression's result that is
    /// such a list is welcome (`choose`).
    Options,
}

/// One field of an action's result.
#[derive(Debug)]
pub struct Field {
    /// As expressions write it after `result.`.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
    /// One line.
    pub help: &'static str,
}

/// The type of a result field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Known when it is there.
    Dyn,
    /// `true` or `false`.
    Bool,
    /// 64-bit.
    Int,
    /// A double.
    Float,
    /// Text.
    String,
    /// A moment.
    Timestamp,
    /// A length of time.
    Duration,
    /// A list of text.
    StringList,
    /// A list of maps.
    DynList,
}

mod http;
mod json;
mod nested;
mod people;
mod postgres;
mod process;
mod rds;
mod s3;
mod time;

/// The action that is an approval.
pub const APPROVE: &str = "approve";

/// The families, in the order of `docs/format.md`.
static FAMILIES: [&[ActionSpec]; 9] = [
    people::ACTIONS,
    time::ACTIONS,
    process::ACTIONS,
    http::ACTIONS,
    json::ACTIONS,
    postgres::ACTIONS,
    rds::ACTIONS,
    s3::ACTIONS,
    nested::ACTIONS,
];

/// Every action.
pub fn actions() -> impl Iterator<Item = &'static ActionSpec> + Clone {
    FAMILIES.iter().copied().flatten()
}

/// The action of this name.
#[must_use]
pub fn action(name: &str) -> Option<&'static ActionSpec> {
    actions().find(|spec| spec.name == name)
}

impl ActionSpec {
    /// Whether the operator does it rather than a program: the engine completes it with the answer.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        people::ACTIONS.iter().any(|spec| spec.name == self.name)
    }

    /// Whether what it did can be looked at again with its own request, changing nothing: it describes what
    /// it has asked for until that is there.
    #[must_use]
    pub fn tells_again(&self) -> bool {
        self.name.starts_with("rds.")
    }

    /// Whether it runs a program under a supervisor, which outlives the console: a later console finds
    /// the child at work, or how it ended.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        matches!(self.name, "shell" | "postgres.restore_dump")
    }
}

/// Keys that exclude each other: the action, the keys, and whether one of them must be there.
static ALTERNATIVES: &[(&str, &[&str], bool)] = &[
    ("wait", &["for", "until"], true),
    ("shell", &["run", "argv"], true),
    ("shell", &["stdin", "tty"], false),
    ("shell", &["json", "tty"], false),
    ("http", &["json", "form", "body", "file"], false),
    ("http", &["poll", "to"], false),
    ("rds.wait_available", &["cluster", "instance", "cluster_snapshot", "instance_snapshot"], true),
    ("postgres.compare", &["source", "counts"], true),
    ("rds.create_snapshot", &["cluster", "instance"], true),
    ("rds.copy_snapshot", &["cluster_snapshot", "instance_snapshot"], true),
];

/// The keys of an action that exclude each other, and whether one of them must be there.
pub fn alternatives(spec: &ActionSpec) -> impl Iterator<Item = (&'static [&'static str], bool)> {
    let of = ALTERNATIVES.iter().filter(move |(action, ..)| *action == spec.name);
    of.map(|(_, keys, needed)| (*keys, *needed))
}
