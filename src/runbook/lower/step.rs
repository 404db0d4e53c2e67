//! `steps`.

use std::collections::BTreeMap;

use super::super::diagnostic::Problems;
use super::super::expr::Expr;
use super::super::format::{self, MOST_STEPS, known};
use super::super::model::{Call, Milestone, OnFailure, OnUnknown, Probe, Retry, Step, Verifies};
use super::super::registry::{APPROVE, Effect, Kind as ArgKind};
use super::super::template::Template;
use super::super::value::Type;
use super::super::yaml::{self, Fields, Kind, Node};
use super::call::{self, Place};
use super::expr::{self, Secrets};
use super::guard::Guards;
use super::nested::{self, Includes};
use super::scope::Scope;
use super::{approval, duration, guard, items, line, named};

/// All steps, each in the scope of those before it.
pub(super) fn steps(
    problems: &mut Problems<'_>,
    node: &Node,
    scope: &mut Scope,
    includes: &mut Includes<'_>,
) -> Vec<Step> {
    let nodes = items(problems, node);
    if nodes.is_empty() && matches!(node.kind, Kind::List(_)) {
        problems
            .error(node.span.clone(), "empty-value", "a runbook needs at least one step")
            .help("add `- id:`, with `title:` and `do:`");
    }
    if let Some(first_too_many) = nodes.get(MOST_STEPS) {
        let message = format!("{} steps; at most {MOST_STEPS} are allowed", nodes.len());
        problems.error(first_too_many.head(), "too-many-steps", message).help("split the runbook");
        return Vec::new();
    }
    unique_ids(problems, nodes, scope);
    let mut milestones = BTreeMap::new();
    let mut steps = Vec::new();
    for node in nodes {
        if let Some(call) = nested::call(node) {
            let inner = nested::steps(problems, node, call, scope, includes);
            nested::milestones(problems, node, &inner, &steps);
            steps.extend(inner);
            continue;
        }
        let mut reader = Reader { problems, scope, node };
        if let Some(step) = reader.step(&mut milestones) {
            nested::milestones(problems, node, std::slice::from_ref(&step), &steps);
            steps.push(step);
        }
    }
    nested::refuse_too_many(problems, node, &steps);
    steps
}

/// The id as it is written, whether good or not.
fn raw_id(node: &Node) -> Option<(&str, std::ops::Range<usize>)> {
    let Kind::Map(entries) = &node.kind else { return None };
    let entry = entries.iter().find(|entry| entry.key == "id")?;
    let Kind::Scalar(scalar) = &entry.value.kind else { return None };
    Some((&scalar.text, entry.value.span.clone()))
}

fn unique_ids(problems: &mut Problems<'_>, nodes: &[Node], scope: &mut Scope) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, span) in nodes.iter().filter_map(raw_id) {
        match seen.get(id) {
            Some(first) => {
                let (line, _) = problems.source.position(*first);
                problems
                    .error(span, "duplicate-id", format!("the id `{id}` is here twice"))
                    .help(format!("the first one is on line {line}; ids are unique"));
            }
            None => {
                seen.insert(id, span.start);
            }
        }
    }
    scope.announce_steps(seen.keys().map(|id| (*id).to_owned()).collect());
}

struct Reader<'r, 's> {
    problems: &'r mut Problems<'s>,
    scope: &'r mut Scope,
    node: &'r Node,
}

impl<'r> Reader<'r, '_> {
    fn step(&mut self, milestones: &mut BTreeMap<Milestone, (usize, bool)>) -> Option<Step> {
        let fields = Fields::read(self.problems, self.node, "a step", known(format::STEP))?;
        let id = fields.get("id").and_then(|node| {
            super::name(self.problems, node, format::NAME, "step").map(str::to_owned)
        });
        self.scope.enter(id.as_deref().unwrap_or_default());
        let before = self.scope.before();
        let title = fields.get("title").and_then(|node| self.title(node, &before));
        let instructions = fields
            .get("instructions")
            .and_then(|node| expr::shown(self.problems, node, self.scope, &before));
        let effect = self.effect(&fields);
        let effect = effect.as_ref().map(|(effect, span)| (*effect, span));
        let action = fields.get("do").and_then(|node| {
            call::call(self.problems, node, Place::Do(effect), self.scope, &before)
        });
        let undo = fields
            .get("undo")
            .and_then(|node| call::call(self.problems, node, Place::Undo, self.scope, &before));
        let when = fields
            .get("when")
            .and_then(|node| expr::condition(self.problems, node, self.scope, &before));
        // Where the action is not known, nothing is known of its result either.
        let after = action.as_ref().map_or(Type::Dyn, |call| self.scope.after(call.spec));
        let expect = self.expect(&fields, &after);
        let (save, saved) = self.save(&fields, &after);
        let probe = fields.get("probe").and_then(|node| self.probe(node, &before));
        let guards = self.guards(&fields, action.as_ref(), &before);
        let budget = fields.get("budget").and_then(|node| duration(self.problems, node));
        let timeout = fields.get("timeout").and_then(|node| duration(self.problems, node));
        let retry = self.retry(&fields, action.as_ref());
        let milestone = self.milestone(&fields, milestones);
        let on_unknown = self.on_unknown(&fields, action.as_ref());
        let on_failure = self.word(&fields, "on_failure", &["stop", "continue"]);
        let verifies = self.word(&fields, "verifies", &["data"]);
        let evidence = fields.get("evidence").and_then(|node| line(self.problems, node));
        let env = self.env(&fields, action.as_ref(), &before);
        if let Some(id) = &id {
            self.scope.leave(id, saved);
        }
        let (guard, approval) = guards?;
        Some(Step {
            id: id?,
            title: title?,
            instructions,
            action: action?,
            undo,
            probe,
            on_unknown,
            guard,
            approval,
            when,
            expect,
            save,
            budget,
            timeout,
            retry,
            on_failure: match on_failure {
                Some("continue") => OnFailure::Continue,
                _ => OnFailure::Stop,
            },
            milestone,
            verifies: verifies.map(|_| Verifies::Data),
            evidence: evidence.map(str::to_owned),
            env,
            within: None,
        })
    }

    fn title(&mut self, node: &Node, before: &Type) -> Option<Template> {
        let title = expr::shown(self.problems, node, self.scope, before)?;
        super::one_line(self.problems, node, title.source()).then_some(title)
    }

    fn word(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        words: &[&'static str],
    ) -> Option<&'static str> {
        fields.get(key).and_then(|node| yaml::one_of(self.problems, node, words))
    }

    fn effect(&mut self, fields: &Fields<'_>) -> Option<(Effect, std::ops::Range<usize>)> {
        let effects = [Effect::Reads, Effect::Changes, Effect::Destroys];
        let word = self.word(fields, "effect", &effects.map(Effect::name))?;
        let effect = effects.into_iter().find(|effect| effect.name() == word)?;
        fields.get("effect").map(|node| (effect, node.span.clone()))
    }

    fn expect(&mut self, fields: &Fields<'_>, after: &Type) -> Vec<Expr> {
        let Some(list) = fields.get("expect") else { return Vec::new() };
        let mut found = Vec::new();
        for node in items(self.problems, list) {
            found.extend(expr::condition(self.problems, node, self.scope, after));
        }
        found
    }

    #[allow(clippy::type_complexity)] // The two lists are used at once and apart.
    fn save(
        &mut self,
        fields: &Fields<'_>,
        after: &Type,
    ) -> (Vec<(String, Expr)>, Vec<(String, Type)>) {
        let (mut saves, mut types) = (Vec::new(), Vec::new());
        let Some(node) = fields.get("save") else { return (saves, types) };
        let Kind::Map(entries) = &node.kind else {
            yaml::expected(self.problems, node, "a map of names to expressions");
            return (saves, types);
        };
        for entry in entries {
            named(self.problems, entry.key_span.clone(), &entry.key, format::NAME, "value");
            if entry.key == "outcome" {
                self.problems
                    .error(
                        entry.key_span.clone(),
                        "bad-name",
                        "`outcome` is the step's own outcome",
                    )
                    .help("choose another name");
                continue;
            }
            let read = expr::expression(self.problems, &entry.value, self.scope, after);
            types.push((entry.key.clone(), read.as_ref().map_or(Type::Dyn, |(_, ty)| ty.clone())));
            saves.extend(read.map(|(expr, _)| (entry.key.clone(), expr)));
        }
        (saves, types)
    }

    fn probe(&mut self, node: &Node, before: &Type) -> Option<Probe> {
        let fields = Fields::read(self.problems, node, "a probe", known(format::PROBE))?;
        let action = fields
            .get("do")
            .and_then(|node| call::call(self.problems, node, Place::Probe, self.scope, before));
        let after = action.as_ref().map_or(Type::Dyn, |call| self.scope.after(call.spec));
        let mut answer = |key| {
            let node = fields.get(key)?;
            expr::condition(self.problems, node, self.scope, &after)
        };
        let [done, not_done, in_progress] = ["done", "not_done", "in_progress"].map(&mut answer);
        let answers = ["done", "not_done", "in_progress"];
        if answers.iter().all(|key| fields.get(key).is_none()) {
            self.problems
                .error(node.head(), "missing-key", "this probe has no answer")
                .help("add `done:`, and `not_done:` or `in_progress:` where they can be told");
        }
        Some(Probe { action: action?, done, not_done, in_progress })
    }

    fn guards(
        &mut self,
        fields: &Fields<'_>,
        action: Option<&Call>,
        before: &Type,
    ) -> Option<Guards> {
        let (at, action) = (fields.entry("do")?, action?);
        let node = fields.get("guard");
        let (guard, approvers) = guard::guard(self.problems, node, action, at, self.scope, before)?;
        if action.spec.name == APPROVE {
            let approvers = approval::of_action(self.problems, action, at.value.head())?;
            return Some((guard, Some(approvers)));
        }
        Some((guard, approvers))
    }

    fn retry(&mut self, fields: &Fields<'_>, action: Option<&Call>) -> Option<Retry> {
        let entry = fields.entry("retry")?;
        let refusal = match action.map(|call| call.effect) {
            Some(Effect::Destroys) => Some((
                "what destroys is never repeated on its own",
                "remove `retry:`; a person decides",
            )),
            Some(Effect::Changes) if fields.get("probe").is_none() => Some((
                "what changes is repeated on its own only with a `probe` that tells what happened",
                "add a `probe:`, or remove `retry:`",
            )),
            _ => None,
        };
        if let Some((message, help)) = refusal {
            self.problems.error(entry.key_span.clone(), "unsafe-retry", message).help(help);
        }
        let retry = Fields::read(self.problems, &entry.value, "retry", known(format::RETRY))?;
        let every = retry.get("every").and_then(|node| duration(self.problems, node));
        let node = retry.get("times")?;
        let times = yaml::integer(self.problems, node)?;
        match u32::try_from(times) {
            Ok(times @ 1..=100) => Some(Retry { times, every: every? }),
            _ => {
                self.problems
                    .error(node.span.clone(), "bad-range", "`times` must be from 1 to 100")
                    .help("leave `retry` out for no repetition");
                None
            }
        }
    }

    fn milestone(
        &mut self,
        fields: &Fields<'_>,
        seen: &mut BTreeMap<Milestone, (usize, bool)>,
    ) -> Option<Milestone> {
        let both = [Milestone::WritesStopped, Milestone::ServiceRestored];
        let word = self.word(fields, "milestone", &both.map(Milestone::name))?;
        let milestone = both.into_iter().find(|milestone| milestone.name() == word)?;
        let span = fields.get("milestone")?.span.clone();
        let conditional = fields.get("when").is_some();
        // Steps of which one applies may share a milestone.
        if let Some((first, first_conditional)) = seen.insert(milestone, (span.start, conditional))
            && !(conditional && first_conditional)
        {
            let (line, _) = self.problems.source.position(first);
            self.problems
                .error(span, "duplicate-milestone", format!("`{word}` is here twice"))
                .help(format!(
                    "line {line} has it already; only steps that all have a `when` may share one"
                ));
        }
        Some(milestone)
    }

    fn on_unknown(&mut self, fields: &Fields<'_>, action: Option<&Call>) -> OnUnknown {
        let probed = fields.get("probe").is_some();
        match self.word(fields, "on_unknown", &["ask", "probe", "reattach"]) {
            Some("probe") if !probed => {
                if let Some(node) = fields.get("on_unknown") {
                    self.problems
                        .error(node.span.clone(), "missing-key", "this step has no `probe`")
                        .help("add a `probe:`, or write `on_unknown: ask`");
                }
                OnUnknown::Ask
            }
            Some("probe") => OnUnknown::Probe,
            Some("reattach") => OnUnknown::Reattach,
            None if action.is_some_and(|call| call.spec.is_supervised()) => OnUnknown::Reattach,
            None if probed => OnUnknown::Probe,
            Some(_) | None => OnUnknown::Ask,
        }
    }

    fn env(
        &mut self,
        fields: &Fields<'_>,
        action: Option<&Call>,
        before: &Type,
    ) -> Vec<(String, Template)> {
        let Some(entry) = fields.entry("env") else { return Vec::new() };
        let runs_script =
            |call: &Call| call.spec.keys.iter().any(|key| matches!(key.kind, ArgKind::Script));
        if let Some(call) = action.filter(|call| !runs_script(call)) {
            let message = format!("`{}` runs no script that could read `env:`", call.spec.name);
            let span = entry.key_span.clone();
            self.problems.error(span, "misplaced-key", message).help("remove it");
        }
        let Kind::Map(entries) = &entry.value.kind else {
            yaml::expected(self.problems, &entry.value, "a map of variables");
            return Vec::new();
        };
        let mut env = Vec::new();
        for entry in entries {
            named(self.problems, entry.key_span.clone(), &entry.key, format::ENV, "variable");
            if entry.key.starts_with("INPUT_") {
                self.problems
                    .error(entry.key_span.clone(), "bad-name", "`INPUT_…` is set from the inputs")
                    .help("choose another name");
            }
            env.extend(self.variable(&entry.value, before).map(|value| (entry.key.clone(), value)));
        }
        env
    }

    fn variable(&mut self, node: &Node, before: &Type) -> Option<Template> {
        // `PORT: 5432` is text to a process, whatever it is to YAML.
        let (template, ty) =
            expr::template(self.problems, node, self.scope, before, Secrets::Allowed)?;
        expr::is_scalar(self.problems, node, &ty).then_some(template)
    }
}
