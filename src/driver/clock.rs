//! The clock: read here, once an input, and nowhere else.

use std::io;

use chrono::Utc;
use rustix::time::{ClockId, clock_gettime};

use crate::engine::Stamp;
use crate::engine::clock::STEP;
use crate::machine;

/// Reads the wall clock and the boot clock.
#[derive(Clone, Debug)]
pub struct Clock {
    boot: String,
}

impl Clock {
    /// A clock of this boot.
    ///
    /// # Errors
    /// When the kernel does not tell its boot id.
    pub fn new() -> io::Result<Self> {
        Ok(Self { boot: machine::boot_id()? })
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Stamp {
        let mono = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(mono.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(mono.tv_nsec).unwrap_or_default();
        Stamp { at: Utc::now(), boot: self.boot.clone(), mono: seconds * 1_000_000_000 + nanos }
    }
}

/// How far the wall clock was moved between two readings, in milliseconds, when it was moved by more
/// than [`STEP`].
#[must_use]
pub fn stepped(earlier: &Stamp, later: &Stamp) -> Option<i64> {
    let (elapsed, verified) = later.since(earlier);
    let moved = (later.at - earlier.at) - elapsed;
    (verified && moved.abs() > STEP).then(|| moved.num_milliseconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(wall_s: i64, mono_s: u64) -> Stamp {
        let at = chrono::DateTime::from_timestamp(wall_s, 0).unwrap();
        Stamp { at, boot: "b".into(), mono: mono_s * 1_000_000_000 }
    }

    #[test]
    fn a_wall_clock_that_jumps_is_noticed_and_one_that_sleeps_is_not() {
        assert_eq!(stepped(&stamp(100, 5), &stamp(4_000, 3_905)), None);
        assert_eq!(stepped(&stamp(100, 5), &stamp(3_700, 6)), Some(3_599_000));
        assert_eq!(stepped(&stamp(4_000, 5), &stamp(400, 6)), Some(-3_601_000));
        let reboot = Stamp { boot: "other".into(), ..stamp(9_000, 1) };
        assert_eq!(stepped(&stamp(100, 5), &reboot), None);
    }
}
