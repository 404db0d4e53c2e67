//! Templates.

/// A scalar that may hold `${{ }}`.
#[derive(Clone, Debug)]
pub struct Template {
    source: String,
}

impl Template {
    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}
