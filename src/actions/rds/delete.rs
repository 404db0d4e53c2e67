//! `rds.delete_instance` and `rds.delete_cluster`

use futures_util::future::BoxFuture;

use super::read::nothing;
use super::thing::{RUN, Target, Thing};
use super::wait::{End, wait_gone};
use super::work::Work;
use super::{Rds, args, once, wrong};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{self, Failure, Reached};
use crate::engine::Part;
use crate::runbook::{Request, Value};

/// Deletes what `key` names.
pub(super) struct Delete {
    key: &'static str,
    target: fn(String) -> Target,
}

/// `rds.delete_instance`
pub(super) static DELETE_INSTANCE: Delete = Delete { key: "instance", target: Target::Instance };
/// `rds.delete_cluster`
pub(super) static DELETE_CLUSTER: Delete = Delete { key: "cluster", target: Target::Cluster };

/// What is asked for.
struct Deleting {
    target: Target,
    skip_final_snapshot: Option<bool>,
    final_snapshot: Option<String>,
}

impl Action for Delete {
    fn complete(
        &self,
        cx: Context,
        request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        let asked = self.read(&request);
        Box::pin(async move {
            let asked = asked?;
            let rds = Rds::connect(&cx.aws).await;
            match rds.look(&asked.target).await {
                Ok(Some(thing)) => {
                    let allowed = asked.allowed(&cx, &rds, &thing).await;
                    allowed.map(|()| request).map_err(|wrong| cx.redactor.clean(wrong))
                }
                Ok(None) if cx.attempt.of == Part::Undo => Ok(request),
                Ok(None) => Err(nothing(&asked.target)),
                Err(failure) => Err(cx.redactor.clean(failure.message)),
            }
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        let asked = self.read(&request);
        Box::pin(async move {
            let asked = match asked {
                Ok(asked) => asked,
                Err(wrong) => return Finish::failed(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::failed(why),
            };
            let finish = asked.run(&mut work, &request).await;
            work.end(finish)
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        let asked = self.read(&request);
        Box::pin(async move {
            let target = match asked {
                Ok(asked) => asked.target,
                Err(wrong) => return Found::CannotTell(wrong),
            };
            match Rds::connect(&cx.aws).await.look(&target).await {
                Ok(None) => Found::Running(format!("there is no {target} any more")),
                Ok(Some(thing)) if thing.status() == "deleting" => {
                    Found::Running(format!("{target} is being deleted"))
                }
                Ok(Some(thing)) => Found::CannotTell(cx.redactor.clean(format!(
                    "{target} is {}; a deletion that was just asked for may not show yet",
                    thing.status()
                ))),
                Err(failure) => {
                    Found::CannotTell(cx.redactor.clean(format!("cannot see {target}: {failure}")))
                }
            }
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        let asked = self.read(&request);
        Box::pin(async move {
            let asked = match asked {
                Ok(asked) => asked,
                Err(wrong) => return Finish::unknown(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::unknown(why),
            };
            let finish = asked.end(&mut work, &request).await;
            work.end(finish)
        })
    }
}

impl Delete {
    fn read(&self, request: &Request) -> Result<Deleting, String> {
        let asked = Deleting {
            target: (self.target)(args::text(request, self.key)?.to_owned()),
            skip_final_snapshot: args::flag(request, "skip_final_snapshot"),
            final_snapshot: request.text("final_snapshot").map(str::to_owned),
        };
        match (asked.skip_final_snapshot, &asked.final_snapshot) {
            (Some(true), Some(_)) => {
                Err("`skip_final_snapshot: true` and `final_snapshot` contradict each other".into())
            }
            (Some(true), None) | (_, Some(_)) => Ok(asked),
            (Some(false) | None, None) => Err(
                "say what becomes of the data: `final_snapshot: NAME`, or `skip_final_snapshot: true`"
                    .into(),
            ),
        }
    }
}

impl Deleting {
    /// Whether it may be deleted; an undo deletes only what this run made.
    async fn allowed(&self, cx: &Context, rds: &Rds, thing: &Thing) -> Result<(), String> {
        let target = &self.target;
        if cx.attempt.of == Part::Undo && !thing.of_run(cx) {
            let whose = thing.tag(RUN).map_or("no run".to_owned(), |run| format!("the run {run}"));
            return Err(format!(
                "{target} carries the tag of {whose}, not of this one: an undo deletes only what \
                 its own run made"
            ));
        }
        let mut staying = Vec::new();
        for id in thing.members() {
            let member = rds.look(&Target::Instance(id.to_owned())).await;
            match member.map_err(|failure| failure.message)? {
                Some(member) if member.status() != "deleting" => staying.push(id),
                Some(_) | None => {}
            }
        }
        if staying.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{target} still has the instances {}: delete them first with rds.delete_instance",
            staying.join(", ")
        ))
    }

    async fn run(&self, work: &mut Work, request: &Request) -> Finish {
        let target = &self.target;
        let rds = Rds::connect(&work.cx.aws).await;
        let thing = match rds.look_unless_cancelled(&work.cx, target).await {
            Ok(Some(thing)) => thing,
            Ok(None) if work.cx.attempt.of == Part::Undo => return self.deleted(),
            Ok(None) => return Finish::failed(nothing(target)),
            Err(finish) => return finish,
        };
        if let Err(wrong) = self.allowed(&work.cx, &rds, &thing).await {
            return Finish::failed(work.clean(wrong));
        }
        if thing.status() == "deleting" {
            work.say("it is being deleted already");
            return self.end(work, request).await;
        }
        if let Err(failure) = self.send(&rds, &thing).await {
            let text = work.clean(&failure.message);
            return match failure.reached {
                Reached::NotSent | Reached::Refused => {
                    Finish::failed(format!("nothing was deleted: {text}"))
                }
                Reached::Unclear => Finish::unknown(format!(
                    "{target} may be on its way out: {text}. Look with `{}`",
                    target.look_by_hand()
                )),
            };
        }
        work.say("deletion asked for");
        self.end(work, request).await
    }

    async fn send(&self, rds: &Rds, thing: &Thing) -> Result<(), Failure> {
        match thing {
            Thing::Cluster(_) => rds
                .client
                .delete_db_cluster()
                .db_cluster_identifier(self.target.id())
                .skip_final_snapshot(self.final_snapshot.is_none())
                .set_final_db_snapshot_identifier(self.final_snapshot.clone())
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure("rds:DeleteDBCluster", &rds.access, &error)),
            Thing::Instance(it) => {
                // The data of a cluster's instance is the cluster's: AWS takes no snapshot of it.
                let alone = it.db_cluster_identifier().is_none();
                let snapshot = self.final_snapshot.clone().filter(|_| alone);
                rds.client
                    .delete_db_instance()
                    .db_instance_identifier(self.target.id())
                    .skip_final_snapshot(snapshot.is_none())
                    .set_final_db_snapshot_identifier(snapshot)
                    .customize()
                    .config_override(once())
                    .send()
                    .await
                    .map(drop)
                    .map_err(|error| aws::failure("rds:DeleteDBInstance", &rds.access, &error))
            }
            Thing::ClusterSnapshot(_) | Thing::InstanceSnapshot(_) => {
                Err(wrong(format!("{} is a copy of data: no action deletes it", self.target)))
            }
        }
    }

    /// Waits until it is gone, when that was asked for.
    async fn end(&self, work: &mut Work, request: &Request) -> Finish {
        let target = &self.target;
        if !request.flag("wait") {
            return Finish::succeeded(
                format!("{target} is being deleted"),
                self.result("deleting"),
            );
        }
        match wait_gone(work, target, args::every(request)).await {
            End::Absent => self.deleted(),
            End::Done(_) | End::Cancelled => Finish::unknown(format!(
                "stopped waiting; AWS goes on deleting {target}. Look with `{}`",
                target.look_by_hand()
            )),
            End::Bad(why) => Finish::failed(work.clean(why)),
        }
    }

    fn deleted(&self) -> Finish {
        Finish::succeeded(format!("there is no {} any more", self.target), self.result("deleted"))
    }

    fn result(&self, status: &str) -> Value {
        let text = |it: &str| Value::String(it.to_owned());
        let mut fields = vec![("identifier", text(self.target.id())), ("status", text(status))];
        fields.extend(self.final_snapshot.as_deref().map(|it| ("final_snapshot", text(it))));
        Value::map(fields)
    }
}
