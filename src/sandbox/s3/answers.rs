//! The operations, in the terms of `s3s`.

use std::time::SystemTime;

use axum::http::{HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use s3s::access::{S3Access, S3AccessContext};
use s3s::dto::*;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::S3;
use super::store::{Code, Version};

/// A page of a listing holds no more.
const PAGE: i32 = 1000;
const REGION_HEADER: HeaderName = HeaderName::from_static("x-amz-bucket-region");

#[async_trait::async_trait]
impl S3Access for S3 {
    /// Refuses what is signed by nobody, for another region, or is to be refused.
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied."));
        }
        let signed = cx.headers().get("authorization").and_then(|it| it.to_str().ok());
        // `Credential=KEY/DAY/REGION/s3/aws4_request`
        let asked = signed.and_then(|it| it.split('/').nth(2)).unwrap_or_default().to_owned();
        if asked != self.region() {
            let message = format!(
                "The authorization header is malformed; the region '{asked}' is wrong; expecting '{}'",
                self.region()
            );
            let mut error =
                S3Error::with_message(S3ErrorCode::AuthorizationHeaderMalformed, message);
            let right = HeaderValue::from_static(self.region());
            error.set_headers([(REGION_HEADER, right)].into_iter().collect());
            return Err(error);
        }
        match self.refused(cx.s3_op().name()) {
            None => Ok(()),
            Some(refusal) => {
                let mut error = refuse(refusal.code);
                error.set_message(refusal.message);
                error.set_status_code(refusal.status.try_into().map_err(S3Error::internal_error)?);
                Err(error)
            }
        }
    }
}

#[async_trait::async_trait]
impl s3s::S3 for S3 {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        match self.world().store.bucket(&request.input.bucket, false) {
            true => said(CreateBucketOutput::default()),
            false => Err(s3_error!(BucketAlreadyOwnedByYou)),
        }
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.world().store.list(&request.input.bucket, "").map_err(refuse)?;
        let region = Some(self.region().to_owned());
        said(HeadBucketOutput { bucket_region: region, ..HeadBucketOutput::default() })
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<S3Response<PutBucketVersioningOutput>> {
        self.world().store.keep_versions(&request.input.bucket).map_err(refuse)?;
        said(PutBucketVersioningOutput::default())
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let mut all = self.world().store.list(&input.bucket, &prefix).map_err(refuse)?;
        if let Some(after) = input.continuation_token.as_ref().or(input.start_after.as_ref()) {
            all.retain(|(key, _)| key > after);
        }
        let most = usize::try_from(input.max_keys.unwrap_or(PAGE).clamp(0, PAGE)).unwrap_or(0);
        let more = all.len() > most;
        all.truncate(most);
        let next = all.last().filter(|_| more).map(|(key, _)| key.clone());
        let contents: Vec<Object> = all
            .into_iter()
            .map(|(key, it)| Object {
                e_tag: Some(etag(&it)),
                last_modified: Some(time(it.modified)),
                size: Some(length(&it.bytes)),
                key: Some(key),
                ..Object::default()
            })
            .collect();
        said(ListObjectsV2Output {
            key_count: i32::try_from(contents.len()).ok(),
            max_keys: Some(input.max_keys.unwrap_or(PAGE)),
            is_truncated: Some(more),
            next_continuation_token: next,
            contents: Some(contents),
            name: Some(input.bucket),
            prefix: Some(prefix),
            ..ListObjectsV2Output::default()
        })
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let prefix = request.input.prefix.clone().unwrap_or_default();
        let all = self.world().store.versions(&request.input.bucket, &prefix).map_err(refuse)?;
        let (mut versions, mut marks) = (Vec::new(), Vec::new());
        for (key, it, newest) in all {
            let id = Some(it.id.clone().unwrap_or_else(|| "null".into()));
            let (key, modified) = (Some(key), Some(time(it.modified)));
            if it.deleted {
                marks.push(DeleteMarkerEntry {
                    is_latest: Some(newest),
                    key,
                    last_modified: modified,
                    version_id: id,
                    ..DeleteMarkerEntry::default()
                });
            } else {
                versions.push(ObjectVersion {
                    e_tag: Some(etag(&it)),
                    is_latest: Some(newest),
                    key,
                    last_modified: modified,
                    size: Some(length(&it.bytes)),
                    version_id: id,
                    ..ObjectVersion::default()
                });
            }
        }
        said(ListObjectVersionsOutput {
            versions: Some(versions),
            delete_markers: Some(marks),
            is_truncated: Some(false),
            name: Some(request.input.bucket),
            prefix: Some(prefix),
            ..ListObjectVersionsOutput::default()
        })
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let it = self.readable(&input.bucket, &input.key, input.version_id.as_deref())?;
        as_wanted(&it, input.if_match.as_ref())?;
        said(HeadObjectOutput {
            content_length: Some(length(&it.bytes)),
            e_tag: Some(etag(&it)),
            last_modified: Some(time(it.modified)),
            metadata: it.metadata,
            version_id: it.id,
            ..HeadObjectOutput::default()
        })
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let it = self.readable(&input.bucket, &input.key, input.version_id.as_deref())?;
        as_wanted(&it, input.if_match.as_ref())?;
        let all = it.bytes.len() as u64;
        let (bytes, range) = match input.range {
            None => (it.bytes.clone(), None),
            Some(range) => {
                let range = range.check(all)?;
                let told = format!("bytes {}-{}/{all}", range.start, range.end - 1);
                let at = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
                (it.bytes.slice(at(range.start)..at(range.end)), Some(told))
            }
        };
        said(GetObjectOutput {
            content_length: Some(length(&bytes)),
            content_range: range,
            e_tag: Some(etag(&it)),
            last_modified: Some(time(it.modified)),
            metadata: it.metadata,
            version_id: it.id,
            body: Some(StreamingBlob::wrap(stream::iter([Ok::<_, std::io::Error>(bytes)]))),
            ..GetObjectOutput::default()
        })
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let bytes = collect(input.body).await?;
        let mut world = self.world();
        if input.if_none_match.is_some()
            && world.store.look(&input.bucket, &input.key, None).is_ok()
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let put = world.store.put(&input.bucket, &input.key, bytes, input.metadata, Utc::now());
        let it = put.map_err(refuse)?;
        said(PutObjectOutput {
            e_tag: Some(etag(&it)),
            version_id: it.id,
            ..PutObjectOutput::default()
        })
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, version_id } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let from = self.readable(bucket, key, version_id.as_deref())?;
        as_wanted(&from, input.copy_source_if_match.as_ref())?;
        let mut world = self.world();
        let put = world.store.put(&input.bucket, &input.key, from.bytes, from.metadata, Utc::now());
        let it = put.map_err(refuse)?;
        said(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(etag(&it)),
                last_modified: Some(time(it.modified)),
                ..CopyObjectResult::default()
            }),
            copy_source_version_id: from.id,
            version_id: it.id,
            ..CopyObjectOutput::default()
        })
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let DeleteObjectInput { bucket, key, version_id, .. } = request.input;
        let mut world = self.world();
        let (mark, id) = match version_id {
            Some(id) => (world.store.delete_version(&bucket, &key, &id).map_err(refuse)?, Some(id)),
            None => {
                let mark = world.store.delete(&bucket, &key, Utc::now()).map_err(refuse)?;
                (mark.is_some(), mark)
            }
        };
        said(DeleteObjectOutput {
            delete_marker: mark.then_some(true),
            version_id: id,
            ..DeleteObjectOutput::default()
        })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let begun = self.world().store.begin(&input.bucket, &input.key, input.metadata);
        said(CreateMultipartUploadOutput {
            upload_id: Some(begun.map_err(refuse)?),
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..CreateMultipartUploadOutput::default()
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let bytes = collect(input.body).await?;
        let mut world = self.world();
        let taken = world.store.part(&input.bucket, &input.upload_id, input.part_number, bytes);
        let e_tag = Some(ETag::Strong(taken.map_err(refuse)?));
        said(UploadPartOutput { e_tag, ..UploadPartOutput::default() })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let parts = input.multipart_upload.and_then(|it| it.parts).unwrap_or_default();
        let named: Vec<(i32, String)> = parts
            .into_iter()
            .filter_map(|it| Some((it.part_number?, it.e_tag?.into_value())))
            .collect();
        let mut world = self.world();
        if input.if_none_match.is_some()
            && world.store.look(&input.bucket, &input.key, None).is_ok()
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let end = world.store.end(&input.bucket, &input.upload_id, &named, Utc::now());
        let it = end.map_err(refuse)?;
        said(CompleteMultipartUploadOutput {
            e_tag: Some(etag(&it)),
            version_id: it.id,
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let AbortMultipartUploadInput { bucket, upload_id, .. } = request.input;
        self.world().store.abort(&bucket, &upload_id).map_err(refuse)?;
        said(AbortMultipartUploadOutput::default())
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let bucket = request.input.bucket;
        let uploads = self.world().store.uploads(&bucket).map_err(refuse)?;
        let uploads = uploads.into_iter().map(|(key, id)| MultipartUpload {
            key: Some(key),
            upload_id: Some(id),
            ..MultipartUpload::default()
        });
        said(ListMultipartUploadsOutput {
            uploads: Some(uploads.collect()),
            bucket: Some(bucket),
            is_truncated: Some(false),
            ..ListMultipartUploadsOutput::default()
        })
    }
}

impl S3 {
    /// A version that has bytes.
    fn readable(&self, bucket: &str, key: &str, id: Option<&str>) -> S3Result<Version> {
        let it = self.world().store.look(bucket, key, id).map_err(refuse)?;
        if it.deleted { Err(s3_error!(MethodNotAllowed)) } else { Ok(it) }
    }
}

fn said<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

fn refuse(code: Code) -> S3Error {
    S3Error::new(S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or(S3ErrorCode::InternalError))
}

fn as_wanted(it: &Version, condition: Option<&ETagCondition>) -> S3Result<()> {
    match condition {
        Some(ETagCondition::ETag(wanted)) if !wanted.strong_cmp(&etag(it)) => {
            Err(s3_error!(PreconditionFailed))
        }
        Some(ETagCondition::ETag(_) | ETagCondition::Any) | None => Ok(()),
    }
}

fn etag(it: &Version) -> ETag {
    ETag::Strong(it.etag.clone())
}

fn time(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from(SystemTime::from(at))
}

fn length(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let mut all = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            all.extend_from_slice(&bytes.map_err(|_| s3_error!(IncompleteBody))?);
        }
    }
    Ok(all.freeze())
}
