//! A single key is consent only out of silence: one that was meant for the screen before, or is held
//! down, comes too soon to be meant.

use std::time::Duration;

use crate::engine::Stamp;

/// Keys must have been silent for so long.
const SILENCE: Duration = Duration::from_millis(300);

/// What is said to a key that came too soon.
pub const HURRIED: &str = "too fast to be meant; press it again";

/// Since when no key was pressed.
pub struct Silence {
    since: Stamp,
}

impl Silence {
    /// From now on.
    #[must_use]
    pub fn new(now: &Stamp) -> Self {
        Self { since: now.clone() }
    }

    /// Whether it has lasted long enough.
    #[must_use]
    pub fn is_kept(&self, now: &Stamp) -> bool {
        now.since(&self.since).0.to_std().is_ok_and(|quiet| quiet >= SILENCE)
    }

    /// A key breaks it; whether it had lasted long enough.
    pub fn broken(&mut self, now: &Stamp) -> bool {
        let kept = self.is_kept(now);
        self.since = now.clone();
        kept
    }

    /// When it will have lasted long enough.
    #[must_use]
    pub fn wake(&self, now: &Stamp) -> Option<Duration> {
        let quiet = now.since(&self.since).0.to_std().unwrap_or_default();
        SILENCE.checked_sub(quiet).map(|left| left + Duration::from_millis(1))
    }
}
