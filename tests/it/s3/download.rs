//! Downloads through a server that goes away in the middle.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::services::door::Door;
use crate::services::seaweed::Seaweed;

const MIB: u64 = 1024 * 1024;

/// The size of the download that is broken; 1024 for the whole campaign.
fn wanted() -> u64 {
    let mib = std::env::var("S3_DOWNLOAD_MIB").ok().and_then(|it| it.parse().ok());
    mib.unwrap_or(64) * MIB
}

/// The server is gone twice on the way: the bytes are right, and hardly any came twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_when_the_server_is_back() {
    let Some(seaweed) = Seaweed::start().await else { return };
    let size = wanted();
    let direct = Place::of(seaweed.access()).await;
    direct.bucket("backups", false).await;
    let bytes = noise(usize::try_from(size).unwrap());
    let digest = sha256(&bytes);
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    std::fs::write(&source, &bytes).unwrap();
    drop(bytes);
    let uri = ("uri", text("s3://backups/shop.dump"));
    direct.ok("s3.upload", [("from", text(source.to_str().unwrap())), uri.clone()]).await;

    let door = Door::open(seaweed.port(), vec![size / 3, size * 2 / 3], Duration::from_millis(700));
    let mut access = seaweed.access();
    access.endpoint = Some(door.endpoint());
    let place = Place::of(access).await;
    let (to, before) = (dir.path().join("shop.dump"), door.passed());
    let result = place
        .ok("s3.download", [uri, ("to", text(to.to_str().unwrap())), ("sha256", text(&digest))])
        .await;
    assert_eq!(sha256(&std::fs::read(&to).unwrap()), digest);
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(door.times_shut(), 2);
    let (sent, got) = (door.passed() - before, int(&result, "transferred"));
    let factor = sent as f64 / size as f64;
    println!(
        "{} MiB in {:?} s, gone twice for 0.7 s: the server sent {sent} bytes, {factor:.3} times the \
         size; {got} arrived",
        size / MIB,
        result.get("seconds"),
    );
    assert!(factor < 1.2, "{factor}");
    assert!(u64::try_from(got).unwrap() <= sent);
}

/// Kills the server itself, which needs half a minute each time to come back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: S3_DOWNLOAD_MIB=1024 cargo nextest run --run-ignored all outlives"]
async fn a_download_outlives_a_server_that_is_killed() {
    let Some(mut seaweed) = Seaweed::start().await else { return };
    let size = wanted();
    let place = Place::of(seaweed.access()).await;
    place.bucket("backups", false).await;
    let bytes = noise(usize::try_from(size).unwrap());
    let digest = sha256(&bytes);
    let dir = tempfile::tempdir().unwrap();
    let (source, to) = (dir.path().join("source"), dir.path().join("shop.dump"));
    std::fs::write(&source, &bytes).unwrap();
    drop(bytes);
    let uri = ("uri", text("s3://backups/shop.dump"));
    place.ok("s3.upload", [("from", text(source.to_str().unwrap())), uri.clone()]).await;
    let attempt = place.attempt();
    let request =
        asked("s3.download", [uri, ("to", text(to.to_str().unwrap())), ("sha256", text(&digest))]);
    let download = handler("s3.download").run(attempt.cx.clone(), request);
    let killer = async {
        for third in 1..=2 {
            let there = || std::fs::read_dir(dir.path()).unwrap().flatten();
            let part = || there().find(|it| it.path().extension().is_some_and(|it| it == "part"));
            let length = || part().and_then(|it| Some(it.metadata().ok()?.len())).unwrap_or(0);
            while length() < size * third / 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            seaweed.kill();
            println!("killed at {} MiB", length() / MIB);
            seaweed.start_again();
        }
    };
    let (finish, ()) = tokio::join!(download, killer);
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(sha256(&std::fs::read(&to).unwrap()), digest);
    let factor = int(&finish.result, "transferred") as f64 / size as f64;
    println!("{}; {factor:.3} times its size was transferred", finish.message);
    assert!(factor < 1.2, "{factor}");
}
