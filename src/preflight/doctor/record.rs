//! Where runs are kept: whose it is, how much room there is, what it lies on, how long a record takes to be
//! on the disk, and what earlier runs left there.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Area, Finding, Patient, within};
use crate::catalogue::{self, Standing};
use crate::preflight::requirements::room;
use crate::{custody, journal};

/// A record is about so long.
const RECORD: [u8; 512] = [b'\n'; 512];
/// How many are written.
const ROUNDS: usize = 16;
/// A sync that takes longer is felt: a step writes some five records.
const SLOW: Duration = Duration::from_millis(20);
/// A run has some twenty files, and five for each attempt.
const INODES: u64 = 10_000;
/// More names than this are only counted.
const NAMED: usize = 3;

pub(super) async fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let runs = patient.runs.to_owned();
    let late = vec![Area::Record.bad(
        "runs",
        format!("{} does not answer", runs.display()),
        "look after the disk or the mount, or keep runs elsewhere: --runs DIR",
    )];
    // What blocks for ever in there does not block the answer.
    let looking = tokio::task::spawn_blocking(move || examine(&runs));
    within(async { looking.await.unwrap_or_default() }, late).await
}

fn examine(runs: &Path) -> Vec<Finding> {
    if !runs.exists() {
        let found = format!("{} is not there yet: the first run makes it", runs.display());
        return vec![Area::Record.ok("runs", found), Area::Record.check(room(runs))];
    }
    let shown = runs.display().to_string();
    let mut found = vec![match custody::refuse_writable(runs) {
        Ok(()) => Area::Record.ok("runs", shown.clone()),
        Err(why) => {
            let (seen, remedy) = super::halves(&why);
            Area::Record.bad("runs", seen, remedy)
        }
    }];
    found.push(Area::Record.check(room(runs)));
    found.extend(rustix::fs::statvfs(runs).ok().map(|fs| inodes(fs.f_files, fs.f_favail)));
    found.push(match journal::medium_warning(runs) {
        Some(why) => {
            let (seen, remedy) = super::halves(&why);
            Area::Record.warn("medium", seen, remedy)
        }
        None => Area::Record.ok("medium", "a local disk"),
    });
    found.push(syncing(measure(runs)));
    found.extend(left(runs));
    found
}

fn inodes(all: u64, free: u64) -> Finding {
    let name = "inodes";
    match (all, free) {
        (0, _) => Area::Record.ok(name, "this file system has no fixed number"),
        (_, free) if free < INODES => Area::Record.bad(
            name,
            format!("only {free} free"),
            "delete small files there, or use --runs DIR",
        ),
        (_, free) => Area::Record.ok(name, format!("{free} free")),
    }
}

/// The times of some writes, each synced, the longest last.
fn measure(runs: &Path) -> io::Result<Vec<Duration>> {
    let path = runs.join(format!(".doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    // Whatever happens next, nothing of it stays.
    std::fs::remove_file(&path)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        file.write_all(&RECORD)?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times)
}

fn syncing(times: io::Result<Vec<Duration>>) -> Finding {
    let name = "a record on the disk";
    let times = match times {
        Ok(times) => times,
        Err(e) => {
            return Area::Record.bad(
                name,
                format!("cannot be written: {e}"),
                "mend it, or use --runs DIR",
            );
        }
    };
    let ms = |at: usize| times.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3;
    let (median, longest) = (times.len() / 2, times.len().saturating_sub(1));
    let seen =
        format!("{:.1} ms, at the longest {:.1} ms of {}", ms(median), ms(longest), times.len());
    match times.get(median) {
        Some(time) if *time > SLOW => {
            Area::Record.warn(name, seen, "keep runs on a faster disk: --runs DIR")
        }
        Some(_) | None => Area::Record.ok(name, seen),
    }
}

/// What earlier runs left: unfinished ones, unreadable ones, drafts of some that never began.
fn left(runs: &Path) -> Vec<Finding> {
    let past = match catalogue::past_runs(runs) {
        Ok(past) => past,
        Err(why) => return vec![Area::Record.bad("earlier runs", why, "make it readable")],
    };
    let of = |standing: Standing| {
        past.iter().filter(|run| run.outcome == standing).map(|run| run.run.clone()).collect()
    };
    let (unfinished, unreadable): (Vec<String>, Vec<String>) =
        (of(Standing::Unfinished), of(Standing::Unreadable));
    let mut found = Vec::new();
    if let Some(first) = unreadable.first() {
        let remedy = format!("steady verify {first}");
        found.push(Area::Record.bad("unreadable runs", named(&unreadable), remedy));
    }
    if let Some(first) = unfinished.first() {
        let remedy = format!("go on, or abort: steady resume {first}");
        found.push(Area::Record.warn("unfinished runs", named(&unfinished), remedy));
    }
    if found.is_empty() {
        found.push(Area::Record.ok("earlier runs", format!("{}, all over", past.len())));
    }
    found
}

fn named(runs: &[String]) -> String {
    let names = runs.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match runs.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn inodes_run_out_too() {
        for (all, free, verdict) in [
            (0, 0, Verdict::Ok),
            (1_000_000, 10_000, Verdict::Ok),
            (1_000_000, 9_999, Verdict::Bad),
        ] {
            assert_eq!(inodes(all, free).verdict, verdict, "{all} {free}");
        }
    }

    #[test]
    fn a_slow_sync_is_warned_about() {
        let times = |ms: u64| Ok(vec![Duration::from_millis(ms); ROUNDS]);
        assert_eq!(syncing(times(1)).verdict, Verdict::Ok);
        assert_eq!(syncing(times(1)).found, "1.0 ms, at the longest 1.0 ms of 16");
        assert_eq!(syncing(times(21)).verdict, Verdict::Warn);
        assert_eq!(syncing(Err(io::ErrorKind::ReadOnlyFilesystem.into())).verdict, Verdict::Bad);
    }

    #[test]
    fn measuring_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(measure(dir.path()).unwrap().len(), ROUNDS);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn many_names_are_counted() {
        let runs: Vec<_> = (0..5).map(|i| i.to_string()).collect();
        assert_eq!(named(&runs), "0, 1, 2 and 2 more");
        assert_eq!(named(&runs[..3]), "0, 1, 2");
    }
}
