//! From what was asked for to a run: the form where something is missing, preflight, the run itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::conduct::Conduct;
use super::run::refuse;
use super::{fail, known};
use crate::catalogue::{self, Change, Entry, Familiar};
use crate::driver::{self, Auto, Clock, Order, Practice, Run, Trouble, Wish};
use crate::engine::Mode;
use crate::engine::event::{Accepted, Check, Seen};
use crate::runbook::timetext::parse_moment;
use crate::settings::Loaded;
use crate::tui::app::{self, App};
use crate::tui::change::{Changed, Verdict};
use crate::tui::preflight::{Cleared, Preflight};
use crate::tui::start::{Preset, StartForm};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;

/// What was asked for.
pub(super) struct Asked {
    pub(super) conduct: Conduct,
    pub(super) settings: Loaded,
    pub(super) preset: Preset,
    pub(super) auto: Option<Auto>,
    /// How many times as fast as planned a rehearsal goes.
    pub(super) speed: Option<u32>,
    /// What the sandbox brings, when this is practice.
    pub(super) practice: Option<Practice>,
    /// What is said before the first step, such as what a practice run is about.
    pub(super) word: Option<String>,
    /// Why a live run goes on in spite of preflight.
    pub(super) in_spite: Option<String>,
    /// The hashes of a changed runbook that is run unattended all the same.
    pub(super) accepted: Vec<String>,
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
    let familiar = match catalogue::familiar(entry, &asked.runs, &asked.operator) {
        Ok(familiar) => familiar,
        Err(why) => return fail(1, why),
    };
    if asked.conduct.is_unattended() {
        let seen = match known::unattended(entry, familiar, &asked.operator, &asked.accepted) {
            Ok(seen) => seen,
            Err(why) => return fail(super::USAGE, why),
        };
        return match asked.order(entry, &seen).await {
            Ok(order) => asked.conduct.conduct_new(order, None).await,
            Err(trouble) => refuse(&trouble),
        };
    }
    on_screen(asked, entry, familiar).await
}

/// The screens before a run.
struct Stage {
    screen: Screen,
    clock: Clock,
    /// One of them has taken keys: the last may still be held down.
    keyed: bool,
}

/// What changed, the form and preflight, then the run, on one screen.
async fn on_screen(mut asked: Asked, entry: &Entry, familiar: Familiar) -> ExitCode {
    let clock = match Clock::new() {
        Ok(clock) => clock,
        Err(e) => return fail(1, format!("this kernel tells no boot id: {e}")),
    };
    let mut stage = match Screen::take() {
        Ok(screen) => Stage { screen, clock, keyed: false },
        Err(e) => return fail(super::USAGE, e),
    };
    let seen = familiar.seen(Accepted::Shown);
    let mut ended = match familiar {
        Familiar::Changed(change) => asked.show_change(entry, change, &mut stage).await,
        Familiar::BuiltIn | Familiar::New | Familiar::Unchanged { .. } => Ok(true),
    };
    if asked.is_asked_first() && ended == Ok(true) {
        ended = asked.fill_in(entry, &mut stage).await;
    }
    // What failed when the reason was given to go on all the same.
    let mut accepted: Option<Vec<Check>> = None;
    while let Ok(true) = ended {
        match asked.order(entry, &seen).await {
            Ok(order) if accepted.as_ref().is_some_and(|seen| is_no_news(&order.checks, seen)) => {
                return asked.conduct.conduct_new(order, Some(stage.screen)).await;
            }
            Ok(mut order) => {
                let checks = order.checks.clone();
                // A reason of the command line is for whatever fails, one of the screen for what it showed.
                let reason = asked.in_spite.clone().filter(|_| accepted.is_none());
                match asked.show_checks(entry, order.mode, (checks, reason), &mut stage).await {
                    Ok(Cleared::Begin(reason)) => {
                        order.preflight_overridden = reason.or(order.preflight_overridden);
                        return asked.conduct.conduct_new(order, Some(stage.screen)).await;
                    }
                    Ok(Cleared::Back) => ended = asked.fill_in(entry, &mut stage).await,
                    Ok(Cleared::Left) => ended = Ok(false),
                    Err(why) => ended = Err(why),
                }
            }
            Err(Trouble::Inputs(_)) => ended = asked.fill_in(entry, &mut stage).await,
            Err(Trouble::Preflight(checks)) => {
                let mode = asked.mode();
                let shown = (checks.clone(), None);
                match asked.show_checks(entry, mode, shown, &mut stage).await {
                    Ok(Cleared::Begin(Some(reason))) => {
                        asked.in_spite = Some(reason);
                        accepted = Some(checks);
                    }
                    Ok(Cleared::Begin(None)) => {}
                    Ok(Cleared::Back) => {
                        // The reason was for what was asked then.
                        (asked.in_spite, accepted) = (None, None);
                        ended = asked.fill_in(entry, &mut stage).await;
                    }
                    Ok(Cleared::Left) => ended = Ok(false),
                    Err(why) => ended = Err(why),
                }
            }
            Err(trouble @ (Trouble::Refused(_) | Trouble::Secrets(_))) => {
                drop(stage);
                return refuse(&trouble);
            }
        }
    }
    drop(stage);
    match ended {
        Ok(_) => {
            println!("left: nothing was begun");
            ExitCode::from(5)
        }
        Err(why) => fail(1, why),
    }
}

/// Whether nothing failed that had not failed before: the reason that was given covers it, and is not asked
/// for again.
fn is_no_news(checks: &[Check], seen: &[Check]) -> bool {
    let known = |check: &Check| seen.iter().any(|before| !before.ok && before.name == check.name);
    checks.iter().filter(|check| !check.ok).all(known)
}

impl Stage {
    async fn run<A: App>(&mut self, theme: &Theme, app: &mut A) -> Result<A::Done, String> {
        self.keyed = true;
        app::run(&mut self.screen, theme, app, || self.clock.now())
            .await
            .map_err(|e| format!("the screen failed: {e}"))
    }
}

impl Asked {
    async fn order(&self, entry: &Entry, seen: &Seen) -> Result<Order, Trouble> {
        let now = Utc::now();
        let wish = Wish {
            entry,
            settings: &self.settings,
            environment: self.preset.environment.clone(),
            mode: self.preset.mode,
            speed: self.speed,
            given: self.preset.inputs.clone(),
            incident: self.preset.incident.clone(),
            outage_start: self.outage_start(now)?,
            auto: self.auto,
            practice: self.practice,
            operator: self.operator.clone(),
            runs: self.runs.clone(),
            in_spite: self.in_spite.clone(),
            seen: seen.clone(),
        };
        driver::order(wish, now).await
    }

    fn outage_start(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Trouble> {
        let Some(text) = &self.preset.outage_start else { return Ok(None) };
        parse_moment(text, now)
            .map(Some)
            .map_err(|e| Trouble::Refused(format!("--outage-start: {e}")))
    }

    /// The form comes first: it was asked for, or this is an incident of which the ticket or the start of the
    /// outage was not told.
    fn is_asked_first(&self) -> bool {
        let told = self.preset.incident.is_some() && self.preset.outage_start.is_some();
        self.form_first || (self.mode() == Mode::Live && !told)
    }

    fn mode(&self) -> Mode {
        let environment = self.preset.environment.as_deref();
        let known = environment.and_then(|name| self.settings.settings.environment(name).ok());
        self.preset.mode.or(known.map(|known| known.mode)).unwrap_or(Mode::Live)
    }

    /// Shows what changed; `false` when it was left.
    async fn show_change(
        &self,
        entry: &Entry,
        change: Change,
        stage: &mut Stage,
    ) -> Result<bool, String> {
        let mut changed = Changed::new(&entry.runbook()?.title, change, &stage.clock.now());
        let verdict = stage.run(self.conduct.theme(), &mut changed).await?;
        Ok(verdict == Verdict::Accepted)
    }

    /// Shows the form; `false` when it was left.
    async fn fill_in(&mut self, entry: &Entry, stage: &mut Stage) -> Result<bool, String> {
        let runbook = Arc::new(entry.runbook()?.clone());
        let settings = Arc::new(self.settings.settings.clone());
        let practice = self.practice;
        let env = Arc::new(move |name: &str| Practice::env(practice, name));
        self.preset.mode.get_or_insert(self.mode());
        let mut form = StartForm::new(runbook, settings, &self.preset, env, &stage.clock.now());
        let start = stage.run(self.conduct.theme(), &mut form).await?;
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
        (checks, reason): (Vec<Check>, Option<String>),
        stage: &mut Stage,
    ) -> Result<Cleared, String> {
        let title = &entry.runbook()?.title;
        let text = String::from_utf8_lossy(&entry.bytes);
        let mut preflight = Preflight::new(title, self.word.clone(), mode, checks).of(&text);
        preflight = preflight.in_spite(reason);
        if stage.keyed {
            preflight = preflight.after_another(&stage.clock.now());
        }
        stage.run(self.conduct.theme(), &mut preflight).await
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
