//! Canaries through a whole run: secrets of every source, used by every family that takes any, said back
//! by tools and servers in every form they know. None is found in anything that is kept or shown.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use aho_corasick::AhoCorasick;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{ENTER, Terminal, is, run_dir};
use crate::canary::forms::forms;

const FROM_ENV: &str = "Zq7%env\"ü$'9/+x&<4";
const FROM_FILE: &str = "ghp-file&Canary/8842+Rt?";
const FROM_COMMAND: &str = "-----BEGIN CANARY-----\nMIICanaryLineOne+Q7\nMIICanaryLineTwo/Z9\n";
const TYPED: &str = "typed-Canary'5531\\q";
const CANARIES: [&str; 4] = [FROM_ENV, FROM_FILE, FROM_COMMAND, TYPED];

const RUNBOOK: &str = r#"steadyhand: 1
id: canary
title: Canaries
requires: {env: [CANARY]}
inputs:
  base: {type: url}
  port: {type: integer}
  e: {type: secret, env: CANARY}
  f: {type: secret}
  c: {type: secret}
  t: {type: secret, default: ask}
steps:
  - id: tools
    title: Tools print them
    do:
      shell:
        shell: bash
        run: |
          env
          # Neither here nor in what this starts: -e ends the step otherwise.
          [ "$(ulimit -Hc)" = 0 ]
          set -x
          : "$E" "$INPUT_F"
          set +x
          printf '%s\n%q\n' "$E" "$E" "$INPUT_F" "$INPUT_F" | tee /dev/stderr
          declare -p E INPUT_F
          printf '%s' "$E" | base64
          printf 'user:%s' "$INPUT_F" | base64 | tr '+/' '-_' >&2
          printf '{"a long beginning of a document": "%s"}' "$INPUT_F" | base64
          printf '\033]0;%s\007\033[1m%s\033[0m\n' "$E" "$E"
          for ((i = 0; i < ${#E}; i++)); do printf '%s' "${E:i:1}"; done; echo
          printf '%s\033[31m%s\n' "${INPUT_F:0:9}" "${INPUT_F:9}"
          printf '%s' "$E" | od -An -v -tx1 | tr -d ' \n'; echo
          ! command -v python3 >/dev/null || python3 - <<'PY'
          import base64, html, json, os, sys, urllib.parse
          for name in ["E", "INPUT_F"]:
              it = os.environ[name]
              print(repr(it), ascii(it), it.encode(), html.escape(it))
              print(json.dumps(it), json.dumps(json.dumps(it)), json.dumps(it, ensure_ascii=False))
              print(urllib.parse.quote(it), urllib.parse.quote_plus(it), urllib.parse.quote(it, safe=""))
              print(urllib.parse.quote(urllib.parse.quote(it, safe=""), safe=""))
              for around in ["", "u", "u:"]:
                  print(base64.encodebytes((around + it + around).encode()).decode())
              for byte in it.encode():
                  sys.stdout.buffer.write(bytes([byte]))
                  sys.stdout.flush()
              print()
          PY
    env: {E: "${{ inputs.e }}"}
    effect: reads
  - id: basic
    title: A server repeats a password
    do:
      http:
        method: POST
        url: "${{ inputs.base }}/good"
        basic: {user: operator, password: "${{ inputs.e }}"}
        json: {key: "${{ inputs.e }}", text: "it is ${{ inputs.f }}"}
    effect: reads
  - id: bearer
    title: A server refuses a token
    do:
      http:
        method: POST
        url: "${{ inputs.base }}/bad"
        bearer: "${{ inputs.f }}"
        headers: {X-Other: "key=${{ inputs.f }}"}
        body: "${{ inputs.c }}"
    effect: reads
    on_failure: continue
  - id: lines
    title: A program fails with a line of a key
    do: {shell: {run: 'cat; printf "%s" "$INPUT_C" | tail -n 1 >&2; exit 3', stdin: "${{ inputs.c }}"}}
    effect: reads
    on_failure: continue
  - id: saved
    title: A secret is not saved
    do: {shell: {run: 'echo "$INPUT_F"'}}
    effect: reads
    save: {it: result.stdout}
    on_failure: continue
  - id: database
    title: A database repeats a password
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.port }}", user: u, password: "${{ inputs.t }}", sslmode: disable}
        sql: select 1
    effect: reads
    on_failure: continue
"#;

/// Says back what it gets, headers as well.
fn web() -> SocketAddr {
    async fn echo(headers: &HeaderMap, body: &str) -> String {
        let said: Vec<_> = headers.iter().map(|(k, v)| format!("{k}: {v:?}")).collect();
        format!("{}\n{body}", said.join("\n"))
    }
    let app = Router::new()
        .route("/good", post(|h: HeaderMap, body: String| async move { echo(&h, &body).await }))
        .route(
            "/bad",
            post(|h: HeaderMap, body: String| async move {
                (StatusCode::BAD_REQUEST, echo(&h, &body).await)
            }),
        );
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    told.recv().unwrap()
}

/// A database that asks for the password in clear and says it back in its refusal.
fn database() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // Who hangs up has heard enough.
            let _ = refuse(stream.unwrap());
        }
    });
    at
}

fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    let message = |stream: &mut TcpStream, length: [u8; 4]| {
        let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
        stream.read_exact(&mut body).map(|()| body)
    };
    stream.read_exact(&mut length)?;
    message(&mut stream, length)?;
    stream.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
    stream.read_exact(&mut [0])?;
    stream.read_exact(&mut length)?;
    let body = message(&mut stream, length)?;
    let password = String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned();
    assert_eq!(password, TYPED);
    let fields = format!(
        "SFATAL\0VFATAL\0C42501\0Mpassword \"{password}\" is wrong\0D{}\0Htry '{}'\0\0",
        STANDARD.encode(format!("u:{password}")),
        password.replace('\'', "''"),
    );
    stream.write_all(b"E")?;
    stream.write_all(&(u32::try_from(fields.len()).unwrap() + 4).to_be_bytes())?;
    stream.write_all(fields.as_bytes())
}

/// Finds every ten characters in a row of every form of every canary.
struct Search {
    find: AhoCorasick,
    pieces: usize,
    cases: usize,
}

impl Search {
    fn new() -> Self {
        let mut pieces = BTreeSet::new();
        for canary in CANARIES {
            for (_, form, own) in forms(canary) {
                let chars: Vec<char> = form[own..].chars().collect();
                pieces.extend(chars.windows(10).map(|ten| ten.iter().collect::<String>()));
            }
        }
        // What stands around the secret in some of the forms is none.
        pieces.retain(|piece| !piece.trim_matches(['x', '-']).is_empty());
        Self { find: AhoCorasick::new(&pieces).unwrap(), pieces: pieces.len(), cases: 0 }
    }

    fn assert_none(&mut self, what: &str, bytes: &[u8]) {
        self.cases += self.pieces;
        if let Some(hit) = self.find.find(bytes) {
            let around = &bytes[hit.start().saturating_sub(60)..(hit.end() + 60).min(bytes.len())];
            panic!("a canary is in {what}: {}", String::from_utf8_lossy(around));
        }
    }

    fn assert_none_below(&mut self, dir: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            self.assert_none("a file's name", path.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                files.extend(self.assert_none_below(&path));
            } else {
                self.assert_none(&path.display().to_string(), &std::fs::read(&path).unwrap());
                files.push(path);
            }
        }
        files
    }
}

/// Looks at every process of this machine, again and again: at its arguments, and at the environment of
/// those that are `steady` itself.
struct ProcessList {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<(usize, Vec<Vec<u8>>)>,
}

impl ProcessList {
    fn watch() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen_over = over.clone();
        let thread = thread::spawn(move || {
            let (mut looks, mut seen) = (0, BTreeSet::new());
            while !seen_over.load(Ordering::Relaxed) {
                for process in std::fs::read_dir("/proc").unwrap().flatten() {
                    let read = |name| std::fs::read(process.path().join(name)).unwrap_or_default();
                    let arguments = read("cmdline");
                    if arguments.starts_with(env!("CARGO_BIN_EXE_steady").as_bytes())
                        || arguments.starts_with(b"/proc/self/exe")
                    {
                        // The one that the operator's own shell has exported.
                        let environment = read("environ");
                        let others = environment.split(|b| *b == 0);
                        seen.extend(
                            others.filter(|v| !v.starts_with(b"CANARY=")).map(<[_]>::to_vec),
                        );
                    }
                    seen.insert(arguments);
                }
                looks += 1;
            }
            (looks, seen.into_iter().collect())
        });
        Self { over, thread }
    }

    fn all(self) -> (usize, Vec<Vec<u8>>) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A home with the runbook in it, and one beside it with the secrets.
fn homes() -> (tempfile::TempDir, tempfile::TempDir) {
    let (home, sources) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(home.path().join("runbook.yaml"), RUNBOOK).unwrap();
    for (name, secret) in [("f", FROM_FILE), ("c", FROM_COMMAND)] {
        let file = sources.path().join(name);
        std::fs::write(&file, secret).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    (home, sources)
}

fn begin(home: &Path, sources: &Path, env: &[(&str, &str)]) -> Terminal {
    let inputs = [
        format!("base=http://{}", web()),
        format!("port={}", database().port()),
        format!("f=file:{}", sources.join("f").display()),
        format!("c=cmd:cat {}", sources.join("c").display()),
    ];
    let mut words = vec!["run", "runbook.yaml", "--mode", "drill"];
    inputs.iter().for_each(|input| words.extend(["-i", input]));
    let env: Vec<_> = env.iter().copied().chain([("CANARY", FROM_ENV)]).collect();
    Terminal::steady(home, &words, &env)
}

#[test]
fn no_canary_is_kept_or_shown_by_a_whole_run() {
    let (home, sources) = homes();
    let dir = home.path();
    let processes = ProcessList::watch();
    let mut search = Search::new();
    let mut terminal = begin(dir, sources.path(), &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", terminal.pid())).unwrap();
    let dumps = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(dumps.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{dumps}");
    for (step, title) in [
        ("tools", "Tools print them"),
        ("basic", "A server repeats a password"),
        ("bearer", "A server refuses a token"),
        ("lines", "A program fails"),
        ("saved", "A secret is not saved"),
    ] {
        terminal.wait_text(title).wait_text("Enter run").press(ENTER);
        terminal.wait_record(dir, "of the end", |r| is(r, "attempt_finished", step));
        search.assert_none("the screen", terminal.screen().as_bytes());
    }
    terminal.wait_text("Enter type the secret").press(ENTER);
    terminal.wait_text("Type the secret t").press(TYPED);
    terminal.wait_text("••••••••").press(ENTER);
    terminal.wait_record(dir, "of the end", |r| is(r, "attempt_finished", "database"));
    terminal.wait_text("COMPLETED");
    search.assert_none("the screen", terminal.screen().as_bytes());
    terminal.press(ENTER);
    terminal.wait_exit();

    let run = run_dir(dir).unwrap();
    let id = run.file_name().unwrap().to_str().unwrap();
    let out = dir.join("exported");
    let out = out.to_str().unwrap();
    for words in [
        &["export", id, "--format", "md,json", "-o", out][..],
        &["verify", id],
        &["runs"],
        &["list", "--json"],
        &["show", "--remaining", id],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_steady"))
            .args(words)
            .current_dir(dir)
            .env("STEADYHAND_RUNS", super::runs(dir))
            .output()
            .unwrap();
        search.assert_none(&words.join(" "), &[output.stdout, output.stderr].concat());
    }
    search.assert_none("what the terminal was sent", terminal.raw().as_bytes());
    let (looks, seen) = processes.all();
    for arguments in &seen {
        search.assert_none("the process list", arguments);
    }
    let files = search.assert_none_below(dir);

    // What was looked for was there to be found.
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    for (file, least) in
        [("output/tools.1.log", 30), ("output/lines.1.log", 2), ("journal.jsonl", 10)]
    {
        let masks = read(file).matches("«secret ").count();
        assert!(masks >= least, "{file} has {masks} masks:\n{}", read(file));
    }
    let journal = read("journal.jsonl");
    for said in ["is wrong", "«secret t»", "400 Bad Request", "exit code 3: «secret c»"] {
        assert!(journal.contains(said), "no {said} in {journal}");
    }
    let tools =
        super::records(dir).into_iter().find(|r| is(r, "attempt_finished", "tools")).unwrap();
    assert_eq!(tools["body"]["outcome"], "succeeded", "{tools}");
    for place in ["/exported/", "/.diagnostics/", "/attempts/", "/reports/"] {
        let there = files.iter().any(|file| file.to_string_lossy().contains(place));
        assert!(there, "nothing in {place}: {files:?}");
    }
    assert!(looks > 10 && seen.len() > 5, "{looks} looks at {} processes", seen.len());
    println!(
        "canary matrix, a whole run: {} cases in {} files, {} arguments of processes and the terminal, \
         0 hits",
        search.cases,
        files.len(),
        seen.len()
    );
}

#[test]
fn a_secret_in_a_note_does_not_get_into_the_record() {
    let (home, sources) = homes();
    let dir = home.path();
    let mut terminal = begin(dir, sources.path(), &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Enter run").press("n");
    terminal.wait_text("Note").press(&format!("the token is {FROM_FILE}, and works"));
    terminal.wait_text("works").press(ENTER);
    terminal.wait_record(dir, "of the note", |r| is(r, "note_added", ""));
    let notes = super::records(dir);
    let note = notes.iter().find(|r| is(r, "note_added", "")).unwrap();
    assert_eq!(note["body"]["text"], "the token is «secret f», and works");
    Search::new().assert_none_below(dir);
}

#[test]
fn a_panic_says_no_canary() {
    let mut search = Search::new();
    let said: String = [FROM_ENV, FROM_FILE, FROM_COMMAND]
        .into_iter()
        .flat_map(forms)
        .map(|(name, form, _)| format!("{name}: {form}\n"))
        .collect();
    for where_ in ["panic:screen", "panic:worker"] {
        let (home, sources) = homes();
        let dir = home.path();
        let env = [("STEADYHAND_FAILPOINT", where_), ("STEADYHAND_PANIC_TEXT", said.as_str())];
        let mut terminal = begin(dir, sources.path(), &env);
        terminal.wait_text("Before the first step").press(ENTER);
        terminal.wait_text("Enter run");
        if where_ == "panic:worker" {
            terminal.press(ENTER);
            terminal.wait_record(dir, "of the end", |r| is(r, "attempt_finished", "tools"));
            terminal.wait_text("FAILED").press("q");
        } else {
            terminal.press("!");
        }
        terminal.wait_exit();
        search.assert_none("what the terminal was sent", terminal.raw().as_bytes());
        assert!(terminal.raw().contains("has a defect at"), "{}", terminal.raw());
        let files = search.assert_none_below(dir);
        let day =
            files.iter().find(|file| file.to_string_lossy().contains(".diagnostics")).unwrap();
        let text = std::fs::read_to_string(day).unwrap();
        assert!(text.contains("has a defect at") && text.contains("«secret f»"), "{text}");
    }
    println!("canary matrix, panics: {} cases, 0 hits", search.cases);
}
