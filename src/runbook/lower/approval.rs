//! Who has to approve: of a guard, and of an `approve` step. Names and numbers, no templates: whoever reviews
//! the runbook reviews who approves.

use std::ops::Range;

use super::super::diagnostic::Problems;
use super::super::format::{self, known};
use super::super::model::{Approvers, Arg, Call};
use super::super::value::Value;
use super::super::yaml::{self, Fields, Node};
use super::items;

/// `approve` of a guard.
pub(super) fn of_guard(problems: &mut Problems<'_>, node: &Node) -> Option<Approvers> {
    let fields = Fields::read(problems, node, "`approve`", known(format::APPROVE))?;
    let by = fields.get("by").and_then(|node| names(problems, node));
    let count = match fields.get("count") {
        Some(node) => count(problems, node)?,
        None => 1,
    };
    let at = fields.get("count").unwrap_or(node).head();
    enough(problems, at, Approvers { by: by?, count })
}

/// Of an `approve` step.
pub(super) fn of_action(
    problems: &mut Problems<'_>,
    call: &Call,
    at: Range<usize>,
) -> Option<Approvers> {
    let arg = |key: &str| call.args.iter().find(|(name, _)| name == key).map(|(_, arg)| arg);
    let Some(Arg::List(list)) = arg("by") else { return None };
    let by = list.iter().filter_map(literal).map(ToString::to_string).collect();
    let count = match arg("count").and_then(literal) {
        Some(Value::Int(count)) => u32::try_from(*count).ok()?,
        Some(_) => return None,
        None => 1,
    };
    enough(problems, at, Approvers { by, count })
}

fn literal(arg: &Arg) -> Option<&Value> {
    match arg {
        Arg::Scalar(template) => template.literal_value(),
        Arg::List(_) | Arg::Map(_) | Arg::Expr(_) => None,
    }
}

/// A list of names, each once.
pub(super) fn names(problems: &mut Problems<'_>, node: &Node) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    let mut good = true;
    let nodes = items(problems, node);
    for node in nodes {
        let name = yaml::text(problems, node)?;
        let span = node.span.clone();
        let problem = if name.contains("${{") {
            Some(("misplaced-template", "who approves is written out: no template".to_owned()))
        } else if name.is_empty() || name.contains(char::is_whitespace) {
            Some(("bad-name", format!("`{name}` is no name of a user or of a signer")))
        } else if names.iter().any(|known| known == name) {
            Some(("duplicate-name", format!("`{name}` is here twice: one person approves once")))
        } else {
            names.push(name.to_owned());
            None
        };
        if let Some((code, message)) = problem {
            problems.error(span, code, message).help(
                "write a local user's name, or a principal of the allowed signers, such as \
                 bob or bob@example.com",
            );
            good = false;
        }
    }
    if nodes.is_empty() {
        problems
            .error(node.head(), "empty-value", "nobody could approve")
            .help("name at least one: `by: [bob]`");
        return None;
    }
    good.then_some(names)
}

/// How many have to approve.
pub(super) fn count(problems: &mut Problems<'_>, node: &Node) -> Option<u32> {
    let count = yaml::integer(problems, node)?;
    match u32::try_from(count) {
        Ok(count @ 1..=100) => Some(count),
        _ => {
            problems
                .error(node.span.clone(), "bad-range", "`count` must be from 1 to 100")
                .help("leave `count` out for one");
            None
        }
    }
}

fn enough(
    problems: &mut Problems<'_>,
    at: Range<usize>,
    approvers: Approvers,
) -> Option<Approvers> {
    let names = approvers.by.len();
    if usize::try_from(approvers.count).is_ok_and(|count| count <= names) {
        return Some(approvers);
    }
    let message =
        format!("{} must approve, and `by` names {names}: nobody could do this", approvers.count);
    problems.error(at, "bad-range", message).help("name more in `by`, or lower `count`");
    None
}
