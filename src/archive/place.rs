//! Where things lie.

use crate::aws::s3::split;

/// The folder of the heads.
pub(super) const ANCHORS: &str = "anchors";

/// A bucket, and what the keys of archives begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// Without a slash at its end; may be empty.
    pub prefix: String,
}

/// A run below a place, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OfRun {
    pub place: Place,
    pub run: String,
    /// One of its archives.
    pub folder: Option<String>,
}

impl Place {
    /// Reads `s3://bucket/prefix`.
    ///
    /// # Errors
    /// One line: it is no such place.
    pub fn parse(uri: &str) -> Result<Self, String> {
        let (bucket, prefix) = split(uri)?;
        let prefix = prefix.trim_end_matches('/');
        if prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.contains("//") {
            return Err(format!("`{uri}` is not a place for archives: write s3://bucket/prefix"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    /// What the keys of a run begin with, a slash at the end.
    pub(super) fn of(&self, run: &str) -> String {
        if self.prefix.is_empty() { format!("{run}/") } else { format!("{}/{run}/", self.prefix) }
    }

    /// `s3://bucket/prefix/RUN`
    #[must_use]
    pub fn uri(&self, run: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.of(run).trim_end_matches('/'))
    }
}

impl OfRun {
    /// Reads `s3://bucket/prefix/RUN`, or that and one of its archives.
    pub(super) fn parse(uri: &str) -> Result<Self, String> {
        let Place { bucket, mut prefix } = Place::parse(uri)?;
        let mut last = || {
            let (rest, last) = match prefix.rsplit_once('/') {
                Some((rest, last)) => (rest.to_owned(), last.to_owned()),
                None => (String::new(), prefix.clone()),
            };
            prefix = rest;
            last
        };
        let (mut run, mut folder) = (last(), None);
        if Folder::parse(&run).is_some() {
            folder = Some(run);
            run = last();
        }
        if run.is_empty() {
            return Err(format!("`{uri}` names no run: write s3://bucket/prefix/RUN"));
        }
        Ok(Self { place: Place { bucket, prefix }, run, folder })
    }
}

/// The folder of an archive: up to which record it goes, that record's head, and which try it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub anchor: u64,
    pub attempt: u32,
    /// Eight digits of it.
    pub head: String,
}

impl Folder {
    pub(super) fn new(anchor: u64, head: &str, attempt: u32) -> Self {
        Self { anchor, attempt, head: head.chars().take(8).collect() }
    }

    /// `000041-b7c0d1e2`, and from the second try on `000041-b7c0d1e2-2`.
    pub(super) fn name(&self) -> String {
        let Self { anchor, attempt, head } = self;
        if *attempt == 1 {
            format!("{anchor:06}-{head}")
        } else {
            format!("{anchor:06}-{head}-{attempt}")
        }
    }

    /// Reads what [`Self::name`] writes, and nothing else.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('-');
        let (anchor, head) = (parts.next()?.parse().ok()?, parts.next()?);
        let attempt = parts.next().map_or(Some(1), |attempt| attempt.parse().ok())?;
        let folder = Self::new(anchor, head, attempt);
        (folder.name() == name && head.bytes().all(|b| b.is_ascii_hexdigit())).then_some(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "20261121T031000Z-aurora-pitr-k3f9";

    #[test]
    fn a_run_is_named_with_or_without_one_of_its_archives() {
        let of = |uri: &str| {
            OfRun::parse(uri).map(|it| (it.place.of(&it.run), it.folder.unwrap_or_default()))
        };
        let keys = format!("drills/steady/{RUN}/");
        assert_eq!(of(&format!("s3://b/drills/steady/{RUN}")), Ok((keys.clone(), String::new())));
        assert_eq!(of(&format!("s3://b/drills/steady/{RUN}/")), Ok((keys.clone(), String::new())));
        let folder = "000041-b7c0d1e2-2".to_owned();
        assert_eq!(of(&format!("s3://b/drills/steady/{RUN}/{folder}")), Ok((keys, folder)));
        assert_eq!(of(&format!("s3://b/{RUN}")), Ok((format!("{RUN}/"), String::new())));
        for bad in ["s3://b", "s3://b/", "s3://b/000041-b7c0d1e2", "/tmp/x", "s3://b/a/../c"] {
            assert!(of(bad).is_err(), "{bad}: {:?}", of(bad));
        }
    }

    #[test]
    fn a_folder_reads_back_and_later_ones_come_later() {
        let names = ["000041-b7c0d1e2", "000041-b7c0d1e2-2", "1000041-b7c0d1e2"];
        let folders = names.map(|name| Folder::parse(name).unwrap());
        assert_eq!(folders.clone().map(|folder| folder.name()), names);
        assert!(folders.is_sorted());
        for bad in ["anchors", "41-b7c0d1e2", "000041-b7c0d1e2-1", "000041-xyz", "000041"] {
            assert_eq!(Folder::parse(bad), None, "{bad}");
        }
    }
}
