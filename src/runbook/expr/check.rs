//! Types, before anything runs.

use std::ops::Range;

use super::ExprError;
use super::ast::{Node, NodeKind, Op};
use super::functions::Function;
use super::operators::{a, join, type_of};
use crate::runbook::suggest::did_you_mean;
use crate::runbook::value::Type;

/// The type of `root`, or everything that is wrong with it.
pub(super) fn check(root: &Node, scope: &Type) -> Result<Type, Vec<ExprError>> {
    let mut checker = Checker { scope, local: None, errors: Vec::new() };
    let ty = checker.node(root);
    if ty != Type::Secret && holds_secret(&ty) {
        let error = ExprError::new(root.span.clone(), "this map holds a secret");
        checker.errors.push(error.with_help("name one of its fields"));
    }
    if checker.errors.is_empty() { Ok(ty) } else { Err(checker.errors) }
}

fn holds_secret(ty: &Type) -> bool {
    match ty {
        Type::Secret => true,
        Type::List(item) | Type::Map(item) => holds_secret(item),
        Type::Record(fields) => fields.values().any(holds_secret),
        _ => false,
    }
}

struct Checker<'a> {
    scope: &'a Type,
    /// The name that `all` or `exists` binds.
    local: Option<(&'a str, Type)>,
    errors: Vec<ExprError>,
}

impl<'a> Checker<'a> {
    /// An error was said: nothing more is known of this part.
    fn fail(&mut self, error: ExprError) -> Type {
        self.errors.push(error);
        Type::Dyn
    }

    fn node(&mut self, node: &'a Node) -> Type {
        match &node.kind {
            NodeKind::Literal(value) => value.ty(),
            NodeKind::List(items) => self.list(items),
            NodeKind::Name(name) => self.name(name, &node.span),
            NodeKind::Field { of, name, name_span } => {
                let ty = self.node(of);
                self.field(&ty, name, name_span)
            }
            NodeKind::Index { of, at } => self.index(of, at),
            NodeKind::Not(of) => {
                self.boolean(of, "`!`");
                Type::Bool
            }
            NodeKind::Negate(of) => match self.operand(of) {
                ty @ (Type::Dyn | Type::Int | Type::Float | Type::Duration) => ty,
                other => {
                    let message = format!("`-` does not take {}", a(&other.to_string()));
                    self.fail(ExprError::new(node.span.clone(), message))
                }
            },
            NodeKind::Binary { op: op @ (Op::And | Op::Or), left, right } => {
                let sign = format!("`{}`", op.symbol());
                self.boolean(left, &sign);
                self.boolean(right, &sign);
                Type::Bool
            }
            NodeKind::Binary { op, left, right } => self.binary(*op, left, right, &node.span),
            NodeKind::Choose { condition, yes, no } => {
                self.boolean(condition, "the condition of `?`");
                let (yes, no) = (self.operand(yes), self.operand(no));
                join(&yes, &no).unwrap_or_else(|| {
                    let message = format!(
                        "the two sides of `:` are unlike: {} and {}",
                        a(&yes.to_string()),
                        a(&no.to_string())
                    );
                    self.fail(ExprError::new(node.span.clone(), message))
                })
            }
            NodeKind::Has(path) => {
                self.node(path);
                Type::Bool
            }
            NodeKind::Call { function, args } => self.call(*function, args),
            NodeKind::Quantifier { of, name, test, .. } => {
                let item = match self.operand(of) {
                    Type::List(item) => *item,
                    Type::Dyn => Type::Dyn,
                    other => {
                        let message =
                            format!("needs a list, and this is {}", a(&other.to_string()));
                        self.fail(ExprError::new(of.span.clone(), message))
                    }
                };
                self.local = Some((name, item));
                self.boolean(test, "the test");
                self.local = None;
                Type::Bool
            }
        }
    }

    /// A value that is worked with, which a secret never is.
    fn operand(&mut self, node: &'a Node) -> Type {
        let ty = self.node(node);
        if holds_secret(&ty) {
            let error =
                ExprError::new(node.span.clone(), "a secret cannot take part in an expression");
            return self.fail(error.with_help("hand it over whole: \"${{ inputs.… }}\""));
        }
        ty
    }

    fn boolean(&mut self, node: &'a Node, taker: &str) {
        let ty = self.operand(node);
        if !matches!(ty, Type::Bool | Type::Dyn) {
            let message =
                format!("{taker} needs true or false, and this is {}", a(&ty.to_string()));
            let error = ExprError::new(node.span.clone(), message);
            self.fail(match ty {
                Type::String | Type::List(_) => error.with_help("compare it: `size(…) > 0`"),
                Type::Int => error.with_help("compare it: `… != 0`"),
                _ => error,
            });
        }
    }

    fn list(&mut self, items: &'a [Node]) -> Type {
        let mut of = None;
        for item in items {
            let ty = self.operand(item);
            of = Some(match of {
                None => ty,
                Some(before) => join(&before, &ty).unwrap_or_else(|| {
                    let message = format!(
                        "{} in a list of {before}: its items must be alike",
                        a(&ty.to_string())
                    );
                    self.fail(ExprError::new(item.span.clone(), message))
                }),
            });
        }
        Type::List(Box::new(of.unwrap_or(Type::Dyn)))
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Type {
        match &self.local {
            Some((bound, ty)) if *bound == name => ty.clone(),
            _ => {
                let scope = self.scope;
                self.field(scope, name, span)
            }
        }
    }

    fn field(&mut self, of: &Type, name: &str, span: &Range<usize>) -> Type {
        match of {
            Type::Dyn => Type::Dyn,
            Type::Map(value) => (**value).clone(),
            Type::Record(fields) => match fields.get(name) {
                Some(ty) => ty.clone(),
                None => {
                    let known = || fields.keys().map(String::as_str);
                    let help = did_you_mean(name, known()).or_else(|| {
                        let names: Vec<_> = known().map(|name| format!("`{name}`")).collect();
                        match names.len() {
                            0 => Some("there is nothing to name here".into()),
                            1..=8 => Some(format!("there is {}", names.join(", "))),
                            _ => None,
                        }
                    });
                    let error = ExprError::new(span.clone(), format!("there is no `{name}` here"));
                    self.fail(ExprError { help, ..error })
                }
            },
            Type::Secret => {
                let error =
                    ExprError::new(span.clone(), "a secret cannot take part in an expression");
                self.fail(error)
            }
            other => {
                let message = format!("{} has no field `{name}`", a(&other.to_string()));
                self.fail(ExprError::new(span.clone(), message))
            }
        }
    }

    fn index(&mut self, of: &'a Node, at: &'a Node) -> Type {
        let container = self.node(of);
        if let (Type::Record(_) | Type::Map(_), Some(key)) = (&container, at.text()) {
            return self.field(&container, key, &at.span);
        }
        let index = self.operand(at);
        match (container, index) {
            (Type::Dyn, Type::Dyn | Type::Int | Type::String) => Type::Dyn,
            (Type::List(item), Type::Int | Type::Dyn) => *item,
            (Type::Map(value), Type::String | Type::Dyn) => *value,
            (Type::Record(_), Type::String | Type::Dyn) => {
                let error = ExprError::new(at.span.clone(), "the key must be written out here");
                self.fail(error.with_help("write [\"name\"]"))
            }
            (container, index) => {
                let message = format!(
                    "{} has no item at {}",
                    a(&container.to_string()),
                    a(&index.to_string())
                );
                self.fail(ExprError::new(at.span.clone(), message))
            }
        }
    }

    fn binary(&mut self, op: Op, left: &'a Node, right: &'a Node, span: &Range<usize>) -> Type {
        let (l, r) = (self.operand(left), self.operand(right));
        match type_of(op, &l, &r) {
            Ok(ty) => ty,
            Err((message, help)) => {
                let error = ExprError::new(span.clone(), message);
                self.fail(ExprError { help: help.map(str::to_owned), ..error })
            }
        }
    }

    fn call(&mut self, function: Function, args: &'a [Node]) -> Type {
        for (i, arg) in args.iter().enumerate() {
            let ty = self.operand(arg);
            if !function.takes(&ty) {
                let message = format!("`{}` does not take {}", function.name(), a(&ty.to_string()));
                self.fail(ExprError::new(arg.span.clone(), message));
            } else if let NodeKind::Literal(literal) = &arg.kind
                && let Some(problem) = function.literal_problem(i, literal)
            {
                self.fail(ExprError::new(arg.span.clone(), problem));
            }
        }
        function.result()
    }
}
