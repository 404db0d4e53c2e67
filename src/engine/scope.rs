//! The names that expressions and templates see: `inputs`, `steps`, `run`, `env` and `result`.

use std::collections::BTreeMap;

use super::state::State;
use crate::runbook::{Step, Value};

/// `parent/child` is `child` in what `parent` stands for.
fn place(steps: &mut BTreeMap<String, Value>, path: &[&str], names: Value) {
    match path {
        [] => {}
        [id] => {
            steps.insert((*id).to_owned(), names);
        }
        [parent, rest @ ..] => {
            let inner =
                steps.entry((*parent).to_owned()).or_insert_with(|| Value::map::<String>([]));
            if let Value::Map(inner) = inner {
                place(inner, rest, names);
            }
        }
    }
}

impl State {
    /// The scope for a template or, with the `result` of an attempt, for its `expect` and `save`.
    ///
    /// A step appears once it has an outcome; a name that is not there is refused by whoever asks for
    /// it, it is never empty.
    #[must_use]
    pub fn scope(&self, result: Option<&Value>) -> Value {
        let mut steps = BTreeMap::new();
        for step in &self.steps {
            let Some(settled) = &step.settled else { continue };
            let mut names = step.saved.clone();
            let outcome = serde_json::to_value(settled.outcome).map(Value::from_json);
            names.insert("outcome".into(), outcome.unwrap_or(Value::Null));
            let path: Vec<&str> = step.id().split('/').collect();
            place(&mut steps, &path, Value::Map(names));
        }
        let mut scope = vec![
            ("inputs".to_owned(), Value::Map(self.inputs.clone())),
            ("steps".to_owned(), Value::Map(steps)),
            ("run".to_owned(), self.run_scope()),
            ("env".to_owned(), self.env_scope()),
        ];
        if let Some(result) = result {
            scope.push(("result".to_owned(), result.clone()));
        }
        Value::map(scope)
    }

    /// The scope of one step: with its own inputs and steps when it is another runbook's.
    #[must_use]
    pub fn scope_of(&self, step: &Step, result: Option<&Value>) -> Value {
        step.scope(self.scope(result))
    }

    fn run_scope(&self) -> Value {
        let Some((stamp, run)) = &self.started else { return Value::map::<String>([]) };
        let text = |text: &str| Value::String(text.to_owned());
        let mode = serde_json::to_value(run.mode).map(Value::from_json).unwrap_or(Value::Null);
        let outage = self.outage.as_ref().map_or(run.outage_start, |outage| outage.start);
        Value::map([
            ("id", text(&run.run)),
            ("mode", mode),
            ("environment", text(run.environment.as_deref().unwrap_or(""))),
            ("operator", text(&run.operator)),
            ("incident", text(run.incident.as_deref().unwrap_or(""))),
            ("started", Value::Timestamp(stamp.at)),
            ("outage_start", Value::Timestamp(outage)),
        ])
    }

    fn env_scope(&self) -> Value {
        let env = self.run().map(|run| run.env.clone()).unwrap_or_default();
        Value::map(env.into_iter().map(|(name, value)| (name, Value::String(value))))
    }
}
