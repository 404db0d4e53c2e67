//! The crash campaign: a run of twelve steps on a terminal, driven by keys, whose console is killed at every failpoint and
//! at any moment, killed again while it recovers, with its supervisor before or after it; then resumed to its end.
//!
//! `CRASH_KILLS` asks for more consoles to be killed than the usual number, `CRASH_SEED` for the chances of an earlier
//! campaign. (Which instruction a kill meets is never the same twice.)

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::chance::Chance;
use super::life::Fate;
use super::trial::{SUPERVISOR, Tally, Trial};
use crate::pty::records;

/// Runs at once. Most of the time each of them waits for a process to start.
const AT_ONCE: usize = 3;
const USUAL: u64 = 240;

/// The names of the facts of a run that nobody disturbs, in their order: `attempt_started:drop`.
fn facts() -> Vec<String> {
    let mut trial = Trial::new(Chance::new(0));
    assert!(trial.life(&Fate::Old), "an undisturbed run: {:?}", trial.broken);
    let mut facts = Vec::new();
    for record in records(trial.dir()) {
        let step = record["step"].as_str().unwrap_or_default();
        let fact = format!("{}:{step}", record["type"].as_str().unwrap());
        // What begins a run is written before it has a name, and what tells of a report after it is over.
        if !facts.contains(&fact) && !["run_started:", "preflight:", "exported:"].contains(&&*fact)
        {
            facts.push(fact);
        }
    }
    facts
}

/// Every failpoint there is, as a few runs.
fn chains() -> Vec<Vec<Fate>> {
    let facts = facts();
    let at = |name: &str| Fate::At(name.to_owned());
    let mut chains = vec![facts.iter().map(|fact| at(&format!("fact:{fact}"))).collect()];
    // Known, and not on the disk.
    let outcomes =
        facts.iter().filter(|fact| fact.starts_with("attempt_") || fact.starts_with("run_"));
    chains.push(outcomes.map(|fact| at(&format!("unwritten:{fact}"))).collect());
    let mut rest = ["draft:made", "draft:recorded", "draft:published"].map(at).to_vec();
    // The next console finds that it never began, and dies of saying so, twice.
    rest.extend(["launch:unordered", "inspect:not_void", "inspect:void", "launch:ordered"].map(at));
    rest.extend(SUPERVISOR.map(|place| Fate::Supervisor(format!("supervisor:{place}"))));
    chains.push(rest);
    chains
}

#[test]
fn nothing_is_lost_nothing_is_done_twice_and_every_run_can_be_finished() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let wanted = number("CRASH_KILLS").unwrap_or(USUAL);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("CRASH_SEED").unwrap_or(now.as_secs());
    println!("CRASH_SEED={seed} CRASH_KILLS={wanted}");
    let (began, chains) = (Instant::now(), chains());
    let (next, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    let sum = Mutex::new((Tally::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, SeqCst);
                    let chain = usize::try_from(n).ok().and_then(|n| chains.get(n));
                    if chain.is_none() && kills.load(SeqCst) >= wanted {
                        return;
                    }
                    let trial =
                        Trial::new(Chance::new(seed.wrapping_add(n.wrapping_mul(0x5851_f42d))));
                    let trial = match chain {
                        Some(chain) => trial.along(chain),
                        None => trial.at_random(),
                    };
                    let (tally, broken, home) = trial.finish();
                    kills.fetch_add(tally.kills(), SeqCst);
                    let mut sum = sum.lock().unwrap();
                    sum.0.add(&tally);
                    for broken in broken {
                        eprintln!("run {n} in {}: {broken}", home.display());
                        sum.1.push(broken);
                    }
                    if sum.0.runs % 50 == 0 {
                        println!(
                            "{} kills in {} s: {:?}",
                            sum.0.kills(),
                            began.elapsed().as_secs(),
                            sum.0
                        );
                    }
                }
            });
        }
    });
    let (tally, broken) = sum.into_inner().unwrap();
    println!("{}in {} s", told(&tally), began.elapsed().as_secs());
    assert!(broken.is_empty(), "{} breaches, see above; CRASH_SEED={seed}", broken.len());
    assert_eq!((tally.lost, tally.repeated, tally.unfinished), (0, 0, 0));
    assert!(tally.kills() >= wanted, "{} kills", tally.kills());
}

fn told(tally: &Tally) -> String {
    let Tally { runs, at_failpoints, at_keys, at_moments, in_recovery, .. } = tally;
    let Tally { supervisors, torn, acknowledged, lost, destroying, repeated, .. } = tally;
    let Tally { unknown, unfinished, lives, .. } = tally;
    let kills = tally.kills();
    format!(
        "{kills} consoles killed in {runs} runs ({lives} consoles): {at_failpoints} at failpoints, {at_keys} right \
         after a key, {at_moments} at any moment; {in_recovery} of them while they recovered; {supervisors} \
         supervisors killed; {torn} records torn\n\
         {acknowledged} records acknowledged, {lost} lost\n\
         {destroying} attempts that destroy, {repeated} repeated without consent\n\
         {unknown} unknown outcomes resolved\n\
         {unfinished} runs that could not be finished\n"
    )
}
