//! Was a run's record changed since it was written? Says what can be said, and what cannot.

use std::collections::{BTreeMap, HashSet};
use std::path::{Component, Path};

use super::beside::{Trace, is_among, trace};
use super::chain::{Chain, Scan, Stop, sha256_hex};
use super::checkpoint::{self, CHECKPOINTS};
use super::read::first_record;
use super::record::{Fault, Link};
use super::verdict::{Finding, Findings, Verdict};
use super::vouch::{self, Auditor, Lines, Signature, Vouched};
use super::writer::torn_files;
use super::{INCLUDED, JOURNAL, RUNBOOK, SETTINGS, disk, read, run_ids, signed};
use crate::engine::event::{Anchored, KnownBy, RunStarted};
use crate::engine::{Fact, Recorded, Subject};

/// Checks a run directory: the chain, the runbook and settings it is bound to, outputs, evidence,
/// checkpoints, and what the other runs beside it say of it. Signatures are judged by the `auditor`; without
/// one it is only said that they are there. Only reads.
///
/// # Errors
/// When the directory cannot be read at all, or the auditor cannot judge.
pub fn verify(dir: &Path, auditor: Option<&dyn Auditor>) -> Result<Verdict, read::ReadError> {
    verify_copy(dir, auditor, &[])
}

/// As [`verify`], of a copy that leaves these folders of a run directory out: what records name in them is not
/// missed, and it is said that it was not looked at.
///
/// # Errors
/// As [`verify`].
pub fn verify_copy(
    dir: &Path,
    auditor: Option<&dyn Auditor>,
    left_out: &[&str],
) -> Result<Verdict, read::ReadError> {
    let dir = &dir
        .canonicalize()
        .map_err(|source| read::ReadError::Io { path: dir.to_owned(), source })?;
    let mut found = Findings::default();
    let runbook = match disk::read(&dir.join(RUNBOOK)) {
        Ok(bytes) => sha256_hex(&bytes),
        Err(e) => {
            found.add(Finding::Incomplete, format!("{RUNBOOK} cannot be read: {e}"));
            String::new()
        }
    };
    let bytes = match disk::read(&dir.join(JOURNAL)) {
        Ok(bytes) => bytes,
        Err(e) => {
            found.add(Finding::Truncated, format!("{JOURNAL} cannot be read: {e}"));
            Vec::new()
        }
    };
    let mut chain = Chain::new(runbook.clone());
    let scan = chain.scan(&bytes);
    check_chain(&mut found, &scan, &chain, &bytes);
    let good = bytes.get(..scan.good).unwrap_or_default();
    let start = run_started(&scan.records);
    let run = start.map_or_else(
        || dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        |s| s.run.clone(),
    );
    if let Some(start) = start {
        check_start(&mut found, dir, start, &runbook);
        check_siblings(&mut found, dir, start, good);
    } else if !scan.records.is_empty() {
        found.add(Finding::Modified, "record 1 is not run_started".into());
    }
    check_files(&mut found, dir, &scan.records, left_out);
    let anchored = check_anchors(&mut found, &scan.records);
    let vouched = vouched(dir, &scan.records, auditor)?;
    let lines = match &scan.stop {
        // Checkpoints vouch for bytes, whatever they say.
        Some(stop) if is_newer(stop, &bytes, &scan, &chain) => Lines::new(&bytes, true),
        stop => Lines::new(good, stop.is_none()),
    };
    let covered = vouch::compare(&mut found, start.map(|s| &*s.run), &lines, &vouched);
    vouch::check_recorded(&mut found, &scan.records, &vouched);
    let failed = |source| read::ReadError::Io { path: dir.join(signed::APPROVALS), source };
    signed::check(&mut found, dir, &lines, &scan.records, auditor).map_err(failed)?;
    // A fault in the chain is what is to be said; the records after it are not judged.
    if scan.stop.is_none() && !scan.records.is_empty() {
        check_strays(&mut found, dir, &scan.records);
        check_end(&mut found, &scan.records);
        vouch::check_required(&mut found, &scan.records, &covered, auditor.is_some());
    }
    Ok(found.verdict(run, chain, covered, auditor.is_some(), anchored))
}

/// The checkpoints of a run, their signatures judged.
fn vouched(
    dir: &Path,
    records: &[Recorded],
    auditor: Option<&dyn Auditor>,
) -> Result<Vec<Vouched>, read::ReadError> {
    let failed = |source| read::ReadError::Io { path: dir.join(CHECKPOINTS), source };
    let judged = checkpoint::all(dir).map_err(failed)?.into_iter().map(|found| {
        let seq = checkpoint::number(&found.file);
        let at = records.iter().find(|r| Some(r.seq) == seq).map(|r| r.stamp.at);
        let signature = match auditor.filter(|_| found.signature.is_some()) {
            Some(auditor) => auditor.judge(&found, at).map_err(failed)?,
            None => Signature::NotChecked,
        };
        Ok(Vouched { found, signature })
    });
    judged.collect()
}

fn check_chain(found: &mut Findings, scan: &Scan, chain: &Chain, bytes: &[u8]) {
    let Some(stop) = &scan.stop else {
        if bytes.is_empty() {
            found.add(Finding::Truncated, "the journal is empty".into());
        }
        return;
    };
    let sentence = match &stop.fault {
        Fault::WrongPrev if stop.record == 1 => {
            format!("{RUNBOOK} or record 1 was changed: {}", stop.fault)
        }
        Fault::WrongPrev => {
            format!("record {} or {} was changed: {}", stop.record - 1, stop.record, stop.fault)
        }
        fault => format!("record {}: {fault}", stop.record),
    };
    let finding = match stop.fault {
        Fault::NoEnd => Finding::Truncated,
        // Its bytes may be as they were written: what they say cannot be judged here.
        Fault::Newer(_) if is_newer(stop, bytes, scan, chain) => Finding::Incomplete,
        Fault::NotJson(_)
        | Fault::NotKnown(_)
        | Fault::Newer(_)
        | Fault::WrongSeq(_)
        | Fault::WrongPrev => Finding::Modified,
    };
    found.add(finding, sentence);
}

/// Whether what stopped the reading may be a newer steady's, and hangs together.
fn is_newer(stop: &Stop, bytes: &[u8], scan: &Scan, chain: &Chain) -> bool {
    matches!(stop.fault, Fault::Newer(_))
        && is_linked(bytes.get(scan.good..).unwrap_or_default(), chain)
}

/// Whether these lines, of whatever version, hang on the chain and on each other.
fn is_linked(lines: &[u8], chain: &Chain) -> bool {
    let (mut seq, mut head) = (chain.len, chain.head.clone());
    lines.split_inclusive(|b| *b == b'\n').all(|line| {
        let linked = Link::of(line).is_some_and(|link| link.seq == seq + 1 && link.prev == head);
        seq += 1;
        head = sha256_hex(line);
        linked && line.ends_with(b"\n")
    })
}

fn run_started(records: &[Recorded]) -> Option<&RunStarted> {
    match &records.first()?.event.fact {
        Fact::RunStarted(start) => Some(start),
        _ => None,
    }
}

fn check_start(found: &mut Findings, dir: &Path, start: &RunStarted, runbook: &str) {
    if start.runbook_sha256 != runbook {
        found.add(Finding::Modified, format!("{RUNBOOK} is not the one that record 1 names"));
    }
    for (name, told) in &start.included {
        let file = format!("{INCLUDED}/{name}");
        match disk::hash(&dir.join(&file)) {
            Ok(is) if is == *told => {}
            Ok(_) => {
                found.add(Finding::Modified, format!("{file} is not the one that record 1 names"))
            }
            Err(e) => found.add(Finding::Incomplete, format!("{file} cannot be read: {e}")),
        }
    }
    match (&start.settings_sha256, disk::hash(&dir.join(SETTINGS))) {
        (Some(told), Ok(is)) if *told == is => {}
        (None, Err(_)) => {}
        (Some(_), Err(e)) => {
            found.add(Finding::Incomplete, format!("{SETTINGS} cannot be read: {e}"));
        }
        (Some(_) | None, Ok(_)) => {
            found.add(Finding::Modified, format!("{SETTINGS} is not what record 1 says of it"));
        }
    }
}

/// The run after this one wrote down this one's head.
fn check_siblings(found: &mut Findings, dir: &Path, start: &RunStarted, lines: &[u8]) {
    let Some(runs) = dir.parent() else { return };
    let ids = run_ids(runs).unwrap_or_default();
    for id in &ids {
        let previous = first_record(&runs.join(id)).and_then(|r| match r.event.fact {
            Fact::RunStarted(other) if other.run != start.run => other.previous,
            _ => None,
        });
        if let Some(previous) = previous
            && previous.run == start.run
            && !is_among(lines, &previous.head)
        {
            found.add(
                Finding::Forked,
                format!(
                    "run {id} saw this run end with a head ({}) that is not in this journal: \
                     it was written anew or cut since",
                    previous.head.get(..8).unwrap_or(&previous.head)
                ),
            );
        }
    }
    let Some(previous) = &start.previous else { return };
    match trace(dir, previous) {
        Trace::Present => {}
        Trace::Missing => {
            found.note(format!("the run before this one, {}, is not here", previous.run));
        }
        Trace::HeadDiffers => found.note(format!(
            "the run before this one, {}, is not the one that this run saw: it was written anew or cut since",
            previous.run
        )),
    }
}

/// A run that another one names as the one before it, and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The run that is missing.
    pub run: String,
    /// The run that names it.
    pub named_by: String,
}

/// The runs that are missing among those of a directory, as far as the others tell.
#[must_use]
pub fn missing_runs(runs: &Path, ids: &[String]) -> Vec<Gap> {
    let gap = |id: &String| {
        let start = run_started(&[first_record(&runs.join(id))?])?.clone();
        let previous = start.previous.filter(|previous| !ids.contains(&previous.run))?;
        Some(Gap { run: previous.run, named_by: start.run })
    };
    ids.iter().filter_map(gap).collect()
}

/// Everything that a record names with its hash.
fn check_files(found: &mut Findings, dir: &Path, records: &[Recorded], left_out: &[&str]) {
    let mut passed_by: BTreeMap<&str, usize> = BTreeMap::new();
    for recorded in records {
        let (folder, file, sha256) = match &recorded.event.fact {
            Fact::AttemptFinished(finished) => match &finished.output {
                Some(output) => ("output", &output.file, &output.sha256),
                None => continue,
            },
            Fact::EvidenceAttached { file, sha256, .. } => ("evidence", file, sha256),
            Fact::Recovery { kept_as, sha256, .. } => ("", kept_as, sha256),
            Fact::ApprovalGranted(granted) => match &granted.known_by {
                KnownBy::Signature { file, sha256, .. } => ("", file, sha256),
                KnownBy::LocalUser { .. } | KnownBy::SelfDeclared {} => continue,
            },
            Fact::SignedOff(said) => match &said.known_by {
                KnownBy::Signature { file, sha256, .. } => ("", file, sha256),
                KnownBy::LocalUser { .. } | KnownBy::SelfDeclared {} => continue,
            },
            _ => continue,
        };
        if left_out.contains(&folder) {
            *passed_by.entry(folder).or_default() += 1;
            continue;
        }
        let seq = recorded.seq;
        let named = Path::new(folder).join(file);
        let inside = Path::new(file).components().all(|c| matches!(c, Component::Normal(_)));
        if !inside {
            let shown = named.display();
            found.add(Finding::Modified, format!("record {seq} names {shown}: outside the run"));
            continue;
        }
        match disk::hash(&dir.join(&named)) {
            Ok(is) if is == *sha256 => {}
            Ok(_) => found.add(
                Finding::Modified,
                format!("{} is not what record {seq} says it was", named.display()),
            ),
            Err(e) => found.add(
                Finding::Incomplete,
                format!("{}, named by record {seq}, cannot be read: {e}", named.display()),
            ),
        }
    }
    for (folder, count) in passed_by {
        found
            .note(format!("{folder}/ is not in this copy: {count} files of it were not looked at"));
    }
}

/// What the records say of heads and archives elsewhere: the record up to which.
fn check_anchors(found: &mut Findings, records: &[Recorded]) -> u64 {
    let mut held: Option<&Anchored> = None;
    let asked = records.first().is_some_and(|first| match &first.event.fact {
        Fact::RunStarted(run) => run.anchor.is_some(),
        _ => false,
    });
    let mut tried = false;
    for recorded in records {
        match &recorded.event.fact {
            Fact::Anchored(anchored) if held.is_none_or(|it| it.anchor <= anchored.anchor) => {
                held = Some(anchored);
            }
            Fact::AnchorFailed { .. } => tried = true,
            _ => {}
        }
    }
    match held {
        Some(anchored) => {
            let (up_to, bucket) = (anchored.anchor, &anchored.bucket);
            found.note(format!(
                "anchored up to record {up_to} in s3://{bucket}, by its own word; steady verify s3://… \
                 looks there"
            ));
        }
        None if tried => found.note("it was to be anchored, and could not be".into()),
        None if asked => found.note("it was to be anchored, and no record says that it was".into()),
        None => {}
    }
    held.map_or(0, |anchored| anchored.anchor)
}

/// What lies in the directory although no record tells of it: records after it may have been cut off.
fn check_strays(found: &mut Findings, dir: &Path, records: &[Recorded]) {
    let attempts: HashSet<String> = records
        .iter()
        .filter_map(|r| match &r.event.of {
            Subject::Attempt(id) => Some(id.file_stem()),
            Subject::Run | Subject::Step(_) => None,
        })
        .collect();
    for folder in ["attempts", "output"] {
        let Ok(entries) = std::fs::read_dir(dir.join(folder)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let stem = name.strip_suffix(".log").unwrap_or(&name);
            if is_stem(stem) && !attempts.contains(stem) {
                found.add(
                    Finding::Truncated,
                    format!("{folder}/{name} is there, but no record tells of the attempt"),
                );
            }
        }
    }
    let told = |name: &str| {
        records
            .iter()
            .any(|r| matches!(&r.event.fact, Fact::Recovery { kept_as, .. } if kept_as == name))
    };
    for name in torn_files(dir).unwrap_or_default() {
        if !told(&name) {
            found.add(
                Finding::Incomplete,
                format!("{name} was set aside and no record tells of it yet: steady resume"),
            );
        }
    }
}

/// `restore.2`
fn is_stem(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(step, n)| {
        !step.is_empty() && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())
    })
}

fn check_end(found: &mut Findings, records: &[Recorded]) {
    if !records.iter().any(|r| matches!(r.event.fact, Fact::RunFinished { .. })) {
        found.add(
            Finding::Incomplete,
            format!("no record after {} says that the run finished", records.len()),
        );
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
