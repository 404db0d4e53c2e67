use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::super::fixture::{self, BY, RUN, RUNBOOK, SETTINGS, stamp};
use super::*;
use crate::engine::Fact;

fn new(runs: &Path) -> NewRun<'_> {
    NewRun {
        runs,
        id: RUN,
        runbook: RUNBOOK,
        settings: Some(SETTINGS),
        included: &[],
        shared: false,
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_run_directory_has_the_layout_of_the_design() {
    let parent = tempfile::tempdir().unwrap();
    let runs = parent.path().join("state/runs");
    let made = create_run(&new(&runs), stamp(1), BY, vec![fixture::started(RUN, None)]).unwrap();
    let dir = runs.join(RUN);
    assert_eq!(made.journal.dir(), dir);
    assert_eq!(made.records[0].seq, 1);
    let visible: Vec<String> = names(&dir).into_iter().filter(|n| !n.starts_with('.')).collect();
    assert_eq!(
        visible,
        [
            "VERIFY.txt",
            "approvals",
            "attempts",
            "checkpoints",
            "evidence",
            "journal.jsonl",
            "output",
            "reports",
            "runbook.yaml",
            "settings.yaml",
            "sign-offs",
        ]
    );
    assert_eq!(fs::read(dir.join("runbook.yaml")).unwrap(), RUNBOOK);
    assert_eq!(fs::read(dir.join("settings.yaml")).unwrap(), SETTINGS);
    for path in [&runs, &dir, &dir.join("output")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{path:?}");
    }
    assert_eq!(names(&runs), [RUN]);
}

#[test]
fn a_run_that_cannot_begin_leaves_nothing_behind() {
    let runs = tempfile::tempdir().unwrap();
    // The first record cannot be written.
    let mut deep = serde_json::json!(1);
    for _ in 0..200 {
        deep = serde_json::json!([deep]);
    }
    let unwritable = Event::run(Fact::AttemptIntended {
        request: deep,
        digest: String::new(),
        token: String::new(),
    });
    assert!(create_run(&new(runs.path()), stamp(1), BY, vec![unwritable]).is_err());
    assert_eq!(names(runs.path()), Vec::<String>::new());

    // Another run has the id.
    let dir = fixture::write(runs.path());
    let before = fs::read(dir.join(JOURNAL)).unwrap();
    assert!(
        create_run(&new(runs.path()), stamp(1), BY, vec![fixture::started(RUN, None)]).is_err()
    );
    assert_eq!(fs::read(dir.join(JOURNAL)).unwrap(), before);
    assert_eq!(names(runs.path()), [RUN]);
}

#[test]
fn a_directory_of_runs_that_others_may_write_to_is_refused() {
    let runs = tempfile::tempdir().unwrap();
    // In a sticky one others cannot touch what is ours, but can put in a run that is not.
    for mode in [0o777, 0o775, 0o757, 0o1777] {
        fs::set_permissions(runs.path(), fs::Permissions::from_mode(mode)).unwrap();
        let first = fixture::started(RUN, None);
        let error =
            create_run(&new(runs.path()), stamp(1), BY, vec![first]).unwrap_err().to_string();
        let said = format!("(mode {mode:04o}): chmod go-w {}", runs.path().display());
        assert!(error.ends_with(&said), "{error}");
        assert_eq!(names(runs.path()), Vec::<String>::new());
    }
}

#[test]
fn a_run_that_others_may_write_to_is_not_gone_on_with() {
    let runs = tempfile::tempdir().unwrap();
    let dir = fixture::write(runs.path());
    let journal = dir.join(JOURNAL);
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (path, open, closed) in [(&dir, 0o770, 0o700), (&journal, 0o620, 0o600)] {
        set(path, open);
        let error = Journal::open(&dir).unwrap_err().to_string();
        assert!(error.ends_with(&format!("chmod go-w {}", path.display())), "{error}");
        set(path, closed);
        assert!(Journal::open(&dir).is_ok());
    }
}

#[test]
fn ids_say_when_and_what() {
    let at = "2026-11-21T03:10:00Z".parse().unwrap();
    let id = new_run_id(at, "aurora-pitr").unwrap();
    let tail = id.strip_prefix("20261121T031000Z-aurora-pitr-").unwrap();
    assert_eq!(tail.len(), 4);
    assert!(tail.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{id}");
}

#[test]
fn a_run_is_found_by_id_by_the_beginning_of_only_one_and_by_directory() {
    let runs = tempfile::tempdir().unwrap();
    let runs = runs.path();
    let first = fixture::write_as(runs, "20261121T031000Z-a-0001", None);
    let second = fixture::write_as(runs, "20261122T031000Z-a-0002", None);
    let longer = fixture::write_as(runs, "20261122T031000Z-a-00021", None);
    fs::create_dir(runs.join(".new-half")).unwrap();
    fs::create_dir(runs.join("not-a-run")).unwrap();

    assert_eq!(run_ids(runs).unwrap().len(), 3);
    assert_eq!(find_run(runs, "20261121").unwrap(), first);
    assert_eq!(find_run(runs, "20261122T031000Z-a-0002").unwrap(), second);
    assert_eq!(find_run(runs, longer.to_str().unwrap()).unwrap(), longer);
    assert!(
        matches!(find_run(runs, "20261122"), Err(FindError::Ambiguous { found, .. }) if found.len() == 2)
    );
    for none in ["", "2027", "not-a-run", ".new-half"] {
        assert!(matches!(find_run(runs, none), Err(FindError::NotFound { .. })), "{none}");
    }
    assert!(run_ids(&runs.join("nowhere")).unwrap().is_empty());
}

/// Does what VERIFY.txt tells an auditor to do, with the tools it names; `tests/it/signing/by_hand.rs` does
/// it for a signed run.
#[test]
fn verify_txt_can_be_followed() {
    let runs = tempfile::tempdir().unwrap();
    let dir = fixture::write(runs.path());
    let mut journal = Journal::open(&dir).unwrap().journal;
    let torn = dir.join("journal.torn-13");
    for (file, bytes) in [(dir.join("evidence/shot.png"), &b"png"[..]), (torn, b"{\"one")] {
        fs::write(file, bytes).unwrap();
    }
    let (sha256, caption) = (sha256_hex(b"png"), "the \"body\":{\"file\":\"x\"".to_owned());
    let shot = Fact::EvidenceAttached { file: "shot.png".into(), sha256, bytes: 3, caption };
    let (sha256, kept_as) = (sha256_hex(b"{\"one"), "journal.torn-13".to_owned());
    for fact in [shot, Fact::Recovery { bytes: 5, sha256, kept_as }] {
        journal.append(stamp(80), BY, Event::run(fact)).unwrap();
    }
    let text = fs::read_to_string(dir.join("VERIFY.txt")).unwrap();
    let commands: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("    ")).collect();
    let follow = || {
        let mut sh = Command::new("sh");
        let out = sh.arg("-c").arg(commands.join("\n")).current_dir(&dir).output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let (fits, said) = follow();
    let contents = super::super::read(&dir).unwrap();
    let count = contents.records.len();
    let expected = format!(
        "{count} records, head {}\nnothing is signed\nsigned up to record 0 of {count}\n\
         0 approvals and sign-offs are signed\n",
        contents.head
    );
    assert!(fits && said == expected, "{said}");
    for file in [
        JOURNAL,
        "runbook.yaml",
        "settings.yaml",
        "output/stop_writers.1.log",
        "evidence/shot.png",
        "journal.torn-13",
    ] {
        let whole = fs::read(dir.join(file)).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(dir.join(file), changed).unwrap();
        assert!(!follow().0, "{file}");
        fs::write(dir.join(file), whole).unwrap();
    }
    assert!(follow().0);
}

#[test]
fn one_run_is_begun_at_a_time() {
    let runs = tempfile::tempdir().unwrap();
    let held = turn(&new(runs.path())).unwrap();
    assert!(File::open(runs.path()).unwrap().try_lock().is_err());
    create_run_in(&held, &new(runs.path()), stamp(1), BY, vec![fixture::started(RUN, None)])
        .unwrap();
    drop(held);
    assert!(File::open(runs.path()).unwrap().try_lock().is_ok());
}
