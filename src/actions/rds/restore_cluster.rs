//! `rds.restore_cluster_to_point_in_time` and `rds.restore_cluster_from_snapshot`

use aws_sdk_rds::types::Tag;
use futures_util::future::BoxFuture;

use super::args::{self, Moment};
use super::make::Recipe;
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, copied, once, wrong};
use crate::aws::{self, Failure};
use crate::runbook::Request;

const TO_POINT: &str = "rds:RestoreDBClusterToPointInTime";
const FROM_SNAPSHOT: &str = "rds:RestoreDBClusterFromSnapshot";

/// A cluster as another one was at a moment.
#[derive(Clone, Copy)]
pub(super) struct ToPoint;

/// A cluster as a snapshot has it.
#[derive(Clone, Copy)]
pub(super) struct FromSnapshot;

impl Recipe for ToPoint {
    fn target(&self, request: &Request) -> Result<Target, String> {
        Ok(Target::Cluster(args::text(request, "target")?.to_owned()))
    }

    fn from(&self, request: &Request) -> Result<String, String> {
        args::source_at(request)
    }

    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            args::source_at(request)?;
            let source = Target::Cluster(args::text(request, "source")?.to_owned());
            match rds.look(&source).await {
                Ok(Some(Thing::Cluster(it))) => copied::cluster(request, &it),
                Ok(_) => return Err(nothing(&source)),
                Err(failure) => return Err(failure.message),
            }
            copied::capacity(request).map(drop)
        })
    }

    fn create<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a Request,
        tags: Vec<Tag>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let moment = args::moment(request).map_err(wrong)?;
            let call = rds
                .client
                .restore_db_cluster_to_point_in_time()
                .set_source_db_cluster_identifier(args::own(request, "source"))
                .set_db_cluster_identifier(args::own(request, "target"))
                .set_db_subnet_group_name(args::own(request, "subnet_group"))
                .set_vpc_security_group_ids(args::some_texts(request, "security_groups"))
                .set_db_cluster_parameter_group_name(args::own(request, "parameter_group"))
                .set_kms_key_id(args::own(request, "kms_key"))
                .set_port(args::int(request, "port"))
                .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
                .set_enable_cloudwatch_logs_exports(args::some_texts(request, "log_exports"))
                .set_serverless_v2_scaling_configuration(copied::capacity(request).map_err(wrong)?)
                .set_deletion_protection(args::flag(request, "deletion_protection"))
                .set_tags(Some(tags));
            let call = match moment {
                Moment::Latest => call.use_latest_restorable_time(true),
                Moment::At(at) => call.restore_to_time(args::aws_time(at)),
            };
            call.customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure(TO_POINT, &rds.access, &error))
        })
    }
}

impl Recipe for FromSnapshot {
    fn target(&self, request: &Request) -> Result<Target, String> {
        Ok(Target::Cluster(args::text(request, "target")?.to_owned()))
    }

    fn from(&self, request: &Request) -> Result<String, String> {
        args::text(request, "snapshot").map(str::to_owned)
    }

    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let snapshot = Target::ClusterSnapshot(args::text(request, "snapshot")?.to_owned());
            let found = match rds.look(&snapshot).await {
                Ok(Some(Thing::ClusterSnapshot(it))) => it,
                Ok(_) => return Err(nothing(&snapshot)),
                Err(failure) => return Err(failure.message),
            };
            args::default_text(request, "engine", found.engine());
            let like = request.text("like").or(found.db_cluster_identifier());
            if let Some(like) = like.map(|it| Target::Cluster(it.to_owned())) {
                match rds.look(&like).await {
                    Ok(Some(Thing::Cluster(it))) => {
                        args::default_text(request, "like", Some(like.id()));
                        copied::cluster(request, &it);
                    }
                    Ok(_) if request.text("like").is_some() => return Err(nothing(&like)),
                    Ok(_) => args::reachable(request, &like)?,
                    Err(failure) => return Err(failure.message),
                }
            }
            copied::capacity(request).map(drop)
        })
    }

    fn create<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a Request,
        tags: Vec<Tag>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            rds.client
                .restore_db_cluster_from_snapshot()
                .set_snapshot_identifier(args::own(request, "snapshot"))
                .set_db_cluster_identifier(args::own(request, "target"))
                .set_engine(args::own(request, "engine"))
                .set_db_subnet_group_name(args::own(request, "subnet_group"))
                .set_vpc_security_group_ids(args::some_texts(request, "security_groups"))
                .set_db_cluster_parameter_group_name(args::own(request, "parameter_group"))
                .set_kms_key_id(args::own(request, "kms_key"))
                .set_port(args::int(request, "port"))
                .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
                .set_enable_cloudwatch_logs_exports(args::some_texts(request, "log_exports"))
                .set_serverless_v2_scaling_configuration(copied::capacity(request).map_err(wrong)?)
                .set_deletion_protection(args::flag(request, "deletion_protection"))
                .set_tags(Some(tags))
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure(FROM_SNAPSHOT, &rds.access, &error))
        })
    }
}
