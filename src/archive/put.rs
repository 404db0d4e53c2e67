//! Putting an object where nothing is, locked from its first moment on.

use std::path::PathBuf;

use aws_sdk_s3::primitives::{ByteStream, DateTime as AwsTime};
use aws_sdk_s3::types::{ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::vault::{Lock, Vault};
use crate::aws::Failure;
use crate::aws::object::Reading;
use crate::engine::event::Archived;

const CALL: &str = "s3:PutObject";
/// A smaller body is sent by the client that repeats what failed on the way.
const SMALL: u64 = 8 * 1024 * 1024;

/// What is put.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    /// Its name in the archive.
    pub name: String,
    pub body: Body,
    /// Hexadecimal.
    pub sha256: String,
    pub length: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Bytes(Bytes),
    File(PathBuf),
}

/// Why an object was not put.
#[derive(Debug)]
pub(super) enum NotPut {
    /// Something else lies there.
    Taken,
    /// One line.
    Failed(String),
}

impl From<Failure> for NotPut {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.message)
    }
}

impl Parcel {
    pub(super) fn of_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let (name, length) = (name.into(), bytes.len() as u64);
        Self { name, body: Body::Bytes(bytes.into()), sha256, length }
    }

    async fn stream(&self) -> Result<ByteStream, NotPut> {
        match &self.body {
            Body::Bytes(bytes) => Ok(ByteStream::from(bytes.clone())),
            Body::File(path) => ByteStream::from_path(path)
                .await
                .map_err(|e| NotPut::Failed(format!("{} cannot be read: {e}", path.display()))),
        }
    }
}

/// Locks end with a whole second: never before the moment that was asked for.
fn whole(until: DateTime<Utc>) -> AwsTime {
    AwsTime::from_secs(until.timestamp() + i64::from(until.timestamp_subsec_nanos() > 0))
}

impl Vault {
    /// Puts `parcel` below `folder`, locked until then. When the same bytes lie there already, of an
    /// earlier try, they stay, and are locked for as long.
    pub(super) async fn put(
        &self,
        folder: &str,
        parcel: &Parcel,
        until: DateTime<Utc>,
    ) -> Result<Archived, NotPut> {
        let key = format!("{folder}{}", parcel.name);
        let archived = |version: String| Archived {
            key: key.clone(),
            version,
            sha256: parcel.sha256.clone(),
            bytes: parcel.length,
        };
        let client = if parcel.length <= SMALL { &self.s3.client } else { &self.s3.patient };
        let checksum = hex::decode(&parcel.sha256).map(|digest| STANDARD.encode(digest));
        let put = client
            .put_object()
            .bucket(&self.place.bucket)
            .key(&key)
            .if_none_match("*")
            .set_checksum_sha256(checksum.ok())
            .object_lock_mode(ObjectLockMode::Compliance)
            .object_lock_retain_until_date(whole(until))
            .body(parcel.stream().await?)
            .send()
            .await;
        match put {
            Ok(put) => match put.version_id.filter(|id| id != "null") {
                Some(version) => Ok(archived(version)),
                None => Err(NotPut::Failed(format!(
                    "s3://{}/{key} was put without a version: the bucket keeps none",
                    self.place.bucket
                ))),
            },
            Err(error) => {
                let failure = self.s3.failure(CALL, &error);
                let there = error.raw_response().is_some_and(|it| it.status().as_u16() == 412);
                if there || failure.is("PreconditionFailed") {
                    return self.adopt(&key, parcel, until).await.map(archived);
                }
                Err(failure.into())
            }
        }
    }

    /// The version that lies there, when it is what was to be put.
    async fn adopt(
        &self,
        key: &str,
        parcel: &Parcel,
        until: DateTime<Utc>,
    ) -> Result<String, NotPut> {
        let there = self.s3.head(&self.place.bucket, key, None).await?;
        let Some(version) = there.version.clone() else { return Err(NotPut::Taken) };
        if there.size != parcel.length {
            return Err(NotPut::Taken);
        }
        let mut hash = Sha256::new();
        let mut reader = self.s3.read(&there, Reading::default());
        while let Some(bytes) = reader.next().await? {
            hash.update(&bytes);
        }
        if hex::encode(hash.finalize()) != parcel.sha256 {
            return Err(NotPut::Taken);
        }
        match self.lock(key, &version).await? {
            Lock::Compliance(locked) if locked >= until => {}
            Lock::Compliance(_) | Lock::Weak(_) => self.lengthen(key, &version, until).await?,
        }
        Ok(version)
    }

    async fn lengthen(
        &self,
        key: &str,
        version: &str,
        until: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let retention = ObjectLockRetention::builder()
            .mode(ObjectLockRetentionMode::Compliance)
            .retain_until_date(whole(until))
            .build();
        let asked = self.s3.client.put_object_retention().bucket(&self.place.bucket).key(key);
        let asked = asked.version_id(version).retention(retention).send().await;
        asked.map(drop).map_err(|e| self.s3.failure("s3:PutObjectRetention", &e))
    }

    /// That S3 has locked what it was told to lock: not every server that takes the words does.
    pub(super) async fn refuse_unheld(
        &self,
        object: &Archived,
        until: DateTime<Utc>,
    ) -> Result<(), String> {
        let place = format!("s3://{}/{}", self.place.bucket, object.key);
        match self.lock(&object.key, &object.version).await {
            Ok(Lock::Compliance(locked)) if locked >= until => Ok(()),
            Ok(Lock::Compliance(locked)) => {
                Err(format!("{place} is locked only until {locked}, not until {until}"))
            }
            Ok(Lock::Weak(how)) => Err(format!(
                "{place} is {how} although it was put with a lock: this server does not hold it"
            )),
            Err(failure) => Err(format!("{place} was put, and its lock cannot be seen: {failure}")),
        }
    }
}
