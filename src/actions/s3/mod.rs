//! The `s3` family: Amazon S3, and servers that speak its protocol, through the AWS SDK.

mod compare;
mod copy;
mod download;
mod fetch;
mod latest;
mod list;
mod listing;
mod restore_version;
mod retry;
mod sync;
mod upload;
mod versions;

use std::fmt;

use super::{Action, Context, Finish, Progress};
use crate::aws::AwsAccess;
use crate::aws::s3::{S3, split};
use crate::runbook::{Request, Resolved, Value};

/// The action of this name, when it is of this family.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Action> {
    Some(match name {
        "s3.list" => &list::List,
        "s3.latest" => &latest::Latest,
        "s3.list_versions" => &versions::ListVersions,
        "s3.compare" => &compare::Compare,
        "s3.download" => &download::Download,
        "s3.upload" => &upload::Upload,
        "s3.restore_version" => &restore_version::RestoreVersion,
        "s3.sync" => &sync::Sync,
        _ => return None,
    })
}

/// A bucket and a key, or the beginning of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    bucket: String,
    key: String,
}

impl Place {
    /// From the URI in the argument `key`.
    fn of(request: &Request, key: &str) -> Result<Self, String> {
        Self::from_uri(request.text(key).unwrap_or_default())
    }

    /// From the URI of one object in the argument `key`.
    fn of_object(request: &Request, key: &str) -> Result<Self, String> {
        let place = Self::of(request, key)?;
        if place.key.is_empty() || place.key.ends_with('/') {
            return Err(format!("`{key}` is {place}: name one object, such as {place}shop.sql.gz"));
        }
        Ok(place)
    }

    /// From the URI of what is like a directory in the argument `key`.
    fn of_prefix(request: &Request, key: &str) -> Result<Self, String> {
        Ok(Self::of(request, key)?.into_prefix())
    }

    fn into_prefix(mut self) -> Self {
        if !self.key.is_empty() && !self.key.ends_with('/') {
            self.key.push('/');
        }
        self
    }

    fn from_uri(uri: &str) -> Result<Self, String> {
        let (bucket, key) = split(uri)?;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Text that a runbook may leave empty.
fn given<'a>(request: &'a Request, key: &str) -> Option<&'a str> {
    request.text(key).filter(|text| !text.is_empty())
}

/// Gives `key` this value; what the runbook said goes.
fn set(request: &mut Request, key: &str, value: Value) {
    request.args.retain(|(name, _)| name != key);
    request.args.push((key.to_owned(), Resolved::Value(value)));
}

fn text(text: impl Into<String>) -> Value {
    Value::String(text.into())
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Runs what only reads: an error and a cancellation are failures that changed nothing.
async fn reading(cx: &Context, work: impl Future<Output = Result<Finish, String>>) -> Finish {
    let done = tokio::select! {
        () = cx.cancel.cancelled() => return Finish::failed("cancelled; nothing was changed"),
        done = work => done,
    };
    match done {
        Ok(finish) => Finish { message: cx.redactor.clean(finish.message), ..finish },
        Err(why) => Finish::failed(cx.redactor.clean(why)),
    }
}

/// A failed attempt with a clean message.
fn failed(cx: &Context, why: impl AsRef<str>) -> Finish {
    Finish::failed(cx.redactor.clean(why.as_ref()))
}

/// S3 for what only reads from a bucket: in the region where that is, which need not be ours.
async fn reach(cx: &Context, place: &Place) -> S3 {
    let s3 = connect(cx).await;
    let Some(region) = s3.region_of(&place.bucket).await else { return s3 };
    let line = format!("the bucket {} is in the region {region}: it is asked there", place.bucket);
    // A full channel is no reason to wait.
    let _ = cx.progress.try_send(Progress::Line(cx.redactor.clean(line)));
    S3::connect(&AwsAccess { region: Some(region), ..cx.aws.clone() }).await
}

/// S3 in the region that the run is held to: what writes goes nowhere else.
async fn connect(cx: &Context) -> S3 {
    S3::connect(&cx.aws).await
}
