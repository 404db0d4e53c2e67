//! The words of the format besides the actions', as data: the checker, the schema and
//! `docs/format.md` are made from the same tables.

/// One key of a runbook.
#[derive(Debug)]
pub struct Word {
    /// As a runbook writes it.
    pub name: &'static str,
    /// It must be there.
    pub required: bool,
    /// What it may hold.
    pub shape: Shape,
    /// One line.
    pub help: &'static str,
}

/// What a key may hold.
#[derive(Debug)]
pub enum Shape {
    /// The format's version.
    Version,
    /// Text without templates.
    Text,
    /// Text with templates.
    Template,
    /// A runbook's id.
    Id,
    /// A step's id.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number from 1 on.
    Count,
    /// Such as `15m`.
    Duration,
    /// `2026-10-01`.
    Date,
    /// A scalar of the input's type.
    OfInput,
    /// An expression.
    Expr,
    /// A list of expressions.
    Exprs,
    /// Names to expressions.
    NamedExprs,
    /// Names to templates.
    NamedTemplates,
    /// A list of text.
    Texts,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A map of these keys.
    Map(&'static [Word]),
    /// A list of maps of these keys.
    Maps(&'static [Word]),
    /// Names to maps of these keys.
    NamedMaps(&'static [Word]),
    /// One action, keyed by its name.
    Action,
    /// `none`, `confirm`, or a map of [`GUARD`].
    Guard,
}

const fn must(name: &'static str, shape: Shape, help: &'static str) -> Word {
    Word { name, required: true, shape, help }
}

const fn may(name: &'static str, shape: Shape, help: &'static str) -> Word {
    Word { name, required: false, shape, help }
}

/// Most steps of a runbook.
pub const MOST_STEPS: usize = 500;

/// What a runbook's id looks like.
pub const ID: &str = "[a-z0-9-]{1,64}";

/// What step ids, input names and saved names look like.
pub const NAME: &str = "[a-z][a-z0-9_]{0,62}";

/// What the name of an environment variable looks like.
pub const ENV: &str = "[A-Za-z_][A-Za-z0-9_]*";

/// The top level.
pub static RUNBOOK: &[Word] = &[
    must("steadyhand", Shape::Version, "The format's version: 1"),
    must("id", Shape::Id, "Unique in the catalogue"),
    must("title", Shape::Text, "One line, for people"),
    may("summary", Shape::Text, "Markdown"),
    may("version", Shape::Text, "The author's version"),
    may("owner", Shape::Text, "Who keeps it"),
    may("reviewed", Shape::Map(REVIEWED), "The last review"),
    may("system", Shape::Text, "The system it restores"),
    may("scope", Shape::Text, "What it covers and what it does not"),
    may("success", Shape::Text, "How one knows that it worked"),
    may("tags", Shape::Texts, "For search"),
    may("drill_every", Shape::Duration, "How often it wants a passed drill"),
    may("objectives", Shape::Map(OBJECTIVES), "The recovery objectives"),
    may("escalation", Shape::Maps(ESCALATION), "Whom to call, and when"),
    may("requires", Shape::Map(REQUIRES), "What must be there before the first step"),
    may("inputs", Shape::NamedMaps(INPUT), "What a run is asked for, by name"),
    may(
        "recovery_point",
        Shape::Template,
        "The recovery point achieved: a timestamp in terms of what steps saved",
    ),
    must("steps", Shape::Maps(STEP), "In the order in which they run; 1 to 500"),
];

/// `reviewed`.
pub static REVIEWED: &[Word] =
    &[must("on", Shape::Date, "The day"), must("by", Shape::Text, "The reviewer")];

/// `objectives`.
pub static OBJECTIVES: &[Word] = &[
    may("rto", Shape::Duration, "Longest time from the outage to `service_restored`"),
    may("rpo", Shape::Duration, "Longest span of data that may be lost"),
];

/// An item of `escalation`.
pub static ESCALATION: &[Word] = &[
    must("after", Shape::Duration, "Since the start of the outage"),
    must("to", Shape::Text, "The role or person"),
    must("contact", Shape::Text, "How to reach them"),
];

/// `requires`.
pub static REQUIRES: &[Word] = &[
    may("tools", Shape::Texts, "Programs on the PATH"),
    may("env", Shape::Texts, "Environment variables that are set; `env.NAME` in expressions"),
];

/// The types of inputs.
pub static INPUT_TYPES: &[&str] = &[
    "string",
    "integer",
    "number",
    "boolean",
    "choice",
    "timestamp",
    "duration",
    "path",
    "url",
    "s3_uri",
    "secret",
];

/// An input.
pub static INPUT: &[Word] = &[
    must("type", Shape::Choice(INPUT_TYPES), "Its type"),
    may(
        "default",
        Shape::OfInput,
        "Used when nothing is given; may name inputs above it in `${{ }}`; of a secret only where it is",
    ),
    may("env", Shape::Text, "An environment variable that it is taken from when nothing is given"),
    may("pattern", Shape::Text, "A regular expression that the whole text must match"),
    may("min", Shape::OfInput, "Smallest value; of a string, the shortest length"),
    may("max", Shape::OfInput, "Largest value; of a string, the greatest length"),
    may("choices", Shape::Texts, "For `choice`: what there is to choose from"),
    may("required", Shape::Bool, "Default: true, unless there is a default"),
    may("help", Shape::Text, "One line, for the form"),
];

/// A step.
pub static STEP: &[Word] = &[
    must("id", Shape::Name, "Unique in the runbook"),
    must("title", Shape::Template, "One line, for people"),
    may("instructions", Shape::Template, "Markdown, shown beside the request"),
    must("do", Shape::Action, "What it does: one action, keyed by its name"),
    may("undo", Shape::Action, "What takes it back"),
    may("probe", Shape::Map(PROBE), "How to find out what a lost attempt did"),
    may(
        "on_unknown",
        Shape::Choice(&["ask", "probe", "reattach"]),
        "Who resolves an unknown outcome; default: `reattach` for `shell` and `postgres.restore_dump`, \
         whose child outlives the console, else `probe` where there is one, else `ask`. `reattach` that \
         sees nothing asks the `probe`",
    ),
    may(
        "guard",
        Shape::Guard,
        "What the operator must do first; default by effect: reads none, changes confirm, \
         destroys type the name of what is destroyed. `approve` comes on top of that",
    ),
    may("when", Shape::Expr, "The step does not apply where this is false"),
    may("expect", Shape::Exprs, "Each must be true of `result`, or the step failed"),
    may("save", Shape::NamedExprs, "Saved for later steps: `steps.<id>.<name>`"),
    may("budget", Shape::Duration, "Target time: colours and pace, never kills"),
    may("timeout", Shape::Duration, "The attempt is cancelled after this"),
    may(
        "retry",
        Shape::Map(RETRY),
        "Repeats a failed attempt; refused on `destroys`, and on `changes` without a `probe`",
    ),
    may(
        "on_failure",
        Shape::Choice(&["stop", "continue"]),
        "Default `stop`: the operator chooses; `continue`: recorded as failed, the run goes on",
    ),
    may(
        "milestone",
        Shape::Choice(&["writes_stopped", "service_restored"]),
        "Reached when the step succeeds",
    ),
    may("verifies", Shape::Choice(&["data"]), "Feeds the report's data-integrity verdict"),
    may("evidence", Shape::Text, "What the operator is asked to attach"),
    may(
        "effect",
        Shape::Choice(&["reads", "changes", "destroys"]),
        "What `do` does to the world, where the action cannot know",
    ),
    may("env", Shape::NamedTemplates, "Environment for a script, besides `INPUT_…`"),
];

/// `probe`.
pub static PROBE: &[Word] = &[
    must("do", Shape::Action, "An action that only reads"),
    may("done", Shape::Expr, "True: the attempt did its work"),
    may("not_done", Shape::Expr, "True: the attempt changed nothing"),
    may("in_progress", Shape::Expr, "True: it is still at work"),
];

/// `retry`.
pub static RETRY: &[Word] = &[
    must("times", Shape::Count, "Besides the first attempt; at most 100"),
    must("every", Shape::Duration, "Pause before each"),
];

/// `guard: {type: …, approve: …}`.
pub static GUARD: &[Word] = &[
    may("type", Shape::Template, "The text that must be typed"),
    may(
        "approve",
        Shape::Map(APPROVE),
        "Who approves the request, before the operator does what the guard asks besides",
    ),
];

/// `guard.approve`.
pub static APPROVE: &[Word] = &[
    must(
        "by",
        Shape::Texts,
        "Who may: names of local users, and principals of the allowed signers; no templates",
    ),
    may("count", Shape::Count, "How many of them must; default 1"),
];

/// The names of some words, and whether they must be there.
pub(crate) fn known(words: &'static [Word]) -> impl Iterator<Item = (&'static str, bool)> + Clone {
    words.iter().map(|word| (word.name, word.required))
}
