//! `s3.restore_version`

use aws_sdk_s3::types::ObjectVersion;
use futures_util::future::BoxFuture;

use super::copy::copy;
use super::versions::{History, history};
use super::{Place, connect, failed, given, int, set, text};
use crate::actions::meter::size;
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::s3::S3;
use crate::aws::{Failure, Reached};
use crate::runbook::{Request, Value};

/// `s3.restore_version`
pub(super) struct RestoreVersion;

impl Action for RestoreVersion {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let way = look(&connect(&cx).await, &request).await;
            let (_, version) = way.map_err(|why| cx.redactor.clean(why))?;
            set(&mut request, "version", text(version));
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match restore(&cx, &request).await {
                Ok(finish) => finish,
                Err(why) => failed(&cx, format!("{why}; nothing was changed")),
            }
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move {
            let said = match seen(&connect(&cx).await, &request).await {
                Ok(Some(_)) => return Found::Running("the version is the newest now".into()),
                Ok(None) => {
                    "another version is the newest; a copy that was just asked for may not \
                             show yet"
                        .to_owned()
                }
                Err(why) => why,
            };
            Found::CannotTell(cx.redactor.clean(said))
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move { end(&cx, &connect(&cx).await, &request).await })
    }
}

/// How an older version becomes the newest.
enum Way {
    /// The mark of this id is all that hides it.
    Unmark(String),
    /// By a copy on top.
    Copy,
}

/// What is to be done, and the version it is done with.
async fn look(s3: &S3, request: &Request) -> Result<(Way, String), String> {
    let place = Place::of_object(request, "uri")?;
    let history = history(s3, &place).await?;
    let newest = newest(&history);
    let wanted = match (given(request, "version"), newest) {
        (Some(wanted), _) => wanted,
        (None, Some(newest)) if history.deleted.is_some() => newest,
        (None, Some(_)) => {
            return Err(format!("{place} is not deleted: say which `version` to copy on top"));
        }
        (None, None) => {
            return Err(format!(
                "S3 keeps no version of {place}: check the key and the bucket's versioning"
            ));
        }
    };
    if !history.versions.iter().any(|it| it.version_id() == Some(wanted)) {
        return Err(format!("{place} has no version {wanted}: list its versions"));
    }
    let way = match &history.deleted {
        Some(mark) if newest == Some(wanted) => Way::Unmark(mark.id.clone()),
        None if newest == Some(wanted) => {
            return Err(format!("the version {wanted} of {place} is the newest already"));
        }
        Some(_) | None => Way::Copy,
    };
    Ok((way, wanted.to_owned()))
}

fn newest(history: &History) -> Option<&str> {
    history.versions.first().and_then(|it| it.version_id())
}

async fn restore(cx: &Context, request: &Request) -> Result<Finish, String> {
    let place = Place::of_object(request, "uri")?;
    let s3 = connect(cx).await;
    let (way, version) = tokio::select! {
        () = cx.cancel.cancelled() => return Err("cancelled".into()),
        way = look(&s3, request) => way?,
    };
    let done = tokio::select! {
        () = cx.cancel.cancelled() => Err(Failure {
            message: "cancelled while S3 was at work".into(),
            code: None,
            reached: Reached::Unclear,
        }),
        done = carry_out(&s3, &place, &way, &version) => done,
    };
    match done {
        Ok(()) => Ok(end(cx, &s3, request).await),
        Err(failure) if failure.reached == Reached::Unclear => match seen(&s3, request).await {
            Ok(Some(_)) => Ok(end(cx, &s3, request).await),
            Ok(None) | Err(_) => Ok(Finish::unknown(cx.redactor.clean(format!(
                "{failure}; look with `aws s3api list-object-versions --bucket {} --prefix '{}'`",
                place.bucket, place.key
            )))),
        },
        Err(failure) => Err(failure.message),
    }
}

async fn carry_out(s3: &S3, place: &Place, way: &Way, version: &str) -> Result<(), Failure> {
    match way {
        Way::Unmark(mark) => {
            let remove = s3.patient.delete_object().bucket(&place.bucket).key(&place.key);
            let removed = remove.version_id(mark).send().await;
            removed.map(drop).map_err(|error| s3.failure("s3:DeleteObjectVersion", &error))
        }
        Way::Copy => {
            let mut object = s3.head(&place.bucket, &place.key, Some(version)).await?;
            object.version = Some(version.to_owned());
            copy(s3, &object, place).await.map(drop)
        }
    }
}

/// The newest version, when it is the wanted one or a copy of it.
async fn seen(s3: &S3, request: &Request) -> Result<Option<ObjectVersion>, String> {
    let place = Place::of_object(request, "uri")?;
    let history = history(s3, &place).await?;
    let wanted = given(request, "version");
    let of = history.versions.iter().find(|it| it.version_id() == wanted);
    let newest = history.versions.first().filter(|_| history.deleted.is_none());
    let same = |a: &ObjectVersion, b: &ObjectVersion| {
        a.version_id() == b.version_id() || (a.e_tag() == b.e_tag() && a.size() == b.size())
    };
    Ok(newest.filter(|newest| of.is_some_and(|of| same(newest, of))).cloned())
}

async fn end(cx: &Context, s3: &S3, request: &Request) -> Finish {
    let version = given(request, "version").unwrap_or_default();
    let newest = match Place::of_object(request, "uri") {
        Ok(place) => s3.head(&place.bucket, &place.key, None).await,
        Err(why) => return Finish::unknown(why),
    };
    let newest = match newest {
        Ok(newest) => newest,
        Err(blind) => {
            return Finish::unknown(
                cx.redactor.clean(format!("it was restored and cannot be looked at: {blind}")),
            );
        }
    };
    let clean = |it: &str| text(cx.redactor.clean(it));
    let result = Value::map([
        ("uri", clean(&newest.to_string())),
        ("restored", clean(version)),
        ("version", clean(newest.version.as_deref().unwrap_or_default())),
        ("etag", clean(&newest.etag)),
        ("bytes", int(newest.size)),
    ]);
    let message = format!("{newest} has the {} of version {version} again", size(newest.size));
    Finish::succeeded(cx.redactor.clean(message), result)
}
