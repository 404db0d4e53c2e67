//! Children whose supervisor or console is gone.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};

use super::law::{Fold, is};
use crate::services::console::{Console, eventually, said, text};

/// Whatever is asked, the answer is 200.
fn answering() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    format!("http://{address}/")
}

/// The supervisor is killed as well, so that nobody saw the end: the probe is asked, else a person.
#[test]
fn a_child_that_nobody_saw_end_is_known_by_its_probe_or_a_person_decides() {
    let step = "steadyhand: 1\nid: lost\ntitle: Lost\nsteps:\n  - id: act\n    title: Act\n    \
                do: {shell: {run: 'echo acted >> \"$HOME/ledger\"'}}\n";
    let url = answering();
    let probe =
        format!("    probe: {{do: {{http: {{url: '{url}'}}}}, done: result.status == 200}}\n");
    for (runbook, code, resolved_by) in
        [(format!("{step}{probe}"), 0, Some("probe")), (step.to_owned(), 5, None)]
    {
        let console = Console::new(&runbook);
        let mut run = console.drill(&[]);
        let output = run.env("STEADYHAND_FAILPOINT", "supervisor:before_exit").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let records = console.records();
        let resolved = records.iter().find(|it| is(it, "unknown_resolved", "act"));
        let by = resolved.map(|it| it["body"]["resolved_by"].as_str().unwrap());
        assert_eq!(by, resolved_by);
        assert_eq!(text(&console.file("ledger")), "acted\n");
        // Looking at it once more, from another console, does not do it again.
        let again = console.steady(&["resume", "--auto"]).output().unwrap();
        let expected = if code == 0 { 2 } else { code };
        assert_eq!(again.status.code(), Some(expected), "{}", said(&again));
        assert_eq!(text(&console.file("ledger")), "acted\n");
    }
}

/// The connection is lost, or somebody stops the console: what it began goes on without it.
#[test]
fn a_console_that_is_told_to_go_leaves_its_child_at_work() {
    let runbook = "steadyhand: 1\nid: long\ntitle: Long\nsteps:\n  - id: act\n    title: Act\n    effect: destroys\n    \
                   guard: {type: loans}\n    do:\n      shell:\n        run: |\n          \
                   while [ ! -e \"$HOME/go\" ] && [ -e \"$HOME/runbook.yaml\" ]; do sleep 0.02; done\n          echo acted >> \"$HOME/ledger\"\n";
    for (signal, name) in
        [(Signal::HUP, "SIGHUP"), (Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")]
    {
        let console = Console::new(runbook);
        let first = console.drill(&["--allow-destructive"]).spawn().unwrap();
        eventually(|| {
            let journal = console.runs().first().map(|run| text(&run.join("journal.jsonl")))?;
            journal.contains("\"attempt_started\"").then_some(())
        });
        let pid = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let output = first.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", said(&output));
        let words = said(&output);
        assert!(words.contains(name) && words.contains("steady resume"), "{words}");
        let kinds: Vec<_> = console.records().iter().map(|it| it["type"].clone()).collect();
        assert!(kinds.contains(&"signal_received".into()), "{kinds:?}");

        std::fs::write(console.file("go"), "").unwrap();
        // No consent is asked for again: nothing is done again.
        let resumed = console.steady(&["resume", "--auto"]).output().unwrap();
        assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
        assert_eq!(text(&console.file("ledger")), "acted\n");
        let fold = Fold::of(&console.records());
        assert!(fold.broken.is_empty(), "{:?}", fold.broken);
    }
}
