//! Time of reading a long journal, and rate of durable appends beside a bare loop of write and fdatasync.
//!
//!     cargo bench --bench journal [-- RECORDS [APPENDS]]
//!
//! Reading is what `steady verify` and `steady resume` begin with: every line decoded and held to the chain,
//! then folded into a state. The rounds of the two loops alternate, so that a noisy disk is noisy for both.
//! Everything is written below `target/`: a temporary directory may be memory, where a sync costs nothing.
// A benchmark fails by panicking.
#![allow(clippy::expect_used)]

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::json;
use steadyhand::engine::event::{AttemptFinished, Consent, Mode, Output, RunStarted};
use steadyhand::engine::{AttemptId, Event, Fact, Outcome, Part, Stamp, State};
use steadyhand::journal::{self, Journal, NewRun, create_run, sha256_hex};
use steadyhand::runbook::{self, Value};

const BY: &str = "alice@bastion-1";
const STEPS: u32 = 100;
const ROUNDS: usize = 9;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let records = numbers.first().copied().unwrap_or(100_000);
    let appends = numbers.get(1).copied().unwrap_or(1_000);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::fs::create_dir_all(&target).expect("target/ can be made");
    let home = tempfile::Builder::new().prefix("bench-").tempdir_in(target).expect("a directory");
    read(home.path(), records);
    append(home.path(), appends);
}

fn read(home: &Path, records: u64) {
    let runbook = runbook();
    let (checked, _) = runbook::load(runbook.as_bytes(), "steps.yaml").expect("a good runbook");
    let checked = Arc::new(checked);
    let (mut journal, _) = begin(home, "long", &runbook);
    let mut events = (0u32..).flat_map(attempt);
    while journal.len() < records {
        for _ in 0..1000.min(records - journal.len()) {
            let event = events.next().expect("there is no end of them");
            journal.stage(stamp(journal.len()), BY, event).expect("a record");
        }
        journal.commit().expect("a journal that can be written");
    }
    let dir = journal.dir().to_owned();
    let bytes = std::fs::metadata(dir.join(journal::JOURNAL)).expect("it is there").len();
    drop(journal);
    let (mut reading, mut folding) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let contents = journal::read(&dir).expect("a whole journal");
        let read = begin.elapsed();
        let state = State::new(checked.clone()).apply_all(&contents.records);
        assert_eq!(state.records, records);
        reading.push(read);
        folding.push(begin.elapsed() - read);
    }
    let (read, fold) = (median(reading), median(folding));
    println!(
        "{records} records, {} MiB: read and verified in {read:.0?}, folded in {fold:.0?}, together {:.0?}",
        bytes / (1024 * 1024),
        read + fold
    );
}

fn append(home: &Path, appends: u64) {
    let (mut journal, first) = begin(home, "appends", "steadyhand: 1\n");
    let line = journal::encode(&first, journal.head()).expect("a line");
    let mut options = OpenOptions::new();
    let mut bare = options.append(true).create_new(true).open(home.join("bare")).expect("a file");
    let (mut ours, mut bares) = (Vec::new(), Vec::new());
    let mut events = (0u32..).flat_map(attempt);
    for _ in 0..appends {
        let event = events.next().expect("there is no end of them");
        let begin = Instant::now();
        journal.append(stamp(journal.len()), BY, event).expect("a record");
        ours.push(begin.elapsed());
        let line = line.get(..line.len().min(380)).unwrap_or_default();
        let begin = Instant::now();
        bare.write_all(line).and_then(|()| bare.sync_data()).expect("a disk");
        bares.push(begin.elapsed());
    }
    let rate =
        |times: &[Duration]| times.len() as f64 / times.iter().sum::<Duration>().as_secs_f64();
    let (ours_rate, bare_rate) = (rate(&ours), rate(&bares));
    let (ours, bares) = (median(ours), median(bares));
    println!(
        "{appends} durable appends: {ours_rate:.0} a second, median {ours:.0?}; bare loop {bare_rate:.0} a \
         second, median {bares:.0?}; ratio of rates {:.2}, of medians {:.2}",
        ours_rate / bare_rate,
        bares.as_secs_f64() / ours.as_secs_f64()
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn runbook() -> String {
    let mut text = "steadyhand: 1\nid: steps\ntitle: Steps\nsteps:\n".to_owned();
    for n in 0..STEPS {
        let _ = writeln!(text, "  - {{id: s{n}, title: Step {n}, do: {{shell: {{run: 'true'}}}}}}");
    }
    text
}

fn begin(runs: &Path, id: &str, runbook: &str) -> (Journal, steadyhand::engine::Recorded) {
    let runbook = runbook.as_bytes();
    let new = NewRun { runs, id, runbook, settings: None, included: &[], shared: false };
    let started = RunStarted {
        run: id.into(),
        runbook: "steps".into(),
        runbook_sha256: sha256_hex(runbook),
        settings_sha256: None,
        included: [].into(),
        mode: Mode::Drill,
        speed: None,
        phrase: None,
        targets: None,
        environment: None,
        pins: [].into(),
        tool: "0.1.0".into(),
        operator: BY.into(),
        identity: "self-declared".into(),
        incident: None,
        organisation: None,
        outage_start: Utc::now(),
        inputs: [].into(),
        secrets: [].into(),
        env: [].into(),
        auto: true,
        practice: false,
        seen: None,
        previous: None,
        signing: None,
        anchor: None,
    };
    let first = Event::run(Fact::RunStarted(Box::new(started)));
    let mut created = create_run(&new, stamp(0), BY, vec![first]).expect("a run");
    (created.journal, created.records.remove(0))
}

fn stamp(n: u64) -> Stamp {
    let at = Utc::now() + TimeDelta::milliseconds(i64::try_from(n).unwrap_or_default());
    Stamp { at, boot: "f7fb1a6a-bcfb-44b4-8b64-f8a8d1a0a2e2".into(), mono: n * 1_000_000 }
}

/// The five records of one attempt, step after step, round after round.
fn attempt(n: u32) -> [Event; 5] {
    let step = format!("s{}", n % STEPS);
    let id = AttemptId { step: step.clone(), number: n / STEPS + 1, of: Part::Do };
    let request = json!({"action": "shell", "args": {"run": "pg_restore -d \"$DB\" latest.dump"}});
    let digest = sha256_hex(request.to_string().as_bytes());
    let finished = AttemptFinished {
        outcome: Outcome::Succeeded,
        message: "exit code 0".into(),
        result: Value::map([
            ("exit_code", Value::Int(0)),
            ("lines", Value::List(vec![Value::String("2000 rows".into())])),
            ("stderr", Value::String(String::new())),
            ("stdout", Value::String("2000 rows".into())),
        ]),
        expectations: Vec::new(),
        saved: [("rows".to_owned(), Value::String("2000 rows".into()))].into(),
        output: Some(Output {
            file: format!("{}.log", id.file_stem()),
            sha256: digest.clone(),
            bytes: 10,
            cut: None,
        }),
    };
    let pins = [("host".to_owned(), "bastion-1".to_owned())].into();
    let consent = Consent::Confirmed;
    [
        Event::step(
            &step,
            Fact::GuardSatisfied { part: Part::Do, consent, request: digest.clone() },
        ),
        Event::step(&step, Fact::TargetVerified { pins }),
        Event::attempt(&id, Fact::AttemptIntended { request, digest, token: id.file_stem() }),
        Event::attempt(&id, Fact::AttemptStarted { pid: Some(n) }),
        Event::attempt(&id, Fact::AttemptFinished(Box::new(finished))),
    ]
}
