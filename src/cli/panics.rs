//! What a panic says: never what somebody's secret is, and never over a screen that goes on.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ingest::Redactor;
use crate::tui::terminal;

/// What could not be printed because the screen is somebody's.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes the place of the hook that prints whatever was said.
pub(super) fn install() {
    std::panic::set_hook(Box::new(|panic| {
        let said = told(panic);
        tracing::error!("{said}");
        if terminal::on_panic() {
            eprintln!("steady: {said}");
        } else {
            unsaid().push(said);
        }
    }));
}

/// Prints what had to wait for the end of the screen.
pub(super) fn say() {
    for said in unsaid().drain(..) {
        eprintln!("steady: {said}");
    }
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(String::new, |at| format!("{at}"));
    let words = panic.payload_as_str().unwrap_or("no words");
    Redactor::of_process().clean(format!("this program has a defect at {place}: {words}"))
}

fn unsaid() -> MutexGuard<'static, Vec<String>> {
    UNSAID.lock().unwrap_or_else(PoisonError::into_inner)
}
