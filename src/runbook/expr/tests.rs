use std::collections::BTreeMap;

use super::*;

fn record(fields: &[(&str, Type)]) -> Type {
    Type::Record(fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
}

fn at(text: &str) -> Value {
    Value::Timestamp(crate::runbook::timetext::parse_timestamp(text).unwrap())
}

/// Types and values of one and the same scope.
pub(super) fn scope() -> (Type, Value) {
    let ty = record(&[
        (
            "inputs",
            record(&[
                ("name", Type::String),
                ("count", Type::Int),
                ("ratio", Type::Float),
                ("when", Type::Timestamp),
                ("lag", Type::Duration),
                ("sure", Type::Bool),
                ("password", Type::Secret),
                ("optional", Type::String),
            ]),
        ),
        (
            "steps",
            record(&[(
                "verify",
                record(&[
                    ("tags", Type::List(Box::new(Type::String))),
                    ("body", Type::Dyn),
                    ("labels", Type::Map(Box::new(Type::Int))),
                ]),
            )]),
        ),
    ]);
    let rows = [1, 2, 3].map(|n| Value::map([("n", Value::Int(n))]));
    let value = Value::map([
        (
            "inputs",
            Value::map([
                ("name", Value::String("loans".into())),
                ("count", Value::Int(3)),
                ("ratio", Value::Float(0.5)),
                ("when", at("2026-11-21T03:00:00Z")),
                ("lag", Value::Duration(chrono::TimeDelta::minutes(5))),
                ("sure", Value::Bool(true)),
                ("password", Value::Secret("password".into())),
            ]),
        ),
        (
            "steps",
            Value::map([(
                "verify",
                Value::map([
                    (
                        "tags",
                        Value::List(vec![Value::String("a".into()), Value::String("b".into())]),
                    ),
                    (
                        "body",
                        Value::map([
                            ("rows", Value::List(rows.to_vec())),
                            ("nothing", Value::Null),
                            ("text", Value::String("x".into())),
                        ]),
                    ),
                    ("labels", Value::map([("odd-key", Value::Int(7))])),
                ]),
            )]),
        ),
    ]);
    (ty, value)
}

fn eval(source: &str) -> Result<Value, EvalError> {
    Expr::parse(source).unwrap().eval(&scope().1)
}

fn errors(source: &str) -> Vec<ExprError> {
    Expr::parse(source).unwrap().check(&scope().0).unwrap_err()
}

#[test]
fn gates_that_hold() {
    for source in [
        "true",
        "!false",
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "-9223372036854775808 < 0",
        "7 / 2 == 3 && 7 % 2 == 1 && -7 / 2 == -3",
        "1.5 * 2.0 == 3",
        "9007199254740993 > 9007199254740992.0",
        "inputs.name == 'loans'",
        "inputs.name + '-restored' == \"loans-restored\"",
        "inputs.name.startsWith('lo') && inputs.name.endsWith('ns') && inputs.name.contains('oa')",
        "inputs.name.matches(r'^[a-z]+$')",
        "'3.10.8'.split('.') == ['3', '10', '8'] && int('3.10.8'.split('.')[1]) == 10",
        "'it\\'s\\u0041' == \"it'sA\"",
        "size(inputs.name) == 5 && inputs.name.size() == 5",
        "inputs.when - inputs.lag == timestamp('2026-11-21T02:55:00Z')",
        "inputs.when - timestamp('2026-11-21 02:00Z') == duration('1h')",
        "inputs.lag <= duration('5m') && -inputs.lag < duration('0s')",
        "'a' in steps.verify.tags && !('z' in steps.verify.tags)",
        "'odd-key' in steps.verify.labels && steps.verify.labels['odd-key'] == 7",
        "has(inputs.name) && !has(inputs.optional) && has(inputs.password)",
        "!has(steps.verify.body.rowz) && !has(steps.verify.body.nothing.deeper)",
        "steps.verify.body.nothing == null && steps.verify.body.text != null",
        "steps.verify.body.rows[2].n == inputs.count",
        "steps.verify.body.rows.all(row, row.n > 0)",
        "steps.verify.body.rows.exists(row, row.n == 2)",
        "!steps.verify.body.rows.all(row, row.n > 1)",
        "[].all(x, x) && ![].exists(x, x)",
        "(inputs.sure ? 1 : 2) == 1",
        "int('12') + int(3.9) == 15 && string(12) == '12' && double(3) == 3.0",
        "[1, 2] + [3] == [1, 2, 3]",
        "inputs['name'] == inputs.name",
    ] {
        let expr = Expr::parse(source).unwrap();
        let (types, values) = scope();
        assert_eq!(expr.check(&types), Ok(Type::Bool), "{source}");
        assert_eq!(expr.eval_bool(&values), Ok(true), "{source}");
    }
}

#[test]
fn what_the_checker_refuses() {
    for (source, span, message) in [
        ("inputs.nam == 'x'", 7..10, "there is no `nam` here"),
        ("input.name == 'x'", 0..5, "there is no `input` here"),
        ("inputs.count == '3'", 0..19, "cannot compare an integer and a string"),
        ("inputs.when < '2026'", 0..20, "cannot compare a timestamp and a string"),
        ("inputs.sure < true", 0..18, "a boolean has no order"),
        ("inputs.name && true", 0..11, "`&&` needs true or false, and this is a string"),
        ("!inputs.count", 1..13, "`!` needs true or false, and this is an integer"),
        (
            "inputs.count ? 1 : 2",
            0..12,
            "the condition of `?` needs true or false, and this is an integer",
        ),
        ("inputs.count + 1.0 > 2.0", 0..18, "cannot calculate with an integer and a number"),
        ("inputs.count + 'x' == ''", 0..18, "cannot add an integer and a string"),
        ("inputs.password == 'x'", 0..15, "a secret cannot take part in an expression"),
        ("size(inputs.password) > 8", 5..20, "a secret cannot take part in an expression"),
        ("[inputs.password]", 1..16, "a secret cannot take part in an expression"),
        ("true ? inputs.password : 'x'", 7..22, "a secret cannot take part in an expression"),
        ("inputs", 0..6, "this map holds a secret"),
        ("'x' in inputs.name", 0..18, "`in` looks into a list or a map, not into text"),
        (
            "timestamp('2026-11-21 03:00') == inputs.when",
            10..28,
            "`2026-11-21 03:00` does not say its zone",
        ),
        ("duration('5 parsecs') == inputs.lag", 9..20, "`5 parsecs` is not a duration"),
        ("inputs.name.matches('(')", 20..23, "`(` is not a regular expression: unclosed group"),
        ("[1, 'a'] == [1]", 4..7, "a string in a list of integer: its items must be alike"),
        ("inputs.name.length == 1", 12..18, "a string has no field `length`"),
    ] {
        let found = errors(source);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert_eq!((found[0].span.clone(), found[0].message.as_str()), (span, message), "{source}");
    }
    assert_eq!(errors("inputs.nam == 'x'")[0].help.as_deref(), Some("did you mean `name`?"));
    assert_eq!(errors("inputs.nam == 1 && inputs.cuont == 1").len(), 2, "all at once");
}

#[test]
fn what_is_not_an_expression() {
    for (source, span, message) in [
        ("", 0..0, "an expression is missing here"),
        ("1 +", 3..3, "expected a value, found the end"),
        ("a = b", 2..3, "`=` is no operator"),
        ("a and b", 2..5, "unexpected `and`"),
        ("a & b", 2..3, "unexpected `&`"),
        ("'open", 0..1, "this string does not end"),
        ("'\\q'", 1..3, "unknown escape `\\q`"),
        ("010", 0..3, "a number may not begin with 0"),
        ("5m", 0..2, "a number runs into `m`"),
        ("9223372036854775808", 0..19, "this integer does not fit into 64 bits"),
        ("1 < 2 < 3", 6..7, "comparisons cannot be chained"),
        ("now()", 0..3, "there is no function `now`"),
        ("lenght(a)", 0..6, "there is no function `lenght`"),
        ("a.startwith('x')", 2..11, "there is no method `startwith`"),
        ("size(a, b)", 0..10, "`size` takes one string, list or map"),
        ("has(a)", 0..6, "`has` takes one path"),
        ("a.all(x, b.all(y, y))", 11..14, "`all` and `exists` cannot be nested"),
        ("${{ a }}", 0..3, "`${{` inside an expression"),
        ("(1", 2..2, "expected `)`, found the end"),
        ("a b", 2..3, "unexpected `b`"),
    ] {
        let error = Expr::parse(source).unwrap_err();
        assert_eq!((error.span, error.message.as_str()), (span, message), "{source}");
    }
}

#[test]
fn what_has_no_value() {
    for (source, fault, message) in [
        ("inputs.optional == 'x'", Fault::Missing, "`inputs.optional` is not there"),
        ("steps.verify.body.rowz == 1", Fault::Missing, "`steps.verify.body.rowz` is not there"),
        ("steps.verify.body.rows[3].n == 1", Fault::Missing, "there is no item 3 in a list of 3"),
        ("steps.verify.body.text == 1", Fault::Type, "cannot compare a string and an integer"),
        (
            "steps.verify.body.text && true",
            Fault::Type,
            "needs true or false, and this is a string",
        ),
        ("steps.verify.body.nothing == 1", Fault::Type, "cannot compare null and an integer"),
        ("1 / (inputs.count - 3) == 1", Fault::Arithmetic, "division by zero"),
        (
            "9223372036854775807 + inputs.count > 0",
            Fault::Arithmetic,
            "9223372036854775807 + 3 is out of range",
        ),
        ("int(steps.verify.body.text) == 1", Fault::Text, "`x` is not an integer"),
    ] {
        let error = eval(source).unwrap_err();
        assert_eq!((error.fault, error.message.as_str()), (fault, message), "{source}");
    }
}

#[test]
fn an_error_is_never_outvoted() {
    assert!(eval("inputs.optional == 'x' || true").is_err());
    assert!(eval("inputs.optional == 'x' && false").is_err());
    assert_eq!(eval("true || inputs.optional == 'x'"), Ok(Value::Bool(true)));
}

#[test]
fn a_secret_stands_alone_or_not_at_all() {
    assert_eq!(eval("inputs.password"), Ok(Value::Secret("password".into())));
    for source in [
        "inputs.password == inputs.password",
        "inputs == inputs",
        "[inputs.password]",
        "inputs",
        "string(inputs.password)",
        "inputs.password.x",
    ] {
        let error = eval(source).unwrap_err();
        assert_eq!(error.fault, Fault::Type, "{source}");
        assert!(error.message.contains("secret"), "{source}: {error}");
    }
}

#[test]
fn limits_are_measured_before_anything_recurses() {
    let deep = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    assert!(Expr::parse(&deep(MAX_DEPTH)).is_ok());
    assert!(Expr::parse(&deep(MAX_DEPTH + 1)).unwrap_err().message.contains("32 levels"));
    assert!(Expr::parse(&deep(20_000)).unwrap_err().message.contains("1024 is the limit"));
    assert!(Expr::parse(&"(".repeat(MAX_BYTES)).unwrap_err().message.contains("32 levels"));
    assert!(Expr::parse(&format!("{}true", "!".repeat(1000))).unwrap_err().message.contains("32"));
    assert!(Expr::parse(&"true?".repeat(200)).unwrap_err().message.contains("32 levels"));
    let chain = |n: usize| format!("1{}", "+1".repeat(n - 1));
    assert_eq!(Expr::parse(&chain(128)).unwrap().eval(&Value::Null), Ok(Value::Int(128)));
    assert!(Expr::parse(&chain(129)).unwrap_err().message.contains("128 operators"));
    assert!(Expr::parse(&format!("a{}", ".a".repeat(511))).unwrap_err().message.contains("128"));
    assert!(Expr::parse(&format!("'{}'", "x".repeat(MAX_BYTES))).is_err());
}

#[test]
fn the_names_an_expression_reads() {
    let expr = Expr::parse(
        "steps.a.b == inputs['c'] && has(steps.d.e) && x.y.all(i, i.z == w) || steps.a.b",
    )
    .unwrap();
    let names: Vec<String> = expr.names().iter().map(|name| name.join(".")).collect();
    assert_eq!(names, ["steps.a.b", "inputs.c", "steps.d.e", "x.y", "w"]);
}

#[test]
fn an_explanation_shows_what_was_compared() {
    let explain = |source: &str| Expr::parse(source).unwrap().explain(&scope().1);
    assert_eq!(explain("inputs.count == 4"), "inputs.count is 3");
    assert_eq!(
        explain("inputs.sure && inputs.lag < inputs.when - inputs.when"),
        "inputs.lag is 5m, inputs.when - inputs.when is 0s"
    );
    assert_eq!(explain("inputs.optional == 'x'"), "`inputs.optional` is not there");
    assert_eq!(explain("inputs.name.startsWith('x')"), "inputs.name is \"loans\"");
}

#[test]
fn the_end_of_an_expression_is_not_inside_a_string() {
    assert_eq!(end_of(" a }} b"), Some(3));
    assert_eq!(end_of(" '}}' }}"), Some(6));
    assert_eq!(end_of(r#" "\"}}" }}"#), Some(8));
    assert_eq!(end_of(r" r'\' }}"), Some(6));
    assert_eq!(end_of(" 'open }}"), None);
    assert_eq!(end_of(" a }"), None);
}

#[test]
fn an_empty_scope_is_no_reason_to_panic() {
    let nothing = Type::Record(BTreeMap::new());
    assert_eq!(Expr::parse("x").unwrap().check(&nothing).unwrap_err().len(), 1);
    assert_eq!(Expr::parse("x").unwrap().eval(&Value::Null).unwrap_err().fault, Fault::Missing);
}
