//! The `json` family.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind};

pub(super) static ACTIONS: &[ActionSpec] = &[ActionSpec {
    name: "json.compare",
    effect: EffectRule::Fixed(Effect::Reads),
    help: "Compares two JSON files by named lists of theirs, item by item: what an import would change, and \
           afterwards whether everything is there. A field is compared when the item of `want` has it",
    keys: &[
        Key { name: "have", kind: Kind::Path, required: true, help: "The file with what there is" },
        Key {
            name: "want",
            kind: Kind::Path,
            required: true,
            help: "The file with what there should be",
        },
        Key {
            name: "lists",
            kind: Kind::Lists,
            required: true,
            help: "The lists to compare, each with the fields that tell its items apart, such as \
                   `queues: [vhost, name]`",
        },
        Key {
            name: "ignore",
            kind: Kind::Lists,
            required: false,
            help: "Fields that are not compared, a list each, such as `users: [limits]`",
        },
        Key {
            name: "refers",
            kind: Kind::TextMap,
            required: false,
            help: "What must be there too: a field of a list of `want` and the field whose values it names, such \
                   as `queues.vhost: vhosts.name`",
        },
    ],
    result: &[
        Field {
            name: "equal",
            ty: FieldType::Bool,
            help: "Nothing is missing, different or extra",
        },
        Field {
            name: "same",
            ty: FieldType::Int,
            help: "Items of `want` that `have` has as they are",
        },
        Field {
            name: "missing",
            ty: FieldType::StringList,
            help: "Items that only `want` has; the first 100",
        },
        Field { name: "missing_count", ty: FieldType::Int, help: "How many there are" },
        Field {
            name: "different",
            ty: FieldType::StringList,
            help: "Items that `have` has otherwise, with the names of the fields; the first 100",
        },
        Field { name: "different_count", ty: FieldType::Int, help: "How many there are" },
        Field {
            name: "extra",
            ty: FieldType::StringList,
            help: "Items that only `have` has; the first 100",
        },
        Field { name: "extra_count", ty: FieldType::Int, help: "How many there are" },
        Field {
            name: "dangling",
            ty: FieldType::StringList,
            help: "What `refers` names and neither file has; the first 100",
        },
        Field {
            name: "have",
            ty: FieldType::Dyn,
            help: "The plain values at the top of that file, such as a version",
        },
        Field { name: "want", ty: FieldType::Dyn, help: "The same of the other file" },
    ],
    destroys: None,
    acts_on: &[],
}];
