//! The `people` family: what a person does or decides.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind};

pub(super) static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "manual",
        effect: EffectRule::Fixed(Effect::Reads),
        help: "Asks a person to do something outside the console and to say that it is done",
        keys: &[
            Key {
                name: "checklist",
                kind: Kind::TextList,
                required: false,
                help: "Each item is ticked before the step succeeds",
            },
            Key {
                name: "evidence",
                kind: Kind::Text,
                required: false,
                help: "What the operator is asked to attach or to write down",
            },
        ],
        result: &[],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "choose",
        effect: EffectRule::Fixed(Effect::Reads),
        help: "Asks a person to choose one of several options",
        keys: &[
            Key {
                name: "options",
                kind: Kind::Options,
                required: true,
                help: "A list of text, or one template that yields a list of text or of maps with \
                       `value` (the choice) and `label` (what is shown), as `s3.list` does",
            },
            Key {
                name: "default",
                kind: Kind::Text,
                required: false,
                help: "Highlighted first; `--auto` takes it and stops where there is none",
            },
        ],
        result: &[Field {
            name: "choice",
            ty: FieldType::String,
            help: "The option that was chosen; its `value` when it is a map",
        }],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: super::APPROVE,
        effect: EffectRule::Fixed(Effect::Reads),
        help: "Waits until somebody else than the operator approves, from their own terminal \
               (`steady approve`) or by a signature",
        keys: &[
            Key {
                name: "what",
                kind: Kind::Text,
                required: true,
                help: "What is approved, in a sentence",
            },
            Key {
                name: "by",
                kind: Kind::Names,
                required: true,
                help: "Who may: names of local users, and principals of the allowed signers",
            },
            Key {
                name: "count",
                kind: Kind::Count,
                required: false,
                help: "How many of them must; default 1",
            },
        ],
        result: &[Field {
            name: "approvers",
            ty: FieldType::StringList,
            help: "Who approved; nobody when the glass was broken",
        }],
        destroys: None,
        acts_on: &[],
    },
];
