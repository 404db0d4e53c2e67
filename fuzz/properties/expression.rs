//! Expressions and templates.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, TimeDelta};
use steadyhand::runbook::expr::{EvalError, Expr, ExprError, Fault, end_of};
use steadyhand::runbook::template::{Template, escape};
use steadyhand::runbook::{Type, Value};

/// Whatever is read has a value or an error with a place in the text; what the checker accepts meets
/// no wrong type; text that was escaped comes out as it went in.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (types, values) = (types(), values());
    if let Some(end) = end_of(&text) {
        assert!(text.get(end..).is_some_and(|rest| rest.starts_with("}}")), "{end}");
    }
    expression(&text, &types, &values);
    template(&text, &types, &values);
    let escaped = Template::parse(&escape(&text)).expect("escaped text has no expression");
    assert_eq!(escaped.literal_value(), Some(&Value::String(text.into_owned())));
}

fn expression(text: &str, types: &Type, values: &Value) {
    let expr = match Expr::parse(text) {
        Ok(expr) => expr,
        Err(error) => return lies_in(text, &error.span),
    };
    assert_eq!(expr.source(), text);
    let _ = (expr.names(), expr.explain(values), expr.clone().within(values));
    let ty = checked(text, expr.check(types));
    let value = evaluated(text, expr.eval(values));
    // `null` has no type of its own: what is made from it is only known at run time.
    if text.contains("null") {
        return;
    }
    match (ty, value) {
        (Some(ty), Ok(value)) => assert!(fits(&value, &ty), "{text}: {value:?} is no {ty}"),
        (Some(_), Err(error)) => assert!(error.fault != Fault::Type, "{text}: {error}"),
        (None, _) => {}
    }
}

fn template(text: &str, types: &Type, values: &Value) {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => return lies_in(text, &error.span),
    };
    assert_eq!(template.source(), text);
    checked(text, template.check(types));
    for secret in template.secrets(types) {
        lies_in(text, &secret.span);
    }
    let rendered = template.render(values).map(|resolved| resolved.shown());
    let shown = template.render_text(values);
    if let (Ok(rendered), Ok(shown)) = (&rendered, &shown) {
        assert_eq!(rendered, shown);
    }
    let _ = evaluated(text, rendered.map(|_| Value::Null));
}

fn checked(text: &str, answer: Result<Type, Vec<ExprError>>) -> Option<Type> {
    match answer {
        Ok(ty) => Some(ty),
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|error| lies_in(text, &error.span));
            None
        }
    }
}

fn evaluated(text: &str, answer: Result<Value, EvalError>) -> Result<Value, EvalError> {
    answer.inspect_err(|error| lies_in(text, &error.span))
}

fn lies_in(text: &str, span: &Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}");
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

fn record(fields: &[(&str, Type)]) -> Type {
    Type::Record(fields.iter().map(|(key, ty)| ((*key).to_owned(), ty.clone())).collect())
}

/// One name of each type.
fn types() -> Type {
    let inputs = record(&[
        ("s", Type::String),
        ("i", Type::Int),
        ("f", Type::Float),
        ("t", Type::Timestamp),
        ("d", Type::Duration),
        ("b", Type::Bool),
        ("p", Type::Secret),
        ("none", Type::String),
    ]);
    let saved =
        record(&[("l", Type::List(Box::new(Type::String))), ("m", Type::Map(Box::new(Type::Int)))]);
    record(&[("inputs", inputs), ("steps", record(&[("x", saved)]))])
}

/// A value for each of them but `inputs.none`.
fn values() -> Value {
    let texts = ["a", "", "ä\u{1F600}"].map(|text| Value::String(text.into()));
    let inputs = Value::map([
        ("s", Value::String("orders".into())),
        ("i", Value::Int(i64::MIN)),
        ("f", Value::Float(0.5)),
        (
            "t",
            Value::Timestamp(
                DateTime::from_timestamp_millis(1_795_230_000_000).unwrap_or_default(),
            ),
        ),
        ("d", Value::Duration(TimeDelta::minutes(5))),
        ("b", Value::Bool(true)),
        ("p", Value::Secret("p".into())),
    ]);
    let labels =
        BTreeMap::from([("k".to_owned(), Value::Int(3)), ("odd-key".to_owned(), Value::Int(0))]);
    let saved = Value::map([("l", Value::List(texts.to_vec())), ("m", Value::Map(labels))]);
    Value::map([("inputs", inputs), ("steps", Value::map([("x", saved)]))])
}
