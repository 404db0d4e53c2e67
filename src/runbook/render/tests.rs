use super::super::expr::Expr;
use super::super::registry::{Effect, action};
use super::*;

fn template(text: &str) -> Arg {
    Arg::Scalar(Template::parse(text).unwrap())
}

fn call(name: &str, args: Vec<(&str, Arg)>) -> Call {
    let args = args.into_iter().map(|(name, arg)| (name.to_owned(), arg)).collect();
    Call { spec: action(name).unwrap(), args, effect: Effect::Changes }
}

fn scope() -> Value {
    let list = vec![Value::String("a".into()), Value::Int(2)];
    Value::map([(
        "inputs",
        Value::map([
            ("host", Value::String("db.example".into())),
            ("port", Value::Int(5432)),
            ("wait", Value::String("5s".into())),
            ("list", Value::List(list)),
            ("evil", Value::String("a\u{1b}[2J".into())),
            ("lines", Value::String("a\nb".into())),
            ("password", Value::Secret("password".into())),
        ]),
    )])
}

fn render(call: &Call) -> Result<Request, String> {
    render_call(call, &[], &scope()).map_err(|e| e.to_string())
}

#[test]
fn arguments_become_what_their_keys_hold() {
    let poll = Arg::Map(vec![
        ("every".into(), template("${{ inputs.wait }}")),
        ("for".into(), template("10m")),
    ]);
    let headers =
        Arg::Map(vec![("authorization".into(), template("Bearer ${{ inputs.password }}"))]);
    let request = render(&call(
        "http",
        vec![
            ("url", template("https://${{ inputs.host }}:${{ inputs.port }}/")),
            ("follow", template("true")),
            ("headers", headers),
            ("poll", poll),
        ],
    ))
    .unwrap();
    assert_eq!(request.text("url"), Some("https://db.example:5432/"));
    assert!(request.flag("follow"));
    assert_eq!(request.secrets, ["password"]);
    let masked = request.masked().to_string();
    assert!(masked.contains("Bearer «secret password»"), "{masked}");
    assert!(masked.contains(r#""poll":{"every":"5s","for":"10m"}"#), "{masked}");
    assert!(request.env.is_empty(), "http has no script");
}

#[test]
fn scripts_get_every_input_the_secrets_that_they_name_and_the_steps_own_env() {
    let silent = call("shell", vec![("run", template("echo \"$INPUT_HOST\""))]);
    assert!(render_call(&silent, &[], &scope()).unwrap().secrets.is_empty());
    let argv = Arg::List(vec![template("restore")]);
    assert!(
        render_call(&call("shell", vec![("argv", argv)]), &[], &scope())
            .unwrap()
            .secrets
            .is_empty()
    );

    let shell = call("shell", vec![("run", template("login <<<\"$INPUT_PASSWORD\""))]);
    let own = [("PGHOST".to_owned(), Template::parse("${{ inputs.host }}").unwrap())];
    let request = render_call(&shell, &own, &scope()).unwrap();
    let names: Vec<_> = request.env.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.starts_with(&["INPUT_EVIL", "INPUT_HOST"]), "{names:?}");
    assert_eq!(request.env.last().unwrap().1.shown(), "db.example");
    assert_eq!(request.secrets, ["password"]);
}

#[test]
fn an_argument_vector_may_be_a_list_from_elsewhere_but_never_holds_a_secret() {
    let argv = |arg| call("shell", vec![("argv", arg)]);
    let request = render(&argv(template("${{ inputs.list }}"))).unwrap();
    assert_eq!(
        request.value("argv"),
        Some(&Value::List(vec![Value::String("a".into()), Value::String("2".into())]))
    );
    for bad in ["${{ inputs.password }}", "--password=${{ inputs.password }}"] {
        let error = render(&argv(Arg::List(vec![template("psql"), template(bad)]))).unwrap_err();
        assert!(error.starts_with("`argv[1]`: a secret cannot"), "{error}");
    }
}

#[test]
fn what_a_template_puts_in_is_seen_for_what_it_is() {
    let argv = |text| call("shell", vec![("argv", Arg::List(vec![template(text)]))]);
    assert_eq!(
        render(&argv("${{ inputs.evil }}")).unwrap_err(),
        "`argv[0]`: control character U+001B is refused"
    );
    assert_eq!(
        render(&argv("x ${{ inputs.lines }}")).unwrap_err(),
        "`argv[0]`: control character U+000A is refused"
    );
    let stdin = call("shell", vec![("stdin", template("${{ inputs.lines }}"))]);
    assert!(render(&stdin).is_ok(), "standard input may have lines");
}

#[test]
fn what_does_not_fit_its_key_is_refused() {
    for (name, key, text, message) in [
        ("shell", "json", "${{ inputs.host }}", "needs true or false, and this is `db.example`"),
        ("shell", "shell", "zsh", "needs one of sh, bash, and this is `zsh`"),
        ("shell", "cwd", "${{ inputs.list }}", "needs one value, and this is list"),
        ("shell", "argv", "psql", "needs a list, and this is `psql`"),
        (
            "http",
            "url",
            "ftp://${{ inputs.host }}",
            "`ftp://db.example` is not an http or https URL",
        ),
        (
            "http",
            "bearer",
            "${{ inputs.host }}",
            "needs a secret input, whole, and this is `db.example`",
        ),
        ("http", "body", "${{ inputs.hots }}", "`inputs.hots` is not there"),
    ] {
        let error =
            render_call(&call(name, vec![(key, template(text))]), &[], &scope()).unwrap_err();
        assert_eq!((error.key.as_str(), error.message.as_str()), (key, message));
    }
}

#[test]
fn a_plan_shows_the_template_of_what_is_not_known_yet() {
    let http = call(
        "http",
        vec![
            ("url", template("https://${{ inputs.host }}/")),
            ("body", template("id=${{ steps.create.id }}")),
        ],
    );
    assert!(render(&http).is_err());
    let plan = render_plan(&http, &[], &scope()).unwrap();
    assert_eq!(plan.text("url"), Some("https://db.example/"));
    assert_eq!(plan.text("body"), Some("id=${{ steps.create.id }}"));
}

#[test]
fn a_condition_that_an_action_evaluates_knows_the_inputs_of_the_moment() {
    let condition = Expr::parse("result.port == inputs.port && result.port > 0").unwrap();
    let expect = Arg::Map(vec![("json".into(), Arg::Expr(condition))]);
    let request = render(&call("http", vec![("url", template("https://h/")), ("expect", expect)]));
    let request = request.unwrap();
    let Some(Resolved::Map(expect)) = request.arg("expect") else { panic!() };
    let Resolved::Expr(condition) = &expect[0].1 else { panic!() };
    let result = |port| Value::map([("result", Value::map([("port", Value::Int(port))]))]);
    assert_eq!(condition.eval_bool(&result(5432)), Ok(true));
    assert_eq!(condition.eval_bool(&result(1)), Ok(false));
    assert_eq!(condition.explain(&result(1)), "result.port is 1, inputs.port is 5432");
}
