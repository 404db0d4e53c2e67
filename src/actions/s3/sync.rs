//! `s3.sync`

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::copy::copy;
use super::fetch::{Fetch, blocking};
use super::listing::{Item, below};
use super::retry::patiently;
use super::{Place, connect, failed, int, reach, set, text};
use crate::actions::manifest::Expected;
use crate::actions::meter::{Meter, size};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::s3::S3;
use crate::aws::{Failure, object::Object};
use crate::runbook::{Request, Resolved, Value};

/// Copies inside S3 at a time.
const COPIES: usize = 8;
/// Downloads at a time; each reads ahead on its own.
const DOWNLOADS: usize = 2;
/// More than so many are not deleted by one step.
const DELETES: usize = 1000;

/// `s3.sync`
pub(super) struct Sync;

impl Action for Sync {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            if !request.flag("delete") {
                let (from, to) = (Place::of_prefix(&request, "from")?, To::of(&request)?);
                to.apart_from(&from)?;
                return Ok(request);
            }
            let plan = Plan::of(&cx, &request).await;
            let plan = plan.map_err(|why| cx.redactor.clean(why))?;
            set(&mut request, "deletes", Value::List(plan.deletes.iter().map(text).collect()));
            Ok(request)
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let plan = tokio::select! {
                () = cx.cancel.cancelled() => Err("cancelled".to_owned()),
                plan = Plan::of(&cx, &request) => plan,
            };
            match plan {
                Ok(plan) => plan.run(&cx).await,
                Err(why) => failed(&cx, format!("{why}; nothing was copied")),
            }
        })
    }

    fn find(&self, _cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        Box::pin(std::future::ready(Found::CannotTell(
            "it ended somewhere on its way: what was copied is whole, and trying again goes on with \
             what is not there yet"
                .into(),
        )))
    }
}

/// Where things are copied to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Prefix(Place),
    Directory(PathBuf),
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(place) => place.fmt(f),
            Self::Directory(path) => path.display().fmt(f),
        }
    }
}

impl To {
    fn of(request: &Request) -> Result<Self, String> {
        let to = request.text("to").unwrap_or_default();
        if to.starts_with("s3://") {
            return Ok(Self::Prefix(Place::from_uri(to)?.into_prefix()));
        }
        let path = PathBuf::from(to);
        if path.is_dir() {
            return Ok(Self::Directory(path));
        }
        Err(format!("`to` is `{to}`: neither s3://bucket/prefix/ nor a directory that is there"))
    }

    fn apart_from(&self, from: &Place) -> Result<(), String> {
        match self {
            Self::Prefix(to)
                if to.bucket == from.bucket
                    && (to.key.starts_with(&from.key) || from.key.starts_with(&to.key)) =>
            {
                Err(format!("{from} and {to} lie one in the other: choose prefixes apart"))
            }
            Self::Prefix(_) | Self::Directory(_) => Ok(()),
        }
    }

    /// What is there, by name.
    async fn there(&self, cx: &Context, s3: &S3) -> Result<BTreeMap<String, There>, String> {
        match self {
            Self::Prefix(place) => {
                let items = below(cx, s3, place).await?.into_iter().filter_map(|it| {
                    let name = it.key.strip_prefix(&place.key)?.to_owned();
                    Some((name, There { size: it.size, modified: it.modified }))
                });
                Ok(items.collect())
            }
            Self::Directory(path) => {
                let (root, shown) = (path.clone(), path.display().to_string());
                let files = blocking(move || files(&root)).await?;
                files.map_err(|e| format!("{shown} cannot be read: {e}"))
            }
        }
    }
}

/// Something at the target.
struct There {
    size: u64,
    modified: Option<DateTime<Utc>>,
}

/// The files below a directory, by their path from there. Links are neither followed nor told of.
fn files(root: &Path) -> std::io::Result<BTreeMap<String, There>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                left.push(path);
            } else if kind.is_file()
                && let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str)
            {
                let there = entry.metadata()?;
                let modified = there.modified().ok().map(DateTime::<Utc>::from);
                found.insert(name.to_owned(), There { size: there.len(), modified });
            }
        }
    }
    Ok(found)
}

/// What is to be done.
struct Plan {
    /// Where the source is.
    far: S3,
    /// Where the target is, when it is in S3.
    near: S3,
    from: Place,
    to: To,
    /// Names and what they are at the source.
    copies: Vec<(String, Item)>,
    same: usize,
    deletes: Vec<String>,
}

impl Plan {
    async fn of(cx: &Context, request: &Request) -> Result<Self, String> {
        let (from, to) = (Place::of_prefix(request, "from")?, To::of(request)?);
        to.apart_from(&from)?;
        let (far, near) = tokio::join!(reach(cx, &from), connect(cx));
        let (items, there) = tokio::try_join!(below(cx, &far, &from), to.there(cx, &near))?;
        let wanted: BTreeMap<String, Item> = items
            .into_iter()
            .filter_map(|it| Some((it.key.strip_prefix(&from.key)?.to_owned(), it)))
            .collect();
        let deletes = match request.flag("delete") {
            true if wanted.is_empty() => {
                return Err(format!(
                    "there is nothing below {from}: with `delete` that would empty {to}; check the prefix"
                ));
            }
            true => {
                let agreed = agreed(request);
                let extra = there.keys().filter(|it| !wanted.contains_key(*it));
                extra
                    .filter(|it| agreed.as_ref().is_none_or(|list| list.contains(it)))
                    .cloned()
                    .collect()
            }
            false => Vec::new(),
        };
        if deletes.len() > DELETES {
            return Err(format!(
                "{} would be deleted from {to}, and one step deletes no more than {DELETES}: check the \
                 prefixes",
                deletes.len()
            ));
        }
        let all = wanted.len();
        let mut copies = Vec::new();
        for (name, item) in wanted {
            if matches!(to, To::Directory(_)) && !is_plain(&name) {
                return Err(format!(
                    "s3://{}/{} cannot be the name of a file",
                    from.bucket, item.key
                ));
            }
            let is_there = there
                .get(&name)
                .is_some_and(|there| there.size == item.size && there.modified >= item.modified);
            if !is_there {
                copies.push((name, item));
            }
        }
        let same = all - copies.len();
        Ok(Self { far, near, from, to, copies, same, deletes })
    }

    async fn run(&self, cx: &Context) -> Finish {
        let bytes: u64 = self.copies.iter().map(|(_, it)| it.size).sum();
        let mut meter = Meter::new(format!("syncing {}", self.to), 0, bytes);
        let (mut copied, mut sent, mut deleted) = (0_usize, 0, 0_usize);
        let work = async {
            let at_once = match self.to {
                To::Prefix(_) => COPIES,
                To::Directory(_) => DOWNLOADS,
            };
            let copies = stream::iter(self.copies.clone()).map(|(name, item)| async move {
                self.copy(cx, &name, &item).await.map(|()| item.size)
            });
            let mut copies = copies.buffer_unordered(at_once);
            while let Some(size) = copies.try_next().await? {
                (copied, sent) = (copied + 1, sent + size);
                meter.tell(cx, sent, None);
            }
            // Last, so that nothing is gone before everything has come.
            let deletes = stream::iter(self.deletes.clone())
                .map(|name| async move { self.delete(&name).await });
            let mut deletes = deletes.buffer_unordered(COPIES);
            while let Some(()) = deletes.try_next().await? {
                deleted += 1;
            }
            Ok::<_, String>(())
        };
        let ended = tokio::select! {
            () = cx.cancel.cancelled() => Err("cancelled".to_owned()),
            ended = work => ended,
        };
        if let Err(why) = ended {
            return failed(
                cx,
                format!(
                    "{why}; {copied} of {} were copied, each whole, and {deleted} of {} deleted: trying \
                     again goes on",
                    self.copies.len(),
                    self.deletes.len()
                ),
            );
        }
        let message = format!(
            "{copied} copied ({}), {} were there, {deleted} deleted: {} is as {}",
            size(sent),
            self.same,
            self.to,
            self.from
        );
        let result = Value::map([
            ("copied", int(copied as u64)),
            ("bytes", int(sent)),
            ("same", int(self.same as u64)),
            ("deleted", int(deleted as u64)),
        ]);
        Finish::succeeded(cx.redactor.clean(message), result)
    }

    async fn copy(&self, cx: &Context, name: &str, item: &Item) -> Result<(), String> {
        let object = Object {
            bucket: self.from.bucket.clone(),
            key: item.key.clone(),
            version: None,
            etag: item.etag.clone(),
            size: item.size,
            modified: item.modified,
        };
        match &self.to {
            To::Prefix(to) => {
                let to = Place { bucket: to.bucket.clone(), key: format!("{}{name}", to.key) };
                let copied = patiently(|| copy(&self.near, &object, &to)).await;
                copied.map(drop).map_err(|failure| format!("{object}: {failure}"))
            }
            To::Directory(root) => {
                let path = root.join(name);
                let parent = path.parent().unwrap_or(root);
                std::fs::create_dir_all(parent)
                    .map_err(|e| format!("{}: {e}", parent.display()))?;
                let expected = Expected::default();
                let fetch =
                    Fetch { object: &object, to: &path, overwrite: true, expected: &expected };
                let mut meter = Meter::new(format!("downloading {name}"), 0, object.size);
                fetch.run(cx, &self.far, &mut meter).await.map(drop)
            }
        }
    }

    async fn delete(&self, name: &str) -> Result<(), String> {
        match &self.to {
            To::Prefix(to) => {
                let (s3, key) = (&self.near, format!("{}{name}", to.key));
                let removed = patiently(|| async {
                    let asked = s3.client.delete_object().bucket(&to.bucket).key(&key).send().await;
                    asked.map(drop).map_err(|error| s3.failure("s3:DeleteObject", &error))
                });
                removed
                    .await
                    .map_err(|failure: Failure| format!("s3://{}/{key}: {failure}", to.bucket))
            }
            To::Directory(root) => {
                let path = root.join(name);
                std::fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))
            }
        }
    }
}

/// The names that were consented to.
fn agreed(request: &Request) -> Option<Vec<String>> {
    match request.arg("deletes")? {
        Resolved::Value(Value::List(names)) => Some(names.iter().map(Value::to_string).collect()),
        Resolved::List(names) => Some(names.iter().map(Resolved::shown).collect()),
        Resolved::Value(_) | Resolved::Text(_) | Resolved::Map(_) | Resolved::Expr(_) => None,
    }
}

/// Whether a key's rest can be a path below a directory, and nowhere else.
fn is_plain(name: &str) -> bool {
    !name.contains('\0')
        && !name.contains("//")
        && Path::new(name).components().all(|it| matches!(it, Component::Normal(_)))
        && !name.split('/').any(|it| it == "." || it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_leads_out_of_the_directory_is_no_name() {
        assert!(is_plain("a") && is_plain("a/b.c/..d"));
        for name in ["", "/etc/passwd", "../a", "a/../b", "a//b", "./a", "a/.", "a\0b"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn prefixes_must_lie_apart() {
        let place = |uri| Place::from_uri(uri).unwrap().into_prefix();
        let apart = |from, to| To::Prefix(place(to)).apart_from(&place(from)).is_ok();
        assert!(apart("s3://a/x", "s3://b/x"));
        assert!(apart("s3://a/x", "s3://a/xy"));
        assert!(!apart("s3://a/x", "s3://a/x/y"));
        assert!(!apart("s3://a/x", "s3://a"));
        assert!(!apart("s3://a/x/", "s3://a/x"));
    }
}
