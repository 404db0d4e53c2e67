//! A journal that tells of another time or another machine: written anew, chained and whole.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value as Json;
use steadyhand::journal::sha256_hex;

/// Changes each record of a run and chains them again.
pub fn rewrite(run: &Path, mut change: impl FnMut(&mut Json)) {
    let journal = run.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let mut prev = sha256_hex(&std::fs::read(run.join("runbook.yaml")).unwrap());
    let mut written = String::new();
    for line in text.lines() {
        let mut record: Json = serde_json::from_str(line).unwrap();
        change(&mut record);
        record["prev"] = prev.into();
        let line = format!("{record}\n");
        prev = sha256_hex(line.as_bytes());
        written.push_str(&line);
    }
    std::fs::write(journal, written).unwrap();
}

/// Moves a record by so many seconds of the wall clock, and with it what it says of the outage.
pub fn shift(record: &mut Json, seconds: i64) {
    moved(&mut record["at"], seconds);
    if record["type"] == "run_started" {
        moved(&mut record["body"]["outage_start"], seconds);
    }
}

fn moved(at: &mut Json, seconds: i64) {
    let was: DateTime<Utc> = at.as_str().unwrap().parse().unwrap();
    let is = was + TimeDelta::seconds(seconds);
    *at = is.to_rfc3339_opts(SecondsFormat::Millis, true).into();
}
