//! A secret that a person types: it reaches the server, and nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};

use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::console::{Console, said};

const WRONG: &str = "canary-mistyped-7c41";
const RIGHT: &str = "canary-share-one-90fe";
const TOKEN: &str = "canary-token-aa02";

const RUNBOOK: &str = r#"steadyhand: 1
id: typed
title: Typed secrets
inputs:
  base: {type: url}
  share: {type: secret, default: ask, help: One share of the key}
  token: {type: secret, default: ask}
steps:
  - id: unseal
    title: Unseal
    do: {http: {method: PUT, url: "${{ inputs.base + '/unseal' }}", json: {key: "${{ inputs.share }}"}}}
  - id: script
    title: A script that names no secret
    do: {shell: {run: 'env'}}
    effect: reads
  - id: look
    title: Look
    do: {http: {url: "${{ inputs.base + '/look' }}", headers: {X-Token: "${{ inputs.token }}"}}}
    expect: [result.status == 200]
"#;

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Says back what it gets, as careless servers do.
fn server() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let app = Router::new()
        .route(
            "/unseal",
            put(|State(seen): State<Seen>, body: String| async move {
                seen.0.lock().unwrap().push(body.clone());
                let good = body.contains(RIGHT);
                let status = if good { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                (status, format!("you sent {body}"))
            }),
        )
        .route(
            "/look",
            get(|State(seen): State<Seen>, headers: HeaderMap| async move {
                let token = headers["x-token"].to_str().unwrap().to_owned();
                seen.0.lock().unwrap().push(token.clone());
                format!("hello {token}")
            }),
        )
        .with_state(seen.clone());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    (told.recv().unwrap(), seen)
}

/// No file below `dir` holds any of the canaries.
pub fn clean(dir: &Path, canaries: &[&str]) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            clean(&entry.path(), canaries);
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        for canary in canaries {
            assert!(!text.contains(canary), "{canary} is in {}", entry.path().display());
        }
    }
}

fn finished(dir: &Path, step: &str) -> usize {
    records(dir).iter().filter(|r| is(r, "attempt_finished", step)).count()
}

#[test]
fn a_mistyped_secret_is_typed_anew_and_none_is_written_anywhere() {
    let (at, seen) = server();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("runbook.yaml"), RUNBOOK).unwrap();
    let base = format!("base=http://{at}");
    let words = ["run", "runbook.yaml", "--mode", "drill", "-i", &base];
    let mut terminal = Terminal::steady(dir.path(), &words, &[]);
    terminal.wait_text("Before the first step").press(ENTER);

    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret share").press(WRONG);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("«secret share»").confirm();
    terminal.wait_text("FAILED");
    assert!(terminal.screen().contains("400 Bad Request"), "{}", terminal.screen());

    // It may have been mistyped: it is asked for again, and pasting is typing.
    terminal.wait_text("Enter choices").press(ENTER);
    terminal.wait_text("retry").press("r");
    terminal.wait_text("Type the secret share").press(&format!("\x1b[200~{RIGHT}\x1b[201~"));
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("«secret share»").confirm();
    terminal.wait_record(dir.path(), "of the end", |r| {
        is(r, "attempt_finished", "unseal") && r["body"]["outcome"] == "succeeded"
    });

    terminal.wait_text("A script that names").wait_text("Enter run").press(ENTER);
    terminal.wait_record(dir.path(), "of the script", |r| is(r, "attempt_finished", "script"));
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret token").press(TOKEN);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("COMPLETED").press(ENTER);
    assert!(terminal.wait_exit().success());

    let bodies = seen.all();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
    assert!(bodies[0].contains(WRONG) && bodies[1].contains(RIGHT), "{bodies:?}");
    assert_eq!(bodies[2], TOKEN);
    assert_eq!((finished(dir.path(), "unseal"), finished(dir.path(), "look")), (2, 1));
    let canaries = [WRONG, RIGHT, TOKEN];
    clean(&run_dir(dir.path()).unwrap(), &canaries);
    for canary in canaries {
        assert!(!terminal.raw().contains(canary), "{canary} was on the screen");
    }
}

#[test]
fn a_resumed_run_asks_again() {
    let (at, seen) = server();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("runbook.yaml"), RUNBOOK).unwrap();
    let base = format!("base=http://{at}");
    let words = ["run", "runbook.yaml", "--mode", "drill", "-i", &base];
    let mut terminal = Terminal::steady(dir.path(), &words, &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret share").press(RIGHT);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("Press y to run exactly this.");
    terminal.signal(rustix::process::Signal::KILL);
    terminal.wait_exit();
    assert!(seen.all().is_empty());

    let mut terminal = Terminal::steady(dir.path(), &["resume"], &[]);
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret share").press("\x1b");
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret share").press(RIGHT);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_text("«secret share»").confirm();
    terminal.wait_record(dir.path(), "of the end", |r| is(r, "attempt_finished", "unseal"));
    assert_eq!(seen.all().len(), 1);
    clean(&run_dir(dir.path()).unwrap(), &[RIGHT]);
}

#[test]
fn unattended_it_stops_where_a_person_must_type() {
    let (at, seen) = server();
    let console = Console::new(RUNBOOK);
    let base = format!("base=http://{at}");
    let output = console.drill(&["-i", &base]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(
        said(&output).contains("`unseal` uses the secret `share`, which a person types"),
        "{}",
        said(&output)
    );
    assert!(seen.all().is_empty());
}
