//! `rds.create_instance`

use aws_sdk_rds::types::Tag;
use futures_util::future::BoxFuture;

use super::make::{Made, Making};
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, args, once};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{self, Failure};
use crate::runbook::{Request, Value};

const CALL: &str = "rds:CreateDBInstance";

/// `rds.create_instance`
pub(super) struct CreateInstance;

impl Action for CreateInstance {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let cluster = Target::Cluster(args::text(&request, "cluster")?.to_owned());
            let like = request.text("like").map(|it| Target::Instance(it.to_owned()));
            let rds = Rds::connect(&cx.aws).await;
            let blind = |failure: Failure| cx.redactor.clean(failure.message);
            match rds.look(&cluster).await.map_err(blind)? {
                Some(Thing::Cluster(it)) => args::default_text(&mut request, "engine", it.engine()),
                _ => return Err(nothing(&cluster)),
            }
            if let Some(like) = like {
                let Some(Thing::Instance(it)) = rds.look(&like).await.map_err(blind)? else {
                    return Err(nothing(&like));
                };
                let parameters = it.db_parameter_groups().first();
                let parameters = parameters.and_then(|it| it.db_parameter_group_name());
                args::default_text(&mut request, "class", it.db_instance_class());
                args::default_text(&mut request, "parameter_group", parameters);
                let public = it.publicly_accessible().map(Value::Bool);
                args::default(&mut request, "publicly_accessible", public);
            }
            making(&request)?;
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match making(&request) {
                Ok(making) => making.make(&cx, |rds, tags| create(rds, tags, &request)).await,
                Err(wrong) => Finish::failed(wrong),
            }
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move {
            match made(&request) {
                Ok(made) => made.find(&cx).await,
                Err(wrong) => Found::CannotTell(wrong),
            }
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match made(&request) {
                Ok(made) => made.wait(&cx).await,
                Err(wrong) => Finish::unknown(wrong),
            }
        })
    }
}

fn made(request: &Request) -> Result<Made, String> {
    let target = Target::Instance(args::text(request, "instance")?.to_owned());
    Ok(Made { target, every: args::every(request) })
}

fn making(request: &Request) -> Result<Making, String> {
    let cluster = args::text(request, "cluster")?;
    let class = request.text("class").ok_or(
        "`class` is missing: give one such as db.r6g.large, or `like` with an instance to copy",
    )?;
    Ok(Making { made: made(request)?, from: format!("{cluster} as {class}") })
}

async fn create(rds: Rds, tags: Vec<Tag>, request: &Request) -> Result<(), Failure> {
    let text = |key| request.text(key).map(str::to_owned);
    rds.client
        .create_db_instance()
        .set_db_instance_identifier(text("instance"))
        .set_db_cluster_identifier(text("cluster"))
        .set_db_instance_class(text("class"))
        .set_engine(text("engine"))
        .set_db_parameter_group_name(text("parameter_group"))
        .set_publicly_accessible(args::flag(request, "publicly_accessible"))
        .set_tags(Some(tags))
        .customize()
        .config_override(once())
        .send()
        .await
        .map(drop)
        .map_err(|error| aws::failure(CALL, &rds.access, &error))
}
