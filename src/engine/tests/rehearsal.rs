//! A rehearsal: nothing ends by itself, nothing is measured, nothing is made up.

use super::*;

fn rehearsal(steps: Vec<Step>) -> Bench {
    let mut book = runbook(steps);
    book.objectives =
        Objectives { rto: Some(TimeDelta::seconds(1)), rpo: Some(TimeDelta::seconds(1)) };
    book.recovery_point = Some(template("${{ run.outage_start - duration('1h') }}"));
    Bench::with(book, |started| {
        started.mode = Mode::Rehearsal;
        started.speed = Some(20);
    })
}

fn rehearsed(run: &mut Bench, outcome: Outcome, saved: &[(&str, i64)]) {
    let attempt = run.state.running().unwrap().id.clone();
    let saved = saved.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value)));
    let message = "rehearsed".to_owned();
    run.ok(Input::Rehearsed { attempt, outcome, message, saved: saved.collect() });
}

#[test]
fn it_reaches_the_end_and_has_neither_passed_nor_measured_anything() {
    let mut served = step("serve", Does::Changes);
    served.milestone = Some(Milestone::ServiceRestored);
    served.verifies = Some(Verifies::Data);
    let mut run = rehearsal(vec![step("look", Does::Reads), served]);
    for (id, given) in [("look", Given::Enter), ("serve", Given::Yes)] {
        run.begin(id, given);
        rehearsed(&mut run, Outcome::Succeeded, &[]);
    }
    assert!(matches!(run.state.finished, Some((_, Ending::Completed, None))));
    assert_eq!(passed(&run.state), None);
    assert_eq!(recovery_time(&run.state, &stamp(99)), None);
    assert_eq!(rpo(&run.state), None);
    assert_eq!(data_verified(&run.state), None);
    assert!(!run.kinds().contains(&"objective_breached".to_owned()), "{:?}", run.kinds());
}

#[test]
fn nothing_that_was_executed_ends_in_it_and_nothing_else_ends_like_it() {
    let mut run = rehearsal(vec![step("a", Does::Changes)]);
    run.begin("a", Given::Yes);
    let attempt = run.state.running().unwrap().id.clone();
    let (message, result) = ("done".to_owned(), Value::Null);
    let ended = Input::Ended {
        attempt: attempt.clone(),
        outcome: Outcome::Succeeded,
        message: message.clone(),
        result,
        output: None,
    };
    assert!(run.no(ended).contains("a rehearsal executes nothing"));
    let mut drill = Bench::new(runbook(vec![step("a", Does::Changes)]));
    drill.begin("a", Given::Yes);
    let saved = BTreeMap::new();
    let outcome = Outcome::Succeeded;
    assert!(drill.no(Input::Rehearsed { attempt, outcome, message, saved }).contains("rehearsed"));
}

#[test]
fn guards_are_asked_for_as_ever() {
    let mut run = rehearsal(vec![step("a", Does::Destroys)]);
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("type `loans`"));
    run.ok(Bench::consent("a", Given::Typed("orders".into())));
    assert_eq!(run.status("a"), "Ready");
    run.ok(Bench::consent("a", Given::Typed("loans".into())));
    assert_eq!(run.status("a"), "Consented");
}

#[test]
fn what_only_a_real_run_would_know_is_not_made_up() {
    let mut first = step("first", Does::Reads);
    first.save = vec![("rows".into(), expr("result.rows")), ("age".into(), expr("result.age"))];
    first.expect = vec![expr("result.rows > 0")];
    let mut second = step("second", Does::Destroys);
    second.when = Some(expr("steps.first.age > 1"));
    second.guard = Guard::Type(template("${{ steps.first.age }} rows"));
    let mut run = rehearsal(vec![first, second]);
    run.begin("first", Given::Enter);
    // An earlier run saved one of the two, and something the step does not save any more.
    rehearsed(&mut run, Outcome::Succeeded, &[("rows", 7), ("gone", 1)]);
    let first = run.state.step("first").unwrap();
    assert_eq!(first.saved, BTreeMap::from([("rows".to_owned(), Value::Int(7))]));
    let (_, finished) = first.last().unwrap().finished.clone().unwrap();
    assert_eq!(finished.expectations, []);
    assert!(finished.message.contains("`expect` was not evaluated"), "{}", finished.message);
    // The condition cannot be told: the step is taken to apply, and says so.
    assert_eq!(run.status("second"), "Ready");
    let second = run.state.step("second").unwrap();
    assert_eq!(
        run.state.known_when_run(second, &second.step.action),
        ["`when: steps.first.age > 1` cannot be known: the step is taken to apply"]
    );
    run.begin("second", Given::Typed("${{ steps.first.age }} rows".into()));
    rehearsed(&mut run, Outcome::Succeeded, &[]);
    let message = run.state.step("second").unwrap().last().unwrap().message().to_owned();
    assert!(message.contains("the step is taken to apply"), "{message}");
}

#[test]
fn what_was_made_to_fail_leaves_the_choices_of_any_failure() {
    let mut run = rehearsal(vec![step("a", Does::Changes), step("b", Does::Reads)]);
    run.begin("a", Given::Yes);
    rehearsed(&mut run, Outcome::Failed, &[]);
    assert_eq!(run.status("a"), "Failed");
    run.begin("a", Given::Yes);
    rehearsed(&mut run, Outcome::Succeeded, &[]);
    assert_eq!(run.status("b"), "Ready");
    assert_eq!(run.state.deviations[0].kind, "retried");
}

#[test]
fn what_was_at_work_when_the_console_died_was_certainly_not_done() {
    for effect in [Does::Reads, Does::Changes, Does::Destroys] {
        let mut run = rehearsal(vec![step("a", effect)]);
        let given = match effect {
            Does::Reads => Given::Enter,
            Does::Changes => Given::Yes,
            Does::Destroys => Given::Typed("loans".into()),
        };
        run.begin("a", given);
        run.attach();
        assert_eq!(run.status("a"), "Ready", "{effect:?}");
        assert_eq!(run.kinds().last().unwrap(), "unknown_resolved");
    }
}

#[test]
fn a_condition_that_is_wrong_and_not_unknown_is_refused_as_in_any_run() {
    let mut a = step("a", Does::Changes);
    a.when = Some(expr("1 / 0 > 1"));
    let mut run = rehearsal(vec![a]);
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("`when: 1 / 0 > 1`"));
}
