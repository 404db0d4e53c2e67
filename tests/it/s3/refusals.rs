//! Bad input: each says what happened and what can be done, and leaves nothing behind.

use super::*;
use crate::services::seaweed::Seaweed;

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_read_there_and_not_written_to() {
    let practice = Practice::start().await;
    let near = Place::of(practice.access.clone()).await;
    near.bucket("backups", true).await;
    near.put("backups", "pg/shop.dump", "the dump").await;
    let mut access = practice.access.clone();
    access.region = Some("eu-central-1".into());
    let place = Place::of(access).await;
    let uri = || ("uri", text("s3://backups/pg/shop.dump"));

    let mut attempt = place.attempt();
    let list = asked("s3.list", [("uri", text("s3://backups/"))]);
    let finish = run(&attempt, &list).await;
    assert_eq!(int(&finish.result, "count"), 1, "{}", finish.message);
    let mut said = Vec::new();
    while let Ok(progress) = attempt.progress.try_recv() {
        said.push(format!("{progress:?}"));
    }
    let line = "the bucket backups is in the region practice-1: it is asked there";
    assert!(said.iter().any(|it| it.contains(line)), "{said:?}");
    place.ok("s3.list_versions", [uri()]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = || text(dir.path().join("shop.dump").to_str().unwrap());
    place.ok("s3.download", [uri(), ("to", file()), ("unverified", Value::Bool(true))]).await;

    let words = [
        "the bucket is in the region practice-1",
        "to eu-central-1",
        "`aws: {region: practice-1}`",
    ];
    let upload = [("from", file()), ("uri", text("s3://backups/pg/other.dump"))];
    place.fails("s3.upload", upload, &words).await;
    place.fails("s3.restore_version", [uri()], &words).await;
    let sync = [("from", text("s3://backups/pg/")), ("to", text("s3://backups/copy/"))];
    place.fails("s3.sync", sync, &words).await;
    assert!(near.get("backups", "pg/other.dump").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_credentials_say_so_and_a_download_waits_for_fresh_ones() {
    let practice = Practice::start().await;
    let place = Place::of(practice.access.clone()).await;
    place.bucket("backups", false).await;
    let bytes = noise(3 * 1024 * 1024);
    place.put("backups", "shop.dump", bytes.clone()).await;
    let expired = sandbox::s3::Refusal {
        status: 400,
        code: "ExpiredToken",
        message: "The provided token has expired.",
    };
    practice.s3.refuse("ListObjectsV2", &expired, 1);
    let words = ["ExpiredToken", "the credentials have expired", "renew them"];
    place.fails("s3.list", [("uri", text("s3://backups/"))], &words).await;

    let manifest = format!("{{\"sha256\": \"{}\"}}", sha256(&bytes));
    place.put("backups", "shop.dump.manifest.json", manifest).await;
    practice.s3.refuse("GetObject", &expired, 3);
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("shop.dump");
    place
        .ok(
            "s3.download",
            [("uri", text("s3://backups/shop.dump")), ("to", text(to.to_str().unwrap()))],
        )
        .await;
    assert!(std::fs::read(&to).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_says_what_to_do() {
    let Some(seaweed) = Seaweed::start().await else { return };
    let place = Place::of(seaweed.access()).await;
    place.bucket("backups", false).await;
    let dir = tempfile::tempdir().unwrap();
    let to = || ("to", text(dir.path().join("shop").to_str().unwrap()));
    let uri = |uri: &str| ("uri", text(uri));

    // Nobody of that name.
    for name in ["s3.list", "s3.latest"] {
        place
            .fails(name, [uri("s3://nowhere/pg/")], &["NoSuchBucket", "check the bucket's name"])
            .await;
    }
    place.fails("s3.download", [uri("s3://nowhere/x"), to()], &["NoSuchBucket"]).await;
    place
        .fails("s3.download", [uri("s3://backups/x"), to()], &["NoSuchKey", "check the key"])
        .await;
    place.fails("s3.list_versions", [uri("s3://backups/x")], &["keeps no version"]).await;
    place.fails("s3.download", [uri("s3://backups/pg/"), to()], &["name one object"]).await;

    // Not allowed, and not known.
    let stranger = Place::of(seaweed.stranger()).await;
    stranger.fails("s3.list", [uri("s3://backups/")], &["AccessDenied", "s3:ListBucket"]).await;
    stranger
        .fails("s3.download", [uri("s3://backups/x"), to()], &["AccessDenied", "s3:GetObject"])
        .await;
    let mut access = seaweed.access();
    access.practice_credentials = Some(("nobody-at-all".into(), "whatever".into()));
    let nobody = Place::of(access).await;
    nobody.fails("s3.list", [uri("s3://backups/")], &["InvalidAccessKeyId", "renew them"]).await;

    // Manifests: none, a wrong one, one that is none.
    place.put("backups", "pg/shop.dump", "the dump").await;
    let shop = || uri("s3://backups/pg/shop.dump");
    place
        .fails(
            "s3.download",
            [shop(), to()],
            &["there is no s3://backups/pg/shop.dump.manifest.json", "`unverified: true`"],
        )
        .await;
    let wrong = format!("{{\"sha256\": \"{}\"}}", "0".repeat(64));
    place.put("backups", "pg/shop.manifest.json", wrong).await;
    place
        .fails("s3.download", [shop(), to()], &["shop.manifest.json says 0000", "nothing is left"])
        .await;
    let accepted = ("unverified", Value::Bool(true));
    place.fails("s3.download", [shop(), to(), accepted], &["changed or damaged"]).await;
    place.put("backups", "pg/shop.manifest.json", "<html>").await;
    place.fails("s3.download", [shop(), to()], &["cannot be used", "it must be JSON"]).await;
    let right = ("sha256", text(sha256(b"the dump")));
    place
        .put("backups", "pg/shop.manifest.json", format!("{{\"sha256\": \"{}\"}}", sha256(b"x")))
        .await;
    place.fails("s3.download", [shop(), to(), right], &["shop.manifest.json says"]).await;

    // Nowhere to put it.
    let nowhere = ("to", text(dir.path().join("no/such/dir").to_str().unwrap()));
    let accepted = || ("unverified", Value::Bool(true));
    place
        .s3
        .client
        .delete_object()
        .bucket("backups")
        .key("pg/shop.manifest.json")
        .send()
        .await
        .unwrap();
    place.fails("s3.download", [shop(), nowhere, accepted()], &["make it first"]).await;

    // Deleted, and changed, between the look and the download.
    for change in ["delete", "put"] {
        place.put("backups", "pg/shop.dump", "the dump").await;
        let attempt = place.attempt();
        let request = asked("s3.download", [shop(), to(), accepted()]);
        let request = handler("s3.download").complete(attempt.cx.clone(), request).await.unwrap();
        let words = if change == "delete" {
            place
                .s3
                .client
                .delete_object()
                .bucket("backups")
                .key("pg/shop.dump")
                .send()
                .await
                .unwrap();
            "NoSuchKey"
        } else {
            place.put("backups", "pg/shop.dump", "the dumb").await;
            "it was changed"
        };
        let finish = run(&attempt, &request).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        assert!(finish.message.contains(words), "{}", finish.message);
        assert!(matches!(found(&attempt, &request).await, Found::NotStarted(_)));
    }
    assert_eq!(names(dir.path()), [] as [String; 0]);

    // A mirror that would empty its target, and one into itself.
    let mirror = [
        ("from", text("s3://backups/empty/")),
        ("to", text("s3://backups/pg/")),
        ("delete", Value::Bool(true)),
    ];
    place.fails("s3.sync", mirror, &["that would empty s3://backups/pg/"]).await;
    let itself = [("from", text("s3://backups")), ("to", text("s3://backups/pg"))];
    place.fails("s3.sync", itself, &["one in the other"]).await;
    let compare = [("source", text("s3://backups/empty")), ("target", text("s3://backups/pg"))];
    place.fails("s3.compare", compare, &["nothing below s3://backups/empty/"]).await;
}
