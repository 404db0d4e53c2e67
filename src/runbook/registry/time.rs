//! The `time` family.

use super::ActionSpec;

pub(super) static ACTIONS: &[ActionSpec] = &[];
