//! Where a console can be made to die around a record. Debug builds only: see [`crate::machine::failpoint`].

use crate::engine::{Event, Recorded};
pub(super) use crate::machine::failpoint::die;
#[cfg(debug_assertions)]
use crate::machine::failpoint::{here, is};

/// `unwritten:attempt_finished:restore`: it is known, and not yet on the disk.
#[cfg(debug_assertions)]
pub(super) fn before(event: &Event) {
    here(&format!("unwritten:{}", name(event)));
}

/// Whether the console dies as soon as this record is durable, and before anybody is told: `record:17` (that
/// record), or `fact:attempt_started:restore` (that fact of that step).
#[cfg(debug_assertions)]
pub(super) fn is_at(recorded: &Recorded) -> bool {
    is(&format!("record:{}", recorded.seq)) || is(&format!("fact:{}", name(&recorded.event)))
}

#[cfg(debug_assertions)]
fn name(event: &Event) -> String {
    use crate::engine::Subject;

    let step = match &event.of {
        Subject::Run => "",
        Subject::Step(step) => step,
        Subject::Attempt(id) => &id.step,
    };
    let fact = serde_json::to_value(&event.fact).unwrap_or_default();
    let kind = fact.get("type").and_then(|kind| kind.as_str()).unwrap_or_default();
    format!("{kind}:{step}")
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(super) fn before(_event: &Event) {}

/// Never, in a release build.
#[cfg(not(debug_assertions))]
pub(super) fn is_at(_recorded: &Recorded) -> bool {
    false
}
