//! From what was asked for to a run: the form where something is missing, preflight, the run itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::conduct::Conduct;
use super::fail;
use super::run::refuse;
use crate::catalogue::Entry;
use crate::driver::{self, Auto, Clock, Order, Practice, Run, Trouble, Wish};
use crate::engine::Mode;
use crate::engine::event::Check;
use crate::runbook::timetext::parse_moment;
use crate::settings::Loaded;
use crate::tui::app;
use crate::tui::preflight::{Cleared, Preflight};
use crate::tui::start::{Preset, StartForm};
use crate::tui::terminal::Screen;

/// What was asked for.
pub(super) struct Asked {
    pub(super) conduct: Conduct,
    pub(super) settings: Loaded,
    pub(super) preset: Preset,
    pub(super) auto: Option<Auto>,
    /// What the sandbox brings, when this is practice.
    pub(super) practice: Option<Practice>,
    /// What is said before the first step, such as what a practice run is about.
    pub(super) word: Option<String>,
    /// Why a live run goes on in spite of preflight.
    pub(super) in_spite: Option<String>,
    pub(super) operator: String,
    pub(super) runs: PathBuf,
    /// The form is shown even when nothing is missing.
    pub(super) form_first: bool,
}

/// Begins a run and conducts it to its end.
pub(super) async fn begin(asked: Asked, entry: &Entry) -> ExitCode {
    if let Err(why) = entry.runbook() {
        return fail(1, why);
    }
    if asked.conduct.is_unattended() {
        return match asked.order(entry).await {
            Ok(order) => asked.conduct.conduct_new(order, None).await,
            Err(trouble) => refuse(&trouble),
        };
    }
    on_screen(asked, entry).await
}

/// The form and preflight, then the run, on one screen.
async fn on_screen(mut asked: Asked, entry: &Entry) -> ExitCode {
    let clock = match Clock::new() {
        Ok(clock) => clock,
        Err(e) => return fail(1, format!("this kernel tells no boot id: {e}")),
    };
    let mut screen = match Screen::take() {
        Ok(screen) => screen,
        Err(e) => return fail(super::USAGE, e),
    };
    let mut ended = Ok(true);
    if asked.form_first {
        ended = asked.fill_in(entry, &mut screen, &clock).await;
    }
    while let Ok(true) = ended {
        match asked.order(entry).await {
            Ok(order) => {
                let checks = order.checks.clone();
                match asked.show_checks(entry, order.mode, checks, &mut screen, &clock).await {
                    Ok(Cleared::Begin(_)) => {
                        return asked.conduct.conduct_new(order, Some(screen)).await;
                    }
                    Ok(Cleared::Back) => ended = asked.fill_in(entry, &mut screen, &clock).await,
                    Ok(Cleared::Left) => ended = Ok(false),
                    Err(why) => ended = Err(why),
                }
            }
            Err(Trouble::Inputs(_)) => ended = asked.fill_in(entry, &mut screen, &clock).await,
            Err(Trouble::Preflight(checks)) => {
                let mode = asked.mode();
                match asked.show_checks(entry, mode, checks, &mut screen, &clock).await {
                    Ok(Cleared::Begin(Some(reason))) => asked.in_spite = Some(reason),
                    Ok(Cleared::Begin(None)) => {}
                    Ok(Cleared::Back) => ended = asked.fill_in(entry, &mut screen, &clock).await,
                    Ok(Cleared::Left) => ended = Ok(false),
                    Err(why) => ended = Err(why),
                }
            }
            Err(trouble @ (Trouble::Refused(_) | Trouble::Secrets(_))) => {
                drop(screen);
                return refuse(&trouble);
            }
        }
    }
    drop(screen);
    match ended {
        Ok(_) => {
            println!("left: nothing was begun");
            ExitCode::from(5)
        }
        Err(why) => fail(1, why),
    }
}

impl Asked {
    async fn order(&self, entry: &Entry) -> Result<Order, Trouble> {
        let now = Utc::now();
        let wish = Wish {
            entry,
            settings: &self.settings,
            environment: self.preset.environment.clone(),
            mode: self.preset.mode,
            given: self.preset.inputs.clone(),
            incident: self.preset.incident.clone(),
            outage_start: self.outage_start(now)?,
            auto: self.auto,
            practice: self.practice,
            operator: self.operator.clone(),
            runs: self.runs.clone(),
            in_spite: self.in_spite.clone(),
        };
        driver::order(wish, now).await
    }

    fn outage_start(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Trouble> {
        let Some(text) = &self.preset.outage_start else { return Ok(None) };
        parse_moment(text, now)
            .map(Some)
            .map_err(|e| Trouble::Refused(format!("--outage-start: {e}")))
    }

    fn mode(&self) -> Mode {
        let environment = self.preset.environment.as_deref();
        let known = environment.and_then(|name| self.settings.settings.environment(name).ok());
        self.preset.mode.or(known.map(|known| known.mode)).unwrap_or(Mode::Live)
    }

    /// Shows the form; `false` when it was left.
    async fn fill_in(
        &mut self,
        entry: &Entry,
        screen: &mut Screen,
        clock: &Clock,
    ) -> Result<bool, String> {
        let runbook = Arc::new(entry.runbook()?.clone());
        let settings = Arc::new(self.settings.settings.clone());
        let practice = self.practice;
        let env = Arc::new(move |name: &str| Practice::env(practice, name));
        self.preset.mode.get_or_insert(self.mode());
        let mut form = StartForm::new(runbook, settings, &self.preset, env, &clock.now());
        let start = app::run(screen, self.conduct.theme(), &mut form, || clock.now())
            .await
            .map_err(|e| format!("the screen failed: {e}"))?;
        let Some(start) = start else { return Ok(false) };
        self.preset = Preset {
            environment: start.environment,
            mode: Some(start.mode),
            incident: start.incident,
            outage_start: Some(start.outage_start.to_rfc3339()),
            inputs: start.inputs,
        };
        Ok(true)
    }

    async fn show_checks(
        &self,
        entry: &Entry,
        mode: Mode,
        checks: Vec<Check>,
        screen: &mut Screen,
        clock: &Clock,
    ) -> Result<Cleared, String> {
        let mut preflight =
            Preflight::new(&entry.runbook()?.title, self.word.clone(), mode, checks);
        app::run(screen, self.conduct.theme(), &mut preflight, || clock.now())
            .await
            .map_err(|e| format!("the screen failed: {e}"))
    }
}

impl Conduct {
    /// Begins the run of an order and conducts it.
    async fn conduct_new(self, order: Order, screen: Option<Screen>) -> ExitCode {
        match Run::begin(order) {
            Ok(run) => self.conduct(run, screen).await,
            Err(why) => {
                drop(screen);
                fail(1, why)
            }
        }
    }
}
