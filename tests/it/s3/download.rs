//! Downloads through a server that goes away in the middle.

use std::os::unix::fs::PermissionsExt as _;

use steadyhand::actions::Progress;
use steadyhand::aws::object::Reading;

use super::*;
use crate::services::console::{Console, eventually, said};
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

/// A download of 32 MiB that stands still half-way, because its server is gone.
struct Stuck {
    practice: Practice,
    door: Door,
    place: Place,
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Stuck {
    async fn set(away: Duration) -> Self {
        let practice = Practice::start().await;
        let direct = Place::of(practice.access.clone()).await;
        direct.bucket("backups", false).await;
        let bytes = noise(32 * 1024 * 1024);
        direct.put("backups", "shop.dump", bytes.clone()).await;
        let port = practice.access.endpoint.as_ref().unwrap().rsplit_once(':').unwrap().1;
        let door = Door::open(port.parse().unwrap(), vec![16 * MIB], away);
        let mut access = practice.access.clone();
        access.endpoint = Some(door.endpoint());
        let place = Place::of(access).await;
        Self { practice, door, place, dir: tempfile::tempdir().unwrap(), bytes }
    }

    fn to(&self) -> std::path::PathBuf {
        self.dir.path().join("shop.dump")
    }

    /// As it is consented to, with its digest.
    async fn request(&self, attempt: &Attempt) -> Request {
        let request = asked(
            "s3.download",
            [
                ("uri", text("s3://backups/shop.dump")),
                ("to", text(self.to().to_str().unwrap())),
                ("sha256", text(sha256(&self.bytes))),
            ],
        );
        handler("s3.download").complete(attempt.cx.clone(), request).await.unwrap()
    }

    /// Until the door has shut and the operator has been told.
    async fn stands_still(&self, attempt: &mut Attempt) {
        let told = async {
            while let Some(progress) = attempt.progress.recv().await {
                if let Progress::Status { message, fraction } = progress
                    && message.contains("waiting: ")
                {
                    assert!(message.contains(" of 32.0 MiB"), "{message}");
                    assert!(fraction.is_some_and(|it| it < 1.0), "{fraction:?}");
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("a word on what it waits for");
        assert_eq!(self.door.times_shut(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_download_leaves_nothing() {
    let stuck = Stuck::set(Duration::from_secs(600)).await;
    let mut attempt = stuck.place.attempt();
    let (cx, cancel) = (attempt.cx.clone(), attempt.cancel.clone());
    let request = stuck.request(&attempt).await;
    let download = tokio::spawn(handler("s3.download").run(cx, request));
    stuck.stands_still(&mut attempt).await;
    assert_eq!(names(stuck.dir.path()).len(), 1, "the part is there");
    cancel.cancel();
    let finish = download.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("cancelled; nothing is left"), "{}", finish.message);
    assert_eq!(names(stuck.dir.path()), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_under_a_download_is_never_mixed() {
    let stuck = Stuck::set(Duration::from_millis(1500)).await;
    let mut attempt = stuck.place.attempt();
    let request = stuck.request(&attempt).await;
    let download = tokio::spawn(handler("s3.download").run(attempt.cx.clone(), request));
    stuck.stands_still(&mut attempt).await;
    let other = vec![0; stuck.bytes.len()];
    stuck.practice.s3.put("backups", "shop.dump", other, chrono::Utc::now());
    let finish = download.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("was changed since it was looked at"), "{}", finish.message);
    assert!(finish.message.contains("nothing is left"), "{}", finish.message);
    assert_eq!(names(stuck.dir.path()), [] as [String; 0]);
}

/// What a console that is gone has left is gone on from, once; a part that has suffered is found out.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_attempt_goes_on_from_what_a_lost_one_left() {
    let stuck = Stuck::set(Duration::from_millis(1500)).await;
    let mut attempt = stuck.place.attempt();
    let request = stuck.request(&attempt).await;
    assert!(matches!(found(&attempt, &request).await, Found::NotStarted(_)));
    let download = tokio::spawn(handler("s3.download").run(attempt.cx.clone(), request.clone()));
    stuck.stands_still(&mut attempt).await;
    let part = stuck.dir.path().join(&names(stuck.dir.path())[0]);
    // Nobody clears up behind a process that is killed.
    let left = std::fs::read(&part).unwrap();
    download.abort();
    assert!(download.await.is_err());
    assert!(left.len() as u64 > MIB && left.len() < stuck.bytes.len(), "{}", left.len());
    let door = stuck.door.endpoint().replace("http://", "");
    eventually(|| std::net::TcpStream::connect(&door).ok());
    let leave = |bytes: &[u8]| {
        std::fs::write(&part, bytes).unwrap();
        std::fs::write(stuck.dir.path().join("shop.dump.0123abcd.part"), "of another").unwrap();
    };

    let mut spoilt = left.clone();
    spoilt[1000] ^= 1;
    leave(&spoilt);
    let finish = run(&attempt, &request).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("changed or damaged"), "{}", finish.message);
    assert_eq!(names(stuck.dir.path()), [] as [String; 0]);

    leave(&left);
    let seen = found(&attempt, &request).await;
    assert!(
        matches!(&seen, Found::NotStarted(it) if it.contains("goes on from there")),
        "{seen:?}"
    );
    let finish = run(&attempt, &request).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let transferred = usize::try_from(int(&finish.result, "transferred")).unwrap();
    assert_eq!(transferred, stuck.bytes.len() - left.len());
    assert!(std::fs::read(stuck.to()).unwrap() == stuck.bytes);
    assert_eq!(names(stuck.dir.path()), ["shop.dump"]);
    assert!(matches!(found(&attempt, &request).await, Found::Running(_)));
    let end = handler("s3.download").reattach(attempt.cx.clone(), request).await;
    assert_eq!(end.outcome, Outcome::Succeeded, "{}", end.message);
}

const RUNBOOK: &str = r#"steadyhand: 1
id: fetch
title: Fetch a backup
inputs: {to: {type: path}}
steps:
  - id: fetch
    title: Fetch it
    do: {s3.download: {uri: "s3://backups/shop.dump", to: "${{ inputs.to }}"}}
    on_unknown: reattach
"#;

/// The console is killed in the middle; the next one finds what it left, and goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_after_its_console_was_killed() {
    let stuck = Stuck::set(Duration::from_secs(2)).await;
    let manifest = format!("{{\"sha256\": \"{}\"}}", sha256(&stuck.bytes));
    stuck.practice.s3.put("backups", "shop.dump.manifest.json", manifest, chrono::Utc::now());
    let console = Console::new(RUNBOOK);
    let (endpoint, region) = (stuck.door.endpoint(), stuck.practice.s3.region());
    let aws = format!("aws: {{endpoint: \"{endpoint}\", region: {region}}}");
    let settings =
        format!("steadyhand: 1\nenvironments: {{here: {{mode: drill, auto: true, {aws}}}}}\n");
    std::fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    let keys = |mut command: std::process::Command| {
        command.env("AWS_ACCESS_KEY_ID", CREDENTIALS.0);
        command.env("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command
    };
    let to = format!("to={}", stuck.to().display());
    let mut first =
        keys(console.drill(&["--env", "here", "-i", &to])).spawn().expect("steady starts");
    let part = |entry: std::fs::DirEntry| (entry.metadata().unwrap().len() > MIB).then_some(entry);
    eventually(|| {
        let there = std::fs::read_dir(stuck.dir.path()).unwrap().flatten();
        (stuck.door.times_shut() == 1).then(|| there.filter_map(part).next()).flatten()
    });
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!stuck.to().exists());

    let address = endpoint.strip_prefix("http://").unwrap();
    eventually(|| std::net::TcpStream::connect(address).ok());
    let resumed = keys(console.steady(&["resume", "--auto"])).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    assert!(std::fs::read(stuck.to()).unwrap() == stuck.bytes);
    assert_eq!(names(stuck.dir.path()), ["shop.dump"]);
    let records = console.records();
    let last = records.iter().rfind(|it| it["type"] == "attempt_finished").unwrap();
    let transferred = last["body"]["result"]["transferred"].as_u64().unwrap();
    assert!(transferred < stuck.bytes.len() as u64 - MIB, "{transferred}");
}

/// Without any thread but its own, and with a patience that runs out.
#[tokio::test]
async fn a_reader_gives_up_after_its_patience_and_goes_on_from_where_it_was() {
    let stuck = Stuck::set(Duration::from_secs(3)).await;
    let object = stuck.place.s3.head("backups", "shop.dump", None).await.unwrap();
    let patience = Duration::from_millis(500);
    let mut reader = stuck.place.s3.read(&object, Reading { patience, ..Reading::default() });
    let mut got = Vec::new();
    let failure = loop {
        match reader.next().await {
            Ok(bytes) => got.extend_from_slice(&bytes.expect("not the end")),
            Err(failure) => break failure,
        }
    };
    assert!(failure.message.contains("nothing came for"), "{failure}");
    assert!(reader.gauge().trouble().is_some());
    let reading = Reading { from: got.len() as u64, ..Reading::default() };
    let mut reader = stuck.place.s3.read(&object, reading);
    while let Some(bytes) = reader.next().await.unwrap() {
        got.extend_from_slice(&bytes);
    }
    assert!(got == stuck.bytes);
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
