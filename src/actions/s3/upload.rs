//! `s3.upload`

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use super::copy::aborted;
use super::fetch::{blocking, sha256_of};
use super::retry::patiently;
use super::{Place, connect, failed, int, text};
use crate::actions::meter::{Meter, size};
use crate::actions::{Action, Context, Finish, Found};
use crate::aws::s3::S3;
use crate::aws::{Failure, Reached};
use crate::runbook::{Request, Value};

const CALL: &str = "s3:PutObject";
/// A file is sent in such parts, or larger ones when there would be too many.
const PART: u64 = 8 * 1024 * 1024;
const PARTS: u64 = 10_000;
/// So much of a file is in memory.
const IN_MEMORY: u64 = 40 * 1024 * 1024;

/// Metadata that tells which attempt has written an object.
const ATTEMPT: &str = "steadyhand-attempt";
const RUN: &str = "steadyhand-run";
const SHA256: &str = "sha256";

/// `s3.upload`
pub(super) struct Upload;

impl Action for Upload {
    fn complete(
        &self,
        cx: Context,
        request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        Box::pin(async move {
            let (from, place) = asked(&request)?;
            length(&from)?;
            let s3 = connect(&cx).await;
            let free = free(&s3, &place, request.flag("overwrite")).await;
            free.map(|()| request).map_err(|why| cx.redactor.clean(why))
        })
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            match upload(&cx, &request).await {
                Ok(finish) => finish,
                Err(why) => failed(&cx, format!("{why}; nothing was uploaded")),
            }
        })
    }

    fn find(&self, cx: Context, request: Request) -> BoxFuture<'static, Found> {
        Box::pin(async move {
            let place = match asked(&request) {
                Ok((_, place)) => place,
                Err(why) => return Found::CannotTell(why),
            };
            let said = match ours(&cx, &connect(&cx).await, &place).await {
                Ok(Some(_)) => {
                    return Found::Running(cx.redactor.clean(format!("{place} is there, whole")));
                }
                Ok(None) => format!(
                    "{place} was not written by this attempt; parts of it may be left: look with `aws \
                     s3api list-multipart-uploads --bucket {}`",
                    place.bucket
                ),
                Err(failure) => format!("cannot see {place}: {failure}"),
            };
            Found::CannotTell(cx.redactor.clean(said))
        })
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move {
            let place = match asked(&request) {
                Ok((_, place)) => place,
                Err(why) => return Finish::unknown(why),
            };
            match ours(&cx, &connect(&cx).await, &place).await {
                Ok(Some(written)) => written.finish(&cx, &place),
                Ok(None) => {
                    Finish::unknown(cx.redactor.clean(format!("{place} is another's by now")))
                }
                Err(failure) => Finish::unknown(cx.redactor.clean(failure.message)),
            }
        })
    }
}

fn asked(request: &Request) -> Result<(PathBuf, Place), String> {
    let from = PathBuf::from(request.text("from").unwrap_or_default());
    Ok((from, Place::of_object(request, "uri")?))
}

fn length(from: &Path) -> Result<u64, String> {
    let shown = from.display();
    let there = std::fs::metadata(from).map_err(|e| format!("{shown} cannot be read: {e}"))?;
    if there.is_file() { Ok(there.len()) } else { Err(format!("{shown} is not a file")) }
}

/// That nothing is there that must not be replaced.
async fn free(s3: &S3, place: &Place, overwrite: bool) -> Result<(), String> {
    if overwrite {
        return Ok(());
    }
    match s3.head(&place.bucket, &place.key, None).await {
        Ok(_) => Err(format!("{place} exists: choose another key, or say `overwrite: true`")),
        Err(failure) if failure.is("NoSuchKey") => Ok(()),
        Err(failure) => Err(failure.message),
    }
}

/// An object that is there.
struct Written {
    size: u64,
    sha256: String,
    version: String,
    etag: String,
}

impl Written {
    fn finish(&self, cx: &Context, place: &Place) -> Finish {
        let clean = |it: &str| text(cx.redactor.clean(it));
        let result = Value::map([
            ("uri", clean(&place.to_string())),
            ("bytes", int(self.size)),
            ("sha256", clean(&self.sha256)),
            ("version", clean(&self.version)),
            ("etag", clean(&self.etag)),
        ]);
        let message = format!("{} in {place}", size(self.size));
        Finish::succeeded(cx.redactor.clean(message), result)
    }
}

/// The object, when this attempt has written it.
async fn ours(cx: &Context, s3: &S3, place: &Place) -> Result<Option<Written>, Failure> {
    let there = s3.client.head_object().bucket(&place.bucket).key(&place.key).send().await;
    let there = match there.map_err(|error| s3.failure("s3:GetObject", &error)) {
        Ok(there) => there,
        Err(failure) if failure.is("NotFound") || failure.is("NoSuchKey") => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let said = |key: &str| there.metadata()?.get(key).cloned();
    if said(ATTEMPT).as_ref() != Some(&cx.token) || said(RUN).as_ref() != Some(&cx.run) {
        return Ok(None);
    }
    Ok(Some(Written {
        size: there.content_length().and_then(|it| u64::try_from(it).ok()).unwrap_or_default(),
        sha256: said(SHA256).unwrap_or_default(),
        version: there.version_id().unwrap_or_default().to_owned(),
        etag: there.e_tag().unwrap_or_default().to_owned(),
    }))
}

/// A file on its way.
struct Sending<'a> {
    cx: &'a Context,
    s3: S3,
    from: PathBuf,
    to: Place,
    length: u64,
    sha256: String,
    overwrite: bool,
}

async fn upload(cx: &Context, request: &Request) -> Result<Finish, String> {
    let (from, to) = asked(request)?;
    let (length, overwrite) = (length(&from)?, request.flag("overwrite"));
    let s3 = connect(cx).await;
    let file = from.clone();
    let sha256 = tokio::select! {
        () = cx.cancel.cancelled() => return Err("cancelled".into()),
        free = free(&s3, &to, overwrite) => {
            free?;
            blocking(move || sha256_of(&file)).await?.map_err(|e| format!("{}: {e}", from.display()))?
        }
    };
    let sending = Sending { cx, s3, from, to, length, sha256, overwrite };
    let sent = if length <= PART { sending.whole().await } else { sending.in_parts().await };
    let Err(failure) = sent else {
        let written = ours(cx, &sending.s3, &sending.to).await.map_err(|it| it.message);
        return Ok(match written {
            Ok(Some(written)) => written.finish(cx, &sending.to),
            Ok(None) => Finish::unknown("it was uploaded, and something else is there now"),
            Err(blind) => Finish::unknown(
                cx.redactor.clean(format!("it was uploaded and cannot be looked at: {blind}")),
            ),
        });
    };
    // An answer that was lost, or a repeat that met its own first try.
    match ours(cx, &sending.s3, &sending.to).await {
        Ok(Some(written)) => Ok(written.finish(cx, &sending.to)),
        Ok(None) if failure.reached == Reached::Unclear => Ok(Finish::unknown(
            cx.redactor.clean(format!("{failure}; {} may still appear", sending.to)),
        )),
        Ok(None) => Err(failure.message),
        Err(_) if failure.reached != Reached::Unclear => Err(failure.message),
        Err(blind) => Ok(Finish::unknown(
            cx.redactor.clean(format!("{failure}; {} cannot be looked at: {blind}", sending.to)),
        )),
    }
}

impl Sending<'_> {
    fn metadata(&self) -> HashMap<String, String> {
        [(RUN, &self.cx.run), (ATTEMPT, &self.cx.token), (SHA256, &self.sha256)]
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .into()
    }

    /// Only where nothing is, unless it may be replaced.
    fn if_none(&self) -> Option<String> {
        (!self.overwrite).then(|| "*".to_owned())
    }

    async fn whole(&self) -> Result<(), Failure> {
        let bytes = std::fs::read(&self.from).map(Bytes::from);
        let bytes = bytes.map_err(|e| unsent(format!("{}: {e}", self.from.display())))?;
        if hex::encode(Sha256::digest(&bytes)) != self.sha256 {
            return Err(self.changed());
        }
        let put = self
            .s3
            .client
            .put_object()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .set_metadata(Some(self.metadata()))
            .set_if_none_match(self.if_none())
            .body(ByteStream::from(bytes))
            .send();
        tokio::select! {
            () = self.cx.cancel.cancelled() => {
                Err(Failure { reached: Reached::Unclear, ..unsent("cancelled while it was sent".into()) })
            }
            put = put => put.map(drop).map_err(|error| self.s3.failure(CALL, &error)),
        }
    }

    async fn in_parts(&self) -> Result<(), Failure> {
        let (s3, to) = (&self.s3, &self.to);
        let begun = s3
            .client
            .create_multipart_upload()
            .bucket(&to.bucket)
            .key(&to.key)
            .set_metadata(Some(self.metadata()))
            .send()
            .await
            .map_err(|error| s3.failure(CALL, &error))?;
        let id = begun.upload_id().unwrap_or_default();
        let parts = tokio::select! {
            () = self.cx.cancel.cancelled() => Err(unsent("cancelled".into())),
            parts = self.parts(id) => parts,
        };
        let whole = match parts {
            Ok(parts) => CompletedMultipartUpload::builder().set_parts(Some(parts)).build(),
            Err(failure) => return Err(aborted(s3, to, id, failure).await),
        };
        let done =
            s3.patient.complete_multipart_upload().bucket(&to.bucket).key(&to.key).upload_id(id);
        let done = done.multipart_upload(whole).set_if_none_match(self.if_none()).send().await;
        match done {
            Ok(_) => Ok(()),
            Err(error) => Err(aborted(s3, to, id, s3.failure(CALL, &error)).await),
        }
    }

    /// Sends the parts, a few at a time; they are read in order and hashed once more.
    async fn parts(&self, id: &str) -> Result<Vec<CompletedPart>, Failure> {
        let each = self.length.div_ceil(PARTS).max(PART);
        let at_once = usize::try_from(IN_MEMORY / each).unwrap_or(1).max(1);
        let mut meter = Meter::new(format!("uploading {}", self.to), 0, self.length);
        let gone = |e: std::io::Error| unsent(format!("{}: {e}", self.from.display()));
        let mut file = File::open(&self.from).map_err(gone)?;
        let (mut hash, mut done, mut number) = (Sha256::new(), Vec::new(), 0);
        let mut under_way: VecDeque<Going> = VecDeque::new();
        let mut sent = 0;
        loop {
            let (back, bytes, hashed) = blocking(move || {
                let mut bytes = Vec::new();
                let read = (&mut file).take(each).read_to_end(&mut bytes);
                hash.update(&bytes);
                ((file, read), Bytes::from(bytes), hash)
            })
            .await
            .map_err(unsent)?;
            (file, hash) = (back.0, hashed);
            let length = back.1.map_err(gone)? as u64;
            if length > 0 {
                number += 1;
                let (s3, to, id) = (self.s3.clone(), self.to.clone(), id.to_owned());
                let send =
                    async move { patiently(|| part(&s3, &to, &id, number, bytes.clone())).await };
                under_way.push_back(Going { task: tokio::spawn(send), length });
            }
            while under_way.len() >= at_once || (length == 0 && !under_way.is_empty()) {
                let Some(mut first) = under_way.pop_front() else { break };
                let ended = (&mut first.task).await;
                done.push(ended.map_err(|e| unsent(format!("a part is lost: {e}")))??);
                sent += first.length;
                meter.tell(self.cx, sent, None);
            }
            if length == 0 {
                break;
            }
        }
        if hex::encode(hash.finalize()) == self.sha256 { Ok(done) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Failure {
        unsent(format!("{} was changed while it was read: try again", self.from.display()))
    }
}

/// A part under way; dropping it ends it.
struct Going {
    task: JoinHandle<Result<CompletedPart, Failure>>,
    length: u64,
}

impl Drop for Going {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn part(
    s3: &S3,
    to: &Place,
    id: &str,
    number: i32,
    bytes: Bytes,
) -> Result<CompletedPart, Failure> {
    let sent = s3
        .patient
        .upload_part()
        .bucket(&to.bucket)
        .key(&to.key)
        .upload_id(id)
        .part_number(number)
        .body(ByteStream::from(bytes))
        .send()
        .await
        .map_err(|error| s3.failure(CALL, &error))?;
    Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
}

/// What went wrong before S3 was asked.
fn unsent(message: String) -> Failure {
    Failure { message, code: None, reached: Reached::NotSent }
}
