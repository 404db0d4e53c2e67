//! The one loop that owns a run: decide, append and sync, apply, settle, effects.

mod view;

pub use view::{Command, JournalStanding, Notice, Output, Prepared, Ring, Urgency, View};
