//! Supervised children: the real `steady __attempt`, real programs, real signals.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use steadyhand::supervisor::{
    self, Backup, CAP, Ended, Exit, From, Launched, Order, Standing, Stdin, Stopped, Supervisors,
};
use tempfile::TempDir;

const STEADY: &str = env!("CARGO_BIN_EXE_steady");

/// An attempt's directory and order.
struct Attempt {
    tmp: TempDir,
    order: Order,
    supervisors: Supervisors,
}

impl Attempt {
    fn new(script: &str) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let order = Order {
            argv: vec!["sh".into(), "-eu".into(), "-c".into(), script.into()],
            env: Vec::new(),
            cwd: Some(tmp.path().to_owned()),
            stdin: Stdin::Null,
            secrets: Vec::new(),
            output: tmp.path().join("step.1.log"),
            cap: CAP,
            withhold: false,
            terminal: false,
            timeout_ms: None,
            patience_ms: 10_000,
        };
        Self { tmp, order, supervisors: Supervisors::new(STEADY.into()) }
    }

    /// The line that orders it.
    fn line(&self) -> Vec<u8> {
        let ordered = serde_json::json!({ "dir": self.dir(), "order": self.order });
        ordered.to_string().into_bytes()
    }

    fn dir(&self) -> PathBuf {
        self.tmp.path().join("attempt")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.tmp.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.order.output).unwrap()
    }

    async fn launch(&self) -> Launched {
        self.supervisors.launch(&self.dir(), &self.order).await.unwrap()
    }

    async fn end(&self, launched: Option<Launched>) -> Exit {
        let dir = self.dir();
        let end = supervisor::follow(&dir, &self.order.output, launched, |_| ());
        match end.await.unwrap() {
            Standing::Exited(exit) => *exit,
            other => panic!("{other:?}"),
        }
    }

    async fn run(&self) -> Exit {
        let launched = self.launch().await;
        self.end(Some(launched)).await
    }

    /// Waits until the child has written this file.
    async fn wait_for(&self, name: &str) -> String {
        eventually(|| fs::read_to_string(self.file(name)).ok().filter(|text| text.ends_with('\n')))
            .await
    }

    /// Launches from a process of its own, as a console does, which can then be killed.
    fn launch_directly(&self, failpoint: &str) -> std::process::Child {
        fs::create_dir(self.dir()).unwrap();
        let mut supervisor = Command::new(STEADY)
            .arg("__attempt")
            .env("STEADYHAND_FAILPOINT", failpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = supervisor.stdin.take().unwrap();
        stdin.write_all(&self.line()).unwrap();
        supervisor
    }

    fn inspect(&self) -> Standing {
        supervisor::inspect(&self.dir()).unwrap()
    }
}

async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "it never came to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn exit_codes_signals_and_missing_programs_are_told_apart() {
    assert_eq!(Attempt::new("exit 7").run().await.ended, Ended::Code(7));
    assert_eq!(Attempt::new("kill -USR1 $$").run().await.ended, Ended::Signal(10));

    let mut attempt = Attempt::new("");
    attempt.order.argv = vec!["no-such-program".into()];
    let Ended::NotStarted(message) = attempt.run().await.ended else { panic!("it started") };
    assert!(message.contains("`no-such-program` was not found: install it"), "{message}");

    let mut attempt = Attempt::new("true");
    attempt.order.cwd = Some("/no/such/place".into());
    let Ended::NotStarted(message) = attempt.run().await.ended else { panic!("it started") };
    assert!(message.contains("/no/such/place is not there"), "{message}");
}

#[tokio::test]
async fn the_output_is_whole_clean_hashed_and_counted() {
    let mut attempt = Attempt::new(
        r#"printf 'a \033[1mbold\033[0m %s' "$PW"; echo >&2 "oops"; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i"; done"#,
    );
    attempt.order.env = vec![("PW".into(), "hunter2hunter2".into())];
    attempt.order.secrets = vec![("db".into(), "hunter2hunter2".into())];
    let exit = attempt.run().await;
    let text = attempt.text();
    assert!(text.contains("a bold «secret db»"), "{}", &text[..80]);
    assert!(text.contains("oops\n") && text.ends_with("line 20000\n"));
    assert_eq!(text.matches("line ").count(), 20_000);
    assert_eq!(exit.output.sha256, sha256(text.as_bytes()));
    let printed: usize = "a \x1b[1mbold\x1b[0m hunter2hunter2".len()
        + "oops\n".len()
        + (1..=20_000).map(|i| format!("line {i}\n").len()).sum::<usize>();
    assert_eq!(exit.output.bytes, printed as u64);
    assert_eq!(exit.output.cut, None);
    assert_eq!(exit.stderr, "oops\n");
    assert!(exit.stdout_cut && exit.stdout.len() <= 64 * 1024);
    for entry in fs::read_dir(attempt.dir()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2hunter2"));
    }
}

#[tokio::test]
async fn a_cap_and_a_short_secret_cut_the_file_but_not_the_count() {
    let mut attempt = Attempt::new("head -c 100000 /dev/zero | tr '\\0' x");
    attempt.order.cap = 1000;
    let exit = attempt.run().await;
    let text = attempt.text();
    assert!(text.starts_with(&"x".repeat(1000)) && text.contains("[output cut here"), "{text}");
    assert_eq!((exit.output.bytes, exit.output.sha256), (100_000, sha256(text.as_bytes())));
    assert!(exit.output.cut.unwrap().contains("cap of 1000 bytes"));

    let mut attempt = Attempt::new("echo 1234; echo 1234 >&2");
    attempt.order.withhold = true;
    let exit = attempt.run().await;
    assert_eq!(attempt.text(), "");
    assert_eq!((&*exit.stdout, &*exit.stderr, exit.output.bytes), ("", "", 10));
    assert!(exit.output.cut.unwrap().starts_with("withheld"));
}

#[tokio::test]
async fn a_child_outlives_the_console_that_launched_it() {
    let attempt = Attempt::new(
        "echo $$ > pid; while [ -e pid ] && [ ! -e go ]; do sleep 0.02; done; echo done",
    );
    // This supervisor's standard input and output end here, as they do when a console dies.
    let mut supervisor = attempt.launch_directly("");
    attempt.wait_for("pid").await;
    let hup = Command::new("kill").args(["-HUP", &supervisor.id().to_string()]).status().unwrap();
    assert!(hup.success());
    assert!(matches!(attempt.inspect(), Standing::Alive(Some(_))));
    fs::write(attempt.file("go"), "").unwrap();
    let exit = attempt.end(None).await;
    assert_eq!((exit.ended, attempt.text()), (Ended::Code(0), "done\n".to_owned()));
    supervisor.wait().unwrap();
    assert!(matches!(attempt.inspect(), Standing::Exited(_)));
}

#[tokio::test]
async fn a_supervisor_that_dies_leaves_the_truth_behind() {
    let ran = |attempt: &Attempt| attempt.file("ran").exists();
    let attempt = Attempt::new("echo > ran");
    attempt.launch_directly("supervisor:before_started").wait().unwrap();
    assert_eq!(attempt.inspect(), Standing::NeverStarted);
    assert!(!ran(&attempt));

    // Whatever happens between the intent and the child is not known to be nothing.
    let attempt = Attempt::new("echo > ran");
    attempt.launch_directly("supervisor:before_spawn").wait().unwrap();
    let Standing::Lost(started) = attempt.inspect() else { panic!("not lost") };
    assert_eq!((started.child, ran(&attempt)), (None, false));

    let attempt = Attempt::new("echo > ran");
    attempt.launch_directly("supervisor:before_exit").wait().unwrap();
    let Standing::Lost(started) = attempt.inspect() else { panic!("not lost") };
    assert!(started.child.is_some() && started.running_child().is_none() && ran(&attempt));

    let attempt = Attempt::new("echo $$ > pid; exec sleep 60");
    let mut supervisor = attempt.launch_directly("");
    let pid = attempt.wait_for("pid").await;
    let told = |standing| matches!(standing, Standing::Alive(Some(s)) if s.child.is_some());
    eventually(|| told(attempt.inspect()).then_some(())).await;
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    let Standing::Lost(started) = attempt.inspect() else { panic!("not lost") };
    assert_eq!(started.running_child().map(|p| p.to_string()), Some(pid.trim().to_owned()));
    Command::new("kill").arg(pid.trim()).status().unwrap();
}

#[tokio::test]
async fn half_an_order_and_a_given_up_attempt_start_nothing() {
    let attempt = Attempt::new("echo > ran");
    fs::create_dir(attempt.dir()).unwrap();
    let serve = |order: &[u8]| {
        let mut supervisor = Command::new(STEADY)
            .arg("__attempt")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        supervisor.stdin.take().unwrap().write_all(order).unwrap();
        assert!(!supervisor.wait().unwrap().success());
    };
    let order = attempt.line();
    serve(&order[..order.len() - 1]);
    assert_eq!(attempt.inspect(), Standing::NeverStarted);
    // The order of a slow supervisor arrives after a later console has looked.
    serve(&order);
    assert!(!attempt.file("ran").exists());
}

#[tokio::test]
async fn one_supervisor_sees_to_one_attempt_after_the_other() {
    let supervisors = Supervisors::new(STEADY.into());
    let attempt = |word: &str| {
        let mut attempt = Attempt::new("echo $PPID > supervisor; echo \"$WORD\"");
        attempt.order.env = vec![("WORD".into(), word.into())];
        attempt.order.secrets = vec![("word".into(), word.into())];
        Attempt { supervisors: supervisors.clone(), ..attempt }
    };
    let mut seen = Vec::new();
    for word in ["first-secret", "second-secret"] {
        let attempt = attempt(word);
        assert_eq!(attempt.run().await.stdout, "«secret word»\n");
        seen.push(attempt.wait_for("supervisor").await);
    }
    assert_eq!(seen[0], seen[1]);

    // One that is killed while it waits is no reason to fail: the next attempt gets another.
    let idle = seen[0].trim().to_owned();
    Command::new("kill").args(["-KILL", &idle]).status().unwrap();
    eventually(|| (!is_alive(&idle)).then_some(())).await;
    let last = attempt("third-secret");
    assert_eq!(last.run().await.ended, Ended::Code(0));
    let other = last.wait_for("supervisor").await;
    assert_ne!(other.trim(), idle);

    // It goes when nobody can give it orders any more.
    drop((last, supervisors));
    eventually(|| (!is_alive(&other)).then_some(())).await;
}

#[tokio::test]
async fn cancelling_stops_the_whole_group_even_when_it_ignores_term() {
    let attempt = Attempt::new("sleep 60 & echo $! > pid; wait");
    let _launched = attempt.launch().await;
    let pid = attempt.wait_for("pid").await;
    assert!(supervisor::cancel(&attempt.dir()).unwrap());
    let exit = attempt.end(None).await;
    assert_eq!(exit.stopped, Some(Stopped::Cancelled));
    assert_eq!(exit.ended, Ended::Signal(15));
    eventually(|| (!is_alive(&pid)).then_some(())).await;
    assert!(!supervisor::cancel(&attempt.dir()).unwrap());

    let mut attempt =
        Attempt::new("trap '' TERM; sh -c 'echo $$ > pid; while :; do sleep 0.1; done'; sleep 60");
    attempt.order.patience_ms = 200;
    let _launched = attempt.launch().await;
    let pid = attempt.wait_for("pid").await;
    supervisor::cancel(&attempt.dir()).unwrap();
    assert_eq!(attempt.end(None).await.ended, Ended::Signal(9));
    eventually(|| (!is_alive(&pid)).then_some(())).await;
}

#[tokio::test]
async fn a_timeout_needs_no_console() {
    let mut attempt = Attempt::new("sleep 60");
    attempt.order.timeout_ms = Some(100);
    let exit = attempt.run().await;
    assert_eq!((exit.ended, exit.stopped), (Ended::Signal(15), Some(Stopped::TimedOut)));
}

#[tokio::test]
async fn a_grandchild_that_holds_the_output_open_does_not_hold_the_step() {
    let attempt = Attempt::new(
        "sh -c 'echo $$ > pid; while [ -e pid ] && [ ! -e go ]; do sleep 0.02; done; echo late; echo > alive' & echo early",
    );
    let exit = attempt.run().await;
    assert_eq!((exit.ended, attempt.text()), (Ended::Code(0), "early\n".to_owned()));
    assert!(exit.notes[0].contains("still runs"), "{:?}", exit.notes);
    let pid = attempt.wait_for("pid").await;
    assert!(is_alive(&pid));
    // It may go on printing: nobody reads it, and it does not die of that.
    fs::write(attempt.file("go"), "").unwrap();
    attempt.wait_for("alive").await;
    assert_eq!(attempt.text(), "early\n");
}

#[tokio::test]
async fn what_has_left_the_group_is_not_stopped_and_that_is_said() {
    let mut attempt = Attempt::new(
        "setsid sh -c 'echo $$ > pid; while [ ! -e go ] && [ -e pid ]; do sleep 0.02; done' & wait",
    );
    attempt.order.patience_ms = 200;
    let _launched = attempt.launch().await;
    let pid = attempt.wait_for("pid").await;
    supervisor::cancel(&attempt.dir()).unwrap();
    let exit = attempt.end(None).await;
    assert_eq!(exit.stopped, Some(Stopped::Cancelled));
    assert!(exit.notes[0].contains("could not be stopped"), "{:?}", exit.notes);
    assert!(is_alive(&pid));
    fs::write(attempt.file("go"), "").unwrap();
    eventually(|| (!is_alive(&pid)).then_some(())).await;
}

#[tokio::test]
async fn a_child_that_is_stopped_hears_that_it_is_to_end() {
    let attempt =
        Attempt::new("trap 'echo heard; exit 3' TERM; echo $$ > pid; kill -STOP $$; sleep 60");
    let _launched = attempt.launch().await;
    let pid = attempt.wait_for("pid").await;
    let stat = format!("/proc/{}/stat", pid.trim());
    eventually(|| fs::read_to_string(&stat).ok()?.contains(") T ").then_some(())).await;
    assert!(matches!(attempt.inspect(), Standing::Alive(_)));
    supervisor::cancel(&attempt.dir()).unwrap();
    let exit = attempt.end(None).await;
    assert_eq!((exit.ended, &*exit.stdout), (Ended::Code(3), "heard\n"));
}

#[tokio::test]
async fn a_child_without_input_output_or_terminal_is_like_any_other() {
    // Its input is at its end, and there is no terminal to be had behind the console's back.
    let attempt =
        Attempt::new("cat; read -r x || echo end; (: < /dev/tty) 2> /dev/null || echo none");
    assert_eq!(attempt.run().await.stdout, "end\nnone\n");

    let attempt = Attempt::new(
        "exec <&- >&- 2>&-; echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; exit 3",
    );
    let launched = attempt.launch().await;
    let pid = attempt.wait_for("pid").await;
    assert!(matches!(attempt.inspect(), Standing::Alive(_)) && is_alive(&pid));
    fs::write(attempt.file("go"), "").unwrap();
    let exit = attempt.end(Some(launched)).await;
    assert_eq!((exit.ended, exit.output.bytes), (Ended::Code(3), 0));
    assert!(exit.notes.is_empty(), "{:?}", exit.notes);
}

#[tokio::test]
async fn binary_output_is_counted_and_what_is_kept_of_it_is_hashed() {
    let bytes = flood_bytes() / 8;
    let attempt = Attempt::new(&format!("head -c {bytes} /dev/urandom"));
    let exit = attempt.run().await;
    let kept = fs::read(&attempt.order.output).unwrap();
    assert_eq!((exit.output.bytes, exit.output.sha256), (bytes, sha256(&kept)));
    let text = String::from_utf8(kept).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
}

#[tokio::test]
async fn a_child_is_fed_and_a_broken_file_kills_it_before_it_sees_an_end() {
    let mut attempt = Attempt::new("cat");
    attempt.order.stdin = Stdin::Text("from the console".into());
    assert_eq!(attempt.run().await.stdout, "from the console");

    let fed = |name: &str| {
        let mut attempt = Attempt::new("cat > copy; echo committed");
        let path = attempt.file(name);
        fs::write(attempt.file("dump"), "insert\n".repeat(200_000)).unwrap();
        attempt.order.stdin = Stdin::Backup(Box::new(Backup {
            from: From::File(path),
            bytes: 1_400_000,
            sha256: Some(sha256("insert\n".repeat(200_000).as_bytes())),
            after: "commit".into(),
        }));
        attempt
    };
    let attempt = fed("dump");
    assert_eq!(attempt.run().await.stdout, "committed\n");
    let copy = fs::read_to_string(attempt.file("copy")).unwrap();
    assert_eq!(copy, "insert\n".repeat(200_000) + "commit");

    // A directory can be opened, and not read. The other is another file than was asked for.
    let other = fed("dump");
    fs::write(other.file("dump"), "delete\n".repeat(200_000)).unwrap();
    for attempt in [fed(""), other] {
        let exit = attempt.run().await;
        assert!(matches!(exit.stopped, Some(Stopped::BadInput(_))), "{exit:?}");
        assert_eq!((exit.ended, &*exit.stdout), (Ended::Signal(9), ""));
    }

    // A child that does not want its input is no failure.
    let mut attempt = fed("dump");
    attempt.order.argv = vec!["true".into()];
    assert_eq!(attempt.run().await.ended, Ended::Code(0));
}

#[tokio::test]
async fn a_flood_costs_no_memory() {
    let bytes = flood_bytes();
    let attempt = Attempt::new(&format!("yes | head -c {bytes}; touch over; sleep 0.2"));
    let _launched = attempt.launch().await;
    let Standing::Alive(Some(started)) = attempt.inspect() else { panic!("it is over already") };
    let before = resident_kib(std::process::id());
    let (mut seen, mut most) = (0, 0);
    let dir = attempt.dir();
    let end = supervisor::follow(&dir, &attempt.order.output, None, |text| {
        seen += text.len();
        most = most.max(resident_kib(started.supervisor));
    });
    let Standing::Exited(exit) = end.await.unwrap() else { panic!("it has no end") };
    assert_eq!(exit.output.bytes, bytes);
    assert_eq!(exit.output.cut.is_some(), bytes > CAP);
    assert!(seen > 0);
    assert!(most > 0 && most < 100 * 1024, "the supervisor took {most} KiB");
    let own = resident_kib(std::process::id()) - before;
    assert!(own < 100 * 1024, "the console took {own} KiB");
}

/// `STEADYHAND_FLOOD_MIB=1024` is the large one.
fn flood_bytes() -> u64 {
    let mib = std::env::var("STEADYHAND_FLOOD_MIB").ok().and_then(|mib| mib.parse::<u64>().ok());
    mib.unwrap_or(64) << 20
}

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
