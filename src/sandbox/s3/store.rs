//! What the stand-in keeps, and what it refuses, by S3's error codes.

use std::collections::{BTreeMap, HashMap};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use s3s::crypto::{Checksum as _, Md5};

/// S3's code of an error.
pub(super) type Code = &'static str;

/// User metadata, without the prefix of its headers.
pub(super) type Metadata = Option<HashMap<String, String>>;

/// Every bucket.
#[derive(Default)]
pub(super) struct Store {
    buckets: BTreeMap<String, Bucket>,
    /// Makes ids of versions and uploads.
    ids: u64,
}

#[derive(Default)]
struct Bucket {
    versioned: bool,
    /// Oldest first; the last is what is there, or the mark of its deletion.
    keys: BTreeMap<String, Vec<Version>>,
    uploads: BTreeMap<String, Upload>,
}

/// A version of an object.
#[derive(Clone)]
pub(super) struct Version {
    /// `None` in a bucket that keeps no versions.
    pub id: Option<String>,
    /// Without the quotes.
    pub etag: String,
    pub bytes: Bytes,
    pub metadata: Metadata,
    pub modified: DateTime<Utc>,
    /// It is the mark of a deletion.
    pub deleted: bool,
}

/// A multipart upload under way.
struct Upload {
    key: String,
    metadata: Metadata,
    parts: BTreeMap<i32, Bytes>,
}

impl Store {
    /// Makes a bucket; whether there was none.
    pub fn bucket(&mut self, name: &str, versioned: bool) -> bool {
        let new = !self.buckets.contains_key(name);
        self.buckets.entry(name.to_owned()).or_default().versioned |= versioned;
        new
    }

    fn of(&mut self, bucket: &str) -> Result<&mut Bucket, Code> {
        self.buckets.get_mut(bucket).ok_or("NoSuchBucket")
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        // As long as those of S3, and in no order that one could rely on.
        hex::encode(Md5::checksum(&self.ids.to_be_bytes()))
    }

    /// Turns versioning on.
    pub fn keep_versions(&mut self, bucket: &str) -> Result<(), Code> {
        self.of(bucket)?.versioned = true;
        Ok(())
    }

    /// Writes an object.
    pub fn put(
        &mut self,
        bucket: &str,
        key: &str,
        bytes: Bytes,
        metadata: Metadata,
        at: DateTime<Utc>,
    ) -> Result<Version, Code> {
        let etag = hex::encode(Md5::checksum(&bytes));
        let version = Version { id: None, etag, bytes, metadata, modified: at, deleted: false };
        self.write(bucket, key, version)
    }

    fn write(&mut self, bucket: &str, key: &str, mut version: Version) -> Result<Version, Code> {
        let id = self.id();
        let bucket = self.of(bucket)?;
        let versions = bucket.keys.entry(key.to_owned()).or_default();
        if bucket.versioned {
            version.id = Some(id);
        } else {
            versions.retain(|it| it.id.is_some());
        }
        versions.push(version.clone());
        Ok(version)
    }

    /// The version `id` of an object, or what is there.
    pub fn look(&mut self, bucket: &str, key: &str, id: Option<&str>) -> Result<Version, Code> {
        let versions = self.of(bucket)?.keys.get(key).ok_or("NoSuchKey")?;
        match id {
            Some(id) => versions.iter().find(|it| is(it, id)).cloned().ok_or("NoSuchVersion"),
            None => versions.last().filter(|it| !it.deleted).cloned().ok_or("NoSuchKey"),
        }
    }

    /// Deletes an object: a mark hides it where versions are kept. The id of the mark.
    pub fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<String>, Code> {
        if !self.of(bucket)?.versioned {
            self.of(bucket)?.keys.remove(key);
            return Ok(None);
        }
        let (etag, bytes) = (String::new(), Bytes::new());
        let mark = Version { id: None, etag, bytes, metadata: None, modified: at, deleted: true };
        Ok(self.write(bucket, key, mark)?.id)
    }

    /// Deletes one version for good; whether it was the mark of a deletion.
    pub fn delete_version(&mut self, bucket: &str, key: &str, id: &str) -> Result<bool, Code> {
        let keys = &mut self.of(bucket)?.keys;
        let Some(versions) = keys.get_mut(key) else { return Ok(false) };
        let mark = versions.iter().any(|it| is(it, id) && it.deleted);
        versions.retain(|it| !is(it, id));
        if versions.is_empty() {
            keys.remove(key);
        }
        Ok(mark)
    }

    /// What is there below a prefix, by key.
    pub fn list(&mut self, bucket: &str, prefix: &str) -> Result<Vec<(String, Version)>, Code> {
        let there = self.of(bucket)?.keys.iter().filter(|(key, _)| key.starts_with(prefix));
        let there =
            there.filter_map(|(key, versions)| Some((key.clone(), versions.last()?.clone())));
        Ok(there.filter(|(_, it)| !it.deleted).collect())
    }

    /// Every version below a prefix, by key, newest first, and whether it is the newest.
    pub fn versions(
        &mut self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Version, bool)>, Code> {
        let keys = self.of(bucket)?.keys.iter().filter(|(key, _)| key.starts_with(prefix));
        let all = keys.flat_map(|(key, versions)| {
            let newest = versions.len();
            let numbered = versions.iter().enumerate().rev();
            numbered.map(move |(i, it)| (key.clone(), it.clone(), i + 1 == newest))
        });
        Ok(all.collect())
    }

    /// Begins a multipart upload: its id.
    pub fn begin(&mut self, bucket: &str, key: &str, metadata: Metadata) -> Result<String, Code> {
        let id = self.id();
        let upload = Upload { key: key.to_owned(), metadata, parts: BTreeMap::new() };
        self.of(bucket)?.uploads.insert(id.clone(), upload);
        Ok(id)
    }

    /// Takes a part: its ETag.
    pub fn part(
        &mut self,
        bucket: &str,
        id: &str,
        number: i32,
        bytes: Bytes,
    ) -> Result<String, Code> {
        let upload = self.of(bucket)?.uploads.get_mut(id).ok_or("NoSuchUpload")?;
        let etag = hex::encode(Md5::checksum(&bytes));
        upload.parts.insert(number, bytes);
        Ok(etag)
    }

    /// Makes an object of the parts, which are named with their ETags.
    pub fn end(
        &mut self,
        bucket: &str,
        id: &str,
        named: &[(i32, String)],
        at: DateTime<Utc>,
    ) -> Result<Version, Code> {
        let upload = self.of(bucket)?.uploads.get(id).ok_or("NoSuchUpload")?;
        let (mut whole, mut digests) = (BytesMut::new(), Vec::new());
        for (number, etag) in named {
            let part = upload.parts.get(number).ok_or("InvalidPart")?;
            let digest = Md5::checksum(part);
            if hex::encode(digest) != *etag {
                return Err("InvalidPart");
            }
            whole.extend_from_slice(part);
            digests.extend_from_slice(&digest);
        }
        let etag = format!("{}-{}", hex::encode(Md5::checksum(&digests)), named.len());
        let (key, metadata) = (upload.key.clone(), upload.metadata.clone());
        let bytes = whole.freeze();
        let version = Version { id: None, etag, bytes, metadata, modified: at, deleted: false };
        let version = self.write(bucket, &key, version)?;
        self.abort(bucket, id)?;
        Ok(version)
    }

    /// Forgets an upload.
    pub fn abort(&mut self, bucket: &str, id: &str) -> Result<(), Code> {
        self.of(bucket)?.uploads.remove(id).map(drop).ok_or("NoSuchUpload")
    }

    /// The uploads under way: key and id.
    pub fn uploads(&mut self, bucket: &str) -> Result<Vec<(String, String)>, Code> {
        let uploads = self.of(bucket)?.uploads.iter();
        Ok(uploads.map(|(id, upload)| (upload.key.clone(), id.clone())).collect())
    }
}

/// Without versioning there is one, whose id is `null`.
fn is(version: &Version, id: &str) -> bool {
    version.id.as_deref().unwrap_or("null") == id
}
