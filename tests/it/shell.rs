//! `shell` as a step runs it, and as a later console finds it.

use std::time::Duration;

use steadyhand::actions::{self, Action, Finish, Found, Progress};
use steadyhand::engine::Outcome;
use steadyhand::runbook::{Effect, Resolved, Value};

use crate::services::attempt::{Attempt, attempt, request, text};

fn shell() -> &'static dyn Action {
    actions::find("shell").unwrap()
}

fn script(script: &str) -> Vec<(&'static str, Resolved)> {
    vec![("run", text(script))]
}

async fn run(attempt: &Attempt, effect: Effect, args: Vec<(&str, Resolved)>) -> Finish {
    shell().run(attempt.cx.clone(), request("shell", effect, args)).await
}

async fn changes(args: Vec<(&str, Resolved)>) -> Finish {
    run(&attempt(&[]), Effect::Changes, args).await
}

#[tokio::test]
async fn what_a_script_prints_becomes_the_result_and_the_screen() {
    let mut attempt = attempt(&[]);
    let finish =
        run(&attempt, Effect::Changes, script("echo one; echo; echo two; echo hm >&2")).await;
    assert_eq!((finish.outcome, &*finish.message), (Outcome::Succeeded, "exit code 0"));
    let field = |name: &str| finish.result.get(name).unwrap().to_plain_json();
    assert_eq!(field("exit_code"), 0);
    assert_eq!(field("stdout"), "one\n\ntwo");
    assert_eq!(field("stderr"), "hm");
    assert_eq!(field("lines"), serde_json::json!(["one", "two"]));
    let output = finish.output.unwrap();
    assert_eq!((&*output.file, output.bytes, output.cut), ("restore.1.log", 12, None));
    assert!(matches!(attempt.progress.recv().await, Some(Progress::Started { .. })));
    let mut lines = Vec::new();
    while let Ok(Progress::Line(line)) = attempt.progress.try_recv() {
        lines.push(line);
    }
    lines.sort();
    assert_eq!(lines, ["", "hm", "one", "two"]);
}

#[tokio::test]
async fn failures_say_why_in_one_line() {
    for (args, says) in [
        (script("echo first >&2; echo 'no space left' >&2; exit 4"), "exit code 4: no space left"),
        (script("false; echo never"), "exit code 1"),
        (script("no-such-program"), "install it or mend the PATH"),
        (
            vec![("argv", Resolved::List(vec![text("no-such-program")]))],
            "`no-such-program` was not found",
        ),
        (vec![("run", text("true | false | true")), ("shell", text("bash"))], "exit code 1"),
        (vec![("run", text("true")), ("cwd", text("/no/such"))], "/no/such is not there"),
        (
            vec![("run", text("echo no")), ("json", Resolved::Value(Value::Bool(true)))],
            "standard output is not one JSON value",
        ),
    ] {
        let finish = changes(args).await;
        assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
        assert!(finish.message.contains(says), "{}", finish.message);
    }
}

#[tokio::test]
async fn secrets_reach_the_child_and_nothing_else() {
    let known = attempt(&[("token", "hunter2hunter2")]);
    let secret = Resolved::Value(Value::Secret("token".into()));
    let json = Resolved::Value(Value::Bool(true));
    let print = r#"read -r x; printf '{"length": %s, "token": "%s"}' "${#x}" "$x""#;
    // Without its newline `read` says that the input ended.
    let args = vec![("run", text(&format!("set +e; {print}"))), ("stdin", secret), ("json", json)];
    let finish = run(&known, Effect::Changes, args).await;
    let json = finish.result.get("json").unwrap().to_plain_json();
    assert_eq!(json, serde_json::json!({"length": 14, "token": "«secret token»"}));
    assert!(!format!("{finish:?}").contains("hunter2"));
}

#[tokio::test]
async fn stopping_a_script_leaves_reads_failed_and_changes_unknown() {
    for (effect, outcome) in
        [(Effect::Reads, Outcome::Failed), (Effect::Destroys, Outcome::Unknown)]
    {
        let mut slow = attempt(&[]);
        slow.cx.timeout = Some(Duration::from_millis(100));
        let finish = run(&slow, effect, script("sleep 60")).await;
        assert_eq!(finish.outcome, outcome);
        assert!(finish.message.contains("longer than its timeout"), "{}", finish.message);

        let stopped = attempt(&[]);
        stopped.cancel.cancel();
        let finish = run(&stopped, effect, script("sleep 60")).await;
        assert_eq!(finish.outcome, outcome);
        assert!(finish.message.contains("was cancelled"), "{}", finish.message);
    }
}

#[tokio::test]
async fn a_later_console_finds_the_attempt_and_waits_for_its_end() {
    let attempt = attempt(&[]);
    let cx = || attempt.cx.clone();
    let ask = || {
        request(
            "shell",
            Effect::Changes,
            script("while [ ! -e go ]; do sleep 0.02; done; echo ended"),
        )
    };
    assert!(matches!(shell().find(cx(), ask()).await, Found::NotStarted(_)));
    let mut args = script("while [ ! -e go ]; do sleep 0.02; done; echo ended");
    args.push(("cwd", text(attempt.cx.run_dir.to_str().unwrap())));
    // The console is lost while it waits.
    let first = run(&attempt, Effect::Changes, args);
    assert!(tokio::time::timeout(Duration::from_secs(1), first).await.is_err());
    assert!(matches!(shell().find(cx(), ask()).await, Found::Running(_)));
    std::fs::write(attempt.cx.run_dir.join("go"), "").unwrap();
    let finish = shell().reattach(cx(), ask()).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("stdout"), Some(&Value::String("ended".into())));
}
