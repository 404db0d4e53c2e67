//! From what a person asks for to an [`Order`]: inputs resolved, secrets fetched, preflight done. All of
//! it before there is a run directory: what is refused here leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::autopilot::Auto;
use super::environment as held;
use super::open::{Hands, Order};
use super::outside::Outside;
use super::rehearsal::SPEED;
use super::signing;
use crate::actions::secrets::Secrets;
use crate::aws::AwsAccess;
use crate::catalogue::{self, Entry};
use crate::custody;
use crate::engine::event::{Check, Pins, Seen};
use crate::engine::{Fact, Mode};
use crate::ingest::Redactor;
use crate::journal;
use crate::preflight;
use crate::runbook::inputs::{Given, InputProblem, SecretSource, resolve, unread};
use crate::runbook::value::mask;
use crate::runbook::{Runbook, Value};
use crate::settings::{self, Environment, Loaded};

/// What a person asks for.
pub struct Wish<'a> {
    /// The runbook.
    pub entry: &'a Entry,
    /// The settings in force.
    pub settings: &'a Loaded,
    /// The environment's name.
    pub environment: Option<String>,
    /// Otherwise the environment's mode, otherwise live.
    pub mode: Option<Mode>,
    /// How many times as fast as planned a rehearsal goes; otherwise [`SPEED`].
    pub speed: Option<u32>,
    /// Input values.
    pub given: Given,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// The start of the outage; otherwise now.
    pub outage_start: Option<DateTime<Utc>>,
    /// Unattended.
    pub auto: Option<Auto>,
    /// What the sandbox brings, when this is practice.
    pub practice: Option<Practice>,
    /// Who.
    pub operator: String,
    /// Where runs are kept.
    pub runs: PathBuf,
    /// Why a live run goes on in spite of preflight.
    pub in_spite: Option<String>,
    /// What the operator knows of the runbook.
    pub seen: Seen,
}

/// What the embedded sandbox brings instead of the operator's own.
#[derive(Clone, Copy, Debug)]
pub struct Practice {
    /// Its keys for AWS, `(access key, secret key)`.
    pub credentials: (&'static str, &'static str),
    /// Stands for the environment variables of the operator, of which practice takes nothing.
    pub env: fn(&str) -> Option<&'static str>,
}

impl Practice {
    /// The environment variable `name`, of practice or else of this process.
    #[must_use]
    pub fn env(practice: Option<Self>, name: &str) -> Option<String> {
        match practice {
            Some(practice) => (practice.env)(name).map(str::to_owned),
            None => std::env::var(name).ok(),
        }
    }
}

/// Why there is no run.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// The command or the settings ask for what may not be.
    Refused(String),
    /// Inputs without a good value.
    Inputs(Vec<InputProblem>),
    /// Secrets that cannot be had, one line each.
    Secrets(Vec<String>),
    /// What preflight found.
    Preflight(Vec<Check>),
}

impl Trouble {
    /// One line a problem, each with its remedy.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Refused(why) => vec![why.clone()],
            Self::Inputs(problems) => problems
                .iter()
                .map(|problem| match &problem.help {
                    Some(help) => format!("{problem}; {help}"),
                    None => problem.to_string(),
                })
                .collect(),
            Self::Secrets(problems) => problems.clone(),
            Self::Preflight(checks) => checks
                .iter()
                .filter(|check| !check.ok)
                .map(|check| format!("preflight: {}: {}", check.name, check.detail))
                .collect(),
        }
    }
}

/// Prepares a run. Reads the environment, fetches secrets, asks AWS who we are; changes nothing.
///
/// # Errors
/// Every problem of the first kind that there is one of.
pub async fn order(wish: Wish<'_>, now: DateTime<Utc>) -> Result<Order, Trouble> {
    let refused = Trouble::Refused;
    let runbook = Arc::new(wish.entry.runbook().map_err(refused)?.clone());
    let environment = match &wish.environment {
        Some(name) => Some(wish.settings.settings.environment(name).map_err(refused)?),
        None => None,
    };
    let mode = mode_of(&wish, environment)?;
    let rehearsal = mode == Mode::Rehearsal;
    if wish.speed.is_some() && !rehearsal {
        return Err(refused("--speed is for rehearsals: add --mode rehearsal".into()));
    }
    if wish.auto.is_some() && !rehearsal {
        refuse_terminal(&runbook)?;
    }
    let outage_start = wish.outage_start.unwrap_or(now);
    if outage_start > now {
        return Err(Trouble::Refused("the outage cannot start in the future".into()));
    }
    let practice = wish.practice;
    let env = |name: &str| Practice::env(practice, name);
    let nothing = Given::new();
    let from_settings = environment.map_or(&nothing, |environment| &environment.inputs);
    let inputs = if rehearsal {
        resolve(&runbook.inputs, &wish.given, from_settings, &unread(&runbook.inputs, &env), now)
    } else {
        resolve(&runbook.inputs, &wish.given, from_settings, &env, now)
    };
    let inputs = inputs.map_err(Trouble::Inputs)?;
    let redactor = Redactor::of_process();
    let secrets = if rehearsal {
        Secrets::default()
    } else {
        Secrets::fetch(&inputs.secrets, &env, &redactor).await.map_err(Trouble::Secrets)?
    };
    let sources = inputs.secrets.iter().map(|(name, source)| (name.clone(), source.to_string()));
    let (aws, pins) = access(environment, practice);
    // Tools are looked for where they would be run from: in practice too.
    let here = |name: &str| std::env::var(name).ok();
    let named = runbook.requires.env.iter();
    let shown = |name: &String| {
        // A variable may be asked for because a secret is read from it.
        let source = SecretSource::Env(name.clone());
        let secret = inputs.secrets.iter().find(|(_, from)| **from == source);
        secret.map_or_else(|| here(name).map(|text| redactor.redact(&text)), |(s, _)| Some(mask(s)))
    };
    let named: BTreeMap<String, String> =
        named.filter_map(|name| Some((name.clone(), shown(name)?))).collect();
    let scope = Value::map([
        ("inputs", Value::Map(inputs.values.clone())),
        ("steps", Value::map::<String>([])),
        ("env", Value::map(named.iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))))),
    ]);
    let live = wish.environment.as_deref().filter(|_| mode == Mode::Live);
    if let Some(name) = live
        && let Some(holder) = held::holder(&wish.runs, name, &pins)
    {
        return Err(Trouble::Refused(held::refusal(name, &holder)));
    }
    let unfinished = live.map(|name| held::unfinished(&wish.runs, name)).unwrap_or_default();
    let mut checks = vec![known(&wish)];
    checks.extend(unguarded(wish.entry, &wish.seen));
    let targets = environment
        .filter(|_| mode == Mode::Drill)
        .and_then(|environment| environment.targets.as_ref());
    let wanted = preflight::Wanted {
        runbook: &runbook,
        aws: &aws,
        pins: &pins,
        targets,
        scope: &scope,
        secrets: &secrets,
        runs: &wish.runs,
        env: &here,
    };
    if rehearsal {
        checks.extend(preflight::would_check(&wanted, &inputs.secrets));
    } else {
        checks.extend(preflight::check(wanted).await);
    }
    checks.extend(unfinished.iter().map(|said| Check {
        name: "an earlier run".into(),
        ok: true,
        detail: said.clone(),
    }));
    // A rehearsal runs no program, ssh-keygen neither, and leaves nothing to vouch for.
    let signs = wish.settings.settings.signing.as_ref().filter(|_| !rehearsal);
    let mut signing = None;
    if let Some(settings) = signs {
        let (terms, check) = signing::try_out(settings).await;
        signing = Some(terms);
        checks.push(check);
    }
    let quiet = rehearsal || practice.is_some();
    let outside = Outside::of(Some(&wish.settings.settings), quiet);
    let failed = checks.iter().any(|check| !check.ok);
    if failed && (wish.in_spite.is_none() || mode != Mode::Live) {
        return Err(Trouble::Preflight(checks));
    }
    Ok(Order {
        env: named,
        runs: wish.runs,
        runbook_bytes: wish.entry.bytes.clone(),
        included: wish.entry.pins(),
        settings_bytes: wish.settings.file.as_ref().map(|(_, bytes)| bytes.clone()),
        runbook,
        mode,
        speed: rehearsal.then(|| wish.speed.unwrap_or(SPEED)),
        phrase: (mode == Mode::Live)
            .then(|| wish.environment.clone().unwrap_or_else(preflight::host)),
        targets: targets.cloned(),
        shared: wish.settings.settings.shared,
        environment: wish.environment,
        incident: wish.incident,
        organisation: wish.settings.settings.organisation.clone(),
        outage_start,
        secret_sources: sources.collect(),
        inputs: inputs.values,
        checks,
        preflight_overridden: wish.in_spite.filter(|_| failed),
        unfinished,
        practice: practice.is_some(),
        seen: wish.seen,
        signing,
        hands: Hands {
            operator: wish.operator,
            secrets: Arc::new(secrets),
            redactor,
            aws,
            pins,
            auto: wish.auto,
            signer: signs.map(signing::signer),
            outside,
            allowed_signers: wish.settings.settings.allowed_signers.clone(),
        },
    })
}

/// What the operator knows of the runbook.
fn known(wish: &Wish<'_>) -> Check {
    let hash = journal::sha256_hex(&wish.entry.bytes);
    let detail = format!("{}; SHA-256 {hash}", wish.seen);
    Check { name: "runbook".into(), ok: true, detail }
}

/// Runbooks that others may write: a change is shown before it is run, so this only warns.
fn unguarded(entry: &Entry, seen: &Seen) -> Vec<Check> {
    if *seen == Seen::BuiltIn {
        return Vec::new();
    }
    let included = entry.checked.included.iter().map(|one| one.file.as_str());
    let files: BTreeSet<&str> = included.chain([entry.path.as_str()]).collect();
    let refused = |file: &str| custody::refuse_writable(Path::new(file)).err();
    let check =
        |why| Check { name: "runbook file".into(), ok: true, detail: format!("warning: {why}") };
    files.into_iter().filter_map(refused).map(check).collect()
}

fn mode_of(wish: &Wish<'_>, environment: Option<&Environment>) -> Result<Mode, Trouble> {
    let refuse = |why: &str| Err(Trouble::Refused(why.to_owned()));
    let of_environment = environment.map(|environment| environment.mode);
    let mode = wish.mode.or(of_environment).unwrap_or(Mode::Live);
    if let (Some(name), Some(of)) = (&wish.environment, of_environment)
        && mode != of
        && mode != Mode::Rehearsal
    {
        return Err(Trouble::Refused(format!(
            "the environment `{name}` is for {}: choose that, or --mode rehearsal",
            of.name()
        )));
    }
    if wish.auto.is_none() {
        return Ok(mode);
    }
    if mode == Mode::Live {
        return refuse(
            "--auto is never live: add --mode drill or rehearsal, or use an environment of drills",
        );
    }
    let says_so = wish.mode.is_some() || environment.is_some_and(|environment| environment.auto);
    if says_so {
        Ok(mode)
    } else {
        refuse("--auto needs --mode drill or rehearsal, or an environment that says `auto: true`")
    }
}

/// Nobody is there to type.
fn refuse_terminal(runbook: &Runbook) -> Result<(), Trouble> {
    match runbook.steps.iter().find(|step| step.action.wants_terminal()) {
        Some(step) => Err(Trouble::Refused(format!(
            "`{}` has `tty: true` and needs a person at the terminal: run it without --auto",
            step.id
        ))),
        None => Ok(()),
    }
}

fn access(environment: Option<&Environment>, practice: Option<Practice>) -> (AwsAccess, Pins) {
    // Practice has its keys with or without an environment: it never calls with anybody's own.
    let practice_credentials = practice.map(|practice| {
        let (key, secret) = practice.credentials;
        (key.to_owned(), secret.to_owned())
    });
    let aws = environment.map(|environment| environment.aws.clone()).unwrap_or_default();
    let aws = AwsAccess {
        profile: aws.profile,
        region: aws.region,
        endpoint: aws.endpoint,
        practice_credentials,
    };
    (aws, environment.map(|environment| environment.pins.clone()).unwrap_or_default())
}

/// What a run directory pins: the runbook and what opens the run again.
pub struct Pinned {
    /// As checked again.
    pub runbook: Arc<Runbook>,
    /// The first record's contents.
    pub started: crate::engine::event::RunStarted,
    /// Only the debrief is left.
    over: bool,
    settings: Option<settings::Settings>,
}

impl Pinned {
    /// Reads what a run directory pins.
    ///
    /// # Errors
    /// One line: it is not readable, or not what the run began with.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let runbook = catalogue::pinned(dir)?;
        let contents = journal::read(dir).map_err(|e| e.to_string())?;
        let started = contents.records.first().and_then(|record| match &record.event.fact {
            Fact::RunStarted(started) => Some((**started).clone()),
            _ => None,
        });
        let mut facts = contents.records.iter().map(|record| &record.event.fact);
        let over = facts.any(|fact| matches!(fact, Fact::RunFinished { .. }));
        let started =
            started.ok_or_else(|| format!("{} does not begin with a run", dir.display()))?;
        let settings = match std::fs::read(dir.join(journal::SETTINGS)) {
            Ok(bytes) => settings::check(&bytes, journal::SETTINGS).settings,
            Err(_) => None,
        };
        Ok(Self { runbook: Arc::new(runbook), started, over, settings })
    }

    /// The environment that the run began with, as its settings have it.
    #[must_use]
    pub fn environment(&self) -> Option<&Environment> {
        let name = self.started.environment.as_deref()?;
        self.settings.as_ref()?.environments.get(name)
    }

    /// What opens the run again: secrets are fetched anew from where they were, or from `instead`;
    /// checkpoints are signed as the settings in force say.
    ///
    /// # Errors
    /// One line a secret that cannot be had.
    pub async fn hands(
        &self,
        operator: String,
        instead: &Given,
        auto: Option<Auto>,
        practice: Option<Practice>,
        settings: &settings::Settings,
    ) -> Result<Hands, Trouble> {
        let rehearsal = self.started.mode == Mode::Rehearsal;
        if auto.is_some() && !rehearsal {
            refuse_terminal(&self.runbook)?;
        }
        let redactor = Redactor::of_process();
        let mut sources = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, source) in self.started.secrets.iter().filter(|_| !rehearsal) {
            let text = instead.get(name).unwrap_or(source);
            match SecretSource::parse(text) {
                Some(source) => {
                    sources.insert(name.clone(), source);
                }
                None => problems.push(format!(
                    "secret input `{name}`: not env:NAME, file:/path, cmd:COMMAND or ask; \
                     add -i {name}=env:VARIABLE"
                )),
            }
        }
        if !problems.is_empty() {
            return Err(Trouble::Secrets(problems));
        }
        let env = |name: &str| Practice::env(practice, name);
        let secrets = match Secrets::fetch(&sources, &env, &redactor).await {
            Ok(secrets) => secrets,
            // The debrief needs none: those that are still there are masked in what is said.
            Err(_) if self.over => Secrets::default(),
            Err(problems) => return Err(Trouble::Secrets(problems)),
        };
        let (aws, _) = access(self.environment(), practice);
        Ok(Hands {
            operator,
            secrets: Arc::new(secrets),
            redactor,
            aws,
            // What the run began with holds: settings that changed since cannot loosen it.
            pins: self.started.pins.clone(),
            auto,
            // With the key of who goes on, who may be another than who began.
            signer: settings.signing.as_ref().filter(|_| !rehearsal).map(signing::signer),
            outside: Outside::of(self.settings.as_ref(), rehearsal || practice.is_some()),
            allowed_signers: settings.allowed_signers.clone(),
        })
    }
}
