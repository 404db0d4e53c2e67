//! What the SHA-256 of a backup must be, and who says so: the step, or a manifest that the backup job
//! left beside it.

use std::path::Path;

use serde::Deserialize;

use crate::aws::object::Object;
use crate::aws::s3::{S3, split};

/// What a backup's SHA-256 must be, and who says so.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expected {
    sha256: Option<String>,
    manifest: Option<(String, Manifest)>,
    /// Where a manifest was looked for in vain.
    looked: Vec<String>,
}

/// `{"date": "2026-11-20", "sha256": "…"}`, as a backup job leaves it beside the backup.
#[derive(Debug, Deserialize, PartialEq)]
struct Manifest {
    sha256: String,
    date: Option<String>,
}

impl Expected {
    /// Of a file: from the step's `sha256` and `manifest`, or the manifest that lies beside it.
    ///
    /// # Errors
    /// One line: which of them cannot be used.
    pub fn of_file(
        file: &Path,
        sha256: Option<&str>,
        manifest: Option<&str>,
    ) -> Result<Self, String> {
        let mut expected = Self::stated(sha256)?;
        let place = match given(manifest) {
            Some(path) => path.to_owned(),
            None => {
                let beside = beside(&file.as_os_str().to_string_lossy());
                match beside.iter().find(|path| Path::new(path).exists()) {
                    Some(path) => path.clone(),
                    None => return Ok(Self { looked: beside, ..expected }),
                }
            }
        };
        let bytes = std::fs::read(&place).map_err(|e| unread(&place, &e))?;
        expected.manifest = Some(Manifest::read(place, &bytes)?);
        Ok(expected)
    }

    /// Of an object: from the step's `sha256` and `manifest` (`s3://…`, or a key of the same bucket), or
    /// the manifest that lies beside it.
    ///
    /// # Errors
    /// One line: which of them cannot be used.
    pub async fn of_object(
        s3: &S3,
        object: &Object,
        sha256: Option<&str>,
        manifest: Option<&str>,
    ) -> Result<Self, String> {
        let mut expected = Self::stated(sha256)?;
        if let Some(place) = given(manifest) {
            let (bucket, key) = match place.starts_with("s3://") {
                true => split(place)?,
                false => (object.bucket.as_str(), place),
            };
            let place = format!("s3://{bucket}/{key}");
            let bytes = s3.small(bucket, key).await.map_err(|e| unread(&place, &e))?;
            expected.manifest = Some(Manifest::read(place, &bytes)?);
            return Ok(expected);
        }
        for key in beside(&object.key) {
            let place = format!("s3://{}/{key}", object.bucket);
            match s3.small(&object.bucket, &key).await {
                Ok(bytes) => {
                    expected.manifest = Some(Manifest::read(place, &bytes)?);
                    return Ok(expected);
                }
                Err(failure) if failure.is("NoSuchKey") => expected.looked.push(place),
                Err(failure) => return Err(unread(&place, &failure)),
            }
        }
        Ok(expected)
    }

    fn stated(sha256: Option<&str>) -> Result<Self, String> {
        let sha256 = given(sha256).map(|text| digest(text, "`sha256`")).transpose()?;
        Ok(Self { sha256, ..Self::default() })
    }

    /// What it must be; `None` when nobody says.
    pub fn sha256(&self) -> Option<&str> {
        let manifest = self.manifest.as_ref().map(|(_, manifest)| manifest.sha256.as_str());
        self.sha256.as_deref().or(manifest)
    }

    /// Where the manifest lies.
    pub fn manifest(&self) -> Option<&str> {
        self.manifest.as_ref().map(|(place, _)| place.as_str())
    }

    /// Whose word the digest was held against.
    pub fn checked_against(&self) -> &'static str {
        match (&self.sha256, &self.manifest) {
            (None, None) => "nothing",
            (Some(_), None) => "sha256",
            (None, Some(_)) => "manifest",
            (Some(_), Some(_)) => "sha256 and manifest",
        }
    }

    /// The manifest's `date`; empty without one.
    pub fn dumped_at(&self) -> &str {
        self.manifest.as_ref().and_then(|(_, read)| read.date.as_deref()).unwrap_or_default()
    }

    /// That somebody says what the digest of `what` must be, or that the operator goes on without.
    ///
    /// # Errors
    /// One line: nobody does, and how to go on.
    pub fn or_accepted(&self, what: &str, unverified: bool) -> Result<(), String> {
        if unverified || self.sha256().is_some() {
            return Ok(());
        }
        Err(format!(
            "nothing says what the SHA-256 of {what} must be: there is no {}. Give `sha256`, or \
             accept it as it is with `unverified: true`: amend the input that it is taken from",
            self.looked.join(" and no ")
        ))
    }

    /// That `what` has the digest it must have.
    ///
    /// # Errors
    /// One line: both digests, and who says so.
    pub fn check(&self, what: &str, found: &str) -> Result<(), String> {
        let differs = |source: &str, wanted: &str| {
            Err(format!(
                "{what} has the SHA-256 {found}, and {source} says {wanted}: it was changed or \
                 damaged; fetch it again, or use another one"
            ))
        };
        match (&self.manifest, &self.sha256) {
            (Some((place, read)), _) if read.sha256 != found => differs(place, &read.sha256),
            (_, Some(wanted)) if wanted != found => differs("`sha256`", wanted),
            _ => Ok(()),
        }
    }
}

impl Manifest {
    fn read(place: String, bytes: &[u8]) -> Result<(String, Self), String> {
        let mut read: Self = serde_json::from_slice(bytes).map_err(|e| unusable(&place, &e))?;
        read.sha256 = digest(&read.sha256, "its `sha256`").map_err(|e| unusable(&place, &e))?;
        Ok((place, read))
    }
}

/// An argument that a runbook may leave empty.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn unread(place: &str, e: &dyn std::fmt::Display) -> String {
    format!("the manifest {place} cannot be read: {e}")
}

fn unusable(place: &str, e: &dyn std::fmt::Display) -> String {
    format!(
        "the manifest {place} cannot be used: {e}; it must be JSON such as \
         {{\"date\": \"2026-11-20\", \"sha256\": \"…\"}}"
    )
}

fn digest(text: &str, what: &str) -> Result<String, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text)
    } else {
        Err(format!("{what} is not 64 hexadecimal digits"))
    }
}

/// Where a manifest may lie: `shop.sql.gz` has `shop.sql.gz.manifest.json`, `shop.sql.manifest.json` or
/// `shop.manifest.json`. A path or a key.
pub(super) fn beside(name: &str) -> Vec<String> {
    let mut stem = name;
    let mut found = vec![format!("{stem}.manifest.json")];
    for ending in [".gz", ".sql", ".dump"] {
        if let Some(rest) = stem.strip_suffix(ending) {
            stem = rest;
            found.push(format!("{stem}.manifest.json"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Expected, beside};

    #[test]
    fn a_manifest_lies_beside_its_backup_with_or_without_the_endings() {
        let names = |name| beside(name).join(" ");
        assert_eq!(
            names("pg/shop.sql.gz"),
            "pg/shop.sql.gz.manifest.json pg/shop.sql.manifest.json pg/shop.manifest.json"
        );
        assert_eq!(names("shop.dump"), "shop.dump.manifest.json shop.manifest.json");
        assert_eq!(names("shop"), "shop.manifest.json");
    }

    #[test]
    fn a_backup_that_nobody_vouches_for_wants_the_operators_word() {
        let looked = vec!["a.manifest.json".to_owned(), "b.manifest.json".to_owned()];
        let nobody = Expected { looked, ..Expected::default() };
        let said = nobody.or_accepted("a.sql", false).unwrap_err();
        assert!(said.contains("there is no a.manifest.json and no b.manifest.json"), "{said}");
        assert!(said.contains("`unverified: true`"), "{said}");
        assert_eq!(nobody.or_accepted("a.sql", true), Ok(()));
        assert_eq!(nobody.check("a.sql", "whatever"), Ok(()));
    }
}
