//! `rds.create_instance`

use aws_sdk_rds::types::Tag;
use futures_util::future::BoxFuture;

use super::make::Recipe;
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, args, once};
use crate::aws::{self, Failure};
use crate::runbook::{Request, Value};

const CALL: &str = "rds:CreateDBInstance";

/// An instance in a cluster.
#[derive(Clone, Copy)]
pub(super) struct CreateInstance;

impl Recipe for CreateInstance {
    fn target(&self, request: &Request) -> Result<Target, String> {
        Ok(Target::Instance(args::text(request, "instance")?.to_owned()))
    }

    fn from(&self, request: &Request) -> Result<String, String> {
        let cluster = args::text(request, "cluster")?;
        let class = request.text("class").ok_or(
            "`class` is missing: give one such as db.r6g.large, or `like` with an instance to copy",
        )?;
        Ok(format!("{cluster} as {class}"))
    }

    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let cluster = Target::Cluster(args::text(request, "cluster")?.to_owned());
            match rds.look(&cluster).await.map_err(|failure| failure.message)? {
                Some(Thing::Cluster(it)) => args::default_text(request, "engine", it.engine()),
                _ => return Err(nothing(&cluster)),
            }
            let Some(like) = request.text("like").map(|it| Target::Instance(it.to_owned())) else {
                return Ok(());
            };
            let found = rds.look(&like).await.map_err(|failure| failure.message)?;
            let Some(Thing::Instance(it)) = found else { return Err(nothing(&like)) };
            let parameters = it.db_parameter_groups().first();
            let parameters = parameters.and_then(|it| it.db_parameter_group_name());
            args::default_text(request, "class", it.db_instance_class());
            args::default_text(request, "parameter_group", parameters);
            let public = it.publicly_accessible().map(Value::Bool);
            args::default(request, "publicly_accessible", public);
            Ok(())
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
                .create_db_instance()
                .set_db_instance_identifier(args::own(request, "instance"))
                .set_db_cluster_identifier(args::own(request, "cluster"))
                .set_db_instance_class(args::own(request, "class"))
                .set_engine(args::own(request, "engine"))
                .set_db_parameter_group_name(args::own(request, "parameter_group"))
                .set_publicly_accessible(args::flag(request, "publicly_accessible"))
                .set_tags(Some(tags))
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure(CALL, &rds.access, &error))
        })
    }
}
