//! Looking at an archive where it lies: what S3 says of it, and what is in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};

use super::manifest::Manifest;
use super::place::{ANCHORS, Folder, OfRun, Place};
use super::upload::ON_REQUEST;
use super::vault::{Lock, Vault, Version};
use crate::aws::object::Reading;
use crate::aws::{AwsAccess, Failure};
use crate::engine::Fact;
use crate::engine::event::Archived;
use crate::journal::{self, Auditor, Checkpoint, Finding, ReadError, Verdict, sha256_hex};

/// Larger is no checkpoint.
const MOST_CHECKPOINT: u64 = 4096;

/// An archive that was fetched, and what S3 says of it.
#[derive(Debug)]
pub struct Fetched {
    /// The run as it was archived.
    pub dir: PathBuf,
    /// Where it lies.
    pub from: String,
    manifest: Manifest,
    found: Vec<(Finding, String)>,
    notes: Vec<String>,
    /// Other archives of the run, and what their journals hold.
    others: Vec<(String, Vec<u8>)>,
    /// The heads that lie there, by their keys.
    heads: Vec<(String, Option<Checkpoint>)>,
    versions: BTreeMap<String, Vec<Version>>,
    place: Place,
}

/// Why no archive was fetched; one line each.
#[derive(Debug, thiserror::Error)]
pub enum NotFetched {
    /// What was named cannot be an archive.
    #[error("{0}")]
    NoPlace(String),
    /// There is no whole archive.
    #[error("{0}")]
    NotWhole(String),
    /// It cannot be had.
    #[error("{0}")]
    Failed(String),
}

impl From<String> for NotFetched {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

/// Fetches the newest whole archive of the run at `uri`, or the one that it names, into the directory `into`.
///
/// # Errors
/// See [`NotFetched`].
pub async fn fetch(
    access: &AwsAccess,
    uri: &str,
    into: &Path,
    now: DateTime<Utc>,
) -> Result<Fetched, NotFetched> {
    let OfRun { place, run, folder } = OfRun::parse(uri).map_err(NotFetched::NoPlace)?;
    let vault = Vault::at(access, place).await;
    let keys = vault.place.of(&run);
    let mut versions: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    for version in vault.versions(&keys).await.map_err(|failure| failure.message)? {
        versions.entry(version.key.clone()).or_default().push(version);
    }
    for of_key in versions.values_mut() {
        of_key.sort_by_key(|version| version.modified);
    }
    let (whole, unfinished) = folders(&versions, &keys);
    let wanted = match &folder {
        Some(name) => whole.iter().find(|it| it.name() == *name),
        None => whole.last(),
    };
    let Some(wanted) = wanted.cloned() else {
        return Err(NotFetched::NotWhole(nothing(&vault.place, &run, &versions, &unfinished)));
    };
    let from = format!("{}/{}", vault.place.uri(&run), wanted.name());
    let mut looking =
        Looking { vault: &vault, versions: &versions, found: Vec::new(), notes: Vec::new() };
    let base = format!("{keys}{}/", wanted.name());
    let manifest = looking.manifest(&base).await?;
    let dir = into.join(&run);
    fs::create_dir_all(&dir).map_err(|e| format!("{} cannot be made: {e}", dir.display()))?;
    for object in &manifest.objects {
        looking.object(&base, object, &dir, manifest.retain_until, now).await?;
    }
    looking.strays(&base, &manifest);
    let newer = unfinished.iter().filter(|it| **it > wanted).map(Folder::name);
    for name in newer {
        looking.notes.push(format!("{name} was never finished: nothing of it is looked at"));
    }
    let mut others = Vec::new();
    for other in whole.iter().filter(|it| **it != wanted) {
        let key = format!("{keys}{}/{}", other.name(), journal::JOURNAL);
        others.push((other.name(), looking.first(&key, u64::MAX).await?));
    }
    let mut heads = Vec::new();
    let anchors = format!("{keys}{ANCHORS}/");
    for key in versions.keys().filter(|key| key.starts_with(&anchors)) {
        looking.untouched(key);
        let text = looking.first(key, MOST_CHECKPOINT).await?;
        heads.push((key.clone(), Checkpoint::parse(&text)));
    }
    let Looking { found, notes, .. } = looking;
    let place = vault.place;
    Ok(Fetched { dir, from, manifest, found, notes, others, heads, versions, place })
}

/// The archives that are whole, and those that are not, each in their order.
fn folders(versions: &BTreeMap<String, Vec<Version>>, keys: &str) -> (Vec<Folder>, Vec<Folder>) {
    let of = |key: &String| Folder::parse(key.strip_prefix(keys)?.split('/').next()?);
    let mut all: Vec<Folder> = versions.keys().filter_map(of).collect();
    all.sort();
    all.dedup();
    all.into_iter().partition(|folder| {
        versions.contains_key(&format!("{keys}{}/{}", folder.name(), Manifest::FILE))
    })
}

fn nothing(
    place: &Place,
    run: &str,
    versions: &BTreeMap<String, Vec<Version>>,
    unfinished: &[Folder],
) -> String {
    let uri = place.uri(run);
    if let Some(last) = unfinished.last() {
        return format!(
            "{uri} holds no whole archive: {} was never finished; upload again",
            last.name()
        );
    }
    let anchors = format!("{}{ANCHORS}/", place.of(run));
    if versions.keys().any(|key| key.starts_with(&anchors)) {
        return format!(
            "{uri} holds the head of this run's journal and no archive of it: whoever has the run can \
             upload it"
        );
    }
    format!("nothing lies at {uri}: check the bucket, the prefix and the run")
}

/// What is found on the way.
struct Looking<'a> {
    vault: &'a Vault,
    versions: &'a BTreeMap<String, Vec<Version>>,
    found: Vec<(Finding, String)>,
    notes: Vec<String>,
}

impl Looking<'_> {
    fn name<'k>(&self, key: &'k str) -> &'k str {
        key.rsplit_once(&format!("{}/", self.vault.place.prefix)).map_or(key, |(_, name)| name)
    }

    /// Nobody has put or deleted anything at the key after its first version.
    fn untouched(&mut self, key: &str) {
        let later = self.versions.get(key).into_iter().flatten().skip(1);
        for version in later {
            let when = version.modified.map(|at| at.to_rfc3339()).unwrap_or_default();
            let sentence = if version.deleted {
                format!(
                    "{} was deleted by a marker, {when}; what it hides is judged",
                    self.name(key)
                )
            } else {
                let id = &version.id;
                format!(
                    "{} was overwritten by a later version, {id}, {when}; the first one is judged",
                    self.name(key)
                )
            };
            self.found.push((Finding::Modified, sentence));
        }
    }

    /// The first version at a key: the one that nobody could replace.
    async fn first(&self, key: &str, most: u64) -> Result<Vec<u8>, String> {
        let version = self.versions.get(key).and_then(|it| it.iter().find(|it| !it.deleted));
        let Some(version) = version else { return Ok(Vec::new()) };
        let bytes = self.vault.bytes(key, Some(&version.id), most).await;
        bytes.map(|(_, bytes)| bytes).map_err(|failure| failure.message)
    }

    async fn manifest(&mut self, base: &str) -> Result<Manifest, String> {
        let key = format!("{base}{}", Manifest::FILE);
        self.untouched(&key);
        let bytes = self.first(&key, Manifest::MOST_BYTES).await?;
        Manifest::parse(&bytes)
            .map_err(|why| format!("s3://{}/{key} cannot be read: {why}", self.vault.place.bucket))
    }

    /// Fetches one object of the archive and says what is odd about it.
    async fn object(
        &mut self,
        base: &str,
        object: &Archived,
        dir: &Path,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let name = object.key.strip_prefix(base).unwrap_or_default();
        let inside = Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
        if name.is_empty() || !inside {
            let sentence = format!("{} names {}: outside the archive", Manifest::FILE, object.key);
            self.found.push((Finding::Modified, sentence));
            return Ok(());
        }
        self.untouched(&object.key);
        let versions = self.versions.get(&object.key).map_or(&[][..], Vec::as_slice);
        if !versions.iter().any(|it| it.id == object.version && !it.deleted) {
            let version = &object.version;
            let sentence =
                format!("{name}: the version that was archived, {version}, is not there");
            self.found.push((Finding::Incomplete, sentence));
            return Ok(());
        }
        self.lock(name, object, until, now).await;
        match self.keep(object, &dir.join(name)).await? {
            sha256 if sha256 == object.sha256 => {}
            _ => {
                let sentence = format!("{name} is not what was archived: its SHA-256 is another");
                self.found.push((Finding::Modified, sentence));
            }
        }
        Ok(())
    }

    async fn lock(
        &mut self,
        name: &str,
        object: &Archived,
        until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) {
        if now > until {
            return self.once(format!("its locks ended {}: it may be deleted", until.date_naive()));
        }
        match self.vault.lock(&object.key, &object.version).await {
            Ok(Lock::Compliance(locked)) if locked >= until => {}
            Ok(Lock::Compliance(locked)) => {
                let sentence = format!("{name} is locked until {locked}, not until {until}");
                self.found.push((Finding::Modified, sentence));
            }
            Ok(Lock::Weak(how)) => {
                let sentence = format!("{name} is {how}, not locked until {until}");
                self.found.push((Finding::Modified, sentence));
            }
            Err(Failure { message, .. }) => self.once(format!("locks cannot be seen: {message}")),
        }
    }

    fn once(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Writes the archived version to a file, and says what it hashes to.
    async fn keep(&self, object: &Archived, path: &Path) -> Result<String, String> {
        let failed = |failure: Failure| failure.message;
        let vault = self.vault;
        let version = Some(object.version.as_str());
        let there =
            vault.s3.head(&vault.place.bucket, &object.key, version).await.map_err(failed)?;
        let written = |e: std::io::Error| format!("{} cannot be written: {e}", path.display());
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(written)?;
        let mut file = fs::File::create_new(path).map_err(written)?;
        let mut hash = <sha2::Sha256 as sha2::Digest>::new();
        let mut reader = vault.s3.read(&there, Reading::default());
        while let Some(bytes) = reader.next().await.map_err(failed)? {
            sha2::Digest::update(&mut hash, &bytes);
            std::io::Write::write_all(&mut file, &bytes).map_err(written)?;
        }
        Ok(hex::encode(sha2::Digest::finalize(hash)))
    }

    /// What lies in the archive's folder and is not of it.
    fn strays(&mut self, base: &str, manifest: &Manifest) {
        let known = |key: &String| {
            key.strip_prefix(base) == Some(Manifest::FILE)
                || manifest.objects.iter().any(|object| object.key == *key)
        };
        let strays = self.versions.keys().filter(|key| key.starts_with(base) && !known(key));
        let notes =
            strays.map(|key| format!("{} lies there and is not of the archive", self.name(key)));
        let notes: Vec<_> = notes.collect();
        self.notes.extend(notes);
    }
}

impl Fetched {
    /// Judges the run that was fetched, as one beside us would be, and what S3 says of it.
    ///
    /// # Errors
    /// When it cannot be read, or the auditor cannot judge.
    pub fn verdict(&self, auditor: Option<&dyn Auditor>) -> Result<Verdict, ReadError> {
        let left_out: Vec<&str> = ON_REQUEST
            .into_iter()
            .filter(|folder| self.manifest.left_out.iter().any(|it| it == folder))
            .collect();
        let mut verdict = journal::verify_copy(&self.dir, auditor, &left_out)?;
        let journal = fs::read(self.dir.join(journal::JOURNAL)).unwrap_or_default();
        let lines: Vec<&[u8]> = journal.split_inclusive(|b| *b == b'\n').collect();
        let head = |seq: u64| {
            let place = usize::try_from(seq).ok()?.checked_sub(1)?;
            lines.get(place).map(|line| sha256_hex(line))
        };
        for (finding, sentence) in &self.found {
            verdict.add(*finding, sentence.clone());
        }
        if verdict.records != self.manifest.anchor || verdict.head != self.manifest.head {
            let sentence = format!("{} is of another journal than lies beside it", Manifest::FILE);
            verdict.add(Finding::Modified, sentence);
        }
        for (name, other) in &self.others {
            if !journal.starts_with(other) && !other.starts_with(&journal) {
                let sentence = format!("the archive {name} tells another history of this run");
                verdict.add(Finding::Forked, sentence);
            } else if other.len() > journal.len() {
                verdict.notes.push(format!("{name} goes on where this archive ends"));
            }
        }
        for (key, checkpoint) in &self.heads {
            let Some(checkpoint) = checkpoint.as_ref().filter(|it| it.run == verdict.run) else {
                verdict.add(Finding::Modified, format!("{key} is not the head of this run"));
                continue;
            };
            match head(checkpoint.seq) {
                Some(head) if head == checkpoint.head => {}
                Some(_) => {
                    let sentence = format!(
                        "{key} was put there of another history: record {} had another hash then",
                        checkpoint.seq
                    );
                    verdict.add(Finding::Forked, sentence);
                }
                None => {
                    let seq = checkpoint.seq;
                    let sentence =
                        format!("{key} is the head at record {seq}: records are missing");
                    verdict.add(Finding::Truncated, sentence);
                }
            }
        }
        self.recorded(&mut verdict);
        verdict.notes.extend(self.notes.iter().cloned());
        let until = self.manifest.retain_until.date_naive();
        verdict.notes.push(format!(
            "{}: {} objects, locked until {until}",
            self.from,
            self.manifest.objects.len() + 1
        ));
        Ok(verdict)
    }

    /// What the journal says was put there earlier must still be there.
    fn recorded(&self, verdict: &mut Verdict) {
        let Ok(contents) = journal::read(&self.dir) else { return };
        for recorded in &contents.records {
            let Fact::Anchored(anchored) = &recorded.event.fact else { continue };
            let seq = recorded.seq;
            if anchored.bucket != self.place.bucket {
                let bucket = &anchored.bucket;
                verdict.notes.push(format!("record {seq} tells of s3://{bucket}: not looked at"));
                continue;
            }
            let keys = self.place.of(&verdict.run);
            for object in &anchored.objects {
                let elsewhere = !object.key.starts_with(&keys);
                let there = self.versions.get(&object.key).into_iter().flatten();
                if !elsewhere && !there.into_iter().any(|it| it.id == object.version && !it.deleted)
                {
                    let (key, version) = (&object.key, &object.version);
                    let sentence =
                        format!("{key}, version {version}, named by record {seq}, is not there");
                    verdict.add(Finding::Incomplete, sentence);
                }
            }
        }
    }
}
