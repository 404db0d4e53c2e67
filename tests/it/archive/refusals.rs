//! What is refused before anything is put, and a server that goes away while something is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::services::console::eventually;
use crate::services::door::Door;

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_lock_is_refused_up_front_with_a_remedy() {
    let Some(bench) = Bench::start().await else { return };
    let run = bench.drill();
    let dir = run.to_str().unwrap();
    let before = records(&run).len();
    bench.s3.client.create_bucket().bucket("plain").send().await.unwrap();
    let lock = "--object-lock-enabled-for-bucket";
    bench.says(&["export", dir, "--upload", "s3://plain/x"], 1, &["cannot be locked", lock]);
    let there = bench.s3.client.list_objects_v2().bucket("plain").send().await.unwrap();
    assert_eq!(there.key_count(), Some(0), "nothing was put there");
    bench.says(
        &["export", dir, "--upload", "s3://nowhere/x"],
        1,
        &["s3://nowhere", "NoSuchBucket"],
    );
    bench.says(&["export", dir, "--upload", "drills/x"], 2, &["is not an S3 URI"]);
    bench.says(&["export", dir, "--upload", "--with", "all"], 2, &["output, evidence or both"]);
    bench.says(&["export", dir, "--with", "output"], 2, &["--upload"]);
    bench.says(&["export", dir, "--upload", "--retention", "7"], 2, &["such as 7y"]);
    let mut stranger = bench.console.steady(&["export", dir, "--upload"]);
    stranger.envs([
        ("AWS_ACCESS_KEY_ID", "stranger-access"),
        ("AWS_SECRET_ACCESS_KEY", "stranger-secret"),
    ]);
    let output = stranger.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("s3:GetBucketObjectLockConfiguration"), "{}", said(&output));
    bench.says(&["verify", "s3://drills"], 2, &["names no run"]);
    bench.says(&["verify", "s3://nowhere/steady/x"], 1, &["NoSuchBucket"]);
    assert_eq!(records(&run).len(), before, "a try that fails leaves the journal as it was");
    fs::write(bench.console.file("steadyhand.yaml"), "steadyhand: 1\n").unwrap();
    bench.says(&["export", dir, "--upload"], 2, &["--upload where?", "archive: {to:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_in_the_middle_costs_a_repeat_and_nothing_is_there_twice() {
    let Some(bench) = Bench::start().await else { return };
    let run = bench.drill();
    let dir = run.to_str().unwrap();
    let before = records(&run).len();
    // It takes the questions and a few objects, and is then away for longer than anybody asks again.
    let door = Door::open(bench.seaweed.port(), vec![2500], Duration::from_secs(8));
    bench.settings_at("to: s3://drills/steady", &door.endpoint());
    let said = bench.says(&["export", dir, "--upload"], 1, &["give the same command again"]);
    assert!(door.times_shut() > 0, "{said}");
    assert_eq!(records(&run).len(), before, "a try that fails leaves the journal as it was");
    let uri = format!("s3://drills/steady/{}", name(&run));
    bench.settings("to: s3://drills/steady");
    bench.says(&["verify", &uri], 8, &["holds no whole archive", "was never finished"]);
    bench.settings_at("to: s3://drills/steady", &door.endpoint());
    eventually(|| (bench.does(&["export", dir, "--upload"]).0 == 0).then_some(()));
    bench.says(&["verify", &uri], 0, &["consistent"]);
    let there = bench.s3.client.list_object_versions().bucket("drills").send().await.unwrap();
    let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
    for version in there.versions() {
        *keys.entry(version.key().unwrap()).or_default() += 1;
    }
    assert!(keys.values().all(|count| *count == 1), "{keys:?}");
    let folders: BTreeSet<&str> = keys.keys().map(|key| key.split('/').nth(2).unwrap()).collect();
    assert_eq!(folders.len(), 1, "the second try went on with the first: {folders:?}");
}
