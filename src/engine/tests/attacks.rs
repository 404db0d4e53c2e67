//! Each rule of what may happen, attacked: what would break it is refused, and recorded nowhere.

use super::*;
use crate::runbook::model::{Arg, InputKind};

fn undoable(id: &str, effect: Does) -> Step {
    let mut s = step(id, Does::Changes);
    s.undo = Some(match effect {
        Does::Reads | Does::Changes => Call { effect, ..s.action.clone() },
        Does::Destroys => Call {
            spec: crate::runbook::registry::action("rds.delete_cluster").unwrap(),
            args: vec![("cluster".into(), Arg::Scalar(template("loans")))],
            effect,
        },
    });
    s
}

fn undo(id: &str, given: Given) -> Input {
    Input::Consent { step: id.into(), part: Part::Undo, given, digest: "u".into() }
}

/// The guard of an undo is that of what it does itself, whatever the step it takes back asked for.
#[test]
fn an_undo_has_the_guard_of_its_own_effect() {
    let typed = |text: &str| Given::Typed(text.into());
    let auto = Given::Auto { allow_destructive: false };
    for (effect, given, accepted) in [
        (Does::Changes, Given::Enter, false),
        (Does::Changes, Given::Yes, true),
        (Does::Changes, typed("loans"), false),
        (Does::Destroys, Given::Enter, false),
        (Does::Destroys, Given::Yes, false),
        (Does::Destroys, auto, false),
        (Does::Destroys, typed("loan"), false),
        (Does::Destroys, typed("loans"), true),
    ] {
        let mut run = Bench::new(runbook(vec![undoable("a", effect), step("b", Does::Reads)]));
        run.pass("a");
        // A wrong phrase is a fact; it satisfies nothing.
        let _ = run.put(undo("a", given.clone()));
        let taken = run.put(Bench::intend("a", Part::Undo, "u")).is_ok();
        assert_eq!(taken, accepted, "{effect:?} {given:?}");
    }
}

#[test]
fn nothing_is_undone_around_what_is_at_work_unknown_or_not_done() {
    let book = || vec![undoable("a", Does::Changes), undoable("b", Does::Changes)];
    let mut run = Bench::new(runbook(book()));
    run.pass("a");
    run.begin("b", Given::Yes);
    assert!(run.no(undo("a", Given::Yes)).contains("at work"));
    run.attach();
    assert!(run.no(undo("a", Given::Yes)).contains("nobody knows"));
    let attempt = AttemptId { step: "b".into(), number: 1, of: Part::Do };
    let resolve = |resolution| Input::Resolve {
        attempt: attempt.clone(),
        resolution,
        by: ResolvedBy::Operator,
        reason: "seen".into(),
        saved: BTreeMap::new(),
    };
    // What failed may have changed something: it is the newest, and undone first.
    let mut failed = Bench::new(runbook(book()));
    failed.pass("a");
    failed.begin("b", Given::Yes);
    failed.attach();
    failed.ok(resolve(Resolution::Failed));
    assert!(failed.no(undo("a", Given::Yes)).contains("`b` was done later"));
    failed.ok(undo("b", Given::Yes));
    // What never happened is in nobody's way, and cannot be undone.
    run.ok(resolve(Resolution::NotDone));
    assert!(run.no(undo("b", Given::Yes)).contains("newest first"));
    run.ok(undo("a", Given::Yes));
    // A consent to undo is none to do, nor for another request.
    assert!(run.no(Bench::intend("a", Part::Do, "u")).contains("no longer the one"));
    assert!(run.no(Bench::intend("a", Part::Undo, "another")).contains("no longer the one"));
    run.ok(Bench::intend("a", Part::Undo, "u"));
    run.end(Outcome::Succeeded, Value::Null);
    assert!(run.no(undo("a", Given::Yes)).contains("nothing to undo"), "it is undone once");
    assert_eq!(run.status("a"), "Ready");
}

#[test]
fn an_amended_input_and_a_run_taken_back_void_the_consents_that_were_given() {
    let mut book = runbook(vec![step("a", Does::Changes), step("b", Does::Changes)]);
    book.inputs = vec![crate::runbook::model::Input {
        name: "target".into(),
        kind: InputKind::String,
        default: None,
        env: None,
        pattern: None,
        min: None,
        max: None,
        choices: vec![],
        required: true,
        help: None,
    }];
    let amend = |reason: &str| Input::Amend {
        input: "target".into(),
        value: Value::String("other".into()),
        reason: reason.into(),
    };
    let mut run = Bench::new(book);
    run.pass("a");
    run.ok(Bench::consent("b", Given::Yes));
    assert!(run.no(amend(" ")).contains("reason"));
    run.ok(amend("the wrong one"));
    assert!(run.no(Bench::intend("b", Part::Do, "d")).contains("no consent"));
    assert_eq!(run.state.inputs["target"], Value::String("other".into()));
    run.ok(Bench::consent("b", Given::Yes));
    let rerun = |reason: &str| Input::Rerun { step: "a".into(), reason: reason.into() };
    assert!(run.no(rerun("")).contains("reason"));
    run.ok(rerun("with the right one"));
    assert!(run.no(Bench::intend("b", Part::Do, "d")).contains("no consent"));
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"), "a fresh guard");
    assert!(run.no(Bench::consent("b", Given::Yes)).contains("`a` comes first"));
    run.pass("a");
    let stale: Vec<_> = run.state.step("a").unwrap().attempts.iter().map(|a| a.stale).collect();
    assert_eq!(stale, [true, false]);
    run.begin("b", Given::Yes);
    assert!(run.no(amend("too late")).contains("at work"));
    assert!(run.no(rerun("too late")).contains("at work"));
    let kinds: Vec<_> = run.state.deviations.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["input amended", "run taken back", "retried"]);
}

/// A report that comes from a console that has lost the run decides nothing any more.
#[test]
fn what_an_earlier_console_still_says_is_not_taken() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Destroys)]));
    run.begin("a", Given::Typed("loans".into()));
    let attempt = run.state.running().unwrap().id.clone();
    run.attach();
    let ended = Input::Ended {
        attempt: attempt.clone(),
        outcome: Outcome::Failed,
        message: "late".into(),
        result: Value::Null,
        output: None,
    };
    assert!(run.no(ended).contains("not at work"));
    assert!(run.no(Input::Began { attempt: attempt.clone(), pid: None }).contains("not at work"));
    assert_eq!(run.status("a"), "Unknown");
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
    assert!(run.no(Bench::consent("a", Given::Typed("loans".into()))).contains("nobody knows"));
    assert!(run.no(Input::Abort { reason: "r".into() }).contains("nobody knows"));
}

#[test]
fn an_attempt_is_cancelled_once_with_a_reason_and_never_retried_by_itself() {
    let mut a = step("a", Does::Changes);
    a.retry = Some(Retry { times: 3, every: TimeDelta::zero() });
    let mut run = Bench::new(runbook(vec![a]));
    let cancel = |reason: &str| Input::Cancel { reason: reason.into() };
    assert!(run.no(cancel("why not")).contains("nothing is at work"));
    run.begin("a", Given::Yes);
    assert!(run.no(cancel("")).contains("reason"));
    run.ok(cancel("it hangs"));
    assert!(run.no(cancel("again")).contains("nothing is at work"));
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Failed", "not Retrying: somebody wanted it to stop");
}

#[test]
fn a_milestone_by_hand_wants_a_reason_and_a_withdrawn_one_comes_back_only_with_a_new_success() {
    let restored = Milestone::ServiceRestored;
    let mut a = step("a", Does::Reads);
    a.milestone = Some(restored);
    let mut run = Bench::new(runbook(vec![a, step("b", Does::Reads)]));
    let declare = |reason: &str| Input::Declare { milestone: restored, reason: reason.into() };
    let withdraw = |reason: &str| Input::Withdraw { milestone: restored, reason: reason.into() };
    assert!(run.no(withdraw("r")).contains("does not hold"));
    assert!(run.no(declare(" ")).contains("reason"));
    run.ok(declare("users say so"));
    assert!(run.no(declare("again")).contains("holds already"));
    run.ok(withdraw("it went down again"));
    run.pass("a");
    assert!(run.state.milestones.contains_key(&restored), "the step's own success counts");
    assert!(run.no(withdraw("")).contains("reason"));
    run.ok(withdraw("and again"));
    let kinds = run.kinds();
    let reached = kinds.iter().filter(|kind| *kind == "milestone_reached").count();
    assert_eq!(reached, 2, "the old success does not bring it back: {kinds:?}");
    let kinds: Vec<_> = run.state.deviations.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["milestone by hand", "milestone withdrawn", "milestone withdrawn"]);
}

/// A held run starts nothing, not even what was to be tried again on its own.
#[test]
fn a_held_run_takes_no_consent_and_retries_nothing() {
    let mut a = step("a", Does::Reads);
    a.retry = Some(Retry { times: 3, every: TimeDelta::zero() });
    let mut run = Bench::new(runbook(vec![a, step("b", Does::Reads)]));
    run.begin("a", Given::Enter);
    run.end(Outcome::Failed, Value::Null);
    let pause = |reason: &str| Input::Pause { reason: reason.into() };
    assert!(run.no(pause("")).contains("reason"));
    run.ok(pause("a call"));
    assert!(run.state.effects(&stamp(999)).is_empty());
    assert!(run.no(Bench::consent("a", Given::Enter)).contains("paused"));
    run.ok(Input::Continue);
    assert_eq!(run.state.effects(&stamp(999)).len(), 1);
    assert!(run.no(Input::Continue).contains("not paused"));
}

#[test]
fn by_hand_wants_a_reason_and_the_values_also_when_an_unknown_outcome_is_said_to_have_worked() {
    let mut a = step("a", Does::Changes);
    a.save = vec![("name".into(), expr("result.name"))];
    let mut b = step("b", Does::Reads);
    b.title = template("Look at ${{ steps.a.name }}");
    let mut run = Bench::new(runbook(vec![a, b]));
    run.begin("a", Given::Yes);
    run.attach();
    let attempt = AttemptId { step: "a".into(), number: 1, of: Part::Do };
    let resolve = |reason: &str, saved: &[(&str, &str)]| Input::Resolve {
        attempt: attempt.clone(),
        resolution: Resolution::Succeeded,
        by: ResolvedBy::Operator,
        reason: reason.into(),
        saved: saved.iter().map(|(k, v)| ((*k).into(), Value::String((*v).into()))).collect(),
    };
    assert!(run.no(resolve("seen", &[])).contains("need a value for name"));
    assert!(run.no(resolve("", &[("name", "x")])).contains("reason"));
    let done = |saved: BTreeMap<String, Value>| Input::Override {
        step: "a".into(),
        by_hand: ByHand { reason: "seen".into(), saved },
    };
    assert!(run.no(done(BTreeMap::new())).contains("need a value for name"));
    run.ok(resolve("seen", &[("name", "x")]));
    assert!(run.no(resolve("twice", &[("name", "y")])).contains("is not unknown"));
    assert_eq!(run.state.title(run.state.step("b").unwrap()), "Look at x");
}

/// It ran, and what it did is not what is expected: it may be looked at again, never done again by that.
#[test]
fn a_failed_expectation_is_checked_again_without_doing_again() {
    let unexpected = |probe: Option<Probe>, action: &'static str| {
        let mut a = step("a", Does::Changes);
        a.action.spec = crate::runbook::registry::action(action).unwrap();
        a.expect = vec![expr("result.n == 3")];
        a.save = vec![("n".into(), expr("result.n"))];
        a.probe = probe;
        let mut run = Bench::new(runbook(vec![a]));
        run.begin("a", Given::Yes);
        run.end(Outcome::Succeeded, Value::map([("n", Value::Int(2))]));
        assert_eq!(run.status("a"), "Failed");
        run
    };
    let probe = |done: Option<&str>| Probe {
        action: Call { effect: Does::Reads, ..step("p", Does::Reads).action },
        done: done.map(expr),
        not_done: Some(expr("result.n == 0")),
        in_progress: None,
    };
    for (mut run, good) in [
        (unexpected(Some(probe(Some("result.n >= 3"))), "shell"), true),
        (unexpected(None, "rds.create_instance"), true),
        (unexpected(Some(probe(None)), "shell"), false),
    ] {
        // Doing it again would need a guard of its own, and is not what is asked for.
        assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
        run.ok(Bench::intend("a", Part::Probe, "p"));
        run.end(Outcome::Succeeded, Value::map([("n", Value::Int(2))]));
        assert_eq!(run.status("a"), "Failed", "not yet");
        run.ok(Bench::intend("a", Part::Probe, "p"));
        run.end(Outcome::Failed, Value::Null);
        assert_eq!(run.status("a"), "Failed", "a look that fails shows nothing");
        run.ok(Bench::intend("a", Part::Probe, "p"));
        run.end(Outcome::Succeeded, Value::map([("n", Value::Int(3))]));
        assert_eq!(run.status("a"), if good { "Done" } else { "Failed" });
        let step = run.state.step("a").unwrap();
        assert_eq!(step.attempts.iter().filter(|a| a.id.of == Part::Do).count(), 1);
        if good {
            assert_eq!(step.saved["n"], Value::Int(3));
            assert_eq!(run.state.deviations[0].kind, "checked again");
        } else {
            assert!(step.attempts.last().unwrap().message().contains("cannot tell"));
        }
    }
    let mut run = unexpected(None, "shell");
    assert!(
        run.no(Bench::intend("a", Part::Probe, "p")).contains("leaves nothing that could be asked")
    );
    // What failed before it had anything to show is not checked, with or without a probe.
    let mut a = step("a", Does::Changes);
    a.probe = Some(probe(Some("result.n >= 3")));
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Yes);
    run.end(Outcome::Failed, Value::Null);
    assert!(run.no(Bench::intend("a", Part::Probe, "p")).contains("before there was anything"));
}

#[test]
fn what_was_refused_at_the_last_look_is_not_tried_again_on_its_own() {
    let mut a = step("a", Does::Changes);
    a.retry = Some(Retry { times: 5, every: TimeDelta::zero() });
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Yes);
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Retrying");
    let reason = "wrong target".to_owned();
    run.append(Event::step("a", Fact::GuardRefused { part: Part::Do, reason }));
    assert_eq!(run.status("a"), "Failed");
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
    run.begin("a", Given::Yes);
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Retrying", "a fresh consent is good for its retries");
}
