//! What holds of every expression.

use proptest::prelude::*;

use super::tests::scope;
use super::*;

/// Text that looks like an expression, of any type or none.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-3",
        "0",
        "9223372036854775807",
        "1.5",
        "'a'",
        "\"12\"",
        "true",
        "null",
        "inputs.name",
        "inputs.count",
        "inputs.ratio",
        "inputs.when",
        "inputs.lag",
        "inputs.sure",
        "inputs.password",
        "steps.verify.tags",
        "steps.verify.labels",
        "steps.verify.labels['odd-key']",
        "timestamp('2026-11-21T03:14:00Z')",
        "duration('90d')",
        "[1, 2]",
        "['a']",
    ])
    .prop_map(str::to_owned);
    let sign = prop::sample::select(vec![
        "||", "&&", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%",
    ]);
    let function =
        prop::sample::select(vec!["!", "-", "size", "int", "double", "string", "timestamp"]);
    let method = prop::sample::select(vec!["startsWith", "contains", "matches"]);
    leaf.prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            4 => (inner.clone(), sign.clone(), inner.clone())
                .prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            2 => (function.clone(), inner.clone()).prop_map(|(f, x)| format!("{f}({x})")),
            1 => (inner.clone(), method.clone(), inner.clone())
                .prop_map(|(x, m, y)| format!("({x}).{m}({y})")),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, x, y)| format!("({c}) ? ({x}) : ({y})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(x, i)| format!("({x})[{i}]")),
            1 => (inner.clone(), inner.clone()).prop_map(|(x, y)| format!("[{x}, {y}]")),
            1 => (inner.clone(), inner).prop_map(|(x, t)| format!("({x}).all(i, {t} == i)")),
        ]
    })
}

/// Whether `value` may stand where `ty` is expected.
fn fits(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (_, Type::Dyn) => true,
        (Value::List(items), Type::List(item)) => items.iter().all(|value| fits(value, item)),
        (Value::Map(map), Type::Map(item)) => map.values().all(|value| fits(value, item)),
        (Value::Map(map), Type::Record(fields)) => {
            map.iter().all(|(key, value)| fields.get(key).is_some_and(|ty| fits(value, ty)))
        }
        (value, ty) => value.ty() == *ty,
    }
}

/// The scope without what is only known at run time.
fn static_types() -> Type {
    let (types, _) = scope();
    let Type::Record(mut roots) = types else { return types };
    if let Some(Type::Record(steps)) = roots.get_mut("steps")
        && let Some(Type::Record(saved)) = steps.get_mut("verify")
    {
        saved.remove("body");
    }
    Type::Record(roots)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_makes_it_panic(text in "([-a-z0-9.,?:!<>=&|+*/%'\"()\\[\\]\\\\ ]|\\PC){0,60}") {
        let _ = end_of(&text);
        if let Ok(expr) = Expr::parse(&text) {
            let (types, values) = scope();
            let _ = expr.check(&types);
            let _ = expr.eval(&values);
            let _ = expr.names();
            let _ = expr.explain(&values);
        }
    }

    #[test]
    fn what_the_checker_accepts_meets_no_wrong_type(source in expression()) {
        let Ok(expr) = Expr::parse(&source) else { return Ok(()) };
        // `null` has no type of its own: what is made from it is only known at run time.
        prop_assume!(!source.contains("null"));
        let Ok(ty) = expr.check(&static_types()) else { return Ok(()) };
        match expr.eval(&scope().1) {
            Ok(value) => prop_assert!(fits(&value, &ty), "{source}: {value:?} is no {ty}"),
            Err(error) => prop_assert!(error.fault != Fault::Type, "{source}: {error}"),
        }
    }

    #[test]
    fn places_lie_in_the_text(source in expression()) {
        let found = match Expr::parse(&source) {
            Err(error) => vec![error.span],
            Ok(expr) => {
                let (types, values) = scope();
                let wrong = expr.check(&types).err().unwrap_or_default();
                let spans = wrong.into_iter().map(|e| e.span);
                spans.chain(expr.eval(&values).err().map(|e| e.span)).collect()
            }
        };
        for span in found {
            prop_assert!(source.get(span.clone()).is_some(), "{source}: {span:?}");
        }
    }
}
