//! Requirements and target pins: what must hold before the first step, and before each that acts.

mod at_start;
mod connection;
mod kubernetes;
mod requirements;
mod target;

pub use connection::{Connection, connection};
pub use requirements::{Wanted, check};
pub use target::{host, target};
