//! What departed from the straight path, what was kept, and why the record may be believed.

use maud::{Markup, html};

use super::super::model::{Answer, Before, Report, Unknown};
use super::super::test_log::test_log;
use super::super::words::{HONESTLY, answer, granted, seconds, wanted, word};
use super::steps::lines;
use super::{at, hash, list, name, said, section, t, table};

pub(super) fn account(report: &Report) -> Markup {
    html! {
        @if !report.approvals.is_empty() { (section("approvals", "Approvals", &approvals(report))) }
        (section("deviations", "Deviations", &deviations(report)))
        @if !report.escalations.is_empty() { (section("escalation", "Escalation", &escalations(report))) }
        (section("unknowns", "Unknown outcomes", &unknowns(report)))
        (section("preflight", "Preflight", &preflight(report)))
        (section("notes", "Notes", &notes(report)))
        (section("issues", "Issues and lessons", &issues(report)))
        (section("evidence", "Evidence", &evidence(report)))
        @if !report.backups.is_empty() { (section("backups", "Backups", &backups(report))) }
        (section("integrity", "Integrity", &integrity(report)))
        (section("sign-off", "Sign-off", &sign_offs(report)))
        (section("test-log", "Entry for a test log", &html! { pre { (t(&test_log(report))) } }))
    }
}

fn text(text: &str) -> Markup {
    html! { (t(text)) }
}

fn deviations(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .deviations
        .iter()
        .map(|d| {
            vec![
                html! { (d.record) },
                at(d.at),
                name(&d.by),
                name(d.step.as_deref().unwrap_or_default()),
                html! { (d.kind) },
                text(&d.text),
            ]
        })
        .collect();
    table(&["Record", "At", "By", "Step", "Kind", "Reason"], &rows)
}

fn approvals(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .approvals
        .iter()
        .map(|one| {
            let standing = answer(one);
            let open = one.standing == Answer::NotApproved;
            vec![
                html! { (one.record) },
                at(one.at),
                name(&format!("{}.{}", one.step, one.attempt)),
                text(&wanted(one)),
                lines(&granted(one)),
                html! { @if open { strong.bad { "✗ " (t(&standing)) } } @else { (t(&standing)) } },
                hash(&one.request),
            ]
        })
        .collect();
    table(
        &["Record", "Asked", "Attempt", "Wanted", "Answers", "Standing", "Request SHA-256"],
        &rows,
    )
}

fn escalations(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .escalations
        .iter()
        .map(|one| {
            let seen_to = match &one.acknowledged {
                Some(by) => html! { (t(&by.by)) ", " (at(by.at)) br; (t(&by.note)) },
                None => html! { strong { "nobody" } },
            };
            vec![html! { (seconds(one.after_s)) }, text(&one.to), text(&one.contact), seen_to]
        })
        .collect();
    table(&["After", "To", "Contact", "Seen to by"], &rows)
}

fn issues(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .issues
        .iter()
        .map(|issue| {
            let step = issue.step.as_deref().unwrap_or_default();
            vec![
                html! { (word(&issue.severity)) },
                text(&issue.text),
                name(step),
                name(&issue.owner),
                name(&issue.due.to_string()),
                name(&issue.by),
            ]
        })
        .collect();
    html! {
        (table(&["Severity", "Issue", "Step", "Owner", "Due", "Found by"], &rows))
        @if !report.lessons.is_empty() {
            h3 { "Lessons" }
            ul { @for lesson in &report.lessons { li { (t(&lesson.text)) span.none { " (" (t(&lesson.by)) ")" } } } }
        }
    }
}

fn sign_offs(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .sign_offs
        .iter()
        .map(|one| {
            vec![
                at(one.at),
                html! { (name(&one.reviewer)) br; span.none { (t(&one.identity)) } },
                name(&word(&one.decision)),
                text(&one.note),
                html! { (one.up_to_record) },
            ]
        })
        .collect();
    html! {
        p { "Sign-off: " (t(&report.integrity.sign_off)) "." }
        @if !rows.is_empty() { (table(&["At", "Reviewer", "Decision", "Note", "Up to record"], &rows)) }
    }
}

fn unknowns(report: &Report) -> Markup {
    let row = |unknown: &Unknown| {
        let attempt = name(&format!("{}.{}", unknown.step, unknown.attempt));
        match &unknown.resolved {
            None => {
                vec![attempt, html! {}, html! { strong { "still unknown" } }, html! {}, html! {}]
            }
            Some(r) => vec![
                attempt,
                at(r.at),
                name(&word(&r.outcome)),
                name(&word(&r.by)),
                text(&r.reason),
            ],
        }
    };
    let rows: Vec<_> = report.unknowns.iter().map(row).collect();
    table(&["Attempt", "Resolved at", "As", "By", "What was seen"], &rows)
}

fn preflight(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .preflight
        .iter()
        .map(|check| {
            let sign = if check.ok { "✓ ok" } else { "✗ not ok" };
            vec![text(&check.name), html! { (sign) }, text(&check.detail)]
        })
        .collect();
    table(&["Check", "Result", "Seen"], &rows)
}

fn notes(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .notes
        .iter()
        .map(|note| {
            let step = note.step.as_deref().unwrap_or_default();
            vec![at(note.at), name(&note.by), name(step), text(&note.text)]
        })
        .collect();
    table(&["At", "By", "Step", "Note"], &rows)
}

fn evidence(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .evidence
        .iter()
        .map(|e| {
            let step = e.step.as_deref().unwrap_or_default();
            let file = html! { code { "evidence/" (t(&e.file)) } };
            vec![at(e.at), name(step), file, text(&e.caption), hash(&e.sha256)]
        })
        .collect();
    table(&["At", "Step", "File", "What it shows", "SHA-256"], &rows)
}

fn backups(report: &Report) -> Markup {
    let rows: Vec<_> = report
        .backups
        .iter()
        .map(|b| {
            let size = b.size_gb.map_or_else(String::new, |gb| format!("{gb:.1} GB"));
            vec![
                name(&b.date.to_string()),
                text(&b.id),
                name(&b.kind),
                name(&b.status),
                html! { (size) },
                html! { @if b.verified { "yes" } @else { "no" } },
                text(&b.notes),
            ]
        })
        .collect();
    table(&["Date", "Backup", "Type", "Status", "Size", "Verified", "Notes"], &rows)
}

fn integrity(report: &Report) -> Markup {
    let integrity = &report.integrity;
    let checkpoints: Vec<_> = integrity
        .checkpoints
        .iter()
        .map(|one| {
            let file = html! { code { (t(&one.file)) } };
            vec![html! { (one.record) }, at(one.at), file, hash(&one.key)]
        })
        .collect();
    let anchors: Vec<_> = integrity
        .anchors
        .iter()
        .map(|one| {
            let objects = one.objects.iter().map(|o| format!("{} {}", o.key, o.version));
            let objects: Vec<_> = objects.collect();
            vec![
                html! { (one.record) },
                at(one.at),
                text(&one.bucket),
                at(one.retain_until),
                lines(&objects),
            ]
        })
        .collect();
    let previous = integrity.previous_run.as_ref().map(|previous| {
        let found = match previous.found {
            Before::Present => html! { "there, with the head that this run saw" },
            Before::Missing => html! { strong { "missing" } },
            Before::HeadDiffers => html! { strong { "there, but not the one that this run saw" } },
        };
        html! { code { (t(&previous.run)) } ": " (found) br; "head " (hash(&previous.head)) }
    });
    let all = integrity.problems.iter().chain(&integrity.notices);
    html! {
        (list(&[
            ("Records", Some(html! { (integrity.records) })),
            ("Head", Some(hash(&integrity.head))),
            ("Verified when this was written", said(Some(&integrity.verified))),
            ("Signatures", said(Some(&integrity.signatures))),
            ("Anchors", integrity.anchors.is_empty().then(|| html! { span.none { "none" } })),
            ("Tool", Some(html! { "steadyhand " (t(&integrity.tool)) })),
            ("Run before this one", previous.or_else(|| said(Some("none: the first on its host")))),
        ]))
        @if !anchors.is_empty() {
            h3 { "Anchors" }
            (table(&["Up to record", "At", "Bucket", "Kept until", "Object, version"], &anchors))
        }
        @if !checkpoints.is_empty() {
            (table(&["Signed up to record", "At", "File", "Key"], &checkpoints))
        }
        ul { @for notice in all { li { (t(notice)) } } }
        h3 { "How to verify" }
        p { (HONESTLY) }
        pre { (commands(report)) }
    }
}

/// What a reviewer types.
fn commands(report: &Report) -> String {
    let run = t(&report.identity.run);
    let head = t(&report.integrity.head);
    let records = report.integrity.records;
    format!(
        "steady verify {run}                              # the chain, outputs, evidence\n\
         steady verify {run} --allowed-signers FILE       # and who signed, by your keys\n\
         sed -n {records}p journal.jsonl | sha256sum      # must begin {}\n",
        head.get(..16).unwrap_or(&head)
    )
}
