//! The one loop that owns a run: decide, append and sync, apply, settle, effects.

mod announcement;
mod approvals;
mod autopilot;
mod clock;
mod commands;
mod desk;
pub mod door;
mod environment;
mod evidence;
mod failpoint;
mod follower;
mod herald;
mod open;
mod outside;
mod prepare;
mod rehearsal;
mod run;
mod setup;
mod signals;
mod signing;
mod typed;
mod unknown;
mod view;
mod workers;

pub use crate::actions::Loan;
pub use crate::machine::failpoint::panic_here;
pub use autopilot::{Auto, Stopped};
pub use clock::Clock;
pub use door::Hearing;
pub use follower::Follower;
pub use open::{Handle, Hands, Order, Run};
pub use outside::Outside;
pub use prepare::digest;
pub use rehearsal::SPEED;
pub use run::Left;
pub use setup::{Pinned, Practice, Trouble, Wish, order};
pub use signing::signer;
pub use view::{
    Command, JournalStanding, LiveStatus, Notice, Output, Prepared, Ring, Urgency, View,
};
