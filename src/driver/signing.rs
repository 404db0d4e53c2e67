//! Checkpoints in the hands of the driver: what is signed, with what, and what is said when it is not.

use std::path::PathBuf;

use super::run::Driver;
use super::view::Urgency;
use crate::engine::Input;
use crate::engine::event::{Check, Signing};
use crate::journal::Checkpoint;
use crate::settings;
use crate::signing::{Signed, Signer};

/// What signs with the key that the settings name.
#[must_use]
pub fn signer(settings: &settings::Signing) -> Signer {
    // Not the file's name: it may have been replaced by another version meanwhile.
    Signer::new(PathBuf::from("/proc/self/exe"), settings.key.clone())
}

/// How a run will be signed, seen by a trial before it begins, and what preflight says of it.
pub(super) async fn try_out(settings: &settings::Signing) -> (Signing, Check) {
    let required = settings.required;
    let (key, ok, detail) = match signer(settings).trial().await {
        Ok(key) => (Some(key.clone()), true, format!("with {key}")),
        Err(why) if required => (None, false, why),
        Err(why) => (None, true, format!("NOT SIGNED: {why}")),
    };
    (Signing { key, required }, Check { name: "signature".into(), ok, detail })
}

impl Driver {
    /// Begins to sign what the journal holds now.
    pub(super) fn sign(&mut self) {
        let checkpoint = Checkpoint {
            run: self.desk.run.clone(),
            seq: self.journal.len(),
            head: self.journal.head().to_owned(),
        };
        self.workers.sign(&self.desk, checkpoint);
    }

    pub(super) fn on_signed(&mut self, checkpoint: Checkpoint, signed: Result<Signed, String>) {
        match signed {
            Ok(Signed { kept, key }) => {
                self.note(Input::Signed {
                    checkpoint: checkpoint.seq,
                    head: checkpoint.head,
                    file: kept.file,
                    signature: kept.signature,
                    key,
                });
            }
            Err(why) => {
                let reason = self.desk.redactor.clean(&why);
                let checkpoint = checkpoint.seq;
                self.note(Input::NotSigned { checkpoint, reason: reason.clone() });
                self.tell(Urgency::Warning, format!("not signed: {reason}"));
            }
        }
    }
}
