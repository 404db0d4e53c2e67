//! One console on a terminal, from its start to its end, and the person who presses its keys. Nothing here waits for
//! time to pass: each key answers a frame that was drawn whole.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::chance::Chance;
use super::law::ledger;
use super::neighbours::{at_work, kill, kill_supervisors};
use super::runbook::{STEPS, TWELVE_STEPS};
use crate::pty::{ENTER, Terminal, records, run_dir};

/// A frame that does not change for so long is answered once more: the key came before it could be taken.
const AGAIN: Duration = Duration::from_secs(1);
/// A life that comes no further in this time has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// Situations whose keys ask for a record.
const ASK: [&str; 8] = [
    "typed",
    "Press y",
    "Is it done?",
    "Which one?",
    "in the ledger",
    "Enter run",
    "Enter go on",
    "What to do?",
];

/// How a life is brought to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not at all.
    Old,
    /// By itself, at this failpoint.
    At(String),
    /// The supervisor dies at this failpoint, and the console once it has seen that.
    Supervisor(String),
    /// At this moment.
    Moment(Duration),
    /// Right after so many keys.
    Keys(u64),
    /// Supervisors and then console, or the other way round, at this moment and with so much between.
    Both { at: Duration, supervisors_first: bool, between: Duration },
}

/// What one frame told, as far as it is about the record.
#[derive(Debug)]
pub struct Frame {
    pub records: usize,
    /// The first digits of the head.
    pub head: String,
    /// Steps with a tick.
    pub done: Vec<&'static str>,
    pub over: bool,
    /// Whether an outcome is shown as unknown; `None` where the steps are not on screen.
    pub unknown: Option<bool>,
}

/// What became of a life.
pub struct Ended {
    /// `None` when it was killed.
    pub code: Option<u32>,
    pub frames: Vec<Frame>,
    /// Supervisors that were killed.
    pub supervisors: u64,
    /// What the terminal had on it in the end.
    pub screen: String,
    /// It hung, and had to be killed.
    pub hung: bool,
}

/// Lives it.
pub fn live(dir: &Path, fate: &Fate, chance: &mut Chance) -> Ended {
    let arguments: Vec<String> = match run_dir(dir) {
        Some(run) => vec!["resume".into(), run.display().to_string()],
        None => {
            let given = format!("dir={}", dir.display());
            let arguments = ["run", "./runbook.yaml", "--mode", "drill", "-i", &given];
            arguments.map(str::to_owned).to_vec()
        }
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let failpoint = match fate {
        Fate::At(name) | Fate::Supervisor(name) => name.as_str(),
        Fate::Old | Fate::Moment(_) | Fate::Keys(_) | Fate::Both { .. } => "",
    };
    let terminal = Terminal::steady(dir, &arguments, &[("STEADYHAND_FAILPOINT", failpoint)]);
    let terminal = terminal.keeping_frames();
    let killer = Killer::set(dir, terminal.pid(), fate);
    let last = (String::new(), Instant::now());
    let operator =
        Operator { dir, chance, fate, keys: 0, inherited: records(dir).len(), last, asked: None };
    operator.sit_at(terminal, killer)
}

/// The one who presses the keys.
struct Operator<'a> {
    dir: &'a Path,
    chance: &'a mut Chance,
    fate: &'a Fate,
    keys: u64,
    /// Records before this life.
    inherited: usize,
    /// The situation that was answered last, and when.
    last: (String, Instant),
    /// How many records there were when a key asked for another one.
    asked: Option<usize>,
}

impl Operator<'_> {
    fn sit_at(mut self, mut terminal: Terminal, killer: Killer) -> Ended {
        let mut frames = Vec::new();
        let (mut screen, mut hung) = (String::new(), false);
        let mut moved = Instant::now();
        while terminal.take_in() {
            for drawn in terminal.frames() {
                let frame = told(&drawn);
                let before = frames.last().map_or(0, |frame: &Frame| frame.records);
                if frame.as_ref().is_some_and(|frame| frame.records != before) {
                    moved = Instant::now();
                }
                frames.extend(frame);
                screen = drawn;
            }
            let known = frames.last().map_or(0, |frame| frame.records);
            if let Some(keys) = self.answer(&screen, known, terminal.pid()) {
                terminal.press_if_open(&keys);
                self.keys += 1;
                if *self.fate == Fate::Keys(self.keys) {
                    kill(terminal.pid());
                }
            }
            let mourns = matches!(self.fate, Fate::Supervisor(_))
                && known > self.inherited
                && self.is_bereaved();
            hung = moved.elapsed() > PATIENCE;
            if mourns || hung {
                kill(terminal.pid());
            }
        }
        let supervisors = killer.stop();
        let status = terminal.wait_exit();
        let code = status.signal().is_none().then(|| status.exit_code());
        Ended { code, frames, supervisors, screen, hung }
    }

    /// An attempt came out in this life, one that had a supervisor.
    fn is_bereaved(&self) -> bool {
        let of_people = |step: &str| ["declare", "way", "moment"].contains(&step);
        let ended = |r: &Json| {
            r["type"] == "attempt_finished" && !r["step"].as_str().is_some_and(of_people)
        };
        records(self.dir).iter().skip(self.inherited).any(ended)
    }

    /// What to press, unless the same was answered a moment ago.
    fn answer(&mut self, screen: &str, known: usize, console: u32) -> Option<String> {
        // What was asked for is on its way.
        if self.asked == Some(known) && self.last.1.elapsed() < AGAIN {
            return None;
        }
        let (situation, keys) = self.read(screen)?;
        let place = screen.split(" of 12").next().unwrap_or_default();
        let place: String = place.chars().rev().take(3).collect();
        let situation = format!("{situation} {place}");
        if self.last.0 == situation && self.last.1.elapsed() < AGAIN {
            return None;
        }
        let keys = match keys {
            Keys::Press(keys) => keys,
            Keys::Decide => self.decide(console)?,
        };
        self.asked = ASK.iter().any(|ask| situation.starts_with(ask)).then_some(known);
        self.last = (situation, Instant::now());
        Some(keys)
    }

    /// What the screen asks for: a name for the situation, and the keys.
    fn read(&self, screen: &str) -> Option<(String, Keys)> {
        let press = |situation: &str, keys: &str| {
            Some((situation.to_owned(), Keys::Press(keys.to_owned())))
        };
        if screen.contains("Nobody knows how attempt") {
            return Some(("decide".into(), Keys::Decide));
        }
        if let Some(asked) = screen.split("Type `").nth(1) {
            let (phrase, rest) = asked.split_once('`')?;
            let typed = rest.strip_prefix(" and Enter: ")?.split(['│', '║', '\n']).next()?.trim();
            return match typed {
                "" => press("phrase", phrase),
                _ if screen.contains("Enter runs exactly this.") => press("typed", ENTER),
                // Ctrl-U: what was typed is not what is asked for.
                _ => press(&format!("typing {typed}"), "\x15")
                    .filter(|_| typed != phrase && !phrase.starts_with(typed)),
            };
        }
        let is_form = ["what you saw", "how you know"].iter().any(|help| screen.contains(help));
        [
            ("more lines below", "\x1b[6~"),
            ("Press y to run exactly this.", "y"),
            ("Is it done?", "d"),
            ("Which one?", ENTER),
            ("the record needs it", "\x1b"),
            // Typed and seen; never sent twice: what comes too late would be keys of the console.
            ("in the ledger", ENTER),
            ("what you saw", "it is in the ledger"),
            ("how you know for certain", "it is not in the ledger"),
            ("What to do?", "r"),
            ("Run this?", ""),
            ("─ Debrief ─", ENTER),
            ("Enter choices", ENTER),
            ("Enter answer", ENTER),
            ("Enter review", ENTER),
            ("Enter run", ENTER),
            ("Before the first step", ENTER),
            // A key that was meant for something else has opened something.
            ("Esc back", "\x1b"),
        ]
        .into_iter()
        .find(|(text, _)| screen.contains(text) && (*text != "in the ledger" || is_form))
        .filter(|(_, keys)| !keys.is_empty())
        // While the console still looks, an unknown outcome is nobody's turn.
        .filter(|_| !screen.contains("… looking for what became of"))
        .and_then(|(text, keys)| press(text, keys))
    }

    /// Looks at the world before an unknown outcome is decided: nobody may be at work any more.
    fn decide(&mut self, console: u32) -> Option<String> {
        if at_work(self.dir, console) {
            return None;
        }
        let all = records(self.dir);
        let unknown = all.iter().rfind(|r| r["type"] == "attempt_intended" && r["of"] == "do")?;
        let step = unknown["step"].as_str()?;
        let token = unknown["body"]["token"].as_str()?;
        let acted = ledger(self.dir, step).iter().any(|line| line == token);
        let letter = match (acted, self.chance.one_in(4)) {
            (true, false) => "s",
            // It is to be done once more, with a fresh guard.
            (true, true) => "f",
            (false, _) => "n",
        };
        Some(letter.to_owned())
    }
}

enum Keys {
    Press(String),
    Decide,
}

/// What a frame tells of the record; nothing where its header is not on screen.
fn told(screen: &str) -> Option<Frame> {
    let header = screen.split("journal ✓ ").nth(1)?;
    let (count, rest) = header.split_once(" · ")?;
    let head: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    let done = STEPS.iter().filter(|(_, title)| screen.contains(&format!("✓ {title}")));
    let dialogs = ["Is it done?", "Which one?", "What to do?", "Nobody knows how", "reason"];
    let steps = screen.contains(" of 12") && !dialogs.iter().any(|dialog| screen.contains(dialog));
    Some(Frame {
        records: count.parse().ok().filter(|count| *count > 0)?,
        head,
        done: done.map(|(step, _)| *step).collect(),
        over: screen.contains("─ Debrief ─"),
        unknown: steps.then(|| screen.contains("UNKNOWN: nobody knows")),
    })
}

/// Kills at a moment, from a thread of its own.
struct Killer {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Killer {
    fn set(dir: &Path, console: u32, fate: &Fate) -> Self {
        let (stop, stopped) = channel();
        let (dir, fate) = (dir.to_owned(), fate.clone());
        let thread = std::thread::spawn(move || {
            // A console that has ended is not killed: its number may be another's by then.
            let comes = |pause| stopped.recv_timeout(pause).is_err();
            match fate {
                Fate::Moment(at) if comes(at) => {
                    kill(console);
                    0
                }
                Fate::Both { at, supervisors_first: true, between } if comes(at) => {
                    let count = kill_supervisors(&dir);
                    if comes(between) {
                        kill(console);
                    }
                    count
                }
                Fate::Both { at, supervisors_first: false, between } if comes(at) => {
                    kill(console);
                    std::thread::sleep(between);
                    kill_supervisors(&dir)
                }
                Fate::Moment(_) | Fate::Both { .. } => 0,
                Fate::Old | Fate::At(_) | Fate::Supervisor(_) | Fate::Keys(_) => 0,
            }
        });
        Self { stop, thread }
    }

    /// Whoever was to die later lives; how many supervisors were killed.
    fn stop(self) -> u64 {
        let _ = self.stop.send(());
        self.thread.join().expect("the killer ends")
    }
}

/// The home of a run: the runbook and what its scripts use.
pub fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("runbook.yaml"), TWELVE_STEPS).unwrap();
    std::fs::write(home.path().join("act"), super::runbook::ACT).unwrap();
    home
}
