use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::fixture::{self, BY, RUN, stamp};
use super::super::{Journal, NewRun, create_run};
use super::*;
use crate::engine::Event;
use crate::engine::event::Previous;

fn run() -> (TempDir, PathBuf) {
    let runs = tempfile::tempdir().unwrap();
    let dir = fixture::write(runs.path());
    (runs, dir)
}

fn found(dir: &Path) -> (Finding, Vec<String>) {
    let verdict = verify(dir, None).unwrap();
    (verdict.result, verdict.problems)
}

#[test]
fn a_finished_run_is_consistent_and_never_called_intact() {
    let (_runs, dir) = run();
    let verdict = verify(&dir, None).unwrap();
    assert_eq!(verdict.result, Finding::Consistent, "{:?}", verdict.problems);
    assert_eq!(verdict.run, RUN);
    assert_eq!(verdict.records, 12);
    assert_eq!(verdict.head, read(&dir).unwrap().head);
    let sentence = verdict.sentence();
    assert!(sentence.starts_with("consistent, unsigned: 12 records"), "{sentence}");
    assert!(sentence.contains("vouched for only by a copy of the head"), "{sentence}");
    assert_eq!(verdict.result.exit_code(), 0);
}

#[test]
fn a_cut_at_every_byte_is_told_apart() {
    let (_runs, dir) = run();
    let whole = fs::read(dir.join(JOURNAL)).unwrap();
    for cut in 0..whole.len() {
        fs::write(dir.join(JOURNAL), &whole[..cut]).unwrap();
        // The output is there from the start: while no record tells of it, records must be missing.
        let told = String::from_utf8_lossy(&whole[..cut]).contains("attempt_intended");
        let at_end_of_record = cut > 0 && whole[cut - 1] == b'\n';
        let expected =
            if at_end_of_record && told { Finding::Incomplete } else { Finding::Truncated };
        assert_eq!(found(&dir).0, expected, "cut at {cut}");
    }
}

#[test]
fn every_flipped_byte_is_told_apart_or_changes_the_head() {
    let (_runs, dir) = run();
    let whole = fs::read(dir.join(JOURNAL)).unwrap();
    let head = verify(&dir, None).unwrap().head;
    let last_line = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for at in 0..whole.len() {
        let flip = 1 << (at % 8);
        let mut bytes = whole.clone();
        bytes[at] ^= flip;
        fs::write(dir.join(JOURNAL), bytes).unwrap();
        let verdict = verify(&dir, None).unwrap();
        if at < last_line {
            assert_eq!(verdict.result, Finding::Modified, "byte {at} ^ {flip}");
        } else {
            // Nothing in the directory vouches for the last line: the head does, wherever it is kept.
            let told_apart = verdict.result != Finding::Consistent || verdict.head != head;
            assert!(told_apart, "byte {at} ^ {flip}");
        }
    }
}

#[test]
fn what_the_record_names_is_checked_too() {
    let cases: [(&str, Option<&[u8]>, Finding, &str); 8] = [
        ("runbook.yaml", Some(b"steadyhand: 1\n"), Finding::Modified, "runbook.yaml"),
        ("runbook.yaml", None, Finding::Modified, "runbook.yaml"),
        ("settings.yaml", Some(b"x"), Finding::Modified, "settings.yaml"),
        ("settings.yaml", None, Finding::Incomplete, "settings.yaml"),
        ("output/stop_writers.1.log", Some(b"all is well\n"), Finding::Modified, "record 7"),
        ("output/stop_writers.1.log", None, Finding::Incomplete, "record 7"),
        ("output/restore.3.log", Some(b""), Finding::Truncated, "output/restore.3.log"),
        ("journal.torn-9", Some(b"{"), Finding::Incomplete, "journal.torn-9"),
    ];
    for (file, bytes, finding, said) in cases {
        let (_runs, dir) = run();
        match bytes {
            Some(bytes) => fs::write(dir.join(file), bytes).unwrap(),
            None => fs::remove_file(dir.join(file)).unwrap(),
        }
        let (result, problems) = found(&dir);
        assert_eq!(result, finding, "{file}: {problems:?}");
        assert!(problems.iter().any(|p| p.contains(said)), "{file}: {problems:?}");
    }
}

#[test]
fn evidence_is_checked_and_a_name_that_leads_out_of_the_run_is_refused() {
    let (_runs, dir) = run();
    let mut journal = Journal::open(&dir).unwrap().journal;
    let mut attach = |file: &str| {
        let event = Event::run(Fact::EvidenceAttached {
            file: file.into(),
            sha256: sha256_hex(b"png"),
            bytes: 3,
            caption: String::new(),
        });
        journal.append(stamp(70), BY, event).unwrap();
    };
    attach("shot.png");
    fs::write(dir.join("evidence/shot.png"), b"png").unwrap();
    assert_eq!(found(&dir).0, Finding::Consistent);
    fs::write(dir.join("evidence/shot.png"), b"jpg").unwrap();
    assert_eq!(found(&dir).0, Finding::Modified);
    fs::write(dir.join("evidence/shot.png"), b"png").unwrap();
    attach("../runbook.yaml");
    let (result, problems) = found(&dir);
    assert_eq!(result, Finding::Modified);
    assert!(problems[0].contains("outside the run"), "{problems:?}");
}

#[test]
fn a_history_that_the_next_run_did_not_see_is_forked() {
    let (runs, dir) = run();
    let head = read(&dir).unwrap().head;
    let previous = Previous { run: RUN.into(), head };
    let next = fixture::write_as(runs.path(), "20261122T031000Z-a-0002", Some(previous));
    assert_eq!(found(&dir).0, Finding::Consistent);
    assert_eq!(verify(&next, None).unwrap().notes, Vec::<String>::new());

    // The run's last record is written anew: the chain alone would not show it.
    let text = fs::read_to_string(dir.join(JOURNAL)).unwrap();
    fs::write(dir.join(JOURNAL), text.replace("\"completed\"", "\"aborted\"")).unwrap();
    let verdict = verify(&dir, None).unwrap();
    assert_eq!(verdict.result, Finding::Forked);
    assert!(verdict.problems[0].contains("20261122T031000Z-a-0002"), "{:?}", verdict.problems);

    // The run is taken away altogether: the next one misses it.
    fs::remove_dir_all(&dir).unwrap();
    assert!(verify(&next, None).unwrap().notes[0].contains(RUN));
}

#[test]
fn a_run_that_goes_on_is_incomplete() {
    let runs = tempfile::tempdir().unwrap();
    let new = NewRun {
        runs: runs.path(),
        id: RUN,
        runbook: fixture::RUNBOOK,
        settings: Some(fixture::SETTINGS),
        included: &[],
        shared: false,
    };
    let made = create_run(&new, stamp(1), BY, vec![fixture::started(RUN, None)]).unwrap();
    assert_eq!(found(made.journal.dir()).0, Finding::Incomplete);
}

#[test]
fn a_fifo_in_the_place_of_the_journal_does_not_hang_it() {
    let (_runs, dir) = run();
    fs::remove_file(dir.join(JOURNAL)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.join(JOURNAL)).status().unwrap();
    assert!(made.success());
    assert_eq!(found(&dir).0, Finding::Truncated);
}

#[test]
fn what_a_newer_steady_wrote_is_not_called_modified_while_its_chain_holds() {
    let (_runs, dir) = run();
    let whole = fs::read_to_string(dir.join(JOURNAL)).unwrap();
    let line = |seq: u64, v: u64, kind: &str, prev: &str| {
        format!(
            "{{\"v\":{v},\"seq\":{seq},\"at\":\"2026-11-21T03:20:00.000Z\",\"boot\":\"b\",\"mono\":\"9\",\
             \"type\":\"{kind}\",\"by\":\"{BY}\",\"more\":1,\"body\":{{}},\"prev\":\"{prev}\"}}\n"
        )
    };
    let head = read(&dir).unwrap().head;
    for (v, kind) in [(2, "run_finished"), (1, "teleported")] {
        let one = line(13, v, kind, &head);
        let two = line(14, v, kind, &sha256_hex(one.as_bytes()));
        fs::write(dir.join(JOURNAL), format!("{whole}{one}{two}")).unwrap();
        let (result, problems) = found(&dir);
        assert_eq!(result, Finding::Incomplete, "{problems:?}");
        assert!(
            problems[0].contains("record 13") && problems[0].contains("newer steady"),
            "{problems:?}"
        );
        // Changed afterwards, it is what it is.
        fs::write(dir.join(JOURNAL), format!("{whole}{}{two}", one.replace("\"b\"", "\"c\"")))
            .unwrap();
        assert_eq!(found(&dir).0, Finding::Modified);
    }
}
