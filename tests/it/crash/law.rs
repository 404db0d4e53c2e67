//! What must be true of a run's records, its ledgers and what was seen of it, at any time and at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::life::Frame;
use super::runbook::{ACTS, DESTROYS, ROWS, STEPS};
use crate::services::console::text;

pub fn is(record: &Json, kind: &str, step: &str) -> bool {
    record["type"] == kind && record["step"] == step
}

/// `drop.2`
fn attempt(record: &Json) -> String {
    format!("{}.{}", record["step"].as_str().unwrap_or_default(), record["attempt"])
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Its console, or one that found it at work, has it.
    AtWork,
    Unknown,
    Over,
}

/// The records of a run, folded by other rules than the console's own.
#[derive(Default)]
pub struct Fold {
    attempts: BTreeMap<String, Standing>,
    consented: BTreeSet<String>,
    /// What the law forbids and happened.
    pub broken: Vec<String>,
    /// Attempts that may have acted and that nobody may do again unasked.
    pub without_consent: u64,
    pub finished: bool,
}

impl Fold {
    pub fn of(records: &[Json]) -> Self {
        let mut fold = Self::default();
        records.iter().for_each(|record| fold.take(record));
        fold
    }

    fn take(&mut self, record: &Json) {
        let id = attempt(record);
        let step = record["step"].as_str().unwrap_or_default().to_owned();
        let body = &record["body"];
        match record["type"].as_str().unwrap_or_default() {
            "console_attached" => {
                // A consent does not outlive its console, and what that console had at work is unknown.
                self.consented.clear();
                for standing in self.attempts.values_mut().filter(|s| **s == Standing::AtWork) {
                    *standing = Standing::Unknown;
                }
            }
            "guard_satisfied" => {
                let how = &body["how"];
                if DESTROYS.contains(&&*step) && how != "typed" && how != "auto" {
                    self.broken.push(format!("{step} destroys and was begun by {how}"));
                }
                self.consented.insert(step);
            }
            "attempt_intended" => {
                if record["of"] != "probe" && !self.consented.remove(&step) {
                    self.without_consent += 1;
                    self.broken.push(format!("{id} has no consent of its own"));
                }
                if self.attempts.insert(id.clone(), Standing::AtWork).is_some() {
                    self.broken.push(format!("{id} was intended twice"));
                }
            }
            "attempt_finished" => {
                let unknown = body["outcome"] == "unknown";
                let next = if unknown { Standing::Unknown } else { Standing::Over };
                self.moves(&id, Standing::AtWork, next, "finished");
            }
            "unknown_resolved" => {
                let running = body["as"] == "running";
                let next = if running { Standing::AtWork } else { Standing::Over };
                self.moves(&id, Standing::Unknown, next, "resolved");
            }
            "run_finished" => {
                for (id, _) in self.attempts.iter().filter(|(_, s)| **s != Standing::Over) {
                    self.broken.push(format!("the run is over and {id} is not"));
                }
                if std::mem::replace(&mut self.finished, true) {
                    self.broken.push("the run ended twice".into());
                }
            }
            _ => {}
        }
    }

    fn moves(&mut self, id: &str, from: Standing, to: Standing, what: &str) {
        let was = self.attempts.insert(id.to_owned(), to);
        if was != Some(from) {
            self.broken.push(format!("{id} is {what}, and it was {was:?}"));
        }
    }

    /// Whether an outcome is unknown now; `None` while something else is at work, such as a probe.
    fn is_unknown(&self) -> Option<bool> {
        let any = |standing| self.attempts.values().any(|s| *s == standing);
        (!any(Standing::AtWork)).then(|| any(Standing::Unknown))
    }
}

/// What was shown and is not in the journal; how many records were acknowledged, and how many of them are lost.
pub fn shown(
    frames: &[Frame],
    lines: &[String],
    records: &[Json],
    broken: &mut Vec<String>,
) -> (u64, u64) {
    let heads: Vec<String> =
        lines.iter().map(|line| hex::encode(Sha256::digest(format!("{line}\n")))).collect();
    let mut fold = Fold::default();
    let (mut taken, mut acknowledged, mut lost) = (0, 0, 0);
    for frame in frames {
        if frame.records > lines.len() || !heads[frame.records - 1].starts_with(&frame.head) {
            lost += 1;
            let Frame { records, head, .. } = frame;
            broken.push(format!(
                "{records} records, head {head}, were shown; there are {}",
                lines.len()
            ));
            continue;
        }
        acknowledged = acknowledged.max(frame.records);
        if frame.records < taken {
            broken.push(format!("{} records were shown after {taken}", frame.records));
            continue;
        }
        for record in &records[taken..frame.records] {
            fold.take(record);
        }
        taken = frame.records;
        for step in &frame.done {
            let done = |r: &Json| {
                let outcome =
                    is(r, "attempt_finished", step) && r["body"]["outcome"] == "succeeded";
                outcome || (is(r, "unknown_resolved", step) && r["body"]["as"] == "succeeded")
            };
            if !records[..taken].iter().any(done) {
                lost += 1;
                broken.push(format!("{step} was shown as done and no record says so"));
            }
        }
        if frame.over && !fold.finished {
            lost += 1;
            broken.push("the run was shown as over and no record says so".into());
        }
        match (frame.unknown, fold.is_unknown()) {
            (Some(shown), Some(is)) if shown != is => {
                let what = if is { "is not shown as" } else { "is wrongly shown as" };
                broken.push(format!("after record {taken} an outcome {what} UNKNOWN"));
            }
            _ => {}
        }
    }
    (acknowledged as u64, lost)
}

/// A ledger: the attempts that acted, in order.
pub fn ledger(dir: &Path, step: &str) -> Vec<String> {
    text(&dir.join(format!("{step}.ledger"))).lines().map(str::to_owned).collect()
}

/// What the ledgers say against the records; how many attempts acted twice.
pub fn ledgers(dir: &Path, run: &str, records: &[Json], broken: &mut Vec<String>) -> u64 {
    let mut repeated = 0;
    for step in ACTS {
        let lines = ledger(dir, step);
        let mut acted = BTreeSet::new();
        for line in &lines {
            let id = line.strip_prefix(&format!("{run}/")).unwrap_or(line).to_owned();
            let intended = |r: &Json| r["type"] == "attempt_intended" && attempt(r) == id;
            if !records.iter().any(intended) {
                broken.push(format!("{line} acted, and nobody intended it"));
            }
            if !acted.insert(id) {
                repeated += 1;
                broken.push(format!("{line} acted twice"));
            }
        }
        for record in records.iter().filter(|r| r["step"] == step && r["of"] == "do") {
            let (id, body) = (attempt(record), &record["body"]);
            let must =
                match (record["type"].as_str(), body["outcome"].as_str(), body["as"].as_str()) {
                    (Some("attempt_finished"), Some("succeeded"), _) => true,
                    // These scripts do not fail: only what never was can be failed.
                    (Some("attempt_finished"), Some("failed"), _) => false,
                    (Some("unknown_resolved"), _, Some("not_done")) => false,
                    (Some("unknown_resolved"), _, Some("succeeded")) => true,
                    _ => continue,
                };
            if acted.contains(&id) != must {
                broken.push(format!("{id}: acted is {}, and the record says {body}", !must));
            }
        }
    }
    repeated
}

/// The child that printed while consoles came and went lost nothing of what it printed.
pub fn output(run: &Path, records: &[Json], broken: &mut Vec<String>) {
    let whole =
        |r: &&Json| is(r, "attempt_finished", "load") && r["body"]["outcome"] == "succeeded";
    let Some(finished) = records.iter().rfind(whole) else { return };
    let output = &finished["body"]["output"];
    let mut rows = String::new();
    for row in 1..=ROWS {
        let _ = writeln!(rows, "{row}");
    }
    let kept = text(&run.join("output").join(output["file"].as_str().unwrap_or_default()));
    let hash = hex::encode(Sha256::digest(&rows));
    if kept != rows || output["sha256"] != hash || output["bytes"] != rows.len() {
        broken.push(format!("the output of load is not whole: {output}, {} bytes", kept.len()));
    }
}

/// What must be true of the directory of a run that is over.
pub fn over(run: &Path, records: &[Json], broken: &mut Vec<String>) {
    for (step, _) in STEPS {
        let came_out = |r: &&Json| r["step"] == step && r["attempt"].is_u64();
        if !records.iter().any(|r| came_out(&r)) {
            broken.push(format!("the run is over and {step} was never tried"));
        }
    }
    for left in [".reserve", "room"] {
        if run.join(left).exists() {
            broken.push(format!("the run is over and {left} is still there"));
        }
    }
    let siblings = std::fs::read_dir(run.parent().unwrap_or(run)).into_iter().flatten().flatten();
    for draft in siblings.filter(|e| e.file_name().as_encoded_bytes().starts_with(b".new-")) {
        broken.push(format!("{} was left behind", draft.path().display()));
    }
}
