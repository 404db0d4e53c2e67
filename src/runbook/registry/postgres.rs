//! The `postgres` family.

use super::ActionSpec;

pub(super) static ACTIONS: &[ActionSpec] = &[];
