//! `guard`: by default as strong as the effect needs, never weaker on what destroys.

use super::super::diagnostic::Problems;
use super::super::format::{self, known};
use super::super::model::{Call, Guard};
use super::super::registry::Effect;
use super::super::value::Type;
use super::super::yaml::{self, Entry, Fields, Kind, Node};
use super::expr;
use super::scope::Scope;

/// The step's guard. `at` is where a guard that is missing is reported.
pub(super) fn guard(
    problems: &mut Problems<'_>,
    node: Option<&Node>,
    call: &Call,
    at: &Entry,
    scope: &Scope,
    before: &Type,
) -> Option<Guard> {
    let Some(node) = node else {
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
        return guard;
    };
    let guard = written(problems, node, scope, before)?;
    if call.effect == Effect::Destroys && !matches!(guard, Guard::Type(_)) {
        problems
            .error(node.head(), "weak-guard", "a step that destroys needs a typed guard")
            .help("write `guard: {type: \"…\"}` with the name of what is destroyed");
        return None;
    }
    Some(guard)
}

fn written(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &Scope,
    before: &Type,
) -> Option<Guard> {
    if !matches!(node.kind, Kind::Map(_)) {
        return match yaml::one_of(problems, node, &["none", "confirm"])? {
            "none" => Some(Guard::None),
            _ => Some(Guard::Confirm),
        };
    }
    let fields = Fields::read(problems, node, "guard", known(format::GUARD))?;
    let node = fields.get("type")?;
    let phrase = expr::shown(problems, node, scope, before)?;
    if phrase.source().trim().is_empty() {
        problems
            .error(node.span.clone(), "empty-value", "nothing would have to be typed")
            .help("write the name of what the step acts on");
        return None;
    }
    Some(Guard::Type(phrase))
}
