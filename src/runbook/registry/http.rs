//! The `http` family.

use super::{ActionSpec, EffectRule, Field, FieldType, Key, Kind, TargetKind};

pub(super) static ACTIONS: &[ActionSpec] = &[ActionSpec {
    name: "http",
    effect: EffectRule::ByMethod,
    help: "Sends one HTTP request, or the same one until the answer is as expected; \
           at most one of `json`, `form`, `body` and `file` is given",
    keys: &[
        Key {
            name: "method",
            kind: Kind::Choice(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
            required: false,
            help: "Default: GET",
        },
        Key {
            name: "url",
            kind: Kind::Url,
            required: true,
            help: "http or https; secrets do not belong in it",
        },
        Key {
            name: "headers",
            kind: Kind::TextMap,
            required: false,
            help: "Request headers; may hold secrets",
        },
        Key {
            name: "query",
            kind: Kind::UrlQuery,
            required: false,
            help: "Appended to the URL, percent-encoded; secrets do not belong in it",
        },
        Key { name: "json", kind: Kind::Json, required: false, help: "A JSON body" },
        Key { name: "form", kind: Kind::TextMap, required: false, help: "A form body" },
        Key { name: "body", kind: Kind::Text, required: false, help: "A text body" },
        Key { name: "file", kind: Kind::Path, required: false, help: "A file, streamed as body" },
        Key {
            name: "basic",
            kind: Kind::Group(&[
                Key { name: "user", kind: Kind::Text, required: true, help: "The user name" },
                Key {
                    name: "password",
                    kind: Kind::Secret,
                    required: true,
                    help: "A secret input, whole",
                },
            ]),
            required: false,
            help: "HTTP basic authentication",
        },
        Key {
            name: "bearer",
            kind: Kind::Secret,
            required: false,
            help: "A secret input, whole: sent as bearer token",
        },
        Key {
            name: "expect",
            kind: Kind::Group(&[
                Key {
                    name: "status",
                    kind: Kind::Statuses,
                    required: false,
                    help: "The status or a list of them; default: 200 to 299",
                },
                Key {
                    name: "json",
                    kind: Kind::Expr,
                    required: false,
                    help: "True of `result`, such as `result.json.status == 'ok'`",
                },
            ]),
            required: false,
            help: "What a good answer is",
        },
        Key {
            name: "poll",
            kind: Kind::Group(&[
                Key {
                    name: "every",
                    kind: Kind::Duration,
                    required: true,
                    help: "Pause between two tries",
                },
                Key {
                    name: "for",
                    kind: Kind::Duration,
                    required: true,
                    help: "Fails after this without a good answer",
                },
            ]),
            required: false,
            help: "Asks again until the answer is as `expect` says; GET and HEAD only",
        },
        Key {
            name: "follow",
            kind: Kind::Bool,
            required: false,
            help: "Follow redirects on the same origin; default: false",
        },
        Key {
            name: "to",
            kind: Kind::Path,
            required: false,
            help: "The body of a good answer goes to this file, which only its owner may read, and \
                   nowhere else; a file that is there is not replaced",
        },
        Key {
            name: "overwrite",
            kind: Kind::Bool,
            required: false,
            help: "With `to`: replace a file that is there; default: false",
        },
    ],
    result: &[
        Field { name: "status", ty: FieldType::Int, help: "The status code" },
        Field { name: "body", ty: FieldType::String, help: "The first 64 KiB of the body" },
        Field {
            name: "json",
            ty: FieldType::Dyn,
            help: "The body as JSON, null when it is none or longer than 8 MiB (64 KiB in a probe)",
        },
        Field {
            name: "headers",
            ty: FieldType::Dyn,
            help: "The response's headers, names in lower case",
        },
        Field {
            name: "duration",
            ty: FieldType::Duration,
            help: "From sending to the end of the body",
        },
        Field { name: "path", ty: FieldType::String, help: "With `to`: the file" },
        Field { name: "bytes", ty: FieldType::Int, help: "With `to`: its length" },
        Field { name: "sha256", ty: FieldType::String, help: "With `to`: of its contents" },
    ],
    destroys: None,
    acts_on: &[(TargetKind::Http, "url")],
}];
