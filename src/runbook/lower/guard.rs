//! `guard`: by default as strong as the effect needs, never weaker on what destroys. An approval comes on top
//! of what the operator has to do, never instead.

use super::super::diagnostic::Problems;
use super::super::format::{self, known};
use super::super::model::{Approvers, Call, Guard};
use super::super::registry::{APPROVE, Effect};
use super::super::template::Template;
use super::super::value::Type;
use super::super::yaml::{self, Entry, Fields, Kind, Node};
use super::scope::Scope;
use super::{approval, expr};

/// What must happen before a step's `do`: what the operator does, and who approves.
pub(super) type Guards = (Guard, Option<Approvers>);

/// The step's guard. `at` is where a guard that is missing is reported.
pub(super) fn guard(
    problems: &mut Problems<'_>,
    node: Option<&Node>,
    call: &Call,
    at: &Entry,
    scope: &Scope,
    before: &Type,
) -> Option<Guards> {
    let (written, approvers) = match node {
        Some(node) => written(problems, node, call, scope, before)?,
        None => (None, None),
    };
    let guard = match written {
        Some(guard) => guard,
        None => default(problems, call, at)?,
    };
    if let Some(node) = node
        && call.effect == Effect::Destroys
        && !matches!(guard, Guard::Type(_))
    {
        problems
            .error(node.head(), "weak-guard", "a step that destroys needs a typed guard")
            .help("write `guard: {type: \"…\"}` with the name of what is destroyed");
        return None;
    }
    Some((guard, approvers))
}

fn default(problems: &mut Problems<'_>, call: &Call, at: &Entry) -> Option<Guard> {
    let guard = call.default_guard();
    // An action whose naming key is missing has that problem already.
    if guard.is_none() && call.spec.destroys.is_none() {
        problems
            .error(
                at.key_span.clone(),
                "guard-missing",
                format!("`{}` cannot know the name of what this step destroys", call.spec.name),
            )
            .help("add `guard: {type: \"…\"}` with the name that must be typed");
    }
    guard
}

/// The guard as it is written. `None` for the operator's part: as by default.
fn written(
    problems: &mut Problems<'_>,
    node: &Node,
    call: &Call,
    scope: &Scope,
    before: &Type,
) -> Option<(Option<Guard>, Option<Approvers>)> {
    if !matches!(node.kind, Kind::Map(_)) {
        return match yaml::one_of(problems, node, &["none", "confirm"])? {
            "none" => Some((Some(Guard::None), None)),
            _ => Some((Some(Guard::Confirm), None)),
        };
    }
    let fields = Fields::read(problems, node, "guard", known(format::GUARD))?;
    let phrase = match fields.get("type") {
        Some(node) => Some(Guard::Type(phrase(problems, node, scope, before)?)),
        None => None,
    };
    let approvers = match fields.entry("approve") {
        Some(entry) if call.spec.name == APPROVE => {
            problems
                .error(entry.key_span.clone(), "misplaced-key", "this step is an approval itself")
                .help("name who approves in `do: {approve: …}` alone");
            return None;
        }
        Some(entry) => Some(approval::of_guard(problems, &entry.value)?),
        None => None,
    };
    if phrase.is_none() && approvers.is_none() {
        // A key that is misspelt is a problem already.
        if !fields.entries().is_empty() {
            return None;
        }
        problems
            .error(node.head(), "missing-key", "guard needs the key `type`, `approve` or both")
            .help("write `guard: {type: \"…\"}` or `guard: {approve: {by: [bob]}}`");
        return None;
    }
    Some((phrase, approvers))
}

fn phrase(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    before: &Type,
) -> Option<Template> {
    let phrase = expr::shown(problems, node, scope, before)?;
    if phrase.source().trim().is_empty() {
        problems
            .error(node.span.clone(), "empty-value", "nothing would have to be typed")
            .help("write the name of what the step acts on");
        return None;
    }
    Some(phrase)
}
