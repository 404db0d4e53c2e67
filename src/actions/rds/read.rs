//! What only looks.

use futures_util::future::BoxFuture;

use super::thing::Target;
use super::wait::{End, available, wait};
use super::work::Work;
use super::{Rds, args};
use crate::actions::{Action, Context, Finish};
use crate::runbook::Request;

/// `rds.describe_cluster`
pub(super) struct DescribeCluster;

impl Action for DescribeCluster {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match args::text(&request, "cluster") {
                Ok(id) => describe(&cx, Target::Cluster(id.to_owned())).await,
                Err(wrong) => Finish::failed(wrong),
            }
        })
    }
}

/// `rds.describe_instance`
pub(super) struct DescribeInstance;

impl Action for DescribeInstance {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match args::text(&request, "instance") {
                Ok(id) => describe(&cx, Target::Instance(id.to_owned())).await,
                Err(wrong) => Finish::failed(wrong),
            }
        })
    }
}

async fn describe(cx: &Context, target: Target) -> Finish {
    let rds = Rds::connect(&cx.aws).await;
    match rds.look_unless_cancelled(cx, &target).await {
        Ok(Some(thing)) => {
            let message = cx.redactor.clean(format!("{target} is {}", thing.status()));
            Finish::succeeded(message, thing.result(&cx.redactor))
        }
        Ok(None) => Finish::failed(nothing(&target)),
        Err(finish) => finish,
    }
}

/// What to say when there is nothing of that name.
pub(super) fn nothing(target: &Target) -> String {
    format!("there is no {target} here: check the name, the region and the account")
}

/// `rds.wait_available`
pub(super) struct WaitAvailable;

impl Action for WaitAvailable {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let target = match waited_for(&request) {
                Ok(target) => target,
                Err(wrong) => return Finish::failed(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::failed(why),
            };
            let finish = match wait(&mut work, &target, args::every(&request), available).await {
                End::Done(thing) => {
                    let message = work.clean(format!("{target} is available"));
                    Finish::succeeded(message, thing.common(&work.cx.redactor))
                }
                End::Bad(why) => Finish::failed(work.clean(format!("{target}: {why}"))),
                End::Absent => Finish::failed(nothing(&target)),
                End::Cancelled => Finish::failed(format!("stopped waiting for {target}")),
            };
            work.end(finish)
        })
    }
}

/// The one thing that is named.
fn waited_for(request: &Request) -> Result<Target, String> {
    let mut named = [
        args::own(request, "cluster").map(Target::Cluster),
        args::own(request, "instance").map(Target::Instance),
        args::own(request, "cluster_snapshot").map(Target::ClusterSnapshot),
        args::own(request, "instance_snapshot").map(Target::InstanceSnapshot),
    ]
    .into_iter()
    .flatten();
    match (named.next(), named.next()) {
        (Some(target), None) => Ok(target),
        (Some(_), Some(_)) | (None, _) => Err("give one of `cluster`, `instance`, \
             `cluster_snapshot` and `instance_snapshot`"
            .into()),
    }
}
