//! The index of past runs: each is the fold of its journal, read anew. Nothing is cached, so nothing
//! can be out of date.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::engine::event::{Ending, Previous, RunStarted};
use crate::engine::objectives::{RecoveryPoint, RecoveryTime, passed, recovery_time, rpo};
use crate::engine::{Fact, Mode, Recorded, Stamp, State};
use crate::journal;

/// A run as its directory tells it.
#[derive(Debug)]
pub struct Folded {
    /// The fold of every record.
    pub state: State,
    /// The records.
    pub records: Vec<Recorded>,
    /// The SHA-256 of the last line.
    pub head: String,
    /// A record at the end is cut short: the next console sets it aside.
    pub torn: bool,
}

/// Folds the journal of a run directory with the runbook that is pinned in it.
///
/// # Errors
/// One line: what cannot be read.
pub fn fold(dir: &Path) -> Result<Folded, String> {
    let contents = journal::read(dir).map_err(|e| e.to_string())?;
    let runbook = super::pinned(dir)?;
    let state = State::new(Arc::new(runbook)).apply_all(&contents.records);
    Ok(Folded { state, records: contents.records, head: contents.head, torn: contents.torn > 0 })
}

/// One run in the list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PastRun {
    /// Its id.
    pub run: String,
    /// The runbook's id.
    pub runbook: Option<String>,
    /// Live, drill or rehearsal.
    pub mode: Option<Mode>,
    /// Against the embedded sandbox.
    pub practice: bool,
    /// Who began it.
    pub operator: Option<String>,
    /// The first record.
    pub started: Option<DateTime<Utc>>,
    /// The end.
    pub finished: Option<DateTime<Utc>>,
    /// Where it stands.
    pub outcome: Standing,
    /// Whether it passed; `None` while it goes on.
    pub passed: Option<bool>,
    /// Recovery time.
    pub rto: Measured,
    /// Recovery point.
    pub rpo: Measured,
    /// How many deviations there are.
    pub deviations: usize,
    /// Why it cannot be read, or that the run before it is missing or is not as it was.
    pub problem: Option<String>,
    /// Its directory.
    #[serde(skip)]
    pub dir: PathBuf,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Every step has an outcome.
    Completed,
    /// The operator gave up.
    Aborted,
    /// There is work left: a console has it, or it can be resumed.
    Unfinished,
    /// Its record cannot be read.
    Unreadable,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::Unfinished => "unfinished",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An objective and what it came to, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// What was asked for.
    pub target_s: Option<i64>,
    /// What it came to.
    pub actual_s: Option<i64>,
    /// `None`: nobody can say.
    pub met: Option<bool>,
}

/// Every run in the directory of runs, the newest first. Those that cannot be read are listed too: a
/// run must not vanish from the list because it was damaged.
///
/// # Errors
/// One line: the directory cannot be read.
pub fn past_runs(runs: &Path) -> Result<Vec<PastRun>, String> {
    let mut ids =
        journal::run_ids(runs).map_err(|e| format!("cannot read {}: {e}", runs.display()))?;
    let mut past: Vec<_> = ids.iter().map(|id| past_run(runs, id)).collect();
    ids.sort();
    for run in &mut past {
        let before = journal::first_record(&run.dir).and_then(|first| match first.event.fact {
            Fact::RunStarted(start) => start.previous,
            _ => None,
        });
        if let (Some(before), None) = (before, &run.problem) {
            run.problem = missing(runs, &ids, &before);
        }
    }
    past.sort_by(|a, b| (b.started, &b.run).cmp(&(a.started, &a.run)));
    Ok(past)
}

/// What is amiss with the run before one.
fn missing(runs: &Path, ids: &[String], before: &Previous) -> Option<String> {
    if ids.binary_search(&before.run).is_err() {
        return Some(format!("the run before it, {}, is not here", before.run));
    }
    // Where its head could not be read at the time there is nothing to compare.
    let same = before.head.is_empty() || journal::was_head(&runs.join(&before.run), &before.head);
    (!same).then(|| format!("the run before it, {}, is not as it was then", before.run))
}

fn past_run(runs: &Path, id: &str) -> PastRun {
    let dir = runs.join(id);
    let first = journal::first_record(&dir);
    let start = first.as_ref().and_then(|r| match &r.event.fact {
        Fact::RunStarted(start) => Some((r.stamp.at, &**start)),
        _ => None,
    });
    let empty = PastRun {
        run: id.to_owned(),
        runbook: start.map(|(_, start)| start.runbook.clone()),
        mode: start.map(|(_, start)| start.mode),
        practice: start.is_some_and(|(_, start)| start.practice),
        operator: start.map(|(_, start)| start.operator.clone()),
        started: start.map(|(at, _)| at),
        finished: None,
        outcome: Standing::Unreadable,
        passed: None,
        rto: Measured::default(),
        rpo: Measured::default(),
        deviations: 0,
        problem: None,
        dir: dir.clone(),
    };
    match fold(&dir) {
        Err(problem) => PastRun { problem: Some(problem), ..empty },
        Ok(folded) => of_state(&folded.state, empty),
    }
}

fn of_state(state: &State, empty: PastRun) -> PastRun {
    let Some(now) = &state.last else { return empty };
    let (rto, rpo) = measured(state, now);
    PastRun {
        runbook: state.run().map(|RunStarted { runbook, .. }| runbook.clone()),
        finished: state.finished.as_ref().map(|(stamp, ..)| stamp.at),
        outcome: match state.finished.as_ref().map(|(_, ending, _)| ending) {
            Some(Ending::Completed) => Standing::Completed,
            Some(Ending::Aborted) => Standing::Aborted,
            None => Standing::Unfinished,
        },
        passed: passed(state),
        rto,
        rpo,
        deviations: state.deviations.len(),
        ..empty
    }
}

/// Recovery time and recovery point against their objectives.
pub(super) fn measured(state: &State, now: &Stamp) -> (Measured, Measured) {
    let clock = recovery_time(state, now);
    let point = rpo(state);
    let objectives = &state.runbook.objectives;
    let rto = Measured {
        target_s: objectives.rto.map(|d| d.num_seconds()),
        actual_s: clock.as_ref().filter(|c| c.stopped).map(|c| c.elapsed.num_seconds()),
        met: clock.as_ref().and_then(RecoveryTime::met),
    };
    let rpo = Measured {
        target_s: objectives.rpo.map(|d| d.num_seconds()),
        actual_s: point.as_ref().map(|p| p.actual.num_seconds()),
        met: point.as_ref().and_then(RecoveryPoint::met),
    };
    (rto, rpo)
}
