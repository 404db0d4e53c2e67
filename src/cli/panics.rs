//! What a panic says: never what somebody's secret is, and never over a screen that goes on.

use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ingest::Redactor;
use crate::tui::terminal;

/// Of the run that is conducted.
static REDACTOR: Mutex<Option<Redactor>> = Mutex::new(None);
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
            locked(&UNSAID).push(said);
        }
    }));
}

/// From here on the redactor knows every secret that a panic could speak of.
pub(super) fn know(redactor: Redactor) {
    *locked(&REDACTOR) = Some(redactor);
}

/// Prints what had to wait for the end of the screen.
pub(super) fn say() {
    for said in locked(&UNSAID).drain(..) {
        eprintln!("steady: {said}");
    }
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
    // Without a redactor, who knows what the words are.
    let words = match (panic.payload_as_str(), &*locked(&REDACTOR)) {
        (Some(words), Some(redactor)) => format!(": {}", redactor.clean(words)),
        (None, _) | (_, None) => String::new(),
    };
    format!("this program has a defect{}{words}", place.unwrap_or_default())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
