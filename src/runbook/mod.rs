//! The runbook format: YAML with positions in, a checked model out. Pure: no file, clock or network.

pub mod diagnostic;
pub mod expr;
pub mod format;
pub mod hidden;
pub mod inputs;
mod lower;
pub mod model;
pub mod names;
pub mod registry;
pub mod render;
pub mod request;
mod schema;
pub mod suggest;
pub mod targets;
pub mod template;
pub mod timetext;
pub mod value;
mod within;
pub(crate) mod yaml;

pub use diagnostic::Problem;
pub use lower::{Checked, Found, Included, Library, Wanted, check, check_with, load};
pub use model::{Milestone, Runbook, Step, StepId};
pub use registry::Effect;
pub use request::{Request, Resolved, Reveal};
pub use schema::schema;
pub use value::{Type, Value};
pub use within::Within;
pub use yaml::MOST_BYTES;
