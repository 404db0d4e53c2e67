//! The chain of a host's runs: each begins with the id and the head of the one before it, so that one that is
//! taken away is missed.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::engine::Fact;
use crate::engine::event::Previous;
use crate::journal;

/// The run that a new one comes after, and its head: the one that no other came after. Neither the clock nor
/// the names can say which that is: the clock may have been set, and of runs of one second the names are in
/// no order.
///
/// # Errors
/// The directory of runs cannot be read.
pub fn latest(runs: &Path) -> io::Result<Option<Previous>> {
    let begun: Vec<Begun> =
        journal::run_ids(runs)?.into_iter().map(|id| Begun::read(runs, id)).collect();
    let followed: BTreeSet<&str> = begun.iter().filter_map(|run| run.after.as_deref()).collect();
    let is_end = |run: &&Begun| !followed.contains(run.id.as_str());
    // More than one end: runs of before there was a chain, or a journal that cannot be read. The youngest.
    let latest = begun.iter().filter(is_end).max_by_key(|run| run.age());
    let Some(latest) = latest.or(begun.iter().max_by_key(|run| run.age())) else { return Ok(None) };
    // A run whose journal cannot be read is still named: its absence must show all the same.
    let head = journal::read(&runs.join(&latest.id)).map(|contents| contents.head);
    Ok(Some(Previous { run: latest.id.clone(), head: head.unwrap_or_default() }))
}

/// What the first record of a run tells of its place.
struct Begun {
    id: String,
    at: Option<DateTime<Utc>>,
    after: Option<String>,
}

impl Begun {
    fn read(runs: &Path, id: String) -> Self {
        let first = journal::first_record(&runs.join(&id));
        let at = first.as_ref().map(|first| first.stamp.at);
        let after = first.and_then(|first| match first.event.fact {
            Fact::RunStarted(run) => Some(run.previous?.run),
            _ => None,
        });
        Self { id, at, after }
    }

    /// An id begins with the second; of one second the records tell.
    fn age(&self) -> (&str, Option<DateTime<Utc>>, &str) {
        (self.id.split('-').next().unwrap_or_default(), self.at, &self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture;

    const EARLY: &str = "20261121T031000Z-a-zzzz";
    const LATE: &str = "20261121T031000Z-a-aaaa";

    fn after(runs: &Path, run: &str, before: Option<&str>) {
        let head = |run: &str| journal::read(&runs.join(run)).unwrap().head;
        let previous = before.map(|run| Previous { run: run.into(), head: head(run) });
        fixture::write_as(runs, run, previous);
    }

    fn latest_of(runs: &Path) -> String {
        latest(runs).unwrap().unwrap().run
    }

    #[test]
    fn the_latest_run_is_the_one_that_none_came_after() {
        let runs = tempfile::tempdir().unwrap();
        let runs = runs.path();
        assert_eq!(latest(runs).unwrap(), None);
        after(runs, EARLY, None);
        after(runs, LATE, Some(EARLY));
        assert_eq!(latest_of(runs), LATE, "of one second, and its name comes first");
        let clock_set_back = "20261121T021000Z-a-mmmm";
        after(runs, clock_set_back, Some(LATE));
        assert_eq!(latest_of(runs), clock_set_back);
        let head = journal::read(&runs.join(clock_set_back)).unwrap().head;
        assert_eq!(latest(runs).unwrap().unwrap().head, head);
    }

    #[test]
    fn of_several_ends_the_youngest_is_it_and_one_that_cannot_be_read_is_named() {
        let runs = tempfile::tempdir().unwrap();
        let runs = runs.path();
        after(runs, EARLY, None);
        after(runs, "20261121T031500Z-a-bbbb", None);
        assert_eq!(latest_of(runs), "20261121T031500Z-a-bbbb");
        let broken = runs.join("20261121T040000Z-a-cccc");
        std::fs::create_dir(&broken).unwrap();
        std::fs::write(broken.join("journal.jsonl"), "{").unwrap();
        let found = latest(runs).unwrap().unwrap();
        assert_eq!((found.run.as_str(), found.head.as_str()), ("20261121T040000Z-a-cccc", ""));
    }
}
