//! The names that expressions and templates see: `inputs`, `steps`, `run`, `env` and `result`.

use super::state::State;
use crate::runbook::Value;

impl State {
    /// The scope for a template or, with the `result` of an attempt, for its `expect` and `save`.
    ///
    /// A step appears once it has an outcome; a name that is not there is refused by whoever asks for
    /// it, it is never empty.
    #[must_use]
    pub fn scope(&self, result: Option<&Value>) -> Value {
        let steps = self.steps.iter().filter_map(|step| {
            let settled = step.settled.as_ref()?;
            let mut names = step.saved.clone();
            let outcome = serde_json::to_value(settled.outcome).map(Value::from_json);
            names.insert("outcome".into(), outcome.unwrap_or(Value::Null));
            Some((step.id().to_owned(), Value::Map(names)))
        });
        let mut scope = vec![
            ("inputs".to_owned(), Value::Map(self.inputs.clone())),
            ("steps".to_owned(), Value::map(steps)),
            ("run".to_owned(), self.run_scope()),
            ("env".to_owned(), self.env_scope()),
        ];
        if let Some(result) = result {
            scope.push(("result".to_owned(), result.clone()));
        }
        Value::map(scope)
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
