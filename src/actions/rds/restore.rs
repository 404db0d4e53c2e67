//! `rds.restore_cluster_to_point_in_time`

use aws_sdk_rds::primitives::DateTime as AwsTime;
use aws_sdk_rds::types::{DbCluster, ServerlessV2ScalingConfiguration, Tag};
use futures_util::future::BoxFuture;

use super::args::{self, Moment};
use super::make::{Made, Making};
use super::read::nothing;
use super::thing::{Target, Thing};
use super::{Rds, once};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{self, Failure};
use crate::runbook::value::timestamp_text;
use crate::runbook::{Request, Value};

const CALL: &str = "rds:RestoreDBClusterToPointInTime";

/// `rds.restore_cluster_to_point_in_time`
pub(super) struct RestoreCluster;

impl Action for RestoreCluster {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            making(&request)?;
            capacity(&request)?;
            let source = Target::Cluster(args::text(&request, "source")?.to_owned());
            let rds = Rds::connect(&cx.aws).await;
            match rds.look(&source).await {
                Ok(Some(Thing::Cluster(it))) => copy_settings(&mut request, &it),
                Ok(_) => return Err(nothing(&source)),
                Err(failure) => return Err(cx.redactor.clean(failure.message)),
            }
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let (making, moment, capacity) =
                match (making(&request), args::moment(&request), capacity(&request)) {
                    (Ok(making), Ok(moment), Ok(capacity)) => (making, moment, capacity),
                    (Err(wrong), ..) | (_, Err(wrong), _) | (.., Err(wrong)) => {
                        return Finish::failed(wrong);
                    }
                };
            let create = |rds, tags| restore(rds, tags, &request, moment, capacity);
            making.make(&cx, create).await
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
    let target = Target::Cluster(args::text(request, "target")?.to_owned());
    Ok(Made { target, every: args::every(request) })
}

fn making(request: &Request) -> Result<Making, String> {
    let source = args::text(request, "source")?;
    let target = args::text(request, "target")?;
    if source == target {
        return Err(format!(
            "`target` is {target}, the source itself: a restore makes a new cluster"
        ));
    }
    let to = match args::moment(request)? {
        Moment::Latest => "latest".to_owned(),
        Moment::At(at) => timestamp_text(at),
    };
    Ok(Making { made: made(request)?, from: format!("{source} at {to}") })
}

/// What AWS would replace by defaults: the restored cluster must be reachable by whom the source was.
fn copy_settings(request: &mut Request, source: &DbCluster) {
    // AWS tells lists in any order; the same request must look the same twice.
    let list = |mut items: Vec<&str>| {
        items.sort_unstable();
        let items: Vec<_> = items.into_iter().map(|it| Value::String(it.to_owned())).collect();
        (!items.is_empty()).then_some(Value::List(items))
    };
    let groups = source.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
    let logs = source.enabled_cloudwatch_logs_exports().iter().map(String::as_str);
    let capacity = source.serverless_v2_scaling_configuration().and_then(|it| {
        it.min_capacity().zip(it.max_capacity()).map(|(min, max)| format!("{min}-{max}"))
    });
    args::default_text(request, "subnet_group", source.db_subnet_group());
    args::default(request, "security_groups", list(groups.collect()));
    args::default_text(request, "parameter_group", source.db_cluster_parameter_group());
    args::default_text(request, "kms_key", source.kms_key_id());
    args::default(request, "port", source.port().map(|it| Value::Int(it.into())));
    let iam = source.iam_database_authentication_enabled().filter(|on| *on);
    args::default(request, "iam_authentication", iam.map(Value::Bool));
    args::default(request, "log_exports", list(logs.collect()));
    args::default_text(request, "serverless_capacity", capacity.as_deref());
}

/// Reads `serverless_capacity`, such as `0.5-16`.
fn capacity(request: &Request) -> Result<Option<ServerlessV2ScalingConfiguration>, String> {
    let Some(text) = request.text("serverless_capacity") else { return Ok(None) };
    let bounds = text.split_once('-').and_then(|(min, max)| {
        Some((min.trim().parse::<f64>().ok()?, max.trim().parse::<f64>().ok()?))
    });
    match bounds {
        Some((min, max)) if min <= max => Ok(Some(
            ServerlessV2ScalingConfiguration::builder().min_capacity(min).max_capacity(max).build(),
        )),
        _ => Err(format!("`serverless_capacity` is {text:?}: write it such as `0.5-16`")),
    }
}

async fn restore(
    rds: Rds,
    tags: Vec<Tag>,
    request: &Request,
    moment: Moment,
    capacity: Option<ServerlessV2ScalingConfiguration>,
) -> Result<(), Failure> {
    let text = |key| request.text(key).map(str::to_owned);
    let list = |key| Some(args::texts(request, key)).filter(|it| !it.is_empty());
    let call = rds
        .client
        .restore_db_cluster_to_point_in_time()
        .set_source_db_cluster_identifier(text("source"))
        .set_db_cluster_identifier(text("target"))
        .set_db_subnet_group_name(text("subnet_group"))
        .set_vpc_security_group_ids(list("security_groups"))
        .set_db_cluster_parameter_group_name(text("parameter_group"))
        .set_kms_key_id(text("kms_key"))
        .set_port(request.int("port").and_then(|it| i32::try_from(it).ok()))
        .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
        .set_enable_cloudwatch_logs_exports(list("log_exports"))
        .set_serverless_v2_scaling_configuration(capacity)
        .set_deletion_protection(args::flag(request, "deletion_protection"))
        .set_tags(Some(tags));
    let call = match moment {
        Moment::Latest => call.use_latest_restorable_time(true),
        Moment::At(at) => call.restore_to_time(AwsTime::from_secs_and_nanos(
            at.timestamp(),
            at.timestamp_subsec_nanos(),
        )),
    };
    call.customize()
        .config_override(once())
        .send()
        .await
        .map(drop)
        .map_err(|error| aws::failure(CALL, &rds.access, &error))
}
