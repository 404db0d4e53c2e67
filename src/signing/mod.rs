//! Signatures over checkpoints, by OpenSSH's `ssh-keygen`: made with the operator's key, judged by the keys
//! of an auditor. Whoever has OpenSSH can check them without this program.

mod auditor;
mod keygen;
mod signer;

pub use auditor::{AllowedSigners, AllowedSignersError};
pub use keygen::become_ssh_keygen;
pub use signer::{Signed, Signer};

/// The namespace of the signatures: what is signed here is a checkpoint and nothing else.
pub const NAMESPACE: &str = "checkpoint@steadyhand";
