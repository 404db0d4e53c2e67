//! What can be practised; one file a practice.

mod aurora_pitr;
mod failover;
mod logical_restore;
mod rabbitmq;
mod vault;

use super::Practice;

/// Everything that can be practised, what a newcomer should begin with first.
pub const PRACTICES: &[Practice] = &[
    aurora_pitr::PRACTICE,
    logical_restore::PRACTICE,
    failover::PRACTICE,
    rabbitmq::PRACTICE,
    vault::PRACTICE,
];
