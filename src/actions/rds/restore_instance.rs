//! `rds.restore_instance_to_point_in_time` and `rds.restore_instance_from_snapshot`

use aws_sdk_rds::types::{DbInstance, Tag};
use futures_util::future::BoxFuture;

use super::args::{self, Moment};
use super::make::Recipe;
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, copied, once, wrong};
use crate::aws::{self, Failure};
use crate::runbook::Request;

const TO_POINT: &str = "rds:RestoreDBInstanceToPointInTime";
const FROM_SNAPSHOT: &str = "rds:RestoreDBInstanceFromDBSnapshot";

/// An instance as another one was at a moment.
#[derive(Clone, Copy)]
pub(super) struct ToPoint;

/// An instance as a snapshot has it.
#[derive(Clone, Copy)]
pub(super) struct FromSnapshot;

/// The data of a cluster's instance is the cluster's.
fn alone(instance: &DbInstance) -> Result<(), String> {
    let name = instance.db_instance_identifier().unwrap_or("it");
    match instance.db_cluster_identifier() {
        None => Ok(()),
        Some(cluster) => Err(format!(
            "{name} is an instance of the cluster {cluster}, and its data is the cluster's: use \
             rds.restore_cluster_to_point_in_time"
        )),
    }
}

impl Recipe for ToPoint {
    fn target(&self, request: &Request) -> Result<Target, String> {
        Ok(Target::Instance(args::text(request, "target")?.to_owned()))
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
            let source = Target::Instance(args::text(request, "source")?.to_owned());
            match rds.look(&source).await {
                Ok(Some(Thing::Instance(it))) => {
                    alone(&it)?;
                    copied::instance(request, &it);
                    Ok(())
                }
                Ok(_) => Err(nothing(&source)),
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
            let moment = args::moment(request).map_err(wrong)?;
            let call = rds
                .client
                .restore_db_instance_to_point_in_time()
                .set_source_db_instance_identifier(args::own(request, "source"))
                .set_target_db_instance_identifier(args::own(request, "target"))
                .set_db_instance_class(args::own(request, "class"))
                .set_db_subnet_group_name(args::own(request, "subnet_group"))
                .set_vpc_security_group_ids(args::some_texts(request, "security_groups"))
                .set_db_parameter_group_name(args::own(request, "parameter_group"))
                .set_option_group_name(args::own(request, "option_group"))
                .set_storage_type(args::own(request, "storage_type"))
                .set_iops(args::int(request, "iops"))
                .set_multi_az(args::flag(request, "multi_az"))
                .set_port(args::int(request, "port"))
                .set_publicly_accessible(args::flag(request, "publicly_accessible"))
                .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
                .set_enable_cloudwatch_logs_exports(args::some_texts(request, "log_exports"))
                .set_deletion_protection(args::flag(request, "deletion_protection"))
                .set_tags(Some(tags));
            let call = match moment {
                Moment::Latest => call.use_latest_restorable_time(true),
                Moment::At(at) => call.restore_time(args::aws_time(at)),
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
        Ok(Target::Instance(args::text(request, "target")?.to_owned()))
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
            let snapshot = Target::InstanceSnapshot(args::text(request, "snapshot")?.to_owned());
            let found = match rds.look(&snapshot).await {
                Ok(Some(Thing::InstanceSnapshot(it))) => it,
                Ok(_) => return Err(nothing(&snapshot)),
                Err(failure) => return Err(failure.message),
            };
            let like = request.text("like").or(found.db_instance_identifier());
            let Some(like) = like.map(|it| Target::Instance(it.to_owned())) else { return Ok(()) };
            match rds.look(&like).await {
                Ok(Some(Thing::Instance(it))) => {
                    args::default_text(request, "like", Some(like.id()));
                    copied::instance(request, &it);
                    Ok(())
                }
                Ok(_) if request.text("like").is_some() => Err(nothing(&like)),
                Ok(_) => args::reachable(request, &like),
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
            rds.client
                .restore_db_instance_from_db_snapshot()
                .set_db_snapshot_identifier(args::own(request, "snapshot"))
                .set_db_instance_identifier(args::own(request, "target"))
                .set_db_instance_class(args::own(request, "class"))
                .set_db_subnet_group_name(args::own(request, "subnet_group"))
                .set_vpc_security_group_ids(args::some_texts(request, "security_groups"))
                .set_db_parameter_group_name(args::own(request, "parameter_group"))
                .set_option_group_name(args::own(request, "option_group"))
                .set_storage_type(args::own(request, "storage_type"))
                .set_iops(args::int(request, "iops"))
                .set_multi_az(args::flag(request, "multi_az"))
                .set_port(args::int(request, "port"))
                .set_publicly_accessible(args::flag(request, "publicly_accessible"))
                .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
                .set_enable_cloudwatch_logs_exports(args::some_texts(request, "log_exports"))
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
