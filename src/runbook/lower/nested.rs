//! `do: {runbook: …}`: the steps of another runbook in the place of a step.

use std::sync::Arc;

use super::super::diagnostic::{Problems, Severity, suggestion};
use super::super::format::{self, MOST_STEPS, known};
use super::super::model::{Requires, Runbook, Step};
use super::super::value::Type;
use super::super::within::Within;
use super::super::yaml::{self, Entry, Fields, Kind, Node};
use super::scope::Scope;
use super::{Checked, Found, Included, Library, Wanted, check_nested, expr, input, one_line};

/// How deep runbooks may name one another.
const DEEPEST: usize = 4;
/// What a step that names a runbook may say besides.
const KEYS: [&str; 4] = ["id", "title", "do", "when"];

/// Where other runbooks come from, and what has been read so far.
pub(super) struct Includes<'l> {
    pub(super) library: &'l mut Library<'l>,
    /// The files on the way to this one.
    pub(super) files: Vec<String>,
    /// The steps on the way.
    pub(super) at: Vec<String>,
    pub(super) found: Vec<Included>,
    /// What those need before the first step.
    pub(super) requires: Requires,
}

/// The call of a step whose `do` names another runbook.
pub(super) fn call(step: &Node) -> Option<&Entry> {
    let Kind::Map(keys) = &step.kind else { return None };
    let Kind::Map(calls) = &keys.iter().find(|entry| entry.key == "do")?.value.kind else {
        return None;
    };
    match calls.as_slice() {
        [only] if only.key == "runbook" => Some(only),
        _ => None,
    }
}

/// The steps of the other runbook, with the names they have here.
pub(super) fn steps(
    problems: &mut Problems<'_>,
    node: &Node,
    call: &Entry,
    scope: &mut Scope,
    includes: &mut Includes<'_>,
) -> Vec<Step> {
    let Some(fields) = Fields::read(problems, node, "a step", known(format::STEP)) else {
        return Vec::new();
    };
    for entry in fields.entries().iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
        let message = format!("`{}` does not go with `runbook`", entry.key);
        problems
            .error(entry.key_span.clone(), "misplaced-key", message)
            .help("the steps of the other runbook have their own");
    }
    let id = fields.get("id").and_then(|node| super::name(problems, node, format::NAME, "step"));
    scope.enter(id.unwrap_or_default());
    let before = scope.before();
    let title = fields.get("title").and_then(|node| {
        let title = expr::shown(problems, node, scope, &before)?;
        one_line(problems, node, title.source()).then_some(title)
    });
    let when = fields.get("when").and_then(|node| expr::condition(problems, node, scope, &before));
    let read = read(problems, call, id.unwrap_or_default(), includes);
    let inputs =
        read.as_ref().and_then(|(runbook, _)| given(problems, call, runbook, scope, &before));
    if let Some(id) = id {
        let saved = read.as_ref().map_or(Type::Dyn, |(_, saved)| saved.clone());
        scope.leave_nested(id, saved);
    }
    let (Some(id), Some(title), Some(inputs), Some((runbook, _))) = (id, title, inputs, read)
    else {
        return Vec::new();
    };
    let within = Arc::new(Within { step: id.to_owned(), title, inputs, when, outer: None });
    let steps = runbook.steps.into_iter().map(|step| Step {
        id: format!("{id}/{}", step.id),
        within: Some(within.around(step.within.as_ref())),
        ..step
    });
    steps.collect()
}

/// Reads the other runbook, and the type of what its steps save.
fn read(
    problems: &mut Problems<'_>,
    call: &Entry,
    id: &str,
    includes: &mut Includes<'_>,
) -> Option<(Runbook, Type)> {
    let what = "`runbook`";
    let spec = super::super::registry::action("runbook")?;
    let keys = spec.keys.iter().map(|key| (key.name, key.required));
    let fields = Fields::read(problems, &call.value, what, keys)?;
    let node = fields.get("id")?;
    let name = yaml::plain_text(problems, node)?;
    let mut refuse = |code, message: String, help: &str| {
        problems.error(node.span.clone(), code, message).help(help);
        None
    };
    includes.at.push(id.to_owned());
    let at = includes.at.join("/");
    let from = includes.files.last().cloned().unwrap_or_default();
    let found = (includes.library)(&Wanted { name, from: &from, at: &at });
    let read = match found {
        Err(why) => {
            refuse("no-such-runbook", why, "write an id of the catalogue, or a path from this file")
        }
        Ok(Found { file, .. }) if includes.files.contains(&file) => {
            let message = format!("{file} would contain itself");
            refuse("endless-runbook", message, "a runbook cannot be a part of itself")
        }
        Ok(Found { file, .. }) if includes.files.len() > DEEPEST => {
            let message = format!("{file} would be more than {DEEPEST} runbooks deep");
            refuse("endless-runbook", message, "name its steps' runbooks higher up")
        }
        Ok(Found { file, bytes }) => {
            includes.files.push(file.clone());
            let (Checked { source, problems: own, runbook, .. }, saved) =
                check_nested(&bytes, &file, includes);
            includes.files.pop();
            let errors = own.iter().filter(|problem| problem.severity == Severity::Error).count();
            includes.found.push(Included { at, file: file.clone(), bytes, source, problems: own });
            match runbook {
                Some(runbook) => {
                    includes.requires.add(&runbook.requires);
                    Some((runbook, saved))
                }
                None => {
                    let message = format!("{file} cannot be used: {errors} problems of its own");
                    refuse(
                        "broken-runbook",
                        message,
                        "they are listed with that file; mend them there",
                    )
                }
            }
        }
    };
    includes.at.pop();
    read
}

/// What the step gives to each input of the other runbook.
#[allow(clippy::type_complexity)] // The pairs are `Within::inputs`.
fn given(
    problems: &mut Problems<'_>,
    call: &Entry,
    runbook: &Runbook,
    scope: &Scope,
    before: &Type,
) -> Option<Vec<(super::super::model::Input, Option<super::super::template::Template>)>> {
    let Kind::Map(keys) = &call.value.kind else { return None };
    let entries = match keys.iter().find(|entry| entry.key == "inputs").map(|e| &e.value) {
        None => &[][..],
        Some(Node { kind: Kind::Map(entries), .. }) => entries,
        Some(node) => {
            yaml::expected(problems, node, "a map of inputs");
            return None;
        }
    };
    let names = || runbook.inputs.iter().map(|input| input.name.as_str());
    for entry in entries.iter().filter(|entry| names().all(|name| name != entry.key)) {
        let message = format!("`{}` has no input `{}`", runbook.id, entry.key);
        problems.error(entry.key_span.clone(), "undefined-input", message).help(suggestion(
            &entry.key,
            "inputs",
            names(),
        ));
    }
    let (mut all, mut good) = (Vec::new(), true);
    for declared in &runbook.inputs {
        let entry = entries.iter().find(|entry| entry.key == declared.name);
        let value = match entry {
            Some(entry) => {
                let value = input::given(problems, &entry.value, declared, scope, before);
                good &= value.is_some();
                value
            }
            None if declared.is_needed_from_outside() => {
                let message = format!("`{}` needs the input `{}`", runbook.id, declared.name);
                problems
                    .error(call.key_span.clone(), "missing-key", message)
                    .help(format!("add `{}:` to `inputs:`", declared.name));
                None
            }
            None => None,
        };
        all.push((declared.clone(), value));
    }
    good.then_some(all)
}

/// All steps together must still be a runbook that a person can follow.
pub(super) fn refuse_too_many(problems: &mut Problems<'_>, node: &Node, steps: &[Step]) {
    if steps.len() > MOST_STEPS {
        let message =
            format!("{} steps with those of other runbooks; at most {MOST_STEPS}", steps.len());
        problems.error(node.head(), "too-many-steps", message).help("name fewer runbooks");
    }
}

/// A milestone is reached once, whichever runbook says so. Within one file [`super::step`] tells.
pub(super) fn milestones(
    problems: &mut Problems<'_>,
    node: &Node,
    added: &[Step],
    before: &[Step],
) {
    for step in added {
        let Some(milestone) = step.milestone else { continue };
        let twice = before.iter().find(|earlier| {
            earlier.milestone == Some(milestone)
                && (earlier.within.is_some() || step.within.is_some())
                && !(earlier.is_conditional() && step.is_conditional())
        });
        if let Some(earlier) = twice {
            let name = milestone.name();
            let message = format!("`{name}` is here twice: `{}` and `{}`", earlier.id, step.id);
            problems
                .error(node.head(), "duplicate-milestone", message)
                .help("only steps that all have a `when` may share one");
        }
    }
}
