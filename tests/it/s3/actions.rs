//! What the actions do, seen by asking the server.

use super::*;
use crate::services::seaweed::Seaweed;

/// One server for all: it takes seconds to start.
#[tokio::test(flavor = "multi_thread")]
async fn the_actions_on_seaweedfs() {
    let Some(seaweed) = Seaweed::start().await else { return };
    every_action(&Place::of(seaweed.access()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_actions_on_the_sandbox() {
    let practice = Practice::start().await;
    every_action(&Place::of(practice.access.clone()).await).await;
}

async fn every_action(place: &Place) {
    listing(place).await;
    downloads(place).await;
    uploads(place).await;
    versions(place).await;
    mirrors(place).await;
}

async fn listing(place: &Place) {
    place.bucket("backups", false).await;
    for (day, size) in [(18, 10), (19, 20), (20, 30)] {
        let key = format!("pg/shop-2026-11-{day}.dump");
        place.put("backups", &key, vec![b'x'; size]).await;
        place.put("backups", &format!("{key}.manifest.json"), "{}").await;
    }
    place.put("backups", "other/shop-2027-01-01.dump", "no").await;
    let result = place
        .ok(
            "s3.list",
            [
                ("uri", text("s3://backups/pg/")),
                ("pattern", text(r"\.dump$")),
                ("newest", Value::Int(2)),
            ],
        )
        .await;
    assert_eq!((int(&result, "count"), int(&result, "bytes")), (3, 60));
    let Some(Value::List(objects)) = result.get("objects") else { panic!("{result:?}") };
    assert_eq!(objects.len(), 2);
    assert!(string(&objects[0], "value").starts_with("s3://backups/pg/shop-2026-11-"));
    assert!(string(&objects[0], "label").contains(" bytes  "), "{objects:?}");

    // The newest by its date is not the one that was written last.
    place.put("backups", "pg/shop-2026-11-17.dump", "late").await;
    let latest = place
        .ok(
            "s3.latest",
            [
                ("uri", text("s3://backups/pg/")),
                ("pattern", text(r"\.dump$")),
                ("by", text("date")),
                ("rpo", Value::Duration(chrono::TimeDelta::minutes(5))),
            ],
        )
        .await;
    assert_eq!(string(&latest, "uri"), "s3://backups/pg/shop-2026-11-20.dump");
    assert_eq!(string(&latest, "manifest"), "s3://backups/pg/shop-2026-11-20.dump.manifest.json");
    assert_eq!(int(&latest, "size"), 30);
    place
        .fails(
            "s3.latest",
            [("uri", text("s3://backups/pg/")), ("pattern", text("nothing"))],
            &["no object whose key matches `nothing`", "whether backups are being made"],
        )
        .await;
}

async fn downloads(place: &Place) {
    let dir = tempfile::tempdir().unwrap();
    let to = |name: &str| text(dir.path().join(name).to_str().unwrap());
    let bytes = noise(20 * 1024 * 1024 + 7);
    let digest = sha256(&bytes);
    place.put("backups", "big/shop.sql.gz", bytes.clone()).await;
    let manifest = format!("{{\"date\": \"2026-11-20\", \"sha256\": \"{digest}\"}}");
    place.put("backups", "big/shop.manifest.json", manifest).await;
    let result = place
        .ok(
            "s3.download",
            [("uri", text("s3://backups/big/shop.sql.gz")), ("to", to("shop.sql.gz"))],
        )
        .await;
    assert!(std::fs::read(dir.path().join("shop.sql.gz")).unwrap() == bytes);
    assert_eq!(string(&result, "sha256"), digest);
    assert_eq!(string(&result, "checked_against"), "manifest");
    assert_eq!(string(&result, "dumped_at"), "2026-11-20");
    assert_eq!(int(&result, "transferred"), bytes.len() as i64);
    assert_eq!(names(dir.path()), ["shop.sql.gz"]);

    // It is there: once more only when that is said, and empty objects are objects.
    place
        .fails(
            "s3.download",
            [("uri", text("s3://backups/big/shop.sql.gz")), ("to", to("shop.sql.gz"))],
            &["exists", "`overwrite: true`"],
        )
        .await;
    place.put("backups", "empty", "").await;
    let result = place
        .ok(
            "s3.download",
            [
                ("uri", text("s3://backups/empty")),
                ("to", to("shop.sql.gz")),
                ("overwrite", Value::Bool(true)),
                ("unverified", Value::Bool(true)),
            ],
        )
        .await;
    assert_eq!(std::fs::read(dir.path().join("shop.sql.gz")).unwrap(), b"");
    assert_eq!(string(&result, "checked_against"), "nothing");
    assert_eq!(names(dir.path()), ["shop.sql.gz"]);
}

async fn uploads(place: &Place) {
    let dir = tempfile::tempdir().unwrap();
    for (name, length) in [("small", 1000), ("large", 21 * 1024 * 1024 + 3), ("none", 0)] {
        let (bytes, file) = (noise(length), dir.path().join(name));
        std::fs::write(&file, &bytes).unwrap();
        let uri = format!("s3://backups/up/{name}");
        let from = || ("from", text(file.to_str().unwrap()));
        let result = place.ok("s3.upload", [from(), ("uri", text(&uri))]).await;
        assert_eq!(string(&result, "sha256"), sha256(&bytes));
        assert!(place.get("backups", &format!("up/{name}")).await.unwrap() == bytes, "{name}");
        place
            .fails("s3.upload", [from(), ("uri", text(&uri))], &["exists", "`overwrite: true`"])
            .await;
        place
            .ok("s3.upload", [from(), ("uri", text(&uri)), ("overwrite", Value::Bool(true))])
            .await;
    }
    let left = place.s3.client.list_multipart_uploads().bucket("backups").send().await.unwrap();
    assert!(left.uploads().is_empty(), "{left:?}");

    // After a crash: what this attempt has written is its own, and nothing else is.
    let attempt = place.attempt();
    let file = dir.path().join("small");
    let request = asked(
        "s3.upload",
        [("from", text(file.to_str().unwrap())), ("uri", text("s3://backups/up/mine"))],
    );
    assert!(matches!(found(&attempt, &request).await, Found::CannotTell(_)));
    run(&attempt, &request).await;
    assert!(matches!(found(&attempt, &request).await, Found::Running(_)));
    let end = handler("s3.upload").reattach(attempt.cx.clone(), request).await;
    assert_eq!(string(&end.result, "sha256"), sha256(&noise(1000)));
}

async fn versions(place: &Place) {
    place.bucket("kept", true).await;
    let mut ids = Vec::new();
    for text in ["one", "two two", "three"] {
        ids.push(place.put("kept", "logo", text).await.unwrap());
    }
    place.put("kept", "logo-of-another", "x").await;
    let uri = || ("uri", text("s3://kept/logo"));
    let listed = place.ok("s3.list_versions", [uri()]).await;
    let Some(Value::List(versions)) = listed.get("versions") else { panic!("{listed:?}") };
    let values: Vec<&str> = versions.iter().map(|it| string(it, "value")).collect();
    assert_eq!(values, [&ids[2], &ids[1], &ids[0]]);
    assert_eq!(listed.get("deleted"), Some(&Value::Bool(false)));

    place.fails("s3.restore_version", [uri()], &["is not deleted", "`version`"]).await;
    let newest = ("version", text(&ids[2]));
    place.fails("s3.restore_version", [uri(), newest], &["newest already"]).await;
    let result = place.ok("s3.restore_version", [uri(), ("version", text(&ids[0]))]).await;
    assert_eq!(place.get("kept", "logo").await.unwrap(), b"one");
    assert_ne!(string(&result, "version"), ids[0]);

    // A deletion hides it; taking that back adds nothing.
    place.s3.client.delete_object().bucket("kept").key("logo").send().await.unwrap();
    assert!(place.get("kept", "logo").await.is_none());
    let listed = place.ok("s3.list_versions", [uri()]).await;
    assert_eq!(listed.get("deleted"), Some(&Value::Bool(true)));
    assert_eq!(int(&listed, "count"), 4);
    let attempt = place.attempt();
    let request = handler("s3.restore_version")
        .complete(attempt.cx.clone(), asked("s3.restore_version", [uri()]))
        .await
        .unwrap();
    assert!(matches!(found(&attempt, &request).await, Found::CannotTell(_)));
    let finish = run(&attempt, &request).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert!(matches!(found(&attempt, &request).await, Found::Running(_)));
    assert_eq!(place.get("kept", "logo").await.unwrap(), b"one");
    let listed = place.ok("s3.list_versions", [uri()]).await;
    assert_eq!((int(&listed, "count"), listed.get("deleted")), (4, Some(&Value::Bool(false))));

    // An older version into a file, while a newer one is there.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("logo");
    let result = place
        .ok(
            "s3.download",
            [
                uri(),
                ("version", text(&ids[1])),
                ("to", text(file.to_str().unwrap())),
                ("sha256", text(sha256(b"two two"))),
            ],
        )
        .await;
    assert_eq!(std::fs::read(&file).unwrap(), b"two two");
    assert_eq!(string(&result, "version"), ids[1]);
}

async fn mirrors(place: &Place) {
    place.bucket("live", false).await;
    place.bucket("replica", false).await;
    for i in 0..20 {
        place.put("live", &format!("up/dir {i}/ä{i}.png"), format!("picture {i}")).await;
    }
    let compare = [("source", text("s3://live/up")), ("target", text("s3://replica/up"))];
    let before = place.ok("s3.compare", compare.clone()).await;
    assert_eq!(before.get("ratio"), Some(&Value::Float(0.0)));
    let sync = [("from", text("s3://live/up")), ("to", text("s3://replica/up"))];
    assert_eq!(int(&place.ok("s3.sync", sync.clone()).await, "copied"), 20);
    assert_eq!(place.get("replica", "up/dir 7/ä7.png").await.unwrap(), b"picture 7");
    assert_eq!(int(&place.ok("s3.sync", sync.clone()).await, "copied"), 0);

    // One gone, one of another size, one of its own: 18 of 20.
    place.s3.client.delete_object().bucket("replica").key("up/dir 0/ä0.png").send().await.unwrap();
    place.put("replica", "up/dir 1/ä1.png", "other").await;
    place.put("replica", "up/mine", "mine").await;
    let after = place.ok("s3.compare", compare).await;
    assert_eq!(after.get("ratio"), Some(&Value::Float(0.9)));
    assert_eq!(after.get("missing"), Some(&Value::List(vec![text("dir 0/ä0.png")])));
    assert_eq!(after.get("different"), Some(&Value::List(vec![text("dir 1/ä1.png")])));
    assert_eq!(int(&after, "count_extra"), 1);

    // What is deleted was shown, and nothing else is deleted.
    let attempt = place.attempt();
    let [from, to] = sync.clone();
    let request = asked("s3.sync", [from, to, ("delete", Value::Bool(true))]);
    let request = handler("s3.sync").complete(attempt.cx.clone(), request).await.unwrap();
    assert_eq!(request.value("deletes"), Some(&Value::List(vec![text("mine")])));
    place.put("replica", "up/late", "came after the consent").await;
    let finish = run(&attempt, &request).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!((int(&finish.result, "copied"), int(&finish.result, "deleted")), (2, 1));
    assert!(place.get("replica", "up/mine").await.is_none());
    assert!(place.get("replica", "up/late").await.is_some());

    // Into a directory, and once more with nothing to do.
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("stale"), "stale").unwrap();
    let down = [
        ("from", text("s3://live/up")),
        ("to", text(dir.path().to_str().unwrap())),
        ("delete", Value::Bool(true)),
    ];
    let result = place.ok("s3.sync", down.clone()).await;
    assert_eq!((int(&result, "copied"), int(&result, "deleted")), (20, 1));
    assert_eq!(std::fs::read(dir.path().join("dir 7/ä7.png")).unwrap(), b"picture 7");
    assert!(!dir.path().join("stale").exists());
    assert_eq!(int(&place.ok("s3.sync", down).await, "copied"), 0);
}
