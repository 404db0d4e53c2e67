//! `steady demo`: a drill against the embedded sandbox. Nothing to install, no account, no network.

use std::process::ExitCode;

use super::begin::{self, Asked};
use super::conduct::Conduct;
use super::run::Unattended;
use super::{Globals, USAGE, fail, full_screen};
use crate::aws::AwsAccess;
use crate::catalogue::Entry;
use crate::driver::Auto;
use crate::engine::Mode;
use crate::sandbox::{CREDENTIALS, Sandbox, SandboxOptions};
use crate::settings::Loaded;
use crate::tui::start::Preset;

/// What the sandbox can rehearse.
const RUNBOOK: &str = "aurora-pitr";

/// Arguments of `steady demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// What to practise
    #[arg(value_name = "NAME", default_value = RUNBOOK)]
    pub name: String,
    #[command(flatten)]
    pub unattended: Unattended,
}

pub(super) fn run(globals: &Globals, args: &DemoArgs) -> ExitCode {
    if args.name != RUNBOOK {
        return fail(USAGE, format!("the sandbox knows only {RUNBOOK}: steady demo {RUNBOOK}"));
    }
    full_screen::block_on(practise(globals, args)).unwrap_or_else(|why| fail(1, why))
}

async fn practise(globals: &Globals, args: &DemoArgs) -> ExitCode {
    let sandbox = match Sandbox::start(SandboxOptions::default()).await {
        Ok(sandbox) => sandbox,
        Err(e) => return fail(1, format!("the sandbox cannot listen on loopback: {e}")),
    };
    // The sandbox lives as long as the run.
    match asked(globals, args, &sandbox) {
        Ok((asked, entry)) => {
            eprintln!(
                "practice: nothing here is real; the sandbox listens on {}",
                sandbox.endpoint()
            );
            begin::begin(asked, &entry).await
        }
        Err(why) => fail(USAGE, why),
    }
}

fn asked(globals: &Globals, args: &DemoArgs, sandbox: &Sandbox) -> Result<(Asked, Entry), String> {
    let asked = Asked {
        conduct: Conduct::new(globals, args.unattended)?,
        // What is configured for real systems has no say here.
        settings: Loaded::default(),
        preset: Preset {
            environment: None,
            mode: Some(Mode::Drill),
            incident: None,
            outage_start: Some(sandbox.damaged_at().to_rfc3339()),
            inputs: sandbox.inputs(),
        },
        // There is nothing here that could be destroyed.
        auto: args.unattended.auto.then_some(Auto { allow_destructive: true }),
        practice: Some(access(sandbox)),
        in_spite: None,
        operator: globals.operator()?,
        runs: globals.runs_dir()?,
        form_first: false,
    };
    Ok((asked, globals.find_runbook(RUNBOOK)?))
}

fn access(sandbox: &Sandbox) -> AwsAccess {
    let (key, secret) = CREDENTIALS;
    AwsAccess {
        profile: None,
        region: Some(sandbox.region().to_owned()),
        endpoint: Some(sandbox.endpoint()),
        practice_credentials: Some((key.to_owned(), secret.to_owned())),
    }
}
