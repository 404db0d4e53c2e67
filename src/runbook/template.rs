//! Templates: the interface, until the language lands.

use super::expr::EvalError;
use super::request::Resolved;
use super::value::Value;

/// A scalar that may hold `${{ }}`.
#[derive(Clone, Debug)]
pub struct Template {
    source: String,
    value: Value,
}

impl Template {
    /// A literal.
    #[must_use]
    pub fn literal(value: Value, source: &str) -> Self {
        Self { source: source.to_owned(), value }
    }

    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// See the name.
    ///
    /// # Errors
    /// Never, for now.
    pub fn render(&self, _scope: &Value) -> Result<Resolved, EvalError> {
        Ok(Resolved::Value(self.value.clone()))
    }

    /// See the name.
    ///
    /// # Errors
    /// Never, for now.
    pub fn render_text(&self, _scope: &Value) -> Result<String, EvalError> {
        Ok(self.value.to_string())
    }

    /// See the name.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        Vec::new()
    }
}
