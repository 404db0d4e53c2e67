//! Approvals by people and by keys: each answer that is none is refused, with its reason on screen and in the
//! record; `steady approve` from another user's terminal, a pasted signature, a broken glass, a sign-off.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value as Json;

use super::{ENTER, Terminal, is, records, run_dir, runs};
use crate::services::{openssh, skip};

/// The first fails the first time, so that it is asked for twice; the second destroys.
const RUNBOOK: &str = r#"steadyhand: 1
id: approved
title: An approved restore
inputs:
  name: {type: string, default: loans}
steps:
  - id: open
    title: Open the gates
    do:
      shell: {run: 'echo "$INPUT_NAME"; [ -e again ] || { touch again; exit 1; }'}
    guard: {approve: {by: [BY]}}
  - id: drop
    title: Drop the damaged copy
    do:
      shell: {run: 'echo dropped >> dropped'}
    effect: destroys
    guard: {type: "${{ inputs.name }}", approve: {by: [BY]}}
"#;

struct Place {
    dir: tempfile::TempDir,
    carol: PathBuf,
    rita: PathBuf,
    mallory: PathBuf,
}

impl Place {
    /// Keys for everybody; carol's counts, and the operator's is in the same file.
    fn new(by: &str) -> Option<Self> {
        if !openssh::is_here() {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let [alice, carol, rita, mallory] =
            ["alice", "carol", "rita", "mallory"].map(|name| openssh::key(dir.path(), name, ""));
        let file = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
        file("approved.yaml", RUNBOOK.replace("BY", by));
        let line = |who: &str, key: &Path| format!("{who} {}\n", openssh::public(key));
        // The operator tries her own key under a name that may approve.
        file("allowed_signers", line("carol", &carol) + &line("dave", &alice));
        file(
            "steadyhand.yaml",
            "steadyhand: 1\noperator: alice@bastion\nsigning: {key: alice}\n\
             allowed_signers: allowed_signers\n"
                .to_owned(),
        );
        Some(Self { dir, carol, rita, mallory })
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run_id(&self) -> String {
        run_dir(self.path()).unwrap().file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// `steady` beside the console; exit status and everything it says.
    fn steady(&self, args: &[&str], typed: &str) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steady"));
        said(
            command.args(args).current_dir(self.path()).env("STEADYHAND_RUNS", runs(self.path())),
            typed,
        )
    }

    /// A signature over the text that record `asked` asks about, by `key`.
    fn sign(&self, asked: u64, key: &Path, namespace: &str) -> PathBuf {
        let text = run_dir(self.path()).unwrap().join(format!("approvals/{asked}.txt"));
        let copy = self.path().join(format!("{asked}.{}.txt", key.file_name().unwrap().display()));
        fs::copy(text, &copy).unwrap();
        let file = copy.with_extension("brought");
        fs::write(&file, openssh::sign(key, namespace, &copy)).unwrap();
        file
    }

    fn bring(&self, signature: &Path) -> (i32, String) {
        let run = self.run_id();
        self.steady(&["approve", &run, "--signature", signature.to_str().unwrap()], "")
    }

    /// Brings what is refused for this reason, on the approver's terminal, on screen and in the record.
    fn refused(&self, terminal: &mut Terminal, signature: &Path, why: &str) {
        let (code, words) = self.bring(signature);
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("refused") && words.contains(why), "{words}");
        self.is_refused(terminal, why);
    }

    fn is_refused(&self, terminal: &mut Terminal, why: &str) {
        terminal.wait_record(self.path(), why, |r| {
            r["type"] == "approval_refused"
                && r["body"]["declined"] == false
                && r["body"]["reason"].as_str().unwrap().contains(why)
        });
        terminal.wait_for(why, |screen| {
            let notice = flat(screen);
            notice.contains("no approval: ") && notice.contains(why)
        });
    }

    /// The number of the record that asked last.
    fn asked(&self, terminal: &mut Terminal, step: &str, count: usize) -> u64 {
        let asked = || -> Vec<u64> {
            let all = records(self.path());
            let of = all.iter().filter(|r| is(r, "approval_requested", step));
            of.map(|r| r["seq"].as_u64().unwrap()).collect()
        };
        terminal.wait_for("the request", |_| asked().len() == count);
        terminal.wait_text("Waits for the approval");
        asked()[count - 1]
    }
}

/// What is said below the run, on one line.
fn flat(screen: &str) -> String {
    let words = |line: &str| line.trim_matches(['│', ' ']).to_owned();
    screen.lines().map(words).collect::<Vec<_>>().join(" ")
}

fn said(command: &mut Command, typed: &str) -> (i32, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may refuse before it reads.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    let words = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&words).into_owned())
}

fn begun(place: &Place) -> Terminal {
    let mut terminal =
        Terminal::steady(place.path(), &["run", "./approved.yaml", "--mode", "drill"], &[]);
    terminal.wait_text("Before the first step").press(ENTER);
    terminal.wait_text("Needs the approval of");
    terminal
}

fn paste(terminal: &mut Terminal, signature: &Path) {
    terminal.wait_text("Enter choices").press(ENTER).wait_text("paste a signature").press("p");
    terminal.wait_text("Paste the signature");
    let armoured = fs::read_to_string(signature).unwrap();
    terminal
        .press(&format!("\x1b[200~{armoured}\x1b[201~"))
        .wait_text("whole. Enter.")
        .press(ENTER);
}

const APPROVAL: &str = "approval@steadyhand";

#[test]
fn a_signature_counts_once_for_one_request_and_by_a_key_that_may() {
    let Some(place) = Place::new("carol, dave") else { return };
    let mut terminal = begun(&place);
    // Nothing runs before it is asked for, nor before it is answered.
    terminal.wait_text("Enter ask for approval").press(ENTER);
    let first = place.asked(&mut terminal, "open", 1);

    let alice = place.path().join("alice");
    let unknown = place.sign(first, &place.mallory, APPROVAL);
    place.refused(&mut terminal, &unknown, "not among the allowed signers");
    let own = place.sign(first, &alice, APPROVAL);
    place.refused(&mut terminal, &own, "self-approval: SHA256:");
    let elsewhere = place.sign(first, &place.carol, "checkpoint@steadyhand");
    place.refused(&mut terminal, &elsewhere, "it was made for something else");
    let text = place.path().join("other.txt");
    let of_run = run_dir(place.path()).unwrap().join(format!("approvals/{first}.txt"));
    let asked = fs::read_to_string(of_run).unwrap();
    fs::write(&text, asked.replace("attempt 1", "attempt 2")).unwrap();
    let other = place.path().join("other.brought");
    fs::write(&other, openssh::sign(&place.carol, APPROVAL, &text)).unwrap();
    place.refused(&mut terminal, &other, "it signs another text");

    // An input is amended: what was signed is void, before and after it is asked for anew.
    let early = place.sign(first, &place.carol, APPROVAL);
    terminal
        .press(" ")
        .wait_text("amend an input")
        .press("a")
        .wait_text("the new value")
        .press(ENTER);
    terminal.press("orders").press(ENTER).wait_text("orders").press("typo").press(ENTER);
    terminal.wait_record(place.path(), "amended", |r| is(r, "input_amended", ""));
    let (code, words) = place.bring(&early);
    assert_ne!(code, 0, "{words}");
    terminal.wait_text("Enter ask for approval").press(ENTER);
    let second = place.asked(&mut terminal, "open", 2);
    assert_ne!(first, second);
    place.refused(&mut terminal, &early, "the input `name` was amended");

    // The console is killed while it waits; the request outlives it.
    terminal.signal(Signal::KILL).wait_exit();
    let run = place.run_id();
    let mut terminal = Terminal::steady(place.path(), &["resume", &run], &[]);
    terminal.wait_text("Waits for the approval");
    let good = place.sign(second, &place.carol, APPROVAL);
    paste(&mut terminal, &good);
    terminal.wait_text("approved by carol");
    terminal.wait_text("Enter review").press(ENTER).confirm();
    terminal.wait_record(place.path(), "open failed", |r| is(r, "attempt_finished", "open"));

    // Another attempt of the very same request wants another approval.
    terminal
        .wait_text("FAILED")
        .wait_text("Enter choices")
        .press(ENTER)
        .wait_text("retry")
        .press("r");
    let third = place.asked(&mut terminal, "open", 3);
    place.refused(&mut terminal, &good, "was approved and begun already");
    let again = place.sign(third, &place.carol, APPROVAL);
    let (code, words) = place.bring(&again);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("in the record: approved by carol (key SHA256:"), "{words}");
    terminal.wait_text("approved by carol");
    // A signature of one step is none for another.
    let kept = records(place.path());
    let granted: Vec<&Json> = kept.iter().filter(|r| r["type"] == "approval_granted").collect();
    assert_eq!(granted.len(), 2);
    for record in granted {
        let file = run_dir(place.path()).unwrap().join(record["body"]["file"].as_str().unwrap());
        let sha = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(fs::read(&file).unwrap()));
        assert_eq!(record["body"]["sha256"], sha.as_str(), "{}", file.display());
    }
    // Each approval is vouched for by a checkpoint.
    let last = |kind: &str| kept.iter().rposition(|r| r["type"] == kind).unwrap();
    terminal.wait_for("a checkpoint", |_| {
        let all = records(place.path());
        let grant = all.iter().rposition(|r| r["type"] == "approval_granted").unwrap() as u64 + 1;
        all.iter().any(|r| {
            r["type"] == "checkpoint_signed" && r["body"]["checkpoint"].as_u64().unwrap() >= grant
        })
    });
    assert!(last("approval_granted") > 0);
    terminal.press("q");
    terminal.wait_exit();
}

/// What is run by another user must be where that user may go.
fn for_everybody(dir: &Path) -> PathBuf {
    let open = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(dir);
    let steady = dir.join("steady-for-all");
    fs::copy(env!("CARGO_BIN_EXE_steady"), &steady).unwrap();
    open(&steady);
    steady
}

fn as_user(id: &str, steady: &Path, args: &[&str], typed: &str) -> (i32, String) {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", id, "--regid", id, "--clear-groups", "--"]).arg(steady).args(args);
    let runs = "/nonexistent/runs";
    said(command.env("HOME", "/tmp").env("STEADYHAND_RUNS", runs).current_dir("/"), typed)
}

#[test]
fn another_user_of_this_host_approves_and_nobody_else() {
    let root = rustix::process::getuid().is_root();
    let setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if !root || !setpriv {
        skip("approval by another user", "needs root and setpriv (util-linux), to be two users");
        return;
    }
    let Some(place) = Place::new("root, nobody") else { return };
    let steady = for_everybody(place.path());
    let mut terminal = begun(&place);
    terminal.wait_text("Enter ask for approval").press(ENTER);
    place.asked(&mut terminal, "open", 1);
    let run = place.run_id();
    terminal.wait_text("steady approve");

    let (code, words) = place.steady(&["approve", &run], "yes\n");
    assert_eq!(code, 1, "{words}");
    assert!(
        words.contains("self-approval: root (uid 0) is the user whose console asks"),
        "{words}"
    );
    place.is_refused(&mut terminal, "self-approval: root");
    let (code, words) = as_user("1", &steady, &["approve", &run], "yes\n");
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("daemon is not among those who may approve"), "{words}");
    assert!(!words.contains("INPUT_NAME"), "nobody else sees what will run: {words}");
    place.is_refused(&mut terminal, "daemon is not among");

    let nobody = |args: &[&str], typed: &str| as_user("65534", &steady, args, typed);
    let (code, words) = nobody(&["approve", &run], "no\n");
    assert_eq!(code, 1, "{words}");
    for shown in ["console of user root (uid 0)", "alice@bastion", "echo \"$INPUT_NAME\"", "loans"]
    {
        assert!(words.contains(shown), "{shown}: {words}");
    }
    let (code, words) = nobody(&["approve", &run, "--refuse", "not tonight"], "");
    assert_eq!(code, 0, "{words}");
    terminal.wait_text("nobody declined: not tonight");
    let (code, words) = nobody(&["approve", &run], "yes\n");
    assert_ne!(code, 0, "nothing is asked any more: {words}");

    terminal.wait_text("Enter ask for approval").press(ENTER);
    place.asked(&mut terminal, "open", 2);
    let (code, words) = nobody(&["approve", &run], "yes\n");
    assert_eq!(code, 0, "{words}");
    terminal.wait_text("approved by nobody").wait_text("Enter review").press(ENTER).confirm();
    terminal.wait_record(place.path(), "open ran", |r| is(r, "attempt_finished", "open"));
    let all = records(place.path());
    let granted = all.iter().find(|r| r["type"] == "approval_granted").unwrap();
    assert_eq!(granted["body"]["known_by"], "local_user");
    assert_eq!(
        (&granted["body"]["approver"], &granted["body"]["uid"]),
        (&"nobody".into(), &65534.into())
    );
    terminal.wait_text("FAILED").press("q");
    terminal.wait_exit();
}

#[test]
fn an_unattended_run_stops_where_somebody_has_to_approve() {
    let Some(place) = Place::new("carol") else { return };
    let args = ["run", "./approved.yaml", "--mode", "drill", "--auto", "--allow-destructive"];
    let (code, words) = place.steady(&args, "");
    assert_eq!(code, 5, "{words}");
    assert!(words.contains("needs the approval of carol: --auto never gives one"), "{words}");
    let all = records(place.path());
    assert!(!all.iter().any(|r| r["type"] == "attempt_intended" || r["type"] == "guard_satisfied"));
    let left = all.iter().rfind(|r| r["type"] == "console_detached").unwrap();
    assert!(left["body"]["reason"].as_str().unwrap().contains("--auto never gives one"), "{left}");
}

#[test]
fn a_broken_glass_is_typed_reasoned_approved_in_retrospect_and_signed_off() {
    let Some(place) = Place::new("carol") else { return };
    fs::write(place.path().join("again"), "").unwrap();
    let mut terminal = begun(&place);
    for (step, phrase) in [("open", "break glass open"), ("drop", "break glass loans")] {
        terminal.wait_text("Enter ask for approval").press(ENTER);
        place.asked(&mut terminal, step, 1);
        terminal.wait_text("Enter choices").press(ENTER).wait_text("break the glass").press("g");
        terminal.wait_text("Without the approval?").wait_text(&format!("Type `{phrase}`"));
        if step == "drop" {
            // Its own name alone does not do.
            terminal.type_phrase("loans").wait_text("why nobody could").press("x").press(ENTER);
            terminal.wait_record(place.path(), "refused", |r| is(r, "guard_refused", "drop"));
            terminal
                .wait_text("Enter choices")
                .press(ENTER)
                .wait_text("break the glass")
                .press("g");
        }
        terminal.type_phrase(phrase).wait_text("why nobody could");
        terminal.press("she does not answer").press(ENTER);
        terminal.wait_record(place.path(), "ran", |r| is(r, "attempt_finished", step));
    }
    terminal.wait_text("Debrief").wait_text("went on without the approval of carol");
    terminal.press("q");
    terminal.wait_exit();
    let run = place.run_id();
    let all = records(place.path());
    let asked: Vec<u64> = all
        .iter()
        .filter(|r| r["type"] == "approval_requested")
        .map(|r| r["seq"].as_u64().unwrap())
        .collect();

    // The operator cannot make it good, the approver can, and a signature does it from anywhere.
    let own = place.sign(asked[1], &place.path().join("alice"), APPROVAL);
    let (code, words) = place.bring(&own);
    assert_eq!(code, 1, "{words}");
    let (code, words) = place.steady(&["approve", &run, "--step", "drop"], "yes\n");
    assert_eq!(code, 1, "{words}");
    assert!(words.contains("self-approval"), "{words}");
    let good = place.sign(asked[1], &place.carol, APPROVAL);
    let (code, words) = place.bring(&good);
    assert_eq!(code, 0, "{words}");
    let all = records(place.path());
    let granted = all.iter().find(|r| r["type"] == "approval_granted").unwrap();
    assert_eq!(granted["body"]["afterwards"], true);
    let (code, words) = place.bring(&good);
    assert_eq!(code, 1, "{words}");

    // Neither operator nor approver signs it off, under no name and with no key of theirs.
    let off = |args: &[&str]| place.steady(&[&["sign-off", &run], args].concat(), "");
    let carol = place.carol.to_str().unwrap();
    let rita = place.rita.to_str().unwrap();
    for (args, why) in [
        (&["--accept"][..], "has operated this run"),
        (&["--accept", "--operator", "carol@home"], "has approved a step"),
        (
            &["--accept", "--operator", "rita", "--key", carol],
            "key of somebody who operated or approved",
        ),
        (&["--reject", "--operator", "rita", "--key", rita], "a reason is needed"),
    ] {
        let (code, words) = off(args);
        assert_eq!(code, 1, "{words}");
        assert!(words.contains(why), "{words}");
    }
    let args =
        ["--reject", "--note", "one glass is still open", "--operator", "rita", "--key", rita];
    let (code, words) = off(&args);
    assert_eq!(code, 0, "{words}");
    // Made elsewhere: the text is printed, signed and brought.
    let args = ["--accept", "--note", "seen", "--operator", "rita"];
    let (_, text) = off(&[&args[..], &["--text"]].concat());
    let file = place.path().join("off.txt");
    fs::write(&file, &text).unwrap();
    let signature = place.path().join("off.sig");
    fs::write(&signature, openssh::sign(&place.rita, "sign-off@steadyhand", &file)).unwrap();
    let brought = ["--signature", signature.to_str().unwrap()];
    let (code, words) =
        off(&[&["--reject", "--note", "seen", "--operator", "rita"], &brought[..]].concat());
    assert_eq!(code, 1, "another decision than the signed one: {words}");
    let (code, words) = off(&[&args[..], &brought].concat());
    assert_eq!(code, 0, "{words}");
    let (code, words) = off(&["--accept", "--operator", "rolf"]);
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("self-declared"), "{words}");
    let all = records(place.path());
    let offs: Vec<&Json> = all.iter().filter(|r| r["type"] == "signed_off").collect();
    assert_eq!(offs.len(), 3);
    let known: Vec<&str> = offs.iter().map(|r| r["body"]["known_by"].as_str().unwrap()).collect();
    assert_eq!(known, ["signature", "signature", "self_declared"]);
    let (code, words) = place.steady(&["verify", &run], "");
    assert_eq!(code, 0, "{words}");
    // An auditor who knows who they are sees whose word it is, and that nobody changed the text.
    let audit = || place.steady(&["verify", &run, "--allowed-signers", "auditors"], "");
    let known = ["alice", "carol", "rita"]
        .map(|who| format!("{who} {}\n", openssh::public(&place.path().join(who))));
    fs::write(place.path().join("auditors"), known.concat()).unwrap();
    let (code, words) = audit();
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("carol: signed by carol with SHA256:"), "{words}");
    assert!(words.contains("rita: signed by rita with SHA256:"), "{words}");
    let script = fs::read_to_string(run_dir(place.path()).unwrap().join("VERIFY.txt")).unwrap();
    let commands: String =
        script.lines().filter_map(|l| l.strip_prefix("    ")).map(|l| format!("{l}\n")).collect();
    let mut by_hand = Command::new("sh");
    by_hand.arg("-c").arg(commands).current_dir(run_dir(place.path()).unwrap());
    let (code, words) = said(by_hand.env("SIGNERS", place.path().join("auditors")), "");
    assert_eq!(code, 0, "{words}");
    assert!(words.contains("3 approvals and sign-offs are signed"), "{words}");
    let kept = run_dir(place.path()).unwrap().join(format!("approvals/{}.txt", asked[1]));
    fs::write(&kept, fs::read_to_string(&kept).unwrap().replace("step drop", "step open")).unwrap();
    let (code, words) = audit();
    assert_eq!(code, 6, "{words}");
    assert!(words.contains("is not what record"), "{words}");
    assert_eq!(fs::read_to_string(place.path().join("dropped")).unwrap(), "dropped\n");
}
