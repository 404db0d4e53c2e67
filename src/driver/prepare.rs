//! From a step to a request that can be consented to: rendered, completed by the action, its target
//! proven.

use std::sync::Arc;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::view::Prepared;
use crate::engine::event::Pins;
use crate::engine::{AttemptId, Part, State, StepState};
use crate::preflight;
use crate::runbook::model::Call;
use crate::runbook::render::{render_call, render_plan};
use crate::runbook::{Effect, Request, Resolved, Value};

/// SHA-256 of a masked request: what consents and intents are bound to. It needs no key: what is hashed
/// has names where secrets will stand, and lies beside the digest in the journal, so that the digest
/// cannot be used to try out guesses of a secret, and an auditor can compute it again.
#[must_use]
pub fn digest(masked: &Json) -> String {
    hex::encode(Sha256::digest(masked.to_string()))
}

/// The call behind one of a step's actions.
fn call_of(step: &StepState, part: Part) -> Option<&Call> {
    match part {
        Part::Do => Some(&step.step.action),
        Part::Undo => step.step.undo.as_ref(),
        // What tells again is asked with its own request.
        Part::Probe => {
            let again = Some(&step.step.action).filter(|call| call.spec.tells_again());
            step.step.probe.as_ref().map(|probe| &probe.action).or(again)
        }
    }
}

/// Renders a step's request, without asking anybody.
pub(super) fn render(state: &State, step: &StepState, part: Part) -> Result<Request, String> {
    let call = call_of(step, part).ok_or_else(|| format!("`{}` has no such action", step.id()))?;
    let run = state.scope(None);
    let rendered = if state.is_rehearsal() {
        // What only a real run would know stands there as it was written.
        render_plan(call, &step.step.env, &step.step.scope(run))
    } else {
        step.step.check_inputs(&run)?;
        render_call(call, &step.step.env, &step.step.scope(run))
    };
    rendered.map_err(|e| format!("`{}` cannot be rendered: {e}", step.id()))
}

/// Renders, completes and proves. Only reads.
pub(super) async fn prepare(
    desk: Arc<Desk>,
    state: Arc<State>,
    step: String,
    part: Part,
) -> Prepared {
    let Some(found) = state.step(&step) else {
        return refused(step, part, "there is no such step".into());
    };
    let effect = State::effect_of(&found.step, part);
    let phrase = state.phrase(found, part);
    let rendered = render(&state, found, part);
    let wants = match &rendered {
        Ok(request) => desk.secrets.wanted(&request.secrets),
        Err(_) => Vec::new(),
    };
    let request = match (rendered, &phrase) {
        // What is not typed yet cannot be used to look.
        (Ok(request), Ok(_)) if !wants.is_empty() => Ok(request),
        (Ok(request), Ok(_)) if part == Part::Probe && found.step.probe.is_none() => {
            Ok(match found.last_act() {
                Some(act) => request.as_intended(&act.request),
                None => request,
            })
        }
        (Ok(request), Ok(_)) => complete(&desk, &state, found, part, request).await,
        (Err(why), _) => Err(why),
        (Ok(_), Err(why)) => Err(why.clone()),
    };
    let request = match request {
        Ok(request) => request,
        Err(why) => return refused(step, part, why),
    };
    let target = match wants.is_empty() {
        true => target(&desk, &state, effect, &request).await,
        false => Ok(Pins::new()),
    };
    let (options, default) = options(&request);
    let rehearsed = call_of(found, part)
        .filter(|_| state.is_rehearsal())
        .map(|call| state.known_when_run(found, call));
    Prepared {
        digest: digest(&request.masked()),
        phrase: phrase.ok().flatten(),
        request: Ok(request),
        step,
        part,
        effect,
        target,
        options,
        default,
        wants,
        rehearsed,
    }
}

async fn complete(
    desk: &Desk,
    state: &State,
    step: &StepState,
    part: Part,
    request: Request,
) -> Result<Request, String> {
    let Some(action) = desk.action(&request) else { return Ok(request) };
    let id = AttemptId { step: step.id().to_owned(), number: step.next_number(), of: part };
    let cx = desk.context(state, &id, String::new(), &request, None);
    action.complete(cx, request).await
}

/// What reads is not held to lists and pins: looking at the wrong place harms nobody, and shows it. A
/// rehearsal asks nobody.
async fn target(
    desk: &Desk,
    state: &State,
    effect: Effect,
    request: &Request,
) -> Result<Pins, String> {
    if effect == Effect::Reads || desk.rehearsal.is_some() {
        return Ok(Pins::new());
    }
    if let Some(run) = state.run()
        && let Some(targets) = &run.targets
    {
        let of = run.environment.as_deref().unwrap_or_default();
        targets.hold(request).map_err(|why| {
            format!(
                "{why}; nothing was done. A drill on `{of}` acts on nothing else: amend the input, or \
                 put it into environments.{of}.targets and begin anew"
            )
        })?;
    }
    let proven = preflight::target(request, &desk.aws, &desk.pins, &*desk.secrets).await;
    proven.map_err(|why| desk.redactor.clean(&why))
}

/// Nothing that could be consented to, and why.
pub(super) fn refused(step: String, part: Part, why: String) -> Prepared {
    Prepared {
        step,
        part,
        request: Err(why),
        digest: String::new(),
        effect: Effect::Reads,
        target: Ok(Pins::new()),
        phrase: None,
        options: Vec::new(),
        default: None,
        wants: Vec::new(),
        rehearsed: None,
    }
}

fn options(request: &Request) -> (Vec<String>, Option<String>) {
    if request.action != "choose" {
        return (Vec::new(), None);
    }
    let options = match request.arg("options") {
        Some(Resolved::Value(Value::List(items))) => {
            items.iter().map(|item| item.get("value").unwrap_or(item).to_string()).collect()
        }
        Some(Resolved::List(items)) => items.iter().map(Resolved::shown).collect(),
        // Only a rehearsal has it: the list is known when it is run.
        Some(Resolved::Value(Value::String(unknown))) => vec![unknown.clone()],
        Some(Resolved::Value(_) | Resolved::Text(_) | Resolved::Map(_) | Resolved::Expr(_))
        | None => Vec::new(),
    };
    (options, request.text("default").map(str::to_owned))
}
