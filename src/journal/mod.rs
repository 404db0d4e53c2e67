//! The audit log: append, sync, chain, lock, read, follow, verify. DESIGN section 6 says what the
//! files of a run directory hold; this room is the only one that writes `journal.jsonl`.
//!
//! Bytes are hashed as they lie on the disk and never serialised again to be verified.

pub mod checkpoint;
pub mod follow;
pub mod rundir;
pub mod signed;
pub mod verify;

mod beside;
mod chain;
mod disk;
mod holder;
mod medium;
mod read;
mod record;
mod reserve;
mod strict_json;
mod verdict;
mod vouch;
mod writer;

pub use beside::{Ends, Trace, output_ends, trace, was_head};
pub use chain::sha256_hex;
pub use checkpoint::Checkpoint;
pub use follow::Follower;
pub use medium::warning as medium_warning;
pub use read::{Contents, ReadError, first_record, read};
pub use record::encode;
pub use rundir::{
    NewRun, Turn, create_run, create_run_in, find_run, make_place, new_run_id, run_ids, turn,
};
pub use verdict::{Finding, Verdict};
pub use verify::{Gap, missing_runs, verify, verify_copy};
pub use vouch::{Auditor, Signature, Told};
pub use writer::{AppendError, Journal, OpenError, Opened, TornTail};

/// The audit log's file name.
pub const JOURNAL: &str = "journal.jsonl";
/// The exact bytes of the runbook that was run.
pub const RUNBOOK: &str = "runbook.yaml";
/// The exact bytes of the settings in force.
pub const SETTINGS: &str = "settings.yaml";
/// How to check a run directory with other people's tools.
pub const VERIFY: &str = "VERIFY.txt";
/// The folder of the other runbooks whose steps are the run's.
pub const INCLUDED: &str = "included";

#[cfg(test)]
mod faults;
#[cfg(test)]
pub(crate) mod fixture;
