//! `steady run`: a run, full screen, or unattended with `--auto`.

use std::process::ExitCode;

use chrono::{DateTime, Utc};

use super::chosen::Chosen;
use super::conduct::{self, Conduct};
use super::{Globals, USAGE, fail};
use crate::driver::{self, Auto, Run, Trouble, Wish};
use crate::engine::Mode;
use crate::runbook::timetext::parse_moment;

/// Arguments of `steady run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// A path, or an id in the catalogue
    pub runbook: String,
    #[command(flatten)]
    pub chosen: Chosen,
    /// live, drill or rehearsal [default: the environment's, else live]
    #[arg(long, value_name = "MODE", value_parser = mode)]
    pub mode: Option<Mode>,
    /// The incident or change ticket
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// When the outage began, such as "12m ago" [default: now]
    #[arg(long, value_name = "TIME")]
    pub outage_start: Option<String>,
    /// Go on in spite of a failed preflight, live only; the reason is recorded
    #[arg(long, value_name = "REASON")]
    pub override_preflight: Option<String>,
    #[command(flatten)]
    pub unattended: Unattended,
}

/// Options of an unattended run.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Unattended {
    /// Nobody is there: satisfies what only wants a confirmation; never live
    #[arg(long)]
    pub auto: bool,
    /// With --auto: satisfies guards that want a phrase typed, too
    #[arg(long, requires = "auto")]
    pub allow_destructive: bool,
    /// With --auto: print the journal's records as they are written, then a line about the end
    #[arg(long, requires = "auto")]
    pub json: bool,
}

impl Unattended {
    /// How far `--auto` may go, when it was given.
    #[must_use]
    pub fn auto(self) -> Option<Auto> {
        self.auto.then_some(Auto { allow_destructive: self.allow_destructive })
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "live" => Ok(Mode::Live),
        "drill" => Ok(Mode::Drill),
        "rehearsal" => Ok(Mode::Rehearsal),
        _ => Err("live, drill or rehearsal".into()),
    }
}

pub(super) fn run(globals: &Globals, args: &RunArgs) -> ExitCode {
    let now = Utc::now();
    let outage_start = match args.outage_start.as_deref().map(|text| moment(text, now)).transpose()
    {
        Ok(start) => start,
        Err(why) => return fail(USAGE, why),
    };
    conduct::block_on(begin(globals, args, outage_start, now))
}

fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    parse_moment(text, now).map_err(|e| format!("--outage-start: {e}"))
}

async fn begin(
    globals: &Globals,
    args: &RunArgs,
    outage_start: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> ExitCode {
    let conduct = match Conduct::new(globals, args.unattended) {
        Ok(conduct) => conduct,
        Err(why) => return fail(USAGE, why),
    };
    let wish = || -> Result<_, String> {
        let entry = globals.find_runbook(&args.runbook)?;
        let settings = globals.load_settings()?;
        Ok((entry, settings, args.chosen.given()?, globals.runs_dir()?, globals.operator()?))
    };
    let (entry, settings, given, runs, operator) = match wish() {
        Ok(wish) => wish,
        Err(why) => return fail(USAGE, why),
    };
    if let Err(why) = entry.runbook() {
        return fail(1, why);
    }
    let wish = Wish {
        entry: &entry,
        settings: &settings,
        environment: args.chosen.env.clone(),
        mode: args.mode,
        given,
        typed: [].into(),
        incident: args.incident.clone(),
        outage_start,
        auto: args.unattended.auto(),
        practice: None,
        operator,
        runs,
        in_spite: args.override_preflight.clone(),
    };
    match driver::order(wish, now).await {
        Ok(order) => match Run::begin(order) {
            Ok(run) => conduct.conduct(run).await,
            Err(why) => fail(1, why),
        },
        Err(trouble) => refuse(&trouble),
    }
}

/// Prints why there is no run. What was asked wrongly is a usage error; what is wrong elsewhere is 1.
pub(super) fn refuse(trouble: &Trouble) -> ExitCode {
    let code = match trouble {
        Trouble::Refused(_) | Trouble::Inputs(_) => USAGE,
        Trouble::Secrets(_) | Trouble::Preflight(_) => 1,
    };
    for line in trouble.lines() {
        fail(code, line);
    }
    ExitCode::from(code)
}
