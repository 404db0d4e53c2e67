//! The binary operators: which types they take, and what they yield.

use std::cmp::Ordering;

use super::Fault;
use super::ast::Op;
use super::functions::span_sum;
use crate::runbook::value::{Type, Value};

/// `kind` with its article.
pub(super) fn a(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    if kind == "null" { kind.to_owned() } else { format!("{article} {kind}") }
}

/// The type of `left op right`, for operators other than `&&` and `||`; the error is a message and
/// sometimes its remedy.
pub(super) fn type_of(
    op: Op,
    left: &Type,
    right: &Type,
) -> Result<Type, (String, Option<&'static str>)> {
    use Type as T;
    let numbers = "write int(…) or double(…) around one side";
    let mixed = matches!((left, right), (T::Int, T::Float) | (T::Float, T::Int));
    let unlike = |verb: &str| {
        (format!("{verb} {} and {}", a(&left.to_string()), a(&right.to_string())), None)
    };
    match op {
        Op::Or | Op::And => Ok(T::Bool),
        Op::Equal | Op::Unequal if like(left, right) => Ok(T::Bool),
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual
            if like(left, right) && ordered(left) && ordered(right) =>
        {
            Ok(T::Bool)
        }
        Op::Equal | Op::Unequal | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let help = match (left, right) {
                (T::Timestamp, T::String) | (T::String, T::Timestamp) => {
                    Some("write timestamp(\"…\") around the text")
                }
                (T::Duration, T::String) | (T::String, T::Duration) => {
                    Some("write duration(\"…\") around the text")
                }
                (T::Int | T::Float, T::String) | (T::String, T::Int | T::Float) => {
                    Some("take the quotes away, or write int(…) around the text")
                }
                _ => None,
            };
            if like(left, right) {
                return Err((format!("{} has no order", a(&left.to_string())), None));
            }
            Err((unlike("cannot compare").0, help))
        }
        Op::In => match (left, right) {
            (_, T::Dyn) => Ok(T::Bool),
            (_, T::List(item)) if like(left, item) => Ok(T::Bool),
            (T::String | T::Dyn, T::Map(_) | T::Record(_)) => Ok(T::Bool),
            (_, T::String) => Err((
                "`in` looks into a list or a map, not into text".into(),
                Some("write `text.contains(\"…\")`"),
            )),
            (_, T::List(item)) => {
                Err((format!("{} cannot be in a list of {item}", a(&left.to_string())), None))
            }
            _ => Err((
                format!("`in` looks into a list or a map, not into {}", a(&right.to_string())),
                None,
            )),
        },
        _ if mixed => Err((unlike("cannot calculate with").0, Some(numbers))),
        Op::Add => match (left, right) {
            (T::Int, T::Int) => Ok(T::Int),
            (T::Float, T::Float) => Ok(T::Float),
            (T::String, T::String) => Ok(T::String),
            (T::Duration, T::Duration) => Ok(T::Duration),
            (T::Timestamp, T::Duration) | (T::Duration, T::Timestamp) => Ok(T::Timestamp),
            (T::List(l), T::List(r)) => {
                join(l, r).map(|item| T::List(Box::new(item))).ok_or_else(|| unlike("cannot add"))
            }
            (T::Dyn, other) | (other, T::Dyn) if addable(other) => Ok(match other {
                // The other side is a duration or a timestamp.
                T::Duration => T::Dyn,
                T::List(_) => T::List(Box::new(T::Dyn)),
                other => other.clone(),
            }),
            (T::String, _) | (_, T::String) => {
                Err((unlike("cannot add").0, Some("write string(…) around the other side")))
            }
            _ => Err(unlike("cannot add")),
        },
        Op::Subtract => match (left, right) {
            (T::Timestamp, T::Timestamp) => Ok(T::Duration),
            (T::Timestamp, T::Duration) => Ok(T::Timestamp),
            (T::Int, T::Int) => Ok(T::Int),
            (T::Float, T::Float) => Ok(T::Float),
            (T::Duration, T::Duration) => Ok(T::Duration),
            (T::Dyn, T::Timestamp) => Ok(T::Duration),
            (T::Dyn, T::Int | T::Float) => Ok(right.clone()),
            (T::Int | T::Float | T::Duration, T::Dyn) => Ok(left.clone()),
            (T::Dyn | T::Timestamp, T::Dyn) | (T::Dyn, T::Duration) => Ok(T::Dyn),
            _ => Err(unlike("cannot subtract")),
        },
        Op::Multiply | Op::Divide | Op::Remainder => match (left, right) {
            (T::Int, T::Int) => Ok(T::Int),
            (T::Float, T::Float) if op != Op::Remainder => Ok(T::Float),
            (T::Dyn, other) | (other, T::Dyn) => match other {
                T::Int => Ok(T::Int),
                T::Float if op != Op::Remainder => Ok(T::Float),
                T::Dyn => Ok(T::Dyn),
                _ => Err(unlike("cannot calculate with")),
            },
            _ => Err(unlike("cannot calculate with")),
        },
    }
}

fn addable(ty: &Type) -> bool {
    !matches!(ty, Type::Bool | Type::Map(_) | Type::Record(_) | Type::Secret)
}

fn ordered(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Dyn | Type::Int | Type::Float | Type::String | Type::Timestamp | Type::Duration
    )
}

/// Whether values of the two types may be compared: the same, or both numbers, or not known yet.
fn like(left: &Type, right: &Type) -> bool {
    matches!((left, right), (Type::Int, Type::Float) | (Type::Float, Type::Int))
        || join(left, right).is_some()
}

/// The type of what is one or the other; `None` when they are unlike.
pub(super) fn join(left: &Type, right: &Type) -> Option<Type> {
    use Type as T;
    match (left, right) {
        (T::Dyn, _) | (_, T::Dyn) => Some(T::Dyn),
        (T::List(l), T::List(r)) => join(l, r).map(|item| T::List(Box::new(item))),
        (T::Map(l), T::Map(r)) => join(l, r).map(|item| T::Map(Box::new(item))),
        _ if left == right => Some(left.clone()),
        (T::Map(_) | T::Record(_), T::Map(_) | T::Record(_)) => Some(T::Map(Box::new(T::Dyn))),
        _ => None,
    }
}

type Applied<T> = Result<T, (Fault, String)>;

/// The value of `left op right`, for operators other than `&&` and `||`.
pub(super) fn apply(op: Op, left: &Value, right: &Value) -> Applied<Value> {
    match op {
        Op::Or | Op::And => Err(unlike("combine", left, right)),
        Op::Equal => equal(left, right).map(Value::Bool),
        Op::Unequal => equal(left, right).map(|same| Value::Bool(!same)),
        Op::Less => order(left, right).map(|o| Value::Bool(o.is_lt())),
        Op::LessOrEqual => order(left, right).map(|o| Value::Bool(o.is_le())),
        Op::Greater => order(left, right).map(|o| Value::Bool(o.is_gt())),
        Op::GreaterOrEqual => order(left, right).map(|o| Value::Bool(o.is_ge())),
        Op::In => is_in(left, right).map(Value::Bool),
        Op::Add | Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => {
            calculate(op, left, right)
        }
    }
}

fn unlike(verb: &str, left: &Value, right: &Value) -> (Fault, String) {
    (Fault::Type, format!("cannot {verb} {} and {}", a(left.kind()), a(right.kind())))
}

/// Whether two values are equal; unlike ones have no answer.
pub(super) fn equal(left: &Value, right: &Value) -> Applied<bool> {
    use Value as V;
    match (left, right) {
        (V::Null, V::Null) => Ok(true),
        (V::Bool(l), V::Bool(r)) => Ok(l == r),
        (V::List(l), V::List(r)) => {
            if l.len() != r.len() {
                return Ok(false);
            }
            l.iter().zip(r).try_fold(true, |same, (l, r)| Ok(equal(l, r)? && same))
        }
        (V::Map(l), V::Map(r)) => {
            if !l.keys().eq(r.keys()) {
                return Ok(false);
            }
            l.values().zip(r.values()).try_fold(true, |same, (l, r)| Ok(equal(l, r)? && same))
        }
        _ => order(left, right).map(Ordering::is_eq),
    }
}

fn order(left: &Value, right: &Value) -> Applied<Ordering> {
    use Value as V;
    Ok(match (left, right) {
        (V::Int(l), V::Int(r)) => l.cmp(r),
        (V::Float(l), V::Float(r)) => floats(*l, *r)?,
        (V::Int(l), V::Float(r)) => int_to_float(*l, *r)?,
        (V::Float(l), V::Int(r)) => int_to_float(*r, *l)?.reverse(),
        (V::String(l), V::String(r)) => l.cmp(r),
        (V::Timestamp(l), V::Timestamp(r)) => l.cmp(r),
        (V::Duration(l), V::Duration(r)) => l.cmp(r),
        _ => return Err(unlike("compare", left, right)),
    })
}

fn floats(left: f64, right: f64) -> Applied<Ordering> {
    left.partial_cmp(&right).ok_or_else(|| (Fault::Arithmetic, "not a number".into()))
}

/// Exact: an integer above 2^53 is not rounded to meet the float.
fn int_to_float(int: i64, float: f64) -> Applied<Ordering> {
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if float >= ABOVE {
        return Ok(Ordering::Less);
    }
    if float < -ABOVE {
        return Ok(Ordering::Greater);
    }
    let whole = float.trunc();
    Ok(int.cmp(&(whole as i64)).then(floats(whole, float)?))
}

fn is_in(left: &Value, right: &Value) -> Applied<bool> {
    match (left, right) {
        (_, Value::List(items)) => {
            items.iter().try_fold(false, |found, item| Ok(equal(left, item)? || found))
        }
        (Value::String(key), Value::Map(map)) => Ok(map.contains_key(key)),
        _ => {
            let message = format!("cannot look for {} in {}", a(left.kind()), a(right.kind()));
            Err((Fault::Type, message))
        }
    }
}

fn calculate(op: Op, left: &Value, right: &Value) -> Applied<Value> {
    use Value as V;
    let verb = match op {
        Op::Add => "add",
        Op::Subtract => "subtract",
        _ => "calculate with",
    };
    let minus = op == Op::Subtract;
    let result = match (left, right) {
        (V::Int(l), V::Int(r)) => return integers(op, *l, *r),
        (V::Float(l), V::Float(r)) if op != Op::Remainder => return float(op, *l, *r),
        (V::String(l), V::String(r)) if op == Op::Add => Some(V::String(format!("{l}{r}"))),
        (V::List(l), V::List(r)) if op == Op::Add => {
            Some(V::List(l.iter().chain(r).cloned().collect()))
        }
        (V::Duration(l), V::Duration(r)) if op == Op::Add || minus => {
            span_sum(*l, *r, minus).map(V::Duration)
        }
        (V::Timestamp(t), V::Duration(d)) if minus => t.checked_sub_signed(*d).map(V::Timestamp),
        (V::Timestamp(t), V::Duration(d)) | (V::Duration(d), V::Timestamp(t)) if op == Op::Add => {
            t.checked_add_signed(*d).map(V::Timestamp)
        }
        (V::Timestamp(l), V::Timestamp(r)) if minus => Some(V::Duration(*l - *r)),
        _ => return Err(unlike(verb, left, right)),
    };
    result.ok_or_else(|| overflow(op, left, right))
}

fn overflow(op: Op, left: &Value, right: &Value) -> (Fault, String) {
    (Fault::Arithmetic, format!("{left} {} {right} is out of range", op.symbol()))
}

fn integers(op: Op, left: i64, right: i64) -> Applied<Value> {
    if right == 0 && matches!(op, Op::Divide | Op::Remainder) {
        return Err((Fault::Arithmetic, "division by zero".into()));
    }
    let result = match op {
        Op::Add => left.checked_add(right),
        Op::Subtract => left.checked_sub(right),
        Op::Multiply => left.checked_mul(right),
        Op::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    result.map(Value::Int).ok_or_else(|| overflow(op, &Value::Int(left), &Value::Int(right)))
}

fn float(op: Op, left: f64, right: f64) -> Applied<Value> {
    if right == 0.0 && op == Op::Divide {
        return Err((Fault::Arithmetic, "division by zero".into()));
    }
    let result = match op {
        Op::Add => left + right,
        Op::Subtract => left - right,
        Op::Multiply => left * right,
        _ => left / right,
    };
    if result.is_finite() {
        return Ok(Value::Float(result));
    }
    Err(overflow(op, &Value::Float(left), &Value::Float(right)))
}
