//! Expressions: the interface, until the language lands.

use super::value::{Type, Value};

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
}

/// Not there yet.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// One line.
    pub message: String,
}

impl Expr {
    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// See the name.
    ///
    /// # Errors
    /// Always, for now.
    pub fn eval(&self, _scope: &Value) -> Result<Value, EvalError> {
        Err(EvalError { message: String::new() })
    }

    /// See the name.
    ///
    /// # Errors
    /// Always, for now.
    pub fn eval_bool(&self, _scope: &Value) -> Result<bool, EvalError> {
        Err(EvalError { message: String::new() })
    }

    /// See the name.
    #[must_use]
    pub fn explain(&self, _scope: &Value) -> String {
        String::new()
    }

    /// See the name.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        Vec::new()
    }

    /// See the name.
    ///
    /// # Errors
    /// Always, for now.
    pub fn check(&self, _scope: &Type) -> Result<Type, Vec<EvalError>> {
        Err(Vec::new())
    }
}
