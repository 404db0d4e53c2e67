//! The S3 client: how it is set up, how its failures read, and the calls that everybody needs.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{
    Builder, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::DateTime as AwsTime;
use chrono::{DateTime, Utc};

use super::object::{Object, Reader, Reading};
use super::{AwsAccess, Failure, Reached, config, failure};

const CONNECT: Duration = Duration::from_secs(5);
/// S3 may take so long to tell a bucket's region; whoever asks goes on without.
const TELL: Duration = Duration::from_secs(10);
const BUCKET_REGION: &str = "x-amz-bucket-region";
/// What [`S3::small`] fetches is no larger.
const SMALL: u64 = 1024 * 1024;

/// S3, and as whom it is called.
#[derive(Clone, Debug)]
pub struct S3 {
    /// For calls that are over soon: the SDK repeats what failed on the way.
    pub client: Client,
    /// For bodies and server-side copies, which may take their time: nothing is repeated, only
    /// connecting is hurried.
    pub patient: Client,
    /// As whom.
    pub access: AwsAccess,
    region: Option<String>,
}

/// The bucket and the key of `s3://bucket/key`; the key may be empty.
///
/// # Errors
/// One line: it is no such URI.
pub fn split(uri: &str) -> Result<(&str, &str), String> {
    let wrong = || format!("`{uri}` is not an S3 URI such as s3://bucket/key");
    let rest = uri.strip_prefix("s3://").ok_or_else(wrong)?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() { Err(wrong()) } else { Ok((bucket, key)) }
}

/// A moment of the SDK's.
#[must_use]
pub fn moment(time: &AwsTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

impl S3 {
    /// A client for `access`; credentials are looked up with the first call.
    pub async fn connect(access: &AwsAccess) -> Self {
        let shared = config(access).await;
        // Who names an endpoint means a server of his own, where a bucket is rarely a host name.
        let own_endpoint = shared.endpoint_url().is_some()
            || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|it| !it.is_empty());
        // Servers of other makers do not all know the checksums that AWS takes by default.
        let builder = Builder::from(&shared)
            .force_path_style(own_endpoint)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let patient = builder
            .clone()
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .disable_operation_attempt_timeout()
                    .disable_operation_timeout()
                    .build(),
            );
        Self {
            client: Client::from_conf(builder.build()),
            patient: Client::from_conf(patient.build()),
            access: access.clone(),
            region: shared.region().map(ToString::to_string),
        }
    }

    /// The region that a bucket is in, when it is another one than ours and S3 tells.
    pub async fn region_of(&self, bucket: &str) -> Option<String> {
        let asked = self.patient.head_bucket().bucket(bucket).send();
        let told = match tokio::time::timeout(TELL, asked).await.ok()? {
            Ok(there) => there.bucket_region,
            Err(error) => {
                let answer = error.raw_response()?;
                answer.headers().get(BUCKET_REGION).map(str::to_owned)
            }
        };
        told.filter(|it| self.region.as_ref() != Some(it))
    }

    /// Looks at an object: the newest version, or `version`.
    ///
    /// # Errors
    /// What S3 said; `NoSuchKey` and `NoSuchBucket` by these codes.
    pub async fn head(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, Failure> {
        let asked = self.client.head_object().bucket(bucket).key(key);
        let found = match asked.set_version_id(version.map(str::to_owned)).send().await {
            Ok(found) => found,
            Err(error) => {
                let failure = self.failure("s3:GetObject", &error);
                // The answer to HEAD has no body and so no reason: GET tells it.
                return match failure.code.as_deref() {
                    None | Some("NotFound") if failure.reached != Reached::NotSent => {
                        Err(self.reason(bucket, key, version).await.unwrap_or(failure))
                    }
                    _ => Err(failure),
                };
            }
        };
        let size = found.content_length().and_then(|size| u64::try_from(size).ok());
        let (Some(size), Some(etag)) = (size, found.e_tag()) else {
            return Err(strange("s3:GetObject", "the answer has no length or no ETag"));
        };
        Ok(Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            // Without versioning some servers say `null`, which not all of them take back.
            version: found.version_id().filter(|it| *it != "null").map(str::to_owned),
            etag: etag.to_owned(),
            size,
            modified: found.last_modified().and_then(moment),
        })
    }

    /// Why an object cannot be looked at.
    async fn reason(&self, bucket: &str, key: &str, version: Option<&str>) -> Option<Failure> {
        let asked = self.client.get_object().bucket(bucket).key(key).range("bytes=0-0");
        let answer = asked.set_version_id(version.map(str::to_owned)).send().await;
        Some(self.failure("s3:GetObject", &answer.err()?))
    }

    /// A small object whole, such as a manifest.
    ///
    /// # Errors
    /// What S3 said, or that it is larger than 1 MiB.
    pub async fn small(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Failure> {
        let object = self.head(bucket, key, None).await?;
        if object.size > SMALL {
            return Err(strange("s3:GetObject", &format!("{object} is larger than 1 MiB")));
        }
        let patience = Duration::from_secs(20);
        let mut reader = self.read(&object, Reading { patience, ..Reading::default() });
        let mut bytes = Vec::new();
        while let Some(more) = reader.next().await? {
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    /// The bytes of `object`, in order; nothing is asked before the first is wanted.
    #[must_use]
    pub fn read(&self, object: &Object, reading: Reading) -> Reader {
        Reader::new(self.clone(), object.clone(), reading)
    }

    /// What an error of `call` (such as `s3:GetObject`) means.
    pub fn failure<E>(&self, call: &str, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + Error + fmt::Debug + 'static,
    {
        let mut failure = failure(call, &self.access, error);
        let Some(answer) = error.raw_response() else { return failure };
        if let Some(right) = self.other_region(answer, &failure) {
            failure.message = format!(
                "{call}: the bucket is in the region {right} and the request went to {}: set \
                 `aws: {{region: {right}}}` in the environment's settings, or AWS_REGION",
                self.region.as_deref().unwrap_or("another"),
            );
            failure.code.get_or_insert_with(|| "PermanentRedirect".into());
            return failure;
        }
        if failure.code.is_none() {
            let status = answer.status().as_u16();
            failure.reached = if status < 500 { Reached::Refused } else { Reached::Unclear };
            failure.message = format!("{call}: the answer is HTTP {status} without a reason");
        }
        failure
    }

    /// The region that the bucket is in, when the answer says so and it is not ours.
    fn other_region(&self, answer: &HttpResponse, failure: &Failure) -> Option<String> {
        let wrong_place = matches!(answer.status().as_u16(), 301 | 307)
            || [
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
            ]
            .iter()
            .any(|code| failure.is(code))
            || failure.code.is_none();
        let named = answer.headers().get(BUCKET_REGION).map(str::to_owned);
        let told = || {
            let (_, rest) = failure.message.split_once("expecting '")?;
            rest.split_once('\'').map(|(region, _)| region.to_owned())
        };
        named.or_else(told).filter(|it| wrong_place && self.region.as_ref() != Some(it))
    }
}

/// An answer that S3 would not give.
pub(super) fn strange(call: &str, what: &str) -> Failure {
    let message = format!("{call}: {what}");
    Failure { message, code: None, reached: Reached::Refused }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn an_s3_uri_is_a_bucket_and_a_key() {
        assert_eq!(split("s3://backups/prod/shop.sql.gz"), Ok(("backups", "prod/shop.sql.gz")));
        assert_eq!(split("s3://backups"), Ok(("backups", "")));
        assert_eq!(split("s3://backups/"), Ok(("backups", "")));
        for wrong in ["backups/prod", "https://backups/prod", "s3://", "s3:///prod"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
