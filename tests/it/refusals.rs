//! What is refused, and that each refusal names the place and the remedy and leaves nothing half made.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use steadyhand::sandbox::{CREDENTIALS, PRACTICES, Sandbox, SandboxOptions};

use crate::services::console::{Console, eventually, said, text};
use crate::services::skip;

const ONE_STEP: &str = "steadyhand: 1
id: one-step
title: One step
inputs:
  name: {type: string, default: loans}
  password: {type: secret, env: LOANS_PASSWORD}
steps:
  - id: act
    title: Act
    do: {shell: {run: 'echo acted >> \"$HOME/ledger\"'}}
";
/// It goes on when there is a file `go`.
const WAITS: &str = "steadyhand: 1
id: waits
title: Waits
steps:
  - id: before
    title: Before
    do: {shell: {run: 'true'}}
  - id: wait
    title: Wait
    do: {shell: {run: 'while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done'}}
";

/// Refused with this code and all these words; no run was begun.
fn assert_refused(console: &Console, output: &Output, code: i32, words: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert_eq!(console.runs(), Vec::<PathBuf>::new(), "{said}");
    assert_eq!(text(&console.file("ledger")), "");
}

#[test]
fn what_is_asked_wrongly_is_a_usage_error() {
    let console = Console::new(ONE_STEP);
    let run = ["run", "runbook.yaml"];
    for (args, words) in [
        (&["--mode", "drill"][..], &["needs a terminal", "add --auto"][..]),
        (&["--auto"], &["--auto is never live", "--mode drill"]),
        (&["--auto", "--mode", "live"], &["--auto is never live"]),
        (&["--auto", "--mode", "drill", "-i", "nmae=x"], &["nmae"]),
        (&["--auto", "--mode", "drill", "-i", "name"], &["NAME=VALUE"]),
        (&["--auto", "--mode", "drill"], &["password", "LOANS_PASSWORD"]),
        (&["--auto", "--mode", "drill", "--env", "dr"], &["dr"]),
        (
            &["--auto", "--mode", "drill", "--outage-start", "yesterday"],
            &["`yesterday` is not a timestamp"],
        ),
        (&["--allow-destructive"], &["--auto"]),
    ] {
        let output = console.steady(&[&run, args].concat()).output().unwrap();
        assert_refused(&console, &output, 2, words);
    }
}

#[test]
fn a_secret_is_never_taken_literally_nor_repeated() {
    let console = Console::new(ONE_STEP);
    let output = console.drill(&["-i", "password=hunter2hunter2"]).output().unwrap();
    assert_refused(&console, &output, 2, &["password", "env:"]);
    assert!(!said(&output).contains("hunter2"), "{}", said(&output));
    let output = console.drill(&["-i", "password=env:NO_SUCH_VARIABLE"]).output().unwrap();
    assert_refused(&console, &output, 1, &["password", "NO_SUCH_VARIABLE"]);
}

#[test]
fn what_the_runbook_requires_is_asked_before_anything_begins() {
    let requires = "steadyhand: 1\nrequires: {tools: [no-such-tool], env: [NO_SUCH_VARIABLE]}\n";
    let console = Console::new(&ONE_STEP.replacen("steadyhand: 1\n", requires, 1));
    let output = console.drill(&["-i", "password=env:HOME"]).output().unwrap();
    let tool = "tool no-such-tool: not on the PATH: install no-such-tool first";
    let variable = "environment NO_SUCH_VARIABLE: not set: export NO_SUCH_VARIABLE=";
    assert_refused(&console, &output, 1, &[tool, variable]);
}

#[test]
fn without_a_directory_for_runs_there_is_no_run() {
    let console = Console::new(ONE_STEP);
    // What root, too, cannot write into.
    let file = console.file("a-file");
    fs::write(&file, "").unwrap();
    for runs in [file.clone(), file.join("runs")] {
        let mut run = console.drill(&["-i", "password=env:HOME"]);
        let output = run.env("STEADYHAND_RUNS", &runs).output().unwrap();
        assert_refused(&console, &output, 1, &["a-file"]);
    }
}

#[tokio::test]
async fn credentials_of_another_account_are_refused_by_its_number() {
    let runbook = "steadyhand: 1\nid: look\ntitle: Look\nsteps:\n  - id: look\n    title: Look\n    \
                   do: {rds.describe_cluster: {cluster: loanserve-prod}}\n";
    let options = SandboxOptions { state_delay: Duration::ZERO };
    let sandbox = Sandbox::open(&PRACTICES[0], options, None).await.unwrap();
    let console = Console::new(runbook);
    let settings = format!(
        "steadyhand: 1\nenvironments:\n  dr:\n    mode: drill\n    aws: {{endpoint: \"{}\", region: {}}}\n    \
         target: {{aws.account: \"111111111111\"}}\n",
        sandbox.endpoint(),
        sandbox.aws().region()
    );
    fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    let mut run = console.drill(&["--env", "dr"]);
    run.env("AWS_ACCESS_KEY_ID", CREDENTIALS.0)
        .env("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let output = tokio::task::spawn_blocking(move || run.output().unwrap()).await.unwrap();
    assert_refused(&console, &output, 1, &["aws.account", sandbox.aws().account(), "111111111111"]);
}

#[test]
fn a_journal_that_was_edited_is_not_gone_on_with() {
    let console = Console::new(WAITS);
    console.killed_at(5);
    let journal = console.run().join("journal.jsonl");
    let mut bytes = fs::read(&journal).unwrap();
    let third: usize = bytes.split_inclusive(|b| *b == b'\n').take(2).map(<[u8]>::len).sum();
    let at = third + text(&journal)[third..].find("\"type\":\"").unwrap() + 8;
    bytes[at] ^= 1;
    fs::write(&journal, &bytes).unwrap();
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("record 3 of"), "{}", said(&output));
    assert!(said(&output).contains("steady verify"), "{}", said(&output));
    let run = console.run();
    let output = console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert_eq!(fs::read(&journal).unwrap(), bytes, "a refusal writes nothing");
}

#[test]
fn a_second_console_is_told_who_has_the_run() {
    let console = Console::new(WAITS);
    let first = console.drill(&[]).spawn().unwrap();
    let pid = first.id();
    eventually(|| {
        let records = console.runs().first().map(|run| text(&run.join("journal.jsonl")))?;
        (records.matches("\"attempt_started\"").count() == 2).then_some(())
    });
    let run = console.run();
    let second = console.steady(&["resume", run.to_str().unwrap(), "--auto"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    let words = said(&second);
    assert!(words.contains(&format!("is held by process {pid} on ")), "{words}");
    assert!(words.contains("steady watch"), "{words}");
    fs::write(console.file("go"), "").unwrap();
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn of_several_unfinished_runs_one_must_be_named() {
    let console = Console::new(WAITS);
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    assert_refused(&console, &output, 2, &["no unfinished run"]);
    console.killed_at(3);
    console.killed_at(3);
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let runs = console.runs();
    assert_eq!(runs.len(), 2);
    for run in runs {
        let line = format!("steady resume {}", run.file_name().unwrap().to_str().unwrap());
        assert!(said(&output).contains(&line), "{}", said(&output));
    }
}

/// A file system of 80 MiB in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=80m,mode=700", "tmpfs"]).arg(at);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    /// Takes all that is left; returns the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            let piece = vec![0; size];
            while file.write_all(&piece).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_halts_the_run_before_its_next_action_and_it_goes_on_later() {
    // An intent of more than a page needs room that is not there, however little was left in the last.
    let runbook = format!(
        "steadyhand: 1\nid: full\ntitle: Full\nsteps:\n  - id: pause\n    title: Pause\n    do: {{wait: {{for: 2s}}}}\n  \
         - id: act\n    title: Act\n    do:\n      shell:\n        run: |\n          # {}\n          \
         echo acted >> \"$HOME/ledger\"\n",
        "x".repeat(5000)
    );
    let console = Console::new(&runbook);
    let Some(disk) = SmallDisk::mount(&console.file("disk")) else {
        return skip("a small disk", "tmpfs cannot be mounted here (it takes root)");
    };
    let console = console.with_runs(disk.0.join("runs"));
    let run = console.drill(&[]).spawn().unwrap();
    eventually(|| {
        let journal = console.runs().first().map(|run| text(&run.join("journal.jsonl")))?;
        journal.contains("\"attempt_intended\"").then_some(())
    });
    let filler = disk.fill();
    let output = run.wait_with_output().unwrap();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(5), "{words}");
    for word in ["halted: no space left", "left to do", "echo acted >>", "steady resume"] {
        assert!(words.contains(word), "no {word:?} in: {words}");
    }
    assert_eq!(text(&console.file("ledger")), "");
    assert!(text(&console.run().join("journal.jsonl")).contains("halted: no space left"));

    fs::remove_file(filler).unwrap();
    let output = console.steady(&["resume", "--auto"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "acted\n");
    let run = console.run();
    let output = console.steady(&["verify", run.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_child_that_fills_the_disk_is_still_told_of() {
    let fills = ONE_STEP.replace(
        "echo acted",
        "head -c 200m /dev/zero > \"$HOME/disk/filler\" 2> /dev/null || echo acted",
    );
    let console = Console::new(&fills);
    let Some(disk) = SmallDisk::mount(&console.file("disk")) else {
        return skip("a small disk", "tmpfs cannot be mounted here (it takes root)");
    };
    let console = console.with_runs(disk.0.join("runs"));
    let output = console.drill(&["-i", "password=env:HOME"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "acted\n");
    assert!(disk.0.join("filler").metadata().unwrap().len() > 60 << 20);
}

#[test]
fn what_an_unattended_run_may_not_do_stops_it_and_is_left_as_commands() {
    let fails = ONE_STEP.replace("echo acted >>", "exit 3; echo");
    let manual = ONE_STEP.replace("shell: {run", "manual: {evidence");
    let destroys = format!("{ONE_STEP}    effect: destroys\n    guard: {{type: loans}}\n");
    for (runbook, code, words) in [
        (fails, 1, ["`act` failed: exit code 3", "exit 3"]),
        (manual, 5, ["`act` needs a person", "# act: Act"]),
        (destroys, 5, ["--allow-destructive", "echo acted"]),
    ] {
        let console = Console::new(&runbook);
        let output = console.drill(&["-i", "password=env:HOME"]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        for word in words.iter().chain(&["stopped: ", "left to do", "steady resume"]) {
            assert!(said(&output).contains(word), "no {word:?} in: {}", said(&output));
        }
        assert_eq!(text(&console.file("ledger")), "");
    }
}
