//! What the `rds` actions tell.

use super::super::{Field, FieldType};

const fn field(name: &'static str, ty: FieldType, help: &'static str) -> Field {
    Field { name, ty, help }
}

/// What is told of a cluster. A field that AWS does not fill in is absent: ask with `has()`.
pub(super) static CLUSTER: &[Field] = &[
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
    field("readers", FieldType::StringList, "Identifiers of its other instances."),
    field("members", FieldType::StringList, "Identifiers of all its instances."),
    field("subnet_group", FieldType::String, "Name of its DB subnet group."),
    field("security_groups", FieldType::StringList, "Ids of its VPC security groups."),
    field("parameter_group", FieldType::String, "Name of its cluster parameter group."),
    field("encrypted", FieldType::Bool, "Whether its storage is encrypted."),
    field("kms_key", FieldType::String, "The key its storage is encrypted with."),
    field("deletion_protection", FieldType::Bool, "Whether AWS refuses to delete it."),
];

/// What is told of an instance. A field that AWS does not fill in is absent: ask with `has()`.
pub(super) static INSTANCE: &[Field] = &[
    field("identifier", FieldType::String, "The instance's identifier."),
    field("arn", FieldType::String, "Its ARN."),
    field("status", FieldType::String, "Such as `available` or `creating`."),
    field("endpoint", FieldType::String, "Its host name; absent while it is being created."),
    field("port", FieldType::Int, "Its port."),
    field("engine", FieldType::String, "Such as `aurora-postgresql`."),
    field("engine_version", FieldType::String, "Such as `15.4`."),
    field("class", FieldType::String, "Such as `db.r6g.large`."),
    field("cluster", FieldType::String, "The cluster it belongs to; absent without one."),
    field("source", FieldType::String, "What it replicates from; absent when it is no replica."),
    field("created", FieldType::Timestamp, "When it was created."),
    field("latest_restorable_time", FieldType::Timestamp, "End of its own restorable window."),
    field("subnet_group", FieldType::String, "Name of its DB subnet group."),
    field("security_groups", FieldType::StringList, "Ids of its VPC security groups."),
    field("parameter_group", FieldType::String, "Name of its DB parameter group."),
    field("encrypted", FieldType::Bool, "Whether its storage is encrypted."),
    field("kms_key", FieldType::String, "The key its storage is encrypted with."),
    field("storage_gib", FieldType::Int, "Its storage, in GiB."),
    field("multi_az", FieldType::Bool, "Whether a standby waits in another zone."),
    field("backup_retention_days", FieldType::Int, "How long automated backups are kept."),
    field("publicly_accessible", FieldType::Bool, "Whether it has a public address."),
    field("deletion_protection", FieldType::Bool, "Whether AWS refuses to delete it."),
];

/// What is told of a snapshot. A field that AWS does not fill in is absent: ask with `has()`.
pub(super) static SNAPSHOT: &[Field] = &[
    field("identifier", FieldType::String, "The snapshot's identifier."),
    field("arn", FieldType::String, "Its ARN."),
    field("status", FieldType::String, "`available`; `creating` with `wait: false`."),
    field("cluster", FieldType::String, "The cluster it was taken of; absent for an instance."),
    field("instance", FieldType::String, "The instance it was taken of; absent for a cluster."),
    field("engine", FieldType::String, "Such as `aurora-postgresql`."),
    field("engine_version", FieldType::String, "Such as `15.4`."),
    field("created", FieldType::Timestamp, "When it was taken."),
    field("encrypted", FieldType::Bool, "Whether it is encrypted."),
    field("kms_key", FieldType::String, "The key it is encrypted with."),
];

/// What is told of anything that was waited for.
pub(super) static WAITED_FOR: &[Field] = &[
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
pub(super) static DELETED: &[Field] = &[
    field("identifier", FieldType::String, "What was deleted."),
    field("status", FieldType::String, "`deleting`, or `deleted` after `wait`."),
    field("final_snapshot", FieldType::String, "The last snapshot; absent when it was skipped."),
];
