//! Altering something that is there, once: look, ask, wait; and finding out after a crash whether it was
//! done. What is asked for is an [`Alteration`].

use std::marker::PhantomData;

use futures_util::future::BoxFuture;

use super::read::nothing;
use super::thing::{Target, Thing};
use super::wait::{End, Verdict, available, wait};
use super::work::Work;
use super::{Rds, args};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::{Failure, Reached};
use crate::runbook::Request;

/// What a step does to something, and how it shows.
pub(super) trait Alteration: Sized + Send + Sync + 'static {
    /// What it is called, such as `failover`.
    const NAME: &'static str;

    /// Reads what is asked for.
    fn read(request: &Request) -> Result<Self, String>;

    /// What is altered.
    fn target(&self) -> &Target;

    /// Adds what was not given and what must still be so when it is asked for.
    fn complete(request: &mut Request, thing: &Thing);

    /// Why it cannot be done.
    fn possible(&self, thing: &Thing) -> Result<(), String>;

    /// Whether there is nothing left to ask for.
    fn needless(&self, _thing: &Thing) -> bool {
        false
    }

    /// Whether it has been done, or is certainly under way.
    fn begun(&self, thing: &Thing) -> bool;

    /// Whether it has been done.
    fn done(&self, thing: &Thing) -> bool;

    /// What can be seen of it, in a few words.
    fn seen(&self, thing: &Thing) -> String;

    /// Asks for it, once.
    fn send<'a>(&'a self, rds: &'a Rds) -> BoxFuture<'a, Result<(), Failure>>;
}

/// The action that makes an alteration.
pub(super) struct Alter<A>(PhantomData<fn() -> A>);

impl<A> Alter<A> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<A: Alteration> Action for Alter<A> {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let asked = A::read(&request)?;
            let target = asked.target();
            let rds = Rds::connect(&cx.aws).await;
            let clean = |why: String| cx.redactor.clean(why);
            match rds.look(target).await {
                Ok(Some(thing)) => {
                    A::complete(&mut request, &thing);
                    A::read(&request)?.possible(&thing).map_err(clean)?;
                    Ok(request)
                }
                Ok(None) => Err(nothing(target)),
                Err(failure) => Err(clean(failure.message)),
            }
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let asked = match A::read(&request) {
                Ok(asked) => asked,
                Err(wrong) => return Finish::failed(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::failed(why),
            };
            let finish = alter(&mut work, &asked, &request).await;
            work.end(finish)
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move {
            let asked = match A::read(&request) {
                Ok(asked) => asked,
                Err(wrong) => return Found::CannotTell(wrong),
            };
            let target = asked.target();
            let clean = |text: String| cx.redactor.clean(text);
            match Rds::connect(&cx.aws).await.look(target).await {
                Ok(Some(thing)) if asked.begun(&thing) => Found::Running(clean(asked.seen(&thing))),
                Ok(Some(thing)) => Found::CannotTell(clean(format!(
                    "{}; a {} that was just asked for may not show yet",
                    asked.seen(&thing),
                    A::NAME
                ))),
                Ok(None) => Found::CannotTell(nothing(target)),
                Err(failure) => Found::CannotTell(clean(format!("cannot see {target}: {failure}"))),
            }
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let asked = match A::read(&request) {
                Ok(asked) => asked,
                Err(wrong) => return Finish::unknown(wrong),
            };
            let mut work = match Work::begin(cx) {
                Ok(work) => work,
                Err(why) => return Finish::unknown(why),
            };
            let finish = end(&mut work, &asked, &request).await;
            work.end(finish)
        })
    }
}

async fn alter<A: Alteration>(work: &mut Work, asked: &A, request: &Request) -> Finish {
    let target = asked.target();
    let rds = Rds::connect(&work.cx.aws).await;
    match rds.look_unless_cancelled(&work.cx, target).await {
        Ok(Some(thing)) => {
            if let Err(why) = asked.possible(&thing) {
                return Finish::failed(work.clean(why));
            }
            if asked.needless(&thing) {
                work.say("it is as asked for already: nothing is sent");
                return end(work, asked, request).await;
            }
        }
        Ok(None) => return Finish::failed(nothing(target)),
        Err(finish) => return finish,
    }
    if let Err(failure) = asked.send(&rds).await {
        return match failure.reached {
            Reached::NotSent | Reached::Refused => {
                Finish::failed(work.clean(format!("no {}: {failure}", A::NAME)))
            }
            Reached::Unclear => Finish::unknown(work.clean(format!(
                "the {} may be under way: {failure}. Look with `{}`",
                A::NAME,
                target.look_by_hand()
            ))),
        };
    }
    work.say(&format!("{} asked for", A::NAME));
    end(work, asked, request).await
}

/// Waits until it is done.
async fn end<A: Alteration>(work: &mut Work, asked: &A, request: &Request) -> Finish {
    let target = asked.target();
    let judge = |thing: &Thing| match available(thing) {
        Verdict::Done if !asked.done(thing) => Verdict::Going,
        verdict => verdict,
    };
    match wait(work, target, args::every(request), judge).await {
        End::Done(thing) => {
            Finish::succeeded(work.clean(asked.seen(&thing)), thing.result(&work.cx.redactor))
        }
        End::Bad(why) => Finish::failed(work.clean(format!("{target}: {why}"))),
        End::Absent => Finish::unknown(nothing(target)),
        End::Cancelled => Finish::unknown(format!(
            "stopped waiting; AWS goes on with the {} of {target}. Look with `{}`",
            A::NAME,
            target.look_by_hand()
        )),
    }
}
