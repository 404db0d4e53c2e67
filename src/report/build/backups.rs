//! The backups that a run took, copied or restored, read from the results of its attempts.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value as Json;

use super::super::model::Backup;
use crate::engine::objectives::data_verified;
use crate::engine::state::{Attempt, Standing, StepState};
use crate::engine::{Part, State};

/// One for each step that did something to a backup, as its last attempt left it.
pub(super) fn backups(state: &State) -> Vec<Backup> {
    let proven = data_verified(state) == Some(true);
    let of = |step: &StepState| {
        let attempt = step.last_of(Part::Do)?;
        let succeeded = match attempt.standing() {
            Standing::Succeeded => true,
            Standing::Failed => false,
            Standing::Running | Standing::Unknown | Standing::NotDone => return None,
        };
        let seen = Seen::of(attempt);
        let found = seen.backup(step.step.action.spec.name, succeeded)?;
        let taken = found.taken.unwrap_or(attempt.intended.at);
        Some(Backup {
            date: taken.date_naive(),
            id: found.id,
            kind: found.kind.into(),
            status: found.status,
            size_gb: found.size_gb,
            verified: found.restored && succeeded && proven,
            notes: format!("{}: {}", step.id(), attempt.message()),
        })
    };
    state.steps.iter().filter_map(|step| of(step)).collect()
}

/// What a request asked for and what came of it.
struct Seen<'a> {
    args: &'a Json,
    result: Json,
}

/// A backup, as one attempt tells of it.
struct Found {
    taken: Option<DateTime<Utc>>,
    id: String,
    kind: &'static str,
    status: String,
    size_gb: Option<f64>,
    restored: bool,
}

impl<'a> Seen<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let finished = attempt.finished.as_ref().map(|(_, finished)| &finished.result);
        let result = attempt.resolved.as_ref().map(|(_, resolved)| &resolved.result).or(finished);
        Self {
            args: attempt.request.get("args").unwrap_or(&Json::Null),
            result: result.map_or(Json::Null, crate::runbook::Value::to_plain_json),
        }
    }

    fn backup(&self, action: &str, succeeded: bool) -> Option<Found> {
        let restored = if succeeded { "restored" } else { "failed" }.to_owned();
        let found = match action {
            "rds.create_snapshot" => self.taken("manual", self.arg("snapshot")?, succeeded),
            "rds.copy_snapshot" => self.taken("copy", self.arg("target")?, succeeded),
            "rds.restore_cluster_from_snapshot" | "rds.restore_instance_from_snapshot" => {
                let id = self.arg("snapshot")?;
                // AWS keeps this prefix for the snapshots that it takes itself.
                let kind = if id.contains("rds:") { "automated" } else { "manual" };
                Found { taken: None, id, kind, status: restored, size_gb: None, restored: true }
            }
            "rds.restore_cluster_to_point_in_time" | "rds.restore_instance_to_point_in_time" => {
                let (source, to) = (self.arg("source")?, self.arg("to"));
                let id = format!("{source}@{}", to.unwrap_or_else(|| "latest".into()));
                let kind = "point in time";
                Found { taken: None, id, kind, status: restored, size_gb: None, restored: true }
            }
            "postgres.restore_dump" => Found {
                taken: self.moment("dumped_at"),
                id: self.arg("file")?,
                kind: "dump",
                status: restored,
                size_gb: self.result.get("bytes").and_then(Json::as_f64).map(|bytes| bytes / 1e9),
                restored: true,
            },
            _ => return None,
        };
        Some(found)
    }

    fn taken(&self, kind: &'static str, id: String, succeeded: bool) -> Found {
        let status = self.result.get("status").and_then(Json::as_str);
        let otherwise = if succeeded { "available" } else { "failed" };
        Found {
            taken: self.moment("created"),
            id,
            kind,
            status: status.unwrap_or(otherwise).to_owned(),
            size_gb: None,
            restored: false,
        }
    }

    fn arg(&self, name: &str) -> Option<String> {
        match self.args.get(name)? {
            Json::String(text) => Some(text.clone()),
            Json::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// A moment in the result; of a day alone, its beginning.
    fn moment(&self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.result.get(name)?.as_str()?;
        let day = || {
            let day: NaiveDate = text.get(..10)?.parse().ok()?;
            Some(day.and_hms_opt(0, 0, 0)?.and_utc())
        };
        DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc)).or_else(day)
    }
}
