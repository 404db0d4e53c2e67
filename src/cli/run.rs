//! `steady run`: a run, full screen, or unattended with `--auto`.

use std::process::ExitCode;

use super::begin::{self, Asked};
use super::chosen::Chosen;
use super::conduct::Conduct;
use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue::Entry;
use crate::driver::{Auto, Trouble};
use crate::engine::Mode;
use crate::tui::start::Preset;

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
    /// A rehearsal: how many times as fast as planned the steps are over, 1 to 10000 [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: Option<u32>,
    /// The incident or change ticket
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// When the outage began, such as "12m ago" [default: now]
    #[arg(long, value_name = "TIME")]
    pub outage_start: Option<String>,
    /// Go on in spite of a failed preflight, live only; the reason is recorded
    #[arg(long, value_name = "REASON")]
    pub override_preflight: Option<String>,
    /// With --auto: the SHA-256, or its first 8 digits or more, of a file of the runbook that changed
    /// since you last ran it; once for each
    #[arg(long, requires = "auto", value_name = "SHA256", value_parser = digits)]
    pub accept_runbook: Vec<String>,
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

fn digits(text: &str) -> Result<String, String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (hex, text.len()) {
        (true, 8..=64) => Ok(text.to_ascii_lowercase()),
        _ => Err("8 to 64 hexadecimal digits, such as sha256sum prints".into()),
    }
}

pub(super) fn run(globals: &Globals, args: &RunArgs) -> ExitCode {
    match asked(globals, args) {
        Ok((asked, entry)) => {
            full_screen::block_on(begin::begin(asked, &entry)).unwrap_or_else(|why| fail(1, why))
        }
        Err(why) => fail(USAGE, why),
    }
}

fn asked(globals: &Globals, args: &RunArgs) -> Result<(Asked, Entry), String> {
    let conduct = Conduct::new(globals, args.unattended)?;
    let entry = globals.find_runbook(&args.runbook)?;
    let asked = Asked {
        conduct,
        settings: globals.load_settings()?,
        preset: Preset {
            environment: args.chosen.env.clone(),
            mode: args.mode,
            incident: args.incident.clone(),
            outage_start: args.outage_start.clone(),
            inputs: args.chosen.given()?,
        },
        auto: args.unattended.auto(),
        speed: args.speed,
        practice: None,
        word: None,
        in_spite: args.override_preflight.clone(),
        accepted: args.accept_runbook.clone(),
        operator: globals.operator()?,
        runs: globals.runs_dir()?,
        form_first: false,
    };
    Ok((asked, entry))
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
