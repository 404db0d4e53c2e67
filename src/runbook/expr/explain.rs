//! Why an expression came out as it did, for people.

use super::ast::{Node, NodeKind, Op};
use super::eval::eval;
use crate::runbook::value::Value;

/// Longest value that is shown whole, in characters.
const LONGEST: usize = 80;

/// See [`super::Expr::explain`].
pub(super) fn explain(root: &Node, source: &str, scope: &Value) -> String {
    let decisive = decisive(root, scope);
    let parts: Vec<&Node> = match &decisive.kind {
        NodeKind::Binary { left, right, .. } => vec![left, right],
        NodeKind::Not(of) => vec![of],
        NodeKind::Call { args, .. } => args.iter().collect(),
        NodeKind::Quantifier { of, .. } => vec![of],
        _ => vec![decisive],
    };
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|part| !matches!(part.kind, NodeKind::Literal(_)))
        .map(|part| {
            let text = &source[part.span.clone()];
            match eval(part, scope) {
                Ok(value) => format!("{text} is {}", shortened(&value)),
                Err(error) => error.message,
            }
        })
        .collect();
    shown.join(", ")
}

/// The first part of an `&&` chain that was not true: that is the one that failed.
fn decisive<'n>(node: &'n Node, scope: &Value) -> &'n Node {
    match &node.kind {
        NodeKind::Binary { op: Op::And, left, right } => {
            if matches!(eval(left, scope), Ok(Value::Bool(true))) {
                decisive(right, scope)
            } else {
                decisive(left, scope)
            }
        }
        _ => node,
    }
}

fn shortened(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}…")
}
