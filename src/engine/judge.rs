//! What a result means: whether it is as expected, what is saved of it, and what of it the journal keeps.

use std::collections::BTreeMap;

use super::event::{AttemptFinished, Expectation, Outcome};
use super::state::State;
use crate::runbook::Value;
use crate::runbook::expr::{EvalError, Expr, Fault};
use crate::runbook::model::Step;

impl State {
    /// Holds a result to the step's `expect` and takes what it saves.
    pub(super) fn judge(&self, step: &Step, finished: &mut AttemptFinished) {
        self.hold(step, &step.expect, "it ran, but", finished);
    }

    /// The same for a second look at what a step did: by the probe's own word for done, where it has a probe.
    pub(super) fn judge_again(&self, step: &Step, finished: &mut AttemptFinished) {
        match step.probe.as_ref().map(|probe| probe.done.as_slice()) {
            Some([]) => {
                finished.outcome = Outcome::Failed;
                finished.message = "the probe has no `done`: it cannot tell".to_owned();
            }
            Some(done) => self.hold(step, done, "checked again:", finished),
            None => self.hold(step, &step.expect, "checked again:", finished),
        }
    }

    fn hold(&self, step: &Step, to: &[Expr], how: &str, finished: &mut AttemptFinished) {
        let scope = self.scope_of(step, Some(&finished.result));
        let unknown = |e: &EvalError| self.is_rehearsal() && e.fault == Fault::Missing;
        finished.expectations = to
            .iter()
            .filter_map(|expr| {
                let held = expr.eval_bool(&scope);
                // What a person answers is real; what programs would have said is not there.
                if held.as_ref().is_err_and(unknown) {
                    return None;
                }
                Some(Expectation {
                    expr: expr.source().to_owned(),
                    held: *held.as_ref().unwrap_or(&false),
                    seen: held.map_or_else(|e| e.to_string(), |_| expr.explain(&scope)),
                })
            })
            .collect();
        let unmet = finished.expectations.iter().find(|e| !e.held);
        if let Some(unmet) = unmet {
            finished.outcome = Outcome::Failed;
            finished.message = format!("{how} `{}` does not hold: {}", unmet.expr, unmet.seen);
            return;
        }
        match saved_from(step, &scope) {
            Ok(saved) => finished.saved = saved,
            Err(_) if self.is_rehearsal() => {}
            Err(message) => {
                finished.outcome = Outcome::Failed;
                finished.message = message;
            }
        }
    }
}

/// A field of a result, or a saved value, goes to the journal up to this weight.
const MOST_KEPT: usize = 128 * 1024;

/// What of a result goes to the journal, once `expect` and `save` have seen all of it.
pub(super) fn kept(result: Value) -> Value {
    match result {
        Value::Map(fields) => Value::Map(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let heavy = value.weight() > MOST_KEPT;
                    (name, if heavy { Value::Null } else { value })
                })
                .collect(),
        ),
        other => other,
    }
}

/// What the step saves, in the scope of its result.
///
/// # Errors
/// One line: which name cannot be saved, and why. A secret is never saved.
pub(super) fn saved_from(step: &Step, scope: &Value) -> Result<BTreeMap<String, Value>, String> {
    step.save
        .iter()
        .map(|(name, expr)| {
            let value =
                expr.eval(scope).map_err(|e| format!("`save: {name}` cannot be taken: {e}"))?;
            if value.weight() > MOST_KEPT {
                return Err(format!(
                    "`save: {name}` would keep more than {} KiB; save the part that is needed later",
                    MOST_KEPT / 1024
                ));
            }
            if holds_secret(&value) {
                return Err(format!("`save: {name}` would keep a secret; save something else"));
            }
            Ok((name.clone(), value))
        })
        .collect()
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        // What `ingest` left where a secret stood.
        Value::String(text) => text.contains("«secret "),
        Value::List(items) => items.iter().any(holds_secret),
        Value::Map(map) => map.values().any(holds_secret),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Timestamp(_)
        | Value::Duration(_) => false,
    }
}
