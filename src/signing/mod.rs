//! Signatures over checkpoints, by OpenSSH's `ssh-keygen`: made with the operator's key, judged by the keys
//! of an auditor. Whoever has OpenSSH can check them without this program.

mod auditor;
mod brought;
mod keygen;
mod signer;

pub use crate::journal::signed::{APPROVAL, SIGN_OFF};
pub use auditor::{AllowedSigners, AllowedSignersError};
pub use brought::{Judged, fits, judge};
pub use keygen::become_ssh_keygen;
pub use signer::{Signed, Signer};

/// The namespace of the signatures over checkpoints: what is signed there is a checkpoint and nothing else.
pub const NAMESPACE: &str = "checkpoint@steadyhand";
