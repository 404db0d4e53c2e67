//! Redact secrets and defuse control sequences, once, where bytes enter.

/// Knows the secrets of a run and masks them.
#[derive(Clone, Default)]
pub struct Redactor {}
