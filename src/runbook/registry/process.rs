//! The `process` family.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind};

pub(super) static ACTIONS: &[ActionSpec] = &[ActionSpec {
    name: "shell",
    effect: EffectRule::Declared(
        Effect::Changes,
        &[Effect::Reads, Effect::Changes, Effect::Destroys],
    ),
    help: "Runs a script or a program on this machine; exactly one of `run` and `argv` is given. \
           `STEADYHAND_ATTEMPT` in its environment names the attempt as the record does",
    keys: &[
        Key {
            name: "run",
            kind: Kind::Script,
            required: false,
            help: "A script for `shell`; reads inputs as \"$INPUT_NAME\" and the step's `env:`",
        },
        Key {
            name: "argv",
            kind: Kind::Argv,
            required: false,
            help: "A program and its arguments, run without a shell",
        },
        Key {
            name: "cwd",
            kind: Kind::Path,
            required: false,
            help: "The working directory; default: where the console was started",
        },
        Key {
            name: "shell",
            kind: Kind::Choice(&["sh", "bash"]),
            required: false,
            help: "Reads the script with `-eu` (bash: also `-o pipefail`); default: `sh`",
        },
        Key {
            name: "stdin",
            kind: Kind::Text,
            required: false,
            help: "Given to the child on its standard input; may hold secrets",
        },
        Key {
            name: "json",
            kind: Kind::Bool,
            required: false,
            help: "Standard output is one JSON value: it becomes `result.json`",
        },
        Key {
            name: "tty",
            kind: Kind::Bool,
            required: false,
            help: "The child gets the console's terminal, for a program that a person talks to: nothing is \
                   kept of what it prints, it ends with the console, and `--auto` is refused; never with \
                   `effect: destroys`",
        },
    ],
    result: &[
        Field { name: "exit_code", ty: FieldType::Int, help: "0 when the step succeeded" },
        Field {
            name: "stdout",
            ty: FieldType::String,
            help: "The last 64 KiB of standard output, without white space around it",
        },
        Field {
            name: "stderr",
            ty: FieldType::String,
            help: "The last 64 KiB of standard error, without white space around it",
        },
        Field {
            name: "lines",
            ty: FieldType::StringList,
            help: "The lines of `stdout`, without empty ones",
        },
        Field {
            name: "json",
            ty: FieldType::Dyn,
            help: "Standard output as JSON, with `json: true`",
        },
    ],
    destroys: None,
    acts_on: &[],
}];
