//! Why the record may be believed, and how far.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::model::{Anchor, Before, Checkpoint, Integrity, PreviousRun, StoredObject};
use super::super::words::word;
use super::Beside;
use crate::engine::event::{Anchored, Archived, RunStarted};
use crate::engine::signing::Signed;
use crate::engine::{Fact, Recorded, Stamp, State};

pub(super) fn integrity(
    state: &State,
    run: &RunStarted,
    records: &[Recorded],
    beside: &Beside,
) -> Integrity {
    let verdict = &beside.verdict;
    Integrity {
        records: records.len() as u64,
        head: verdict.head.clone(),
        verified: verdict.standing(),
        problems: verdict.problems.clone(),
        signatures: signatures(state),
        checkpoints: state.signatures.signed.iter().map(checkpoint).collect(),
        anchors: state.anchors.held.iter().map(|(at, held)| anchor(at, held)).collect(),
        anchored_up_to: state.anchors.up_to(),
        tool: run.tool.clone(),
        notices: notices(state, run, records, beside.previous.as_ref()),
        previous: run.previous.as_ref().map(|p| format!("{} with head {}", p.run, p.head)),
        previous_run: beside.previous.clone(),
        sign_off: signed_off(state),
    }
}

fn signatures(state: &State) -> String {
    let signed = &state.signatures.signed;
    let keys: BTreeSet<&str> = signed.iter().map(|signed| signed.key.as_str()).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let asked_for = state.run().is_some_and(|run| run.signing.is_some());
    match (signed.len(), state.signatures.failure()) {
        (0, None) if asked_for => "not signed yet".into(),
        (0, None) => "not signed".into(),
        (0, Some(why)) => format!("not signed: {why}"),
        (n, failure) => {
            let s = if n == 1 { "" } else { "s" };
            let failure = failure.map(|why| format!("; the last one is not signed: {why}"));
            format!(
                "{n} checkpoint{s} signed with {}{}",
                keys.join(", "),
                failure.unwrap_or_default()
            )
        }
    }
}

fn checkpoint(signed: &Signed) -> Checkpoint {
    Checkpoint {
        record: signed.checkpoint,
        at: signed.at.at,
        file: format!("checkpoints/{}", signed.file),
        key: signed.key.clone(),
    }
}

fn anchor(at: &Stamp, held: &Anchored) -> Anchor {
    let object = |object: &Archived| StoredObject {
        key: object.key.clone(),
        version: object.version.clone(),
        sha256: object.sha256.clone(),
        bytes: object.bytes,
    };
    Anchor {
        at: at.at,
        record: held.anchor,
        head: held.head.clone(),
        what: held.what,
        bucket: held.bucket.clone(),
        retain_until: held.retain_until,
        objects: held.objects.iter().map(object).collect(),
    }
}

fn signed_off(state: &State) -> String {
    let Some(last) = state.sign_offs.last() else { return "none recorded".into() };
    let said = &last.said;
    format!(
        "{} by {} ({}) at {}, having seen record {}",
        said.decision.name(),
        said.reviewer,
        said.known_by,
        moment(last.at.at),
        said.seq
    )
}

fn notices(
    state: &State,
    run: &RunStarted,
    records: &[Recorded],
    previous: Option<&PreviousRun>,
) -> Vec<String> {
    let mut notices = vec![
        "Secrets are masked in requests and in output; a command that is set on printing one in pieces \
         can defeat that."
            .to_owned(),
    ];
    if run.practice {
        notices.push("Practice against the embedded sandbox: no real system was touched.".into());
    }
    if run.identity == "self-declared" {
        notices.push("Who the operator was is self-declared.".into());
    }
    if state.finished.is_none() {
        notices.push("The run had not finished when this was written.".into());
    }
    match previous.map(|previous| (&previous.run, previous.found)) {
        Some((id, Before::Missing)) => notices.push(format!(
            "The run before this one, {id}, is missing: it was removed, or is kept elsewhere."
        )),
        Some((id, Before::HeadDiffers)) => notices.push(format!(
            "The run before this one, {id}, is not the one that this run saw: it was written anew or cut since."
        )),
        Some((_, Before::Present)) | None => {}
    }
    let consoles =
        records.iter().filter(|r| matches!(r.event.fact, Fact::ConsoleAttached { .. })).count();
    if consoles > 1 {
        notices.push(format!("The console was opened {consoles} times: the run was interrupted."));
    }
    for untold in &state.notifications.failed {
        let what = word(&untold.occasion);
        notices.push(format!("{} was not told of {what}: {}", untold.hook, untold.reason));
    }
    for recorded in records {
        match &recorded.event.fact {
            Fact::Recovery { bytes, kept_as, sha256 } => notices.push(format!(
                "{bytes} damaged bytes were set aside as {kept_as} (SHA-256 {sha256})."
            )),
            Fact::SignalReceived { signal } => {
                notices.push(format!("The console got {signal} at {}.", moment(recorded.stamp.at)));
            }
            _ => {}
        }
    }
    notices
}

fn moment(at: DateTime<Utc>) -> String {
    crate::runbook::value::timestamp_text(at)
}
