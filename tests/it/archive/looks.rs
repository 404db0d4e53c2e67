//! A run that was archived, and what is found of it where it lies.

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::DateTime as AwsTime;
use aws_sdk_s3::types::{ObjectLockRetention, ObjectLockRetentionMode};
use chrono::{TimeDelta, Utc};
use steadyhand::archive::{Place, Vault, Wanted, upload};
use steadyhand::journal::{self, Checkpoint};

use super::*;

/// A run archived twice, attacked with the uploader's credentials, and looked at after each attack.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_archived_stays_and_what_is_put_over_it_is_noticed() {
    let Some(bench) = Bench::start().await else { return };
    let run = bench.drill();
    let (dir, id) = (run.to_str().unwrap(), name(&run));
    let uri = format!("s3://drills/steady/{id}");
    bench.says(&["verify", &uri], 8, &["nothing lies at", "check the bucket"]);

    // Nothing of the output goes along unless it is asked for, and the verdict says so.
    bench.says(&["export", dir, "--upload"], 0, &[&uri, "locked until", "steady verify s3://"]);
    let archived = bodies(&run, "anchored")[0]["objects"].clone();
    let there = archived.as_array().unwrap().iter().map(|object| object["key"].as_str().unwrap());
    let html = there.into_iter().find(|key| key.ends_with(".html")).unwrap();
    let got = bench.s3.client.get_object().bucket("drills").key(html).send().await.unwrap();
    let html = String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap();
    assert!(
        html.contains("Count the rows") && !html.contains("2000 rows"),
        "the output is not in it"
    );
    let said = bench.says(&["verify", &uri], 0, &["consistent, unsigned"]);
    assert!(
        said.contains("output/ is not in this copy: 2 files of it were not looked at"),
        "{said}"
    );
    assert!(said.contains("objects, locked until"), "{said}");
    let archived = bodies(&run, "anchored");
    assert_eq!(archived.len(), 1);
    let (anchor, records) = (archived[0]["anchor"].as_u64().unwrap(), records(&run).len() as u64);
    assert!(anchor < records, "the record of an archive comes after what is archived");
    bench.says(&["verify", dir], 0, &[&format!("anchored up to record {anchor} in s3://drills")]);

    // Another one, with everything; the first stays, and both tell one history.
    bench.says(&["export", dir, "--upload", "--with", "output,evidence"], 0, &[]);
    let said = bench.says(&["verify", &uri], 0, &["consistent"]);
    assert!(!said.contains("not looked at"), "{said}");
    let archived = bodies(&run, "anchored");
    assert_eq!(archived.len(), 2);
    let first = archived[0]["objects"][0]["key"].as_str().unwrap();
    let folder = first.rsplit_once('/').unwrap().0;
    bench.says(
        &["verify", &format!("s3://drills/{folder}")],
        0,
        &["goes on where this archive ends"],
    );

    // With the very credentials that put it there.
    for object in archived[1]["objects"].as_array().unwrap() {
        let (key, version) = (object["key"].as_str().unwrap(), object["version"].as_str().unwrap());
        let gone = bench.s3.client.delete_object().bucket("drills").key(key).version_id(version);
        assert!(gone.send().await.is_err(), "{key} was deleted");
        let shorter = |mode| {
            let until = AwsTime::from_secs(Utc::now().timestamp() + 60);
            let lock = ObjectLockRetention::builder().mode(mode).retain_until_date(until).build();
            let asked = bench.s3.client.put_object_retention().bucket("drills").key(key);
            asked.version_id(version).bypass_governance_retention(true).retention(lock).send()
        };
        assert!(shorter(ObjectLockRetentionMode::Compliance).await.is_err(), "{key} was shortened");
        assert!(shorter(ObjectLockRetentionMode::Governance).await.is_err(), "{key} was loosened");
    }
    // They may delete what is not locked: it is the lock that holds, not a lack of rights.
    let put = bench.s3.client.put_object().bucket("drills").key("free").body(vec![1].into());
    let free = put.send().await.unwrap().version_id.unwrap();
    let gone = bench.s3.client.delete_object().bucket("drills").key("free").version_id(free);
    gone.send().await.unwrap();
    bench.says(&["verify", &uri], 0, &["consistent"]);

    // What is put over it hides it, and is noticed: the version that was archived is judged.
    let report = archived[1]["objects"].as_array().unwrap().iter();
    let keys: Vec<&str> = report.map(|object| object["key"].as_str().unwrap()).collect();
    let report = keys.iter().find(|key| key.ends_with(".md")).unwrap();
    let over = bench.s3.client.put_object().bucket("drills").key(*report);
    over.body(b"all is well".to_vec().into()).send().await.unwrap();
    let said = bench.says(&["verify", &uri], 6, &["was overwritten by a later version"]);
    assert!(said.contains(&format!("{id}.md")), "{said}");
    let hidden = bench.s3.client.delete_object().bucket("drills").key(keys[0]);
    hidden.send().await.unwrap();
    bench.says(&["verify", &uri], 6, &["was deleted by a marker"]);
}

/// A second history of the same run is told from the first by what was archived before.
#[tokio::test(flavor = "multi_thread")]
async fn another_history_of_a_run_shows_beside_the_first() {
    let Some(bench) = Bench::start().await else { return };
    let run = bench.drill();
    let (dir, id) = (run.to_str().unwrap(), name(&run));
    let uri = format!("s3://drills/steady/{id}");
    let copy = bench.console.file("copy").join(&id);
    fs::create_dir(bench.console.file("copy")).unwrap();
    let copied = std::process::Command::new("cp").arg("-a").args([&run, &copy]).status();
    assert!(copied.unwrap().success());
    bench.says(&["export", dir, "--upload"], 0, &[]);
    // Whoever has the directory writes the journal anew, whole in itself, and archives that.
    let journal = fs::read_to_string(copy.join("journal.jsonl")).unwrap();
    let lines: Vec<&str> = journal.lines().collect();
    fs::write(copy.join("journal.jsonl"), lines[..lines.len() - 2].join("\n") + "\n").unwrap();
    for more in 0..3 {
        bench.says(&["export", copy.to_str().unwrap()], 0, &[]);
        assert!(more < 3);
    }
    bench.says(&["verify", copy.to_str().unwrap()], 0, &["consistent"]);
    bench.says(&["export", copy.to_str().unwrap(), "--upload"], 0, &[]);
    bench.says(&["verify", &uri], 9, &["tells another history of this run"]);
}

/// Once the lock has ended objects can go, and one that has gone is named.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_there_any_more_is_named() {
    let Some(bench) = Bench::start().await else { return };
    let run = bench.drill();
    let contents = journal::read(&run).unwrap();
    let (id, seq) = (name(&run), contents.records.len() as u64);
    let place = Place::parse("s3://drills/steady").unwrap();
    let vault = Vault::at(&bench.seaweed.access(), place).await;
    let head = Checkpoint { run: id.clone(), seq, head: contents.head };
    let (with, now) = (["output"].into(), Utc::now());
    let until = now + TimeDelta::seconds(4);
    let wanted =
        Wanted { dir: &run, reports: &run.join("reports"), head: &head, with: &with, now, until };
    let anchored = upload(&vault, &wanted).await.unwrap();
    let object = anchored.objects.iter().find(|it| it.key.ends_with("stop.1.log")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let gone = bench.s3.client.delete_object().bucket("drills").key(&object.key);
        if gone.version_id(&object.version).send().await.is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "it is locked for ever");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(Utc::now() >= until, "it was deleted while it was locked");
    let uri = format!("s3://drills/steady/{id}");
    let said = bench.says(&["verify", &uri], 8, &["output/stop.1.log"]);
    assert!(said.contains("its locks ended"), "{said}");
}

/// The head goes where the operator cannot change it, at the start; what cannot be put there stops nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_head_is_anchored_at_the_start_and_a_failure_is_recorded() {
    let Some(bench) = Bench::start().await else { return };
    bench.settings("to: s3://drills/steady, anchor: true");
    let run = bench.drill();
    let (dir, uri) = (run.to_str().unwrap(), format!("s3://drills/steady/{}", name(&run)));
    let heads = bodies(&run, "anchored");
    assert_eq!((heads.len(), &heads[0]["what"]), (1, &Json::from("head")));
    bench.says(&["verify", &uri], 8, &["holds the head of this run's journal and no archive"]);
    let key = heads[0]["objects"][0]["key"].as_str().unwrap();
    let got = bench.s3.client.get_object().bucket("drills").key(key).send().await.unwrap();
    let text = String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("steadyhand/{}", name(&run)));
    assert_eq!(lines[1], heads[0]["anchor"].to_string());
    bench.says(&["export", dir, "--upload"], 0, &[]);
    bench.says(&["verify", &uri], 0, &["consistent"]);

    bench.settings("to: s3://nowhere/steady, anchor: true");
    let run = bench.drill();
    let failed = bodies(&run, "anchor_failed");
    assert!(failed[0]["reason"].as_str().unwrap().contains("NoSuchBucket"), "{failed:?}");
    let dir = run.to_str().unwrap();
    bench.says(&["verify", dir], 0, &["it was to be anchored, and could not be"]);
}
