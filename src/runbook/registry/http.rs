//! The `http` family.

use super::ActionSpec;

pub(super) static ACTIONS: &[ActionSpec] = &[];
