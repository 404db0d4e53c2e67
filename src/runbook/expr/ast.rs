//! The syntax tree. Every node knows its place in the text.

use std::ops::Range;

use super::functions::Function;
use crate::runbook::value::Value;

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    /// Bytes of the text.
    pub span: Range<usize>,
    pub kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Literal(Value),
    List(Vec<Node>),
    Name(String),
    /// `of.name`
    Field {
        of: Box<Node>,
        name: String,
        name_span: Range<usize>,
    },
    /// `of[at]`
    Index {
        of: Box<Node>,
        at: Box<Node>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary {
        op: Op,
        left: Box<Node>,
        right: Box<Node>,
    },
    Choose {
        condition: Box<Node>,
        yes: Box<Node>,
        no: Box<Node>,
    },
    /// `has(path)`
    Has(Box<Node>),
    /// A function or a method; a method's receiver is its first argument.
    Call {
        function: Function,
        args: Vec<Node>,
    },
    /// `of.all(name, test)` and `of.exists(name, test)`
    Quantifier {
        all: bool,
        of: Box<Node>,
        name: String,
        test: Box<Node>,
    },
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Op {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Literal(Value::Null))
    }

    /// The text of a string literal.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Literal(value) => value.as_str(),
            _ => None,
        }
    }

    /// The names of a path that is known before anything runs: `a.b["c"]`.
    pub(super) fn path(&self) -> Option<Vec<String>> {
        match &self.kind {
            NodeKind::Name(name) => Some(vec![name.clone()]),
            NodeKind::Field { of, name, .. } => {
                let mut path = of.path()?;
                path.push(name.clone());
                Some(path)
            }
            NodeKind::Index { of, at } => match &at.kind {
                NodeKind::Literal(Value::String(key)) => {
                    let mut path = of.path()?;
                    path.push(key.clone());
                    Some(path)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds the longest path of every name that is not bound by a quantifier.
    pub(super) fn collect_names(&self, bound: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
        if let Some(path) = self.path() {
            if !bound.contains(&path[0]) && !into.contains(&path) {
                into.push(path);
            }
            return;
        }
        if let NodeKind::Quantifier { of, name, test, .. } = &self.kind {
            of.collect_names(bound, into);
            bound.push(name.clone());
            test.collect_names(bound, into);
            bound.pop();
            return;
        }
        self.children().into_iter().for_each(|node| node.collect_names(bound, into));
    }

    /// The length of the longest way down.
    pub(super) fn height(&self) -> usize {
        self.children().into_iter().map(Self::height).max().unwrap_or(0) + 1
    }

    fn children(&self) -> Vec<&Self> {
        match &self.kind {
            NodeKind::Literal(_) | NodeKind::Name(_) => Vec::new(),
            NodeKind::List(nodes) | NodeKind::Call { args: nodes, .. } => nodes.iter().collect(),
            NodeKind::Field { of: node, .. }
            | NodeKind::Not(node)
            | NodeKind::Negate(node)
            | NodeKind::Has(node) => vec![node],
            NodeKind::Index { of: left, at: right }
            | NodeKind::Binary { left, right, .. }
            | NodeKind::Quantifier { of: left, test: right, .. } => vec![left, right],
            NodeKind::Choose { condition, yes, no } => vec![condition, yes, no],
        }
    }
}
