//! The sandbox of a practice run: a process of its own, so that it outlives a console that is killed, and is
//! found again by the one that resumes.

use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::driver::{Pinned, Practice};
use crate::sandbox::{self, CREDENTIALS, Lesson, Offer, PATIENCE};

/// How often a console tells its sandbox that it is there.
const KNOCK: Duration = Duration::from_secs(10);

/// What the sandbox brings to a run.
pub(super) const PRACTICE: Practice = Practice { credentials: CREDENTIALS, env: sandbox::secret };

/// Starts the sandbox `name` as a process of its own and reads what it offers.
///
/// # Errors
/// One line: it did not come up.
pub(super) fn launch(name: &str, lesson: Option<Lesson>, runs: &Path) -> Result<Offer, String> {
    let failed = |why: io::Error| format!("the sandbox did not start: {why}");
    let mut command = Command::new("/proc/self/exe");
    command.arg("__sandbox").arg(name).arg("--runs").arg(runs);
    if let Some(lesson) = lesson {
        command.arg("--fault").arg(lesson.name());
    }
    // It holds on to the terminal only where it has to tidy up after a console that is killed.
    let tidies = lesson == Some(Lesson::ConsoleKilled) && io::stderr().is_terminal();
    let stderr = if tidies { Stdio::inherit() } else { Stdio::null() };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    serde_json::from_str(&line)
        .map_err(|_| "the sandbox did not start: no loopback port can be listened on".into())
}

/// A console's stay in a sandbox.
pub(super) struct Stay {
    endpoint: String,
    knocking: JoinHandle<()>,
}

impl Stay {
    /// Goes in, and lets the sandbox know for as long as this lasts.
    pub(super) fn at(endpoint: &str) -> Self {
        let endpoint = endpoint.to_owned();
        let door = endpoint.clone();
        let knocking = tokio::spawn(async move {
            loop {
                if let Err(error) = sandbox::knock(&door).await {
                    tracing::warn!(%error, "the sandbox does not answer");
                }
                tokio::time::sleep(KNOCK).await;
            }
        });
        Self { endpoint, knocking }
    }

    /// Goes in again, for a run that was begun there.
    ///
    /// # Errors
    /// One line: the sandbox is not there any more.
    pub(super) async fn again(pinned: &Pinned) -> Result<Self, String> {
        let endpoint = pinned.environment().and_then(|known| known.aws.endpoint.as_deref());
        let gone = || {
            format!(
                "practice cannot be resumed: its sandbox has ended, as it does {} minutes after its \
                 console; steady demo begins anew",
                PATIENCE.as_secs() / 60
            )
        };
        let endpoint = endpoint.ok_or_else(gone)?;
        sandbox::knock(endpoint).await.map_err(|_| gone())?;
        Ok(Self::at(endpoint))
    }

    /// Leaves. The sandbox is needed no longer, unless a run was `begun` in it that is not over: that may be
    /// resumed.
    pub(super) async fn leave(self, code: ExitCode, begun: bool) -> ExitCode {
        self.knocking.abort();
        let over = [0, 3, 4].map(ExitCode::from).contains(&code);
        if (over || !begun)
            && let Err(error) = sandbox::dismiss(&self.endpoint).await
        {
            tracing::warn!(%error, "the sandbox was not there to be ended");
        }
        code
    }
}
