//! Two runs of one runbook side by side, step by step.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::familiar::{Before, Change, ChangedFile, hashes, text};
use super::read;
use super::runs::{Folded, Measured, Standing, fold, measured};
use crate::engine::event::{Ending, RunStarted};
use crate::engine::objectives::{passed, split};
use crate::engine::{Mode, Outcome, Part, Stamp, State, StepState};
use crate::journal::sha256_hex;

/// Two runs of one runbook.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The runbook's id.
    pub runbook: String,
    /// The one that was named first, and the other.
    pub runs: [Side; 2],
    /// Why the two are not alike, one line each.
    pub warnings: Vec<String>,
    /// Step by step, in the order of the first run; what only the second has stands where it was there.
    pub steps: Vec<StepPair>,
    /// What differs in the runbook, as lines of a comparison.
    pub runbook_diff: Vec<String>,
}

/// One of the runs.
#[derive(Debug, Serialize)]
pub struct Side {
    /// Its id.
    pub run: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// Who began it.
    pub operator: String,
    /// Live, drill or rehearsal.
    pub mode: Mode,
    /// Against the embedded sandbox.
    pub practice: bool,
    /// The environment's name.
    pub environment: Option<String>,
    /// The runbook's version, as its author counts.
    pub version: Option<String>,
    /// The SHA-256 of the runbook.
    pub runbook_sha256: String,
    /// Where it stands.
    pub outcome: Standing,
    /// Whether it passed; `None` while it goes on.
    pub passed: Option<bool>,
    /// Recovery time.
    pub rto: Measured,
    /// Recovery point.
    pub rpo: Measured,
    /// What the recovery time went to, in seconds; `None` in a rehearsal.
    pub time: Option<Time>,
    /// How many deviations there are.
    pub deviations: usize,
}

/// What the recovery time went to, in seconds.
#[derive(Debug, Serialize)]
pub struct Time {
    /// Before the run's first record.
    pub before_s: i64,
    /// Attempts at work.
    pub machine_s: i64,
    /// Waiting for a person.
    pub person_s: i64,
    /// Waiting for approval.
    pub approval_s: i64,
}

/// One step in both runs.
#[derive(Debug, Serialize)]
pub struct StepPair {
    /// Its id.
    pub id: String,
    /// In the first run and in the other; `None`: it has no such step.
    pub runs: [Option<StepSide>; 2],
}

/// A step in one run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct StepSide {
    /// How it came out; `None`: it has not.
    pub outcome: Option<Outcome>,
    /// From its first attempt to its outcome, in seconds.
    pub seconds: Option<i64>,
    /// How often its action was tried.
    pub attempts: usize,
    /// What departed from the straight path.
    pub deviations: Vec<String>,
}

/// Sets two runs side by side.
///
/// # Errors
/// One line: one cannot be read, they are the same run, or runs of different runbooks.
pub fn compare(one: &Path, other: &Path) -> Result<Comparison, String> {
    let folded = [fold(one)?, fold(other)?];
    let [first, second] = [begun(&folded[0], one)?, begun(&folded[1], other)?];
    let (a, b) = (first.1, second.1);
    if a.run == b.run {
        return Err(format!("{} is the same run twice; name two", a.run));
    }
    if a.runbook != b.runbook {
        return Err(format!(
            "{} is a run of {}, {} one of {}: only runs of one runbook have steps to set side by side",
            a.run, a.runbook, b.run, b.runbook
        ));
    }
    let states = [&folded[0].state, &folded[1].state];
    Ok(Comparison {
        runbook: a.runbook.clone(),
        warnings: warnings(a, b, states),
        runs: [side(states[0], first), side(states[1], second)],
        steps: order(states).into_iter().map(|id| pair(&id, states)).collect(),
        runbook_diff: differences(one, a, other, b),
    })
}

fn begun<'a>(folded: &'a Folded, dir: &Path) -> Result<(&'a Stamp, &'a RunStarted), String> {
    let (at, run) =
        folded.state.started.as_ref().ok_or_else(|| {
            format!("{} has no beginning: steady verify tells more", dir.display())
        })?;
    Ok((at, run))
}

fn warnings(a: &RunStarted, b: &RunStarted, [x, y]: [&State; 2]) -> Vec<String> {
    let mut found = Vec::new();
    let mode = |run: &RunStarted| match run.mode {
        _ if run.practice => "practice",
        Mode::Live => "live",
        Mode::Drill => "a drill",
        Mode::Rehearsal => "a rehearsal, in which nothing is executed",
    };
    if mode(a) != mode(b) {
        found.push(format!("the first is {}, the other {}", mode(a), mode(b)));
    }
    if a.environment != b.environment {
        let name = |run: &RunStarted| run.environment.clone().unwrap_or_else(|| "none".into());
        found.push(format!("the environments differ: {} and {}", name(a), name(b)));
    }
    for (run, state) in [(a, x), (b, y)] {
        if state.finished.is_none() {
            found.push(format!("{} is not over", run.run));
        }
    }
    found
}

fn side(state: &State, (at, run): (&Stamp, &RunStarted)) -> Side {
    let now = state.last.as_ref().unwrap_or(at);
    let (rto, rpo) = measured(state, now);
    Side {
        run: run.run.clone(),
        started: at.at,
        operator: run.operator.clone(),
        mode: run.mode,
        practice: run.practice,
        environment: run.environment.clone(),
        version: state.runbook.version.clone(),
        runbook_sha256: run.runbook_sha256.clone(),
        outcome: match state.finished.as_ref().map(|(_, ending, _)| ending) {
            Some(Ending::Completed) => Standing::Completed,
            Some(Ending::Aborted) => Standing::Aborted,
            None => Standing::Unfinished,
        },
        passed: passed(state),
        rto,
        rpo,
        time: split(state, now).map(|split| Time {
            before_s: split.before.num_seconds(),
            machine_s: split.machine.num_seconds(),
            person_s: split.person.num_seconds(),
            approval_s: split.approval.num_seconds(),
        }),
        deviations: state.deviations.len(),
    }
}

/// The ids of both runs' steps: those of the first, and each that only the other has after the one it follows
/// there.
fn order([first, second]: [&State; 2]) -> Vec<String> {
    let mut ids: Vec<String> = first.steps.iter().map(|step| step.id().to_owned()).collect();
    let mut after = 0;
    for step in &second.steps {
        if let Some(at) = ids.iter().position(|id| id == step.id()) {
            after = at + 1;
        } else {
            ids.insert(after, step.id().to_owned());
            after += 1;
        }
    }
    ids
}

fn pair(id: &str, states: [&State; 2]) -> StepPair {
    let of = |state: &State| state.step(id).map(|step| step_side(state, step));
    StepPair { id: id.to_owned(), runs: states.map(of) }
}

fn step_side(state: &State, step: &StepState) -> StepSide {
    let first = step.attempts.iter().find(|a| !a.stale && a.id.of == Part::Do);
    let took = first
        .zip(step.settled.as_ref())
        .map(|(first, settled)| state.between(&first.intended, &settled.at).length.num_seconds());
    StepSide {
        outcome: step.settled.as_ref().map(|settled| settled.outcome),
        seconds: took,
        attempts: step.attempts.iter().filter(|attempt| attempt.id.of == Part::Do).count(),
        deviations: state
            .deviations
            .iter()
            .filter(|deviation| deviation.step.as_deref() == Some(step.id()))
            .map(|deviation| deviation.kind.to_owned())
            .collect(),
    }
}

/// The runbook of the second run against that of the first, as the two directories hold them.
fn differences(one: &Path, a: &RunStarted, other: &Path, b: &RunStarted) -> Vec<String> {
    let (was, is) = (hashes(a), hashes(b));
    let mut names: Vec<&String> = was.keys().chain(is.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let held = |dir: &Path, name: &str, hash: &String| {
        read(&dir.join(name)).ok().filter(|bytes| sha256_hex(bytes) == *hash).map(|b| text(&b))
    };
    let files = names.into_iter().filter(|name| was.get(*name) != is.get(*name));
    let files = files.map(|name| ChangedFile {
        before: match was.get(name).map(|hash| held(one, name, hash)) {
            None => Before::Absent,
            Some(None) => Before::Lost,
            Some(Some(text)) => Before::Text(text),
        },
        after: is.get(name).and_then(|hash| held(other, name, hash)),
        name: name.clone(),
    });
    let change = Change {
        run: a.run.clone(),
        at: b.outage_start,
        sha256: a.runbook_sha256.clone(),
        sha256_now: b.runbook_sha256.clone(),
        files: files.collect(),
    };
    let lines = change.diff().into_iter();
    lines.map(|line| format!("{}{}", line.mark.sign(), line.text)).collect()
}
