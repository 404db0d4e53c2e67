//! `s3.list_versions`

use aws_sdk_s3::types::ObjectVersion;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::listing::label;
use super::{Place, int, reach, reading, text};
use crate::actions::{Action, Context, Finish};
use crate::aws::s3::{S3, moment};
use crate::runbook::{Request, Value};

/// `s3.list_versions`
pub(super) struct ListVersions;

impl Action for ListVersions {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move { reading(&cx, list(&cx, &request)).await })
    }
}

/// The versions of one object, newest first, and the mark that hides them.
pub(super) struct History {
    pub versions: Vec<ObjectVersion>,
    pub deleted: Option<Deletion>,
}

/// The mark of a deletion that is the newest of an object's versions.
pub(super) struct Deletion {
    pub id: String,
    pub at: Option<DateTime<Utc>>,
}

/// Everything that S3 keeps of one object.
///
/// # Errors
/// One line: what S3 said.
pub(super) async fn history(s3: &S3, place: &Place) -> Result<History, String> {
    let mut history = History { versions: Vec::new(), deleted: None };
    let (mut key_marker, mut version_marker) = (None, None);
    loop {
        let page = s3
            .client
            .list_object_versions()
            .bucket(&place.bucket)
            .prefix(&place.key)
            .set_key_marker(key_marker)
            .set_version_id_marker(version_marker)
            .send()
            .await
            .map_err(|error| s3.failure("s3:ListBucketVersions", &error).message)?;
        // The prefix is also that of longer keys, which come after this one.
        let ours = page.versions().iter().filter(|it| it.key() == Some(&place.key));
        history.versions.extend(ours.cloned());
        let mark = page.delete_markers().iter();
        let mark = mark.filter(|it| it.key() == Some(&place.key) && it.is_latest() == Some(true));
        for mark in mark {
            let id = mark.version_id().unwrap_or_default().to_owned();
            history.deleted = Some(Deletion { id, at: mark.last_modified().and_then(moment) });
        }
        let beyond = page.next_key_marker().is_none_or(|next| next != place.key);
        if page.is_truncated() != Some(true) || beyond {
            break;
        }
        key_marker = page.next_key_marker;
        version_marker = page.next_version_id_marker;
    }
    Ok(history)
}

async fn list(cx: &Context, request: &Request) -> Result<Finish, String> {
    let place = Place::of_object(request, "uri")?;
    let history = history(&reach(cx, &place).await, &place).await?;
    if history.versions.is_empty() {
        return Err(format!(
            "S3 keeps no version of {place}: check the key and the bucket's versioning"
        ));
    }
    let now = Utc::now();
    let versions = history.versions.iter().map(|it| version(cx, it, now));
    let count = history.versions.len();
    let mut fields = vec![
        ("versions", Value::List(versions.collect())),
        ("count", int(count as u64)),
        ("deleted", Value::Bool(history.deleted.is_some())),
    ];
    let at = history.deleted.as_ref().and_then(|mark| mark.at);
    fields.extend(at.map(|at| ("deleted_at", Value::Timestamp(at))));
    let gone = if history.deleted.is_some() { ", hidden by a deletion" } else { "" };
    Ok(Finish::succeeded(format!("{count} versions of {place}{gone}"), Value::map(fields)))
}

fn version(cx: &Context, it: &ObjectVersion, now: DateTime<Utc>) -> Value {
    let clean = |it: &str| text(cx.redactor.clean(it));
    let id = it.version_id().unwrap_or_default();
    let size = it.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    let modified = it.last_modified().and_then(moment);
    let latest = it.is_latest() == Some(true);
    let name = modified.map(|at| at.format("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default();
    let newest = if latest { "  the newest" } else { "" };
    let mut fields = vec![
        ("value", clean(id)),
        ("label", clean(&format!("{}  {id}{newest}", label(&name, size, modified, now)))),
        ("size", int(size)),
        ("etag", clean(it.e_tag().unwrap_or_default())),
        ("latest", Value::Bool(latest)),
    ];
    fields.extend(modified.map(|at| ("modified", Value::Timestamp(at))));
    Value::map(fields)
}
