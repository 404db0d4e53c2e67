use super::*;
use crate::runbook::template::Template;
use crate::runbook::timetext::parse_timestamp;

fn input(name: &str, kind: InputKind) -> Input {
    Input {
        name: name.into(),
        kind,
        default: None,
        env: None,
        pattern: None,
        min: None,
        max: None,
        choices: Vec::new(),
        required: true,
        help: None,
    }
}

fn now() -> DateTime<Utc> {
    parse_timestamp("2026-11-21T03:06:00Z").unwrap()
}

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn nothing(_: &str) -> Option<String> {
    None
}

fn cluster(name: &str) -> Option<String> {
    (name == "CLUSTER").then(|| "from-env".to_owned())
}

#[test]
fn the_command_line_beats_the_environment_beats_the_variable_beats_the_default() {
    let mut source = input("source", InputKind::String);
    source.env = Some("CLUSTER".into());
    source.default = Some(Template::parse("from-default").unwrap());
    let mut target = input("target", InputKind::String);
    target.default = Some(Template::parse("${{ inputs.source + '-restored' }}").unwrap());
    let declared = [source, target];
    let value = |cli: &Given, settings: &Given, env: &dyn Fn(&str) -> Option<String>| {
        resolve(&declared, cli, settings, env, now()).unwrap().values["target"].to_string()
    };
    let cli = given(&[("source", "from-cli")]);
    let settings = given(&[("source", "from-settings"), ("of_another_runbook", "x")]);
    assert_eq!(value(&cli, &settings, &cluster), "from-cli-restored");
    assert_eq!(value(&given(&[]), &settings, &cluster), "from-settings-restored");
    assert_eq!(value(&given(&[]), &given(&[]), &cluster), "from-env-restored");
    assert_eq!(value(&given(&[]), &given(&[]), &nothing), "from-default-restored");
}

#[test]
fn all_problems_at_once_and_none_twice() {
    let mut target = input("target", InputKind::String);
    target.default = Some(Template::parse("${{ inputs.source }}-restored").unwrap());
    let mut region = input("region", InputKind::String);
    region.env = Some("AWS_REGION".into());
    let declared =
        [input("source", InputKind::String), target, region, input("when", InputKind::Timestamp)];
    let cli = given(&[("when", "2026-11-21 03:00"), ("sorce", "x")]);
    let problems = resolve(&declared, &cli, &given(&[]), &nothing, now()).unwrap_err();
    let said: Vec<_> = problems
        .iter()
        .map(|p| (p.input.as_str(), p.message.as_str(), p.help.as_deref().unwrap_or(""), p.missing))
        .collect();
    assert_eq!(
        said,
        [
            ("sorce", "the runbook has no such input", "did you mean `source`?", false),
            ("source", "has no value", "give -i source=…", true),
            ("region", "has no value", "give -i region=… or set AWS_REGION", true),
            (
                "when",
                "`2026-11-21 03:00` does not say its zone",
                "add Z for UTC, or an offset: 2026-11-21 03:00Z",
                false
            ),
        ]
    );
}

#[test]
fn a_secret_is_a_reference_and_never_repeated() {
    let mut password = input("db_password", InputKind::Secret);
    password.env = Some("CLUSTER".into());
    let declared = [password];
    let found = resolve(&declared, &given(&[]), &given(&[]), &cluster, now()).unwrap();
    assert_eq!(found.values["db_password"], Value::Secret("db_password".into()));
    assert_eq!(found.secrets["db_password"], SecretSource::Env("CLUSTER".into()));

    let file = given(&[("db_password", "file:/run/secrets/db")]);
    let found = resolve(&declared, &file, &given(&[]), &nothing, now()).unwrap();
    assert_eq!(found.secrets["db_password"], SecretSource::File("/run/secrets/db".into()));

    let pasted = given(&[("db_password", "hunter2hunter2")]);
    let problems = resolve(&declared, &pasted, &given(&[]), &nothing, now()).unwrap_err();
    assert!(!format!("{problems:?}").contains("hunter2"));
    assert!(problems[0].help.as_deref().unwrap().contains("-i db_password=env:VARIABLE"));
}

#[test]
fn an_optional_input_without_a_value_is_not_there() {
    let mut note = input("note", InputKind::String);
    note.required = false;
    let found = resolve(&[note], &given(&[]), &given(&[]), &nothing, now()).unwrap();
    assert!(found.values.is_empty());
}

#[test]
fn each_kind_reads_its_own() {
    use InputKind as K;
    for (kind, text, shown) in [
        (K::String, "loans", "loans"),
        (K::Integer, "-3", "-3"),
        (K::Number, "0.5", "0.5"),
        (K::Boolean, "true", "true"),
        (K::Timestamp, "2026-11-21 03:54+01:00", "2026-11-21T02:54:00Z"),
        (K::Timestamp, "12m ago", "2026-11-21T02:54:00Z"),
        (K::Duration, "90m", "1h30m"),
        (K::Path, "/var/lib/x", "/var/lib/x"),
        (K::Url, "https://loans.example/health", "https://loans.example/health"),
        (K::S3Uri, "s3://backups/loans/", "s3://backups/loans/"),
    ] {
        let value = check_one(&input("x", kind), text, now()).unwrap();
        assert_eq!(value.to_string(), shown, "{kind:?}");
    }
    for (kind, text, message) in [
        (K::String, "a\u{202e}b", "bidirectional or line-breaking character U+202E is refused"),
        (K::String, "a\nb", "control character U+000A is refused"),
        (K::String, "", "is empty"),
        (K::Integer, "010", "`010` is not an integer"),
        (K::Integer, "9223372036854775808", "`9223372036854775808` is not an integer of 64 bits"),
        (K::Number, "inf", "`inf` is not a number"),
        (K::Boolean, "yes", "`yes` is not a boolean"),
        (K::Timestamp, "latest", "`latest` is not a timestamp here"),
        (K::Duration, "0s", "`0s` must be longer than zero"),
        (K::Duration, "2months", "`2months`: months and years have no fixed length"),
        (K::Url, "ftp://x/y", "`ftp://x/y` is not an http or https URL"),
        (K::Url, "https://u:p@x/", "a URL with a user name or password in it"),
        (K::S3Uri, "s3://B/x", "`s3://B/x` is not an S3 URI"),
    ] {
        let error = check_one(&input("x", kind), text, now()).unwrap_err();
        assert_eq!(error.message, message, "{kind:?} {text}");
    }
}

#[test]
fn patterns_match_whole_and_bounds_hold() {
    let mut name = input("name", InputKind::String);
    name.pattern = Some("[a-z]+|x1".into());
    name.max = Some(Value::Int(4));
    assert!(check_one(&name, "abc", now()).is_ok());
    assert!(check_one(&name, "abc1", now()).is_err());
    assert!(check_one(&name, "zx1", now()).is_err(), "an alternative is not a part");
    assert_eq!(
        check_one(&name, "abcde", now()).unwrap_err().message,
        "must be at most 4 characters"
    );
    let mut jobs = input("jobs", InputKind::Integer);
    jobs.min = Some(Value::Int(1));
    assert_eq!(check_one(&jobs, "0", now()).unwrap_err().message, "must be at least 1");
    let mut service = input("service", InputKind::Choice);
    service.choices = vec!["systemd".into(), "none".into()];
    let error = check_one(&service, "sytemd", now()).unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `systemd`?"));
}

#[test]
fn a_default_may_have_its_type_already() {
    let mut jobs = input("jobs", InputKind::Integer);
    jobs.default = Some(Template::literal(Value::Int(4), "4"));
    let mut at = input("at", InputKind::Timestamp);
    at.default = Some(Template::parse("5m ago").unwrap());
    let mut odd = input("odd", InputKind::Duration);
    odd.default = Some(Template::parse("${{ inputs.jobs }}").unwrap());
    let (found, problems) = examine(&[jobs, at, odd], &given(&[]), &given(&[]), &nothing, now());
    assert_eq!(found.values["jobs"], Value::Int(4));
    assert_eq!(found.values["at"].to_string(), "2026-11-21T03:01:00Z");
    assert_eq!(problems[0].message, "expected duration, found integer (from its default)");
}
