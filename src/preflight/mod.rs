//! Requirements and target pins: what must hold before the first step, and before each that acts; and on a
//! quiet day, `steady doctor`.

mod at_start;
mod connection;
pub mod doctor;
mod kubernetes;
mod requirements;
mod target;

pub use connection::{Connection, connection};
pub use requirements::{Wanted, check, would_check};
pub use target::{host, target};
