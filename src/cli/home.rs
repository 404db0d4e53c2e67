//! `steady` alone: the catalogue, full screen.

use std::process::ExitCode;

use chrono::Utc;

use super::begin::{self, Asked};
use super::conduct::Conduct;
use super::run::Unattended;
use super::{Globals, USAGE, fail, full_screen};
use crate::catalogue::{Entry, History, PastRun, past_runs};
use crate::driver::Clock;
use crate::tui::app;
use crate::tui::catalogue::{Card, Catalogue, Picked};
use crate::tui::start::Preset;
use crate::tui::terminal::Screen;

pub(super) fn run(globals: &Globals) -> ExitCode {
    match pick(globals) {
        Ok(Picked::Left) => ExitCode::SUCCESS,
        Ok(Picked::Runbook(id)) => match asked(globals, &id) {
            Ok((asked, entry)) => full_screen::block_on(begin::begin(asked, &entry))
                .unwrap_or_else(|why| fail(1, why)),
            Err(message) => fail(USAGE, message),
        },
        Err(message) => fail(USAGE, message),
    }
}

/// A run of what was picked: the form says everything else.
fn asked(globals: &Globals, id: &str) -> Result<(Asked, Entry), String> {
    let unattended = Unattended { auto: false, allow_destructive: false, json: false };
    let asked = Asked {
        conduct: Conduct::new(globals, unattended)?,
        settings: globals.load_settings()?,
        preset: Preset::default(),
        auto: None,
        speed: None,
        practice: None,
        word: None,
        in_spite: None,
        accepted: Vec::new(),
        operator: globals.operator()?,
        runs: globals.runs_dir()?,
        form_first: true,
    };
    Ok((asked, globals.find_runbook(id)?))
}

fn pick(globals: &Globals) -> Result<Picked, String> {
    let theme = full_screen::theme(globals)?;
    let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
    let mut app = catalogue(globals)?;
    full_screen::block_on(async {
        let mut screen = Screen::take().map_err(|e| e.to_string())?;
        let picked = app::run(&mut screen, &theme, &mut app, || clock.now()).await;
        picked.map_err(|e| format!("signals cannot be waited for: {e}"))
    })?
}

fn catalogue(globals: &Globals) -> Result<Catalogue, String> {
    let found = globals.catalogue()?;
    let past = globals.runs_dir().and_then(|runs| past_runs(&runs));
    let place = match &found.directory {
        Some(dir) => dir.display().to_string(),
        None => "the built-in catalogue".to_owned(),
    };
    let (past, remark) = match past {
        Ok(past) => (past, place),
        Err(why) => (Vec::new(), format!("{place}; past runs: {why}")),
    };
    let cards = found.entries.iter().map(|entry| card(entry, &past)).collect();
    Ok(Catalogue::new(cards, remark))
}

fn card(entry: &Entry, past: &[PastRun]) -> Card {
    let id = entry.id().to_owned();
    let Some(runbook) = &entry.checked.runbook else {
        return Card { title: entry.path.clone(), id, broken: entry.broken(), ..Card::default() };
    };
    Card {
        title: runbook.title.clone(),
        summary: runbook.summary.clone().unwrap_or_default(),
        tags: runbook.tags.clone(),
        rto: runbook.objectives.rto,
        rpo: runbook.objectives.rpo,
        steps: runbook.steps.len(),
        history: History::of(past, &id, Utc::now()),
        drill_every: runbook.drill_every,
        broken: entry.broken(),
        id,
    }
}
