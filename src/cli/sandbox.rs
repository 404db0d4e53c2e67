//! `steady __sandbox NAME`: a scene of the sandbox, in a process of its own that no terminal can end.

use std::io::{self, Write};
use std::process::ExitCode;

use rustix::process::setsid;

use super::fail;
use crate::sandbox::{Lesson, Practice, Sandbox, SandboxOptions};

/// Must be called before any thread is there. Says one line on standard output, its [`Offer`], for the console
/// that launched it.
///
/// [`Offer`]: crate::sandbox::Offer
pub(super) fn serve(practice: &'static Practice, lesson: Option<Lesson>) -> ExitCode {
    match open(practice, lesson) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(1, format!("the sandbox ended: {e}")),
    }
}

fn open(practice: &'static Practice, lesson: Option<Lesson>) -> io::Result<()> {
    // Out of the terminal's reach: it outlives the console and its connection.
    setsid()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = Sandbox::open(practice, SandboxOptions::default(), lesson).await?;
        let mut stdout = io::stdout().lock();
        serde_json::to_writer(&mut stdout, sandbox.offer())?;
        writeln!(stdout)?;
        drop(stdout);
        sandbox.closed().await;
        Ok(())
    })
}
