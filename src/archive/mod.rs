//! What of a run lies in S3 where neither its operator nor the bucket's owner can change it: every object is
//! locked (object lock, COMPLIANCE mode) until its time has come.
//!
//! ```text
//! prefix/RUN/anchors/000017-a3f9c2e1.txt       the head of the journal at record 17
//! prefix/RUN/000041-b7c0d1e2/journal.jsonl …   an archive of the run up to record 41
//! prefix/RUN/000041-b7c0d1e2/SHA256SUMS        for sha256sum -c
//! prefix/RUN/000041-b7c0d1e2/ARCHIVE.json      put last: without it the archive is not whole
//! ```
//!
//! An archive that grows is another one, in a folder of its own, so that a key never has a second version: one
//! that has was tampered with. The journal of each archive is the beginning of that of the next, and every anchor is
//! the hash of one of its lines.

mod anchor;
mod look;
mod manifest;
mod place;
mod put;
mod upload;
mod vault;

pub use anchor::anchor;
pub use look::{Fetched, NotFetched, fetch};
pub use place::Place;
pub use upload::{Wanted, upload};
pub use vault::Vault;
