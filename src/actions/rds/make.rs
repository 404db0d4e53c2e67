//! Creating something at most once: look, create, tag, adopt, wait; and finding it again after a crash.
//! What is created, and how it is asked for, is a [`Recipe`].

use std::time::Duration;

use aws_sdk_rds::types::Tag;
use futures_util::future::BoxFuture;

use super::thing::{ATTEMPT, FROM, RUN, STEP, Target, Thing};
use super::wait::{End, Verdict, available, wait};
use super::work::Work;
use super::{Rds, args};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{Failure, Reached};
use crate::runbook::Request;

/// How often, and how far apart, is looked for what an attempt may have created.
const SETTLE_LOOKS: u32 = 3;
const SETTLE_PAUSE: Duration = Duration::from_secs(2);

/// AWS's words for a name that is in use.
const TAKEN: [&str; 4] = [
    "DBClusterAlreadyExistsFault",
    "DBInstanceAlreadyExists",
    "DBClusterSnapshotAlreadyExistsFault",
    "DBSnapshotAlreadyExists",
];

/// What a step creates, and how AWS is asked for it.
pub(super) trait Recipe: Send + Sync + 'static {
    /// Its name.
    fn target(&self, request: &Request) -> Result<Target, String>;

    /// What it is made from, in one short text: goes into a tag.
    fn from(&self, request: &Request) -> Result<String, String>;

    /// Adds what the runbook left open and AWS would replace by defaults. Only reads.
    fn copy<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a mut Request,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Asks for it, once.
    fn create<'a>(
        &'a self,
        rds: &'a Rds,
        request: &'a Request,
        tags: Vec<Tag>,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Whether the step goes on only when it is available.
    fn waits(&self, _request: &Request) -> bool {
        true
    }
}

/// The action that follows a recipe.
pub(super) struct Create<R>(pub(super) R);

impl<R: Recipe + Copy> Action for Create<R> {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        let recipe = self.0;
        Box::pin(async move {
            recipe.target(&request)?;
            let rds = Rds::connect(&cx.aws).await;
            recipe.copy(&rds, &mut request).await.map_err(|why| cx.redactor.clean(why))?;
            recipe.from(&request)?;
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        let recipe = self.0;
        Box::pin(async move {
            let made = Made::of(&recipe, &request);
            let (made, from) = match made.and_then(|it| Ok((it, recipe.from(&request)?))) {
                Ok(read) => read,
                Err(wrong) => return Finish::failed(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::failed(why),
            };
            let finish = made.make(&mut work, &recipe, &request, &from).await;
            work.end(finish)
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        let made = Made::of(&self.0, &request);
        Box::pin(async move {
            match made {
                Ok(made) => made.find(&cx).await,
                Err(wrong) => Found::CannotTell(wrong),
            }
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        let made = Made::of(&self.0, &request);
        Box::pin(async move {
            let made = match made {
                Ok(made) => made,
                Err(wrong) => return Finish::unknown(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::unknown(why),
            };
            let finish = made.wait(&mut work).await;
            work.end(finish)
        })
    }
}

/// Something that a step creates, or has created.
struct Made {
    target: Target,
    /// Pause between two looks.
    every: Duration,
    /// Whether the step goes on only when it is available.
    waits: bool,
}

impl Made {
    fn of(recipe: &impl Recipe, request: &Request) -> Result<Self, String> {
        Ok(Self {
            target: recipe.target(request)?,
            every: args::every(request),
            waits: recipe.waits(request),
        })
    }

    /// Creates it unless this step already has, and waits until it is available.
    async fn make(
        &self,
        work: &mut Work,
        recipe: &impl Recipe,
        request: &Request,
        from: &str,
    ) -> Finish {
        let target = &self.target;
        let rds = Rds::connect(&work.cx.aws).await;
        match rds.look_unless_cancelled(&work.cx, target).await {
            Ok(None) => {}
            Ok(Some(thing)) => return self.adopt(work, &thing, from).await,
            Err(finish) => return finish,
        }
        let Err(failure) = recipe.create(&rds, request, tags(&work.cx, from)).await else {
            work.say(&format!("AWS creates {target}"));
            return self.wait(work).await;
        };
        let taken = TAKEN.iter().any(|code| failure.is(code));
        match failure.reached {
            Reached::NotSent => {
                Finish::failed(work.clean(format!("nothing was created: {failure}")))
            }
            Reached::Refused if !taken => {
                Finish::failed(work.clean(format!("nothing was created: {failure}")))
            }
            Reached::Refused | Reached::Unclear => match self.settle(&work.cx).await {
                Ok(Some(thing)) => self.adopt(work, &thing, from).await,
                Ok(None) => Finish::unknown(work.clean(format!(
                    "{target} may be about to appear: {failure}; it was not there when asked \
                     again. Look with `{}`",
                    target.look_by_hand()
                ))),
                Err(blind) => Finish::unknown(work.clean(format!(
                    "{target} may be about to appear: {failure}; looking again failed: {blind}"
                ))),
            },
        }
    }

    /// What exists under the name is waited for when this step made it from the same things.
    async fn adopt(&self, work: &mut Work, thing: &Thing, from: &str) -> Finish {
        let target = &self.target;
        if !thing.of_step(&work.cx) {
            let whose = match thing.tag(RUN) {
                Some(run) if run == work.cx.run => "another step of this run made it".to_owned(),
                Some(run) => format!("the run {run} made it"),
                None => "this run did not make it".to_owned(),
            };
            return Finish::failed(work.clean(format!(
                "the name is taken: {target} exists and {whose}. Choose another name"
            )));
        }
        if thing.tag(FROM) != Some(from) {
            return Finish::failed(work.clean(format!(
                "{target} exists: this step made it from {}, and now {from} is asked for. Undo the \
                 step first, or choose another name",
                thing.tag(FROM).unwrap_or("something else"),
            )));
        }
        work.say(&format!("{target} was created by this step already: waiting for it"));
        self.wait(work).await
    }

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

    /// Waits until it is available, or only until it is there.
    async fn wait(&self, work: &mut Work) -> Finish {
        let target = &self.target;
        let judge = |thing: &Thing| match available(thing) {
            Verdict::Going if !self.waits => Verdict::Done,
            verdict => verdict,
        };
        match wait(work, target, self.every, judge).await {
            End::Done(thing) => {
                let place = thing.address().map(|it| format!(" at {it}")).unwrap_or_default();
                let message = work.clean(format!("{target} is {}{place}", thing.status()));
                Finish::succeeded(message, thing.result(&work.cx.redactor))
            }
            End::Bad(why) => Finish::failed(work.clean(format!("{target}: {why}"))),
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
    async fn find(&self, cx: &Context) -> Found {
        let target = &self.target;
        let clean = |text: String| cx.redactor.clean(text);
        match self.settle(cx).await {
            Err(blind) => Found::CannotTell(clean(format!("cannot see {target}: {blind}"))),
            Ok(None) => Found::CannotTell(format!(
                "there is no {target} now; a request sent just before the crash may still make it \
                 appear. Trying again looks first and never creates a second one"
            )),
            Ok(Some(thing)) if thing.of_step(cx) => Found::Running(clean(format!(
                "{target} was created by this step of this run; its status is {}",
                thing.status()
            ))),
            Ok(Some(thing)) => Found::CannotTell(clean(format!(
                "{target} exists, but not by this step: {}",
                thing.tag(RUN).map_or("it carries no run".into(), |run| format!("of run {run}")),
            ))),
        }
    }
}

/// The tags of what this attempt creates.
fn tags(cx: &Context, from: &str) -> Vec<Tag> {
    [(RUN, cx.run.as_str()), (STEP, &cx.attempt.step), (ATTEMPT, &cx.token), (FROM, from)]
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}
