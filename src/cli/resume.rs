//! `steady resume`: go on, from wherever a run stopped.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::chosen::given;
use super::conduct::Conduct;
use super::practice::{PRACTICE, Stay};
use super::run::{Unattended, refuse};
use super::{Globals, USAGE, fail, full_screen};
use crate::driver::{Pinned, Run};
use crate::engine::{Fact, Mode};
use crate::journal;

/// Arguments of `steady resume`.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// An id, a unique prefix of one, or a directory [default: the only unfinished run]
    pub run: Option<String>,
    /// Where a secret is now: env:NAME, file:/path, cmd:COMMAND, or ask to type it
    #[arg(short = 'i', long = "input", value_name = "NAME=SOURCE")]
    pub inputs: Vec<String>,
    #[command(flatten)]
    pub unattended: Unattended,
}

pub(super) fn run(globals: &Globals, args: &ResumeArgs) -> ExitCode {
    full_screen::block_on(resume(globals, args)).unwrap_or_else(|why| fail(1, why))
}

async fn resume(globals: &Globals, args: &ResumeArgs) -> ExitCode {
    let conduct = match Conduct::new(globals, args.unattended) {
        Ok(conduct) => conduct,
        Err(why) => return fail(USAGE, why),
    };
    let asked = || -> Result<_, String> {
        let dir = match &args.run {
            Some(run) => globals.find_run(run)?,
            None => only_unfinished(&globals.runs_dir()?)?,
        };
        let settings = globals.load_settings()?.settings;
        Ok((dir, given(&args.inputs)?, globals.operator()?, settings))
    };
    let (dir, instead, operator, settings) = match asked() {
        Ok(asked) => asked,
        Err(why) => return fail(USAGE, why),
    };
    let pinned = match Pinned::read(&dir) {
        Ok(pinned) => pinned,
        Err(why) => return fail(1, why),
    };
    if args.unattended.auto && pinned.started.mode == Mode::Live {
        return fail(USAGE, "--auto is never live: resume this run by hand");
    }
    let stay = if pinned.started.practice {
        match Stay::again(&pinned).await {
            Ok(stay) => Some(stay),
            Err(why) => return fail(1, why),
        }
    } else {
        None
    };
    let practice = stay.as_ref().map(|_| PRACTICE);
    let auto = args.unattended.auto();
    let hands = pinned.hands(operator, &instead, auto, practice, &settings).await;
    let code = match hands {
        Ok(hands) => match Run::resume(&dir, pinned.runbook, hands) {
            Ok(run) => conduct.conduct(run, None).await,
            Err(why) => fail(1, why),
        },
        Err(trouble) => refuse(&trouble),
    };
    match stay {
        Some(stay) => stay.leave(code, true).await,
        None => code,
    }
}

/// The only run that is not over.
fn only_unfinished(runs: &Path) -> Result<PathBuf, String> {
    let ids = journal::run_ids(runs)
        .map_err(|e| format!("cannot read the directory of runs {}: {e}", runs.display()))?;
    let unfinished: Vec<_> = ids.iter().filter(|id| !is_over(&runs.join(id))).collect();
    match unfinished.as_slice() {
        [] => Err(format!("no unfinished run in {}", runs.display())),
        [only] => Ok(runs.join(only)),
        several => {
            let list: Vec<_> = several.iter().map(|id| format!("  steady resume {id}")).collect();
            Err(format!("several runs are unfinished; name one:\n{}", list.join("\n")))
        }
    }
}

fn is_over(dir: &Path) -> bool {
    journal::read(dir).is_ok_and(|contents| {
        contents.records.iter().any(|r| matches!(r.event.fact, Fact::RunFinished { .. }))
    })
}
