//! The `rds` family: Amazon RDS and Aurora.

mod fields;
mod keys;

use super::{ActionSpec, Effect, EffectRule, Kind};
use keys::{
    CLASS, CLUSTER, CLUSTER_PARAMETER_GROUP, EVERY, FINAL_SNAPSHOT, IAM_AUTHENTICATION, INSTANCE,
    IOPS, KMS_KEY, LOG_EXPORTS, MULTI_AZ, OPTION_GROUP, PARAMETER_GROUP, PORT, PUBLICLY_ACCESSIBLE,
    SECURITY_GROUPS, SERVERLESS_CAPACITY, SKIP_FINAL_SNAPSHOT, STORAGE_TYPE, SUBNET_GROUP, TO,
    UNPROTECTED, WAIT_GONE, WAIT_THERE, optional, required,
};

const READS: EffectRule = EffectRule::Fixed(Effect::Reads);
const CHANGES: EffectRule = EffectRule::Fixed(Effect::Changes);
const DESTROYS: EffectRule = EffectRule::Fixed(Effect::Destroys);

pub(super) static ACTIONS: &[ActionSpec] = &[
    ActionSpec {
        name: "rds.describe_cluster",
        effect: READS,
        help: "Looks at an Aurora cluster.",
        keys: &[CLUSTER],
        result: fields::CLUSTER,
        destroys: None,
    },
    ActionSpec {
        name: "rds.describe_instance",
        effect: READS,
        help: "Looks at a database instance.",
        keys: &[INSTANCE],
        result: fields::INSTANCE,
        destroys: None,
    },
    ActionSpec {
        name: "rds.wait_available",
        effect: READS,
        help: "Waits until one thing is available; the step's `timeout` ends it.",
        keys: &[
            optional("cluster", Kind::Text, "A cluster."),
            optional("instance", Kind::Text, "An instance."),
            optional("cluster_snapshot", Kind::Text, "A snapshot of a cluster."),
            optional("instance_snapshot", Kind::Text, "A snapshot of an instance."),
            EVERY,
        ],
        result: fields::WAITED_FOR,
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
            TO,
            SUBNET_GROUP,
            SECURITY_GROUPS,
            CLUSTER_PARAMETER_GROUP,
            KMS_KEY,
            PORT,
            IAM_AUTHENTICATION,
            LOG_EXPORTS,
            SERVERLESS_CAPACITY,
            UNPROTECTED,
            EVERY,
        ],
        result: fields::CLUSTER,
        destroys: None,
    },
    ActionSpec {
        name: "rds.restore_cluster_from_snapshot",
        effect: CHANGES,
        help: "Restores a snapshot of a cluster as a new cluster and waits until that is available. \
               Settings that are not given are copied from the cluster it was taken of and shown.",
        keys: &[
            required("snapshot", Kind::Text, "The snapshot's name or ARN."),
            required("target", Kind::Text, "The name of the new cluster."),
            optional(
                "like",
                Kind::Text,
                "The cluster whose settings are copied; the snapshot's own by default.",
            ),
            optional("engine", Kind::Text, "The snapshot's by default."),
            SUBNET_GROUP,
            SECURITY_GROUPS,
            CLUSTER_PARAMETER_GROUP,
            KMS_KEY,
            PORT,
            IAM_AUTHENTICATION,
            LOG_EXPORTS,
            SERVERLESS_CAPACITY,
            UNPROTECTED,
            EVERY,
        ],
        result: fields::CLUSTER,
        destroys: None,
    },
    ActionSpec {
        name: "rds.restore_instance_to_point_in_time",
        effect: CHANGES,
        help: "Restores an instance that is in no cluster as a new one beside it and waits until \
               that is available. Settings that are not given are copied from the source and \
               shown; its encryption is always the source's.",
        keys: &[
            required("source", Kind::Text, "The instance to restore from; it is not touched."),
            required("target", Kind::Text, "The name of the new instance."),
            TO,
            CLASS,
            SUBNET_GROUP,
            SECURITY_GROUPS,
            PARAMETER_GROUP,
            OPTION_GROUP,
            STORAGE_TYPE,
            IOPS,
            MULTI_AZ,
            PORT,
            PUBLICLY_ACCESSIBLE,
            IAM_AUTHENTICATION,
            LOG_EXPORTS,
            UNPROTECTED,
            EVERY,
        ],
        result: fields::INSTANCE,
        destroys: None,
    },
    ActionSpec {
        name: "rds.restore_instance_from_snapshot",
        effect: CHANGES,
        help: "Restores a snapshot of an instance as a new instance and waits until that is \
               available. Settings that are not given are copied from the instance it was taken \
               of and shown; its encryption is always the snapshot's.",
        keys: &[
            required("snapshot", Kind::Text, "The snapshot's name or ARN."),
            required("target", Kind::Text, "The name of the new instance."),
            optional(
                "like",
                Kind::Text,
                "The instance whose settings are copied; the snapshot's own by default.",
            ),
            CLASS,
            SUBNET_GROUP,
            SECURITY_GROUPS,
            PARAMETER_GROUP,
            OPTION_GROUP,
            STORAGE_TYPE,
            IOPS,
            MULTI_AZ,
            PORT,
            PUBLICLY_ACCESSIBLE,
            IAM_AUTHENTICATION,
            LOG_EXPORTS,
            UNPROTECTED,
            EVERY,
        ],
        result: fields::INSTANCE,
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
        result: fields::INSTANCE,
        destroys: None,
    },
    ActionSpec {
        name: "rds.create_snapshot",
        effect: CHANGES,
        help: "Takes a snapshot of a cluster or of an instance that is in no cluster.",
        keys: &[
            required("snapshot", Kind::Text, "The name of the new snapshot."),
            optional("cluster", Kind::Text, "The cluster; either this or `instance`."),
            optional("instance", Kind::Text, "The instance; either this or `cluster`."),
            WAIT_THERE,
            EVERY,
        ],
        result: fields::SNAPSHOT,
        destroys: None,
    },
    ActionSpec {
        name: "rds.copy_snapshot",
        effect: CHANGES,
        help: "Copies a snapshot within its region, or into this one from another.",
        keys: &[
            optional(
                "cluster_snapshot",
                Kind::Text,
                "The snapshot of a cluster; an ARN when it is in another region.",
            ),
            optional(
                "instance_snapshot",
                Kind::Text,
                "The snapshot of an instance; an ARN when it is in another region.",
            ),
            required("target", Kind::Text, "The name of the copy."),
            optional(
                "kms_key",
                Kind::Text,
                "Encryption key; AWS keeps the source's by default, and needs one of this region \
                 for an encrypted snapshot of another.",
            ),
            WAIT_THERE,
            EVERY,
        ],
        result: fields::SNAPSHOT,
        destroys: None,
    },
    ActionSpec {
        name: "rds.modify_instance",
        effect: CHANGES,
        help: "Changes settings of an instance and waits until they are there. What is not given \
               stays as it is.",
        keys: &[
            INSTANCE,
            optional("class", Kind::Text, "Such as `db.r6g.large`."),
            optional("storage_gib", Kind::Int, "Its storage, in GiB; it can only grow."),
            optional("storage_type", Kind::Text, "Such as `gp3`."),
            optional("iops", Kind::Int, "Provisioned I/O operations a second."),
            optional("multi_az", Kind::Bool, "Whether a standby waits in another zone."),
            optional(
                "parameter_group",
                Kind::Text,
                "DB parameter group; some of its parameters need a reboot.",
            ),
            optional("security_groups", Kind::TextList, "VPC security groups, all of them."),
            optional(
                "backup_retention_days",
                Kind::Int,
                "How long automated backups are kept; 0 ends them.",
            ),
            optional("publicly_accessible", Kind::Bool, "Whether it has a public address."),
            optional("iam_authentication", Kind::Bool, "Whether IAM users may log in."),
            optional("deletion_protection", Kind::Bool, "Whether AWS refuses to delete it."),
            optional("promotion_tier", Kind::Int, "Its place in line at a failover, 0 to 15."),
            optional(
                "apply_immediately",
                Kind::Bool,
                "Now, or in the next maintenance window; true by default.",
            ),
            EVERY,
        ],
        result: fields::INSTANCE,
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
        result: fields::CLUSTER,
        destroys: Some("cluster"),
    },
    ActionSpec {
        name: "rds.promote_read_replica",
        effect: DESTROYS,
        help: "Makes a read replica an instance of its own and waits until it is. It never \
               replicates again.",
        keys: &[
            INSTANCE,
            optional(
                "source",
                Kind::Text,
                "What it must still replicate from; the present source by default.",
            ),
            optional(
                "backup_retention_days",
                Kind::Int,
                "How long its automated backups will be kept; AWS chooses by default.",
            ),
            EVERY,
        ],
        result: fields::INSTANCE,
        destroys: Some("instance"),
    },
    ActionSpec {
        name: "rds.delete_instance",
        effect: DESTROYS,
        help: "Deletes an instance. An instance of a cluster leaves the cluster's data alone.",
        keys: &[INSTANCE, SKIP_FINAL_SNAPSHOT, FINAL_SNAPSHOT, WAIT_GONE, EVERY],
        result: fields::DELETED,
        destroys: Some("instance"),
    },
    ActionSpec {
        name: "rds.delete_cluster",
        effect: DESTROYS,
        help: "Deletes a cluster without instances, and its data.",
        keys: &[CLUSTER, SKIP_FINAL_SNAPSHOT, FINAL_SNAPSHOT, WAIT_GONE, EVERY],
        result: fields::DELETED,
        destroys: Some("cluster"),
    },
];
