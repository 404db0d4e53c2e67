//! The clock of the objective on screen: pace, lateness, escalation, and a clock nobody vouches for.

use chrono::TimeDelta;

use super::*;
use crate::engine::Stamp;

/// The restore at work, with what five earlier runs took.
fn with_past() -> Story {
    let mut story = Story::restoring(Mode::Live);
    for (step, lengths) in [
        ("restore", [590, 610, 600, 640, 900]),
        ("writer", [60, 70, 80, 90, 100]),
        ("smoke", [20, 21, 22, 23, 24]),
    ] {
        for length in lengths {
            story.pace.add(step, Part::Do, TimeDelta::seconds(length));
        }
    }
    story
}

/// The screen so much later, with what follows by itself until then.
fn later(story: &mut Story, seconds: i64) -> Console {
    story.wait(seconds);
    story.settles();
    console(story)
}

#[test]
fn the_pace_is_that_of_past_attempts_where_there_are_any() {
    let story = with_past();
    let mut console = console(&story);
    insta::assert_snapshot!("pace_80", shown(&console, &story));
    insta::assert_snapshot!("pace_120", shown_large(&mut console, &story));
    // 9:05 are gone; the rest is 610 - 192, 80 and 22 seconds at the median.
    assert!(shown(&console, &story).contains("on pace for 17:45"));
    let budgets = Story::restoring(Mode::Live);
    assert!(shown(&super::console(&budgets), &budgets).contains("on pace for 27:53"));
}

#[test]
fn a_run_that_will_be_late_is_told_before_it_is() {
    let mut story = Story::restoring(Mode::Live);
    let console = later(&mut story, 1_200);
    let screen = shown(&console, &story);
    assert!(screen.contains("LATE: on pace for 36:05"), "{screen}");
    assert!(!screen.contains("MISSED"), "{screen}");
}

#[test]
fn what_is_missed_is_told_without_colour_and_rings() {
    let mut story = Story::restoring(Mode::Live);
    let mut console = console(&story);
    story.wait(7_200);
    story.settles();
    let reaction = console.look(story.view(), &story.now());
    assert!(reaction.bell, "an objective was missed");
    insta::assert_snapshot!("missed_80", shown(&console, &story));
    insta::assert_snapshot!("missed_120", shown_large(&mut console, &story));
    console.resized(Size::new(80, 24));
    assert!(!console.look(story.view(), &story.now()).bell, "it rings once");
}

#[test]
fn an_escalation_stays_until_somebody_has_seen_to_it_or_the_next_takes_its_place() {
    let mut story = Story::restoring(Mode::Live);
    let mut console = later(&mut story, 360);
    insta::assert_snapshot!("escalation_80", shown(&console, &story));
    press(&mut console, &story, KeyCode::Down);
    assert!(
        shown(&console, &story).contains("Call Database lead: #db-oncall"),
        "no key takes it away"
    );
    press(&mut console, &story, KeyCode::Char(' '));
    press(&mut console, &story, KeyCode::Char('e'));
    press(&mut console, &story, KeyCode::Enter);
    assert!(shown(&console, &story).contains("`note` is empty"), "{}", shown(&console, &story));
    letters(&mut console, &story, "Bob joins");
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(asked(&reaction).contains("Acknowledge { note: \"Bob joins\" }"), "{reaction:?}");
    story.does(Input::Acknowledge { note: "Bob joins".into() });
    console.look(story.view(), &story.now());
    assert!(!shown(&console, &story).contains("ESCALATE"));
    console = later(&mut story, 600);
    insta::assert_snapshot!("escalation_120", shown_large(&mut console, &story));
    let read_only = View { read_only: true, ..story.view() };
    let watching = Console::new(read_only);
    let screen = shown(&watching, &story);
    assert!(screen.contains("ESCALATE") && !screen.contains("Space e"), "{screen}");
}

#[test]
fn a_clock_nobody_vouches_for_says_so_at_any_size() {
    let mut story = Story::restoring(Mode::Live);
    story.does(Input::Note { step: None, text: "n".into() });
    let console = console(&story);
    let rebooted = |seconds| Stamp { boot: "another".into(), mono: 5, ..stamp(seconds) };
    let at =
        |seconds| snapshot(80, 24, |frame, theme| console.draw(frame, theme, &rebooted(seconds)));
    let screen = at(400);
    assert!(screen.contains("(wall clock, unverified)"), "{screen}");
    let screen = at(-4_000);
    assert!(screen.contains("clocks contradict: Space o (uncertain)"), "{screen}");
}

#[test]
fn the_form_of_the_start_says_what_becomes_of_the_clock() {
    let story = Story::restoring(Mode::Live);
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Char(' '));
    press(&mut console, &story, KeyCode::Char('o'));
    for _ in 0..30 {
        press(&mut console, &story, KeyCode::Backspace);
    }
    letters(&mut console, &story, "15m ago");
    let screen = shown(&console, &story);
    assert!(screen.contains("RTO 15:00 · 2026-11-21 02:50:05 UTC"), "{screen}");
    for _ in 0..8 {
        press(&mut console, &story, KeyCode::Backspace);
    }
    letters(&mut console, &story, "2026-11-22T03:00:00Z");
    press(&mut console, &story, KeyCode::Enter);
    let screen = shown(&console, &story);
    assert!(screen.contains("an outage has begun already"), "{screen}");
}

#[test]
fn the_debrief_tells_what_the_time_went_to_and_both_starts() {
    let mut story = Story::restoring(Mode::Drill);
    story.ends(Outcome::Succeeded, "exit 0");
    story.does(Input::AmendOutageStart {
        start: crate::tui::testing::at(-600),
        reason: "the first alarm".into(),
    });
    story.does(Input::Abort { reason: "enough".into() });
    let mut console = console(&story);
    let screen = shown(&console, &story);
    assert!(screen.contains("waiting for a person"), "{screen}");
    insta::assert_snapshot!("debrief_split_80", screen);
    insta::assert_snapshot!("debrief_split_120", shown_large(&mut console, &story));
}
