//! What can be made to go wrong.

use std::collections::{BTreeMap, VecDeque};

/// How a call comes out instead of well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS refuses: nothing is done.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code, such as `ExpiredToken`.
        code: &'static str,
        /// The sentence that goes with it.
        message: &'static str,
    },
    /// The work is done, and the connection breaks before the caller hears of it.
    ReplyLost,
    /// The connection breaks and the work is not done.
    RequestLost,
    /// What the call creates stays `creating` until it is deleted.
    Stuck,
}

/// The faults to come, an action at a time, oldest first.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<String, VecDeque<Fault>>);

impl Faults {
    pub(super) fn add(&mut self, action: &str, fault: Fault, times: u32) {
        let queue = self.0.entry(action.to_owned()).or_default();
        queue.extend((0..times).map(|_| fault.clone()));
    }

    pub(super) fn next(&mut self, action: &str) -> Option<Fault> {
        self.0.get_mut(action)?.pop_front()
    }
}
