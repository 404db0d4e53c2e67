//! The `s3` family: Amazon S3 and servers that speak its protocol.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind, TargetKind};

const READS: EffectRule = EffectRule::Fixed(Effect::Reads);
const CHANGES: EffectRule = EffectRule::Fixed(Effect::Changes);

const fn required(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: true, help }
}

const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: false, help }
}

const fn field(name: &'static str, ty: FieldType, help: &'static str) -> Field {
    Field { name, ty, help }
}

const OBJECT: Key =
    required("uri", Kind::S3Uri, "The object, such as `s3://backups/pg/shop.sql.gz`.");
const PREFIX: Key = required(
    "uri",
    Kind::S3Uri,
    "Where to look: a bucket, or the beginning of a key such as `s3://backups/pg/`.",
);
const PATTERN: Key = optional(
    "pattern",
    Kind::Text,
    "A regular expression that the key must contain a match of, such as `\\.sql\\.gz$`.",
);

pub(super) static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "s3.list",
        effect: READS,
        help: "Lists objects, newest first. `objects` is a list that `choose` can offer.",
        keys: &[
            PREFIX,
            PATTERN,
            optional("newest", Kind::Int, "Tells of so many at most, 1 to 1000; default: 100."),
        ],
        result: &[
            field(
                "objects",
                FieldType::DynList,
                "The newest, each with `value` (its URI), `label`, `key`, `size`, `modified`, `etag`.",
            ),
            field("keys", FieldType::StringList, "Their keys."),
            field("count", FieldType::Int, "How many objects match, told of or not."),
            field("bytes", FieldType::Int, "The size of all that match."),
            field(
                "newest",
                FieldType::Timestamp,
                "When the newest was written; absent without one.",
            ),
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "s3.latest",
        effect: READS,
        help: "Finds the newest object, such as the last backup, and says how old it is. Fails when \
               there is none.",
        keys: &[
            PREFIX,
            PATTERN,
            optional(
                "by",
                Kind::Choice(&["modified", "date"]),
                "What tells its age: `modified` (default), when it was written; `date`, the date in \
                 its key, such as `2026-11-20` or `20261120T031000Z`, in UTC.",
            ),
            optional(
                "rpo",
                Kind::Duration,
                "The recovery point objective to hold its age against.",
            ),
        ],
        result: &[
            field("uri", FieldType::String, "The object's URI."),
            field("key", FieldType::String, "Its key."),
            field("size", FieldType::Int, "In bytes."),
            field("modified", FieldType::Timestamp, "When it was written."),
            field("at", FieldType::Timestamp, "The moment that its age is counted from; see `by`."),
            field("age", FieldType::Duration, "How old it is."),
            field(
                "within_rpo",
                FieldType::Bool,
                "Whether it is no older than `rpo`; absent without.",
            ),
            field("version", FieldType::String, "Its version; empty in a bucket that keeps none."),
            field("etag", FieldType::String, "Its ETag."),
            field(
                "manifest",
                FieldType::String,
                "The URI of the manifest beside it; empty without one.",
            ),
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "s3.list_versions",
        effect: READS,
        help: "Lists the versions of one object, newest first. `versions` is a list that `choose` can \
               offer.",
        keys: &[OBJECT],
        result: &[
            field(
                "versions",
                FieldType::DynList,
                "Each with `value` (its id), `label`, `size`, `modified`, `etag`, `latest`; the marks \
                 of deletions are not among them.",
            ),
            field("count", FieldType::Int, "How many there are."),
            field("deleted", FieldType::Bool, "The object is deleted: a mark hides its versions."),
            field("deleted_at", FieldType::Timestamp, "When it was; absent when it is not."),
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "s3.compare",
        effect: READS,
        help: "Compares the objects below two prefixes by name and size. Fails when there is nothing \
               below `source`.",
        keys: &[
            required("source", Kind::S3Uri, "What should be there, such as `s3://live/uploads/`."),
            required("target", Kind::S3Uri, "Where it should be, such as `s3://replica/uploads/`."),
        ],
        result: &[
            field("count_source", FieldType::Int, "Objects below `source`."),
            field("count_target", FieldType::Int, "Objects below `target`."),
            field("bytes_source", FieldType::Int, "Their size."),
            field("bytes_target", FieldType::Int, "Their size."),
            field(
                "ratio",
                FieldType::Float,
                "The share of the source's objects, 0.0 to 1.0, that the target has in the same size.",
            ),
            field("missing", FieldType::StringList, "The first 20 names that the target lacks."),
            field("count_missing", FieldType::Int, "How many it lacks."),
            field("different", FieldType::StringList, "The first 20 names that differ in size."),
            field("count_different", FieldType::Int, "How many do."),
            field("count_extra", FieldType::Int, "How many only the target has."),
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "s3.download",
        effect: CHANGES,
        help: "Downloads an object into a new file, readable by this user alone. Goes on after lost \
               connections, checks the SHA-256 on the way, and gives the file its name only when it \
               is whole. Until then it is `<to>.<8 digits>.part`.",
        keys: &[
            OBJECT,
            required("to", Kind::Path, "The file; its directory must be there."),
            optional("version", Kind::Text, "The object's version; the newest by default."),
            optional("overwrite", Kind::Bool, "Replace a file that is there; false by default."),
            optional("sha256", Kind::Text, "What its SHA-256 must be, 64 hexadecimal digits."),
            optional(
                "manifest",
                Kind::Text,
                "JSON with `sha256` and perhaps `date`, as a URI or a key of the same bucket; default: \
                 `<key>.manifest.json`, or the same without `.gz`, `.sql`, `.dump`.",
            ),
            optional(
                "unverified",
                Kind::Bool,
                "Accept an object that neither `sha256` nor a manifest vouches for; false by default.",
            ),
            optional("etag", Kind::Text, "What its ETag must be; that of `version` by default."),
            optional("size", Kind::Int, "What its size must be, in bytes; looked up by default."),
        ],
        result: &[
            field("path", FieldType::String, "The file."),
            field("bytes", FieldType::Int, "Its size."),
            field("sha256", FieldType::String, "Of the file."),
            field(
                "checked_against",
                FieldType::String,
                "`manifest` when there is one, else `sha256`, or `nothing`.",
            ),
            field("dumped_at", FieldType::String, "The manifest's `date`; empty without one."),
            field("version", FieldType::String, "Its version; empty in a bucket that keeps none."),
            field("etag", FieldType::String, "Its ETag."),
            field(
                "transferred",
                FieldType::Int,
                "Bytes that came over the network in this attempt.",
            ),
            field("seconds", FieldType::Float, "How long it took."),
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "s3.upload",
        effect: CHANGES,
        help: "Uploads a file; a large one in parts. Its SHA-256 is kept in the object's metadata as \
               `sha256`. An object that is there is not replaced unless `overwrite` says so.",
        keys: &[
            required("from", Kind::Path, "The file."),
            OBJECT,
            optional("overwrite", Kind::Bool, "Replace an object that is there; false by default."),
        ],
        result: &[
            field("uri", FieldType::String, "The object's URI."),
            field("bytes", FieldType::Int, "Its size."),
            field("sha256", FieldType::String, "Of the file."),
            field("version", FieldType::String, "Its version; empty in a bucket that keeps none."),
            field("etag", FieldType::String, "Its ETag."),
        ],
        destroys: None,
        acts_on: &[(TargetKind::S3, "uri")],
    },
    ActionSpec {
        name: "s3.restore_version",
        effect: CHANGES,
        help: "Makes an older version of an object the newest again: copies it on top, or removes the \
               mark of its deletion. Nothing is lost.",
        keys: &[
            OBJECT,
            optional(
                "version",
                Kind::Text,
                "The version to copy on top; default: the newest one, whose deletion is taken back.",
            ),
        ],
        result: &[
            field("uri", FieldType::String, "The object's URI."),
            field("restored", FieldType::String, "The version that was restored."),
            field("version", FieldType::String, "The version that is the newest now."),
            field("etag", FieldType::String, "Its ETag."),
            field("bytes", FieldType::Int, "Its size."),
        ],
        destroys: None,
        acts_on: &[(TargetKind::S3, "uri")],
    },
    ActionSpec {
        name: "s3.sync",
        effect: EffectRule::ByFlag("delete"),
        help: "Copies what is new, of another size or newer below one prefix to another prefix, or into \
               a directory. Each object is whole or not there; trying again goes on.",
        keys: &[
            required("from", Kind::S3Uri, "The prefix to copy from, such as `s3://live/uploads/`."),
            required("to", Kind::Text, "The prefix to copy to, or a directory that is there."),
            optional(
                "delete",
                Kind::Bool,
                "Delete what is below `to` and not below `from`; false by default.",
            ),
            optional(
                "deletes",
                Kind::TextList,
                "With `delete`: these names and no others; looked up by default, and shown.",
            ),
        ],
        result: &[
            field("copied", FieldType::Int, "Objects that were copied."),
            field("bytes", FieldType::Int, "Their size."),
            field("same", FieldType::Int, "Objects that were there already."),
            field("deleted", FieldType::Int, "Objects or files that were deleted."),
        ],
        destroys: Some("to"),
        acts_on: &[(TargetKind::S3, "to")],
    },
];
