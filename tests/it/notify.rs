//! Hooks that are told of a run, over real HTTP: what they get, and that none of them is in anybody's way.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::Value as Json;
use tokio::task::JoinSet;

use crate::services::console::{Console, eventually, said};

const RUNBOOK: &str = r#"steadyhand: 1
id: told
title: "Told <of> & more"
objectives: {rto: 1s}
steps:
  - id: hold
    title: Hold
    effect: reads
    do: {shell: {run: 'while [ -e "$HOME/hold" ]; do sleep 0.05; done'}}
  - id: smoke
    title: The service answers
    effect: reads
    do: {shell: {run: 'true'}}
    milestone: service_restored
"#;
const TOKEN: &str = "T0C4N4RYB0T0K3N";

/// Paths and bodies, in the order that they came in.
type Got = Arc<Mutex<Vec<(String, Json)>>>;

/// A server that answers as its paths say, and keeps what it is sent.
struct Server {
    port: u16,
    got: Got,
    _serving: JoinSet<()>,
}

impl Server {
    async fn start() -> Self {
        let got = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(got.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { port, got, _serving: serving }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// What came to a path, in order.
    fn at(&self, path: &str) -> Vec<Json> {
        let got = self.got.lock().unwrap();
        let at = got.iter().filter(|(to, _)| to.trim_start_matches('/').starts_with(path));
        at.map(|(_, body)| body.clone()).collect()
    }
}

async fn answer(State(got): State<Got>, uri: Uri, body: Bytes) -> StatusCode {
    let path = uri.path().to_owned();
    if path.starts_with("/hangs") {
        std::future::pending::<()>().await;
    }
    got.lock().unwrap().push((path.clone(), serde_json::from_slice(&body).unwrap()));
    if path.starts_with("/breaks") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

fn console(hooks: &str) -> Console {
    let console = Console::new(RUNBOOK);
    let settings = format!("steadyhand: 1\nnotify:\n{hooks}");
    std::fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    console
}

fn bodies(console: &Console, kind: &str) -> Vec<Json> {
    let of_kind = console.records().into_iter().filter(|record| record["type"] == kind);
    of_kind.map(|record| record["body"].clone()).collect()
}

/// No file below `dir` has this in it.
fn nowhere(dir: &Path, needle: &str) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nowhere(&path, needle);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(needle.len()).any(|it| it == needle.as_bytes());
            assert!(!found, "{} has it", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hook_is_told_in_its_own_words_and_its_address_is_nowhere() {
    let server = Server::start().await;
    let console = console(&format!(
        "  - {{url: env:SLACK_URL, kind: slack}}\n\
         \x20 - {{url: '{}', kind: statuspage, on: [start, milestone, end]}}\n\
         \x20 - {{url: 'file:{}', kind: json, name: board}}\n",
        server.url("page"),
        console_file(&server.url(&format!("board/{TOKEN}"))).display(),
    ));
    let secret = server.url(&format!("slack/{TOKEN}"));
    let mut drill = console.drill(&["--outage-start", "10m ago"]);
    let output = drill.env("SLACK_URL", &secret).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));

    let slack: Vec<String> =
        server.at("slack").iter().map(|it| it["text"].as_str().unwrap().to_owned()).collect();
    let [start, breach, restored, end] = slack.as_slice() else { panic!("{slack:?}") };
    assert!(start.starts_with("DRILL · Told &lt;of&gt; &amp; more: the run began"), "{start}");
    assert!(breach.contains("RTO missed") && breach.contains("of 1 s"), "{breach}");
    assert!(restored.contains("milestone service_restored"), "{restored}");
    assert!(end.contains("the run is completed"), "{end}");
    let page = server.at("page");
    let statuses: Vec<_> = page.iter().map(|it| it["incident"]["status"].clone()).collect();
    assert_eq!(statuses, ["investigating", "monitoring", "resolved"]);
    assert_eq!(page[0]["incident"]["name"], "Told <of> & more");
    let board = server.at("board");
    let events: Vec<_> = board.iter().map(|it| it["event"].clone()).collect();
    assert_eq!(events, ["start", "breach", "milestone", "end"]);
    assert_eq!((&board[0]["record"], &board[0]["mode"]), (&1.into(), &"drill".into()));
    assert_eq!(board[0]["runbook"], "told");

    assert_eq!(bodies(&console, "notification_sent").len(), 4 + 3 + 4);
    assert!(bodies(&console, "notification_failed").is_empty());
    nowhere(&console.run(), TOKEN);
    nowhere(&console.file("runs"), TOKEN);
    assert!(!said(&output).contains(TOKEN));
}

/// A file that holds this, its owner's alone; it stays.
fn console_file(text: &str) -> std::path::PathBuf {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.into_temp_path().keep().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_breaks_hangs_or_is_gone_stops_nothing_and_is_recorded() {
    let server = Server::start().await;
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let console = console(&format!(
        "  - {{url: '{}', kind: json, name: breaks, on: [start]}}\n\
         \x20 - {{url: '{}', kind: json, name: hangs, on: [start], timeout: 200ms}}\n\
         \x20 - {{url: 'http://127.0.0.1:{dead}/', kind: json, name: dead, on: [start]}}\n\
         \x20 - {{url: env:NO_SUCH_VARIABLE, kind: slack, name: unset, on: [start]}}\n",
        server.url("breaks"),
        server.url("hangs"),
    ));
    let began = Instant::now();
    let output = console.drill(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let failed = bodies(&console, "notification_failed");
    let why = |hook: &str| {
        let of = failed.iter().find(|it| it["hook"] == hook);
        of.unwrap_or_else(|| panic!("{hook}: {failed:?}"))["reason"].as_str().unwrap().to_owned()
    };
    assert!(
        why("breaks").contains("500") && why("breaks").contains("3 times"),
        "{}",
        why("breaks")
    );
    assert_eq!(server.at("breaks").len(), 3);
    assert!(why("hangs").contains("no answer within 0.2 s"), "{}", why("hangs"));
    assert!(why("dead").contains("cannot be connected to"), "{}", why("dead"));
    assert!(why("unset").contains("NO_SUCH_VARIABLE is not set"), "{}", why("unset"));
    // The run was over long before the last of them was given up.
    let records = console.records();
    let at = |kind: &str| {
        records.iter().position(|record| record["type"] == kind).unwrap_or_else(|| panic!("{kind}"))
    };
    let last = records.iter().rposition(|record| record["type"] == "notification_failed").unwrap();
    assert!(at("run_finished") < last, "the run waited for its hooks");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_not_sent_again_by_another_console() {
    let server = Server::start().await;
    let console = console(&format!("  - {{url: '{}', kind: json}}\n", server.url("hook")));
    std::fs::write(console.file("hold"), "").unwrap();
    let mut first = console.drill(&[]).spawn().unwrap();
    eventually(|| {
        let sent = !console.runs().is_empty() && {
            let text = crate::services::console::text(&console.run().join("journal.jsonl"));
            text.contains("notification_sent") && text.contains("attempt_started")
        };
        sent.then_some(())
    });
    first.kill().unwrap();
    first.wait().unwrap();
    std::fs::remove_file(console.file("hold")).unwrap();
    let run = console.run();
    let output = console.steady(&["resume", run.to_str().unwrap(), "--auto"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let hook = server.at("hook");
    let events: Vec<_> = hook.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(events.iter().filter(|it| **it == "start").count(), 1, "{events:?}");
    assert_eq!(events.iter().filter(|it| **it == "end").count(), 1, "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_tells_nobody() {
    let server = Server::start().await;
    let console = console(&format!("  - {{url: '{}', kind: json}}\n", server.url("hook")));
    let output = console
        .steady(&["run", "runbook.yaml", "--auto", "--mode", "rehearsal", "--speed", "1000"])
        .output()
        .unwrap();
    assert!(!console.records().is_empty(), "{}", said(&output));
    assert!(server.at("hook").is_empty(), "{:?}", server.at("hook"));
}
