//! The `time` family.

use super::{ActionSpec, Effect, EffectRule, Key, Kind};

pub(super) static ACTIONS: &[ActionSpec] = &[ActionSpec {
    name: "wait",
    effect: EffectRule::Fixed(Effect::Reads),
    help: "Waits for a length of time or until a moment; exactly one of its keys is given",
    keys: &[
        Key { name: "for", kind: Kind::Duration, required: false, help: "How long" },
        Key {
            name: "until",
            kind: Kind::Timestamp,
            required: false,
            help: "Until when; over at once when that is past",
        },
    ],
    result: &[],
    destroys: None,
    acts_on: &[],
}];
