//! Expressions.

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
}

impl Expr {
    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}
