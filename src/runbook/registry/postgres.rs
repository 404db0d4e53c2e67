//! The `postgres` family.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind, TargetKind};

/// Where a database is; the same group in every action of the family.
const CONNECTION: Key = Key {
    name: "connection",
    kind: Kind::Group(PLACE),
    required: true,
    help: "Where the database is and as whom to log in",
};

const PLACE: &[Key] = &[
    Key {
        name: "host",
        kind: Kind::Text,
        required: true,
        help: "A name, an address, or the directory of a Unix socket (begins with `/`)",
    },
    Key { name: "port", kind: Kind::Int, required: false, help: "Default: 5432" },
    Key { name: "user", kind: Kind::Text, required: true, help: "The role to log in as" },
    Key {
        name: "password",
        kind: Kind::Secret,
        required: false,
        help: "Its password; left out where the server asks for none",
    },
    Key {
        name: "database",
        kind: Kind::Text,
        required: false,
        help: "Default: `postgres`, the maintenance database",
    },
    Key {
        name: "sslmode",
        kind: Kind::Choice(&["disable", "prefer", "require", "verify-full"]),
        required: false,
        help: "As libpq: `prefer` (default) and `require` encrypt without proof of who answers, \
               `verify-full` checks the certificate and the host name",
    },
    Key {
        name: "ca",
        kind: Kind::Path,
        required: false,
        help: "PEM file of the authorities that `verify-full` trusts; default: this machine's",
    },
];

pub(super) static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "postgres.query",
        effect: EffectRule::Declared(Effect::Changes, &[Effect::Reads, Effect::Destroys]),
        help: "Runs an SQL statement; with `effect: reads` in a read-only transaction. Several statements are \
               one transaction, and the result is the last one's. Cancelling it cancels it in the server",
        keys: &[
            CONNECTION,
            Key {
                name: "sql",
                kind: Kind::Sql,
                required: true,
                help: "Values come by `params` as $1, $2, …; names of databases, tables and the like by `names`",
            },
            Key {
                name: "params",
                kind: Kind::Params,
                required: false,
                help: "The values of $1, $2, …; the server reads each as the type it expects. Not with several \
                       statements",
            },
            Key {
                name: "names",
                kind: Kind::TextMap,
                required: false,
                help: "What `sql` may use as `:\"name\"`, quoted as an identifier, and as `:'name'`, quoted as \
                       text: psql's own notation, such as `ALTER DATABASE :\"old\" RENAME TO :\"new\"`",
            },
        ],
        result: &[
            Field {
                name: "rows",
                ty: FieldType::DynList,
                help: "The first 200 rows as maps. Integers, booleans, floats, text and JSON keep \
                       their type; `timestamptz` is a timestamp; `interval` without months is a \
                       duration; `numeric`, `timestamp`, `date`, `uuid` and `pg_lsn` are text",
            },
            Field {
                name: "row",
                ty: FieldType::Dyn,
                help: "The first row; null when there is none",
            },
            Field {
                name: "count",
                ty: FieldType::Int,
                help: "How many rows came back, those past the 200th included",
            },
            Field {
                name: "affected",
                ty: FieldType::Int,
                help: "How many rows the server says the statement touched",
            },
        ],
        destroys: None,
        acts_on: &[(TargetKind::Postgres, "connection")],
    },
    ActionSpec {
        name: "postgres.wait_ready",
        effect: EffectRule::Fixed(Effect::Reads),
        help: "Waits until a server answers, or until it has finished recovery and takes writes",
        keys: &[
            CONNECTION,
            Key {
                name: "until",
                kind: Kind::Choice(&["accepting", "primary"]),
                required: false,
                help: "`accepting` (default): it answers queries; `primary`: it is not in recovery",
            },
            Key {
                name: "every",
                kind: Kind::Duration,
                required: false,
                help: "Pause between two questions; default: 2s",
            },
            Key {
                name: "for",
                kind: Kind::Duration,
                required: false,
                help: "Fails when it has taken so long; default: 10m",
            },
        ],
        result: &[
            Field { name: "version", ty: FieldType::String, help: "Such as `15.14`" },
            Field { name: "in_recovery", ty: FieldType::Bool, help: "It is a standby" },
            Field {
                name: "system_identifier",
                ty: FieldType::String,
                help: "Set by initdb, kept by base backups and replicas; empty when the role may \
                       not read it",
            },
            Field {
                name: "waited",
                ty: FieldType::Duration,
                help: "How long it took until it was ready",
            },
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "postgres.compare",
        effect: EffectRule::Fixed(Effect::Reads),
        help: "Compares the tables of two databases, or of one with what was counted before; each is read in one \
               snapshot. That they differ is a result and no failure: say `expect: [result.equal]`",
        keys: &[
            Key {
                name: "source",
                kind: Kind::Group(PLACE),
                required: false,
                help: "The database that is right; keys as in `connection`",
            },
            Key {
                name: "counts",
                kind: Kind::Path,
                required: false,
                help: "Instead of `source`: rows by table as JSON, such as `{\"public.orders\": 500}`, or a manifest \
                       that has this under `rows`; a path or an object of S3. Tables that it leaves out are not \
                       compared",
            },
            Key {
                name: "target",
                kind: Kind::Group(PLACE),
                required: true,
                help: "The database to be compared with it; keys as in `connection`",
            },
            Key {
                name: "tables",
                kind: Kind::Text,
                required: false,
                help: "A regular expression that a name such as `public.orders` must contain a match of",
            },
            Key {
                name: "by",
                kind: Kind::Choice(&["counts", "checksums"]),
                required: false,
                help: "`counts` (default): rows; `checksums`: what the rows say too, in any order",
            },
        ],
        result: &[
            Field {
                name: "equal",
                ty: FieldType::Bool,
                help: "Nothing is missing, besides, or different",
            },
            Field { name: "tables", ty: FieldType::Int, help: "Tables that are in both" },
            Field {
                name: "missing",
                ty: FieldType::StringList,
                help: "Tables that the target lacks",
            },
            Field {
                name: "extra",
                ty: FieldType::StringList,
                help: "Tables that only the target has",
            },
            Field {
                name: "different",
                ty: FieldType::DynList,
                help: "Each with `table`, `source_rows`, `target_rows`",
            },
            Field {
                name: "source_rows",
                ty: FieldType::Int,
                help: "Rows of all tables of the source",
            },
            Field {
                name: "target_rows",
                ty: FieldType::Int,
                help: "Rows of all tables of the target",
            },
        ],
        destroys: None,
        acts_on: &[],
    },
    ActionSpec {
        name: "postgres.restore_dump",
        effect: EffectRule::Fixed(Effect::Changes),
        help: "Loads a dump (plain SQL or pg_dump's custom format, gzipped or not: its first bytes tell) into an \
               EMPTY database. Nothing is committed before the whole dump has come and its SHA-256 is right. With \
               one job it is one transaction; with more it cannot be, so a failure leaves a part of it, which is \
               never loaded on top of. The custom format needs `pg_restore` on this machine, the plain one nothing",
        keys: &[
            CONNECTION,
            Key {
                name: "file",
                kind: Kind::Path,
                required: true,
                help: "The dump: a path, or an object of S3 such as `s3://backups/pg/shop.sql.gz`, which is \
                       streamed without a temporary file",
            },
            Key {
                name: "version",
                kind: Kind::Text,
                required: false,
                help: "The object's version; default: the newest",
            },
            Key {
                name: "format",
                kind: Kind::Choice(&["auto", "plain", "custom"]),
                required: false,
                help: "Default: `auto`, told by the first bytes; another word must agree with them",
            },
            Key {
                name: "jobs",
                kind: Kind::Int,
                required: false,
                help: "Sessions that load side by side, 1 to 64; default: 1, in one transaction",
            },
            Key {
                name: "sha256",
                kind: Kind::Text,
                required: false,
                help: "What the file's SHA-256 must be, 64 hexadecimal digits; empty: only the manifest says",
            },
            Key {
                name: "manifest",
                kind: Kind::Path,
                required: false,
                help: "JSON with `sha256` and perhaps `date`; default: `<file>.manifest.json`, or the \
                       same without `.gz`, `.sql`, `.dump`, when it is there",
            },
            Key {
                name: "unverified",
                kind: Kind::Bool,
                required: false,
                help: "Loads also what neither `sha256` nor a manifest vouches for; default: false",
            },
        ],
        result: &[
            Field { name: "tables", ty: FieldType::Int, help: "Tables after the restore" },
            Field { name: "sha256", ty: FieldType::String, help: "Of the file" },
            Field {
                name: "checked_against",
                ty: FieldType::String,
                help: "`sha256`, `manifest`, `sha256 and manifest`, or `nothing`",
            },
            Field {
                name: "dumped_at",
                ty: FieldType::String,
                help: "The manifest's `date`; empty without one",
            },
            Field { name: "format", ty: FieldType::String, help: "`plain` or `custom`" },
            Field { name: "bytes", ty: FieldType::Int, help: "The file's length" },
            Field { name: "seconds", ty: FieldType::Float, help: "How long the restore took" },
        ],
        destroys: None,
        acts_on: &[(TargetKind::Postgres, "connection")],
    },
];
