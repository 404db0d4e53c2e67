//! The target, before the first step: every pin that can be told by then.

use std::collections::BTreeMap;

use chrono::Utc;

use super::doctor::{Finding, lasting};
use super::requirements::Wanted;
use super::target::{Doubt, Place, aws_pins, host, places, proof, proves_aws};
use crate::aws;
use crate::engine::event::{Check, Pins};
use crate::runbook::model::Step;
use crate::runbook::render::render_call;
use crate::runbook::targets::Targets;
use crate::runbook::{Effect, Request};

/// One line a pin, and one for what is proven without one.
pub(super) async fn targets(wanted: &Wanted<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut proven = Pins::from([("host".to_owned(), host())]);
    let calling: Vec<&Step> = wanted
        .runbook
        .steps
        .iter()
        .filter(|s| proves_aws(s.action.spec.name, s.action.effect, wanted.aws, wanted.pins))
        .collect();
    if !calling.is_empty() {
        let (pins, expiry) = tokio::join!(aws_pins(wanted.aws), aws::expiry(wanted.aws));
        match pins {
            Ok(pins) => {
                proven.extend(pins);
                // A run may outlast what was good when it began.
                let lasting = expiry.map(|at| lasting(Some(at), Utc::now()));
                checks.extend(lasting.map(Finding::into_check));
            }
            Err(why) => {
                // A step with a `when` may never be run.
                let certainly = calling.iter().any(|s| s.when.is_none());
                let detail = match certainly {
                    true => why,
                    false => format!("not known, and only needed where a `when` says so: {why}"),
                };
                checks.push(Check { name: "AWS identity".into(), ok: !certainly, detail });
            }
        }
    }
    checks.extend(held(wanted.pins, &proven));
    checks.extend(pinned_places(wanted).await);
    checks.extend(wanted.targets.into_iter().flat_map(|targets| listed(targets, wanted)));
    checks
}

/// Each step that acts, as far as the inputs tell on what, held to the lists of a drill.
fn listed(targets: &Targets, wanted: &Wanted<'_>) -> Vec<Check> {
    let acting = || wanted.runbook.steps.iter().filter(|s| s.action.effect != Effect::Reads);
    let refused: Vec<Check> = acting()
        .filter_map(|step| {
            let why = targets.hold(&rendered(step, wanted)?).err()?;
            // A step with a `when` may never be run.
            let certainly = step.when.is_none();
            let detail = match certainly {
                true => format!("{why}: give another input, or put it there"),
                false => format!("it would be refused: {why}"),
            };
            Some(Check { name: format!("target of {}", step.id), ok: !certainly, detail })
        })
        .collect();
    let untold = acting().filter(|step| step.action.spec.acts_on.is_empty()).count();
    let detail = match untold {
        0 => "every request is held to the environment's list".to_owned(),
        count => format!(
            "requests are held to the environment's list; what {count} scripts and the like act on \
             cannot be told, and is not"
        ),
    };
    refused.into_iter().chain([Check { name: "targets".into(), ok: true, detail }]).collect()
}

/// One line a pin that can be told by now, and one for what is proven without one.
pub(super) fn held(pins: &Pins, proven: &Pins) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, value) in pins {
        match proven.get(name) {
            Some(seen) => checks.push(Check {
                name: name.clone(),
                ok: seen == value,
                detail: match seen == value {
                    true => seen.clone(),
                    false => format!("{seen} here, {value} in the settings: wrong target"),
                },
            }),
            None if proof(name).is_some() => {}
            None => checks.push(Check {
                name: name.clone(),
                ok: false,
                detail: "no such pin is known: see docs/settings.md".into(),
            }),
        }
    }
    for (name, value) in proven {
        if !pins.contains_key(name) {
            let detail = format!("{value} (not pinned)");
            checks.push(Check { name: name.clone(), ok: true, detail });
        }
    }
    checks
}

/// The pinned places of the steps that act, as far as the inputs tell them: each is asked once.
async fn pinned_places(wanted: &Wanted<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut asked: BTreeMap<Place, ()> = BTreeMap::new();
    let acting = wanted.runbook.steps.iter().filter(|s| s.action.effect != Effect::Reads);
    for step in acting {
        let Some(request) = rendered(step, wanted) else { continue };
        // What cannot be told now is refused when the step's turn has come.
        for place in places(&request, wanted.pins).unwrap_or_default() {
            if !wanted.pins.contains_key(place.pin()) || asked.insert(place.clone(), ()).is_some() {
                continue;
            }
            let name = format!("{} ({place})", place.pin());
            let secrets = wanted.secrets;
            let (ok, detail) = match place.proven(&request, wanted.pins, secrets).await {
                Ok(pins) => (true, pins.into_values().next().unwrap_or_default()),
                Err(Doubt::Wrong(why)) => (false, why),
                // Bringing it up may be what the run is for.
                Err(Doubt::Unseen(why)) => {
                    (true, format!("not known yet, asked again before each step that acts: {why}"))
                }
            };
            checks.push(Check { name, ok, detail });
        }
    }
    checks
}

/// The step's request, when the inputs alone make it.
fn rendered(step: &Step, wanted: &Wanted<'_>) -> Option<Request> {
    step.check_inputs(wanted.scope).ok()?;
    render_call(&step.action, &step.env, &step.scope(wanted.scope.clone())).ok()
}
