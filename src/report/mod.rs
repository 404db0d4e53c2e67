//! State and records in, after-action report out.
