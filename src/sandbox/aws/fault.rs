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
    /// AWS refuses for want of a permission, in its own words: nothing is done.
    Denied,
    /// The work is done, and the connection breaks before the caller hears of it.
    ReplyLost,
    /// The connection breaks and the work is not done.
    RequestLost,
    /// What the call creates stays `creating` until it is deleted.
    Stuck,
}

/// The faults to come.
#[derive(Default)]
pub(super) struct Faults {
    /// An action at a time, oldest first.
    of_action: BTreeMap<String, VecDeque<Fault>>,
    of_first_change: Option<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, action: &str, fault: Fault, times: u32) {
        let queue = self.of_action.entry(action.to_owned()).or_default();
        queue.extend((0..times).map(|_| fault.clone()));
    }

    pub(super) fn add_to_first_change(&mut self, fault: Fault) {
        self.of_first_change = Some(fault);
    }

    pub(super) fn next(&mut self, action: &str) -> Option<Fault> {
        let queued = self.of_action.get_mut(action).and_then(VecDeque::pop_front);
        queued.or_else(|| if changes(action) { self.of_first_change.take() } else { None })
    }
}

/// Whether an operation changes anything, as AWS names them.
fn changes(action: &str) -> bool {
    !["Describe", "List", "Get", "Head"].iter().any(|reads| action.starts_with(reads))
}
