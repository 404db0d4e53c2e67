//! What may happen next. Pure: state in, facts out; no file, clock or network.

pub mod event;

pub use event::{AttemptId, Event, Fact, Mode, Outcome, Part, Recorded, Stamp, Subject};
