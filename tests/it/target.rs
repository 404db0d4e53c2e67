//! Acting on the right system: what is switched behind a run's back is noticed before the next step that acts.

use std::fs;
use std::process::{Child, Output};

use serde_json::Value as Json;

use crate::services::console::{Console, eventually, said, text};
use crate::services::kubectl::Kubectl;
use crate::services::postgres::{Cluster, PASSWORD, USER};
use crate::services::skip;
use crate::services::sts::Sts;

const PROD: &str = "111111111111";
const TEST: &str = "222222222222";
const UID: &str = "get namespace kube-system -o jsonpath={.metadata.uid}";

/// It waits for a file `go`, then acts.
const WAITS: &str = "steadyhand: 1
id: waits
title: Waits
steps:
  - id: wait
    title: Wait
    do: {shell: {run: 'touch waiting; while [ -e waiting ] && [ ! -e go ]; do sleep 0.02; done'}}
  - id: act
    title: Act
    do: {shell: {run: 'echo acted >> ledger; echo \"${AWS_PROFILE:-}${AWS_REGION:-}\" > as-whom'}}
";

fn settings(console: &Console, environment: &str) {
    let text = format!("steadyhand: 1\nenvironments:\n  dr:\n    mode: drill\n{environment}");
    fs::write(console.file("steadyhand.yaml"), text).unwrap();
}

/// A run that is at work in its first step; then `switch` happens, and it goes on.
fn switched(console: &Console, env: &[(&str, String)], switch: impl FnOnce()) -> Output {
    let mut run = console.drill(&["--env", "dr"]);
    run.envs(env.iter().map(|(name, value)| (name, value.as_str())));
    let mut run = run.spawn().unwrap();
    waiting(console, &mut run);
    switch();
    fs::write(console.file("go"), "").unwrap();
    run.wait_with_output().unwrap()
}

fn waiting(console: &Console, run: &mut Child) {
    eventually(|| {
        assert_eq!(run.try_wait().unwrap(), None, "it ended before its first step");
        console.file("waiting").exists().then_some(())
    });
}

fn of<'r>(records: &'r [Json], kind: &str, step: &str) -> Vec<&'r Json> {
    records.iter().filter(|r| r["type"] == kind && r["step"] == step).collect()
}

/// The step was refused with these words, on record, before it was intended; nothing was done.
fn assert_held_back(console: &Console, output: &Output, step: &str, words: &[&str]) {
    let told = said(output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(text(&console.file("ledger")), "", "{told}");
    let records = console.records();
    let refusals = of(&records, "guard_refused", step);
    assert_eq!(refusals.len(), 1, "{told}");
    let reason = refusals[0]["body"]["reason"].as_str().unwrap();
    for word in words {
        assert!(reason.contains(word), "no {word:?} in {reason}");
        assert!(told.contains(word), "no {word:?} in {told}");
    }
    assert!(of(&records, "attempt_intended", step).is_empty(), "{told}");
}

/// Put right, the run goes on from there.
fn assert_goes_on(console: &Console, env: &[(&str, String)]) {
    let mut resume = console.steady(&["resume", "--auto"]);
    resume.envs(env.iter().map(|(name, value)| (name, value.as_str())));
    let output = resume.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(text(&console.file("ledger")), "acted\n");
}

fn credentials(console: &Console, key: &str) {
    let text =
        format!("[ops]\naws_access_key_id = {key}\naws_secret_access_key = secret-of-{key}\n");
    fs::create_dir_all(console.file(".aws")).unwrap();
    fs::write(console.file(".aws/credentials"), text).unwrap();
}

fn region(console: &Console, region: &str) {
    fs::create_dir_all(console.file(".aws")).unwrap();
    let text = format!("[profile ops]\nregion = {region}\n");
    fs::write(console.file(".aws/config"), text).unwrap();
}

fn aws() -> (Sts, Console, [(&'static str, String); 1]) {
    let sts = Sts::start(&[("AKIAPROD", PROD), ("AKIATEST", TEST)]);
    let console = Console::new(WAITS);
    credentials(&console, "AKIAPROD");
    region(&console, "eu-west-1");
    settings(
        &console,
        &format!(
            "    aws: {{profile: ops, endpoint: \"{}\"}}\n    \
             target: {{aws.account: \"{PROD}\", aws.region: eu-west-1}}\n",
            sts.endpoint
        ),
    );
    (sts, console, [("AWS_EC2_METADATA_DISABLED", "true".into())])
}

#[test]
fn a_profile_that_is_switched_in_mid_run_is_noticed() {
    let (_sts, console, env) = aws();
    let output = switched(&console, &env, || credentials(&console, "AKIATEST"));
    let wrong = format!("wrong target: aws.account is {TEST} here and {PROD} in the settings");
    assert_held_back(&console, &output, "act", &[&wrong]);
    let verified = of(&console.records(), "target_verified", "wait")[0]["body"]["pins"].clone();
    assert_eq!(verified["aws.account"], PROD, "{verified}");
    assert_eq!(verified["aws.region"], "eu-west-1", "{verified}");
    credentials(&console, "AKIAPROD");
    assert_goes_on(&console, &env);
    assert_eq!(text(&console.file("as-whom")).trim(), "ops", "the script calls as who was proven");
}

#[test]
fn a_region_that_is_switched_in_mid_run_is_noticed() {
    let (_sts, console, env) = aws();
    let output = switched(&console, &env, || region(&console, "us-east-1"));
    assert_held_back(&console, &output, "act", &["aws.region is us-east-1 here and eu-west-1"]);
}

#[test]
fn credentials_that_expire_between_two_steps_are_said_and_the_run_goes_on_when_renewed() {
    let (sts, console, env) = aws();
    let output = switched(&console, &env, || sts.expire(true));
    let renew = "aws sso login --profile ops";
    assert_held_back(&console, &output, "act", &["the credentials have expired", renew]);
    sts.expire(false);
    assert_goes_on(&console, &env);
}

/// Once more on its own is once more on the wrong system: the retries end, and nothing goes round in circles.
#[test]
fn a_retry_on_its_own_is_held_to_the_target_too() {
    let (_sts, console, env) = aws();
    let runbook = "steadyhand: 1
id: retries
title: Retries
steps:
  - id: act
    title: Act
    retry: {times: 5, every: 10ms}
    probe:
      do: {shell: {run: 'cat ledger'}}
      done: result.exit_code == 0
    do: {shell: {run: 'cp other .aws/credentials; exit 3'}}
";
    fs::write(console.file("runbook.yaml"), runbook).unwrap();
    let other = text(&console.file(".aws/credentials")).replace("AKIAPROD", "AKIATEST");
    fs::write(console.file("other"), other).unwrap();
    let mut run = console.drill(&["--env", "dr"]);
    let output = run.envs(env).output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let records = console.records();
    assert_eq!(of(&records, "attempt_intended", "act").len(), 1, "{told}");
    let refused = of(&records, "guard_refused", "act");
    assert!((1..=2).contains(&refused.len()), "{} times: {told}", refused.len());
    assert!(refused[0]["body"]["reason"].as_str().unwrap().contains(TEST), "{told}");
}

fn kubernetes(runbook: &str) -> (Console, Kubectl, [(&'static str, String); 1]) {
    let console = Console::new(runbook);
    let kubectl = Kubectl::put(console.file("bin"));
    let path = format!("{}:{}", kubectl.dir().display(), std::env::var("PATH").unwrap());
    settings(&console, "    target: {kubernetes.cluster: uid-of-prod}\n");
    (console, kubectl, [("PATH", path)])
}

#[test]
fn a_kubectl_context_that_is_switched_in_mid_run_is_noticed() {
    let (console, kubectl, env) = kubernetes(WAITS);
    kubectl.answer(UID, "uid-of-prod");
    let output = switched(&console, &env, || kubectl.answer(UID, "uid-of-staging"));
    let wrong = "kubernetes.cluster is uid-of-staging here and uid-of-prod in the settings";
    assert_held_back(&console, &output, "act", &[wrong]);
    kubectl.answer(UID, "uid-of-prod");
    assert_goes_on(&console, &env);
}

#[test]
fn a_context_that_a_script_names_is_the_one_that_is_held_to_the_pin() {
    let named = WAITS.replace("echo acted", "kubectl --context staging get nodes; echo acted");
    let (console, kubectl, env) = kubernetes(&named);
    kubectl.answer(UID, "uid-of-prod");
    kubectl.answer(&format!("--context staging {UID}"), "uid-of-staging");
    let mut run = console.drill(&["--env", "dr"]);
    let output = run.envs(env).output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in ["preflight: kubernetes.cluster (the cluster of context staging)", "wrong target"] {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
    assert_eq!(
        console.runs(),
        Vec::<std::path::PathBuf>::new(),
        "it is seen before anything begins"
    );
}

#[test]
fn a_cluster_that_cannot_be_asked_is_not_taken_for_the_right_one() {
    let (console, kubectl, env) = kubernetes(WAITS);
    kubectl.answer(UID, "uid-of-prod");
    let gone = || fs::remove_dir_all(kubectl.dir().join("answers")).unwrap();
    let output = switched(&console, &env, gone);
    let words = ["kubernetes.cluster is pinned", "cannot be asked", "not expected"];
    assert_held_back(&console, &output, "act", &words);
}

const INSERTS: &str = "steadyhand: 1
id: inserts
title: Inserts
inputs:
  port: {type: integer}
  password: {type: secret, env: PGPASSWORD}
steps:
  - id: wait
    title: Wait
    do: {shell: {run: 'touch waiting; while [ -e waiting ] && [ ! -e go ]; do sleep 0.02; done'}}
  - id: act
    title: Act
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: \"${{ inputs.port }}\", user: USER, database: loans,
          password: \"${{ inputs.password }}\"}
        sql: INSERT INTO acted VALUES (1)
";

fn identifier(cluster: &Cluster) -> String {
    cluster.sql("postgres", "SELECT system_identifier FROM pg_control_system()")
}

/// The same port, the same name of a database, the same password, and yet another server.
#[test]
fn the_same_database_name_on_another_server_is_noticed() {
    let Some(right) = Cluster::start("") else { return };
    let table = |cluster: &Cluster| {
        cluster.sql("postgres", "CREATE DATABASE loans");
        cluster.sql("loans", "CREATE TABLE acted (n int)");
    };
    table(&right);
    let console = Console::new(&INSERTS.replace("USER", USER));
    let pin = identifier(&right);
    settings(
        &console,
        &format!(
            "    inputs: {{port: {}}}\n    target: {{postgres.system_identifier: \"{pin}\"}}\n",
            right.port
        ),
    );
    let env = [("PGPASSWORD", PASSWORD.to_owned())];
    let mut wrong = None;
    let output = switched(&console, &env, || {
        right.crash();
        let mut cluster = Cluster::start(&format!("port={}", right.port)).unwrap();
        cluster.port = right.port;
        table(&cluster);
        wrong = Some(cluster);
    });
    let wrong = wrong.unwrap();
    let said_of_it = format!("postgres.system_identifier is {} here and {pin}", identifier(&wrong));
    assert_held_back(&console, &output, "act", &["wrong target", &said_of_it]);
    assert_eq!(wrong.sql("loans", "SELECT count(*) FROM acted"), "0");

    // Nobody there is not the right one either.
    wrong.crash();
    let mut resume = console.steady(&["resume", "--auto"]);
    let output = resume.envs(env.clone()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told = said(&output);
    assert!(
        told.contains("postgres.system_identifier is pinned and the server 127.0.0.1"),
        "{told}"
    );
    assert!(of(&console.records(), "attempt_intended", "act").is_empty(), "{told}");

    right.up().unwrap();
    let mut resume = console.steady(&["resume", "--auto"]);
    let output = resume.envs(env).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(right.sql("loans", "SELECT count(*) FROM acted"), "1");
}

#[test]
fn another_server_is_seen_before_anything_begins() {
    let Some(cluster) = Cluster::start("") else { return };
    cluster.sql("postgres", "CREATE DATABASE loans");
    let console = Console::new(&INSERTS.replace("USER", USER));
    fs::write(console.file("go"), "").unwrap();
    settings(
        &console,
        &format!(
            "    inputs: {{port: {}}}\n    target: {{postgres.system_identifier: \"7\"}}\n",
            cluster.port
        ),
    );
    let mut run = console.drill(&["--env", "dr"]);
    let output = run.env("PGPASSWORD", PASSWORD).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let wrong = format!("postgres.system_identifier is {} here and 7", identifier(&cluster));
    assert!(said(&output).contains(&wrong), "{}", said(&output));
    assert_eq!(console.runs(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn another_host_is_refused_at_the_start_and_when_a_run_is_carried_there() {
    let console = Console::new(WAITS);
    settings(&console, "    target: {host: bastion-of-somebody-else}\n");
    let output = console.drill(&["--env", "dr"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("bastion-of-somebody-else in the settings"),
        "{}",
        said(&output)
    );
    assert_eq!(console.runs(), Vec::<std::path::PathBuf>::new());

    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    settings(&console, &format!("    target: {{host: {here}}}\n"));
    let output = console.drill(&["--env", "dr"]).env("STEADYHAND_FAILPOINT", "record:3").output();
    assert!(!output.unwrap().status.success());
    let resume = console.steady(&["resume", "--auto"]);
    let mut elsewhere = std::process::Command::new("unshare");
    elsewhere.args(["--uts", "sh", "-c", "hostname elsewhere && exec \"$0\" resume --auto"]);
    elsewhere.arg(resume.get_program()).current_dir(console.file(""));
    elsewhere.env_clear().envs(resume.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = elsewhere.output().unwrap();
    if said(&output).contains("Operation not permitted") {
        return skip("another host's name", "unshare --uts takes root");
    }
    assert_held_back(&console, &output, "wait", &["wrong target: host is elsewhere here and"]);
    fs::write(console.file("go"), "").unwrap();
    assert_goes_on(&console, &[]);
}
