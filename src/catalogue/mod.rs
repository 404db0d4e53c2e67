//! Finding runbooks, and the index of past runs.
