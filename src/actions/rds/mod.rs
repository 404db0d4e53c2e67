//! The `rds` family: Amazon RDS and Aurora through the AWS SDK.
//!
//! What an attempt creates carries the run, the step and the attempt as tags. Before it creates, it looks:
//! what is there and carries them is adopted and waited for, anything else is left alone.

mod args;
mod create;
mod delete;
mod failover;
mod make;
mod read;
mod restore;
mod thing;
mod wait;

use aws_config::retry::RetryConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::config::Builder;

use self::thing::{Target, Thing};
use super::{Action, Context, Finish};
use crate::aws::{self, AwsAccess, Failure};

/// The action of this name, when it is of this family.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Action> {
    Some(match name {
        "rds.describe_cluster" => &read::DescribeCluster,
        "rds.describe_instance" => &read::DescribeInstance,
        "rds.wait_available" => &read::WaitAvailable,
        "rds.restore_cluster_to_point_in_time" => &restore::RestoreCluster,
        "rds.create_instance" => &create::CreateInstance,
        "rds.failover_cluster" => &failover::FailoverCluster,
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
        match target {
            Target::Cluster(id) => {
                let answer = self.client.describe_db_clusters().db_cluster_identifier(id);
                match answer.send().await {
                    Ok(answer) => Ok(answer.db_clusters().first().cloned().map(Thing::cluster)),
                    Err(error) => {
                        absent(aws::failure("rds:DescribeDBClusters", &self.access, &error))
                    }
                }
            }
            Target::Instance(id) => {
                let answer = self.client.describe_db_instances().db_instance_identifier(id);
                match answer.send().await {
                    Ok(answer) => Ok(answer.db_instances().first().cloned().map(Thing::instance)),
                    Err(error) => {
                        absent(aws::failure("rds:DescribeDBInstances", &self.access, &error))
                    }
                }
            }
        }
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
    let gone = ["DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault"];
    if gone.iter().any(|code| failure.is(code)) { Ok(None) } else { Err(failure) }
}

/// A changing call is sent once: whether to repeat it is not the SDK's to decide.
fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}
