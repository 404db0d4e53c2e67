//! Templates: scalars with `${{ }}` in them.
//!
//! A template that is one expression and nothing else keeps the expression's type; otherwise it is text.
//! `$${{` writes `${{`. What was rendered is never read again.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::expr::{EvalError, Expr, ExprError, Fault, end_of};
use super::request::{Piece, Resolved};
use super::value::{Type, Value};

/// A scalar that may hold `${{ }}`. Cheap to clone.
#[derive(Clone)]
pub struct Template {
    inner: Arc<Inner>,
}

struct Inner {
    source: String,
    content: Content,
}

enum Content {
    Literal(Value),
    /// One expression, with the byte it begins at.
    Whole(Expr, usize),
    Mixed(Vec<Part>),
}

enum Part {
    Text(String),
    Expr(Expr, usize),
}

/// A secret that a template uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// The input's name.
    pub name: String,
    /// Bytes of the whole text.
    pub span: Range<usize>,
}

const OPEN: &str = "${{";
const ESCAPED: &str = "$${{";
const CLOSE: &str = "}}";

impl Template {
    /// Reads the text of a scalar. Places in errors are bytes of `source`.
    ///
    /// # Errors
    /// A `${{` that does not end, or a bad expression inside one.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut at = 0;
        while let Some(c) = source[at..].chars().next() {
            let rest = &source[at..];
            if rest.starts_with(ESCAPED) {
                text.push_str(OPEN);
                at += ESCAPED.len();
            } else if let Some(body) = rest.strip_prefix(OPEN) {
                let Some(length) = end_of(body) else {
                    return Err(ExprError {
                        span: at..at + OPEN.len(),
                        message: "`${{` does not end".into(),
                        help: Some("close it with `}}`; write `$${{` for the text itself".into()),
                    });
                };
                let start = at + OPEN.len();
                let expr = Expr::parse(&body[..length]).map_err(|e| e.shifted(start))?;
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Expr(expr, start));
                at = start + length + CLOSE.len();
            } else {
                text.push(c);
                at += c.len_utf8();
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let content = match <[Part; 1]>::try_from(parts) {
            Ok([Part::Text(text)]) => Content::Literal(Value::String(text)),
            Ok([Part::Expr(expr, start)]) => Content::Whole(expr, start),
            Err(parts) if parts.is_empty() => Content::Literal(Value::String(String::new())),
            Err(parts) => Content::Mixed(parts),
        };
        Ok(Self { inner: Arc::new(Inner { source: source.to_owned(), content }) })
    }

    /// A value that was written out, and the text it was written as.
    #[must_use]
    pub fn literal(value: Value, source: impl Into<String>) -> Self {
        let content = Content::Literal(value);
        Self { inner: Arc::new(Inner { source: source.into(), content }) }
    }

    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.inner.source
    }

    /// Whether it has no expression.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.literal_value().is_some()
    }

    /// Its value when it has no expression.
    #[must_use]
    pub fn literal_value(&self) -> Option<&Value> {
        match &self.inner.content {
            Content::Literal(value) => Some(value),
            Content::Whole(..) | Content::Mixed(_) => None,
        }
    }

    /// Its expressions, each with the byte of the source that it begins at.
    pub fn exprs(&self) -> impl Iterator<Item = (&Expr, usize)> {
        let (whole, parts) = match &self.inner.content {
            Content::Literal(_) => (None, [].as_slice()),
            Content::Whole(expr, start) => (Some((expr, *start)), [].as_slice()),
            Content::Mixed(parts) => (None, parts.as_slice()),
        };
        whole.into_iter().chain(parts.iter().filter_map(|part| match part {
            Part::Expr(expr, start) => Some((expr, *start)),
            Part::Text(_) => None,
        }))
    }

    /// The paths it reads, in order, each once.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut names: Vec<_> = Vec::new();
        for name in self.exprs().flat_map(|(expr, _)| expr.names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Its type: the expression's when it is nothing but one, else text.
    ///
    /// # Errors
    /// What is wrong with its expressions, and what cannot stand inside text.
    pub fn check(&self, scope: &Type) -> Result<Type, Vec<ExprError>> {
        let parts = match &self.inner.content {
            Content::Literal(value) => return Ok(value.ty()),
            Content::Whole(expr, start) => return check_at(expr, *start, scope),
            Content::Mixed(parts) => parts,
        };
        let mut errors = Vec::new();
        for part in parts {
            let Part::Expr(expr, start) = part else { continue };
            match check_at(expr, *start, scope) {
                Ok(ty @ (Type::List(_) | Type::Map(_) | Type::Record(_))) => {
                    errors.push(ExprError {
                        span: *start..start + expr.source().len(),
                        message: format!("a {} cannot stand inside text", kind_of(&ty)),
                        help: Some("name one of its items".into()),
                    });
                }
                Ok(_) => {}
                Err(more) => errors.extend(more),
            }
        }
        if errors.is_empty() { Ok(Type::String) } else { Err(errors) }
    }

    /// The secrets it uses, given the types in scope.
    #[must_use]
    pub fn secrets(&self, scope: &Type) -> Vec<SecretUse> {
        self.exprs()
            .filter(|(expr, _)| expr.check(scope) == Ok(Type::Secret))
            .filter_map(|(expr, start)| {
                let name = expr.names().into_iter().next()?.pop()?;
                Some(SecretUse { name, span: start..start + expr.source().len() })
            })
            .collect()
    }

    /// Its value. Secrets stay names.
    ///
    /// # Errors
    /// An expression without a value, or one whose value cannot stand inside text. Places are bytes
    /// of the source.
    pub fn render(&self, scope: &Value) -> Result<Resolved, EvalError> {
        let parts = match &self.inner.content {
            Content::Literal(value) => return Ok(Resolved::Value(value.clone())),
            Content::Whole(expr, start) => {
                return eval_at(expr, *start, scope).map(Resolved::Value);
            }
            Content::Mixed(parts) => parts,
        };
        let mut pieces = Vec::new();
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expr(expr, start) => match eval_at(expr, *start, scope)? {
                    Value::Secret(name) => {
                        if !text.is_empty() {
                            pieces.push(Piece::Text(std::mem::take(&mut text)));
                        }
                        pieces.push(Piece::Secret(name));
                    }
                    value @ (Value::Null | Value::List(_) | Value::Map(_)) => {
                        return Err(EvalError {
                            fault: Fault::Type,
                            span: *start..start + expr.source().len(),
                            message: format!(
                                "`{}` is a {} and cannot stand inside text",
                                expr.source().trim(),
                                value.kind()
                            ),
                        });
                    }
                    scalar => text.push_str(&scalar.to_string()),
                },
            }
        }
        if pieces.is_empty() {
            return Ok(Resolved::Value(Value::String(text)));
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Resolved::Text(pieces))
    }

    /// Its text for people, such as a title: secrets are masked.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_text(&self, scope: &Value) -> Result<String, EvalError> {
        self.render(scope).map(|resolved| resolved.shown())
    }
}

/// `text` as a template that renders to it.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace(OPEN, ESCAPED)
}

fn kind_of(ty: &Type) -> &'static str {
    if matches!(ty, Type::List(_)) { "list" } else { "map" }
}

fn check_at(expr: &Expr, start: usize, scope: &Type) -> Result<Type, Vec<ExprError>> {
    expr.check(scope).map_err(|errors| errors.into_iter().map(|e| e.shifted(start)).collect())
}

fn eval_at(expr: &Expr, start: usize, scope: &Value) -> Result<Value, EvalError> {
    expr.eval(scope).map_err(|mut error| {
        error.span = error.span.start + start..error.span.end + start;
        error
    })
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source()).finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source() && self.literal_value() == other.literal_value()
    }
}

#[cfg(test)]
mod tests;
