//! Tables on `decide` and consequences of `settle`.

use super::*;

#[test]
fn the_straight_path_ends_by_itself() {
    let mut run = three();
    for id in ["look", "change", "destroy"] {
        run.pass(id);
    }
    assert!(matches!(run.state.finished, Some((_, Ending::Completed, None))));
    assert!(run.state.deviations.is_empty());
    assert_eq!(passed(&run.state), Some(true));
    assert_eq!(run.kinds().last().unwrap(), "run_finished");
    assert!(
        run.no(Input::Skip { step: "look".into(), by_hand: Bench::by_hand("x") }).contains("over")
    );
}

#[test]
fn guards_take_what_they_ask_for_and_nothing_else() {
    let typed = |text: &str| Given::Typed(text.into());
    let auto = |allow_destructive| Given::Auto { allow_destructive };
    for (effect, given, accepted) in [
        (Does::Reads, Given::Enter, true),
        (Does::Reads, typed("x"), false),
        (Does::Reads, auto(false), true),
        (Does::Changes, Given::Enter, false),
        (Does::Changes, Given::Yes, true),
        (Does::Changes, typed("loans"), false),
        (Does::Changes, auto(false), true),
        (Does::Destroys, Given::Enter, false),
        (Does::Destroys, Given::Yes, false),
        (Does::Destroys, typed("loans"), true),
        (Does::Destroys, auto(false), false),
        (Does::Destroys, auto(true), true),
    ] {
        let mut run = Bench::new(runbook(vec![step("a", effect)]));
        let taken = run.put(Bench::consent("a", given.clone())).is_ok();
        assert_eq!(taken, accepted, "{effect:?} {given:?}");
        assert_eq!(run.status("a"), if accepted { "Consented" } else { "Ready" });
    }
}

#[test]
fn a_wrong_phrase_is_recorded_and_leaves_the_step_where_it_was() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Destroys)]));
    run.ok(Bench::consent("a", Given::Typed("Loans".into())));
    assert_eq!(run.kinds().last().unwrap(), "guard_refused");
    assert_eq!(run.status("a"), "Ready");
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
}

#[test]
fn consent_is_for_one_request_and_one_attempt() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Changes)]));
    run.ok(Bench::consent("a", Given::Yes));
    assert!(run.no(Bench::intend("a", Part::Do, "another")).contains("no longer the one"));
    run.ok(Bench::intend("a", Part::Do, "d"));
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("at work"));
    run.end(Outcome::Failed, Value::Null);
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
    run.begin("a", Given::Yes);
    run.end(Outcome::Succeeded, Value::Null);
    let kinds: Vec<_> = run.state.deviations.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["retried"]);
}

#[test]
fn nothing_goes_on_around_a_step() {
    let mut run = three();
    assert!(run.no(Bench::consent("change", Given::Yes)).contains("`look` comes first"));
    run.begin("look", Given::Enter);
    assert!(run.no(Bench::consent("look", Given::Enter)).contains("at work"));
    assert!(
        run.no(Input::Skip { step: "look".into(), by_hand: Bench::by_hand("r") }).contains("work")
    );
    assert!(run.no(Input::Abort { reason: "r".into() }).contains("at work"));
}

#[test]
fn what_a_lost_console_had_in_hand_is_unknown_and_a_person_decides() {
    let mut run = three();
    run.pass("look");
    run.begin("change", Given::Yes);
    run.attach();
    assert_eq!(run.status("change"), "Unknown");
    assert!(run.state.effects(&stamp(99)).is_empty(), "an old intent is never carried out");
    assert!(run.no(Bench::consent("change", Given::Yes)).contains("nobody knows"));
    let attempt = AttemptId { step: "change".into(), number: 1, of: Part::Do };
    let resolve = |reason: &str| Input::Resolve {
        attempt: attempt.clone(),
        resolution: Resolution::NotDone,
        by: ResolvedBy::Operator,
        reason: reason.into(),
        saved: BTreeMap::new(),
    };
    assert!(run.no(resolve(" ")).contains("reason"));
    run.ok(resolve("the server has no trace of it"));
    assert_eq!(run.status("change"), "Ready");
    assert_eq!(run.state.deviations.len(), 1);
    run.pass("change");
    assert_eq!(run.status("change"), "Done");
}

#[test]
fn an_unknown_read_may_simply_run_again() {
    let mut run = three();
    run.begin("look", Given::Enter);
    run.attach();
    // No consequence is taken by `attach` itself: it is settled after it.
    assert_eq!(run.status("look"), "Ready");
    assert_eq!(run.kinds().last().unwrap(), "unknown_resolved");
    assert!(run.state.deviations.is_empty());
}

#[test]
fn a_reattached_attempt_is_at_work_again_and_lost_again_with_its_console() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Destroys)]));
    run.begin("a", Given::Typed("loans".into()));
    let attempt = run.state.running().unwrap().id.clone();
    let found = Input::Resolve {
        attempt: attempt.clone(),
        resolution: Resolution::Running,
        by: ResolvedBy::Reattach,
        reason: "pid 7 is alive".into(),
        saved: BTreeMap::new(),
    };
    for _ in 0..2 {
        run.attach();
        assert_eq!(run.status("a"), "Unknown");
        run.ok(found.clone());
        assert_eq!(run.status("a"), "Running");
        assert_eq!(run.state.effects(&stamp(99)), [Effect::Reattach(attempt.clone())]);
    }
    run.end(Outcome::Succeeded, Value::Null);
    assert_eq!(run.status("a"), "Done");
    assert!(run.state.deviations.is_empty(), "nobody decided by hand: {:?}", run.state.deviations);
}

#[test]
fn a_consent_does_not_survive_its_console() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Changes)]));
    run.ok(Bench::consent("a", Given::Yes));
    run.attach();
    assert_eq!(run.status("a"), "Ready");
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
}

#[test]
fn the_probe_resolves_what_it_can_and_leaves_the_rest() {
    let probed = || {
        let mut a = step("a", Does::Changes);
        a.on_unknown = OnUnknown::Probe;
        a.save = vec![("n".into(), expr("result.n"))];
        a.probe = Some(Probe {
            action: Call { effect: Does::Reads, ..a.action.clone() },
            done: Some(expr("result.n == 3")),
            not_done: Some(expr("result.n == 0")),
            in_progress: None,
        });
        let mut run = Bench::new(runbook(vec![a]));
        run.begin("a", Given::Yes);
        run.attach();
        assert_eq!(run.state.effects(&stamp(99)), [Effect::Probe { step: "a".into() }]);
        run.ok(Bench::intend("a", Part::Probe, "p"));
        run
    };
    for (n, status) in [(3, "Done"), (0, "Ready"), (1, "Unknown")] {
        let mut run = probed();
        run.end(Outcome::Succeeded, Value::map([("n", Value::Int(n))]));
        assert_eq!(run.status("a"), status, "n = {n}");
        if n == 3 {
            assert_eq!(run.state.step("a").unwrap().saved["n"], Value::Int(3));
        }
    }
    let mut run = probed();
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Unknown", "a probe that fails says nothing");
    assert!(run.state.effects(&stamp(99)).is_empty(), "it is asked once on its own");

    // Lost with its console: the record does not leave it open, and what it was asked about stays unknown.
    let mut run = probed();
    run.attach();
    let Fact::UnknownResolved(resolved) = &run.records.last().unwrap().event.fact else {
        panic!("{:?}", run.kinds());
    };
    assert_eq!((resolved.as_, resolved.resolved_by), (Resolution::NotDone, ResolvedBy::Reads));
    assert_eq!(run.status("a"), "Unknown");
}

#[test]
fn what_ended_unknown_is_looked_for_once_and_never_when_it_was_cancelled() {
    let mut a = step("a", Does::Changes);
    a.on_unknown = OnUnknown::Reattach;
    for (cancelled, probed) in [(false, false), (true, false), (true, true)] {
        let mut a = a.clone();
        a.probe = probed.then(|| Probe {
            action: Call { effect: Does::Reads, ..a.action.clone() },
            done: Some(expr("result.n == 3")),
            not_done: None,
            in_progress: None,
        });
        let mut run = Bench::new(runbook(vec![a]));
        run.begin("a", Given::Yes);
        let attempt = run.state.running().unwrap().id.clone();
        if cancelled {
            run.ok(Input::Cancel { reason: "it takes too long".into() });
        } else {
            run.end(Outcome::Unknown, Value::Null);
            assert_eq!(run.state.effects(&stamp(99)), [Effect::Find(attempt.clone())]);
            run.ok(Input::Resolve {
                attempt,
                resolution: Resolution::Running,
                by: ResolvedBy::Reattach,
                reason: "it has left its exit status".into(),
                saved: BTreeMap::new(),
            });
        }
        run.end(Outcome::Unknown, Value::Null);
        let probe = probed.then(|| Effect::Probe { step: "a".into() });
        assert_eq!(run.state.effects(&stamp(99)), probe.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn expectations_and_saves_decide_what_succeeded() {
    let mut a = step("a", Does::Reads);
    a.expect = vec![expr("result.n > 2"), expr("result.missing == 1")];
    a.save = vec![("n".into(), expr("result.n"))];
    let mut run = Bench::new(runbook(vec![a.clone()]));
    run.begin("a", Given::Enter);
    run.end(Outcome::Succeeded, Value::map([("n", Value::Int(3)), ("missing", Value::Int(1))]));
    assert_eq!(run.status("a"), "Done");
    for result in [
        Value::map([("n", Value::Int(2)), ("missing", Value::Int(1))]),
        Value::map([("n", Value::Int(3))]),
        Value::Null,
    ] {
        let mut run = Bench::new(runbook(vec![a.clone()]));
        run.begin("a", Given::Enter);
        run.end(Outcome::Succeeded, result);
        assert_eq!(run.status("a"), "Failed");
        assert!(run.state.step("a").unwrap().last().unwrap().message().contains("does not hold"));
    }
}

#[test]
fn a_secret_is_never_saved() {
    let mut a = step("a", Does::Reads);
    a.save = vec![("token".into(), expr("result.token"))];
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Enter);
    let masked = Value::String(crate::runbook::value::mask("password"));
    run.end(Outcome::Succeeded, Value::map([("token", masked)]));
    assert_eq!(run.status("a"), "Failed");
    assert!(run.state.step("a").unwrap().saved.is_empty());
}

#[test]
fn of_a_large_result_the_journal_has_what_was_saved() {
    let mut a = step("a", Does::Reads);
    a.expect = vec![expr("size(result.text) > 1000000")];
    a.save = vec![("n".into(), expr("result.n"))];
    let result =
        || Value::map([("n", Value::Int(3)), ("text", Value::String("x".repeat(2_000_000)))]);
    let mut run = Bench::new(runbook(vec![a.clone()]));
    run.begin("a", Given::Enter);
    run.end(Outcome::Succeeded, result());
    assert_eq!(run.status("a"), "Done");
    let step = run.state.step("a").unwrap();
    assert_eq!(step.saved.get("n"), Some(&Value::Int(3)));
    let kept = &step.last().unwrap().finished.as_ref().unwrap().1.result;
    assert_eq!(kept, &Value::map([("n", Value::Int(3)), ("text", Value::Null)]));

    a.save = vec![("all".into(), expr("result.text"))];
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Enter);
    run.end(Outcome::Succeeded, result());
    assert_eq!(run.status("a"), "Failed");
}

#[test]
fn retries_happen_on_their_own_for_as_long_as_they_last() {
    let mut a = step("a", Does::Reads);
    a.retry = Some(Retry { times: 2, every: TimeDelta::seconds(30) });
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Enter);
    for left in [2, 1] {
        run.end(Outcome::Failed, Value::Null);
        assert_eq!(run.status("a"), "Retrying", "{left} left");
        let effects = run.state.effects(&stamp(run.clock + 10));
        let after = std::time::Duration::from_secs(20);
        assert_eq!(effects, [Effect::Retry { step: "a".into(), after }]);
        assert!(run.no(Bench::intend("a", Part::Do, "other")).contains("no longer the one"));
        run.ok(Bench::intend("a", Part::Do, "d"));
    }
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Failed");
    // A fresh consent brings fresh retries.
    run.begin("a", Given::Enter);
    run.end(Outcome::Failed, Value::Null);
    assert_eq!(run.status("a"), "Retrying");
    assert_eq!(run.state.deviations.iter().filter(|d| d.kind == "retried").count(), 3);
}

#[test]
fn a_failure_that_may_be_passed_is_recorded_and_the_run_goes_on() {
    let mut a = step("a", Does::Reads);
    a.on_failure = OnFailure::Continue;
    let mut run = Bench::new(runbook(vec![a]));
    run.begin("a", Given::Enter);
    run.end(Outcome::Failed, Value::Null);
    assert!(run.state.finished.is_some());
    assert_eq!(passed(&run.state), Some(false));
}

#[test]
fn a_step_that_does_not_apply_is_passed_by_and_one_that_cannot_be_judged_is_refused() {
    let mut no = step("no", Does::Changes);
    no.when = Some(expr("run.mode == 'live'"));
    let mut broken = step("broken", Does::Changes);
    broken.when = Some(expr("steps.no.value == 1"));
    let run = Bench::new(runbook(vec![no.clone(), step("b", Does::Reads)]));
    assert!(run.kinds().contains(&"step_not_applicable".to_owned()));
    assert_eq!(run.status("b"), "Ready");
    let mut run = Bench::new(runbook(vec![no, broken]));
    assert_eq!(run.status("broken"), "Ready");
    assert!(run.no(Bench::consent("broken", Given::Yes)).contains("`when: steps.no.value == 1`"));
}

#[test]
fn skipping_and_marking_done_want_a_reason_and_the_values_that_later_steps_need() {
    let mut a = step("a", Does::Changes);
    a.save = vec![("name".into(), expr("result.name"))];
    let mut b = step("b", Does::Reads);
    b.title = template("Look at ${{ steps.a.name }}");
    let mut run = Bench::new(runbook(vec![a, b]));
    let skip = |by_hand| Input::Skip { step: "a".into(), by_hand };
    assert!(run.no(skip(Bench::by_hand("not here"))).contains("need a value for name"));
    let saved = BTreeMap::from([("name".to_owned(), Value::String("x".into()))]);
    assert!(
        run.no(skip(ByHand { reason: String::new(), saved: saved.clone() })).contains("reason")
    );
    run.ok(skip(ByHand { reason: "done yesterday".into(), saved }));
    assert_eq!(run.state.title(run.state.step("b").unwrap()), "Look at x");
    assert_eq!(run.state.deviations[0].kind, "skipped");
    run.pass("b");
    assert_eq!(passed(&run.state), Some(false), "a skipped step is no pass");
}

#[test]
fn marking_an_unknown_step_done_decides_it() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Changes)]));
    run.begin("a", Given::Yes);
    run.attach();
    run.ok(Input::Override { step: "a".into(), by_hand: Bench::by_hand("seen in the console") });
    assert_eq!(run.status("a"), "Done");
    assert!(run.state.finished.is_some());
}

#[test]
fn undo_goes_newest_first_and_not_after_the_service_was_restored() {
    let undoable = |id: &str| {
        let mut s = step(id, Does::Changes);
        s.undo = Some(s.action.clone());
        s
    };
    let mut last = step("last", Does::Reads);
    last.milestone = Some(Milestone::ServiceRestored);
    let mut run =
        Bench::new(runbook(vec![undoable("a"), undoable("b"), last, step("end", Does::Reads)]));
    let undo = |id: &str| Input::Consent {
        step: id.into(),
        part: Part::Undo,
        given: Given::Yes,
        digest: "u".into(),
    };
    assert!(run.no(undo("a")).contains("done nothing"));
    run.pass("a");
    run.pass("b");
    assert!(run.no(undo("a")).contains("newest first"));
    run.ok(undo("b"));
    run.ok(Bench::intend("b", Part::Undo, "u"));
    run.end(Outcome::Succeeded, Value::Null);
    assert_eq!(run.status("b"), "Ready");
    run.ok(undo("a"));
    run.ok(Bench::intend("a", Part::Undo, "u"));
    run.end(Outcome::Succeeded, Value::Null);
    for id in ["a", "b", "last"] {
        run.pass(id);
    }
    assert!(run.no(undo("b")).contains("service was restored"));
    let reason = "relapsed".to_owned();
    run.ok(Input::Withdraw { milestone: Milestone::ServiceRestored, reason });
    assert!(!run.state.milestones.contains_key(&Milestone::ServiceRestored), "it stays withdrawn");
    run.ok(undo("b"));
}

#[test]
fn going_back_makes_later_outcomes_stale_and_voids_what_hung_on_them() {
    let mut b = step("b", Does::Changes);
    b.milestone = Some(Milestone::WritesStopped);
    let mut run = Bench::new(runbook(vec![step("a", Does::Reads), b, step("c", Does::Reads)]));
    run.pass("a");
    run.pass("b");
    assert!(run.no(Input::Rerun { step: "z".into(), reason: "r".into() }).contains("no step"));
    run.ok(Input::Rerun { step: "a".into(), reason: "wrong moment".into() });
    assert_eq!(run.status("a"), "Ready");
    assert!(run.state.milestones.is_empty());
    run.pass("a");
    run.pass("b");
    let numbers: Vec<_> =
        run.state.step("b").unwrap().attempts.iter().map(|a| (a.id.number, a.stale)).collect();
    assert_eq!(numbers, [(1, true), (2, false)], "an attempt's number is never used twice");
    assert!(run.state.milestones.contains_key(&Milestone::WritesStopped));
}

#[test]
fn an_added_step_goes_before_the_current_one_behind_a_confirmation() {
    let mut run = three();
    run.pass("look");
    let insert = |title: &str| Input::Insert {
        title: title.into(),
        run: "uptime".into(),
        reason: "the runbook lacks it".into(),
    };
    assert!(run.no(insert("")).contains("title"));
    run.ok(insert("Look at the load"));
    assert_eq!(run.state.current().unwrap().id(), "adhoc_1");
    assert!(run.no(Bench::consent("adhoc_1", Given::Enter)).contains("press y"));
    run.pass("adhoc_1");
    assert_eq!(run.state.current().unwrap().id(), "change");
}

#[test]
fn the_clock_of_the_objective_runs_from_the_declared_outage_to_the_milestone() {
    let mut a = step("a", Does::Reads);
    a.milestone = Some(Milestone::ServiceRestored);
    let mut book = runbook(vec![a, step("b", Does::Reads)]);
    book.objectives.rto = Some(TimeDelta::seconds(120));
    let mut run = Bench::new(book);
    assert_eq!(recovery_time(&run.state, &stamp(1)).unwrap().elapsed.num_seconds(), 61);
    run.clock = 50;
    run.pass("a");
    let clock = recovery_time(&run.state, &stamp(5_000)).unwrap();
    assert_eq!((clock.elapsed.num_seconds(), clock.met()), (113, Some(true)));
    let start = wall(-3_600);
    run.ok(Input::AmendOutageStart { start, reason: "the first alarm".into() });
    let clock = recovery_time(&run.state, &stamp(5_000)).unwrap();
    assert_eq!(clock.elapsed.num_seconds(), 3_653);
    assert_eq!(run.state.breaches, [Objective::Rto]);
    assert_eq!(run.kinds().last().unwrap(), "objective_breached");
}

#[test]
fn the_recovery_point_is_achieved_only_when_a_step_measured_it() {
    let mut a = step("a", Does::Reads);
    a.save = vec![("newest".into(), expr("result.newest"))];
    let mut book = runbook(vec![a, step("b", Does::Reads)]);
    book.objectives.rpo = Some(TimeDelta::seconds(60));
    book.recovery_point = Some(template("${{ steps.a.newest }}"));
    let mut run = Bench::new(book);
    assert_eq!(rpo(&run.state), None);
    run.begin("a", Given::Enter);
    run.end(Outcome::Succeeded, Value::map([("newest", Value::Timestamp(wall(-90)))]));
    let point = rpo(&run.state).unwrap();
    assert_eq!(
        (point.actual.num_seconds(), point.basis, point.met()),
        (30, Basis::Achieved, Some(true))
    );
    let reason = "stopped late".to_owned();
    run.clock = 100;
    run.ok(Input::Declare { milestone: Milestone::WritesStopped, reason });
    let point = rpo(&run.state).unwrap();
    assert_eq!((point.actual.num_seconds(), point.met()), (191, Some(false)));
    assert!(run.state.breaches.contains(&Objective::Rpo));
}

#[test]
fn progress_is_recorded_once_in_ten_seconds() {
    let mut run = Bench::new(runbook(vec![step("a", Does::Reads)]));
    run.begin("a", Given::Enter);
    let attempt = run.state.running().unwrap().id.clone();
    let progress =
        || Input::Progressed { attempt: attempt.clone(), message: "1 %".into(), fraction: None };
    run.ok(progress());
    assert!(run.no(progress()).contains("ten seconds"));
    run.clock += 10;
    run.ok(progress());
}

#[test]
fn data_is_verified_by_the_checks_that_applied() {
    let check = |id: &str| {
        let mut s = step(id, Does::Reads);
        s.verifies = Some(Verifies::Data);
        s
    };
    let mut elsewhere = check("elsewhere");
    elsewhere.when = Some(expr("run.mode == 'live'"));
    let mut run = Bench::new(runbook(vec![elsewhere.clone(), check("here")]));
    assert_eq!(data_verified(&run.state), Some(false), "not yet");
    run.pass("here");
    assert_eq!(data_verified(&run.state), Some(true));
    let run = Bench::new(runbook(vec![elsewhere, step("other", Does::Reads)]));
    assert_eq!(data_verified(&run.state), None, "none applied");
}
