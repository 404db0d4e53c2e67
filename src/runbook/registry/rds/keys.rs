//! The arguments that several `rds` actions have.

use super::super::{Key, Kind};

pub(super) const fn required(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: true, help }
}

pub(super) const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Key {
    Key { name, kind, required: false, help }
}

pub(super) const EVERY: Key =
    optional("every", Kind::Duration, "Pause between two looks; 10s by default.");
pub(super) const CLUSTER: Key = required("cluster", Kind::Text, "The cluster's identifier.");
pub(super) const INSTANCE: Key = required("instance", Kind::Text, "The instance's identifier.");
pub(super) const WAIT_GONE: Key =
    optional("wait", Kind::Bool, "Wait until it is gone; false by default.");
pub(super) const SKIP_FINAL_SNAPSHOT: Key = optional(
    "skip_final_snapshot",
    Kind::Bool,
    "Keep nothing of it. Either this or `final_snapshot` must be there.",
);
pub(super) const FINAL_SNAPSHOT: Key =
    optional("final_snapshot", Kind::Text, "The name of a last snapshot, taken first.");
pub(super) const WAIT_THERE: Key =
    optional("wait", Kind::Bool, "Wait until it is available; true by default.");
pub(super) const TO: Key = required(
    "to",
    Kind::RestorePoint,
    "The moment to restore to, or `latest` for the end of the restorable window.",
);
pub(super) const SUBNET_GROUP: Key =
    optional("subnet_group", Kind::Text, "DB subnet group; the source's by default.");
pub(super) const SECURITY_GROUPS: Key =
    optional("security_groups", Kind::TextList, "VPC security groups; the source's by default.");
pub(super) const CLUSTER_PARAMETER_GROUP: Key =
    optional("parameter_group", Kind::Text, "Cluster parameter group; the source's by default.");
pub(super) const PARAMETER_GROUP: Key =
    optional("parameter_group", Kind::Text, "DB parameter group; the source's by default.");
pub(super) const KMS_KEY: Key =
    optional("kms_key", Kind::Text, "Encryption key; the source's by default.");
pub(super) const PORT: Key = optional("port", Kind::Int, "Port; the source's by default.");
pub(super) const IAM_AUTHENTICATION: Key = optional(
    "iam_authentication",
    Kind::Bool,
    "Whether IAM users may log in; as at the source by default.",
);
pub(super) const LOG_EXPORTS: Key =
    optional("log_exports", Kind::TextList, "Logs that go to CloudWatch; the source's by default.");
pub(super) const SERVERLESS_CAPACITY: Key = optional(
    "serverless_capacity",
    Kind::Text,
    "Serverless capacity units, such as `0.5-16`; the source's by default.",
);
pub(super) const UNPROTECTED: Key = optional(
    "deletion_protection",
    Kind::Bool,
    "Protect the new one from deletion; false by default, so that it can be undone.",
);
pub(super) const CLASS: Key =
    optional("class", Kind::Text, "Such as `db.r6g.large`; the source's by default.");
pub(super) const OPTION_GROUP: Key =
    optional("option_group", Kind::Text, "Option group; the source's by default.");
pub(super) const STORAGE_TYPE: Key =
    optional("storage_type", Kind::Text, "Such as `gp3`; the source's by default.");
pub(super) const IOPS: Key =
    optional("iops", Kind::Int, "Provisioned I/O operations a second; the source's by default.");
pub(super) const MULTI_AZ: Key = optional(
    "multi_az",
    Kind::Bool,
    "Whether a standby waits in another zone; as at the source by default.",
);
pub(super) const PUBLICLY_ACCESSIBLE: Key = optional(
    "publicly_accessible",
    Kind::Bool,
    "Whether it has a public address; as at the source by default.",
);
