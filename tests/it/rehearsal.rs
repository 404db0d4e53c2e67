//! Rehearsals: nothing is executed, and the end is reached all the same. Issue 5, acceptance 6.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

use crate::services::console::{Console, fails_at, said};
use crate::services::skip;

/// The shipped runbooks, each with what makes a way through it that needs no person.
const SHIPPED: [(&str, &[&str]); 8] = [
    ("aurora-failover", &["cluster=loans", "smoke_url=https://service.example/health"]),
    (
        "aurora-pitr",
        &[
            "source_cluster=loans",
            "restore_to=12m ago",
            "smoke_url=https://service.example/health",
            "operate=shell",
        ],
    ),
    ("postgres-logical-restore", &["database=loans", "check_table=loans"]),
    (
        "postgres-pitr-wal",
        &["restore_to=12m ago", "backup_dir=/no/b", "wal_archive=/no/w", "check_table=loans"],
    ),
    (
        "postgres-replica-promote",
        &["replica_host=r.example", "primary_host=p.example", "check_table=loans", "operate=shell"],
    ),
    (
        "rabbitmq-definitions-restore",
        &["management_url=https://broker.example", "definitions=/no/definitions.json"],
    ),
    (
        "region-failover",
        &[
            "replica=r.example",
            "check_table=loans",
            "name=api.example.org",
            "target=recovery.example.org",
            "smoke_url=https://service.example/health",
            "fence=shell",
        ],
    ),
    (
        "vault-snapshot-restore",
        &["vault_url=https://vault.example", "snapshot=/no/s", "kv_path=a/b", "kv_version=2"],
    ),
];

/// `steady`, as a rehearsal has it: no tool on the path, nothing in the environment, and what it asks of the
/// kernel about processes and the network put down in `trace`. Without a network, where that can be had.
fn traced(console: &Console, args: &[&str], trace: &Path) -> Option<Command> {
    let strace =
        ["/usr/bin/strace", "/usr/local/bin/strace"].into_iter().find(|p| Path::new(p).exists());
    let Some(strace) = strace else {
        skip("strace", "not installed: what a rehearsal asks of the kernel is not looked at");
        return None;
    };
    let steady = console.steady(args);
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("/usr/bin/unshare");
        command.arg("-n").arg(strace);
        command
    } else {
        skip("unshare -n", "not root: the rehearsals of the shipped runbooks have a network");
        Command::new(strace)
    };
    command.args(["-f", "-qq", "-e", "trace=network,process", "-o"]).arg(trace);
    command.arg(steady.get_program()).args(steady.get_args());
    command.current_dir(console.file("")).env_clear().env("PATH", "");
    command.env("HOME", console.file("")).env("STEADYHAND_RUNS", console.file("runs"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

/// What was asked of the kernel that a rehearsal has no business with. The runtime's own threads, and the pair of
/// sockets by which it hears of signals, are none.
fn touched(trace: &str) -> Vec<&str> {
    let mut programs = 0;
    let bad = |line: &&str| {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        let name = call.split('(').next().unwrap_or_default();
        match name {
            "execve" => {
                programs += 1;
                programs > 1
            }
            "clone" | "clone3" => !call.contains("CLONE_THREAD"),
            "fork" | "vfork" | "execveat" | "socket" | "connect" | "bind" | "listen" => true,
            "socketpair" => !call.starts_with("socketpair(AF_UNIX"),
            _ => false,
        }
    };
    trace.lines().filter(bad).collect()
}

#[test]
fn what_touches_something_would_be_seen() {
    let innocent = "1 execve(\"steady\", [], 0x7 /* 3 vars */) = 0\n\
                    1 clone3({flags=CLONE_VM|CLONE_THREAD|CLONE_SIGHAND}, 88) = 2\n\
                    2 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0\n\
                    2 +++ exited with 0 +++\n";
    assert_eq!(touched(innocent), Vec::<&str>::new());
    for guilty in [
        "2 execve(\"/bin/sh\", [], 0x7 /* 3 vars */) = 0",
        "2 clone(child_stack=NULL, flags=CLONE_VFORK|SIGCHLD) = 3",
        "2 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5",
        "2 connect(5, {sa_family=AF_INET}, 16) = -1 EINPROGRESS",
        "2 vfork() = 3",
    ] {
        assert_eq!(touched(&format!("{innocent}{guilty}\n")), [guilty]);
    }
}

#[test]
fn the_shipped_runbooks_reach_their_end_without_a_network_a_tool_or_a_child() {
    let shipped = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks")).unwrap();
    assert_eq!(shipped.count(), SHIPPED.len(), "a shipped runbook is not rehearsed here");
    for (runbook, inputs) in SHIPPED {
        let console = Console::new("");
        let trace = console.file("trace");
        let mut args = vec!["run", runbook, "--mode", "rehearsal", "--auto", "--allow-destructive"];
        args.extend(["--speed", "10000"]);
        args.extend(inputs.iter().flat_map(|input| ["-i", input]));
        let Some(mut command) = traced(&console, &args, &trace) else { return };
        let output = command.output().unwrap();
        assert!(output.status.success(), "{runbook}: {}", said(&output));
        let trace = std::fs::read_to_string(&trace).unwrap();
        assert!(trace.contains("execve("), "{runbook}: nothing was traced");
        assert_eq!(touched(&trace), Vec::<&str>::new(), "{runbook}");
        let records = console.records();
        assert_eq!(last(&records, "run_finished")["body"]["ending"], "completed", "{runbook}");
        assert!(count(&records, "attempt_finished") > 3, "{runbook}");
        for record in records.iter().filter(|r| r["type"] == "attempt_finished") {
            let message = record["body"]["message"].as_str().unwrap();
            assert!(
                message.contains("nothing was executed") || message.contains("chosen"),
                "{message}"
            );
        }
    }
}

fn count(records: &[Json], kind: &str) -> usize {
    records.iter().filter(|record| record["type"] == kind).count()
}

fn last<'r>(records: &'r [Json], kind: &str) -> &'r Json {
    records.iter().rfind(|record| record["type"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// Everything that an action could touch: a file, a server, a secret's command, a tool, a pin.
const TOUCHY: &str = r#"steadyhand: 1
id: touchy
title: Touches things
objectives: {rto: 1s, rpo: 1s}
recovery_point: "${{ steps.count.newest }}"
requires: {tools: [no-such-tool-here], env: [NO_SUCH_VARIABLE]}
inputs:
  server: {type: url}
  token: {type: secret, default: "cmd:touch secret-was-fetched; echo long-enough-a-secret"}
  unset: {type: secret, env: NO_SUCH_SECRET}
steps:
  - id: count
    title: Count the rows
    do:
      shell: {run: 'echo counted >> "$PWD/ledger"; echo "{\"n\": 7, \"newest\": \"2026-11-21T02:54:00Z\"}"', json: true}
    effect: reads
    expect: [result.json.n > 0]
    save: {n: result.json.n, newest: timestamp(result.json.newest)}
    budget: 20s
  - id: tell
    title: "Tell the server of ${{ steps.count.n }} rows"
    do:
      http: {method: POST, url: "${{ inputs.server }}", bearer: "${{ inputs.token }}", json: {rows: "${{ steps.count.n }}"}}
    undo:
      http: {method: DELETE, url: "${{ inputs.server }}"}
  - id: drop
    title: Drop the old one
    when: steps.count.n > 5
    do:
      shell: {run: 'touch dropped; echo $INPUT_UNSET'}
    effect: destroys
    guard: {type: "drop ${{ steps.count.n }} rows"}
    verifies: data
    milestone: service_restored
"#;

/// A listener, and how many have come to it.
fn listener() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            // All of the request, or closing would cut the answer off.
            let (mut heard, mut buffer) = (String::new(), [0; 4096]);
            while !heard.ends_with('}') && !heard.ends_with("\r\n\r\n") {
                match std::io::Read::read(&mut stream, &mut buffer) {
                    Ok(n @ 1..) => heard.push_str(&String::from_utf8_lossy(&buffer[..n])),
                    Ok(_) | Err(_) => break,
                }
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    (url, came)
}

struct Place {
    console: Console,
    url: String,
    came: Arc<AtomicUsize>,
}

impl Place {
    fn new() -> Self {
        let console = Console::new(TOUCHY);
        let (url, came) = listener();
        let fetch = "cmd:touch secret-was-fetched; echo";
        let settings = format!(
            "steadyhand: 1\nsigning: {{key: no-such-key, required: true}}\narchive: {{to: \"s3://drills/x\", \
             anchor: true, aws: {{region: eu-west-1, endpoint: \"{url}\"}}}}\nnotify:\n  - {{kind: json, url: \
             \"{url}\"}}\n  - {{kind: slack, url: \"{fetch} {url}\"}}\nenvironments:\n  dr:\n    mode: drill\n    \
             aws: {{region: eu-west-1, endpoint: \"{url}\"}}\n    \
             target: {{aws.account: \"123456789012\", host: another-host}}\n"
        );
        std::fs::write(console.file("steadyhand.yaml"), settings).unwrap();
        Self { console, url, came }
    }

    fn rehearse(&self, args: &[&str]) -> Command {
        let server = format!("server={}", self.url);
        let mut all = vec!["run", "runbook.yaml", "--env", "dr", "--mode", "rehearsal"];
        all.extend(["--auto", "--allow-destructive", "--speed", "1000", "-i", &server]);
        all.extend(args);
        self.console.steady(&all)
    }

    fn assert_untouched(&self) {
        for file in ["ledger", "dropped", "secret-was-fetched"] {
            assert!(!self.console.file(file).exists(), "{file} is there");
        }
        assert_eq!(self.came.load(Ordering::SeqCst), 0, "somebody came to the server");
    }
}

fn json_of(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(output)))
}

#[test]
fn it_touches_nothing_and_nobody_calls_it_a_drill() {
    let place = Place::new();
    let output = place.rehearse(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    place.assert_untouched();
    let records = place.console.records();

    // What it says of itself from the first record on.
    let started = &records[0]["body"];
    assert_eq!((&started["mode"], &started["speed"]), (&"rehearsal".into(), &1000.into()));
    assert!(started.get("signing").is_none(), "{started}");
    let checks = last(&records, "preflight")["body"]["checks"].to_string();
    for said in
        ["no-such-tool-here", "not looked for", "NO_SUCH_SECRET", "not fetched", "not asked"]
    {
        assert!(checks.contains(said), "no {said:?} in {checks}");
    }

    // What only a real run would know stands as it was written.
    let told = records.iter().find(|r| r["type"] == "attempt_intended" && r["step"] == "tell");
    let request = &told.unwrap()["body"]["request"];
    assert_eq!(request["args"]["json"]["rows"], "${{ steps.count.n }}");
    assert_eq!(request["args"]["bearer"], "«secret token»");
    let finished = |step: &str| {
        let of = |r: &&Json| r["type"] == "attempt_finished" && r["step"] == step;
        records.iter().find(of).unwrap()["body"].clone()
    };
    assert!(finished("count")["message"].as_str().unwrap().contains("20s (its budget)"));
    assert!(finished("count")["message"].as_str().unwrap().contains("`expect` was not evaluated"));
    assert_eq!(finished("count")["saved"], serde_json::json!({}));
    let dropped = finished("drop")["message"].as_str().unwrap().to_owned();
    assert!(dropped.contains("`when: steps.count.n > 5` cannot be known"), "{dropped}");

    // No verdict, no time, no drill.
    assert_eq!(count(&records, "objective_breached"), 0);
    let runs = json_of(&place.console.steady(&["runs", "--json"]).output().unwrap());
    let run = &runs["runs"][0];
    assert_eq!(run["mode"], "rehearsal");
    assert_eq!((&run["passed"], &run["outcome"]), (&Json::Null, &"completed".into()));
    assert_eq!((&run["rto"]["actual_s"], &run["rto"]["met"]), (&Json::Null, &Json::Null));
    assert_eq!((&run["rpo"]["actual_s"], &run["rpo"]["met"]), (&Json::Null, &Json::Null));
    let list = ["list", "--json", "--runbooks", "."];
    let list = json_of(&place.console.steady(&list).output().unwrap());
    assert_eq!(list["runbooks"][0]["last_drill"], Json::Null, "{list}");
    let id = place.console.run();
    let verified = place.console.steady(&["verify", id.to_str().unwrap()]).output().unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn what_an_earlier_run_took_and_saved_is_gone_by() {
    let place = Place::new();
    // Without the pins, the key and the server that a drill would want.
    let drill = TOUCHY
        .replace("requires: {tools: [no-such-tool-here], env: [NO_SUCH_VARIABLE]}\n", "")
        .replace("  unset: {type: secret, env: NO_SUCH_SECRET}\n", "")
        .replace("; echo $INPUT_UNSET", "");
    std::fs::write(place.console.file("runbook.yaml"), drill).unwrap();
    std::fs::write(place.console.file("steadyhand.yaml"), "steadyhand: 1\n").unwrap();
    let server = format!("server={}", place.url);
    let real = place.console.drill(&["--allow-destructive", "-i", &server]).output().unwrap();
    assert!([0, 3].contains(&real.status.code().unwrap()), "{}", said(&real));
    let before = place.console.run();
    let before = before.file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::remove_file(place.console.file("ledger")).unwrap();
    let came = place.came.load(Ordering::SeqCst);

    let args = ["run", "runbook.yaml", "--mode", "rehearsal", "--auto", "--allow-destructive"];
    let mut command = place.console.steady(&args);
    let output = command.args(["--json", "-i", &server]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let records: Vec<Json> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let of = |kind: &str, step: &str| {
        let is = |r: &&Json| r["type"] == kind && r["step"] == step;
        records.iter().find(is).unwrap_or_else(|| panic!("no {kind} of {step}"))["body"].clone()
    };
    let message = of("attempt_finished", "count")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("the one attempt on record"), "{message}");
    assert!(message.contains(&format!("saves what {before} saved")), "{message}");
    assert_eq!(of("attempt_finished", "count")["saved"]["n"], 7);
    assert_eq!(of("attempt_intended", "tell")["request"]["args"]["json"]["rows"], 7);
    // The condition is known now, and so is what is typed.
    let message = of("attempt_finished", "drop")["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("cannot be known"), "{message}");
    assert!(!place.console.file("ledger").exists());
    assert_eq!(place.came.load(Ordering::SeqCst), came);
}

#[test]
fn killed_in_the_middle_it_goes_on_and_nothing_was_done_meanwhile() {
    let place = Place::new();
    let whole = place.rehearse(&[]).output().unwrap();
    assert!(whole.status.success(), "{}", said(&whole));
    let records = place.console.records();
    let at = records.iter().find(|r| r["type"] == "attempt_intended" && r["step"] == "tell");
    let at = at.unwrap()["seq"].as_u64().unwrap();
    std::fs::remove_dir_all(place.console.run()).unwrap();

    let killed = fails_at(place.rehearse(&[]), at).output().unwrap();
    assert_eq!(killed.status.code(), None, "{}", said(&killed));
    let resume = ["resume", "--auto", "--allow-destructive"];
    let resumed = place.console.steady(&resume).output().unwrap();
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    place.assert_untouched();
    let records = place.console.records();
    let resolved = last(&records, "unknown_resolved");
    assert_eq!(resolved["step"], "tell");
    assert_eq!(resolved["body"]["as"], "not_done");
    assert!(resolved["body"]["reason"].as_str().unwrap().contains("a rehearsal executes nothing"));
    assert_eq!(last(&records, "run_finished")["body"]["ending"], "completed");
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let place = Place::new();
    for (args, words) in [
        (&["--auto", "--mode", "drill", "--speed", "5"][..], &["--speed is for rehearsals"][..]),
        (&["--auto", "--mode", "rehearsal", "--speed", "0"], &["--speed", "1..=10000"]),
        (&["--auto", "--mode", "rehearsal", "--speed", "fast"], &["--speed", "fast"]),
        (&["--auto", "--env", "dr", "--mode", "live"], &["the environment `dr` is for drill"]),
        (&["--auto", "--mode", "rehearsal", "-i", "server=ftp://x"], &["server", "http"]),
    ] {
        let all = [&["run", "runbook.yaml"], args].concat();
        let output = place.console.steady(&all).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        for word in words {
            assert!(said(&output).contains(word), "no {word:?} in {}", said(&output));
        }
        assert_eq!(place.console.runs(), Vec::<PathBuf>::new());
    }
}
