//! Archives in a real S3 with object lock: what is put there, that it stays, and what is found where it lies.

mod looks;
mod refusals;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectLockConfiguration, ObjectLockEnabled, VersioningConfiguration,
};
use serde_json::Value as Json;
use steadyhand::aws::s3::S3;

use crate::services::console::{Console, said};
use crate::services::seaweed::Seaweed;

const RUNBOOK: &str = r#"steadyhand: 1
id: archived
title: Archived
steps:
  - id: count
    title: Count the rows
    effect: reads
    do: {shell: {run: 'echo $((1000+1000)) rows'}}
  - id: stop
    title: Stop the writers
    do: {shell: {run: 'echo stopped'}}
"#;
/// Everything here is of this server's owner: what it may not do, nobody may.
pub const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "keeper-access"), ("AWS_SECRET_ACCESS_KEY", "keeper-secret")];

/// A console whose settings archive into a bucket with object lock.
pub struct Bench {
    pub console: Console,
    pub seaweed: Seaweed,
    pub s3: S3,
}

impl Bench {
    /// `None`, said loudly, where the server cannot be had.
    pub async fn start() -> Option<Self> {
        let seaweed = Seaweed::start().await?;
        let s3 = S3::connect(&seaweed.access()).await;
        let console = Console::new(RUNBOOK);
        let bench = Self { console, seaweed, s3 };
        locked(&bench.s3, "drills").await;
        bench.settings("to: s3://drills/steady");
        Some(bench)
    }

    pub fn settings(&self, archive: &str) {
        self.settings_at(archive, &format!("http://127.0.0.1:{}", self.seaweed.port()));
    }

    pub fn settings_at(&self, archive: &str, endpoint: &str) {
        let settings = format!(
            "steadyhand: 1\narchive: {{{archive}, aws: {{region: eu-west-1, endpoint: \"{endpoint}\"}}}}\n"
        );
        fs::write(self.console.file("steadyhand.yaml"), settings).unwrap();
    }

    /// A whole drill; its directory.
    pub fn drill(&self) -> PathBuf {
        let before = self.console.runs();
        let output = self.console.drill(&[]).envs(KEYS).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        self.console.runs().into_iter().find(|run| !before.contains(run)).unwrap()
    }

    pub fn steady(&self, args: &[&str]) -> Output {
        self.console.steady(args).envs(KEYS).output().unwrap()
    }

    /// The command, its exit status and what it said.
    pub fn does(&self, args: &[&str]) -> (i32, String) {
        let output = self.steady(args);
        (output.status.code().unwrap(), said(&output))
    }

    /// As [`Self::does`], which must come to this end and say this.
    pub fn says(&self, args: &[&str], code: i32, words: &[&str]) -> String {
        let (status, said) = self.does(args);
        assert_eq!(status, code, "{args:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{args:?}: {word:?} is not in: {said}");
        }
        said
    }
}

/// A bucket with object lock.
pub async fn locked(s3: &S3, bucket: &str) {
    let created = s3.client.create_bucket().bucket(bucket);
    created.object_lock_enabled_for_bucket(true).send().await.unwrap();
    // What AWS does by itself for such a bucket.
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let on = s3.client.put_bucket_versioning().bucket(bucket).versioning_configuration(on);
    on.send().await.unwrap();
    let locks = ObjectLockConfiguration::builder();
    let locks = locks.object_lock_enabled(ObjectLockEnabled::Enabled).build();
    let on = s3.client.put_object_lock_configuration().bucket(bucket);
    on.object_lock_configuration(locks).send().await.unwrap();
}

pub fn name(run: &std::path::Path) -> String {
    run.file_name().unwrap().to_str().unwrap().to_owned()
}

pub fn records(run: &std::path::Path) -> Vec<Json> {
    let text = fs::read_to_string(run.join("journal.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bodies of the records of this type.
pub fn bodies(run: &std::path::Path, kind: &str) -> Vec<Json> {
    let of_kind = records(run).into_iter().filter(|record| record["type"] == kind);
    of_kind.map(|record| record["body"].clone()).collect()
}
