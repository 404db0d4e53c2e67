//! `do`, `undo` and the action of a `probe`.

use std::ops::Range;

use super::super::diagnostic::{Problems, suggestion};
use super::super::model::{Arg, Call};
use super::super::names;
use super::super::registry::{self, ActionSpec, Effect, EffectRule};
use super::super::value::{Type, Value};
use super::super::yaml::{self, Kind, Node};
use super::args::Args;
use super::scope::Scope;

/// Where a call stands, which decides its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'n> {
    /// `do`, with the step's `effect:`.
    Do(Option<(Effect, &'n Range<usize>)>),
    /// `undo`: has its own effect.
    Undo,
    /// A probe: only reads.
    Probe,
}

/// Reads one action, keyed by its name.
pub(super) fn call(
    problems: &mut Problems<'_>,
    node: &Node,
    place: Place<'_>,
    scope: &Scope,
    before: &Type,
) -> Option<Call> {
    let entry = match &node.kind {
        Kind::Map(entries) => match entries.as_slice() {
            [entry] => entry,
            [_, second, ..] => {
                problems
                    .error(second.key_span.clone(), "one-action", "a step does one thing")
                    .help("make a step of its own for the second action");
                return None;
            }
            [] => {
                problems
                    .error(node.span.clone(), "empty-value", "expected an action, found nothing")
                    .help("write the action's name, a colon and its keys");
                return None;
            }
        },
        _ => {
            yaml::expected(problems, node, "one action, keyed by its name");
            return None;
        }
    };
    let Some(spec) = registry::action(&entry.key) else {
        unknown(problems, entry);
        return None;
    };
    if spec.name == "runbook" {
        problems
            .error(entry.key_span.clone(), "misplaced-key", "`runbook` stands in `do` alone")
            .help("a step whose `do` it is stands for the steps of the other runbook");
        return None;
    }
    if spec.name == registry::APPROVE && !matches!(place, Place::Do(_)) {
        problems
            .error(entry.key_span.clone(), "misplaced-key", "`approve` stands in `do` alone")
            .help("make it a step of its own");
        return None;
    }
    let after = scope.after(spec);
    let args = Args { scope, before, after: &after };
    let what = format!("`{}`", spec.name);
    // `manual:` alone is a call without arguments.
    let list = match &entry.value.kind {
        Kind::Empty => {
            let span = entry.key_span.clone();
            args.group(problems, &Node { span, kind: Kind::Map(Vec::new()) }, &what, spec.keys)
        }
        _ => args.group(problems, &entry.value, &what, spec.keys),
    };
    alternatives(problems, entry, spec);
    sql_names(problems, entry);
    let effect = effect(problems, entry, spec, &list, place)?;
    refuse_poll(problems, entry, effect);
    refuse_terminal(problems, entry, effect, place);
    Some(Call { spec, args: list, effect })
}

fn unknown(problems: &mut Problems<'_>, entry: &yaml::Entry) {
    let names = registry::actions().map(|spec| spec.name);
    if entry.key.contains("${{") {
        problems
            .error(
                entry.key_span.clone(),
                "template-not-here",
                "an action's name is never a template",
            )
            .help("write one step an action, with `when:`");
        return;
    }
    problems
        .error(entry.key_span.clone(), "unknown-action", format!("unknown action `{}`", entry.key))
        .help(suggestion(&entry.key, "actions", names));
}

/// Keys of which one, or at most one, is given.
fn alternatives(problems: &mut Problems<'_>, entry: &yaml::Entry, spec: &ActionSpec) {
    let given = |key: &str| match &entry.value.kind {
        Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
        _ => None,
    };
    for (keys, one_needed) in registry::alternatives(spec) {
        let mut there = keys.iter().filter_map(|key| given(key));
        match (there.next(), there.next()) {
            (None, _) if one_needed => {
                let names = keys.join("`, `");
                problems
                    .error(
                        entry.key_span.clone(),
                        "missing-key",
                        format!("`{}` needs one of `{names}`", spec.name),
                    )
                    .help(format!("add `{}:`", keys.first().copied().unwrap_or_default()));
            }
            (Some(first), Some(second)) => {
                problems
                    .error(
                        second.key_span.clone(),
                        "misplaced-key",
                        format!("`{}` and `{}` cannot both be given", first.key, second.key),
                    )
                    .help("keep one of them");
            }
            _ => {}
        }
    }
}

/// Every `:"name"` of `sql` stands in `names`, and the other way round.
fn sql_names(problems: &mut Problems<'_>, entry: &yaml::Entry) {
    let Kind::Map(keys) = &entry.value.kind else { return };
    let find = |key: &str| keys.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let Some(sql) = find("sql") else { return };
    let Kind::Scalar(text) = &sql.kind else { return };
    let places = names::places(&text.text);
    let given: &[yaml::Entry] = match find("names").map(|node| &node.kind) {
        Some(Kind::Map(given)) => given,
        _ => &[],
    };
    let mut missing: Vec<&str> = places.iter().map(|place| place.name).collect();
    missing.retain(|name| !given.iter().any(|entry| entry.key == *name));
    missing.dedup();
    for name in missing {
        let message = format!("`sql` uses `{name}` and `names` does not give it");
        let help = format!("add `{name}:` to `names`, or correct the name in `sql`");
        problems.error(sql.span.clone(), "missing-name", message).help(help);
    }
    for unused in given.iter().filter(|entry| !places.iter().any(|place| place.name == entry.key)) {
        problems
            .error(
                unused.key_span.clone(),
                "unused-name",
                format!("`sql` does not use `{}`", unused.key),
            )
            .help(format!(
                "write `:\"{0}\"` (as an identifier) or `:'{0}'` (as text) in `sql`, or take it out",
                unused.key
            ));
    }
}

fn effect(
    problems: &mut Problems<'_>,
    entry: &yaml::Entry,
    spec: &ActionSpec,
    args: &[(String, Arg)],
    place: Place<'_>,
) -> Option<Effect> {
    let (default, allowed): (Effect, &[Effect]) = match spec.effect {
        EffectRule::Fixed(effect) => (effect, &[]),
        EffectRule::Declared(effect, others) => (effect, others),
        EffectRule::ByMethod => {
            (by_method(args), &[Effect::Reads, Effect::Changes, Effect::Destroys])
        }
        EffectRule::ByFlag(key) => (by_flag(args, key), &[]),
    };
    match place {
        Place::Undo | Place::Do(None) => Some(default),
        Place::Do(Some((wanted, _))) if wanted == default && !allowed.is_empty() => Some(wanted),
        Place::Do(Some((wanted, _))) if allowed.contains(&wanted) => Some(wanted),
        Place::Do(Some((_, span))) => {
            let message = format!("the effect of `{}` is `{}`", spec.name, default.name());
            let added = problems.error(span.clone(), "fixed-effect", message);
            added.help("remove `effect:`");
            None
        }
        // A script in a probe is declared to read by standing there; a POST is not.
        Place::Probe if default == Effect::Reads => Some(default),
        Place::Probe if allowed.contains(&Effect::Reads) && spec.effect != EffectRule::ByMethod => {
            Some(Effect::Reads)
        }
        Place::Probe => {
            problems
                .error(
                    entry.key_span.clone(),
                    "probe-must-read",
                    format!("a probe only reads, and `{}` does more here", spec.name),
                )
                .help("use an action that reads, such as `http` with GET or a describing action");
            None
        }
    }
}

/// `poll` sends its request again and again: only what reads may be sent so.
fn refuse_poll(problems: &mut Problems<'_>, entry: &yaml::Entry, effect: Effect) {
    let Kind::Map(keys) = &entry.value.kind else { return };
    if effect != Effect::Reads
        && let Some(poll) = keys.iter().find(|key| key.key == "poll")
    {
        problems
            .error(
                poll.key_span.clone(),
                "poll-changes",
                "`poll` would repeat a request that changes something",
            )
            .help(
                "poll in a step of its own with GET; if this one only reads, say `effect: reads`",
            );
    }
}

/// What a person types into a program is neither shown before it runs nor recorded: too little for what
/// destroys. A probe is asked by nobody.
fn refuse_terminal(
    problems: &mut Problems<'_>,
    entry: &yaml::Entry,
    effect: Effect,
    place: Place<'_>,
) {
    let Kind::Map(keys) = &entry.value.kind else { return };
    let tty = |key: &&yaml::Entry| key.key == "tty" && entry.key == "shell";
    let Some(tty) = keys.iter().find(tty) else { return };
    if effect == Effect::Destroys {
        problems
            .error(
                tty.key_span.clone(),
                "tty-destroys",
                "what is typed is not recorded: `tty` may not destroy",
            )
            .help("write the command as a script, so that it is shown before it runs");
    } else if place == Place::Probe {
        problems
            .error(tty.key_span.clone(), "tty-probe", "nobody may be there when a probe is asked")
            .help("remove `tty:`");
    }
}

/// A flag that only the run knows counts as raised.
fn by_flag(args: &[(String, Arg)], key: &str) -> Effect {
    let flag = args.iter().find(|(name, _)| name == key).map(|(_, arg)| arg);
    match flag {
        None => Effect::Changes,
        Some(Arg::Scalar(template)) if template.literal_value() == Some(&Value::Bool(false)) => {
            Effect::Changes
        }
        Some(_) => Effect::Destroys,
    }
}

fn by_method(args: &[(String, Arg)]) -> Effect {
    let method = args.iter().find(|(key, _)| key == "method").map(|(_, arg)| arg);
    let Some(Arg::Scalar(template)) = method else { return Effect::Reads };
    match template.literal_value().and_then(Value::as_str) {
        Some("GET" | "HEAD") => Effect::Reads,
        _ => Effect::Changes,
    }
}
