//! One live run an environment at a time on a host.
//!
//! What holds an environment is the name of a socket that the kernel keeps for as long as the console lives
//! and not a moment longer: a console that is gone blocks nobody. Whoever is refused asks it who it is.

use std::io::{ErrorKind, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;

use crate::catalogue;
use crate::engine::event::{Fact, Pins};
use crate::engine::{Mode, State, StepState};
use crate::ingest::Redactor;
use crate::journal;

/// Longest wait for the other console to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// An environment that this console holds; it is free when this is dropped.
pub(super) struct Held(JoinHandle<()>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is held: an environment of this name with these pins, wherever its runs are kept. Without pins
/// nothing but the name is known of it, which counts among the runs of one directory.
fn address(runs: &Path, name: &str, pins: &Pins) -> std::io::Result<SocketAddr> {
    let mut hash = Sha256::new();
    for part in pins.iter().flat_map(|(pin, value)| [pin, value]) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(name.as_bytes());
    if pins.is_empty() {
        let runs = runs.canonicalize().unwrap_or_else(|_| runs.to_owned());
        hash.update(runs.as_os_str().as_encoded_bytes());
    }
    let name = format!("steadyhand-live-{}", hex::encode(hash.finalize()));
    SocketAddr::from_abstract_name(name.as_bytes())
}

/// Who has a live run on it, in one line; `None` when nobody has.
pub(super) fn holder(runs: &Path, name: &str, pins: &Pins) -> Option<String> {
    let mut stream = UnixStream::connect_addr(&address(runs, name, pins).ok()?).ok()?;
    let mut said = Vec::new();
    let heard = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| (&mut stream).take(4096).read_to_end(&mut said));
    let said = Redactor::default().clean(String::from_utf8_lossy(&said).trim());
    Some(match heard {
        Ok(1..) => said,
        Ok(0) | Err(_) => "a console that does not say who it is".to_owned(),
    })
}

/// The refusal of a second live run.
pub(super) fn refusal(name: &str, holder: &str) -> String {
    format!("`{name}` has a live run already, one at a time: {holder}")
}

/// Holds the environment of a live run; of any other run nothing is held.
///
/// # Errors
/// One line: who has it, since when, and how to look on or go on with that run.
pub(super) fn hold(
    runs: &Path,
    mode: Mode,
    name: Option<&str>,
    pins: &Pins,
    who: String,
) -> Result<Option<Held>, String> {
    let (Mode::Live, Some(name)) = (mode, name) else { return Ok(None) };
    let failed = |e: std::io::Error| format!("the environment `{name}` cannot be held: {e}");
    let address = address(runs, name, pins).map_err(failed)?;
    let listener = match UnixListener::bind_addr(&address) {
        Ok(listener) => listener,
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            let holder = holder(runs, name, pins);
            let holder = holder.unwrap_or_else(|| "its console is just going: try again".into());
            return Err(refusal(name, &holder));
        }
        Err(e) => return Err(failed(e)),
    };
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = tokio::net::UnixListener::from_std(listener).map_err(failed)?;
    Ok(Some(Held(tokio::spawn(async move {
        while let Ok((mut asking, _)) = listener.accept().await {
            // Whoever asks and goes away has not missed anything.
            let _ = asking.write_all(who.as_bytes()).await;
        }
    }))))
}

/// What a holder says of itself.
pub(super) fn who(dir: &Path, operator: &str, since: &str) -> String {
    let run = dir.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "run {run} of {operator}, process {} since {since}; to look on: steady watch {}",
        std::process::id(),
        dir.display()
    )
}

/// Live runs of the same environment that nobody has ended, one line each. They block nothing: a new
/// incident does not wait for the record of an old one.
pub(super) fn unfinished(runs: &Path, name: &str) -> Vec<String> {
    let same = |id: &String| {
        let first = journal::first_record(&runs.join(id));
        first.is_some_and(|first| match &first.event.fact {
            Fact::RunStarted(run) => {
                run.mode == Mode::Live && run.environment.as_deref() == Some(name)
            }
            _ => false,
        })
    };
    let ids = journal::run_ids(runs).unwrap_or_default();
    let told = |id: &String| match catalogue::fold(&runs.join(id)) {
        Ok(folded) => told(id, &folded.state),
        Err(why) => Some(format!("{id} cannot be read: {why}")),
    };
    ids.iter().rev().filter(|id| same(id)).filter_map(told).collect()
}

fn told(id: &str, state: &State) -> Option<String> {
    if state.finished.is_some() {
        return None;
    }
    // Its console may be gone: then what it had at work is as unknown.
    let open = state.steps.iter().find_map(|step| step.running().or_else(|| step.unknown()));
    let open = open.map_or(String::new(), |attempt| {
        format!(", and nobody has seen how its attempt {} came out", attempt.id.file_stem())
    });
    let at = state.current().map_or("", StepState::id);
    Some(format!(
        "the live run {id} on the same environment is not finished, it stands at `{at}`{open}: \
         steady resume {id} goes on with it, or aborts it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(account: &str) -> Pins {
        Pins::from([("aws.account".to_owned(), account.to_owned())])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_environment_is_held_once_and_free_when_its_holder_is_gone() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let hold = |runs: &Path, mode, name, pins: &Pins| {
            hold(runs, mode, Some(name), pins, "alice since three".into())
        };
        let account = pins(&here.path().display().to_string());
        let first = hold(here.path(), Mode::Live, "prod", &account).unwrap();
        assert!(first.is_some());
        let why = hold(there.path(), Mode::Live, "prod", &account).map(|_| ()).unwrap_err();
        assert!(why.contains("`prod`") && why.contains("alice since three"), "{why}");
        assert_eq!(
            holder(there.path(), "prod", &account).as_deref(),
            Some("alice since three"),
            "wherever its runs are kept"
        );
        for (mode, name, pins) in [
            (Mode::Drill, "prod", &account),
            (Mode::Live, "dr", &account),
            (Mode::Live, "prod", &pins("another")),
            (Mode::Live, "prod", &Pins::new()),
        ] {
            assert!(hold(there.path(), mode, name, pins).is_ok(), "{mode:?} {name} {pins:?}");
        }
        drop(first);
        // The socket goes with its task, which the runtime drops in its own time.
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while hold(here.path(), Mode::Live, "prod", &account).is_err() {
            assert!(std::time::Instant::now() < deadline, "it is still held");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn without_pins_the_name_counts_among_the_runs_of_one_directory() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let hold = |runs: &Path| hold(runs, Mode::Live, Some("prod"), &Pins::new(), "alice".into());
        let _first = hold(here.path()).unwrap();
        assert!(hold(here.path()).is_err());
        assert!(hold(there.path()).is_ok());
    }
}
