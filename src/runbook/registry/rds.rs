//! The `rds` family: Amazon RDS and Aurora.

use super::{ActionSpec, Effect, EffectRule, Field, FieldType, Key, Kind};

const READS: EffectRule = EffectRule::Fixed(Effect::Reads);
const CHANGES: EffectRule = EffectRule::Fixed(Effect::Changes);
const DESTROYS: EffectRule = EffectRule::Fixed(Effect::Destroys);

const fn required(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: true, help }
}

const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: false, help }
}

const fn field(name: &'static str, ty: FieldType, help: &'static str) -> Field {
    Field { name, ty, help }
}

const EVERY: Key = optional("every", Kind::Duration, "Pause between two looks; 10s by default.");
const CLUSTER: Key = required("cluster", Kind::Text, "The cluster's identifier.");
const INSTANCE: Key = required("instance", Kind::Text, "The instance's identifier.");
const WAIT: Key = optional("wait", Kind::Bool, "Wait until it is gone; false by default.");
const SKIP_FINAL_SNAPSHOT: Key = optional(
    "skip_final_snapshot",
    Kind::Bool,
    "Keep nothing of it. Either this or `final_snapshot` must be there.",
);
const FINAL_SNAPSHOT: Key =
    optional("final_snapshot", Kind::Text, "The name of a last snapshot, taken first.");

/// What is told of a cluster. A field that AWS does not fill in is absent: ask with `has()`.
static CLUSTER_FIELDS: &[Field] = &[
    field("identifier", FieldType::String, "The cluster's identifier."),
    field("arn", FieldType::String, "Its ARN."),
    field("status", FieldType::String, "Such as `available` or `creating`."),
    field("endpoint", FieldType::String, "Host name of the writer."),
    field("reader_endpoint", FieldType::String, "Host name of the readers."),
    field("port", FieldType::Int, "Port of both endpoints."),
    field("engine", FieldType::String, "Such as `aurora-postgresql`."),
    field("engine_version", FieldType::String, "Such as `15.4`."),
    field("created", FieldType::Timestamp, "When it was created."),
    field("earliest_restorable_time", FieldType::Timestamp, "Start of the restorable window."),
    field("latest_restorable_time", FieldType::Timestamp, "End of the restorable window."),
    field("writer", FieldType::String, "Identifier of the writer instance; absent without one."),
    field("members", FieldType::StringList, "Identifiers of its instances."),
    field("subnet_group", FieldType::String, "Name of its DB subnet group."),
    field("security_groups", FieldType::StringList, "Ids of its VPC security groups."),
    field("parameter_group", FieldType::String, "Name of its cluster parameter group."),
    field("encrypted", FieldType::Bool, "Whether its storage is encrypted."),
    field("kms_key", FieldType::String, "The key its storage is encrypted with."),
    field("deletion_protection", FieldType::Bool, "Whether AWS refuses to delete it."),
];

/// What is told of an instance. A field that AWS does not fill in is absent: ask with `has()`.
static INSTANCE_FIELDS: &[Field] = &[
    field("identifier", FieldType::String, "The instance's identifier."),
    field("arn", FieldType::String, "Its ARN."),
    field("status", FieldType::String, "Such as `available` or `creating`."),
    field("endpoint", FieldType::String, "Its host name; absent while it is being created."),
    field("port", FieldType::Int, "Its port."),
    field("engine", FieldType::String, "Such as `aurora-postgresql`."),
    field("engine_version", FieldType::String, "Such as `15.4`."),
    field("class", FieldType::String, "Such as `db.r6g.large`."),
    field("cluster", FieldType::String, "The cluster it belongs to; absent without one."),
    field("created", FieldType::Timestamp, "When it was created."),
    field("latest_restorable_time", FieldType::Timestamp, "End of its own restorable window."),
    field("parameter_group", FieldType::String, "Name of its DB parameter group."),
    field("publicly_accessible", FieldType::Bool, "Whether it has a public address."),
    field("deletion_protection", FieldType::Bool, "Whether AWS refuses to delete it."),
];

/// What is told of a cluster or an instance that was waited for.
static WAIT_FIELDS: &[Field] = &[
    field("identifier", FieldType::String, "The identifier."),
    field("arn", FieldType::String, "The ARN."),
    field("status", FieldType::String, "`available`."),
    field("endpoint", FieldType::String, "The host name; absent when there is none yet."),
    field("port", FieldType::Int, "The port."),
    field("engine", FieldType::String, "Such as `aurora-postgresql`."),
    field("engine_version", FieldType::String, "Such as `15.4`."),
    field("created", FieldType::Timestamp, "When it was created."),
];

/// What is told of something that was deleted.
static DELETE_FIELDS: &[Field] = &[
    field("identifier", FieldType::String, "What was deleted."),
    field("status", FieldType::String, "`deleting`, or `deleted` after `wait`."),
    field("final_snapshot", FieldType::String, "The last snapshot; absent when it was skipped."),
];

pub(super) static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "rds.describe_cluster",
        effect: READS,
        help: "Looks at an Aurora cluster.",
        keys: &[CLUSTER],
        result: CLUSTER_FIELDS,
        destroys: None,
    },
    ActionSpec {
        name: "rds.describe_instance",
        effect: READS,
        help: "Looks at a database instance.",
        keys: &[INSTANCE],
        result: INSTANCE_FIELDS,
        destroys: None,
    },
    ActionSpec {
        name: "rds.wait_available",
        effect: READS,
        help: "Waits until a cluster or an instance is available; the step's `timeout` ends it.",
        keys: &[
            optional("cluster", Kind::Text, "The cluster; either this or `instance`."),
            optional("instance", Kind::Text, "The instance; either this or `cluster`."),
            EVERY,
        ],
        result: WAIT_FIELDS,
        destroys: None,
    },
    ActionSpec {
        name: "rds.restore_cluster_to_point_in_time",
        effect: CHANGES,
        help: "Restores a cluster as a new one beside it and waits until that is available. \
               Settings that are not given are copied from the source and shown.",
        keys: &[
            required("source", Kind::Text, "The cluster to restore from; it is not touched."),
            required("target", Kind::Text, "The name of the new cluster."),
            required(
                "to",
                Kind::RestorePoint,
                "The moment to restore to, or `latest` for the end of the restorable window.",
            ),
            optional("subnet_group", Kind::Text, "DB subnet group; the source's by default."),
            optional(
                "security_groups",
                Kind::TextList,
                "VPC security groups; the source's by default.",
            ),
            optional(
                "parameter_group",
                Kind::Text,
                "Cluster parameter group; the source's by default.",
            ),
            optional("kms_key", Kind::Text, "Encryption key; the source's by default."),
            optional("port", Kind::Int, "Port; the source's by default."),
            optional(
                "iam_authentication",
                Kind::Bool,
                "Whether IAM users may log in; as at the source by default.",
            ),
            optional(
                "log_exports",
                Kind::TextList,
                "Logs that go to CloudWatch; the source's by default.",
            ),
            optional(
                "serverless_capacity",
                Kind::Text,
                "Serverless capacity units, such as `0.5-16`; the source's by default.",
            ),
            optional(
                "deletion_protection",
                Kind::Bool,
                "Protect the new cluster from deletion; false by default, so that it can be undone.",
            ),
            EVERY,
        ],
        result: CLUSTER_FIELDS,
        destroys: None,
    },
    ActionSpec {
        name: "rds.create_instance",
        effect: CHANGES,
        help: "Creates an instance in a cluster and waits until it is available. The first one \
               is the writer.",
        keys: &[
            required("instance", Kind::Text, "The name of the new instance."),
            required("cluster", Kind::Text, "The cluster it joins."),
            optional("class", Kind::Text, "Such as `db.r6g.large`; of `like` by default."),
            optional(
                "like",
                Kind::Text,
                "An instance whose class, parameter group and reachability are copied.",
            ),
            optional("engine", Kind::Text, "The cluster's by default."),
            optional("parameter_group", Kind::Text, "DB parameter group; of `like` by default."),
            optional("publicly_accessible", Kind::Bool, "Of `like` by default."),
            EVERY,
        ],
        result: INSTANCE_FIELDS,
        destroys: None,
    },
    ActionSpec {
        name: "rds.failover_cluster",
        effect: DESTROYS,
        help: "Makes another instance of the cluster the writer and waits until it is. \
               Connections are cut.",
        keys: &[
            CLUSTER,
            optional("target", Kind::Text, "The new writer; AWS chooses by default."),
            optional(
                "from",
                Kind::Text,
                "The writer it must still have; the present one by default.",
            ),
            EVERY,
        ],
        result: CLUSTER_FIELDS,
        destroys: Some("cluster"),
    },
    ActionSpec {
        name: "rds.delete_instance",
        effect: DESTROYS,
        help: "Deletes an instance. An instance of a cluster leaves the cluster's data alone.",
        keys: &[INSTANCE, SKIP_FINAL_SNAPSHOT, FINAL_SNAPSHOT, WAIT, EVERY],
        result: DELETE_FIELDS,
        destroys: Some("instance"),
    },
    ActionSpec {
        name: "rds.delete_cluster",
        effect: DESTROYS,
        help: "Deletes a cluster without instances, and its data.",
        keys: &[CLUSTER, SKIP_FINAL_SNAPSHOT, FINAL_SNAPSHOT, WAIT, EVERY],
        result: DELETE_FIELDS,
        destroys: Some("cluster"),
    },
];
