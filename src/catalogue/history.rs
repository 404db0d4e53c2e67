//! What the drills of a runbook come to: the last one, the last that passed, whether the next is due, and how
//! the recovery time went over the quarters.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::Serialize;

use super::Catalogue;
use super::runs::{Measured, PastRun, Standing};
use crate::engine::Mode;

/// So many quarters are looked back on, this one included.
const QUARTERS: usize = 8;

/// One drill: a run against something real, that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drill {
    /// The run's id.
    pub run: String,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who ran it.
    pub by: Option<String>,
    /// How it ended.
    pub outcome: Standing,
    /// Whether it passed.
    pub passed: bool,
    /// Recovery time.
    pub rto: Measured,
}

/// A quarter of a year and its drills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarter {
    /// `2026Q4`
    pub quarter: String,
    /// How many drills ended in it.
    pub drills: usize,
    /// The recovery time of the last of them that measured one, in seconds.
    pub rto_s: Option<i64>,
    /// What was asked for then.
    pub target_s: Option<i64>,
}

/// The drills of one runbook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// The last one.
    pub last: Option<Drill>,
    /// The last one that passed.
    pub last_passed: Option<Drill>,
    /// The last quarters, the oldest first.
    pub quarters: Vec<Quarter>,
}

impl History {
    /// The drills of a runbook as they are known at `now`.
    #[must_use]
    pub fn of(past: &[PastRun], runbook: &str, now: DateTime<Utc>) -> Self {
        let mut drills: Vec<Drill> = past
            .iter()
            .filter(|run| run.runbook.as_deref() == Some(runbook))
            .filter_map(drill)
            .collect();
        drills.sort_by_key(|drill| drill.at);
        Self {
            quarters: quarters(&drills, now),
            last_passed: drills.iter().rev().find(|drill| drill.passed).cloned(),
            last: drills.pop(),
        }
    }

    /// Whether a drill that is wanted `every` so often is overdue at `now`.
    #[must_use]
    pub fn is_overdue(&self, every: Option<TimeDelta>, now: DateTime<Utc>) -> bool {
        let due = |every| self.due(every).is_none_or(|due| due < now);
        every.is_some_and(due)
    }

    /// When the next drill has to have passed; `None`: none ever has.
    #[must_use]
    pub fn due(&self, every: TimeDelta) -> Option<DateTime<Utc>> {
        self.last_passed.as_ref().and_then(|last| last.at.checked_add_signed(every))
    }

    /// The recovery times of the quarters as a line of bars. Up to `▆` the objective was met, `▇` and `█` are
    /// over it; `×` is a quarter whose drills measured none, `·` one without a drill.
    #[must_use]
    pub fn trend(&self) -> String {
        let longest = self.quarters.iter().filter_map(|quarter| quarter.rto_s).max();
        self.quarters.iter().map(|quarter| bar(quarter, longest.unwrap_or(1))).collect()
    }
}

fn drill(run: &PastRun) -> Option<Drill> {
    let over = matches!(run.outcome, Standing::Completed | Standing::Aborted);
    (over && run.mode == Some(Mode::Drill) && !run.practice).then_some(())?;
    Some(Drill {
        run: run.run.clone(),
        at: run.finished?,
        by: run.operator.clone(),
        outcome: run.outcome,
        passed: run.passed == Some(true),
        rto: run.rto.clone(),
    })
}

/// Quarters since the year 0, and the name of one.
fn quarter_of(at: DateTime<Utc>) -> i64 {
    i64::from(at.year()) * 4 + i64::from(at.month0() / 3)
}

fn quarters(drills: &[Drill], now: DateTime<Utc>) -> Vec<Quarter> {
    let mut of: BTreeMap<i64, Vec<&Drill>> = BTreeMap::new();
    for drill in drills {
        of.entry(quarter_of(drill.at)).or_default().push(drill);
    }
    let this = quarter_of(now);
    (0..QUARTERS)
        .rev()
        .map(|back| {
            let number = this - i64::try_from(back).unwrap_or_default();
            let drills = of.get(&number).map_or(&[][..], Vec::as_slice);
            let measured = drills.iter().rev().find(|drill| drill.rto.actual_s.is_some());
            Quarter {
                quarter: format!("{}Q{}", number.div_euclid(4), number.rem_euclid(4) + 1),
                drills: drills.len(),
                rto_s: measured.and_then(|drill| drill.rto.actual_s),
                target_s: measured.and_then(|drill| drill.rto.target_s),
            }
        })
        .collect()
}

fn bar(quarter: &Quarter, longest: i64) -> char {
    const WITHIN: [char; 6] = ['▁', '▂', '▃', '▄', '▅', '▆'];
    let place = |of: i64, whole: i64, levels: usize| {
        let levels = i64::try_from(levels).unwrap_or(1);
        usize::try_from((of * levels - 1).max(0) / whole.max(1)).unwrap_or(0)
    };
    match (quarter.drills, quarter.rto_s, quarter.target_s) {
        (0, ..) => '·',
        (_, None, _) => '×',
        (_, Some(rto), Some(target)) if rto > target.saturating_mul(2) => '█',
        (_, Some(rto), Some(target)) if rto > target => '▇',
        (_, Some(rto), target) => {
            let at = place(rto, target.unwrap_or(longest), WITHIN.len());
            WITHIN.get(at).copied().unwrap_or('▆')
        }
    }
}

/// One runbook of the catalogue, or of a past run alone, with its drills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Practised {
    /// The runbook's id.
    pub id: String,
    /// Its title; `None`: it is not in the catalogue.
    pub title: Option<String>,
    /// How often a drill has to pass, in seconds.
    pub drill_every_s: Option<i64>,
    /// Its drills.
    #[serde(flatten)]
    pub history: History,
    /// See [`History::trend`].
    pub trend: String,
    /// The last passed drill is older than it may be, or there is none.
    pub overdue: bool,
    /// Since when; `None` when it is not, or no drill has ever passed.
    pub overdue_since: Option<DateTime<Utc>>,
    /// Why the runbook cannot be read: whether a drill is overdue is not known then.
    pub broken: Option<String>,
}

/// Every runbook of the catalogue, and every one that was run, those whose drill is overdue first.
#[must_use]
pub fn practised(catalogue: &Catalogue, past: &[PastRun], now: DateTime<Utc>) -> Vec<Practised> {
    let known: BTreeSet<&str> = catalogue.entries.iter().map(super::Entry::id).collect();
    let of_catalogue = catalogue.entries.iter().map(|entry| {
        let runbook = entry.checked.runbook.as_ref();
        let title = Some(runbook.map_or_else(|| entry.path.clone(), |r| r.title.clone()));
        let every = runbook.and_then(|runbook| runbook.drill_every);
        one(entry.id(), title, every, entry.broken(), past, now)
    });
    let gone: BTreeSet<&str> = past.iter().filter_map(|run| run.runbook.as_deref()).collect();
    let gone = gone.difference(&known).map(|id| one(id, None, None, None, past, now));
    let mut all: Vec<Practised> = of_catalogue.chain(gone).collect();
    all.sort_by_key(|runbook| !runbook.overdue);
    all
}

fn one(
    id: &str,
    title: Option<String>,
    every: Option<TimeDelta>,
    broken: Option<String>,
    past: &[PastRun],
    now: DateTime<Utc>,
) -> Practised {
    let history = History::of(past, id, now);
    let overdue = history.is_overdue(every, now);
    Practised {
        id: id.to_owned(),
        title,
        drill_every_s: every.map(|every| every.num_seconds()),
        trend: history.trend(),
        overdue,
        overdue_since: every.filter(|_| overdue).and_then(|every| history.due(every)),
        history,
        broken,
    }
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
