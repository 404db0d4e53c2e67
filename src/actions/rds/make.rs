//! Creating something at most once: look, create, tag, adopt, wait; and finding it again after a crash.

use std::future::Future;
use std::time::Duration;

use aws_sdk_rds::types::Tag;

use super::Rds;
use super::thing::{ATTEMPT, FROM, RUN, STEP, Target, Thing};
use super::wait::{End, available, say, wait};
use crate::actions::{Context, Finish, Found};
use crate::aws::{Failure, Reached};

/// How often, and how far apart, is looked for what an attempt may have created.
const SETTLE_LOOKS: u32 = 3;
const SETTLE_PAUSE: Duration = Duration::from_secs(2);

/// Something that a step creates, or has created.
pub(super) struct Made {
    /// Its name.
    pub(super) target: Target,
    /// Pause between two looks.
    pub(super) every: Duration,
}

/// Something to be created.
pub(super) struct Making {
    /// What.
    pub(super) made: Made,
    /// What it is made from, in one short text: goes into a tag.
    pub(super) from: String,
}

impl Making {
    /// The tags of what this attempt creates.
    pub(super) fn tags(&self, cx: &Context) -> Vec<Tag> {
        [(RUN, &cx.run), (STEP, &cx.attempt.step), (ATTEMPT, &cx.token), (FROM, &self.from)]
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect()
    }

    /// Creates it with `create` unless this step already has, and waits until it is available.
    pub(super) async fn make<F>(
        &self,
        cx: &Context,
        create: impl FnOnce(Rds, Vec<Tag>) -> F,
    ) -> Finish
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let target = &self.made.target;
        let rds = Rds::connect(&cx.aws).await;
        match rds.look_unless_cancelled(cx, target).await {
            Ok(None) => {}
            Ok(Some(thing)) => return self.adopt(cx, &thing).await,
            Err(finish) => return finish,
        }
        let Err(failure) = create(rds, self.tags(cx)).await else {
            return self.made.wait(cx).await;
        };
        let taken =
            failure.is("DBClusterAlreadyExistsFault") || failure.is("DBInstanceAlreadyExists");
        match failure.reached {
            Reached::NotSent => {
                Finish::failed(clean(cx, &format!("nothing was created: {failure}")))
            }
            Reached::Refused if !taken => {
                Finish::failed(clean(cx, &format!("nothing was created: {failure}")))
            }
            Reached::Refused | Reached::Unclear => match self.made.settle(cx).await {
                Ok(Some(thing)) => self.adopt(cx, &thing).await,
                Ok(None) => Finish::unknown(clean(
                    cx,
                    &format!(
                        "{target} may be about to appear: {failure}; it was not there when asked \
                         again. Look with `{}`",
                        target.look_by_hand()
                    ),
                )),
                Err(blind) => Finish::unknown(clean(
                    cx,
                    &format!(
                        "{target} may be about to appear: {failure}; looking again failed: {blind}"
                    ),
                )),
            },
        }
    }

    /// What exists under the name is waited for when this step made it from the same things.
    async fn adopt(&self, cx: &Context, thing: &Thing) -> Finish {
        let target = &self.made.target;
        if !thing.of_step(cx) {
            let whose = match thing.tag(RUN) {
                Some(run) if run == cx.run => "another step of this run made it".to_owned(),
                Some(run) => format!("the run {run} made it"),
                None => "this run did not make it".to_owned(),
            };
            return Finish::failed(clean(
                cx,
                &format!("the name is taken: {target} exists and {whose}. Choose another name"),
            ));
        }
        if thing.tag(FROM) != Some(&self.from) {
            return Finish::failed(clean(
                cx,
                &format!(
                    "{target} exists: this step made it from {}, and now {} is asked for. Undo the \
                     step first, or choose another name",
                    thing.tag(FROM).unwrap_or("something else"),
                    self.from
                ),
            ));
        }
        say(cx, &format!("{target} was created by this step already: waiting for it"));
        self.made.wait(cx).await
    }
}

impl Made {
    /// What is there now, asked several times before the answer is "nothing".
    async fn settle(&self, cx: &Context) -> Result<Option<Thing>, Failure> {
        for _ in 1..SETTLE_LOOKS {
            // New credentials may have come meanwhile.
            if let Ok(Some(thing)) = Rds::connect(&cx.aws).await.look(&self.target).await {
                return Ok(Some(thing));
            }
            tokio::time::sleep(SETTLE_PAUSE.min(self.every)).await;
        }
        Rds::connect(&cx.aws).await.look(&self.target).await
    }

    /// Waits until it is available.
    pub(super) async fn wait(&self, cx: &Context) -> Finish {
        let target = &self.target;
        match wait(cx, target, self.every, available).await {
            End::Done(thing) => {
                let place = thing.address().map(|it| format!(" at {it}")).unwrap_or_default();
                let message = format!("{target} is available{place}");
                Finish::succeeded(clean(cx, &message), thing.result(&cx.redactor))
            }
            End::Bad(why) => Finish::failed(clean(cx, &format!("{target}: {why}"))),
            End::Absent => Finish::unknown(format!(
                "AWS accepted the request, but {target} is not to be found. Look with `{}`",
                target.look_by_hand()
            )),
            End::Cancelled => Finish::unknown(format!(
                "stopped waiting for {target}; AWS goes on creating it. Look with `{}`",
                target.look_by_hand()
            )),
        }
    }

    /// After a crash: whether it is there and ours.
    pub(super) async fn find(&self, cx: &Context) -> Found {
        let target = &self.target;
        let found = match self.settle(cx).await {
            Err(blind) => Found::CannotTell(format!("cannot see {target}: {blind}")),
            Ok(None) => Found::CannotTell(format!(
                "there is no {target} now; a request sent just before the crash may still make it \
                 appear. Trying again looks first and never creates a second one"
            )),
            Ok(Some(thing)) if thing.of_step(cx) => Found::Running(format!(
                "{target} was created by this step of this run; its status is {}",
                thing.status()
            )),
            Ok(Some(thing)) => Found::CannotTell(format!(
                "{target} exists, but not by this step: {}",
                thing.tag(RUN).map_or("it carries no run".into(), |run| format!("of run {run}")),
            )),
        };
        match found {
            Found::Running(text) => Found::Running(clean(cx, &text)),
            Found::NotStarted(text) => Found::NotStarted(clean(cx, &text)),
            Found::CannotTell(text) => Found::CannotTell(clean(cx, &text)),
        }
    }
}

fn clean(cx: &Context, text: &str) -> String {
    cx.redactor.clean(text)
}
