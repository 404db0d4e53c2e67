use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::super::fixture::{self, BY, stamp};
use super::super::{Follower, JOURNAL, read};
use super::*;

fn note(text: &str) -> Event {
    Event::run(Fact::NoteAdded { text: text.into() })
}

fn run() -> (TempDir, PathBuf) {
    let runs = tempfile::tempdir().unwrap();
    let dir = fixture::write(runs.path());
    (runs, dir)
}

#[test]
fn what_was_appended_is_read_back_and_the_chain_goes_on() {
    let (_runs, dir) = run();
    let before = read(&dir).unwrap();
    assert_eq!(before.records, fixture::records());

    let mut opened = Journal::open(&dir).unwrap();
    assert_eq!(opened.records, fixture::records());
    assert_eq!(opened.torn, []);
    assert_eq!(opened.journal.head(), before.head);
    let mut late = stamp(60);
    late.at += chrono::TimeDelta::microseconds(7);
    let added = opened.journal.append(late, BY, note("später")).unwrap();
    assert_eq!(added.stamp, stamp(60), "what is returned is what is on the disk");

    let after = read(&dir).unwrap();
    assert_eq!(after.records.last(), Some(&added));
    assert_eq!(after.head, opened.journal.head());
    assert_eq!(opened.journal.len(), added.seq);
    let last = fs::read(dir.join(JOURNAL)).unwrap();
    let last = last.split_inclusive(|b| *b == b'\n').next_back().unwrap();
    assert_eq!(after.head, sha256_hex(last));
}

#[test]
fn files_are_their_owners_alone_and_links_are_not_followed() {
    let (_runs, dir) = run();
    let mode = fs::metadata(dir.join(JOURNAL)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::rename(dir.join(JOURNAL), dir.join("elsewhere")).unwrap();
    symlink("elsewhere", dir.join(JOURNAL)).unwrap();
    assert!(matches!(Journal::open(&dir), Err(OpenError::Io { .. })));
    assert!(read(&dir).is_err());
}

#[test]
fn the_second_writer_is_told_who_holds_it_and_may_watch() {
    let (_runs, dir) = run();
    let first = Journal::open(&dir).unwrap();
    let error = Journal::open(&dir).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(error.contains("steady watch"), "{error}");
    read(&dir).expect("reading needs no lock");
    drop(first);
    Journal::open(&dir).expect("the lock goes with its holder");
}

#[test]
fn a_directory_that_others_may_write_to_is_refused_with_the_remedy() {
    let (_runs, dir) = run();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o770)).unwrap();
    let error = Journal::open(&dir).unwrap_err().to_string();
    assert!(error.contains("chmod go-w"), "{error}");
}

#[test]
fn cut_at_every_byte_it_opens_again_with_nothing_lost() {
    let (_runs, dir) = run();
    let whole = fs::read(dir.join(JOURNAL)).unwrap();
    let records = fixture::records();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
    for cut in 0..=whole.len() {
        fs::write(dir.join(JOURNAL), &whole[..cut]).unwrap();
        let acknowledged = ends.iter().filter(|end| **end <= cut).count();
        let tail = &whole[ends[..acknowledged].last().copied().unwrap_or(0)..cut];

        let Opened { mut journal, records: found, torn, .. } = Journal::open(&dir).unwrap();
        assert_eq!(found, records[..acknowledged], "cut at {cut}");
        assert_eq!(torn.len(), usize::from(!tail.is_empty()), "cut at {cut}");
        let Some(torn) = torn.first() else { continue };
        assert_eq!(torn.bytes, tail.len() as u64);
        assert_eq!(torn.sha256, sha256_hex(tail));
        assert_eq!(fs::read(dir.join(&torn.kept_as)).unwrap(), tail);
        // The way back through the whole file, for some of them.
        if cut % 16 == 0 {
            journal.append(stamp(99), BY, torn.event()).unwrap();
            drop(journal);
            let again = Journal::open(&dir).unwrap();
            assert_eq!(again.torn, [], "told of once");
            assert_eq!(again.records.len(), acknowledged + 1);
        }
        fs::remove_file(dir.join(&torn.kept_as)).unwrap();
    }
}

#[test]
fn damaged_pages_at_the_end_are_set_aside_even_with_line_ends_in_them() {
    let (_runs, dir) = run();
    let mut bytes = fs::read(dir.join(JOURNAL)).unwrap();
    bytes.extend(b"{\"v\":1,\0\0\0\n\0\0\xff\n\0\0");
    fs::write(dir.join(JOURNAL), bytes).unwrap();
    let opened = Journal::open(&dir).unwrap();
    assert_eq!(opened.records, fixture::records());
    assert_eq!(opened.torn[0].bytes, 17);
}

#[test]
fn a_tail_set_aside_before_a_crash_is_told_of_after_it_and_none_is_overwritten() {
    let (_runs, dir) = run();
    let whole = fs::read(dir.join(JOURNAL)).unwrap();
    let seq = fixture::records().len() + 1;
    for tail in ["{\"one", "{\"two", "{\"one"] {
        // Opened, set aside, and killed before the recovery record.
        fs::write(dir.join(JOURNAL), [&whole, tail.as_bytes()].concat()).unwrap();
        drop(Journal::open(&dir).unwrap());
    }
    let opened = Journal::open(&dir).unwrap();
    let names: Vec<&str> = opened.torn.iter().map(|t| t.kept_as.as_str()).collect();
    assert_eq!(names, [format!("journal.torn-{seq}"), format!("journal.torn-{seq}.2")]);
    let kept: HashSet<_> = names.iter().map(|n| fs::read(dir.join(n)).unwrap()).collect();
    assert_eq!(kept, HashSet::from([b"{\"one".to_vec(), b"{\"two".to_vec()]));
}

#[test]
fn anything_but_a_damaged_end_refuses_writing_and_changes_nothing() {
    let (_runs, dir) = run();
    let whole = String::from_utf8(fs::read(dir.join(JOURNAL)).unwrap()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let last = lines.len();
    let cases = [
        // An edit of the last but one breaks the last one's `prev`: it is not thrown away for that.
        (whole.replace("no URL", "no  URL"), "record 11 "),
        (whole.replace("run_finished", "run_vanished"), "record 12 "),
        (format!("{}{}", lines[..3].concat(), lines[4..].concat()), "record 4 "),
        (format!("{whole}{}", lines[last - 1]), "record 13 "),
        (whole.replace("half", "half\u{0}"), "record 6 "),
        (whole.replace("\"v\":1", "\"v\":2"), "version 2"),
    ];
    for (text, said) in cases {
        assert_ne!(text, whole);
        fs::write(dir.join(JOURNAL), &text).unwrap();
        let error = Journal::open(&dir).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("steady verify"), "{said}: {error}");
        assert_eq!(fs::read_to_string(dir.join(JOURNAL)).unwrap(), text);
        assert_eq!(torn_files(&dir).unwrap(), Vec::<String>::new());
        assert!(read(&dir).is_err());
    }
}

#[test]
fn another_runbook_in_its_place_refuses_writing() {
    let (_runs, dir) = run();
    fs::write(dir.join("runbook.yaml"), "steadyhand: 1\n").unwrap();
    assert!(Journal::open(&dir).unwrap_err().to_string().contains("record 1 "));
}

/// `/dev/full` takes no byte: what a full disk does, without one.
fn on_a_full_disk(dir: &Path) -> Journal {
    Journal {
        dir: dir.to_owned(),
        file: fs::OpenOptions::new().append(true).open("/dev/full").unwrap(),
        staged: Staged::after(&Chain::new("00".into())),
        chain: Chain::new("00".into()),
        bytes: 0,
        reserve: Some(Reserve::take(dir).unwrap()),
        poisoned: None,
    }
}

#[test]
fn a_full_disk_gives_the_reserve_back_once_and_then_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let reserve = dir.path().join(".reserve");
    let mut journal = on_a_full_disk(dir.path());
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 8 * 1024 * 1024);

    let first = journal.append(stamp(1), BY, note("a")).unwrap_err();
    assert!(matches!(first, AppendError::NoSpace(_)), "{first}");
    assert!(first.to_string().contains("free some"), "{first}");
    assert!(!reserve.exists(), "the halt record may use it");
    assert_eq!(journal.len(), 0);

    let second = journal.append(stamp(2), BY, note("b")).unwrap_err();
    assert!(matches!(second, AppendError::Poisoned { .. }), "{second}");
    // Were the disk to come back now, the journal stays closed.
    journal.file = disk::create_append(&dir.path().join(JOURNAL)).unwrap();
    let third = journal.append(stamp(3), BY, note("c")).unwrap_err();
    assert!(matches!(third, AppendError::Poisoned { .. }), "{third}");
}

#[test]
fn after_the_reserve_was_given_back_the_halt_record_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = on_a_full_disk(dir.path());
    journal.append(stamp(1), BY, note("a")).unwrap_err();
    journal.file = disk::create_append(&dir.path().join(JOURNAL)).unwrap();
    journal.append(stamp(2), BY, Event::run(Fact::RunPaused { reason: "full".into() })).unwrap();
}

#[test]
fn a_failed_write_is_never_tried_again() {
    let (_runs, dir) = run();
    let mut journal = Journal::open(&dir).unwrap().journal;
    let good = std::mem::replace(&mut journal.file, File::open(dir.join(JOURNAL)).unwrap());
    let first = journal.append(stamp(1), BY, note("a")).unwrap_err();
    assert!(matches!(first, AppendError::Poisoned { .. }), "{first}");
    journal.file = good;
    let second = journal.append(stamp(2), BY, note("a")).unwrap_err();
    assert!(matches!(second, AppendError::Poisoned { .. }), "{second}");
    assert_eq!(read(&dir).unwrap().records, fixture::records());
}

#[test]
fn the_reserve_is_there_while_the_run_goes_on_and_gone_when_it_is_over() {
    let runs = tempfile::tempdir().unwrap();
    let new = super::super::NewRun {
        runs: runs.path(),
        id: "r",
        runbook: fixture::RUNBOOK,
        settings: Some(fixture::SETTINGS),
        included: &[],
        shared: false,
    };
    let first = fixture::started("r", None);
    let created = super::super::create_run(&new, stamp(1), BY, vec![first]).unwrap();
    let dir = created.journal.dir().to_owned();
    assert!(dir.join(".reserve").exists());
    drop(created);
    let mut journal = Journal::open(&dir).unwrap().journal;
    for event in fixture::story() {
        assert!(dir.join(".reserve").exists());
        journal.append(stamp(2), BY, event).unwrap();
    }
    assert!(!dir.join(".reserve").exists());
}

#[test]
fn a_fact_that_would_not_read_back_is_not_written() {
    let (_runs, dir) = run();
    let mut journal = Journal::open(&dir).unwrap().journal;
    let mut deep = serde_json::json!(1);
    for _ in 0..200 {
        deep = serde_json::json!([deep]);
    }
    let intended = Event::run(Fact::AttemptIntended {
        request: deep,
        digest: String::new(),
        token: String::new(),
    });
    let error = journal.append(stamp(1), BY, intended).unwrap_err();
    assert!(matches!(error, AppendError::Unwritable(_)), "{error}");
    journal.append(stamp(2), BY, note("goes on")).unwrap();
}

#[test]
fn a_follower_sees_each_record_once_and_waits_for_the_end_of_a_line() {
    let (_runs, dir) = run();
    let path = dir.join(JOURNAL);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, b"").unwrap();
    let mut follower = Follower::new(&dir).unwrap();
    let mut seen = Vec::new();
    for end in (0..=whole.len()).step_by(97).chain([whole.len()]) {
        fs::write(&path, &whole[..end]).unwrap();
        seen.extend(follower.poll().unwrap());
        let complete = whole[..end].iter().filter(|b| **b == b'\n').count();
        assert_eq!(seen.len(), complete);
    }
    assert_eq!(seen, fixture::records());
    assert_eq!(follower.head(), read(&dir).unwrap().head);

    fs::write(&path, [&whole[..], &whole[..]].concat()).unwrap();
    assert!(follower.poll().unwrap_err().to_string().contains("record 13 "));
}
