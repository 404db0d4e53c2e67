//! The guard of a live run as a whole.

use super::*;

fn live(steps: Vec<Step>) -> Bench {
    Bench::with(runbook(steps), |started| {
        started.mode = Mode::Live;
        started.phrase = Some("production".into());
    })
}

fn enter(typed: &str) -> Input {
    Input::Enter { typed: typed.into() }
}

#[test]
fn nothing_acts_before_the_name_was_typed_and_it_is_asked_once() {
    let mut run = live(vec![
        step("look", Does::Reads),
        step("change", Does::Changes),
        step("destroy", Does::Destroys),
    ]);
    // What reads harms nobody.
    run.pass("look");
    for given in [Given::Yes, Given::Enter, Given::Auto { allow_destructive: true }] {
        assert!(run.no(Bench::consent("change", given)).contains("type `production` first"));
    }
    run.ok(enter("Production"));
    assert_eq!(run.kinds().last().unwrap(), "guard_refused");
    assert!(run.no(Bench::consent("change", Given::Yes)).contains("type `production` first"));
    run.ok(enter("production"));
    let record = run.records.last().unwrap();
    assert_eq!(record.event.of, Subject::Run);
    assert!(matches!(&record.event.fact, Fact::GuardSatisfied { .. }));
    assert_eq!(run.state.to_enter(), None);
    assert!(run.no(enter("production")).contains("nothing is asked for"));
    run.pass("change");
    // Another console is not asked again; the step's own guard is.
    run.attach();
    assert!(run.no(Bench::consent("destroy", Given::Yes)).contains("type `loans`"));
    run.pass("destroy");
    assert!(run.state.finished.is_some());
}

#[test]
fn a_drill_a_rehearsal_and_a_record_of_an_older_version_ask_for_nothing() {
    for mode in [Mode::Drill, Mode::Rehearsal, Mode::Live] {
        let mut run = Bench::with(runbook(vec![step("a", Does::Changes)]), |it| it.mode = mode);
        assert_eq!(run.state.to_enter(), None, "{mode:?}");
        run.ok(Bench::consent("a", Given::Yes));
    }
}
