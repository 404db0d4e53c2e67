use super::*;
use crate::runbook::inputs::SecretSource;
use crate::settings::outside::{Address, Include, OCCASIONS, Retention};

const WHOLE: &str = r#"
steadyhand: 1
runs: /var/lib/steadyhand
operator: alice@bastion-1
theme: mono
signing: {key: ~/.ssh/id_ed25519, required: true}
archive: {to: s3://drills/steady/, retention: 400d, include: [evidence], anchor: true, aws: {region: eu-west-1}}
notify:
  - {url: env:SLACK_URL, kind: slack, on: [start, end]}
  - {url: "https://example.org/hook", kind: json, name: board, timeout: 2s}
environments:
  production:
    mode: live
    inputs: {source_cluster: loanserve, port: 05432, on: off, db_password: "env:PGPASSWORD"}
    aws: {profile: prod, region: us-east-1}
    target: {aws.account: "123456789012", host: bastion-1}
  dr:
    mode: drill
    auto: true
    aws: {endpoint: "http://127.0.0.1:4566"}
"#;

fn problems(text: &str) -> Vec<(usize, usize, String)> {
    let checked = check(text.as_bytes(), "steadyhand.yaml");
    assert!(checked.settings.is_none());
    let problems = checked.problems.into_iter();
    problems
        .map(|p| (p.line, p.column, format!("{}; {}", p.message, p.help.unwrap_or_default())))
        .collect()
}

#[test]
fn the_whole_of_it() {
    let settings = check(WHOLE.as_bytes(), "s").settings.unwrap();
    assert_eq!(settings.operator.as_deref(), Some("alice@bastion-1"));
    let signing = Signing { key: "~/.ssh/id_ed25519".into(), required: true };
    assert_eq!(settings.signing, Some(signing));
    let live = settings.environment("production").unwrap();
    assert_eq!(live.mode, Mode::Live);
    assert_eq!(live.inputs["port"], "05432", "text stays as it was written");
    assert_eq!(live.inputs["on"], "off");
    assert_eq!(live.pins["aws.account"], "123456789012");
    let drill = settings.environment("dr").unwrap();
    assert!(drill.auto && drill.mode == Mode::Drill);
    assert_eq!(drill.aws.endpoint.as_deref(), Some("http://127.0.0.1:4566"));
}

#[test]
fn an_environment_that_is_not_there_is_said_with_those_that_are() {
    let settings = check(WHOLE.as_bytes(), "s").settings.unwrap();
    let error = settings.environment("prodution").unwrap_err();
    assert_eq!(error, "no environment `prodution`; did you mean `production`?");
    let error = settings.environment("staging").unwrap_err();
    assert_eq!(error, "no environment `staging`; the settings have: dr, production");
}

#[test]
fn every_problem_at_its_place() {
    let text = "\
steadyhand: 1
rusn: x
shares: group
environments:
  Prod: {mode: live, auto: true}
  dr:
    mode: dril
    target: {aws.acount: 1}
    aws: {endpoint: localhost}
    inputs: {x: \"${{ inputs.y }}\"}
";
    assert_eq!(
        problems(text),
        [
            (2, 1, "unknown key `rusn` in the settings; did you mean `runs`?".into()),
            (3, 1, "unknown key `shares` in the settings; did you mean `share`?".into()),
            (
                5,
                3,
                "`Prod` is not a name for an environment; use lower case letters, digits, - and _"
                    .into()
            ),
            (
                5,
                28,
                "a live environment is never run unattended; take `auto` away, or make it a drill environment"
                    .to_owned()
            ),
            (7, 11, "`dril` is not allowed here; did you mean `drill`?".into()),
            (8, 14, "`aws.acount` cannot be proven; did you mean `aws.account`?".into()),
            (9, 21, "`localhost` is not an http or https URL; write it like http://127.0.0.1:4566".into()),
            (10, 18, "templates are not allowed here; write the text itself".into()),
        ]
    );
}

#[test]
fn the_version_is_asked_for() {
    assert_eq!(
        problems("runs: x\n")[0].2,
        "the settings needs the key `steadyhand`; add `steadyhand:`"
    );
    assert_eq!(
        problems("steadyhand: 2\n")[0].2,
        "settings of version 2 are not known; it is for a newer steady: this one knows version 1, update it"
    );
}

#[test]
fn the_targets_of_a_drill_are_lists_by_kind_each_with_its_line() {
    let text = "steadyhand: 1\nshare: group\nenvironments:\n  dr:\n    mode: drill\n    targets:\n      \
                rds: [dr-*, loans-dr]\n      s3: []\n";
    let settings = check(text.as_bytes(), "s.yaml").settings.unwrap();
    assert!(settings.shared);
    let targets = settings.environments["dr"].targets.clone().unwrap();
    let list = |kind| {
        let allowed: Option<&Allowed> = targets.lists.get(&kind);
        allowed.map(|allowed| (allowed.names.join(" "), allowed.line))
    };
    assert_eq!(list(TargetKind::Rds), Some(("dr-* loans-dr".into(), 7)));
    assert_eq!(list(TargetKind::S3), Some((String::new(), 8)));
    assert_eq!(list(TargetKind::Http), None);
}

#[test]
fn targets_that_hold_nobody_are_refused() {
    for (text, said) in [
        ("mode: live\n    targets: {rds: [x]}", "`targets` holds drills, and this is live"),
        ("mode: drill\n    targets: {rsd: [x]}", "did you mean `rds`?"),
        ("mode: drill\n    targets: {rds: x}", "a list of names"),
        ("mode: drill\n    targets: [x]", "a map"),
    ] {
        let text = format!("steadyhand: 1\nenvironments:\n  e:\n    {text}\n");
        let checked = check(text.as_bytes(), "s.yaml");
        assert!(checked.settings.is_none(), "{text}");
        let all: Vec<_> = checked
            .problems
            .iter()
            .map(|p| format!("{}; {}", p.message, p.help.clone().unwrap_or_default()))
            .collect();
        assert!(all.iter().any(|problem| problem.contains(said)), "{all:?}");
    }
    let checked = check(b"steadyhand: 1\nshare: everybody\n", "s.yaml");
    assert!(checked.settings.is_none());
}

#[test]
fn an_archive_and_hooks() {
    let settings = check(WHOLE.as_bytes(), "s").settings.unwrap();
    let archive = settings.archive.unwrap();
    assert_eq!((archive.to.as_str(), archive.anchor), ("s3://drills/steady", true));
    assert_eq!(archive.retention, Retention::Days(400));
    assert_eq!(archive.include, [Include::Evidence].into());
    assert_eq!(archive.aws.region.as_deref(), Some("eu-west-1"));
    let [slack, board] = settings.notify.as_slice() else { panic!("{:?}", settings.notify) };
    assert_eq!((slack.name.as_str(), slack.on.len()), ("slack 1", 2));
    assert_eq!(slack.url, Address::Secret(SecretSource::Env("SLACK_URL".into())));
    assert_eq!((board.name.as_str(), board.on.len()), ("board", OCCASIONS.len()));
    assert_eq!(board.timeout.as_secs(), 2);
    let plain = check(b"steadyhand: 1\narchive: {to: s3://drills}\n", "s").settings.unwrap();
    let archive = plain.archive.unwrap();
    assert_eq!((archive.retention, archive.include.len()), (Retention::Years(7), 0));
}

#[test]
fn what_is_wrong_with_an_archive_and_with_hooks_is_said_at_its_place() {
    let text = r#"
steadyhand: 1
archive: {to: drills/steady, retention: 7, include: [outputs], anchro: true}
notify:
  - {url: "https://hooks.slack.com/services/T0/B0/abcdef", kind: slack}
  - {url: "https://me:pw@example.org", kind: json, on: [start, start, begin]}
  - {url: example.org, kind: teams, timeout: 2h}
  - {url: ask, kind: json}
  - {url: env:A, kind: json, name: x}
  - {url: env:B, kind: json, name: x}
"#;
    let said = problems(text);
    let has = |line: usize, words: &str| {
        assert!(
            said.iter().any(|(at, _, it)| *at == line && it.contains(words)),
            "{words}: {said:#?}"
        );
    };
    has(3, "unknown key `anchro`");
    has(3, "`drills/steady` is not a place in S3; write s3://bucket");
    has(3, "`7` is not how long something is kept; write years or days");
    has(3, "`outputs` is not allowed here; did you mean `output`?");
    has(5, "it is a secret; write env:NAME");
    has(6, "it is a secret");
    has(6, "`start` stands twice");
    has(6, "`begin` is not allowed here");
    has(7, "neither an http or https URL nor a reference");
    has(7, "`teams` is not allowed here");
    has(7, "`2h` is no timeout for a hook");
    has(8, "nobody is asked");
    has(10, "two hooks are called `x`");
    assert!(!format!("{said:?}").contains("abcdef"), "the secret is not repeated: {said:?}");
}
