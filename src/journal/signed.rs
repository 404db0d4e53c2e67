//! Texts that others than the operator sign, kept with their signatures: whoever has OpenSSH can check them.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::chain::sha256_hex;
use super::disk;
use super::verdict::{Finding, Findings};
use super::vouch::{Auditor, Lines, Signature};
use crate::engine::event::{ApprovalGranted, KnownBy, SignedOff, Subject};
use crate::engine::{Fact, Recorded};

/// The folder of what was asked for approval: `41.txt` is what record 41 asks, `41.1.sig` its first signature.
pub const APPROVALS: &str = "approvals";
/// The folder of what reviewers said: `63.txt` and `63.sig` belong to record 63.
pub const SIGN_OFFS: &str = "sign-offs";
/// The namespace of signatures over requests for approval.
pub const APPROVAL: &str = "approval@steadyhand";
/// Of those over a reviewer's decision.
pub const SIGN_OFF: &str = "sign-off@steadyhand";

/// Keeps a file of one of these folders: when this returns, it is on the disk. One of that name is replaced.
/// Its path below the run directory, and the SHA-256 of its bytes.
///
/// # Errors
/// When it cannot be written.
pub fn keep(run: &Path, folder: &str, name: &str, bytes: &[u8]) -> io::Result<(String, String)> {
    let inside = run.join(folder);
    // Runs of earlier versions have no such folder.
    DirBuilder::new().mode(0o700).recursive(true).create(&inside)?;
    disk::place(&inside, name, bytes)?;
    disk::sync_dir(&inside)?;
    Ok((format!("{folder}/{name}"), sha256_hex(bytes)))
}

/// A signature that a record names, and what it is over.
struct Signed<'a> {
    record: &'a Recorded,
    namespace: &'static str,
    who: &'a str,
    file: &'a str,
    /// The file with the text, and what it must hold.
    beside: String,
    text: String,
}

/// Holds approvals and sign-offs by key to the journal and, with an auditor, to the auditor's keys.
pub(super) fn check(
    found: &mut Findings,
    dir: &Path,
    lines: &Lines<'_>,
    records: &[Recorded],
    auditor: Option<&dyn Auditor>,
) -> io::Result<()> {
    let run = records.iter().find_map(|record| match &record.event.fact {
        Fact::RunStarted(started) => Some(started.run.as_str()),
        _ => None,
    });
    let Some(run) = run else { return Ok(()) };
    check_heads(found, lines, records);
    for record in records {
        let signed = match &record.event.fact {
            Fact::ApprovalGranted(granted) => approval(run, records, record, granted),
            Fact::SignedOff(said) => sign_off(run, record, said),
            _ => continue,
        };
        let Some(signed) = signed else { continue };
        match disk::read(&dir.join(&signed.beside)) {
            Ok(bytes) if bytes == signed.text.as_bytes() => {}
            Ok(_) => found.add(
                Finding::Modified,
                format!("{} is not what record {} is about", signed.beside, record.seq),
            ),
            Err(e) => {
                found.add(Finding::Incomplete, format!("{} cannot be read: {e}", signed.beside));
            }
        }
        if let Some(auditor) = auditor.filter(|_| dir.join(signed.file).exists()) {
            judge(found, &signed, auditor)?;
        }
    }
    Ok(())
}

fn judge(found: &mut Findings, signed: &Signed<'_>, auditor: &dyn Auditor) -> io::Result<()> {
    let Signed { record, namespace, who, file, text, .. } = signed;
    let seq = record.seq;
    match auditor.judge_text(namespace, file, text.as_bytes(), record.stamp.at)? {
        Signature::Good { principal, key } => {
            found.note(format!("record {seq}, {who}: signed by {principal} with {key}"));
        }
        Signature::Wrong(why) => {
            let sentence = format!("{file} is no signature of what record {seq} is about: {why}");
            found.add(Finding::Modified, sentence);
        }
        // An auditor need not know everybody: it is said, and vouches for nothing.
        Signature::Untrusted(why) => found.note(format!("record {seq}, {who}: {why}")),
        Signature::NotChecked => {}
    }
    Ok(())
}

/// What approvers and reviewers have seen of the journal must be what lies there.
fn check_heads(found: &mut Findings, lines: &Lines<'_>, records: &[Recorded]) {
    for record in records {
        let (seq, head) = match &record.event.fact {
            Fact::ApprovalRequested(asked) => (record.seq.saturating_sub(1), &asked.head),
            Fact::SignedOff(said) => (said.seq, &said.head),
            _ => continue,
        };
        if lines.head(seq).is_some_and(|is| is != *head) {
            let by = record.seq;
            let sentence = format!("record {seq} is not the one that record {by} was made after");
            found.add(Finding::Modified, sentence);
        }
    }
}

fn approval<'a>(
    run: &str,
    records: &[Recorded],
    record: &'a Recorded,
    granted: &'a ApprovalGranted,
) -> Option<Signed<'a>> {
    let KnownBy::Signature { file, .. } = &granted.known_by else { return None };
    let asking = records.iter().find(|record| record.seq == granted.asked)?;
    let text = match (&asking.event.of, &asking.event.fact) {
        (Subject::Step(step), Fact::ApprovalRequested(asked)) => asked.text(run, step, asking.seq),
        _ => return None,
    };
    let beside = format!("{APPROVALS}/{}.txt", granted.asked);
    Some(Signed { record, namespace: APPROVAL, who: &granted.approver, file, beside, text })
}

fn sign_off<'a>(run: &str, record: &'a Recorded, said: &'a SignedOff) -> Option<Signed<'a>> {
    let KnownBy::Signature { file, .. } = &said.known_by else { return None };
    let beside = format!("{SIGN_OFFS}/{}.txt", record.seq);
    let text = said.text(run);
    Some(Signed { record, namespace: SIGN_OFF, who: &said.reviewer, file, beside, text })
}
