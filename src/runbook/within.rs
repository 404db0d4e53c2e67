//! What the names of a step mean that came from another runbook: its own inputs and its own steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::expr::{EvalError, Expr};
use super::inputs::check_value;
use super::model::{Input, Step, StepId};
use super::request::Resolved;
use super::template::Template;
use super::value::Value;

/// The step that names another runbook, for the steps of that one.
#[derive(Clone, Debug)]
pub struct Within {
    /// The step's id in its own runbook.
    pub step: StepId,
    /// The step's title.
    pub title: Template,
    /// The other runbook's inputs, each with what the step gives it.
    pub inputs: Vec<(Input, Option<Template>)>,
    /// None of the steps applies where this is false.
    pub when: Option<Expr>,
    /// Where the step itself came from, when it is another runbook's.
    pub outer: Option<Arc<Within>>,
}

impl Within {
    /// Puts a step that came from `inner` into the step that `self` is.
    pub(super) fn around(self: &Arc<Self>, inner: Option<&Arc<Self>>) -> Arc<Self> {
        match inner {
            None => self.clone(),
            Some(inner) => {
                let outer = Some(self.around(inner.outer.as_ref()));
                Arc::new(Self { outer, ..(**inner).clone() })
            }
        }
    }

    /// The ids of the steps around, from the outermost.
    fn path(&self) -> Vec<String> {
        let mut path = self.outer.as_ref().map(|outer| outer.path()).unwrap_or_default();
        path.push(self.step.clone());
        path
    }

    fn outside(&self, run: &Value) -> Value {
        self.outer.as_ref().map_or_else(|| run.clone(), |outer| outer.scope(run))
    }

    fn scope(&self, run: &Value) -> Value {
        let outside = self.outside(run);
        let nothing = Value::map::<String>([]);
        let steps = outside.get("steps").and_then(|steps| steps.get(&self.step)).cloned();
        let inputs = self.values(&outside).unwrap_or_else(|(values, _)| values);
        let Value::Map(mut names) = outside else { return nothing };
        names.insert("inputs".to_owned(), Value::Map(inputs));
        names.insert("steps".to_owned(), steps.unwrap_or(nothing));
        Value::Map(names)
    }

    /// The inputs' values; with the first that is none, those before it.
    fn values(&self, outside: &Value) -> Result<Values, (Values, String)> {
        let mut values = Values::new();
        let now = started(outside);
        for (input, given) in &self.inputs {
            let inside = Value::map([("inputs", Value::Map(values.clone()))]);
            let (template, scope) = match (given, &input.default) {
                (Some(given), _) => (given, outside),
                (None, Some(default)) => (default, &inside),
                (None, None) => continue,
            };
            match value(input, template, scope, now) {
                Ok(value) => values.insert(input.name.clone(), value),
                Err(why) => {
                    let step = self.path().join("/");
                    let why = format!("the input `{}` of `{step}`: {why}", input.name);
                    return Err((values, why));
                }
            };
        }
        Ok(values)
    }

    /// The names that `path` stands for outside, when it begins with an input or a step of inside.
    fn outward(&self, path: Vec<String>) -> Vec<Vec<String>> {
        let paths = match path.as_slice() {
            [root, name, ..] if root == "inputs" => {
                let input = self.inputs.iter().find(|(input, _)| input.name == *name);
                input.and_then(|(_, given)| given.as_ref()).map(Template::names).unwrap_or_default()
            }
            [root, rest @ ..] if root == "steps" => {
                vec![[&[root.clone(), self.step.clone()][..], rest].concat()]
            }
            _ => vec![path],
        };
        match &self.outer {
            Some(outer) => paths.into_iter().flat_map(|path| outer.outward(path)).collect(),
            None => paths,
        }
    }
}

type Values = BTreeMap<String, Value>;

fn value(
    input: &Input,
    template: &Template,
    scope: &Value,
    now: DateTime<Utc>,
) -> Result<Value, String> {
    match template.render(scope).map_err(|e| e.message)? {
        // A secret is handed on by its name outside.
        Resolved::Value(secret @ Value::Secret(_)) => Ok(secret),
        Resolved::Value(value) => check_value(input, value, now).map_err(|e| e.message),
        Resolved::Text(_) | Resolved::List(_) | Resolved::Map(_) | Resolved::Expr(_) => {
            Err("a secret cannot be part of it".to_owned())
        }
    }
}

/// What "5m ago" counts from.
fn started(scope: &Value) -> DateTime<Utc> {
    match scope.get("run").and_then(|run| run.get("started")) {
        Some(Value::Timestamp(moment)) => *moment,
        Some(_) | None => DateTime::UNIX_EPOCH,
    }
}

impl Step {
    /// The names as this step sees them, given those of the run.
    #[must_use]
    pub fn scope(&self, run: Value) -> Value {
        match &self.within {
            Some(within) => within.scope(&run),
            None => run,
        }
    }

    /// Whether the steps around give good inputs.
    ///
    /// # Errors
    /// One line: which input has none.
    pub fn check_inputs(&self, run: &Value) -> Result<(), String> {
        let mut within = self.within.as_ref();
        while let Some(around) = within {
            around.values(&around.outside(run)).map_err(|(_, why)| why)?;
            within = around.outer.as_ref();
        }
        Ok(())
    }

    /// The title of the step that this one is a part of.
    #[must_use]
    pub fn part_of(&self, run: &Value) -> Option<String> {
        let within = self.within.as_ref()?;
        let title = within.title.render_text(&within.outside(run));
        Some(title.unwrap_or_else(|_| within.title.source().to_owned()))
    }

    /// Whether there is a condition at all.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.when.is_some() || self.conditions_around().next().is_some()
    }

    /// The condition that does not hold, if any: of a step around, or the step's own.
    ///
    /// # Errors
    /// The condition that cannot be evaluated: it is neither true nor false.
    pub fn unmet(&self, run: &Value) -> Result<Option<&Expr>, (&Expr, EvalError)> {
        let around = self.conditions_around();
        let around = around.map(|(within, when)| (when, within.outside(run)));
        let mut all: Vec<_> = around.collect();
        // From the outermost inwards.
        all.reverse();
        all.extend(self.when.iter().map(|when| (when, self.scope(run.clone()))));
        for (when, scope) in all {
            if !when.eval_bool(&scope).map_err(|e| (when, e))? {
                return Ok(Some(when));
            }
        }
        Ok(None)
    }

    fn conditions_around(&self) -> impl Iterator<Item = (&Within, &Expr)> {
        let within = std::iter::successors(self.within.as_deref(), |w| w.outer.as_deref());
        within.filter_map(|within| Some((within, within.when.as_ref()?)))
    }

    /// Paths of this step as the run knows them.
    #[must_use]
    pub fn outward(&self, paths: Vec<Vec<String>>) -> Vec<Vec<String>> {
        match &self.within {
            Some(within) => paths.into_iter().flat_map(|path| within.outward(path)).collect(),
            None => paths,
        }
    }

    /// The names under which this step's scripts get the run's input `input`.
    #[must_use]
    pub fn inputs_from(&self, input: &str) -> Vec<String> {
        let Some(within) = &self.within else { return vec![input.to_owned()] };
        let wanted = |name: &str| {
            let path = vec!["inputs".to_owned(), name.to_owned()];
            let names = within.outward(path);
            names.iter().any(|path| path.iter().eq(["inputs", input]))
        };
        let names = within.inputs.iter().map(|(input, _)| input.name.clone());
        names.filter(|name| wanted(name)).collect()
    }
}
