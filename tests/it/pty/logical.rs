//! `postgres-logical-restore` from SeaweedFS by keys at 80x24, and with trouble half-way. What is in the databases afterwards
//! is looked at here, not taken from the screen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::walk::{self, Turn, amend, review, walk, walk_until};
use super::{ENTER, Terminal, is, records};
use crate::services::door::Door;
use crate::services::postgres::PASSWORD;
use crate::services::shop::{ORDERS, Shop};

/// How the console is started: the bucket behind `endpoint`, the server of `shop`.
struct Scene<'a> {
    shop: &'a Shop,
    endpoint: String,
    dir: tempfile::TempDir,
}

impl<'a> Scene<'a> {
    fn set(shop: &'a Shop, endpoint: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        shop.cluster.sql("postgres", "DROP DATABASE IF EXISTS shop_before_restore");
        shop.cluster.sql("shop", "DELETE FROM orders WHERE id > 100");
        Self { shop, endpoint, dir }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn steady(&self, words: &[&str]) -> Terminal {
        let env = [
            ("PGPASSWORD", PASSWORD),
            ("AWS_ACCESS_KEY_ID", "keeper-access"),
            ("AWS_SECRET_ACCESS_KEY", "keeper-secret"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        Terminal::steady(self.dir(), words, &env)
    }

    /// As far as the question which dump it is to be, which then has been chosen from the top.
    fn begun(&self, pattern: &str, jobs: u32) -> Terminal {
        // The drill says which AWS it acts on by its endpoint.
        let settings = format!(
            "steadyhand: 1\nenvironments:\n  here:\n    mode: drill\n    aws: {{endpoint: \"{}\", region: eu-west-1}}\n",
            self.endpoint
        );
        std::fs::write(self.dir().join("steadyhand.yaml"), settings).unwrap();
        let runbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let (port, jobs) = (format!("port={}", self.shop.cluster.port), format!("jobs={jobs}"));
        let pattern = format!("pattern={pattern}");
        let mut terminal = self.steady(&[
            "run",
            "postgres-logical-restore",
            "--env",
            "here",
            "--runbooks",
            runbooks.to_str().unwrap(),
            "-i",
            "backups=s3://backups/pg/",
            "-i",
            &pattern,
            "-i",
            &jobs,
            "-i",
            &port,
            "-i",
            "database=shop",
            "-i",
            "check_table=public.orders",
            "-i",
            "min_rows=60000",
        ]);
        terminal.wait_text("Before the first step").press(ENTER);
        walk_until(&mut terminal, self.dir(), None, "Which dump is to be restored?");
        terminal.press(ENTER).wait_text("Enter answers.").press(ENTER).wait_text("Which one?");
        terminal.press(ENTER);
        terminal.wait_record(self.dir(), "of the choice", |r| is(r, "attempt_finished", "pick"));
        terminal
    }

    /// The run is over, and the shop is whole again; the damaged one is kept.
    fn good_end(&self, mut terminal: Terminal, whole: &str) {
        assert_eq!(
            walk(&mut terminal, self.dir(), Some("shop")),
            Turn::Over,
            "{}",
            terminal.screen()
        );
        walk::end(&mut terminal, self.dir());
        assert!(!terminal.raw().contains(PASSWORD), "the password was on the screen");
        let cluster = &self.shop.cluster;
        assert_eq!(cluster.sql("shop", ORDERS), whole);
        let kept = "SELECT datallowconn FROM pg_database WHERE datname = 'shop_before_restore'";
        assert_eq!(cluster.sql("postgres", kept), "f");
    }
}

/// S3 goes away while the dump is on its way, and meanwhile the console is killed: the load survives both.
#[test]
fn a_load_from_s3_survives_the_server_and_the_console() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(shop) = runtime.block_on(Shop::open()) else { return };
    let whole = shop.cluster.sql("shop", ORDERS);
    let door = runtime.block_on(async {
        Door::open(shop.seaweed.port(), vec![2_000_000], Duration::from_secs(5))
    });
    let scene = Scene::set(&shop, door.endpoint());
    let mut terminal = scene.begun("shop\\.sql$", 1);
    assert_eq!(
        walk_until(&mut terminal, scene.dir(), None, "Load the dump into shop_restore"),
        None
    );
    review(&mut terminal, scene.dir(), None);
    // The screen says how far it is and what it waits for.
    terminal.wait_for("bytes, and why none come", |screen| {
        screen.contains("loading: ") && screen.contains("MiB") && screen.contains("waiting")
    });
    terminal.signal(Signal::KILL).wait_exit();
    assert!(!records(scene.dir()).iter().any(|r| is(r, "attempt_finished", "restore")));
    assert_eq!(door.times_shut(), 1);

    let terminal = scene.steady(&["resume"]);
    scene.good_end(terminal, &whole);
    let all = records(scene.dir());
    let begun = all.iter().filter(|r| is(r, "attempt_started", "restore")).count();
    assert_eq!(begun, 1, "the load was begun once");
}

/// The newest dump is not what its manifest says; the operator takes another.
#[test]
fn a_dump_that_is_not_what_its_manifest_says_is_never_committed_and_another_is_taken() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(shop) = runtime.block_on(Shop::open()) else { return };
    let whole = shop.cluster.sql("shop", ORDERS);
    let good = shop.dump("-Fc", "good.dump");
    let mut bad = shop.dump("-Fp", "bad.sql");
    let at = bad.len() - 2000;
    bad[at] ^= 1;
    runtime.block_on(async {
        shop.put("pg/zz-newest.sql", bad).await;
        shop.vouch("pg/zz-newest.sql", &good).await;
    });
    let endpoint = format!("http://127.0.0.1:{}", shop.seaweed.port());
    let scene = Scene::set(&shop, endpoint);
    let mut terminal = scene.begun("newest", 1);
    assert_eq!(walk(&mut terminal, scene.dir(), None), Turn::Stuck, "{}", terminal.screen());
    terminal.wait_record(scene.dir(), "of the refusal", |r| {
        is(r, "attempt_finished", "restore")
            && r["body"]["message"].as_str().is_some_and(|m| m.contains("its SHA-256 is"))
    });
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(shop.cluster.sql("shop_restore", tables), "0");
    amend(&mut terminal, scene.dir(), "dump", "s3://backups/pg/shop.dump");
    // A key that came before the request was prepared anew does nothing, and is pressed again.
    while !terminal.screen().contains("Run this?") {
        terminal.wait_text("Enter choices").press(ENTER).wait_text("retry").press("r");
        terminal.wait_for("the request, or the choices", |screen| {
            screen.contains("Run this?") || screen.contains("Enter choices")
        });
    }
    // What happened the first time stands above what is consented to.
    terminal.wait_text("its SHA-256 is").wait_text("s3://backups/pg/shop.dump");
    review(&mut terminal, scene.dir(), None);
    terminal.wait_record(scene.dir(), "of the second try", |r| {
        is(r, "attempt_finished", "restore") && r["body"]["outcome"] == "succeeded"
    });
    scene.good_end(terminal, &whole);
}
