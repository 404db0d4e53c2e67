use crossterm::event::KeyCode;
use ratatui::layout::Size;
use secrecy::ExposeSecret;

mod debrief;
mod pace;

use super::*;
use crate::engine::{Mode, Outcome, Part};
use crate::runbook::Effect;
use crate::tui::testing::{key, snapshot, stamp};
use crate::tui::testing_story::{Story, warning};

/// A console of the story, on the smallest screen.
fn console(story: &Story) -> Console {
    let mut console = Console::new(story.view());
    console.resized(Size::new(80, 24));
    console
}

fn press(console: &mut Console, story: &Story, code: KeyCode) -> Reaction {
    console.update(Message::Key(key(code)), &story.now())
}

fn letters(console: &mut Console, story: &Story, text: &str) {
    for c in text.chars() {
        press(console, story, KeyCode::Char(c));
    }
}

fn shown(console: &Console, story: &Story) -> String {
    snapshot(80, 24, |frame, theme| console.draw(frame, theme, &story.now()))
}

fn shown_large(console: &mut Console, story: &Story) -> String {
    console.resized(Size::new(120, 40));
    snapshot(120, 40, |frame, theme| console.draw(frame, theme, &story.now()))
}

/// The only command of a reaction, as its debug text.
fn asked(reaction: &Reaction) -> String {
    assert_eq!(reaction.commands.len(), 1, "{reaction:?}");
    format!("{:?}", reaction.commands[0])
}

/// The story's fourth step is ready and asks for its phrase.
fn before_restore() -> Story {
    let mut story = Story::began(Mode::Live);
    story.declares().passes(72).skips("no time");
    story
}

#[test]
fn a_step_at_work() {
    let story = Story::restoring(Mode::Live);
    let view = story.view();
    let attempt = story.state.running().unwrap().id.clone();
    view.output.begin(&attempt);
    view.output.push("03:14:02Z creating".into());
    let mut console = Console::new(view);
    insta::assert_snapshot!("working_80", shown(&console, &story));
    insta::assert_snapshot!("working_120", shown_large(&mut console, &story));
}

#[test]
fn the_modes_are_told_apart_without_colour() {
    for mode in [Mode::Drill, Mode::Rehearsal] {
        let story = Story::began(mode);
        insta::assert_snapshot!(format!("mode_{mode:?}"), shown(&console(&story), &story));
    }
}

#[test]
fn a_long_output_leaves_room_for_the_request() {
    let story = Story::restoring(Mode::Live);
    let view = story.view();
    view.output.begin(&story.state.running().unwrap().id.clone());
    for i in 0..500 {
        view.output.push(format!("line {i}"));
    }
    let console = Console::new(view);
    let screen = shown(&console, &story);
    assert!(screen.contains("line 499") && screen.contains("shell"), "{screen}");
}

#[test]
fn every_state_has_its_sign_and_word() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Failed, "exit 3: no such snapshot");
    insta::assert_snapshot!("failed", shown(&console(&story), &story));
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Unknown, "the connection was lost after the request was sent");
    insta::assert_snapshot!("unknown", shown(&console(&story), &story));
    let mut story = Story::began(Mode::Live);
    story.begins();
    insta::assert_snapshot!("awaits", shown(&console(&story), &story));
    let mut story = before_restore();
    story.does(Input::Pause { reason: "lunch".into() });
    insta::assert_snapshot!("paused", shown(&console(&story), &story));
}

#[test]
fn enter_runs_a_step_without_a_guard_at_once() {
    let story = Story::began(Mode::Live);
    let reaction = press(&mut console(&story), &story, KeyCode::Enter);
    assert!(
        asked(&reaction)
            .contains("Consent { step: \"declare\", part: Do, digest: \"d1\", given: Enter")
    );
}

#[test]
fn only_enter_starts_a_step() {
    let story = Story::began(Mode::Live);
    let keys =
        [KeyCode::Up, KeyCode::Down, KeyCode::Char('j'), KeyCode::Char('k'), KeyCode::PageDown];
    let keys =
        keys.into_iter().chain([KeyCode::Esc, KeyCode::Char('y'), KeyCode::Tab, KeyCode::F(5)]);
    for code in keys {
        let reaction = press(&mut console(&story), &story, code);
        assert!(reaction.commands.is_empty(), "{code:?}: {reaction:?}");
    }
    let mut console = console(&story);
    let pasted = console.update(Message::Paste("\n\ny\n".into()), &story.now());
    assert!(pasted.commands.is_empty() && matches!(console.overlay, Overlay::None));
}

#[test]
fn looking_around_never_moves_the_run_and_enter_goes_back_to_the_current_step() {
    let story = before_restore();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Char('K'));
    press(&mut console, &story, KeyCode::Up);
    assert_eq!(console.looked_at(), 1);
    insta::assert_snapshot!("looking", shown(&console, &story));
    press(&mut console, &story, KeyCode::Esc);
    assert_eq!(console.looked_at(), 3);
}

#[test]
fn a_change_is_confirmed_with_y_after_silence() {
    let mut story = Story::began(Mode::Live);
    story.declares();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    insta::assert_snapshot!("confirm", shown(&console, &story));
    let early = press(&mut console, &story, KeyCode::Char('y'));
    assert!(early.commands.is_empty(), "300 ms of silence come first");
    assert!(shown(&console, &story).contains("too fast"));
    story.wait(1);
    let reaction = press(&mut console, &story, KeyCode::Char('Y'));
    assert!(
        asked(&reaction).contains("step: \"stop_writers\", part: Do, digest: \"d1\", given: Yes")
    );
}

#[test]
fn silence_is_counted_to_the_millisecond() {
    let mut story = Story::began(Mode::Live);
    story.declares();
    for (ms, taken) in [(299, false), (300, true)] {
        let mut console = console(&story);
        press(&mut console, &story, KeyCode::Enter);
        let mut later = story.now();
        later.mono += ms * 1_000_000;
        let reaction = console.update(Message::Key(key(KeyCode::Char('y'))), &later);
        assert_eq!(reaction.commands.len(), usize::from(taken), "{ms} ms");
    }
}

#[test]
fn a_long_request_must_be_read_to_its_end() {
    let mut story = Story::began(Mode::Live);
    story.declares();
    let mut view = story.view();
    let mut prepared = view.prepared.as_deref().cloned().unwrap();
    let request = prepared.request.as_mut().unwrap();
    let script: String = (0..60).map(|i| format!("echo {i}\n")).collect();
    request.args[0].1 = crate::runbook::Resolved::Value(crate::runbook::Value::String(script));
    view.prepared = Some(std::sync::Arc::new(prepared));
    let mut console = Console::new(view);
    console.resized(Size::new(80, 24));
    press(&mut console, &story, KeyCode::Enter);
    insta::assert_snapshot!("confirm_long", shown(&console, &story));
    story.wait(1);
    assert!(press(&mut console, &story, KeyCode::Char('y')).commands.is_empty());
    assert!(shown(&console, &story).contains("read to the end first"));
    for _ in 0..3 {
        press(&mut console, &story, KeyCode::PageDown);
    }
    press(&mut console, &story, KeyCode::PageUp);
    press(&mut console, &story, KeyCode::PageDown);
    press(&mut console, &story, KeyCode::PageDown);
    story.wait(1);
    assert_eq!(press(&mut console, &story, KeyCode::Char('y')).commands.len(), 1);
}

#[test]
fn a_phrase_is_typed_and_a_wrong_one_is_refused_where_one_looks() {
    let mut story = before_restore();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    insta::assert_snapshot!("phrase", shown(&console, &story));
    letters(&mut console, &story, "loanserve");
    console.update(Message::Paste("-restored".into()), &story.now());
    story.wait(1);
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(asked(&reaction).contains("given: Typed(\"loanserve\")"), "a paste is not typing");
    let mut view = story.view();
    view.notice =
        Some(warning(1, "`loanserve` was typed where `loanserve-restored` was asked for"));
    console.look(view.clone(), &story.now());
    insta::assert_snapshot!("phrase_wrong", shown(&console, &story));
    letters(&mut console, &story, "loanserve-restored");
    story.wait(1);
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(asked(&reaction).contains("given: Typed(\"loanserve-restored\")"));
    story.begins();
    console.look(story.view(), &story.now());
    assert!(matches!(console.overlay, Overlay::None), "the step is at work");
}

#[test]
fn a_step_that_is_over_before_the_next_frame_has_its_question_answered() {
    let mut story = before_restore();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    letters(&mut console, &story, "loanserve-restored");
    press(&mut console, &story, KeyCode::Enter);
    story.begins().ends(Outcome::Failed, "AccessDenied");
    console.look(story.view(), &story.now());
    assert!(matches!(console.overlay, Overlay::None), "nothing is asked any more");
}

#[test]
fn a_request_that_changes_under_the_eyes_is_read_again() {
    let mut story = Story::began(Mode::Live);
    story.declares();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    let mut view = story.view();
    let mut prepared = view.prepared.as_deref().cloned().unwrap();
    prepared.digest = "d2".into();
    view.prepared = Some(std::sync::Arc::new(prepared));
    console.look(view, &story.now());
    assert!(shown(&console, &story).contains("the request has changed"));
    story.wait(1);
    assert!(asked(&press(&mut console, &story, KeyCode::Char('y'))).contains("d2"));
}

#[test]
fn enter_after_a_failure_or_unknown_opens_the_choices() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Failed, "exit 3");
    let mut console = console(&story);
    assert!(press(&mut console, &story, KeyCode::Enter).commands.is_empty());
    insta::assert_snapshot!("menu", shown(&console, &story));
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Unknown, "the connection was lost");
    let mut console = self::console(&story);
    assert!(press(&mut console, &story, KeyCode::Enter).commands.is_empty());
    insta::assert_snapshot!("unknown_choices", shown(&console, &story));
}

#[test]
fn an_unknown_outcome_is_resolved_with_a_reason_and_what_later_steps_need() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Unknown, "the connection was lost");
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    press(&mut console, &story, KeyCode::Char('s'));
    letters(&mut console, &story, "seen in the console");
    press(&mut console, &story, KeyCode::Enter);
    letters(&mut console, &story, "2026-11-21T02:54:00Z");
    insta::assert_snapshot!("unknown_reason", shown(&console, &story));
    let asked = asked(&press(&mut console, &story, KeyCode::Enter));
    assert!(
        asked.contains("resolution: Succeeded, by: Operator, reason: \"seen in the console\""),
        "{asked}"
    );
    assert!(asked.contains("\"at\": Timestamp(2026-11-21T02:54:00Z)"), "{asked}");
}

#[test]
fn what_a_probe_could_not_tell_is_resolved_by_a_person() {
    use std::sync::Arc;

    use crate::runbook::model::{Call, Probe};

    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Unknown, "the connection was lost");
    let unknown = story.state.steps.iter().position(|step| step.unknown().is_some()).unwrap();
    let step = Arc::make_mut(&mut Arc::make_mut(&mut story.state.steps[unknown]).step);
    let action = Call { effect: Effect::Reads, ..step.action.clone() };
    step.probe = Some(Probe { action, done: None, not_done: None, in_progress: None });
    let probe = Input::Intend {
        step: step.id.clone(),
        part: Part::Probe,
        request: serde_json::json!({}),
        digest: "p".into(),
        token: "t".into(),
    };
    story.does(probe).ends(Outcome::Succeeded, "exit 0");
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    press(&mut console, &story, KeyCode::Char('n'));
    letters(&mut console, &story, "there is no such cluster");
    let asked = press(&mut console, &story, KeyCode::Enter).commands.pop();
    let Some(Command::Engine(input)) = asked else { panic!("{asked:?}") };
    // The attempt itself, not the probe that came after it.
    story.does(input);
    assert!(story.state.steps[unknown].unknown().is_none());
}

#[test]
fn the_menu_dims_what_may_not_be_with_the_reason() {
    let story = Story::restoring(Mode::Live);
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Char(' '));
    insta::assert_snapshot!("menu_working", shown(&console, &story));
    assert!(press(&mut console, &story, KeyCode::Char('s')).commands.is_empty());
    assert!(matches!(console.overlay, Overlay::Menu(_)));
    press(&mut console, &story, KeyCode::Char('x'));
    letters(&mut console, &story, "wrong cluster");
    assert!(
        asked(&press(&mut console, &story, KeyCode::Enter))
            .contains("Cancel { reason: \"wrong cluster\" }")
    );
}

#[test]
fn what_the_menu_asks_for() {
    let story = before_restore();
    for (letter, texts, wanted) in [
        ('s', vec!["why", "2026-11-21T02:54:00Z"], "Skip { step: \"restore\""),
        ('d', vec!["why", "2026-11-21T02:54:00Z"], "Override { step: \"restore\""),
        ('f', vec!["why"], "Rerun { step: \"restore\", reason: \"why\" }"),
        ('h', vec!["t", "true", "why"], "Insert { title: \"t\", run: \"true\", reason: \"why\" }"),
        (
            'a',
            vec!["", "x", "why"],
            "Amend { input: \"target_cluster\", text: \"x\", reason: \"why\" }",
        ),
        ('v', vec!["why"], "Declare { milestone: ServiceRestored, reason: \"why\" }"),
        ('w', vec!["why"], "Withdraw { milestone: WritesStopped, reason: \"why\" }"),
        ('p', vec!["why"], "Pause { reason: \"why\" }"),
        ('b', vec!["why"], "Abort { reason: \"why\" }"),
    ] {
        let mut console = console(&story);
        press(&mut console, &story, KeyCode::Char(' '));
        press(&mut console, &story, KeyCode::Char(letter));
        let mut last = Reaction::default();
        for text in texts {
            letters(&mut console, &story, text);
            last = press(&mut console, &story, KeyCode::Enter);
        }
        assert!(asked(&last).contains(wanted), "{letter}: {last:?}");
    }
}

#[test]
fn a_reason_cannot_be_left_out() {
    let story = before_restore();
    let mut console = console(&story);
    letters(&mut console, &story, " s");
    press(&mut console, &story, KeyCode::Enter);
    assert!(press(&mut console, &story, KeyCode::Enter).commands.is_empty());
    insta::assert_snapshot!("skip", shown(&console, &story));
}

#[test]
fn an_undo_is_prepared_then_confirmed() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Succeeded, "exit 0");
    let mut console = console(&story);
    letters(&mut console, &story, " ");
    let reaction = press(&mut console, &story, KeyCode::Char('u'));
    assert!(asked(&reaction).contains("PrepareUndo { step: \"restore\" }"));
    let mut view = story.view();
    let mut prepared = view.prepared.as_deref().cloned().unwrap();
    prepared.step = "restore".into();
    prepared.part = Part::Undo;
    prepared.effect = Effect::Destroys;
    prepared.phrase = Some("loanserve-restored".into());
    view.prepared = Some(std::sync::Arc::new(prepared));
    console.look(view, &story.now());
    insta::assert_snapshot!("undo", shown(&console, &story));
    assert!(asked(&press(&mut console, &story, KeyCode::Esc)).contains("PrepareDo"));
}

#[test]
fn a_checklist_is_ticked_before_the_step_is_done() {
    let mut story = Story::began(Mode::Live);
    story.begins();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    assert!(press(&mut console, &story, KeyCode::Char('d')).commands.is_empty());
    press(&mut console, &story, KeyCode::Esc);
    press(&mut console, &story, KeyCode::Enter);
    press(&mut console, &story, KeyCode::Enter);
    insta::assert_snapshot!("checklist", shown(&console, &story));
    press(&mut console, &story, KeyCode::Enter);
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(asked(&reaction).contains("Answer { choice: None, done: true"));
}

#[test]
fn an_option_is_chosen_with_the_default_marked() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Succeeded, "exit 0").begins();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Enter);
    insta::assert_snapshot!("choose", shown(&console, &story));
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(asked(&reaction).contains("Answer { choice: Some(\"writer-2\"), done: true"));
}

#[test]
fn leaving_asks_only_while_something_runs() {
    let story = before_restore();
    let reaction = press(&mut console(&story), &story, KeyCode::Char('q'));
    assert!(reaction.left && asked(&reaction).contains("Leave"));
    let story = Story::restoring(Mode::Live);
    let mut console = console(&story);
    assert!(!press(&mut console, &story, KeyCode::Char('q')).left);
    insta::assert_snapshot!("leave", shown(&console, &story));
    assert!(!press(&mut console, &story, KeyCode::Enter).left, "staying is the first answer");
    press(&mut console, &story, KeyCode::Char('q'));
    assert!(press(&mut console, &story, KeyCode::Char('l')).left);
}

#[test]
fn a_lost_terminal_lets_go_of_the_run_at_once() {
    let story = Story::restoring(Mode::Live);
    let reaction = console(&story).update(Message::Quit("SIGHUP".into()), &story.now());
    assert!(reaction.left);
    let asked = format!("{:?}", reaction.commands);
    assert!(asked.contains("Signal { signal: \"SIGHUP\" }"), "{asked}");
    assert!(asked.ends_with("Leave { reason: \"SIGHUP\" }]"), "{asked}");
}

#[test]
fn the_bell_rings_when_the_run_comes_to_want_a_person() {
    let mut story = Story::restoring(Mode::Live);
    let mut console = console(&story);
    assert!(!console.look(story.view(), &story.now()).bell);
    assert!(!console.title().contains('●'));
    story.ends(Outcome::Failed, "exit 3");
    assert!(console.look(story.view(), &story.now()).bell);
    assert!(!console.look(story.view(), &story.now()).bell, "once");
    assert_eq!(console.title(), "● steady: Aurora PITR: Restore loanserve-restored");
}

#[test]
fn a_halted_journal_and_notices_are_said() {
    let story = before_restore();
    let mut view = story.view();
    view.journal.halted =
        Some("no space left on device; what is left is printed when you leave".into());
    view.notice = Some(warning(1, "the clock jumped by 3 s"));
    let mut console = Console::new(view);
    insta::assert_snapshot!("halted", shown(&console, &story));
    console.resized(Size::new(80, 24));
    press(&mut console, &story, KeyCode::Down);
    assert!(!shown(&console, &story).contains("the clock jumped"), "a key has answered the notice");
}

#[test]
fn watching_shows_the_same_and_takes_nothing() {
    let story = Story::restoring(Mode::Live);
    let mut view = story.view();
    view.read_only = true;
    let mut console = Console::new(view);
    console.resized(Size::new(80, 24));
    insta::assert_snapshot!("watching", shown(&console, &story));
    for code in [KeyCode::Enter, KeyCode::Char(' '), KeyCode::Char('n'), KeyCode::Char('e')] {
        assert!(press(&mut console, &story, code).commands.is_empty());
        assert!(matches!(console.overlay, Overlay::None), "{code:?}");
    }
    assert!(press(&mut console, &story, KeyCode::Char('q')).left);
}

#[test]
fn a_run_ends_with_its_debrief() {
    let mut story = Story::restoring(Mode::Live);
    story.ends(Outcome::Succeeded, "exit 0").begins().wait(5);
    story.does(Input::Answer { choice: Some("writer-2".into()), done: true, note: String::new() });
    story.passes(20);
    let mut console = console(&story);
    insta::assert_snapshot!("debrief", shown(&console, &story));
    insta::assert_snapshot!("debrief_120", shown_large(&mut console, &story));
    assert!(press(&mut console, &story, KeyCode::Enter).left);
    let mut story = before_restore();
    story.does(Input::Abort { reason: "the old cluster came back".into() });
    insta::assert_snapshot!("debrief_aborted", shown(&self::console(&story), &story));
}

#[test]
fn the_timeline_and_the_output_are_read_and_left() {
    let story = Story::restoring(Mode::Live);
    let view = story.view();
    view.output.begin(&story.state.running().unwrap().id.clone());
    view.output.push("creating".into());
    let mut console = Console::new(view);
    console.resized(Size::new(80, 24));
    press(&mut console, &story, KeyCode::Char('t'));
    insta::assert_snapshot!("timeline", shown(&console, &story));
    press(&mut console, &story, KeyCode::Char('q'));
    press(&mut console, &story, KeyCode::Char('o'));
    let view = story.view();
    view.output.begin(&story.state.running().unwrap().id.clone());
    view.output.push("creating".into());
    view.output.push("available".into());
    console.look(view, &story.now());
    insta::assert_snapshot!("output", shown(&console, &story));
    press(&mut console, &story, KeyCode::Esc);
    assert!(matches!(console.overlay, Overlay::None));
}

#[test]
fn a_secret_is_typed_before_the_guard_and_is_in_no_frame() {
    let mut story = Story::began(Mode::Live);
    story.declares();
    let mut lacking = story.view();
    let mut prepared = (**lacking.prepared.as_ref().unwrap()).clone();
    prepared.wants = vec!["share_1".into()];
    lacking.prepared = Some(prepared.into());
    lacking.wants = vec!["share_1".into()];
    let mut console = Console::new(lacking);
    console.resized(Size::new(80, 24));
    assert!(shown(&console, &story).contains("Enter type the secret"));
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(reaction.commands.is_empty(), "{reaction:?}");
    letters(&mut console, &story, "hunter2-");
    console.update(Message::Paste("pasted\n".into()), &story.now());
    let screen = shown(&console, &story);
    assert!(screen.contains("Type the secret share_1") && !screen.contains("hunter2"), "{screen}");
    let reaction = press(&mut console, &story, KeyCode::Enter);
    assert!(!asked(&reaction).contains("hunter2"), "{reaction:?}");
    let [Command::Secret { input, value }] = reaction.commands.as_slice() else { panic!() };
    assert_eq!((input.as_str(), value.expose_secret()), ("share_1", "hunter2-pasted"));
    // Now that the request is whole it is shown, and wants its guard as ever.
    console.look(story.view(), &story.now());
    assert!(matches!(console.overlay, Overlay::Confirm(_)));

    let mut console = Console::new(story.view());
    press(&mut console, &story, KeyCode::Esc);
    assert!(matches!(console.overlay, Overlay::None));
}

#[test]
fn the_frame_says_how_far_the_record_is_signed() {
    let mut story = Story::began(Mode::Live);
    let last = |story: &Story| shown(&console(story), story).lines().last().unwrap().to_owned();
    assert!(last(&story).ends_with("═ unsigned ═╝\""), "{}", last(&story));
    story.does(Input::Signed {
        checkpoint: 3,
        head: "a3".repeat(32),
        file: "3.txt".into(),
        signature: "0f".repeat(32),
        key: "SHA256:k".into(),
    });
    assert!(last(&story).ends_with("═ signed ✓ 1 ═╝\""), "{}", last(&story));
    story.does(Input::NotSigned { checkpoint: 5, reason: "the agent is gone".into() });
    assert!(last(&story).ends_with("═ NOT SIGNED ═╝\""), "{}", last(&story));
}
