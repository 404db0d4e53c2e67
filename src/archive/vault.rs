//! A bucket in which what is put cannot be changed, and what S3 says of what lies there.

use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled, ObjectLockRetentionMode};
use chrono::{DateTime, Utc};

use super::place::Place;
use crate::aws::object::Reading;
use crate::aws::s3::{S3, moment};
use crate::aws::{AwsAccess, Failure};

/// A place in S3 and how to call it.
#[derive(Clone, Debug)]
pub struct Vault {
    pub(super) s3: S3,
    /// Where.
    pub place: Place,
}

/// One version of an object, or a marker that it was deleted.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub key: String,
    pub id: String,
    pub modified: Option<DateTime<Utc>>,
    pub deleted: bool,
}

/// How a version is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Nobody can take it away before then.
    Compliance(DateTime<Utc>),
    /// Somebody can.
    Weak(&'static str),
}

impl Vault {
    /// How to call the place; nothing is asked yet.
    pub async fn at(access: &AwsAccess, place: Place) -> Self {
        Self { s3: S3::connect(access).await, place }
    }

    /// That what is put into the bucket can be locked.
    ///
    /// # Errors
    /// One line: why not, and what to do.
    pub async fn refuse_unlocked(&self) -> Result<(), String> {
        let bucket = &self.place.bucket;
        let remedy = format!(
            "objects cannot be locked in s3://{bucket}: nothing was put there; use a bucket made with \
             `aws s3api create-bucket --bucket NAME --object-lock-enabled-for-bucket`"
        );
        let asked = self.s3.client.get_object_lock_configuration().bucket(bucket).send().await;
        let enabled = match asked {
            Ok(told) => told.object_lock_configuration.and_then(|it| it.object_lock_enabled),
            Err(error) => {
                let failure = self.s3.failure("s3:GetBucketObjectLockConfiguration", &error);
                let unlocked = ["ObjectLockConfigurationNotFoundError", "NotImplemented"];
                if unlocked.iter().any(|code| failure.is(code)) {
                    return Err(remedy);
                }
                return Err(format!("s3://{bucket} cannot be used: {failure}"));
            }
        };
        if enabled != Some(ObjectLockEnabled::Enabled) {
            return Err(remedy);
        }
        let versions = self.s3.client.get_bucket_versioning().bucket(bucket).send().await;
        let versions = versions.map_err(|error| {
            let failure = self.s3.failure("s3:GetBucketVersioning", &error);
            format!("s3://{bucket} cannot be used: {failure}")
        })?;
        match versions.status {
            Some(BucketVersioningStatus::Enabled) => Ok(()),
            _ => Err(format!(
                "s3://{bucket} keeps no versions: nothing was put there; switch versioning on, or use \
                 another bucket"
            )),
        }
    }

    /// Every version of every object whose key begins so.
    pub(super) async fn versions(&self, prefix: &str) -> Result<Vec<Version>, Failure> {
        let mut found = Vec::new();
        let (mut key, mut id) = (None, None);
        loop {
            let asked = self.s3.client.list_object_versions();
            let asked = asked.bucket(&self.place.bucket).prefix(prefix);
            let asked = asked.set_key_marker(key).set_version_id_marker(id).send().await;
            let page = asked.map_err(|e| self.s3.failure("s3:ListBucketVersions", &e))?;
            let versions = page
                .versions()
                .iter()
                .map(|it| (it.key(), it.version_id(), it.last_modified(), false));
            let markers = page
                .delete_markers()
                .iter()
                .map(|it| (it.key(), it.version_id(), it.last_modified(), true));
            found.extend(versions.chain(markers).filter_map(|(key, id, modified, deleted)| {
                let (key, id) = (key?.to_owned(), id?.to_owned());
                Some(Version { key, id, modified: modified.and_then(moment), deleted })
            }));
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            key = page.next_key_marker;
            id = page.next_version_id_marker;
            if key.is_none() {
                return Ok(found);
            }
        }
    }

    /// How a version is locked.
    pub(super) async fn lock(&self, key: &str, version: &str) -> Result<Lock, Failure> {
        let asked = self.s3.client.get_object_retention().bucket(&self.place.bucket).key(key);
        let told = match asked.version_id(version).send().await {
            Ok(told) => told.retention,
            Err(error) => {
                let failure = self.s3.failure("s3:GetObjectRetention", &error);
                if failure.is("NoSuchObjectLockConfiguration") {
                    return Ok(Lock::Weak("not locked"));
                }
                return Err(failure);
            }
        };
        let Some(told) = told else { return Ok(Lock::Weak("not locked")) };
        Ok(match (told.mode, told.retain_until_date.as_ref().and_then(moment)) {
            (Some(ObjectLockRetentionMode::Compliance), Some(until)) => Lock::Compliance(until),
            (Some(ObjectLockRetentionMode::Governance), _) => {
                Lock::Weak("locked in GOVERNANCE mode, which can be bypassed")
            }
            _ => Lock::Weak("not locked"),
        })
    }

    /// The bytes of a version, or of the newest one. A list that is larger than `most` is refused.
    pub(super) async fn bytes(
        &self,
        key: &str,
        version: Option<&str>,
        most: u64,
    ) -> Result<(String, Vec<u8>), Failure> {
        let object = self.s3.head(&self.place.bucket, key, version).await?;
        if object.size > most {
            let message = format!("{object} has {} bytes: more than it can have", object.size);
            return Err(Failure { message, code: None, reached: crate::aws::Reached::Refused });
        }
        let mut reader = self.s3.read(&object, Reading::default());
        let mut bytes = Vec::new();
        while let Some(more) = reader.next().await? {
            bytes.extend_from_slice(&more);
        }
        Ok((object.version.unwrap_or_default(), bytes))
    }
}
