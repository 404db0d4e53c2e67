//! Expressions: a strict subset of CEL, typed before it runs.
//!
//! Nothing is truthy, nothing unlike is compared, nothing missing is empty. Whatever cannot be known
//! at check time is decided while evaluating, as an error and never as `false`. See
//! `docs/decisions/0001-expressions.md`.

mod ast;
mod check;
mod eval;
mod explain;
mod functions;
mod lexer;
mod operators;
mod parser;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::value::{Type, Value};
use ast::Node;

/// Longest expression, in bytes.
pub const MAX_BYTES: usize = 1024;

/// Deepest nesting, counted over parentheses, brackets, ternaries and signs.
pub const MAX_DEPTH: usize = 32;

/// A parsed expression. Cheap to clone.
#[derive(Clone)]
pub struct Expr {
    inner: Arc<Inner>,
    /// See [`Expr::within`].
    within: Option<Arc<Value>>,
}

struct Inner {
    source: String,
    root: Node,
}

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// Bytes of the text it is about.
    pub span: Range<usize>,
    /// One line.
    pub message: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// What sort of failure it is.
    pub fault: Fault,
    /// Bytes of the text it is about.
    pub span: Range<usize>,
    /// One line.
    pub message: String,
}

/// The sorts of [`EvalError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A name, key or item is not there (yet).
    Missing,
    /// A value has a type that its place does not take.
    Type,
    /// Overflow, division by zero, a number out of range.
    Arithmetic,
    /// Text that is no timestamp, duration, number or regular expression.
    Text,
}

impl Expr {
    /// Reads an expression.
    ///
    /// # Errors
    /// Too long, nested too deeply or not of the language; the place is in the error.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let root = parser::parse(source)?;
        Ok(Self { inner: Arc::new(Inner { source: source.to_owned(), root }), within: None })
    }

    /// The same with the values of the moment for the names that it reads besides those it will be given: an
    /// action evaluates it later, and knows `result` alone.
    #[must_use]
    pub fn within(mut self, scope: &Value) -> Self {
        let roots: Vec<String> =
            self.names().into_iter().filter_map(|p| p.first().cloned()).collect();
        let known = roots.iter().filter_map(|root| Some((root.clone(), scope.get(root)?.clone())));
        let known: BTreeMap<String, Value> = known.collect();
        self.within = (!known.is_empty()).then(|| Arc::new(Value::Map(known)));
        self
    }

    /// What is in scope: what is given, and what [`Self::within`] has kept.
    fn scope<'s>(&self, given: &'s Value) -> Cow<'s, Value> {
        match (self.within.as_deref(), given) {
            (Some(Value::Map(kept)), Value::Map(given)) => {
                let mut all = kept.clone();
                all.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
                Cow::Owned(Value::Map(all))
            }
            (Some(_) | None, _) => Cow::Borrowed(given),
        }
    }

    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// The type of its value, given the types of the names in scope (a [`Type::Record`]).
    ///
    /// # Errors
    /// Every name that cannot exist and every operand of a wrong type.
    pub fn check(&self, scope: &Type) -> Result<Type, Vec<ExprError>> {
        check::check(&self.inner.root, scope)
    }

    /// Its value, given the values of the names in scope (a [`Value::Map`]).
    ///
    /// # Errors
    /// A missing name, an operand of a wrong type, overflow, unreadable text.
    pub fn eval(&self, scope: &Value) -> Result<Value, EvalError> {
        eval::eval(&self.inner.root, &self.scope(scope))
    }

    /// Its value where only `true` and `false` will do.
    ///
    /// # Errors
    /// As [`Self::eval`], and when the value is not a boolean.
    pub fn eval_bool(&self, scope: &Value) -> Result<bool, EvalError> {
        match self.eval(scope)? {
            Value::Bool(answer) => Ok(answer),
            other => Err(EvalError {
                fault: Fault::Type,
                span: 0..self.source().len(),
                message: format!("must be true or false, and is a {}", other.kind()),
            }),
        }
    }

    /// The values that made it come out as it did, for people: both sides of the comparison that
    /// decided, or the names it used. Secrets are masked and long values are cut.
    #[must_use]
    pub fn explain(&self, scope: &Value) -> String {
        explain::explain(&self.inner.root, self.source(), &self.scope(scope))
    }

    /// The paths it reads, such as `["steps", "verify", "newest_row"]`, in order, each once.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut names = Vec::new();
        self.inner.root.collect_names(&mut Vec::new(), &mut names);
        names
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.source()).finish()
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl ExprError {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same error in a text that the expression begins at byte `by` of.
    #[must_use]
    pub fn shifted(mut self, by: usize) -> Self {
        self.span = self.span.start + by..self.span.end + by;
        self
    }
}

impl EvalError {
    fn new(fault: Fault, span: &Range<usize>, message: impl Into<String>) -> Self {
        Self { fault, span: span.clone(), message: message.into() }
    }
}

/// Where `}}` ends the expression that `text` begins with, string literals considered; `None` when it
/// does not end.
#[must_use]
pub fn end_of(text: &str) -> Option<usize> {
    lexer::end_of(text)
}
