//! `steady doctor` against what is really there: a PostgreSQL, an AWS, servers that answer and servers that
//! never do.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::services::console::{Console, fails_at, said};
use crate::services::moto::Moto;
use crate::services::postgres::{Cluster, PASSWORD};
use crate::services::sts::Sts;

const RUNBOOK: &str = r#"steadyhand: 1
id: probe
title: Probe
requires: {tools: [bash, no-such-tool]}
inputs:
  db_port: {type: integer}
  db_password: {type: secret}
  url: {type: url}
steps:
  - id: rows
    title: Rows
    do:
      postgres.query:
        connection: {host: 127.0.0.1, port: "${{ inputs.db_port }}", user: postgres, password: "${{ inputs.db_password }}"}
        sql: SELECT 1
    effect: reads
  - id: web
    title: Web
    do: {http: {url: "${{ inputs.url }}"}}
"#;

/// A home with that runbook in its catalogue and an environment `dr` of these lines.
fn place(environment: &str) -> Console {
    let console = Console::new("");
    fs::create_dir(console.file("runbooks")).unwrap();
    fs::write(console.file("runbooks/probe.yaml"), RUNBOOK).unwrap();
    let settings = format!("steadyhand: 1\nenvironments:\n  dr:\n    mode: drill\n{environment}");
    fs::write(console.file("steadyhand.yaml"), settings).unwrap();
    console
}

fn doctor(console: &Console, env: &[(&str, &str)]) -> (Output, Vec<Json>) {
    let mut command = console.steady(&["doctor", "--env", "dr", "--json"]);
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(env.iter().copied());
    let output = command.output().unwrap();
    let json: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
    let findings = json["findings"].as_array().unwrap().clone();
    for finding in &findings {
        let is_ok = finding["verdict"] == "ok";
        assert_eq!(finding["remedy"].is_null(), is_ok, "every other line has a remedy: {finding}");
    }
    let bad = findings.iter().filter(|it| it["verdict"] == "bad").count();
    assert_eq!(json["bad"], bad);
    assert_eq!(output.status.code(), Some(i32::from(bad > 0)), "{}", said(&output));
    (output, findings)
}

/// The finding whose name begins so, as `verdict: what was found; what to do`.
fn finding(findings: &[Json], name: &str) -> String {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let found = findings.iter().find(|it| text(&it["name"]).starts_with(name));
    let found = found.unwrap_or_else(|| panic!("no {name} in {findings:#?}"));
    format!("{}: {}; {}", text(&found["verdict"]), text(&found["found"]), text(&found["remedy"]))
}

#[test]
fn a_database_is_logged_in_to_with_good_and_with_wrong_credentials() {
    let Some(cluster) = Cluster::start("") else { return };
    let environment =
        format!("    inputs: {{db_port: {}, db_password: \"env:DB_PASSWORD\"}}\n", cluster.port);
    let console = place(&environment);
    let name = format!("PostgreSQL 127.0.0.1:{}/postgres as postgres", cluster.port);
    let id = cluster.sql("postgres", "SELECT system_identifier FROM pg_control_system()");

    let (_, found) = doctor(&console, &[("DB_PASSWORD", PASSWORD)]);
    let good = finding(&found, &name);
    assert!(good.starts_with("ok: PostgreSQL 1"), "{good}");
    assert!(good.contains("not encrypted") && good.contains(id.trim()), "{good}");

    let (output, found) = doctor(&console, &[("DB_PASSWORD", "not-the-password")]);
    let bad = finding(&found, &name);
    assert!(bad.starts_with("bad: ") && bad.contains("refused the password"), "{bad}");
    assert!(bad.contains("check the secret given"), "{bad}");
    assert!(!said(&output).contains("not-the-password"), "{}", said(&output));

    let (_, found) = doctor(&console, &[]);
    let missing = finding(&found, "secrets of probe");
    assert!(
        missing.starts_with("bad: ") && missing.contains("DB_PASSWORD is not set"),
        "{missing}"
    );

    // The wrong database is told from the right one before a run begins.
    let pinned = format!("{environment}    target: {{postgres.system_identifier: \"123\"}}\n");
    let (_, found) = doctor(&place(&pinned), &[("DB_PASSWORD", PASSWORD)]);
    let pin = finding(&found, "postgres.system_identifier");
    assert!(pin.starts_with("bad: ") && pin.contains(id.trim()), "{pin}");
    drop(cluster);
    let (_, found) = doctor(&console, &[("DB_PASSWORD", PASSWORD)]);
    let down = finding(&found, &name);
    assert!(down.starts_with("warn: ") && down.contains("nothing listens there"), "{down}");
}

fn aws(endpoint: &str, account: &str) -> String {
    format!(
        "    aws: {{endpoint: \"{endpoint}\", region: us-east-1}}\n    target: {{aws.account: \"{account}\"}}\n"
    )
}

#[test]
fn the_account_is_asked_with_good_wrong_expired_and_no_credentials() {
    let sts = Sts::start(&[("AKIAGOOD", "111111111111"), ("AKIAOTHER", "222222222222")]);
    let console = place(&aws(&sts.endpoint, "111111111111"));
    let keys = |key| [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", "not-looked-at")];

    let (_, found) = doctor(&console, &keys("AKIAGOOD"));
    let identity = finding(&found, "AWS identity");
    assert!(identity.starts_with("ok: arn:aws:iam::111111111111:user/ops"), "{identity}");
    assert!(finding(&found, "aws.account").starts_with("ok: 111111111111"));
    assert_eq!(finding(&found, "AWS credentials"), "ok: do not expire; ");

    let (_, found) = doctor(&console, &keys("AKIAOTHER"));
    let pin = finding(&found, "aws.account");
    assert!(pin.starts_with("bad: 222222222222 here, 111111111111 in the settings"), "{pin}");

    let (_, found) = doctor(&console, &keys("AKIAUNKNOWN"));
    let unknown = finding(&found, "AWS identity");
    assert!(unknown.starts_with("bad: ") && unknown.contains("AWS does not know"), "{unknown}");

    sts.expire(true);
    let (_, found) = doctor(&console, &keys("AKIAGOOD"));
    let expired = finding(&found, "AWS identity");
    assert!(expired.starts_with("bad: ") && expired.contains("have expired"), "{expired}");
    assert!(expired.contains("aws sso login"), "{expired}");

    let (_, found) = doctor(&console, &[]);
    let none = finding(&found, "AWS identity");
    assert!(none.starts_with("bad: ") && none.contains("no usable AWS credentials"), "{none}");
}

#[test]
fn an_aws_that_we_did_not_write_says_who_we_are() {
    let Some(moto) = Moto::start(Duration::ZERO) else { return };
    let console = place(&aws(&moto.endpoint(), "123456789012"));
    let keys = [("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")];
    let (_, found) = doctor(&console, &keys);
    assert!(finding(&found, "AWS identity").contains("account 123456789012, us-east-1"));
    assert!(finding(&found, "aws.account").starts_with("ok: "));
}

#[test]
fn what_never_answers_is_not_waited_for() {
    // It takes connections, by the kernel's hand, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let environment = format!(
        "    inputs: {{db_port: {port}, db_password: \"env:HOME\", url: \"http://127.0.0.1:{port}/x\"}}\n{}",
        aws(&format!("http://127.0.0.1:{port}"), "111111111111")
    );
    let console = place(&environment);
    let begun = Instant::now();
    let keys = [("AWS_ACCESS_KEY_ID", "AKIAGOOD"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let (_, found) = doctor(&console, &keys);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    for name in ["AWS identity", "PostgreSQL 127.0.0.1", "HTTP http://127.0.0.1"] {
        let late = finding(&found, name);
        assert!(late.contains("no answer within 5 s"), "{late}");
        assert!(!late.starts_with("ok"), "{late}");
    }
}

#[test]
fn the_machine_itself_is_looked_at() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    drop(web);
    let console = place(&format!("    inputs: {{url: \"http://127.0.0.1:{port}/\"}}\n"));
    let (_, found) = doctor(&console, &[]);
    assert!(finding(&found, "tool bash").contains("GNU bash"));
    let tool = finding(&found, "tool no-such-tool");
    assert_eq!(tool, "bad: not on the PATH, needed by probe; install no-such-tool");
    assert!(finding(&found, "environment").starts_with("warn: dr, which names no target"));
    assert!(finding(&found, "terminal").starts_with("warn: "), "a test has none");
    assert!(finding(&found, "operator").contains("self-declared"));
    let closed = finding(&found, "HTTP http://127.0.0.1");
    assert!(closed.starts_with("warn: cannot reach"), "{closed}");
    assert!(finding(&found, "runs").contains("not there yet"));
    assert!(!console.file("runs").exists(), "looking makes nothing");
    finding(&found, "time synchronisation");

    // A run that was killed, and a directory that others may write to.
    fs::write(
        console.file("runbook.yaml"),
        "steadyhand: 1\nid: a\ntitle: A\nsteps:\n  - {id: a, title: A, do: {shell: {run: 'true'}}}\n",
    )
    .unwrap();
    fails_at(console.drill(&[]), 4).output().unwrap();
    let (_, found) = doctor(&console, &[]);
    let unfinished = finding(&found, "unfinished runs");
    assert!(
        unfinished.starts_with("warn: ") && unfinished.contains("steady resume"),
        "{unfinished}"
    );
    assert!(finding(&found, "a record on the disk").contains(" ms of 16"));
    assert!(finding(&found, "runs").starts_with("ok: "));
    fs::set_permissions(console.file("runs"), Permissions::from_mode(0o777)).unwrap();
    let (_, found) = doctor(&console, &[]);
    let open = finding(&found, "runs");
    assert!(open.starts_with("bad: others may write to") && open.contains("chmod go-w"), "{open}");
    let left: Vec<_> = fs::read_dir(console.file("runs")).unwrap().collect();
    assert!(
        left.iter().all(|it| {
            !it.as_ref().unwrap().file_name().to_string_lossy().starts_with(".doctor")
        })
    );
}

#[test]
fn for_people_every_line_has_its_word_and_an_unknown_environment_is_refused() {
    let console = place("");
    let output = console.steady(&["doctor"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for line in [
        "Identity and credentials\n",
        "none chosen; --env looks at one of: dr",
        "  ✗ bad   tool no-such-tool",
        "            → install no-such-tool\n",
        "  ! warn  terminal",
        " to mend\n",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
    let output = console.steady(&["doctor", "--env", "rd"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("did you mean `dr`?"), "{}", said(&output));
}
