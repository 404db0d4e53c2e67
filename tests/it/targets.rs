//! A drill acts on nothing but what its environment lists, whatever its requests are made of.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

use crate::services::console::{Console, said};

/// A server on loopback, and how many requests have come to it.
fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut head);
            let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    (port, came)
}

/// Runs a drill of these steps on an environment that lists `127.0.0.1`; the file `other.yaml` is beside it.
fn drill(steps: &str, other: &str, targets: &str) -> (Console, std::process::Output) {
    let runbook = format!("steadyhand: 1\nid: small\ntitle: Small\nsteps:\n{steps}");
    let console = Console::new(&runbook);
    std::fs::write(console.file("other.yaml"), other).unwrap();
    let settings = format!("steadyhand: 1\nenvironments:\n  dr:\n    mode: drill\n{targets}");
    std::fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    let output = console.drill(&["--env", "dr", "--allow-destructive"]).output().unwrap();
    (console, output)
}

const LISTED: &str = "    targets:\n      http: [127.0.0.1]\n";

fn refusal<'r>(records: &'r [Json], step: &str) -> &'r str {
    let of = |r: &&Json| r["type"] == "guard_refused" && r["step"] == step;
    records.iter().find(of).and_then(|r| r["body"]["reason"].as_str()).unwrap_or_default()
}

#[test]
fn a_request_made_of_what_a_step_has_saved_is_held_to_the_list() {
    let (port, came) = server();
    let steps = format!(
        "  - id: find\n    title: Find\n    do: {{shell: {{run: 'echo localhost'}}}}\n    effect: reads\n    \
         save: {{host: result.stdout}}\n  \
         - id: listed\n    title: Listed\n    do: {{http: {{method: PUT, url: \"http://127.0.0.1:{port}/\"}}}}\n  \
         - id: change\n    title: Change\n    do: {{http: {{method: PUT, url: \"http://${{{{ steps.find.host }}}}:{port}/\"}}}}\n"
    );
    let (console, output) = drill(&steps, "", LISTED);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let records = console.records();
    let reason = refusal(&records, "change");
    for said in ["`localhost`", "not in `http: [127.0.0.1]`, line 6", "environments.dr.targets"] {
        assert!(reason.contains(said), "no {said:?} in {reason:?}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 1, "the listed one alone");
    assert!(!records.iter().any(|r| r["type"] == "attempt_intended" && r["step"] == "change"));
    assert_eq!(records[0]["body"]["targets"]["http"]["names"][0], "127.0.0.1");

    // Not by another console either, whatever the settings say by now.
    std::fs::write(console.file("steadyhand.yaml"), "steadyhand: 1\n").unwrap();
    let again = console.steady(&["resume", "--auto", "--allow-destructive"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert_eq!(came.load(Ordering::SeqCst), 1);
}

#[test]
fn what_the_inputs_tell_is_refused_before_the_first_step() {
    let (port, came) = server();
    let change = format!("do: {{http: {{method: PUT, url: \"http://localhost:{port}/\"}}}}");
    let child = format!(
        "steadyhand: 1\nid: other\ntitle: Other\ninputs:\n  host: {{type: string}}\nsteps:\n  - id: change\n    \
         title: Change\n    do: {{http: {{method: PUT, url: \"http://${{{{ inputs.host }}}}:{port}/\"}}}}\n"
    );
    let nested = "  - id: part\n    title: Part\n    do: {runbook: {id: ./other.yaml, inputs: {host: localhost}}}\n";
    for (steps, step, targets) in [
        (format!("  - id: change\n    title: Change\n    {change}\n"), "change", LISTED),
        (nested.to_owned(), "part/change", LISTED),
        // Another kind's list lists nothing of this one.
        (
            format!("  - id: change\n    title: Change\n    {change}\n"),
            "change",
            "    targets: {rds: ['*']}\n",
        ),
    ] {
        let (console, output) = drill(&steps, &child, targets);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        let all = said(&output);
        assert!(all.contains(&format!("target of {step}")) && all.contains("`localhost`"), "{all}");
        assert_eq!(console.runs(), Vec::<std::path::PathBuf>::new());
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[test]
fn what_reads_and_what_has_no_list_at_all_is_held_to_nothing() {
    let (port, came) = server();
    let read = format!(
        "  - {{id: look, title: Look, do: {{http: {{url: \"http://localhost:{port}/\"}}}}}}\n"
    );
    let change = format!(
        "  - {{id: go, title: Go, do: {{http: {{method: PUT, url: \"http://localhost:{port}/\"}}}}}}\n"
    );
    for (steps, targets) in [(read, LISTED), (change, "")] {
        let (_, output) = drill(&steps, "", targets);
        assert!(output.status.success(), "{}", said(&output));
    }
    assert_eq!(came.load(Ordering::SeqCst), 2);
}
