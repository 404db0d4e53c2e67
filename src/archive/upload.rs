//! A run directory, put there whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::place::Folder;
use super::put::{Body, NotPut, Parcel};
use super::vault::Vault;
use crate::engine::event::{Anchored, Archived, Kept};
use crate::journal::{self, Checkpoint};

/// What is always archived, besides the journal: files, and folders with all that is in them.
const FILES: [&str; 3] = [journal::RUNBOOK, journal::SETTINGS, journal::VERIFY];
const FOLDERS: [&str; 4] = [journal::INCLUDED, "checkpoints", "approvals", "sign-offs"];
const REPORTS: &str = "reports";
/// What is archived when it is asked for.
pub(super) const ON_REQUEST: [&str; 2] = ["output", "evidence"];
const SUMS: &str = "SHA256SUMS";
/// So often something else may lie where an archive of the same record would go.
const ATTEMPTS: u32 = 100;

/// What is to be archived.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The run directory; nobody writes its journal meanwhile.
    pub dir: &'a Path,
    /// Where the reports are that go along.
    pub reports: &'a Path,
    /// Up to where the journal goes.
    pub head: &'a Checkpoint,
    /// Of `output` and `evidence` those that go along.
    pub with: &'a BTreeSet<&'static str>,
    /// When this is.
    pub now: DateTime<Utc>,
    /// Until when it is locked.
    pub until: DateTime<Utc>,
}

/// Puts an archive of the run there. What an interrupted try of the same archive has put stays and counts.
///
/// # Errors
/// One line: why it is not there whole, and what to do.
pub async fn upload(vault: &Vault, wanted: &Wanted<'_>) -> Result<Anchored, String> {
    vault.refuse_unlocked().await?;
    let dir = wanted.dir.display();
    let mut parcels = parcels(wanted).map_err(|e| format!("{dir} cannot be read: {e}"))?;
    let sums: String =
        parcels.iter().map(|parcel| format!("{}  {}\n", parcel.sha256, parcel.name)).collect();
    parcels.push(Parcel::of_bytes(SUMS, sums.into_bytes()));
    for attempt in 1..=ATTEMPTS {
        let folder = Folder::new(wanted.head.seq, &wanted.head.head, attempt).name();
        let folder = format!("{}{folder}/", vault.place.of(&wanted.head.run));
        if let Some(anchored) = put_all(vault, wanted, &folder, &parcels).await? {
            return Ok(anchored);
        }
    }
    let place = vault.place.uri(&wanted.head.run);
    Err(format!("something else lies everywhere at {place}: see who writes there"))
}

/// Puts all of it into one folder; `None`: something else lies there.
async fn put_all(
    vault: &Vault,
    wanted: &Wanted<'_>,
    folder: &str,
    parcels: &[Parcel],
) -> Result<Option<Anchored>, String> {
    let list = format!("{folder}{}", Manifest::FILE);
    match vault.bytes(&list, None, Manifest::MOST_BYTES).await {
        Err(failure) if failure.is("NoSuchKey") => {}
        Err(failure) => return Err(failure.message),
        Ok((version, bytes)) => return Ok(whole(vault, folder, parcels, version, &bytes)),
    }
    let mut objects = Vec::new();
    for parcel in parcels {
        match vault.put(folder, parcel, wanted.until).await {
            Ok(object) => objects.push(object),
            Err(NotPut::Taken) => return Ok(None),
            Err(NotPut::Failed(why)) => {
                let (done, all) = (objects.len(), parcels.len() + 1);
                return Err(format!(
                    "{why}; {done} of {all} objects are there: give the same command again to go on"
                ));
            }
        }
    }
    let manifest = Manifest {
        steadyhand_archive: Manifest::VERSION,
        run: wanted.head.run.clone(),
        anchor: wanted.head.seq,
        head: wanted.head.head.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        made: wanted.now,
        retain_until: wanted.until,
        left_out: left_out(wanted),
        objects,
    };
    let parcel = Parcel::of_bytes(Manifest::FILE, manifest.text()?);
    let object = match vault.put(folder, &parcel, wanted.until).await {
        Ok(object) => object,
        Err(NotPut::Taken) => return Ok(None),
        Err(NotPut::Failed(why)) => {
            return Err(format!(
                "{why}; only the list of the objects is missing: give the same command again"
            ));
        }
    };
    vault.refuse_unheld(&object, wanted.until).await?;
    Ok(Some(anchored(vault, manifest, object)))
}

fn anchored(vault: &Vault, manifest: Manifest, list: Archived) -> Anchored {
    let mut objects = manifest.objects;
    objects.push(list);
    Anchored {
        anchor: manifest.anchor,
        head: manifest.head,
        what: Kept::Archive,
        bucket: vault.place.bucket.clone(),
        retain_until: manifest.retain_until,
        objects,
    }
}

/// The archive that a list is of, when it is the very one that is wanted: its record was lost, not it.
fn whole(
    vault: &Vault,
    folder: &str,
    parcels: &[Parcel],
    version: String,
    bytes: &[u8],
) -> Option<Anchored> {
    let manifest = Manifest::parse(bytes).ok()?;
    let wanted = parcels.iter().map(|parcel| (parcel.name.as_str(), parcel.sha256.as_str()));
    if !manifest.files(folder).eq(wanted) {
        return None;
    }
    let key = format!("{folder}{}", Manifest::FILE);
    let sha256 = hex::encode(Sha256::digest(bytes));
    let list = Archived { key, version, sha256, bytes: bytes.len() as u64 };
    Some(anchored(vault, manifest, list))
}

fn left_out(wanted: &Wanted<'_>) -> Vec<String> {
    ON_REQUEST.iter().filter(|it| !wanted.with.contains(*it)).map(|it| (*it).to_owned()).collect()
}

/// Everything that goes along, the journal first.
fn parcels(wanted: &Wanted<'_>) -> io::Result<Vec<Parcel>> {
    let mut parcels =
        vec![Parcel::of_bytes(journal::JOURNAL, fs::read(wanted.dir.join(journal::JOURNAL))?)];
    for name in FILES {
        if wanted.dir.join(name).symlink_metadata().is_ok() {
            parcels.push(file(&wanted.dir.join(name), name)?);
        }
    }
    for name in names(wanted.dir)? {
        // What a crash damaged at the end of the journal, and records tell of.
        if name.starts_with("journal.torn-") {
            parcels.push(file(&wanted.dir.join(&name), &name)?);
        }
    }
    let asked = ON_REQUEST.into_iter().filter(|it| wanted.with.contains(it));
    for folder in FOLDERS.into_iter().chain(asked) {
        let from = wanted.dir.join(folder);
        for name in names(&from)? {
            parcels.push(file(&from.join(&name), &format!("{folder}/{name}"))?);
        }
    }
    for name in names(wanted.reports)? {
        parcels.push(file(&wanted.reports.join(&name), &format!("{REPORTS}/{name}"))?);
    }
    Ok(parcels)
}

/// The files in a folder, sorted; drafts and what is no plain file are none. No folder, no files.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.file_type()?.is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn file(path: &Path, name: &str) -> io::Result<Parcel> {
    let (mut file, mut hash, mut length) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(buffer.get(..read).unwrap_or_default());
        length += read as u64;
    }
    let (name, path) = (name.to_owned(), path.to_owned());
    Ok(Parcel { name, body: Body::File(path), sha256: hex::encode(hash.finalize()), length })
}
