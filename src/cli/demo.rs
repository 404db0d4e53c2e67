//! `steady demo`: a drill against the embedded sandbox. Nothing to install, no account, no network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::begin::{self, Asked};
use super::conduct::Conduct;
use super::practice::{PRACTICE, Stay, launch};
use super::run::Unattended;
use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue::{self, Entry};
use crate::driver::Auto;
use crate::engine::Mode;
use crate::journal;
use crate::sandbox::{Lesson, Offer, PRACTICES, Practice, practice};
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
    /// Let something go wrong: restore-stuck, access-denied, console-killed, wrong-target
    #[arg(long)]
    pub fault: Option<Lesson>,
    #[command(flatten)]
    pub unattended: Unattended,
}

/// The practice of a name; the error lists them all.
pub(super) fn known(name: &str) -> Result<&'static Practice, String> {
    practice(name).ok_or_else(|| format!("the sandbox does not know it; it knows\n{}", listed()))
}

/// Two lines a practice: what has happened, and what can go wrong besides.
fn listed() -> String {
    let width = PRACTICES.iter().map(|practice| practice.name.len()).max().unwrap_or_default();
    let lines = PRACTICES.iter().map(|it| {
        let faults: Vec<_> = it.lessons.iter().map(|(lesson, _)| lesson.name()).collect();
        let faults = match faults.as_slice() {
            [] => String::new(),
            some => format!("  {:width$}  --fault {}\n", "", some.join(", ")),
        };
        format!("  {:width$}  {}\n{faults}", it.name, it.about)
    });
    lines.collect()
}

/// What is told before a practice: what has happened, and what will go wrong.
///
/// # Errors
/// One line: this practice does not have this fault, or nobody would be there to get out of it.
fn told(args: &DemoArgs) -> Result<String, String> {
    let practice = args.name;
    let about = format!("Practice, nothing here is real. {}.", practice.about);
    let Some(lesson) = args.fault else { return Ok(about) };
    let Some(lesson_told) = practice.told(lesson) else {
        let has: Vec<_> = practice.lessons.iter().map(|(lesson, _)| lesson.name()).collect();
        return Err(format!(
            "{} has no --fault {lesson}; it has {}",
            practice.name,
            has.join(", ")
        ));
    };
    if args.unattended.auto && lesson == Lesson::RestoreStuck {
        return Err(format!("--fault {lesson} needs somebody who cancels: leave --auto away"));
    }
    Ok(format!("{about}\n{lesson_told}"))
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
    let asked_for = told(args).and_then(|word| Ok((word, globals.runs_dir()?)));
    let (word, runs) = match asked_for {
        Ok(asked) => asked,
        Err(why) => return fail(USAGE, why),
    };
    let offer = match launch(args.name.name, args.fault, &runs) {
        Ok(offer) => offer,
        Err(why) => return fail(1, why),
    };
    let stay = Stay::at(&offer.endpoint);
    if args.unattended.auto {
        eprintln!("{word}\nThe sandbox listens on {}.", offer.endpoint);
    }
    let before = newest(&runs);
    let code = match asked(globals, args, conduct, offer, word, runs.clone()) {
        Ok((asked, entry)) => begin::begin(asked, &entry).await,
        Err(why) => fail(USAGE, why),
    };
    stay.leave(code, newest(&runs) != before).await
}

/// The run that was begun last.
fn newest(runs: &Path) -> Option<String> {
    journal::run_ids(runs).ok()?.pop()
}

fn asked(
    globals: &Globals,
    args: &DemoArgs,
    conduct: Conduct,
    offer: Offer,
    word: String,
    runs: PathBuf,
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
        speed: None,
        practice: Some(PRACTICE),
        word: Some(word),
        in_spite: None,
        accepted: Vec::new(),
        operator: globals.operator()?,
        runs,
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
