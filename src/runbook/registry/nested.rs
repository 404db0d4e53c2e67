//! `runbook`.

use super::{ActionSpec, Effect, EffectRule, Key, Kind};

pub(super) static ACTIONS: &[ActionSpec] = &[ActionSpec {
    name: "runbook",
    effect: EffectRule::Fixed(Effect::Reads),
    help: "Stands for the steps of another runbook, each with its own effect and guard; only in `do`, with \
           `id`, `title` and perhaps `when` beside it. They are named `parent/child`, and what they save is \
           `steps.parent.child`; this runbook's objectives and recovery point hold",
    keys: &[
        Key {
            name: "id",
            kind: Kind::Text,
            required: true,
            help: "The other runbook: an id of the catalogue, or a path from this file; no template",
        },
        Key {
            name: "inputs",
            kind: Kind::Json,
            required: false,
            help: "A value for each of its inputs; those without one have their default, and a secret is \
                   handed on whole",
        },
    ],
    result: &[],
    destroys: None,
    acts_on: &[],
}];
