//! `steady demo`: a drill against the embedded sandbox. Nothing to install, no account, no network.

use std::path::PathBuf;
use std::process::ExitCode;

use super::begin::{self, Asked};
use super::conduct::Conduct;
use super::practice::{PRACTICE, Stay, launch};
use super::run::Unattended;
use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue::{self, Entry};
use crate::driver::Auto;
use crate::engine::Mode;
use crate::sandbox::{Offer, PRACTICES, Practice, practice};
use crate::settings::{self, Loaded};
use crate::tui::start::Preset;

/// Arguments of `steady demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// What to practise; --list tells
    #[arg(default_value = PRACTICES[0].name, value_parser = known, hide_possible_values = true)]
    pub name: &'static Practice,
    /// List what can be practised, and what can be made to go wrong
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub unattended: Unattended,
}

/// The practice of a name; the error lists them all.
pub(super) fn known(name: &str) -> Result<&'static Practice, String> {
    practice(name).ok_or_else(|| format!("the sandbox does not know it; it knows\n{}", listed()))
}

/// One line a practice.
fn listed() -> String {
    let width = PRACTICES.iter().map(|practice| practice.name.len()).max().unwrap_or_default();
    let lines = PRACTICES.iter().map(|it| format!("  {:width$}  {}\n", it.name, it.about));
    lines.collect()
}

pub(super) fn run(globals: &Globals, args: &DemoArgs) -> ExitCode {
    if args.list {
        print!("{}", listed());
        return ExitCode::SUCCESS;
    }
    full_screen::block_on(practise(globals, args)).unwrap_or_else(|why| fail(1, why))
}

async fn practise(globals: &Globals, args: &DemoArgs) -> ExitCode {
    // What can be refused is refused before there is a sandbox.
    let conduct = match Conduct::new(globals, args.unattended) {
        Ok(conduct) => conduct,
        Err(why) => return fail(USAGE, why),
    };
    let offer = match launch(args.name.name, None) {
        Ok(offer) => offer,
        Err(why) => return fail(1, why),
    };
    let stay = Stay::at(&offer.endpoint);
    eprintln!("practice: nothing here is real; the sandbox listens on {}", offer.endpoint);
    let code = match asked(globals, args, conduct, offer) {
        Ok((asked, entry)) => begin::begin(asked, &entry).await,
        Err(why) => fail(USAGE, why),
    };
    stay.leave(code).await
}

fn asked(
    globals: &Globals,
    args: &DemoArgs,
    conduct: Conduct,
    offer: Offer,
) -> Result<(Asked, Entry), String> {
    let asked = Asked {
        conduct,
        preset: Preset {
            environment: Some(offer.environment.clone()),
            mode: Some(Mode::Drill),
            incident: None,
            outage_start: Some(offer.outage_start.to_rfc3339()),
            inputs: offer.inputs.clone(),
        },
        settings: settings_of(offer)?,
        // There is nothing here that could be destroyed.
        auto: args.unattended.auto.then_some(Auto { allow_destructive: true }),
        practice: Some(PRACTICE),
        in_spite: None,
        operator: globals.operator()?,
        runs: globals.runs_dir()?,
        form_first: false,
    };
    // As it was built in: what is configured for real systems has no say here.
    Ok((asked, catalogue::built_in(args.name.runbook)?))
}

/// The sandbox's settings, in the place of the operator's.
fn settings_of(offer: Offer) -> Result<Loaded, String> {
    let file = PathBuf::from("steadyhand.yaml");
    let bytes = offer.settings.into_bytes();
    let settings = settings::check(&bytes, "the settings of the sandbox").settings;
    let settings = settings.ok_or("the settings of the sandbox are no good")?;
    Ok(Loaded { settings, file: Some((file, bytes)) })
}
