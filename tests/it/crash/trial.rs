//! One run, through as many lives as it takes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::chance::Chance;
use super::law::{self, Fold};
use super::life::{Fate, home, live};
use super::neighbours::neighbours;
use super::runbook::DESTROYS;
use crate::pty::{records, run_dir};
use crate::services::console::{lines, soon};

/// A run that is not over after so many lives is not going to be.
const LIVES: u32 = 400;
/// Where a supervisor can die.
pub const SUPERVISOR: [&str; 5] =
    ["before_started", "before_spawn", "after_spawn", "before_exit", "after_exit"];

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub runs: u64,
    pub lives: u64,
    /// Consoles that were killed: at a failpoint, right after a key, at any moment; in the first quarter second of a
    /// resumed one besides.
    pub at_failpoints: u64,
    pub at_keys: u64,
    pub at_moments: u64,
    pub in_recovery: u64,
    pub supervisors: u64,
    /// A record that had been half written when the console died.
    pub torn: u64,
    pub acknowledged: u64,
    pub lost: u64,
    pub destroying: u64,
    pub repeated: u64,
    pub unknown: u64,
    pub unfinished: u64,
}

impl Tally {
    /// Consoles that were killed.
    pub fn kills(&self) -> u64 {
        self.at_failpoints + self.at_keys + self.at_moments
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.runs, other.runs),
            (&mut self.lives, other.lives),
            (&mut self.at_failpoints, other.at_failpoints),
            (&mut self.at_keys, other.at_keys),
            (&mut self.at_moments, other.at_moments),
            (&mut self.in_recovery, other.in_recovery),
            (&mut self.supervisors, other.supervisors),
            (&mut self.torn, other.torn),
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.lost, other.lost),
            (&mut self.destroying, other.destroying),
            (&mut self.repeated, other.repeated),
            (&mut self.unknown, other.unknown),
            (&mut self.unfinished, other.unfinished),
        ] {
            *mine += theirs;
        }
    }
}

/// See above.
pub struct Trial {
    home: TempDir,
    chance: Chance,
    pub tally: Tally,
    /// What the law forbids and happened.
    pub broken: Vec<String>,
}

impl Trial {
    pub fn new(chance: Chance) -> Self {
        Self { home: home(), chance, tally: Tally::default(), broken: Vec::new() }
    }

    /// The home of the run.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// These fates, each of which must come; every other console is killed once more while it recovers.
    pub fn along(mut self, fates: &[Fate]) -> Self {
        let mut met = Vec::new();
        for (n, fate) in fates.iter().enumerate() {
            let name = match fate {
                Fate::At(name) => name.as_str(),
                Fate::Old
                | Fate::Supervisor(_)
                | Fate::Moment(_)
                | Fate::Keys(_)
                | Fate::Both { .. } => "",
            };
            // The one that was killed while it recovered may have died there already.
            if met.iter().any(|met| met == name) {
                continue;
            }
            let died = self.tally.kills();
            self.life(fate);
            if self.tally.kills() == died {
                self.broken.push(format!("{fate:?} never came"));
            }
            if n % 2 == 1 && name.starts_with("fact:") && self.broken.is_empty() {
                let known = records(self.dir()).len();
                self.life(&Fate::At(format!("record:{}", known + 1 + n / 2 % 2)));
                let last = records(self.dir()).pop().unwrap();
                let step = last["step"].as_str().unwrap_or_default();
                met.push(format!("fact:{}:{step}", last["type"].as_str().unwrap()));
            }
            if !self.broken.is_empty() {
                return self;
            }
        }
        self
    }

    /// Fates that chance deals, `kills` of them deadly.
    pub fn at_random(mut self) -> Self {
        let kills = 8 + self.chance.below(32);
        while self.tally.kills() < kills && self.broken.is_empty() {
            let fate = self.deal();
            if self.life(&fate) {
                return self;
            }
        }
        self
    }

    fn deal(&mut self) -> Fate {
        let chance = &mut self.chance;
        let mut moment = |up_to: u64| Duration::from_micros(chance.below(up_to * 1000));
        let (soon, later, between) = (moment(250), moment(1500), moment(500));
        let records = records(self.home.path()).len() as u64;
        match chance.below(20) {
            0..4 => Fate::At(format!("record:{}", records + 1 + chance.below(6))),
            4..8 => Fate::Moment(soon),
            8..12 => Fate::Moment(later),
            12..15 => Fate::Keys(1 + chance.below(5)),
            15..17 => Fate::Supervisor(format!("supervisor:{}", chance.pick(&SUPERVISOR))),
            _ => Fate::Both { at: later, supervisors_first: chance.one_in(2), between },
        }
    }

    /// One life; whether the run is over after it.
    pub fn life(&mut self, fate: &Fate) -> bool {
        let dir = self.home.path().to_owned();
        let resumed = run_dir(&dir).is_some();
        let ended = live(&dir, fate, &mut self.chance);
        self.tally.lives += 1;
        self.tally.supervisors +=
            ended.supervisors + u64::from(matches!(fate, Fate::Supervisor(_)));
        let (run, lines) = self.journal();
        let records: Vec<_> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (acknowledged, lost) = law::shown(&ended.frames, &lines, &records, &mut self.broken);
        self.tally.acknowledged += acknowledged;
        self.tally.lost += lost;
        if ended.hung {
            self.broken.push("the console hung".into());
        }
        let Some(code) = ended.code else {
            match fate {
                Fate::Old | Fate::At(_) => self.tally.at_failpoints += 1,
                Fate::Keys(_) => self.tally.at_keys += 1,
                Fate::Supervisor(_) | Fate::Moment(_) | Fate::Both { .. } => {
                    self.tally.at_moments += 1
                }
            }
            let early = match fate {
                Fate::Moment(at) | Fate::Both { at, .. } => *at < Duration::from_millis(250),
                Fate::Old | Fate::At(_) | Fate::Keys(_) | Fate::Supervisor(_) => {
                    ended.frames.is_empty()
                }
            };
            self.tally.in_recovery += u64::from(resumed && early);
            if let Some(run) = run.filter(|_| self.chance.one_in(12)) {
                self.tear(&run, &lines);
            }
            return self.note(fate, &ended.screen, false);
        };
        let over = Fold::of(&records).finished;
        if code != 0 || !over {
            self.broken.push(format!("the console ended by itself with {code}"));
        }
        self.note(fate, &ended.screen, over)
    }

    /// Breaches of the law are told with what led to them.
    fn note(&mut self, fate: &Fate, screen: &str, over: bool) -> bool {
        for broken in self.broken.iter_mut().filter(|text| !text.contains("\n")) {
            *broken = format!("{broken}\nlife {}, {fate:?}:\n{screen}", self.tally.lives);
        }
        over
    }

    fn journal(&self) -> (Option<PathBuf>, Vec<String>) {
        let run = run_dir(self.home.path());
        let bytes = run.as_ref().and_then(|run| std::fs::read(run.join("journal.jsonl")).ok());
        (run, lines(&bytes.unwrap_or_default()))
    }

    /// A record was being written when the console died: a piece of one stands at the end.
    fn tear(&mut self, run: &Path, lines: &[String]) {
        use std::io::Write as _;

        let Some(last) = lines.last() else { return };
        let length = 1 + self.chance.below(last.len() as u64 - 1);
        let piece = &last.as_bytes()[..usize::try_from(length).unwrap()];
        let journal = std::fs::OpenOptions::new().append(true).open(run.join("journal.jsonl"));
        journal.unwrap().write_all(piece).unwrap();
        self.tally.torn += 1;
    }

    /// Nobody kills any more: the run comes to its end, and all of it is as it must be.
    pub fn finish(mut self) -> (Tally, Vec<String>, PathBuf) {
        let over = |trial: &Self| Fold::of(&records(trial.home.path())).finished;
        while !over(&self) && self.broken.is_empty() && self.tally.lives < u64::from(LIVES) {
            self.life(&Fate::Old);
        }
        self.tally.runs += 1;
        self.tally.unfinished += u64::from(!over(&self));
        self.judge();
        let home = if self.broken.is_empty() {
            self.home.path().to_owned()
        } else {
            // For whoever has to find out why.
            self.home.keep()
        };
        (self.tally, self.broken, home)
    }

    fn judge(&mut self) {
        let dir = self.home.path();
        let Some(run) = run_dir(dir) else {
            return self.broken.push("there is no run".into());
        };
        // A console that is gone is missed by its supervisor at once.
        if !soon(|| neighbours(dir).is_empty()) {
            self.broken.push(format!("somebody is still there: {:?}", neighbours(dir)));
        }
        let records = records(dir);
        let fold = Fold::of(&records);
        self.broken.extend(fold.broken);
        let id = run.file_name().unwrap().to_str().unwrap();
        self.tally.repeated += fold.without_consent;
        self.tally.repeated += law::ledgers(dir, id, &records, &mut self.broken);
        law::output(&run, &records, &mut self.broken);
        law::over(&run, &records, &mut self.broken);
        let of = |kind: &str, step: &str| {
            records.iter().filter(|r| law::is(r, kind, step)).count() as u64
        };
        self.tally.destroying +=
            DESTROYS.iter().map(|step| of("attempt_intended", step)).sum::<u64>();
        let resolved = records.iter().filter(|r| r["type"] == "unknown_resolved").count();
        self.tally.unknown += resolved as u64;
        let mut verify = Command::new(env!("CARGO_BIN_EXE_steady"));
        let verified = verify.args(["verify", run.to_str().unwrap()]).output().unwrap();
        if !verified.status.success() {
            self.broken.push(format!("steady verify: {verified:?}"));
        }
    }
}
