//! What the sandbox's S3 says is what SeaweedFS says: the same calls on both, and of each the status, the
//! error code and which fields the answer has.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::*;
use crate::services::seaweed::Seaweed;

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_says_what_seaweedfs_says() {
    let Some(seaweed) = Seaweed::start().await else { return };
    let practice = Practice::start().await;
    let (real, alike) = tokio::join!(story(seaweed.access()), story(practice.access.clone()));
    let differ: Vec<_> = real.iter().zip(&alike).filter(|(a, b)| a != b).collect();
    assert!(differ.is_empty(), "SeaweedFS, and then the sandbox:\n{differ:#?}");
    assert_eq!(real.len(), alike.len());
    assert!(real.len() > 35, "{real:#?}");
}

/// One line a call.
struct Story(Vec<String>);

impl Story {
    /// Notes how a call came out; its answer, when it was good.
    fn note<T, E>(
        &mut self,
        call: &str,
        answer: Result<T, SdkError<E, HttpResponse>>,
        shape: impl FnOnce(&T) -> String,
    ) -> Option<T>
    where
        E: ProvideErrorMetadata + Error + Debug + 'static,
    {
        match answer {
            Ok(good) => {
                self.0.push(format!("{call}: {}", shape(&good)));
                Some(good)
            }
            Err(error) => {
                let status = error.raw_response().map(|it| it.status().as_u16());
                let code = error.code();
                self.0.push(format!("{call}: refused with {status:?} {code:?}"));
                None
            }
        }
    }
}

async fn story(access: AwsAccess) -> Vec<String> {
    let place = Place::of(access).await;
    for (bucket, versioned) in [("plain", false), ("kept", true)] {
        place.bucket(bucket, versioned).await;
    }
    let s3 = place.s3.patient.clone();
    let mut story = Story(Vec::new());

    for bucket in ["plain", "kept"] {
        let put = s3.put_object().bucket(bucket).key("a/1").metadata("sha256", "abc");
        let put = story
            .note("put", put.body(b"hello".to_vec().into()).send().await, |it| {
                format!("{:?} version {}", it.e_tag(), it.version_id().is_some())
            })
            .unwrap();
        let again = s3.put_object().bucket(bucket).key("a/1").if_none_match("*");
        story.note("put again", again.body(b"x".to_vec().into()).send().await, |_| "taken".into());
        let head = s3.head_object().bucket(bucket).key("a/1");
        story.note("head", head.send().await, |it| {
            let version = it.version_id().is_some_and(|it| it != "null");
            let metadata = it.metadata().and_then(|it| it.get("sha256"));
            let moment = it.last_modified().is_some();
            let (etag, length) = (it.e_tag(), it.content_length());
            format!("{etag:?} {length:?} version {version} {metadata:?} moment {moment}")
        });
        for range in ["bytes=1-3", "bytes=3-99", "bytes=99-"] {
            let get = s3.get_object().bucket(bucket).key("a/1").range(range);
            story.note(range, get.send().await, |it| {
                format!("{:?} {:?} {:?}", it.content_range(), it.content_length(), it.e_tag())
            });
        }
        let get = s3.get_object().bucket(bucket).key("a/1").if_match(put.e_tag().unwrap());
        story
            .note("if it is the same", get.send().await, |it| format!("{:?}", it.content_length()));
        let get = s3.get_object().bucket(bucket).key("a/1").if_match("\"other\"");
        story.note("if it is another", get.send().await, |_| "given".into());
        let copy = s3.copy_object().bucket(bucket).key("a/2").copy_source(format!("{bucket}/a/1"));
        story.note("copy", copy.send().await, |it| {
            // SeaweedFS leaves out the quotes here; S3 does not.
            let etag = it.copy_object_result().and_then(|it| it.e_tag());
            let etag = etag.map(|it| it.trim_matches('"'));
            format!("{etag:?} version {}", it.version_id().is_some())
        });
        let head = s3.head_object().bucket(bucket).key("a/2").send().await;
        story.note("head of the copy", head, |it| format!("{:?}", it.metadata()));
        let copy = s3.copy_object().bucket(bucket).key("a/3").copy_source(format!("{bucket}/a/1"));
        let copy = copy.copy_source_if_match("\"other\"").send().await;
        story.note("copy of another", copy, |_| "copied".into());
        let copy = s3.copy_object().bucket(bucket).key("a/3").copy_source(format!("{bucket}/no"));
        story.note("copy of nothing", copy.send().await, |_| "copied".into());

        let list = s3.list_objects_v2().bucket(bucket).prefix("a/");
        story.note("list", list.clone().send().await, listed);
        let first = story.note("first page", list.clone().max_keys(1).send().await, |it| {
            format!("{} {:?} more {:?}", listed(it), it.key_count(), it.is_truncated())
        });
        let token = first.and_then(|it| it.next_continuation_token);
        let rest = list.set_continuation_token(token).send().await;
        story
            .note("second page", rest, |it| format!("{} more {:?}", listed(it), it.is_truncated()));

        let delete = s3.delete_object().bucket(bucket).key("a/1").send().await;
        story.note("delete", delete, |it| {
            format!("mark {:?} version {}", it.delete_marker(), it.version_id().is_some())
        });
        let get = s3.get_object().bucket(bucket).key("a/1").send().await;
        story.note("get what is deleted", get, |_| "given".into());
        let head = s3.head_object().bucket(bucket).key("a/1").send().await;
        story.note("head what is deleted", head, |_| "given".into());
        let versions = s3.list_object_versions().bucket(bucket).prefix("a/").send().await;
        story.note("versions", versions, |it| {
            let versions = it.versions().iter().map(|it| {
                (it.key(), it.is_latest(), it.version_id() == Some("null"), it.size(), it.e_tag())
            });
            let marks = it.delete_markers().iter().map(|it| (it.key(), it.is_latest()));
            format!("{:?} {:?}", versions.collect::<Vec<_>>(), marks.collect::<Vec<_>>())
        });
        let gone = s3.delete_object().bucket(bucket).key("never").send().await;
        story.note("delete nothing", gone, |_| "done".into());
    }
    for part in [b"part one".as_slice(), b""] {
        multipart(&s3, &mut story, part).await;
    }
    elsewhere(&s3, &mut story).await;
    story.0
}

fn listed(it: &aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output) -> String {
    let objects = it.contents().iter();
    let objects = objects.map(|it| (it.key(), it.size(), it.e_tag(), it.last_modified().is_some()));
    format!("{:?}", objects.collect::<Vec<_>>())
}

async fn multipart(s3: &aws_sdk_s3::Client, story: &mut Story, bytes: &[u8]) {
    let begin = s3.create_multipart_upload().bucket("kept").key("big").metadata("sha256", "d");
    let begun = story.note("begin", begin.send().await, |it| format!("{:?}", it.key())).unwrap();
    let id = begun.upload_id().unwrap();
    let part = s3.upload_part().bucket("kept").key("big").upload_id(id).part_number(1);
    let part = story
        .note("part", part.body(bytes.to_vec().into()).send().await, |it| {
            format!("{:?}", it.e_tag())
        })
        .unwrap();
    if bytes.is_empty() {
        let abort = s3.abort_multipart_upload().bucket("kept").key("big").upload_id(id);
        story.note("abort", abort.send().await, |_| "done".into());
        let uploads = s3.list_multipart_uploads().bucket("kept").send().await;
        story.note("uploads", uploads, |it| format!("{}", it.uploads().len()));
        return;
    }
    let named = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
    let end = s3.complete_multipart_upload().bucket("kept").key("big").upload_id(id);
    let end = end.multipart_upload(CompletedMultipartUpload::builder().parts(named).build());
    story.note("end", end.send().await, |it| {
        format!("{:?} version {}", it.e_tag(), it.version_id().is_some())
    });
    let head = s3.head_object().bucket("kept").key("big").send().await;
    story.note("head of parts", head, |it| {
        format!("{:?} {:?} {:?}", it.content_length(), it.e_tag(), it.metadata())
    });
}

async fn elsewhere(s3: &aws_sdk_s3::Client, story: &mut Story) {
    for bucket in ["kept", "nowhere"] {
        let head = s3.head_bucket().bucket(bucket).send().await;
        story.note("head of a bucket", head, |_| "there".into());
    }
    story.note("list nowhere", s3.list_objects_v2().bucket("nowhere").send().await, listed);
    let versions = s3.list_object_versions().bucket("nowhere").send().await;
    story.note("versions nowhere", versions, |_| "listed".into());
    let get = s3.get_object().bucket("nowhere").key("x").send().await;
    story.note("get nowhere", get, |_| "given".into());
    let put = s3.put_object().bucket("nowhere").key("x").body(vec![1].into()).send().await;
    story.note("put nowhere", put, |_| "taken".into());
    let get =
        s3.get_object().bucket("kept").key("big").version_id("0123456789abcdef0123456789abcdef");
    story.note("no such version", get.send().await, |_| "given".into());
    let abort = s3.abort_multipart_upload().bucket("kept").key("big").upload_id("no-such-upload");
    story.note("abort nothing", abort.send().await, |_| "done".into());
}
