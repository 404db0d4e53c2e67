//! The audit log: append, sync, chain, lock, read, follow, verify.
