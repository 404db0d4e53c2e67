//! Copying an object inside S3: its bytes do not come here.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Place;
use super::retry::patiently;
use crate::aws::object::Object;
use crate::aws::s3::S3;
use crate::aws::{Failure, Reached};

const CALL: &str = "s3:PutObject";
/// One request copies no more.
const ONE_REQUEST: u64 = 5 * 1024 * 1024 * 1024;
/// Larger objects are copied in such parts.
const PART: u64 = 1024 * 1024 * 1024;
const AT_ONCE: usize = 4;
const IN_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Copies `from` as it was when it was looked at; the version that the copy has got, where there are any.
///
/// # Errors
/// What S3 said; `PreconditionFailed` when `from` was changed meanwhile.
pub(super) async fn copy(s3: &S3, from: &Object, to: &Place) -> Result<Option<String>, Failure> {
    if from.size > ONE_REQUEST {
        return in_parts(s3, from, to).await;
    }
    let copied = s3
        .patient
        .copy_object()
        .copy_source(source(from))
        .copy_source_if_match(&from.etag)
        .bucket(&to.bucket)
        .key(&to.key)
        .send()
        .await
        .map_err(|error| s3.failure(CALL, &error))?;
    Ok(copied.version_id)
}

fn source(from: &Object) -> String {
    let key = utf8_percent_encode(&from.key, IN_SOURCE);
    match &from.version {
        Some(version) => format!("{}/{key}?versionId={version}", from.bucket),
        None => format!("{}/{key}", from.bucket),
    }
}

async fn in_parts(s3: &S3, from: &Object, to: &Place) -> Result<Option<String>, Failure> {
    let begun = s3.client.create_multipart_upload().bucket(&to.bucket).key(&to.key).send().await;
    let begun = begun.map_err(|error| s3.failure(CALL, &error))?;
    let id = begun.upload_id().unwrap_or_default();
    let ranges = (0..from.size.div_ceil(PART)).map(|i| {
        let last = ((i + 1) * PART).min(from.size) - 1;
        (i32::try_from(i + 1).unwrap_or(i32::MAX), format!("bytes={}-{last}", i * PART))
    });
    let parts = stream::iter(ranges)
        .map(|(number, range)| patiently(move || part(s3, from, to, id, number, range.clone())))
        .buffered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await;
    let whole = match parts {
        Ok(parts) => CompletedMultipartUpload::builder().set_parts(Some(parts)).build(),
        Err(failure) => return Err(aborted(s3, to, id, failure).await),
    };
    let done = s3.patient.complete_multipart_upload().bucket(&to.bucket).key(&to.key).upload_id(id);
    match done.multipart_upload(whole).send().await {
        Ok(done) => Ok(done.version_id),
        Err(error) => Err(aborted(s3, to, id, s3.failure(CALL, &error)).await),
    }
}

async fn part(
    s3: &S3,
    from: &Object,
    to: &Place,
    id: &str,
    number: i32,
    range: String,
) -> Result<CompletedPart, Failure> {
    let copied = s3
        .patient
        .upload_part_copy()
        .copy_source(source(from))
        .copy_source_if_match(&from.etag)
        .copy_source_range(range)
        .bucket(&to.bucket)
        .key(&to.key)
        .upload_id(id)
        .part_number(number)
        .send()
        .await
        .map_err(|error| s3.failure(CALL, &error))?;
    let etag = copied.copy_part_result.and_then(|it| it.e_tag);
    Ok(CompletedPart::builder().part_number(number).set_e_tag(etag).build())
}

/// Throws away the parts of an upload that failed; S3 would keep and charge for them.
pub(super) async fn aborted(s3: &S3, to: &Place, id: &str, failure: Failure) -> Failure {
    let abort = s3.client.abort_multipart_upload().bucket(&to.bucket).key(&to.key).upload_id(id);
    let Err(error) = abort.send().await else { return failure };
    let why = s3.failure("s3:AbortMultipartUpload", &error);
    // Nothing to abort: it was completed after all, or is gone.
    if why.is("NoSuchUpload") {
        return Failure { reached: Reached::Unclear, ..failure };
    }
    let message = format!(
        "{failure}; its parts are left ({why}): remove them with `aws s3api abort-multipart-upload \
         --bucket {} --key '{}' --upload-id {id}`",
        to.bucket, to.key
    );
    Failure { message, ..failure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_copy_is_escaped_and_pinned() {
        let object = |version: Option<&str>| Object {
            bucket: "b".into(),
            key: "a b/ü?.gz".into(),
            version: version.map(str::to_owned),
            etag: "\"1\"".into(),
            size: 1,
            modified: None,
        };
        assert_eq!(source(&object(None)), "b/a%20b/%C3%BC%3F.gz");
        assert_eq!(source(&object(Some("v1"))), "b/a%20b/%C3%BC%3F.gz?versionId=v1");
    }
}
