//! Asking again after what may pass. Only for calls that may be carried out twice.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{Failure, Reached};

const PATIENCE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Asks until there is an answer that asking again would not change, or the patience has run out.
///
/// # Errors
/// The last failure.
pub(super) async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (mut pause, since) = (FIRST_PAUSE, Instant::now());
    loop {
        let failure = match ask().await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        if !may_pass(&failure) || since.elapsed() + pause > PATIENCE {
            return Err(failure);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn may_pass(failure: &Failure) -> bool {
    let passing = ["SlowDown", "RequestTimeout", "Throttling", "OperationAborted"];
    failure.reached != Reached::Refused || passing.iter().any(|code| failure.is(code))
}
