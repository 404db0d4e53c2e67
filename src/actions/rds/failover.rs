//! `rds.failover_cluster`

use futures_util::future::BoxFuture;

use super::read::nothing;
use super::thing::{Target, Thing};
use super::wait::{End, Verdict, available, say, wait};
use super::{Rds, args, once};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{self, Reached};
use crate::runbook::Request;

const CALL: &str = "rds:FailoverDBCluster";

/// `rds.failover_cluster`
pub(super) struct FailoverCluster;

/// What is asked for.
struct Failover {
    cluster: Target,
    from: Option<String>,
    target: Option<String>,
}

impl Action for FailoverCluster {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let asked = Failover::read(&request)?;
            let rds = Rds::connect(&cx.aws).await;
            let thing = match rds.look(&asked.cluster).await {
                Ok(Some(thing)) => thing,
                Ok(None) => return Err(nothing(&asked.cluster)),
                Err(failure) => return Err(cx.redactor.clean(failure.message)),
            };
            args::default_text(&mut request, "from", thing.writer());
            Failover::read(&request)?.possible(&thing)?;
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match Failover::read(&request) {
                Ok(asked) => asked.run(&cx, &request).await,
                Err(wrong) => Finish::failed(wrong),
            }
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move {
            let asked = match Failover::read(&request) {
                Ok(asked) => asked,
                Err(wrong) => return Found::CannotTell(wrong),
            };
            let cluster = &asked.cluster;
            match Rds::connect(&cx.aws).await.look(cluster).await {
                Ok(Some(thing)) if asked.moved(&thing) || thing.status() == "failing-over" => {
                    Found::Running(format!(
                        "{cluster} is {}, its writer is {}",
                        thing.status(),
                        thing.writer().unwrap_or("nobody")
                    ))
                }
                Ok(Some(thing)) => Found::CannotTell(format!(
                    "{cluster} is {} and its writer is {}; a failover that was just asked for may \
                     not show yet",
                    thing.status(),
                    thing.writer().unwrap_or("nobody")
                )),
                Ok(None) => Found::CannotTell(nothing(cluster)),
                Err(failure) => {
                    Found::CannotTell(cx.redactor.clean(format!("cannot see {cluster}: {failure}")))
                }
            }
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match Failover::read(&request) {
                Ok(asked) => asked.wait(&cx, &request).await,
                Err(wrong) => Finish::unknown(wrong),
            }
        })
    }
}

impl Failover {
    fn read(request: &Request) -> Result<Self, String> {
        Ok(Self {
            cluster: Target::Cluster(args::text(request, "cluster")?.to_owned()),
            from: request.text("from").map(str::to_owned),
            target: request.text("target").map(str::to_owned),
        })
    }

    /// Whether another instance has taken over, as far as can be told.
    fn moved(&self, thing: &Thing) -> bool {
        match (thing.writer(), &self.target, &self.from) {
            (Some(writer), Some(target), _) => writer == target,
            (Some(writer), None, Some(from)) => writer != from,
            (Some(_), None, None) | (None, _, _) => false,
        }
    }

    fn possible(&self, thing: &Thing) -> Result<(), String> {
        let cluster = &self.cluster;
        if let (Some(from), Some(writer)) = (&self.from, thing.writer())
            && from != writer
        {
            return Err(format!(
                "the writer of {cluster} is {writer}, not {from}: look again at what you are about \
                 to do"
            ));
        }
        if let Some(target) = &self.target {
            if !thing.members().contains(&target.as_str()) {
                let members = thing.members().join(", ");
                return Err(format!("{target} is no instance of {cluster}: it has {members}"));
            }
            if thing.writer() == Some(target) {
                return Err(format!("{target} is the writer of {cluster} already"));
            }
        }
        if thing.members().len() < 2 {
            return Err(format!(
                "{cluster} has no other instance to fail over to: create one first"
            ));
        }
        Ok(())
    }

    async fn run(&self, cx: &Context, request: &Request) -> Finish {
        let rds = Rds::connect(&cx.aws).await;
        match rds.look_unless_cancelled(cx, &self.cluster).await {
            Ok(Some(thing)) => {
                if let Err(wrong) = self.possible(&thing) {
                    return Finish::failed(cx.redactor.clean(wrong));
                }
            }
            Ok(None) => return Finish::failed(nothing(&self.cluster)),
            Err(finish) => return finish,
        }
        let sent = rds
            .client
            .failover_db_cluster()
            .db_cluster_identifier(self.cluster.id())
            .set_target_db_instance_identifier(self.target.clone())
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| aws::failure(CALL, &rds.access, &error));
        if let Err(failure) = sent {
            let text = cx.redactor.clean(&failure.message);
            match failure.reached {
                Reached::NotSent | Reached::Refused => {
                    return Finish::failed(format!("no failover: {text}"));
                }
                Reached::Unclear => {
                    return Finish::unknown(format!(
                        "the failover may be under way: {text}. Look with `{}`",
                        self.cluster.look_by_hand()
                    ));
                }
            }
        }
        say(cx, "failover asked for");
        self.wait(cx, request).await
    }

    async fn wait(&self, cx: &Context, request: &Request) -> Finish {
        let judge = |thing: &Thing| match available(thing) {
            Verdict::Done if !self.moved(thing) => Verdict::Going,
            verdict => verdict,
        };
        let cluster = &self.cluster;
        match wait(cx, cluster, args::every(request), judge).await {
            End::Done(thing) => {
                let writer = thing.writer().unwrap_or("another instance");
                let message = cx.redactor.clean(format!("{writer} is the writer of {cluster} now"));
                Finish::succeeded(message, thing.result(&cx.redactor))
            }
            End::Bad(why) => Finish::failed(cx.redactor.clean(format!("{cluster}: {why}"))),
            End::Absent => Finish::unknown(nothing(cluster)),
            End::Cancelled => Finish::unknown(format!(
                "stopped waiting; AWS goes on with the failover of {cluster}. Look with `{}`",
                cluster.look_by_hand()
            )),
        }
    }
}
