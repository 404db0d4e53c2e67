//! The `rds` family: Amazon RDS and Aurora through the AWS SDK.
//!
//! What an attempt creates carries the run, the step and the attempt as tags. Before it creates, it looks:
//! what is there and carries them is adopted and waited for, anything else is left alone.

mod alter;
mod args;
mod copied;
mod create_instance;
mod delete;
mod failover;
mod fields;
mod make;
mod modify;
mod promote;
mod read;
mod restore_cluster;
mod restore_instance;
mod snapshot;
mod thing;
mod wait;
mod work;

use aws_config::retry::RetryConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::config::Builder;

use self::alter::Alter;
use self::make::Create;
use self::thing::{Target, Thing};
use super::{Action, Context, Finish};
use crate::aws::{self, AwsAccess, Failure, Reached};

static FAILOVER: Alter<failover::Failover> = Alter::new();
static PROMOTION: Alter<promote::Promotion> = Alter::new();
static MODIFICATION: Alter<modify::Modification> = Alter::new();

/// The action of this name, when it is of this family.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Action> {
    Some(match name {
        "rds.describe_cluster" => &read::DescribeCluster,
        "rds.describe_instance" => &read::DescribeInstance,
        "rds.wait_available" => &read::WaitAvailable,
        "rds.restore_cluster_to_point_in_time" => &Create(restore_cluster::ToPoint),
        "rds.restore_cluster_from_snapshot" => &Create(restore_cluster::FromSnapshot),
        "rds.restore_instance_to_point_in_time" => &Create(restore_instance::ToPoint),
        "rds.restore_instance_from_snapshot" => &Create(restore_instance::FromSnapshot),
        "rds.create_instance" => &Create(create_instance::CreateInstance),
        "rds.create_snapshot" => &Create(snapshot::CreateSnapshot),
        "rds.copy_snapshot" => &Create(snapshot::CopySnapshot),
        "rds.modify_instance" => &MODIFICATION,
        "rds.failover_cluster" => &FAILOVER,
        "rds.promote_read_replica" => &PROMOTION,
        "rds.delete_instance" => &delete::DELETE_INSTANCE,
        "rds.delete_cluster" => &delete::DELETE_CLUSTER,
        _ => return None,
    })
}

/// A client, and as whom it was made.
struct Rds {
    client: Client,
    access: AwsAccess,
}

impl Rds {
    async fn connect(access: &AwsAccess) -> Self {
        let client = Client::new(&aws::config(access).await);
        Self { client, access: access.clone() }
    }

    /// What is behind the name; `None` when AWS says that nothing is.
    async fn look(&self, target: &Target) -> Result<Option<Thing>, Failure> {
        let found = match target {
            Target::Cluster(id) => {
                let answer = self.client.describe_db_clusters().db_cluster_identifier(id);
                let answer = answer.send().await.map(|it| it.db_clusters().first().cloned());
                answer
                    .map(|it| it.map(|it| Thing::Cluster(Box::new(it))))
                    .map_err(|e| aws::failure("rds:DescribeDBClusters", &self.access, &e))
            }
            Target::Instance(id) => {
                let answer = self.client.describe_db_instances().db_instance_identifier(id);
                let answer = answer.send().await.map(|it| it.db_instances().first().cloned());
                answer
                    .map(|it| it.map(|it| Thing::Instance(Box::new(it))))
                    .map_err(|e| aws::failure("rds:DescribeDBInstances", &self.access, &e))
            }
            Target::ClusterSnapshot(id) => {
                let answer = self.client.describe_db_cluster_snapshots();
                let answer = answer.db_cluster_snapshot_identifier(id).send().await;
                answer
                    .map(|it| it.db_cluster_snapshots().first().cloned())
                    .map(|it| it.map(|it| Thing::ClusterSnapshot(Box::new(it))))
                    .map_err(|e| aws::failure("rds:DescribeDBClusterSnapshots", &self.access, &e))
            }
            Target::InstanceSnapshot(id) => {
                let answer = self.client.describe_db_snapshots().db_snapshot_identifier(id);
                let answer = answer.send().await.map(|it| it.db_snapshots().first().cloned());
                answer
                    .map(|it| it.map(|it| Thing::InstanceSnapshot(Box::new(it))))
                    .map_err(|e| aws::failure("rds:DescribeDBSnapshots", &self.access, &e))
            }
        };
        found.or_else(absent)
    }

    /// [`Rds::look`], given up when the operator cancels.
    async fn look_unless_cancelled(
        &self,
        cx: &Context,
        target: &Target,
    ) -> Result<Option<Thing>, Finish> {
        let looked = tokio::select! {
            () = cx.cancel.cancelled() => {
                return Err(Finish::failed("cancelled before anything was asked of AWS"));
            }
            looked = self.look(target) => looked,
        };
        looked.map_err(|failure| Finish::failed(failure.message))
    }
}

fn absent(failure: Failure) -> Result<Option<Thing>, Failure> {
    let gone = [
        "DBClusterNotFoundFault",
        "DBInstanceNotFound",
        "DBInstanceNotFoundFault",
        "DBClusterSnapshotNotFoundFault",
        "DBSnapshotNotFound",
        "DBSnapshotNotFoundFault",
    ];
    if gone.iter().any(|code| failure.is(code)) { Ok(None) } else { Err(failure) }
}

/// A changing call is sent once: whether to repeat it is not the SDK's to decide.
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

/// Something about the request that AWS was never asked about.
fn wrong(message: String) -> Failure {
    Failure { message, code: None, reached: Reached::NotSent }
}
