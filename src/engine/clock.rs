//! Clock arithmetic: how long lies between two stamps of a run, and how far that can be relied on.
//!
//! Within one boot the boot clock tells it: neither a wall clock that is set nor a machine that sleeps
//! disturbs that. Across a reboot the stretches before and after it are added up by their own boot clocks,
//! and only the gap between the last record of the one and the first of the other by the wall clock.

use chrono::TimeDelta;

use super::event::Stamp;
use super::state::State;

/// Two readings of a wall clock that stray this far from the boot clock say that it was set.
pub const STEP: TimeDelta = TimeDelta::seconds(2);

/// How far a length of time can be relied on, the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The boot clock vouches for it.
    Verified,
    /// A part of it is known by a wall clock alone.
    Unverified,
    /// The clocks contradict each other: what was read is negative.
    Uncertain,
}

impl Certainty {
    /// In words, as reports and screens have it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Verified => "boot clock",
            Self::Unverified => "wall clock, unverified",
            Self::Uncertain => "uncertain: the clocks contradict each other",
        }
    }

    /// What must stand behind a time that is not vouched for; nothing behind one that is.
    #[must_use]
    pub fn remark(self) -> &'static str {
        match self {
            Self::Verified => "",
            Self::Unverified => " (wall clock, unverified)",
            Self::Uncertain => " (uncertain)",
        }
    }
}

/// A length of time. Negative is what was read, never clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    /// How long.
    pub length: TimeDelta,
    /// How far to rely on that.
    pub certainty: Certainty,
}

impl Elapsed {
    /// This and then that.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let certainty = self.certainty.max(next.certainty);
        Self { length: self.length + next.length, certainty }
    }

    /// The same of what cannot be negative: clocks that say so contradict each other. By less than [`STEP`]
    /// they agree: a record holds milliseconds, and what a person declares may be of the next one.
    #[must_use]
    pub fn forward(self) -> Self {
        if self.length < -STEP {
            return Self { certainty: Certainty::Uncertain, ..self };
        }
        self
    }

    fn backward(self) -> Self {
        Self { length: -self.length, ..self }
    }
}

/// Between two records that follow each other the machine was booted anew, or was another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reboot {
    /// The last record before it.
    pub last: Stamp,
    /// The first one after it.
    pub first: Stamp,
}

impl Reboot {
    fn gap(&self) -> Elapsed {
        let length = self.first.at - self.last.at;
        Elapsed { length, certainty: Certainty::Unverified }.forward()
    }
}

fn by_boot_clock(from: &Stamp, to: &Stamp) -> Elapsed {
    Elapsed { length: to.since(from).0, certainty: Certainty::Verified }
}

impl State {
    /// How long `to` is after `from`; negative when it is before. Both are stamps of this run's, or now.
    #[must_use]
    pub fn between(&self, from: &Stamp, to: &Stamp) -> Elapsed {
        if from.boot == to.boot {
            return by_boot_clock(from, to);
        }
        self.across_reboots(from, to)
            .or_else(|| self.across_reboots(to, from).map(Elapsed::backward))
            .unwrap_or(Elapsed { length: to.at - from.at, certainty: Certainty::Unverified })
    }

    /// From `from` over one or more reboots to `to`; `None` when no way leads there.
    fn across_reboots(&self, from: &Stamp, to: &Stamp) -> Option<Elapsed> {
        // Now may be in a boot that nothing is recorded of.
        let known = |r: &Reboot| r.last.boot == to.boot || r.first.boot == to.boot;
        let latest = self.last.as_ref().filter(|last| last.boot != to.boot);
        let latest = latest.filter(|_| !self.reboots.iter().any(known));
        let latest = latest.map(|last| Reboot { last: last.clone(), first: to.clone() });
        let mut sum = Elapsed { length: TimeDelta::zero(), certainty: Certainty::Verified };
        let mut at = from;
        for reboot in self.reboots.iter().chain(&latest) {
            if reboot.last.boot != at.boot || reboot.last.mono < at.mono {
                continue;
            }
            sum = sum.then(by_boot_clock(at, &reboot.last)).then(reboot.gap());
            at = &reboot.first;
            if at.boot == to.boot {
                return Some(sum.then(by_boot_clock(at, to)));
            }
        }
        None
    }

    /// Whether the wall clock went with the boot clock between two stamps: whether what was read of it at
    /// one can be compared with what was read at the other.
    #[must_use]
    pub fn wall_clock_held(&self, one: &Stamp, other: &Stamp) -> Certainty {
        let elapsed = self.between(one, other);
        if ((other.at - one.at) - elapsed.length).abs() > STEP {
            return elapsed.certainty.max(Certainty::Unverified);
        }
        elapsed.certainty
    }

    /// Notes a reboot before this record.
    pub(super) fn note_boot(&mut self, stamp: &Stamp) {
        if let Some(last) = self.last.as_ref().filter(|last| last.boot != stamp.boot) {
            self.reboots.push(Reboot { last: last.clone(), first: stamp.clone() });
        }
    }
}
