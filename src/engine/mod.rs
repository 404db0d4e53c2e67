//! What may happen next. Pure: state in, facts out; no file, clock or network.
//!
//! [`State::decide`] turns an input into one fact or refuses it; the driver makes the fact durable and
//! [`State::apply`] folds it in; [`State::settle`] is then asked for consequences until it has none,
//! and [`State::effects`] says what should be running.

mod apply;
pub mod approvals;
pub mod archive;
pub mod clock;
pub mod debrief;
mod decide;
mod effects;
pub mod escalation;
pub mod event;
mod input;
mod judge;
mod live;
pub mod objectives;
pub mod outage;
pub mod pace;
mod rehearsal;
mod said;
mod scope;
mod settle;
mod sign_off;
pub mod signing;
pub mod spans;
pub mod state;

#[cfg(test)]
mod tests;

pub use approvals::Approval;
pub use effects::Effect;
pub use event::{AttemptId, Event, Fact, Mode, Outcome, Part, Recorded, Stamp, Subject};
pub use input::{Given, Input, Refusal};
pub use pace::Pace;
pub use sign_off::SignOff;
pub use spans::{Span, Waits};
pub use state::{Attempt, Standing, State, Status, StepState};
