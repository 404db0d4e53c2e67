//! `steady watch`: a run of somebody else's console, live, read only.

use std::process::ExitCode;
use std::sync::Arc;

use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue;
use crate::driver::{Clock, Follower};
use crate::journal;
use crate::tui::console;
use crate::tui::terminal::Screen;

/// Arguments of `steady watch`.
#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// A run's id, the beginning of one, or its directory [default: the newest]
    run: Option<String>,
}

pub(super) fn run(globals: &Globals, args: &WatchArgs) -> ExitCode {
    match watch(globals, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(USAGE, message),
    }
}

fn watch(globals: &Globals, args: &WatchArgs) -> Result<(), String> {
    let dir = match &args.run {
        Some(run) => globals.find_run(run)?,
        None => {
            let runs = globals.runs_dir()?;
            let ids = journal::run_ids(&runs).map_err(|e| format!("{}: {e}", runs.display()))?;
            let newest = ids.last().ok_or_else(|| format!("no runs in {}", runs.display()))?;
            runs.join(newest)
        }
    };
    let runbook = Arc::new(catalogue::pinned(&dir)?);
    let theme = full_screen::theme(globals)?;
    let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
    let (follower, views) = Follower::open(&dir, runbook)?;
    full_screen::block_on(async {
        let mut screen = Screen::take().map_err(|e| e.to_string())?;
        let following = tokio::spawn(follower.follow());
        let shown = console::show(&mut screen, &theme, views, None, || clock.now()).await;
        following.abort();
        shown.map_err(|e| format!("signals cannot be waited for: {e}"))
    })?
}
