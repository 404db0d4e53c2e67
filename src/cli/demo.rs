//! `steady demo`: a drill against the embedded sandbox. Nothing to install, no account, no network.

use std::process::ExitCode;

use chrono::Utc;

use super::conduct::{self, Conduct};
use super::run::{Unattended, refuse};
use super::{Globals, USAGE, fail};
use crate::actions::AwsAccess;
use crate::driver::{self, Auto, Run, Wish};
use crate::engine::Mode;
use crate::sandbox::{CREDENTIALS, Sandbox, SandboxOptions};
use crate::settings::Loaded;

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
    conduct::block_on(begin(globals, args))
}

async fn begin(globals: &Globals, args: &DemoArgs) -> ExitCode {
    let conduct = match Conduct::new(globals, args.unattended) {
        Ok(conduct) => conduct,
        Err(why) => return fail(USAGE, why),
    };
    let sandbox = match Sandbox::start(SandboxOptions::default()).await {
        Ok(sandbox) => sandbox,
        Err(e) => return fail(1, format!("the sandbox cannot listen on loopback: {e}")),
    };
    eprintln!("practice: nothing here is real; the sandbox listens on {}", sandbox.endpoint());
    let wish = || -> Result<_, String> {
        Ok((globals.find_runbook(RUNBOOK)?, globals.runs_dir()?, globals.operator()?))
    };
    let (entry, runs, operator) = match wish() {
        Ok(wish) => wish,
        Err(why) => return fail(USAGE, why),
    };
    // What is configured for real systems has no say here.
    let settings = Loaded::default();
    let wish = Wish {
        entry: &entry,
        settings: &settings,
        environment: None,
        mode: Some(Mode::Drill),
        given: sandbox.inputs(),
        typed: [].into(),
        incident: None,
        outage_start: Some(sandbox.damaged_at()),
        // There is nothing here that could be destroyed.
        auto: args.unattended.auto.then_some(Auto { allow_destructive: true }),
        practice: Some(access(&sandbox)),
        operator,
        runs,
        in_spite: None,
    };
    match driver::order(wish, Utc::now()).await {
        Ok(order) => match Run::begin(order) {
            // The sandbox lives as long as the run.
            Ok(run) => conduct.conduct(run).await,
            Err(why) => fail(1, why),
        },
        Err(trouble) => refuse(&trouble),
    }
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
