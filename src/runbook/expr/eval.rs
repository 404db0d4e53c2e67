//! Values. Total: whatever has no value is an error with its place.

use std::borrow::Cow;
use std::ops::Range;

use super::ast::{Node, NodeKind, Op};
use super::operators::{a, apply};
use super::{EvalError, Fault};
use crate::runbook::value::Value;

/// The value of `root`.
pub(super) fn eval(root: &Node, scope: &Value) -> Result<Value, EvalError> {
    let value = Scope { values: scope, local: None }.node(root)?.into_owned();
    if !matches!(value, Value::Secret(_)) && holds_secret(&value) {
        return Err(EvalError::new(Fault::Type, &root.span, "this map holds a secret"));
    }
    Ok(value)
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::List(items) => items.iter().any(holds_secret),
        Value::Map(map) => map.values().any(holds_secret),
        _ => false,
    }
}

/// The names in scope.
#[derive(Clone, Copy)]
struct Scope<'v> {
    values: &'v Value,
    /// The item that `all` or `exists` is looking at.
    local: Option<(&'v str, &'v Value)>,
}

type Found<'v> = Result<Cow<'v, Value>, EvalError>;

impl<'v> Scope<'v> {
    fn node(self, node: &'v Node) -> Found<'v> {
        let fail = |(fault, message): (Fault, String)| EvalError::new(fault, &node.span, message);
        match &node.kind {
            NodeKind::Literal(value) => Ok(Cow::Borrowed(value)),
            NodeKind::List(items) => items
                .iter()
                .map(|item| self.operand(item).map(Cow::into_owned))
                .collect::<Result<_, _>>()
                .map(|items| Cow::Owned(Value::List(items))),
            NodeKind::Name(name) => match self.local {
                Some((bound, item)) if bound == name => Ok(Cow::Borrowed(item)),
                _ => field(Cow::Borrowed(self.values), name, node, &node.span),
            },
            NodeKind::Field { of, name, name_span } => field(self.node(of)?, name, node, name_span),
            NodeKind::Index { of, at } => match at.text() {
                Some(key) => field(self.node(of)?, key, node, &at.span),
                None => self.index(of, at),
            },
            NodeKind::Not(of) => self.boolean(of).map(|answer| bool(!answer)),
            NodeKind::Negate(of) => {
                let value = self.operand(of)?;
                negated(&value).map(Cow::Owned).map_err(fail)
            }
            // From left to right, and an error on the left is an error: it is never outvoted.
            NodeKind::Binary { op: Op::And, left, right } => {
                Ok(bool(self.boolean(left)? && self.boolean(right)?))
            }
            NodeKind::Binary { op: Op::Or, left, right } => {
                Ok(bool(self.boolean(left)? || self.boolean(right)?))
            }
            NodeKind::Binary { op, left, right } => {
                let (l, r) = (self.operand(left)?, self.operand(right)?);
                if (left.is_null() || right.is_null()) && matches!(op, Op::Equal | Op::Unequal) {
                    // Only a written `null` may be compared with anything.
                    return Ok(bool((*l == *r) == (*op == Op::Equal)));
                }
                apply(*op, &l, &r).map(Cow::Owned).map_err(fail)
            }
            NodeKind::Choose { condition, yes, no } => {
                self.operand(if self.boolean(condition)? { yes } else { no })
            }
            NodeKind::Has(path) => match self.node(path) {
                Ok(_) => Ok(bool(true)),
                Err(error) if error.fault == Fault::Missing => Ok(bool(false)),
                Err(error) => Err(error),
            },
            NodeKind::Call { function, args } => {
                let values: Vec<_> =
                    args.iter().map(|arg| self.operand(arg)).collect::<Result<_, _>>()?;
                let values: Vec<&Value> = values.iter().map(AsRef::as_ref).collect();
                function.apply(&values).map(Cow::Owned).map_err(fail)
            }
            NodeKind::Quantifier { all, of, name, test } => {
                self.quantifier(*all, of, name, test).map(bool)
            }
        }
    }

    /// A value that is worked with, which a secret never is.
    fn operand(self, node: &'v Node) -> Found<'v> {
        let value = self.node(node)?;
        if holds_secret(&value) {
            let message = "a secret cannot take part in an expression";
            return Err(EvalError::new(Fault::Type, &node.span, message));
        }
        Ok(value)
    }

    fn boolean(self, node: &'v Node) -> Result<bool, EvalError> {
        match &*self.operand(node)? {
            Value::Bool(answer) => Ok(*answer),
            other => {
                let message = format!("needs true or false, and this is {}", a(other.kind()));
                Err(EvalError::new(Fault::Type, &node.span, message))
            }
        }
    }

    fn index(self, of: &'v Node, at: &'v Node) -> Found<'v> {
        let container = self.node(of)?;
        match (container, &*self.operand(at)?) {
            (container @ Cow::Borrowed(Value::Map(_)), Value::String(key)) => {
                field(container, key, of, &at.span)
            }
            (container @ Cow::Owned(Value::Map(_)), Value::String(key)) => {
                field(container, key, of, &at.span)
            }
            (Cow::Borrowed(Value::List(items)), Value::Int(i)) => {
                item(items, *i, &at.span).map(Cow::Borrowed)
            }
            (Cow::Owned(Value::List(items)), Value::Int(i)) => {
                item(&items, *i, &at.span).cloned().map(Cow::Owned)
            }
            (container, index) => {
                let message = format!("{} has no item at {}", a(container.kind()), a(index.kind()));
                Err(EvalError::new(Fault::Type, &at.span, message))
            }
        }
    }

    fn quantifier(self, all: bool, of: &Node, name: &str, test: &Node) -> Result<bool, EvalError> {
        let list = Scope { values: self.values, local: None }.operand(of)?;
        let Value::List(items) = &*list else {
            let message = format!("needs a list, and this is {}", a(list.kind()));
            return Err(EvalError::new(Fault::Type, &of.span, message));
        };
        for item in items {
            let here = Scope { values: self.values, local: Some((name, item)) };
            if here.boolean(test)? != all {
                return Ok(!all);
            }
        }
        Ok(all)
    }
}

fn bool(answer: bool) -> Cow<'static, Value> {
    Cow::Owned(Value::Bool(answer))
}

fn negated(value: &Value) -> Result<Value, (Fault, String)> {
    match value {
        Value::Int(i) => i
            .checked_neg()
            .map(Value::Int)
            .ok_or_else(|| (Fault::Arithmetic, format!("-({i}) is out of range"))),
        Value::Float(x) => Ok(Value::Float(-x)),
        Value::Duration(d) => Ok(Value::Duration(-*d)),
        other => Err((Fault::Type, format!("`-` does not take {}", a(other.kind())))),
    }
}

/// `of.name`; `whole` is named in the message.
fn field<'v>(of: Cow<'v, Value>, name: &str, whole: &Node, span: &Range<usize>) -> Found<'v> {
    let said = || match whole.path() {
        Some(path) => format!("`{}`", path.join(".")),
        None => format!("`{name}`"),
    };
    let found = match of {
        Cow::Borrowed(Value::Map(map)) => map.get(name).map(Cow::Borrowed),
        Cow::Owned(Value::Map(mut map)) => map.remove(name).map(Cow::Owned),
        other => {
            let (fault, message) = match &*other {
                Value::Null => (Fault::Missing, format!("{} is not there", said())),
                Value::Secret(_) => {
                    (Fault::Type, "a secret cannot take part in an expression".to_owned())
                }
                other => (Fault::Type, format!("{} has no field `{name}`", a(other.kind()))),
            };
            return Err(EvalError::new(fault, span, message));
        }
    };
    found.ok_or_else(|| EvalError::new(Fault::Missing, span, format!("{} is not there", said())))
}

fn item<'i>(items: &'i [Value], at: i64, span: &Range<usize>) -> Result<&'i Value, EvalError> {
    usize::try_from(at).ok().and_then(|at| items.get(at)).ok_or_else(|| {
        let message = format!("there is no item {at} in a list of {}", items.len());
        EvalError::new(Fault::Missing, span, message)
    })
}
