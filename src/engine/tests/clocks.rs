//! Clock arithmetic: a world with a true time, a wall clock that may be set, and boots; and what a run
//! that is told through it says of its own length.

use proptest::prelude::*;

use super::*;
use crate::engine::clock::Certainty;
use crate::engine::objectives::{recovery_time_from, rpo_from, split};

/// What happens in a world.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// So many seconds pass.
    Wait(i64),
    /// The machine sleeps: the boot clock and the wall clock both go on.
    Suspend(i64),
    /// The wall clock is set by so much, and the console says so.
    Set(i64),
    /// The machine is off for so long and boots anew; a console attaches.
    Reboot(i64),
    /// The wall clock is wrong by so much after a reboot of no length.
    RebootSet(i64),
    /// A record.
    Note,
    /// The start of the outage is told anew: so many seconds before now, by the wall clock of now.
    Amend(i64),
    /// The step that restores the service is done.
    Restore,
}
use Happens::*;

/// A run in a world.
struct World {
    state: State,
    seq: u64,
    /// Seconds since the start of the run, truly.
    time: i64,
    /// How far the wall clock is off.
    off: i64,
    boot: u32,
    /// The true time of the boot.
    booted: i64,
    epoch: DateTime<Utc>,
}

impl World {
    fn new(epoch: &str, outage_before: i64) -> Self {
        let mut service = step("serve", Does::Reads);
        service.milestone = Some(Milestone::ServiceRestored);
        let mut book = runbook(vec![service, step("after", Does::Reads)]);
        book.objectives.rto = Some(TimeDelta::hours(2));
        let epoch: DateTime<Utc> = epoch.parse().unwrap();
        let state = State::new(Arc::new(book));
        let mut world = Self { state, seq: 0, time: 0, off: 0, boot: 0, booted: -500, epoch };
        let Input::Start(mut run) = start() else { unreachable!() };
        run.outage_start = epoch - TimeDelta::seconds(outage_before);
        world.says(Input::Start(run));
        world.says(Input::Attach { pid: 1, tool: "0".into() });
        world
    }

    fn now(&self) -> Stamp {
        Stamp {
            at: self.epoch + TimeDelta::seconds(self.time + self.off),
            boot: format!("boot {}", self.boot),
            mono: u64::try_from(self.time - self.booted).unwrap() * 1_000_000_000,
        }
    }

    fn says(&mut self, input: Input) {
        let stamp = self.now();
        let mut next = Some(self.state.decide(input, &stamp).unwrap());
        while let Some(event) = next {
            self.seq += 1;
            let stamp = stamp.clone();
            self.state.absorb(&Recorded { seq: self.seq, stamp, by: "alice@b".into(), event });
            next = self.state.settle(&self.now());
        }
    }

    fn happens(&mut self, what: Happens) {
        match what {
            Wait(s) | Suspend(s) => self.time += s,
            Set(by) => {
                self.off += by;
                self.says(Input::ClockStepped { by_ms: by * 1000 });
            }
            Reboot(off) => {
                self.time += off;
                self.boot += 1;
                self.booted = self.time;
                self.says(Input::Attach { pid: 1, tool: "0".into() });
            }
            RebootSet(by) => {
                self.off += by;
                self.happens(Reboot(0));
            }
            Note => self.says(Input::Note { step: None, text: "n".into() }),
            Amend(before) => {
                let start = self.now().at - TimeDelta::seconds(before);
                self.says(Input::AmendOutageStart { start, reason: "r".into() });
            }
            Restore => {
                self.says(Bench::consent("serve", Given::Enter));
                self.says(Bench::intend("serve", Part::Do, "d"));
                let attempt = self.state.running().unwrap().id.clone();
                self.says(Input::Ended {
                    attempt,
                    outcome: Outcome::Succeeded,
                    message: String::new(),
                    result: Value::Null,
                    output: None,
                });
            }
        }
    }

    fn elapsed(&self) -> (i64, Certainty) {
        let clock = recovery_time(&self.state, &self.now()).unwrap();
        (clock.elapsed.num_seconds(), clock.certainty)
    }
}

const HOUR: i64 = 3_600;

#[test]
fn the_clock_of_the_outage_is_right_whatever_happens_to_the_machine() {
    use Certainty::*;
    let ordinary = "2026-11-21T03:10:00Z";
    for (name, epoch, before, story, expected) in [
        ("declared as it began", ordinary, 0, &[Wait(600)][..], (600, Verified)),
        ("declared before the console started", ordinary, 720, &[Wait(60)], (780, Verified)),
        ("days before", ordinary, 200_000, &[Wait(1)], (200_001, Verified)),
        (
            "amended later, to earlier",
            ordinary,
            0,
            &[Wait(300), Amend(1_500), Wait(60)],
            (1_560, Verified),
        ),
        ("amended to later", ordinary, 900, &[Wait(300), Amend(100), Wait(60)], (160, Verified)),
        ("amended twice", ordinary, 9, &[Wait(9), Amend(500), Wait(10), Amend(70)], (70, Verified)),
        ("suspended", ordinary, 60, &[Wait(60), Suspend(5 * HOUR), Wait(60)], (18_180, Verified)),
        ("wall clock set forward", ordinary, 0, &[Wait(60), Set(HOUR), Wait(60)], (120, Verified)),
        ("wall clock set back", ordinary, 0, &[Wait(60), Set(-HOUR), Wait(60)], (120, Verified)),
        ("declared before, set back", ordinary, 720, &[Set(-HOUR), Wait(60)], (780, Verified)),
        ("set there and back", ordinary, 0, &[Set(HOUR), Wait(60), Set(-HOUR)], (60, Verified)),
        // The moment told is by a clock that was set: as it is now, and said to have no witness.
        (
            "set, then amended",
            ordinary,
            0,
            &[Wait(60), Set(HOUR), Amend(600), Wait(60)],
            (660, Unverified),
        ),
        (
            "set back, then amended",
            ordinary,
            0,
            &[Set(-HOUR), Amend(600), Wait(60)],
            (660, Unverified),
        ),
        (
            "amended, then set",
            ordinary,
            0,
            &[Wait(60), Amend(600), Set(HOUR), Wait(60)],
            (660, Verified),
        ),
        ("set, reset, amended", ordinary, 0, &[Set(HOUR), Set(-HOUR), Amend(600)], (600, Verified)),
        (
            "rebooted half-way",
            ordinary,
            60,
            &[Wait(60), Note, Reboot(120), Wait(60)],
            (300, Unverified),
        ),
        (
            "twice",
            ordinary,
            0,
            &[Wait(9), Reboot(10), Wait(11), Note, Reboot(12), Wait(13)],
            (55, Unverified),
        ),
        // Only the gap is by the wall clock: what was set before it and after it does not count.
        (
            "set, then rebooted",
            ordinary,
            0,
            &[Wait(60), Set(HOUR), Reboot(60), Wait(60)],
            (180, Unverified),
        ),
        (
            "rebooted, then set",
            ordinary,
            0,
            &[Wait(60), Note, Reboot(60), Set(-HOUR), Wait(60)],
            (180, Unverified),
        ),
        (
            "set and rebooted, twice",
            ordinary,
            0,
            &[Set(HOUR), Wait(5), Note, Reboot(6), Wait(7), Set(-HOUR), Wait(8), Note, Reboot(9)],
            (35, Unverified),
        ),
        (
            "rebooted, then amended",
            ordinary,
            0,
            &[Note, Reboot(60), Wait(5), Amend(65)],
            (65, Unverified),
        ),
        (
            "amended, then rebooted",
            ordinary,
            0,
            &[Wait(60), Amend(90), Reboot(60)],
            (150, Unverified),
        ),
        // Nobody saw the clock being set while the machine was off: what was read is said to be uncertain.
        (
            "set back while off",
            ordinary,
            0,
            &[Wait(60), Note, RebootSet(-HOUR), Wait(60)],
            (120 - HOUR, Uncertain),
        ),
        (
            "set back while off, but long ago",
            ordinary,
            2 * HOUR,
            &[Note, RebootSet(-HOUR)],
            (HOUR, Uncertain),
        ),
        ("told to be in the future", ordinary, 0, &[Amend(-600), Wait(60)], (-540, Uncertain)),
        ("told a second too late", ordinary, 0, &[Amend(-1), Wait(60)], (59, Verified)),
        ("over midnight", "2026-11-21T23:59:30Z", 45, &[Wait(60)], (105, Verified)),
        (
            "over midnight, off",
            "2026-12-31T23:59:30Z",
            45,
            &[Wait(10), Note, Reboot(50)],
            (105, Unverified),
        ),
        (
            "over a leap day",
            "2028-02-28T23:00:00Z",
            HOUR,
            &[Wait(26 * HOUR)],
            (27 * HOUR, Verified),
        ),
        (
            "over a leap day, off",
            "2028-02-28T23:00:00Z",
            0,
            &[Note, Reboot(26 * HOUR)],
            (26 * HOUR, Unverified),
        ),
        (
            "over the 28th of another year",
            "2027-02-28T23:00:00Z",
            0,
            &[Note, Reboot(2 * HOUR)],
            (2 * HOUR, Unverified),
        ),
    ] {
        let mut world = World::new(epoch, before);
        for what in story {
            world.happens(*what);
        }
        assert_eq!(world.elapsed(), expected, "{name}");
    }
}

#[test]
fn a_clock_that_stands_is_amended_as_one_that_runs() {
    let mut world = World::new("2026-11-21T03:10:00Z", 60);
    for what in [Wait(100), Restore, Wait(500)] {
        world.happens(what);
    }
    assert_eq!(world.elapsed(), (160, Certainty::Verified));
    world.happens(Amend(900));
    assert_eq!(world.elapsed(), (400, Certainty::Verified), "900 s before now, restored 500 s ago");
    world.happens(Reboot(50));
    world.happens(Amend(1_000));
    assert_eq!(world.elapsed(), (450, Certainty::Unverified), "restored 550 s ago");
    let was = world.state.first_declared().unwrap();
    let first = recovery_time_from(&world.state, was, &world.now());
    assert_eq!((first.elapsed.num_seconds(), first.certainty), (160, Certainty::Verified));
    let kept: Vec<_> = world.state.outage_amendments.iter().map(|a| a.reason.as_str()).collect();
    assert_eq!(kept, ["r", "r"]);
}

#[test]
fn what_the_clocks_contradict_each_other_about_is_neither_met_nor_missed() {
    let mut world = World::new("2026-11-21T03:10:00Z", 0);
    for what in [Note, RebootSet(-HOUR), Wait(9 * HOUR), Note] {
        world.happens(what);
    }
    let clock = recovery_time(&world.state, &world.now()).unwrap();
    assert_eq!((clock.certainty, clock.met()), (Certainty::Uncertain, None));
    assert!(world.state.breaches.is_empty());
}

#[test]
fn writes_stopped_under_a_clock_that_was_set_leave_the_loss_without_a_witness() {
    for (set, certainty) in [(0, Certainty::Verified), (HOUR, Certainty::Unverified)] {
        let mut world = World::new("2026-11-21T03:10:00Z", 0);
        let mut book = (*world.state.runbook).clone();
        book.recovery_point = Some(template("${{ run.started - duration('5m') }}"));
        world.state.runbook = Arc::new(book);
        world.happens(Wait(60));
        if set != 0 {
            world.happens(Set(set));
        }
        let (milestone, reason) = (Milestone::WritesStopped, "r".to_owned());
        world.says(Input::Declare { milestone, reason });
        let point = rpo(&world.state).unwrap();
        assert_eq!((point.actual.num_seconds(), point.certainty), (360 + set, certainty));
        assert!(point.until_writes_stopped);
    }
}

#[test]
fn an_amended_start_moves_the_loss_and_keeps_the_other() {
    let mut world = World::new("2026-11-21T03:10:00Z", 0);
    let mut book = (*world.state.runbook).clone();
    book.recovery_point = Some(template("${{ run.started - duration('20m') }}"));
    world.state.runbook = Arc::new(book);
    world.happens(Amend(600));
    let was = world.state.first_declared().unwrap();
    let loss = |outage| rpo_from(&world.state, outage).unwrap().actual.num_seconds();
    assert_eq!((loss(was), loss(world.state.outage.as_ref().unwrap())), (1_200, 600));
}

/// What a world without a clock set behind everybody's back may bring.
fn anything() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..5_000i64).prop_map(Wait),
        1 => (0..50_000i64).prop_map(Suspend),
        2 => prop_oneof![Just(HOUR), Just(-HOUR), -90_000..90_000i64].prop_map(Set),
        2 => (0..50_000i64).prop_map(Reboot),
        2 => Just(Note),
    ]
}

proptest! {
    /// Whatever the machine goes through, the clock is right as long as something is recorded right before
    /// it goes down; and it is verified when, and only when, it did not.
    #[test]
    fn elapsed_is_what_truly_passed(
        before in 0..100_000i64,
        story in prop::collection::vec(anything(), 0..20),
        restored in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new("2027-12-31T22:00:00Z", before);
        let restored = restored.index(story.len() + 1);
        let (mut stands, mut rebooted) = (None, false);
        for (i, what) in story.iter().enumerate() {
            if i == restored {
                world.happens(Restore);
                stands = Some(world.time);
            }
            if matches!(what, Reboot(_)) {
                world.happens(Note);
                rebooted |= stands.is_none();
            }
            world.happens(*what);
        }
        let certainty = if rebooted { Certainty::Unverified } else { Certainty::Verified };
        prop_assert_eq!(world.elapsed(), (before + stands.unwrap_or(world.time), certainty));
    }

    /// The split has no gaps and adds up to the clock, and the spans follow each other.
    #[test]
    fn the_split_adds_up(before in 0..9_000i64, story in prop::collection::vec(anything(), 0..20)) {
        let mut world = World::new("2027-12-31T22:00:00Z", before);
        for (i, what) in story.iter().enumerate() {
            world.happens(*what);
            if i == story.len() / 2 {
                world.happens(Restore);
            }
        }
        let parts = split(&world.state, &world.now()).unwrap();
        let sum = parts.before + parts.machine + parts.person + parts.approval;
        prop_assert_eq!(sum.num_seconds(), world.elapsed().0);
        prop_assert_eq!(parts.before.num_seconds(), before);
        let spans = world.state.spans(&world.now());
        for pair in spans.windows(2) {
            prop_assert_eq!(&pair[0].to, &pair[1].from);
        }
    }
}
