//! What is left of a run, done by a person without the console: the printed commands are run by a shell against
//! the real things, and leave what the console would have left.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use crate::services::console::{Console, said, text};
use crate::services::postgres::{Cluster, PASSWORD, USER};

const TOKEN: &str = "token-that-nobody-may-see";

const RUNBOOK: &str = r#"steadyhand: 1
id: left
title: Left
inputs:
  port: {type: integer}
  url: {type: url}
  dump: {type: path}
  sum: {type: string}
  who: {type: string, default: "O'Hara & \"sons\" $HOME"}
  password: {type: secret, env: PGPASSWORD}
  token: {type: secret, env: TOKEN}
steps:
  - id: first
    title: First
    do: {shell: {run: 'echo first >> ledger'}}
  - id: person
    title: A person looks
    do: {manual: {checklist: [Is it dark?, "Is it $(late)?"]}}
  - id: ready
    title: The server answers
    do:
      postgres.wait_ready:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: USER, password: "${{ inputs.password }}"}
        until: primary
        every: 1s
        for: 20s
  - id: insert
    title: Insert
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: USER, database: loans, password: "${{ inputs.password }}"}
        sql: INSERT INTO acted VALUES ($1, $2)
        params: ["${{ inputs.who }}", 3]
  - id: rename
    title: Rename
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: USER, database: loans, password: "${{ inputs.password }}"}
        sql: 'ALTER TABLE :"old" RENAME TO :"new"; COMMENT ON TABLE :"new" IS :''old'''
        names: {old: spare, new: "the new one"}
  - id: load
    title: Load
    do:
      postgres.restore_dump:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: USER, database: restored, password: "${{ inputs.password }}"}
        file: "${{ inputs.dump }}"
        sha256: "${{ inputs.sum }}"
  - id: announce
    title: Announce
    do:
      http:
        method: POST
        url: "${{ inputs.url }}/announce"
        bearer: "${{ inputs.token }}"
        query: {who: "${{ inputs.who }}"}
        json: {by: "${{ inputs.who }}", key: "${{ inputs.token }}", n: 2}
        expect: {status: [201, 202]}
  - id: login
    title: Log in
    do:
      http:
        method: PUT
        url: "${{ inputs.url }}/login"
        basic: {user: ops, password: "${{ inputs.token }}"}
        body: plain
  - id: healthy
    title: It answers
    do:
      http: {url: "${{ inputs.url }}/health", poll: {every: 1s, for: 30s}}
  - id: last
    title: Last
    do: {shell: {run: 'printf "%s %s\n" "$INPUT_WHO" "${#PGPASSWORD}" >> ledger; cat >> ledger', stdin: "said $5\n"}}
    env: {PGPASSWORD: "${{ inputs.password }}"}
"#;

/// What was asked of the service.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

async fn answer(
    State(asked): State<Asked>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut asked = asked.0.lock().unwrap();
    let with = headers.get("authorization").map_or("", |it| it.to_str().unwrap());
    asked.push(format!("{method} {uri} {with} {}", String::from_utf8_lossy(&body).trim()));
    match uri.path() {
        "/announce" => StatusCode::CREATED,
        "/health" if asked.iter().filter(|it| it.contains("/health")).count() < 3 => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::OK,
    }
}

/// A dump of one table, gzipped, and its SHA-256.
fn dump(console: &Console) -> (String, String) {
    let plain = console.file("loans.sql");
    fs::write(&plain, "CREATE TABLE kept (n int);\nCOPY kept FROM stdin;\n1\n2\n\\.\n").unwrap();
    let script = "gzip -k loans.sql && sha256sum loans.sql.gz | cut -d' ' -f1";
    let output = Command::new("sh").args(["-ec", script]).current_dir(console.file("")).output();
    let sum = String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned();
    (console.file("loans.sql.gz").display().to_string(), sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_does_what_the_console_would_have_done() {
    let Some(cluster) = Cluster::start("") else { return };
    for database in ["loans", "restored"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
    }
    cluster.sql("loans", "CREATE TABLE acted (who text, n int); CREATE TABLE spare (n int)");
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().fallback(answer).with_state(asked.clone());
    tokio::spawn(async move { axum::serve(listener, service).await });

    let console = Console::new(&RUNBOOK.replace("USER", USER));
    let (dump, sum) = dump(&console);
    let (port, bin) = (cluster.port, cluster.bin().display().to_string());
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let secrets = [("PGPASSWORD", PASSWORD), ("TOKEN", TOKEN), ("PATH", &path)];
    let inputs = [
        format!("port={port}"),
        format!("url={url}"),
        format!("dump={dump}"),
        format!("sum={sum}"),
    ];
    let inputs: Vec<_> = inputs.iter().flat_map(|input| ["-i", input]).collect();
    let output = console.drill(&inputs).envs(secrets).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(5),
        "it stops where a person is needed: {}",
        said(&output)
    );

    let run = console.run().display().to_string();
    let output = console.steady(&["show", "--remaining", &run]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let script = String::from_utf8(output.stdout).unwrap();
    for secret in [PASSWORD, TOKEN] {
        assert!(!script.contains(secret), "a secret is printed:\n{script}");
    }
    assert!(!script.contains("first: First"), "what is done is not left:\n{script}");
    assert!(script.contains("# checklist: "), "{script}");
    fs::write(console.file("left.sh"), &script).unwrap();

    let mut sh = Command::new("sh");
    sh.args(["-e", "left.sh"]).current_dir(console.file("")).envs(secrets);
    let output = tokio::task::spawn_blocking(move || sh.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}\n--- of\n{script}", said(&output));

    let who = "O'Hara & \"sons\" $HOME";
    let ledger = format!("first\n{who} {}\nsaid $5\n", PASSWORD.len());
    assert_eq!(text(&console.file("ledger")).trim_end(), ledger.trim_end());
    assert_eq!(cluster.sql("loans", "SELECT who, n FROM acted"), format!("{who}|3"));
    let comment = "SELECT obj_description('\"the new one\"'::regclass)";
    assert_eq!(cluster.sql("loans", comment), "spare");
    assert_eq!(cluster.sql("restored", "SELECT sum(n) FROM kept"), "3");
    let asked = asked.0.lock().unwrap().clone();
    let query = "who=O%27Hara+%26+%22sons%22+%24HOME";
    let json = format!(r#"{{"by": "O'Hara & \"sons\" $HOME", "key": "{TOKEN}", "n": 2}}"#);
    assert_eq!(asked[0], format!("POST /announce?{query} Bearer {TOKEN} {json}"), "{asked:?}");
    assert!(asked[1].starts_with("PUT /login Basic ") && asked[1].ends_with(" plain"), "{asked:?}");
    assert_eq!(asked.iter().filter(|it| it.starts_with("GET /health")).count(), 3, "{asked:?}");

    // A dump is never loaded on top of something: the same again stops there.
    let mut again = Command::new("sh");
    again.args(["-e", "left.sh"]).current_dir(console.file("")).envs(secrets);
    cluster.sql("loans", "ALTER TABLE \"the new one\" RENAME TO spare");
    let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    assert!(!output.status.success(), "{}", said(&output));
    assert_eq!(cluster.sql("restored", "SELECT sum(n) FROM kept"), "3");
}

/// What cannot be told, and what may have been done already, is no command.
#[test]
fn what_may_have_been_done_already_and_what_is_not_known_yet_stops_the_script() {
    let runbook = "steadyhand: 1
id: left
title: Left
steps:
  - id: act
    title: Act
    on_unknown: ask
    do: {shell: {run: 'echo acted >> ledger; echo 7; kill -9 $PPID; sleep 1'}}
    save: {n: result.stdout}
  - id: use
    title: Use
    do: {shell: {run: 'echo \"$N\" >> ledger'}}
    env: {N: \"${{ steps.act.n }}\"}
  - id: never
    title: Never
    when: run.mode == 'live'
    do: {shell: {run: 'echo never >> ledger'}}
";
    let console = Console::new(runbook);
    let output = console.drill(&[]).output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "acted\n");
    let run = console.run().display().to_string();
    let output = console.steady(&["show", "--remaining", &run]).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    for part in [
        "# UNKNOWN: it may have been done already",
        "# echo acted",
        "# not known before the steps above",
        "# does not apply",
    ] {
        assert!(script.contains(part), "no {part:?} in\n{script}");
    }
    fs::write(console.file("left.sh"), &script).unwrap();
    let output = Command::new("sh").args(["-e", "left.sh"]).current_dir(console.file("")).output();
    assert!(!output.unwrap().status.success(), "{script}");
    assert_eq!(text(&console.file("ledger")), "acted\n", "nothing is done on a guess:\n{script}");
}
