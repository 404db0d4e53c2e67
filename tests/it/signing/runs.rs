//! Making signatures: with a key file, with an agent, and without either.

use std::fs;
use std::io::Read as _;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value as Json;

use super::{Bench, RUNBOOK, checkpoints, types};
use crate::services::console::{said, text};
use crate::services::openssh::{self, Agent};

#[test]
fn a_run_is_signed_at_the_start_before_what_destroys_at_the_close_and_to_its_last_record() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let (run, records) = (bench.console.run(), bench.console.records());
    let key = openssh::fingerprint(&bench.key);
    assert_eq!(records[0]["body"]["signing"]["key"], key.as_str());
    assert_eq!(records[0]["body"]["identity"], format!("key {key}").as_str());
    let at = |kind: &str, step: &str| {
        let found = records.iter().find(|r| r["type"] == kind && r["step"] == step).unwrap();
        found["seq"].as_u64().unwrap()
    };
    let signed: Vec<_> = records.iter().filter(|r| r["type"] == "checkpoint_signed").collect();
    assert_eq!(signed.len(), 3, "{:?}", types(&records));
    let told = |n: usize| signed[n]["body"]["checkpoint"].as_u64().unwrap();
    assert!(told(0) < at("guard_satisfied", "drop_old"));
    // The consent is signed before the attempt is intended, and that is recorded.
    assert!(told(1) >= at("guard_satisfied", "drop_old"));
    assert!(signed[1]["seq"].as_u64().unwrap() < at("attempt_intended", "drop_old"));
    let over = records.iter().position(|r| r["type"] == "run_finished").unwrap() as u64 + 1;
    assert!(told(2) >= over);
    assert!(signed.iter().all(|record| record["body"]["key"] == key.as_str()));
    // The last checkpoint vouches for the last record: no record can tell of that one.
    let last = records.len() as u64;
    assert_eq!(checkpoints(&run), [told(0), told(1), told(2), last]);

    let (code, sentence) = bench.audit(&run);
    assert_eq!(code, 0, "{sentence}");
    assert!(sentence.contains(&format!(": intact: {last} records, head ")), "{sentence}");
    assert!(sentence.contains("signed to the last by alice@example.org; 4 checkpoints"));
    let (code, sentence) = bench.verify(&["verify", run.to_str().unwrap()]);
    assert_eq!(code, 0, "{sentence}");
    let unchecked = ": consistent; 4 signatures not checked (--allowed-signers FILE does): ";
    assert!(sentence.contains(unchecked), "{sentence}");
    let file = bench.signers.to_str().unwrap();
    let args = ["verify", run.to_str().unwrap(), "--allowed-signers", file, "--json"];
    let verdict: Json = serde_json::from_str(&bench.verify(&args).1).unwrap();
    assert_eq!(verdict["result"], "intact");
    assert_eq!(verdict["signed_up_to"], last);
    assert_eq!(verdict["signatures"][3]["principal"], "alice@example.org");
    assert_eq!(verdict["signatures"][3]["key"], key.as_str());

    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let report = text(&run.join(format!("reports/{id}.json")));
    let report: Json = serde_json::from_str(&report).unwrap();
    let signatures = report["integrity"]["signatures"].as_str().unwrap();
    assert_eq!(signatures, format!("3 checkpoints signed with {key}"));
    assert_eq!(report["integrity"]["checkpoints"].as_array().unwrap().len(), 3);
    assert!(text(&run.join(format!("reports/{id}.md"))).contains(&key));

    // Another report is another record; its end is signed again, or said not to be.
    let exported = bench.console.steady(&["export", &id]).output().unwrap();
    assert!(exported.status.success(), "{}", said(&exported));
    assert_eq!(bench.audit(&run).0, 0);
    assert_eq!(checkpoints(&run).len(), 5);
    bench.settings("{key: no-such-key}");
    let exported = bench.console.steady(&["export", &id]).output().unwrap();
    let words = said(&exported);
    assert!(words.contains("the end of the journal is not signed: there is no key"), "{words}");
    let (code, sentence) = bench.audit(&run);
    assert_eq!(code, 0, "{sentence}");
    let partly = format!("consistent, signed up to record {} by alice", last + 4);
    assert!(sentence.contains(&partly), "{sentence}");
}

/// The second step ends the agent, as a laptop that is closed does.
const AGENT_GOES: &str = r#"steadyhand: 1
id: agent-goes
title: The agent goes
inputs:
  agent: {type: integer}
steps:
  - id: close
    title: Close the laptop
    do: {shell: {run: 'kill "$INPUT_AGENT"; while kill -0 "$INPUT_AGENT" 2>/dev/null; do sleep 0.01; done'}}
  - id: drop_old
    title: Drop the damaged rows
    effect: destroys
    guard: {type: damaged}
    do: {shell: {run: 'echo drop_old >> "$HOME/ledger"'}}
"#;

#[test]
fn an_agent_that_goes_in_mid_run_is_told_of_and_stops_only_what_must_be_signed() {
    for required in [false, true] {
        let Some(bench) = Bench::with(AGENT_GOES, "a passphrase", "") else { return };
        let console = &bench.console;
        // The agent has the private half; what the settings name is the public one alone.
        let unlocked = openssh::key(console.file("").as_path(), "other", "");
        let socket = console.file("agent");
        let mut agent = Some(Agent::with(&unlocked, &socket));
        fs::rename(&unlocked, console.file("hidden")).unwrap();
        bench.settings(&format!("{{key: other.pub, required: {required}}}"));
        bench.allow("bob@example.org", &unlocked);

        let pid = format!("agent={}", agent.as_ref().unwrap().pid());
        let mut drill = console.drill(&["--allow-destructive", "-i", &pid]);
        // The child is reaped, so that its end can be seen.
        let drilling = drill.env("SSH_AUTH_SOCK", &socket).spawn().unwrap();
        agent.take().unwrap().wait();
        let output = drilling.wait_with_output().unwrap();
        let words = said(&output);
        let records = console.records();
        let failed = records.iter().find(|r| r["type"] == "checkpoint_failed").unwrap();
        let reason = failed["body"]["reason"].as_str().unwrap();
        assert!(reason.contains("no agent has the private half of"), "{reason}");
        let run = console.run();
        let done = text(&console.file("ledger"));
        if !required {
            assert_eq!(output.status.code(), Some(0), "{words}");
            assert_eq!(done, "drop_old\n");
            let id = run.file_name().unwrap().to_str().unwrap().to_owned();
            let report = text(&run.join(format!("reports/{id}.md")));
            assert!(report.contains("the last one is not signed: no agent has"), "{report}");
            let (code, sentence) = bench.audit(&run);
            assert_eq!(code, 10, "{sentence}");
            assert!(sentence.contains("not signed as required: the end of the run"), "{sentence}");
            continue;
        }
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("must be signed, and is not: no agent has"), "{words}");
        assert_eq!(done, "");
        assert!(types(&records).contains(&"guard_refused"), "{:?}", types(&records));
        // With the agent back, the run goes on.
        fs::rename(console.file("hidden"), &unlocked).unwrap();
        let _agent = Agent::with(&unlocked, &socket);
        fs::rename(&unlocked, console.file("hidden")).unwrap();
        let mut resume = console.steady(&["resume", "--auto", "--allow-destructive"]);
        let output = resume.env("SSH_AUTH_SOCK", &socket).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(text(&console.file("ledger")), "drop_old\n");
        // What was not signed when it should have been stays so, although the rest is.
        let (code, sentence) = bench.audit(&run);
        assert_eq!(code, 10, "{sentence}");
        assert!(sentence.contains("should have been signed and was not"), "{sentence}");
    }
}

/// Runs `steady` where it has a terminal that a prompt could be written to; all that is on it at the end.
fn on_a_terminal(bench: &Bench, args: &[&str]) -> (u32, String) {
    let pty = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_steady"));
    command.args(args);
    command.cwd(bench.console.file(""));
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", bench.console.file(""));
    command.env("STEADYHAND_RUNS", bench.console.file("runs"));
    let mut child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().unwrap();
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        // A terminal whose last user is gone ends with an error.
        let _ = reader.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    });
    let code = child.wait().unwrap().exit_code();
    (code, reading.join().unwrap())
}

#[test]
fn a_key_with_a_passphrase_and_no_agent_asks_nobody_and_says_what_to_do() {
    let Some(bench) = Bench::with(RUNBOOK, "a passphrase", "") else { return };
    let run = ["run", "runbook.yaml", "--auto", "--mode", "drill", "--allow-destructive"];
    let (code, screen) = on_a_terminal(&bench, &run);
    assert_eq!(code, 0, "{screen}");
    assert!(!screen.contains("Enter passphrase"), "{screen}");
    let records = bench.console.records();
    let preflight = records.iter().find(|r| r["type"] == "preflight").unwrap();
    let check = preflight["body"]["checks"].as_array().unwrap().iter();
    let check = check.clone().find(|check| check["name"] == "signature").unwrap();
    let detail = check["detail"].as_str().unwrap();
    assert!(detail.contains("NOT SIGNED") && detail.contains("ssh-add"), "{detail}");
    let failed: Vec<_> = records.iter().filter(|r| r["type"] == "checkpoint_failed").collect();
    assert_eq!(failed.len(), 3, "{:?}", types(&records));
    let reason = failed[0]["body"]["reason"].as_str().unwrap();
    assert!(reason.contains("is protected by a passphrase and no agent has it: ssh-add"));
    assert_eq!(records[0]["body"]["identity"], "self-declared");
    let (code, sentence) = bench.verify(&["verify", bench.console.run().to_str().unwrap()]);
    assert_eq!(code, 0, "{sentence}");
    assert!(sentence.contains("consistent, unsigned"), "{sentence}");

    // Where a signature is required there is no run at all.
    bench.settings("{key: id, required: true}");
    for (key, remedy) in [("id", "ssh-add"), ("none", "there is no key")] {
        bench.settings(&format!("{{key: {key}, required: true}}"));
        let (code, screen) = on_a_terminal(&bench, &run);
        assert_eq!(code, 1, "{screen}");
        assert!(screen.contains("preflight: signature: ") && screen.contains(remedy), "{screen}");
        assert_eq!(bench.console.runs().len(), 1);
    }
}

#[test]
fn without_openssh_the_run_goes_on_unsigned_and_verify_says_what_is_missing() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let signed = bench.console.run();
    // A PATH with a shell and nothing else.
    let bin = bench.console.file("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).unwrap();
    let mut drill = bench.console.drill(&["--allow-destructive"]);
    let output = drill.env("PATH", &bin).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let unsigned = bench.console.runs().into_iter().find(|run| *run != signed).unwrap();
    let journal = text(&unsigned.join("journal.jsonl"));
    assert!(journal.contains("ssh-keygen is not on the PATH: install"), "{journal}");

    let file = bench.signers.to_str().unwrap();
    let args = ["verify", signed.to_str().unwrap(), "--allowed-signers", file];
    let mut verify = bench.console.steady(&args);
    let output = verify.env("PATH", &bin).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("ssh-keygen is not on the PATH"), "{}", said(&output));
}
