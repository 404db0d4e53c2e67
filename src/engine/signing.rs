//! When the journal is signed: at the start, before each attempt that destroys, at each approval, and at the close. Whether
//! a checkpoint is due follows from the state alone; the driver signs what [`Effect::Sign`] asks for.
//!
//! [`Effect::Sign`]: super::Effect::Sign

use super::event::{Part, Stamp};
use super::state::{Granted, State, StepState};
use crate::runbook::Effect;

/// What of a journal is signed.
#[derive(Clone, Debug, Default)]
pub struct Signatures {
    /// In order.
    pub signed: Vec<Signed>,
    /// The last checkpoint that this console could not sign: up to which record, and why.
    pub failed: Option<(u64, String)>,
    /// The record that ended the run.
    pub(super) closed: Option<u64>,
    /// The record of the last approval.
    pub(super) approved: u64,
}

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The record up to which it vouches.
    pub checkpoint: u64,
    /// Below `checkpoints/`.
    pub file: String,
    /// The key's fingerprint.
    pub key: String,
    /// When it was recorded.
    pub at: Stamp,
}

impl Signatures {
    /// The record up to which a signature vouches; 0: none does.
    fn signed_up_to(&self) -> u64 {
        self.signed.iter().map(|signed| signed.checkpoint).max().unwrap_or(0)
    }

    /// The record up to which it was tried.
    fn tried_up_to(&self) -> u64 {
        self.signed_up_to().max(self.failed.as_ref().map_or(0, |(checkpoint, _)| *checkpoint))
    }

    /// Why the last checkpoint is not signed; `None`: it is.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        let (checkpoint, why) = self.failed.as_ref()?;
        (*checkpoint > self.signed_up_to()).then_some(why)
    }
}

impl State {
    /// Whether a checkpoint is to be signed now. One that failed is not tried again for the same reason.
    #[must_use]
    pub fn is_checkpoint_due(&self) -> bool {
        let signs = self.run().is_some_and(|run| run.signing.is_some());
        let consented = || {
            let step = self.current()?;
            let granted = step.consent.as_ref()?;
            self.to_vouch_for(step, granted.part).then_some(granted.seq)
        };
        let since = self.signatures.closed.or_else(consented).unwrap_or(1);
        let since = since.max(self.signatures.approved);
        signs && self.signatures.tried_up_to() < since
    }

    /// Whether what vouches for a consent is in place, so that it may be acted on.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn vouched(&self, step: &StepState, granted: &Granted) -> Result<(), String> {
        let signs = self.run().is_some_and(|run| run.signing.is_some());
        let acts = Self::effect_of(&step.step, granted.part) != Effect::Reads;
        if signs && acts && self.signatures.tried_up_to() == 0 {
            return Err("the start of the run is not signed yet".into());
        }
        if !self.to_vouch_for(step, granted.part) || self.signatures.signed_up_to() >= granted.seq {
            return Ok(());
        }
        match self.refused_unsigned(step, granted.part) {
            Some(why) => Err(why),
            None if self.signatures.tried_up_to() >= granted.seq => Ok(()),
            None => Err("the checkpoint before it is not signed yet".into()),
        }
    }

    /// Why this action may not be carried out: a signature that is required could not be made.
    #[must_use]
    pub fn refused_unsigned(&self, step: &StepState, part: Part) -> Option<String> {
        let required = self.run()?.signing.as_ref()?.required;
        let since = step.consent.as_ref().map_or(0, |granted| granted.seq);
        let why = self.signatures.failure()?;
        let tried = self.signatures.tried_up_to() >= since;
        (required && tried && self.to_vouch_for(step, part))
            .then(|| format!("the checkpoint before it must be signed, and is not: {why}"))
    }

    /// Whether a checkpoint must be signed between the consent and this action: always when it destroys;
    /// when signatures are required, also before the first change, for as long as there is none.
    fn to_vouch_for(&self, step: &StepState, part: Part) -> bool {
        let Some(signing) = self.run().and_then(|run| run.signing.as_ref()) else { return false };
        match Self::effect_of(&step.step, part) {
            Effect::Destroys => true,
            Effect::Changes => signing.required && self.signatures.signed.is_empty(),
            Effect::Reads => false,
        }
    }
}
