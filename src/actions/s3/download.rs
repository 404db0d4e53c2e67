//! `s3.download`

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;

use super::fetch::{Fetch, blocking, is_idle, sha256_of};
use super::{Place, failed, given, int, reach, set, text};
use crate::actions::manifest::Expected;
use crate::actions::meter::{Meter, size};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::object::Object;
use crate::aws::s3::S3;
use crate::runbook::{Request, Value};

/// `s3.download`
pub(super) struct Download;

impl Action for Download {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let (_, object, expected) =
                look(&cx, &request).await.map_err(|why| cx.redactor.clean(why))?;
            fetch(&request, &object, &expected).free()?;
            if let Some(version) = &object.version {
                set(&mut request, "version", text(version));
            }
            set(&mut request, "etag", text(&object.etag));
            set(&mut request, "size", int(object.size));
            if let Some(sha256) = expected.sha256() {
                set(&mut request, "sha256", text(sha256));
            }
            if let Some(manifest) = expected.manifest() {
                set(&mut request, "manifest", text(manifest));
            }
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match download(&cx, &request).await {
                Ok(finish) => finish,
                Err(why) => failed(&cx, why),
            }
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move { found(&cx, &request).await })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match there(&cx, &request).await {
                Ok(finish) => finish,
                Err(why) => Finish::unknown(cx.redactor.clean(why)),
            }
        })
    }
}

/// S3 where the object is, the object, and what its digest must be.
async fn look(cx: &Context, request: &Request) -> Result<(S3, Object, Expected), String> {
    let place = Place::of_object(request, "uri")?;
    let s3 = reach(cx, &place).await;
    let object = s3
        .head(&place.bucket, &place.key, given(request, "version"))
        .await
        .map_err(|failure| failure.message)?;
    if let Some(etag) = given(request, "etag").filter(|etag| *etag != object.etag) {
        return Err(format!(
            "{object} has the ETag {} and not {etag}: it was changed; look at what is there now",
            object.etag
        ));
    }
    if let Some(wanted) =
        request.int("size").filter(|wanted| int(object.size) != Value::Int(*wanted))
    {
        return Err(format!("{object} has {} bytes and not {wanted}: it was changed", object.size));
    }
    let (sha256, manifest) = (given(request, "sha256"), given(request, "manifest"));
    let expected = Expected::of_object(&s3, &object, sha256, manifest).await?;
    expected.or_accepted(&object.to_string(), request.flag("unverified"))?;
    Ok((s3, object, expected))
}

fn fetch<'a>(request: &'a Request, object: &'a Object, expected: &'a Expected) -> Fetch<'a> {
    let to = Path::new(request.text("to").unwrap_or_default());
    Fetch { object, to, overwrite: request.flag("overwrite"), expected }
}

async fn download(cx: &Context, request: &Request) -> Result<Finish, String> {
    let (s3, object, expected) = tokio::select! {
        () = cx.cancel.cancelled() => return Err("cancelled before anything was downloaded".into()),
        looked = look(cx, request) => looked?,
    };
    let fetch = fetch(request, &object, &expected);
    let before = std::fs::metadata(fetch.part()).map_or(0, |part| part.len());
    let mut meter = Meter::new(format!("downloading {object}"), before, object.size);
    let fetched = fetch.run(cx, &s3, &mut meter).await?;
    let seconds = meter.seconds();
    let unchecked = match expected.sha256() {
        Some(_) => "its SHA-256 is right",
        None => "NOBODY vouches for its SHA-256",
    };
    let message = format!(
        "{} in {} after {seconds:.1} s; {unchecked}",
        size(object.size),
        fetch.to.display()
    );
    let clean = |it: &str| text(cx.redactor.clean(it));
    let result = Value::map([
        ("path", clean(&fetch.to.display().to_string())),
        ("bytes", int(object.size)),
        ("sha256", text(&fetched.sha256)),
        ("checked_against", text(against(&expected))),
        ("dumped_at", clean(expected.dumped_at())),
        ("version", clean(object.version.as_deref().unwrap_or_default())),
        ("etag", clean(&object.etag)),
        ("transferred", int(fetched.transferred)),
        ("seconds", Value::Float(seconds)),
    ]);
    Ok(Finish::succeeded(cx.redactor.clean(message), result))
}

/// Who vouches for it. The digest of a manifest is in the request as well since it was looked at.
fn against(expected: &Expected) -> &'static str {
    match expected.manifest() {
        Some(_) => "manifest",
        None => expected.checked_against(),
    }
}

/// The object as the request has it: nobody needs to be asked.
fn pinned(request: &Request) -> Option<Object> {
    let place = Place::of_object(request, "uri").ok()?;
    Some(Object {
        bucket: place.bucket,
        key: place.key,
        version: given(request, "version").map(str::to_owned),
        etag: given(request, "etag")?.to_owned(),
        size: u64::try_from(request.int("size")?).ok()?,
        modified: None,
    })
}

async fn found(cx: &Context, request: &Request) -> Found {
    let to = PathBuf::from(request.text("to").unwrap_or_default());
    let shown = cx.redactor.clean(to.display().to_string());
    let nobody = Expected::default();
    let part = pinned(request)
        .map(|object| fetch(request, &object, &nobody).part())
        .and_then(|part| Some((std::fs::metadata(&part).ok()?.len(), part)));
    if let Some((length, part)) = part {
        // It gets its name only when it is whole, and that was not done.
        let said = cx.redactor.clean(format!(
            "{shown} is not written; {} of it are in {}: trying again goes on from there",
            size(length),
            part.display()
        ));
        return match is_idle(&part) {
            true => Found::NotStarted(said),
            false => Found::CannotTell(format!("another process writes it; {said}")),
        };
    }
    if !to.exists() {
        return Found::NotStarted(format!("there is neither {shown} nor a part of it"));
    }
    match there(cx, request).await {
        Ok(_) => Found::Running(format!("{shown} is there, whole and right")),
        Err(why) => Found::CannotTell(cx.redactor.clean(why)),
    }
}

/// After a crash: the file, when it can be told to be the object.
async fn there(cx: &Context, request: &Request) -> Result<Finish, String> {
    let to = PathBuf::from(request.text("to").unwrap_or_default());
    let shown = to.display().to_string();
    let Some(wanted) = given(request, "sha256").map(str::to_owned) else {
        return Err(format!("{shown} is there, and without a digest nobody can tell what it is"));
    };
    let read = to.clone();
    let sha256 = blocking(move || sha256_of(&read)).await?;
    let sha256 = sha256.map_err(|e| format!("{shown} cannot be read: {e}"))?;
    if sha256 != wanted {
        return Err(format!("{shown} is there and is another file: its SHA-256 is {sha256}"));
    }
    let plain = |key| text(cx.redactor.clean(given(request, key).unwrap_or_default()));
    let vouches = if given(request, "manifest").is_some() { "manifest" } else { "sha256" };
    let result = Value::map([
        ("path", text(cx.redactor.clean(&shown))),
        ("bytes", Value::Int(request.int("size").unwrap_or_default())),
        ("sha256", text(sha256)),
        ("checked_against", text(vouches)),
        ("dumped_at", text("")),
        ("version", plain("version")),
        ("etag", plain("etag")),
        ("transferred", Value::Int(0)),
        ("seconds", Value::Float(0.0)),
    ]);
    Ok(Finish::succeeded(
        cx.redactor.clean(format!("{shown} is there, and its SHA-256 is right")),
        result,
    ))
}
