//! Where a dump comes from: a file of this machine, or an object of S3.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::dump::{Dump, Format, begins, inspect};
use super::load::WHOLE;
use crate::actions::manifest::Expected;
use crate::actions::{Context, Progress};
use crate::aws::object::{Object, Reading};
use crate::aws::s3::{S3, split};
use crate::runbook::{Request, Resolved, Value};
use crate::supervisor;

/// Between two words on how far the check of a file is.
const WORD: Duration = Duration::from_secs(1);
/// Enough to see what a dump is, packed or not.
const HEAD: u64 = 64 * 1024;

/// A dump that was found, and what its digest must be.
pub(super) struct Backup {
    place: Place,
    declared: Option<Format>,
    pub expected: Arc<Expected>,
}

enum Place {
    File(PathBuf),
    Object(Box<Object>, S3),
}

impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => path.display().fmt(f),
            Place::Object(object, _) => object.fmt(f),
        }
    }
}

impl Backup {
    /// The one that a request names.
    ///
    /// # Errors
    /// One line: it is not there, or nobody vouches for it.
    pub async fn of(cx: &Context, request: &Request) -> Result<Self, String> {
        let name = request.text("file").unwrap_or_default();
        let declared = match request.text("format") {
            Some("plain") => Some(Format::Plain),
            Some("custom") => Some(Format::Custom),
            Some(_) | None => None,
        };
        let (sha256, manifest) = (request.text("sha256"), request.text("manifest"));
        let (place, expected) = if name.starts_with("s3://") {
            let (bucket, key) = split(name)?;
            let s3 = S3::connect(&cx.aws).await;
            let version = request.text("version").filter(|it| !it.is_empty());
            let object = s3.head(bucket, key, version).await.map_err(|failure| failure.message)?;
            if let Some(etag) = request.text("etag").filter(|etag| *etag != object.etag) {
                return Err(format!(
                    "{object} has the ETag {} and not {etag}: it was changed since it was looked at",
                    object.etag
                ));
            }
            let expected = Expected::of_object(&s3, &object, sha256, manifest).await?;
            (Place::Object(Box::new(object), s3), expected)
        } else {
            let path = PathBuf::from(name);
            let expected = Expected::of_file(&path, sha256, manifest)?;
            (Place::File(path), expected)
        };
        let backup = Self { place, declared, expected: Arc::new(expected) };
        backup.expected.or_accepted(&backup.to_string(), request.flag("unverified"))?;
        // Two who vouch must agree.
        if let Some(sha256) = backup.expected.sha256() {
            backup.expected.check(&format!("according to `sha256`, {backup}"), sha256)?;
        }
        Ok(backup)
    }

    /// Adds to a request what was found, so that the attempt loads what the operator has seen.
    pub fn pin(&self, request: &mut Request) {
        let mut add = |key: &str, value: Value| {
            if request.arg(key).is_none() {
                request.args.push((key.to_owned(), Resolved::Value(value)));
            }
        };
        if let Place::Object(object, _) = &self.place {
            add("size", Value::Int(i64::try_from(object.size).unwrap_or(i64::MAX)));
            add("etag", Value::String(object.etag.clone()));
            if let Some(version) = &object.version {
                add("version", Value::String(version.clone()));
            }
        }
        if let Some(manifest) = self.expected.manifest() {
            request.args.retain(|(key, _)| key != "manifest");
            let manifest = Resolved::Value(Value::String(manifest.to_owned()));
            request.args.push(("manifest".to_owned(), manifest));
        }
    }

    /// Reads a file to its end, and of an object the beginning.
    ///
    /// # Errors
    /// One line: why it must not be loaded.
    pub async fn inspect(&self, cx: &Context) -> Result<Dump, String> {
        match &self.place {
            Place::File(path) => self.inspect_file(cx, path).await,
            Place::Object(..) => self.begins().await,
        }
    }

    /// What it is, told by its beginning.
    ///
    /// # Errors
    /// One line: it cannot be read, or is no dump.
    pub async fn begins(&self) -> Result<Dump, String> {
        let (head, bytes) = match &self.place {
            Place::File(path) => {
                let path = path.clone();
                let read = move || {
                    let mut head = Vec::new();
                    let file = File::open(path)?;
                    let bytes = file.metadata()?.len();
                    file.take(HEAD).read_to_end(&mut head)?;
                    Ok::<_, std::io::Error>((head, bytes))
                };
                let read = tokio::task::spawn_blocking(read).await.map_err(|e| e.to_string())?;
                read.map_err(|e| format!("the dump {self} cannot be read: {e}"))?
            }
            Place::Object(object, s3) => {
                let reading = Reading { part: HEAD, ahead: 1, ..Reading::default() };
                let mut reader = s3.read(object, reading);
                let mut head = Vec::new();
                while (head.len() as u64) < HEAD {
                    match reader.next().await.map_err(|failure| failure.message)? {
                        Some(bytes) => head.extend_from_slice(&bytes),
                        None => break,
                    }
                }
                (head, object.size)
            }
        };
        if bytes == 0 {
            return Err(format!("the dump {self} is empty: take another backup"));
        }
        let format = begins(&head, self.declared).map_err(|why| format!("{self} {why}"))?;
        Ok(Dump { format, sha256: None, bytes })
    }

    async fn inspect_file(&self, cx: &Context, path: &Path) -> Result<Dump, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut reading = tokio::task::spawn_blocking({
            let (stop, progress) = (stop.clone(), cx.progress.clone());
            let (file, declared, expected) =
                (path.to_owned(), self.declared, self.expected.clone());
            move || {
                let mut last = Instant::now();
                inspect(&file, declared, &expected, |read, all| {
                    if last.elapsed() >= WORD {
                        last = Instant::now();
                        let fraction = Some(read as f64 / all.max(1) as f64);
                        let message = format!("checking {}", file.display());
                        // A full channel is no reason to wait.
                        drop(progress.try_send(Progress::Status { message, fraction }));
                    }
                    !stop.load(Ordering::Relaxed)
                })
            }
        });
        let read = tokio::select! {
            read = &mut reading => read,
            () = cx.cancel.cancelled() => {
                stop.store(true, Ordering::Relaxed);
                reading.await
            }
        };
        read.map_err(|e| format!("the dump could not be checked: {e}"))?
    }

    /// For the loader, by way of its supervisor: held to the digest that was found or is wanted.
    pub fn feed(&self, dump: &Dump) -> supervisor::Backup {
        let wanted = dump.sha256.as_deref().or(self.expected.sha256());
        supervisor::Backup {
            from: match &self.place {
                Place::File(path) => supervisor::From::File(path.clone()),
                Place::Object(object, s3) => supervisor::From::Object(Box::new(supervisor::InS3 {
                    access: s3.access.clone(),
                    object: (**object).clone(),
                })),
            },
            bytes: dump.bytes,
            sha256: wanted.map(str::to_owned),
            after: WHOLE.to_owned(),
        }
    }
}
