//! The settings of a restore's source that AWS would replace by defaults: what is restored must be
//! reachable by whom the source was, and as fast.

use aws_sdk_rds::types::{DbCluster, DbInstance, ServerlessV2ScalingConfiguration};

use super::args;
use crate::runbook::{Request, Value};

/// AWS tells lists in any order; the same request must look the same twice.
fn list(mut items: Vec<&str>) -> Option<Value> {
    items.sort_unstable();
    let items: Vec<_> = items.into_iter().map(|it| Value::String(it.to_owned())).collect();
    (!items.is_empty()).then_some(Value::List(items))
}

fn number(it: Option<i32>) -> Option<Value> {
    it.map(|it| Value::Int(it.into()))
}

/// The network, the parameters and the ways in of a cluster.
pub(super) fn cluster(request: &mut Request, source: &DbCluster) {
    let groups = source.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
    let logs = source.enabled_cloudwatch_logs_exports().iter().map(String::as_str);
    let capacity = source.serverless_v2_scaling_configuration().and_then(|it| {
        it.min_capacity().zip(it.max_capacity()).map(|(min, max)| format!("{min}-{max}"))
    });
    args::default_text(request, "subnet_group", source.db_subnet_group());
    args::default(request, "security_groups", list(groups.collect()));
    args::default_text(request, "parameter_group", source.db_cluster_parameter_group());
    args::default_text(request, "kms_key", source.kms_key_id());
    args::default(request, "port", number(source.port()));
    let iam = source.iam_database_authentication_enabled().filter(|on| *on);
    args::default(request, "iam_authentication", iam.map(Value::Bool));
    args::default(request, "log_exports", list(logs.collect()));
    args::default_text(request, "serverless_capacity", capacity.as_deref());
}

/// The class, the storage, the network, the parameters and the ways in of an instance. Its encryption
/// cannot be chosen: AWS keeps the source's.
pub(super) fn instance(request: &mut Request, source: &DbInstance) {
    let groups = source.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
    let logs = source.enabled_cloudwatch_logs_exports().iter().map(String::as_str);
    let subnets = source.db_subnet_group().and_then(|it| it.db_subnet_group_name());
    let parameters = source.db_parameter_groups().first();
    let options = source.option_group_memberships().first();
    args::default_text(request, "class", source.db_instance_class());
    args::default_text(request, "subnet_group", subnets);
    args::default(request, "security_groups", list(groups.collect()));
    let parameters = parameters.and_then(|it| it.db_parameter_group_name());
    args::default_text(request, "parameter_group", parameters);
    let options = options.and_then(|it| it.option_group_name());
    // AWS gives the default one by itself, and only by itself.
    let options = options.filter(|it| !it.starts_with("default:"));
    args::default_text(request, "option_group", options);
    args::default_text(request, "storage_type", source.storage_type());
    args::default(request, "iops", number(source.iops()));
    args::default(request, "multi_az", source.multi_az().map(Value::Bool));
    let port = source.endpoint().and_then(|it| it.port());
    args::default(request, "port", number(port));
    args::default(request, "publicly_accessible", source.publicly_accessible().map(Value::Bool));
    let iam = source.iam_database_authentication_enabled().filter(|on| *on);
    args::default(request, "iam_authentication", iam.map(Value::Bool));
    args::default(request, "log_exports", list(logs.collect()));
}

/// Reads `serverless_capacity`, such as `0.5-16`.
pub(super) fn capacity(
    request: &Request,
) -> Result<Option<ServerlessV2ScalingConfiguration>, String> {
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
