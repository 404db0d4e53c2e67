//! The journal on a disk that fails, at every write and every sync: what was acknowledged is there when the
//! journal is opened again, and what is there is what was to be written.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;
use rustix::io::Errno;
use tempfile::TempDir;

use super::super::faults::{self, Fault, Op};
use super::super::fixture::{self, BY, stamp};
use super::super::{JOURNAL, NewRun, create_run, read};
use super::*;
use crate::engine::event::Fact;

const BROKEN: [Fault; 6] = [
    Fault::Error(Errno::IO),
    Fault::Error(Errno::NOSPC),
    Fault::Error(Errno::DQUOT),
    Fault::Error(Errno::INTR),
    Fault::Short(1),
    Fault::Short(40),
];

fn note(n: u64) -> Event {
    Event::run(Fact::NoteAdded { text: format!("note {n}") })
}

/// A run whose first record is there.
fn begun() -> (TempDir, PathBuf) {
    let runs = tempfile::tempdir().unwrap();
    let dir = runs.path().join("r");
    create(runs.path()).unwrap();
    (runs, dir)
}

fn create(runs: &Path) -> Result<(), impl std::error::Error> {
    let new = NewRun {
        runs,
        id: "r",
        runbook: fixture::RUNBOOK,
        settings: Some(fixture::SETTINGS),
        included: &[],
        shared: false,
    };
    create_run(&new, stamp(1), BY, vec![fixture::started("r", None)]).map(drop)
}

/// The fault `fault` at operation `at`, from 0; with `stays`, at every one after it as well. What was done
/// is counted in the second value.
fn broken_at(at: usize, fault: Fault, stays: bool) -> (faults::Planned, Rc<RefCell<Vec<Op>>>) {
    let done = Rc::new(RefCell::new(Vec::new()));
    let seen = done.clone();
    let planned = faults::plan(move |op| {
        let mut seen = seen.borrow_mut();
        seen.push(op);
        let here = seen.len() - 1;
        (here == at || (stays && here > at)).then_some(fault)
    });
    (planned, done)
}

/// Records that were to be written, and how many of them were acknowledged.
#[derive(Default)]
struct Told {
    tried: Vec<Recorded>,
    acknowledged: usize,
}

impl Told {
    /// Writes bursts of so many records, until one fails.
    fn write(&mut self, journal: &mut Journal, bursts: &[usize]) -> Option<AppendError> {
        for burst in bursts {
            let before = self.tried.len();
            for _ in 0..*burst {
                let n = self.tried.len() as u64 + 2;
                self.tried.push(journal.stage(stamp(n), BY, note(n)).unwrap());
            }
            if let Err(e) = journal.commit() {
                assert_eq!(journal.len() as usize, self.acknowledged + 1, "none of a burst counts");
                self.tried.truncate(before + burst);
                return Some(e);
            }
            self.acknowledged = self.tried.len();
        }
        None
    }

    /// What is on the disk is what was acknowledged, and perhaps some of what was not.
    fn assert_in(&self, records: &[Recorded], what: &str) {
        let notes = &records[1..];
        assert!(notes.len() >= self.acknowledged, "{what}: lost {:?}", self.acknowledged);
        assert_eq!(notes, &self.tried[..notes.len()], "{what}");
    }
}

#[test]
fn a_disk_that_fails_at_any_write_or_sync_loses_nothing_that_was_acknowledged() {
    let bursts = [1, 3, 1, 2];
    let mut cases = 0;
    for fault in BROKEN {
        for at in 0.. {
            let (_runs, dir) = begun();
            let mut journal = Journal::open(&dir).unwrap().journal;
            let (planned, done) = broken_at(at, fault, false);
            let mut told = Told::default();
            let failed = told.write(&mut journal, &bursts);
            let hit = done.borrow().get(at).copied();
            let what = format!("{fault:?} at {at}, {hit:?}: {failed:?}");
            let Some(hit) = hit else { break };
            cases += 1;
            match (fault, hit, &failed) {
                // What was interrupted or cut short is gone on with.
                (Fault::Short(_), ..) | (Fault::Error(Errno::INTR), Op::Write(_), _) => {
                    assert!(failed.is_none(), "{what}");
                }
                (Fault::Error(Errno::NOSPC | Errno::DQUOT), Op::Write(_), failed) => {
                    assert!(matches!(failed, Some(AppendError::NoSpace(_))), "{what}");
                    // The one record that the reserve pays for.
                    let halt = Event::run(Fact::RunPaused { reason: "full".into() });
                    told.tried.truncate(told.acknowledged);
                    told.tried.push(journal.append(stamp(99), BY, halt).unwrap());
                    told.acknowledged += 1;
                }
                (Fault::Error(_), _, failed) => {
                    assert!(matches!(failed, Some(AppendError::Poisoned { .. })), "{what}");
                    let syncs = done.borrow().len();
                    let again = journal.append(stamp(99), BY, note(99));
                    assert!(matches!(again, Err(AppendError::Poisoned { .. })), "{what}");
                    assert_eq!(done.borrow().len(), syncs, "{what}: it was tried again");
                }
            }
            drop((planned, journal));
            assert_goes_on(&dir, &told, &what);
        }
    }
    println!("{cases} faults");
    assert_eq!(cases, BROKEN.len() * 2 * bursts.len(), "a write and a sync each");
}

/// Whatever the disk holds now, the journal can be opened, read and gone on with.
fn assert_goes_on(dir: &Path, told: &Told, what: &str) {
    let mut opened = Journal::open(dir).unwrap_or_else(|e| panic!("{what}: {e}"));
    told.assert_in(&opened.records, what);
    for torn in &opened.torn {
        opened.journal.append(stamp(98), BY, torn.event()).unwrap();
    }
    opened.journal.append(stamp(99), BY, note(0)).unwrap();
    let after = read(dir).unwrap();
    assert_eq!(after.records.len(), opened.records.len() + opened.torn.len() + 1, "{what}");
    assert_eq!((after.head.as_str(), after.torn), (opened.journal.head(), 0), "{what}");
}

#[test]
fn a_full_disk_is_told_of_once_and_the_journal_ends_with_a_whole_record() {
    for taken in [0, 1, 500] {
        let (_runs, dir) = begun();
        let mut journal = Journal::open(&dir).unwrap().journal;
        let reserve = dir.join(".reserve");
        let mut told = Told::default();
        assert!(told.write(&mut journal, &[1]).is_none());
        let before = fs::read(dir.join(JOURNAL)).unwrap();
        let (mut room, reserved) = (taken, reserve.clone());
        // Room for `taken` bytes, and for more once the reserve is gone.
        let planned = faults::plan(move |op| match op {
            Op::Write(_) if !reserved.exists() => None,
            Op::Write(_) if room > 0 => Some(Fault::Short(std::mem::take(&mut room))),
            Op::Write(_) => Some(Fault::Error(Errno::NOSPC)),
            Op::Sync => None,
        });
        let failed = told.write(&mut journal, &[4]);
        assert!(matches!(failed, Some(AppendError::NoSpace(_))), "{failed:?}");
        assert!(!reserve.exists());
        assert_eq!(fs::read(dir.join(JOURNAL)).unwrap(), before, "{taken} bytes were left behind");
        let halt = Event::run(Fact::RunPaused { reason: "full".into() });
        let halt = journal.append(stamp(9), BY, halt).unwrap();
        drop((planned, journal));
        let records = read(&dir).unwrap().records;
        assert_eq!(records.last(), Some(&halt));
        assert_eq!(records.len(), 3);
        drop(Journal::open(&dir).unwrap());
        assert!(reserve.exists(), "the console that goes on sets space aside again");
    }
}

#[test]
fn a_run_that_cannot_be_begun_leaves_nothing_behind() {
    let mut cases = 0;
    for fault in BROKEN {
        for at in 0.. {
            let runs = tempfile::tempdir().unwrap();
            let (planned, done) = broken_at(at, fault, false);
            let begun = create(runs.path());
            let hit = done.borrow().get(at).copied();
            drop(planned);
            let Some(hit) = hit else { break };
            cases += 1;
            let goes_on = matches!((fault, hit), (Fault::Short(_), _))
                || matches!((fault, hit), (Fault::Error(Errno::INTR), Op::Write(_)));
            assert_eq!(begun.is_ok(), goes_on, "{fault:?} at {at}, {hit:?}");
            // The name of the run is the last thing that is synced: it may be there, and is then whole.
            let names = fs::read_dir(runs.path()).unwrap().map(|e| e.unwrap().file_name());
            let names: Vec<_> = names.collect();
            assert!(names.is_empty() || names == ["r"], "{fault:?} at {at}, {hit:?}: {names:?}");
            if !names.is_empty() {
                assert_eq!(read(&runs.path().join("r")).unwrap().records.len(), 1);
            }
        }
    }
    println!("{cases} faults");
    assert!(cases > BROKEN.len() * 8, "{cases}");
}

#[test]
fn a_recovery_that_fails_loses_no_byte_and_is_made_good() {
    let tail = b"{\"v\":1,\"seq\":2,\"at\":\"2026-";
    let mut cases = 0;
    for fault in BROKEN {
        for at in 0.. {
            let (_runs, dir) = begun();
            let whole = fs::read(dir.join(JOURNAL)).unwrap();
            fs::write(dir.join(JOURNAL), [&whole, &tail[..]].concat()).unwrap();
            let (planned, done) = broken_at(at, fault, false);
            let first = Journal::open(&dir);
            let hit = done.borrow().get(at).copied();
            drop((planned, first));
            let Some(hit) = hit else { break };
            cases += 1;
            let opened = Journal::open(&dir).unwrap();
            assert_eq!(opened.records.len(), 1);
            let kept: Vec<_> =
                opened.torn.iter().map(|torn| fs::read(dir.join(&torn.kept_as)).unwrap()).collect();
            assert_eq!(kept, [tail.to_vec()], "{fault:?} at {at}, {hit:?}");
            assert_eq!(fs::read(dir.join(JOURNAL)).unwrap(), whole);
        }
    }
    println!("{cases} faults");
    assert!(cases >= BROKEN.len() * 4, "{cases}");
}

/// Whatever bit of a journal flips while nobody has it: it is refused as it is, or what is damaged at its end
/// is set aside byte for byte, and no record before it is lost.
#[test]
fn a_flip_of_any_byte_is_refused_or_set_aside_whole() {
    let runs = tempfile::tempdir().unwrap();
    let dir = fixture::write(runs.path());
    let (path, whole) = (dir.join(JOURNAL), fs::read(dir.join(JOURNAL)).unwrap());
    let records = fixture::records();
    let (mut refused, mut set_aside, mut another) = (0, 0, 0);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        let lines = whole[..at].iter().filter(|b| **b == b'\n').count();
        match Journal::open(&dir) {
            Err(_) => {
                refused += 1;
                assert_eq!(fs::read(&path).unwrap(), bytes, "byte {at}");
            }
            Ok(opened) if opened.torn.is_empty() => {
                // A record all the same: nothing here vouches for the last line, but a copy of the head.
                another += 1;
                assert_eq!((lines, opened.records.len()), (records.len() - 1, records.len()));
                assert_eq!(opened.records[..lines], records[..lines]);
            }
            Ok(opened) => {
                set_aside += 1;
                assert!(lines + 2 >= records.len(), "byte {at} is not at the end");
                assert_eq!(opened.records, records[..lines], "byte {at}");
                let kept = dir.join(&opened.torn[0].kept_as);
                let good = fs::read(&path).unwrap();
                assert_eq!([good, fs::read(&kept).unwrap()].concat(), bytes, "byte {at}");
                fs::remove_file(kept).unwrap();
            }
        }
    }
    println!("{refused} refused, {set_aside} set aside, {another} another last record");
    assert_eq!(refused + set_aside + another, whole.len());
    assert!(set_aside > 10 && another > 10, "{set_aside} {another}");
}

/// One console of a story: what it writes, where its disk fails and how, and how much of what was not synced
/// the machine takes with it.
#[derive(Clone, Debug)]
struct Console {
    bursts: Vec<usize>,
    at: usize,
    fault: Fault,
    lost: f64,
    garbage: bool,
}

fn consoles() -> impl Strategy<Value = Vec<Console>> {
    let fault = prop_oneof![
        Just(Fault::Error(Errno::IO)),
        Just(Fault::Error(Errno::NOSPC)),
        Just(Fault::Error(Errno::INTR)),
        (0usize..900).prop_map(Fault::Short),
    ];
    let bursts = prop::collection::vec(1usize..5, 0..5);
    let console = (bursts, 0usize..12, fault, 0.0..=1.0f64, any::<bool>());
    let console = console.prop_map(|(bursts, at, fault, lost, garbage)| Console {
        bursts,
        at,
        fault,
        lost,
        garbage,
    });
    prop::collection::vec(console, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Consoles follow one another, each on a disk that fails somewhere and a machine that loses power at
    /// the end: what any of them acknowledged is there, and each can go on.
    #[test]
    fn acknowledged_records_survive_every_console(consoles in consoles()) {
        let (_runs, dir) = begun();
        let path = dir.join(JOURNAL);
        let mut acknowledged = read(&dir).unwrap().records;
        for console in &consoles {
            let Opened { mut journal, records, torn, .. } = Journal::open(&dir).unwrap();
            prop_assert!(records.len() >= acknowledged.len());
            prop_assert_eq!(&records[..acknowledged.len()], &acknowledged[..]);
            acknowledged = records;
            for tail in torn {
                acknowledged.push(journal.append(stamp(50), BY, tail.event()).unwrap());
            }
            let (planned, _) = broken_at(console.at, console.fault, false);
            for burst in &console.bursts {
                let staged: Result<Vec<_>, _> = (0..*burst)
                    .map(|n| journal.stage(stamp(60), BY, note(n as u64)))
                    .collect();
                match (staged, journal.commit()) {
                    (Ok(staged), Ok(())) => acknowledged.extend(staged),
                    (_, Err(_)) | (Err(_), Ok(())) => break,
                }
            }
            let synced = journal.bytes;
            drop((planned, journal));
            // What no sync has acknowledged is the machine's to lose, or to spoil.
            let mut bytes = fs::read(&path).unwrap();
            let unsynced = bytes.len() - usize::try_from(synced).unwrap();
            bytes.truncate(bytes.len() - (unsynced as f64 * console.lost) as usize);
            if console.garbage && unsynced > 0 {
                bytes.extend(b"\0\0\0\n\0");
            }
            fs::write(&path, bytes).unwrap();
        }
        let last = Journal::open(&dir).unwrap().records;
        prop_assert_eq!(&last[..acknowledged.len()], &acknowledged[..]);
    }
}
