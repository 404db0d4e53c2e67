//! `rds.create_snapshot` and `rds.copy_snapshot`

use aws_sdk_rds::types::Tag;
use futures_util::future::BoxFuture;

use super::make::Recipe;
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, args, once, wrong};
use crate::aws::{self, Failure};
use crate::runbook::Request;

/// A snapshot of a cluster or an instance.
#[derive(Clone, Copy)]
pub(super) struct CreateSnapshot;

/// A snapshot of a snapshot, with another name, key or region.
#[derive(Clone, Copy)]
pub(super) struct CopySnapshot;

/// What a snapshot is taken of.
fn source(request: &Request) -> Result<Target, String> {
    match (request.text("cluster"), request.text("instance")) {
        (Some(id), None) => Ok(Target::Cluster(id.to_owned())),
        (None, Some(id)) => Ok(Target::Instance(id.to_owned())),
        (Some(_), Some(_)) | (None, None) => Err("give either `cluster` or `instance`".into()),
    }
}

/// What is copied.
fn original(request: &Request) -> Result<Target, String> {
    match (request.text("cluster_snapshot"), request.text("instance_snapshot")) {
        (Some(id), None) => Ok(Target::ClusterSnapshot(id.to_owned())),
        (None, Some(id)) => Ok(Target::InstanceSnapshot(id.to_owned())),
        (Some(_), Some(_)) | (None, None) => {
            Err("give either `cluster_snapshot` or `instance_snapshot`".into())
        }
    }
}

/// Whether an ARN names another region than this one.
fn is_elsewhere(id: &str, region: Option<&str>) -> bool {
    let of_arn = id.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2));
    of_arn.zip(region).is_some_and(|(there, here)| there != here)
}

impl Recipe for CreateSnapshot {
    fn target(&self, request: &Request) -> Result<Target, String> {
        let name = args::text(request, "snapshot")?.to_owned();
        Ok(match source(request)? {
            Target::Cluster(_) => Target::ClusterSnapshot(name),
            _ => Target::InstanceSnapshot(name),
        })
    }

    fn from(&self, request: &Request) -> Result<String, String> {
        source(request).map(|it| it.to_string())
    }

    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let source = source(request)?;
            match rds.look(&source).await {
                Ok(Some(Thing::Instance(it))) if it.db_cluster_identifier().is_some() => {
                    Err(format!(
                        "{source} belongs to the cluster {}, and its data is the cluster's: take a \
                         snapshot of the cluster",
                        it.db_cluster_identifier().unwrap_or_default()
                    ))
                }
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(nothing(&source)),
                Err(failure) => Err(failure.message),
            }
        })
    }

    fn create<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a Request,
        tags: Vec<Tag>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let name = args::own(request, "snapshot");
            match source(request).map_err(wrong)? {
                Target::Cluster(id) => rds
                    .client
                    .create_db_cluster_snapshot()
                    .db_cluster_identifier(id)
                    .set_db_cluster_snapshot_identifier(name)
                    .set_tags(Some(tags))
                    .customize()
                    .config_override(once())
                    .send()
                    .await
                    .map(drop)
                    .map_err(|e| aws::failure("rds:CreateDBClusterSnapshot", &rds.access, &e)),
                other => rds
                    .client
                    .create_db_snapshot()
                    .db_instance_identifier(other.id())
                    .set_db_snapshot_identifier(name)
                    .set_tags(Some(tags))
                    .customize()
                    .config_override(once())
                    .send()
                    .await
                    .map(drop)
                    .map_err(|e| aws::failure("rds:CreateDBSnapshot", &rds.access, &e)),
            }
        })
    }

    fn waits(&self, request: &Request) -> bool {
        args::flag(request, "wait").unwrap_or(true)
    }
}

impl Recipe for CopySnapshot {
    fn target(&self, request: &Request) -> Result<Target, String> {
        let name = args::text(request, "target")?.to_owned();
        Ok(match original(request)? {
            Target::ClusterSnapshot(_) => Target::ClusterSnapshot(name),
            _ => Target::InstanceSnapshot(name),
        })
    }

    fn from(&self, request: &Request) -> Result<String, String> {
        original(request).map(|it| it.id().to_owned())
    }

    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let original = original(request)?;
            let region = rds.client.config().region().map(ToString::to_string);
            if is_elsewhere(original.id(), region.as_deref()) {
                // Not to be seen from here.
                return Ok(());
            }
            match rds.look(&original).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(nothing(&original)),
                Err(failure) => Err(failure.message),
            }
        })
    }

    fn create<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a Request,
        tags: Vec<Tag>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let (name, key) = (args::own(request, "target"), args::own(request, "kms_key"));
            match original(request).map_err(wrong)? {
                Target::ClusterSnapshot(id) => rds
                    .client
                    .copy_db_cluster_snapshot()
                    .source_db_cluster_snapshot_identifier(id)
                    .set_target_db_cluster_snapshot_identifier(name)
                    .set_kms_key_id(key)
                    .set_tags(Some(tags))
                    .customize()
                    .config_override(once())
                    .send()
                    .await
                    .map(drop)
                    .map_err(|e| aws::failure("rds:CopyDBClusterSnapshot", &rds.access, &e)),
                other => rds
                    .client
                    .copy_db_snapshot()
                    .source_db_snapshot_identifier(other.id())
                    .set_target_db_snapshot_identifier(name)
                    .set_kms_key_id(key)
                    .set_tags(Some(tags))
                    .customize()
                    .config_override(once())
                    .send()
                    .await
                    .map(drop)
                    .map_err(|e| aws::failure("rds:CopyDBSnapshot", &rds.access, &e)),
            }
        })
    }

    fn waits(&self, request: &Request) -> bool {
        args::flag(request, "wait").unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn a_snapshot_of_another_region_is_told_by_its_arn() {
        let arn = "arn:aws:rds:us-east-1:123456789012:cluster-snapshot:nightly";
        assert!(is_elsewhere(arn, Some("eu-west-1")));
        assert!(!is_elsewhere(arn, Some("us-east-1")));
        assert!(!is_elsewhere("nightly", Some("eu-west-1")));
    }
}
