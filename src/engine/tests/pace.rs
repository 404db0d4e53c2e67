//! What the time went to, escalation, and what the recovery point stands on.

use super::*;
use crate::engine::objectives::split;
use crate::engine::spans::Waits;
use crate::runbook::model::Escalation;

#[test]
fn the_time_is_the_machines_while_it_works_and_a_persons_while_one_is_awaited() {
    let mut run =
        Bench::new(runbook(vec![step("look", Does::Reads), step("change", Does::Changes)]));
    run.clock = 30;
    run.begin("look", Given::Enter);
    run.clock = 100;
    run.end(Outcome::Failed, Value::Null);
    run.clock = 160;
    run.begin("look", Given::Enter);
    run.clock = 170;
    run.ok(Input::Detach { reason: "left".into() });
    run.clock = 200;
    run.attach();
    run.clock = 240;
    run.pass("look");
    let spans = run.state.spans(&stamp(300));
    let seen: Vec<_> = spans
        .iter()
        .map(|s| (s.kind, s.step.as_deref().unwrap(), s.from.at.timestamp() - wall(0).timestamp()))
        .collect();
    use Waits::{Machine, Person};
    assert_eq!(
        seen,
        [
            (Person, "look", 1),
            (Machine, "look", 31),
            (Person, "look", 101),
            (Machine, "look", 161),
            // The console that had it in hand is gone: what became of it is known with the next one.
            (Person, "look", 201),
            (Machine, "look", 241),
            (Person, "change", 243),
        ]
    );
    let parts = split(&run.state, &stamp(300)).unwrap();
    let seconds = [parts.before, parts.machine, parts.person, parts.approval];
    assert_eq!(seconds.map(|part| part.num_seconds()), [61, 112, 187, 0]);
}

#[test]
fn the_split_stops_with_the_clock_of_the_objective() {
    let mut a = step("a", Does::Reads);
    a.milestone = Some(Milestone::ServiceRestored);
    let mut run = Bench::new(runbook(vec![a, step("b", Does::Reads)]));
    run.clock = 10;
    run.begin("a", Given::Enter);
    run.clock = 50;
    run.end(Outcome::Succeeded, Value::Null);
    run.clock = 500;
    run.pass("b");
    let parts = split(&run.state, &stamp(900)).unwrap();
    assert_eq!((parts.machine.num_seconds(), parts.person.num_seconds()), (40, 10));
    assert_eq!(run.state.spans(&stamp(900)).last().unwrap().to, stamp(503), "the end of the run");
}

fn escalating() -> Bench {
    let line = |minutes, to: &str| Escalation {
        after: TimeDelta::minutes(minutes),
        to: to.into(),
        contact: format!("#{to}"),
    };
    let mut a = step("a", Does::Reads);
    a.milestone = Some(Milestone::ServiceRestored);
    let mut book = runbook(vec![a, step("b", Does::Reads)]);
    book.escalation = vec![line(30, "cto"), line(15, "lead")];
    Bench::new(book)
}

#[test]
fn escalation_lines_surface_once_when_their_time_comes() {
    let mut run = escalating();
    let open = |run: &Bench| run.state.open_escalation().map(|e| e.to.clone());
    let pass = |run: &mut Bench, at: i64| {
        run.clock = at;
        run.ok(Input::Note { step: None, text: "n".into() });
    };
    assert!(run.no(Input::Acknowledge { note: String::new() }).contains("no escalation is due"));
    pass(&mut run, 800);
    assert_eq!(open(&run), None, "14 minutes and a bit");
    pass(&mut run, 839);
    assert_eq!(open(&run).as_deref(), Some("lead"));
    pass(&mut run, 900);
    assert_eq!(run.kinds().iter().filter(|kind| *kind == "escalation_due").count(), 1);
    run.ok(Input::Acknowledge { note: "she joins".into() });
    assert_eq!(open(&run), None);
    pass(&mut run, 2_000);
    assert_eq!(open(&run).as_deref(), Some("cto"), "the later one takes its place");
    run.pass("a");
    assert_eq!(open(&run), None, "the service is back");
    let told: Vec<_> = run.state.escalations.iter().map(|e| e.acknowledged.is_some()).collect();
    assert_eq!(told, [true, false]);
}

#[test]
fn what_is_overdue_at_once_comes_in_one_go_and_the_last_one_shows() {
    let mut run = escalating();
    run.ok(Input::AmendOutageStart { start: wall(-7_200), reason: "the first alarm".into() });
    assert_eq!(run.state.escalations.len(), 2);
    assert_eq!(run.state.escalations[0].to, "cto", "in the order of the runbook");
}

#[test]
fn a_recovery_point_stands_on_what_its_values_stand_on() {
    let saves = |id: &str, name: &str, from: &str| {
        let mut s = step(id, Does::Reads);
        s.save = vec![(name.into(), expr(from))];
        s
    };
    let book = |point: &str| {
        let mut book = runbook(vec![
            saves("read", "newest", "result.newest"),
            saves("copy", "at", "steps.read.newest"),
            saves("asked", "at", "inputs.restore_to"),
            step("last", Does::Reads),
        ]);
        book.recovery_point = Some(template(point));
        book.objectives.rpo = Some(TimeDelta::minutes(5));
        book
    };
    let newest = || Value::map([("newest", Value::Timestamp(wall(-90)))]);
    for (point, by_hand, basis, met) in [
        ("${{ steps.read.newest }}", false, Basis::Achieved, Some(true)),
        ("${{ steps.copy.at }}", false, Basis::Achieved, Some(true)),
        ("${{ steps.asked.at }}", false, Basis::Requested, None),
        ("${{ inputs.restore_to }}", false, Basis::Requested, None),
        (
            "${{ has(steps.never.at) ? steps.never.at : steps.read.newest }}",
            false,
            Basis::Achieved,
            Some(true),
        ),
        ("${{ steps.read.newest }}", true, Basis::Stated, None),
        ("${{ steps.copy.at }}", true, Basis::Stated, None),
    ] {
        let mut run = Bench::new(book(point));
        run.state.inputs.insert("restore_to".into(), Value::Timestamp(wall(-100)));
        if by_hand {
            let Value::Map(saved) = newest() else { unreachable!() };
            let by_hand = ByHand { reason: "by eye".into(), saved };
            run.ok(Input::Override { step: "read".into(), by_hand });
        } else {
            run.begin("read", Given::Enter);
            run.end(Outcome::Succeeded, newest());
        }
        run.pass("copy");
        run.pass("asked");
        let found = rpo(&run.state).unwrap_or_else(|| panic!("{point}: nothing"));
        assert_eq!((found.basis, found.met()), (basis, met), "{point}, by hand {by_hand}");
    }
}

#[test]
fn a_recovery_point_after_the_last_write_is_uncertain_and_not_clamped() {
    let mut a = step("a", Does::Reads);
    a.save = vec![("newest".into(), expr("result.newest"))];
    let mut book = runbook(vec![a, step("b", Does::Reads)]);
    book.objectives.rpo = Some(TimeDelta::seconds(60));
    book.recovery_point = Some(template("${{ steps.a.newest }}"));
    let mut run = Bench::new(book);
    run.begin("a", Given::Enter);
    run.end(Outcome::Succeeded, Value::map([("newest", Value::Timestamp(wall(-30)))]));
    let point = rpo(&run.state).unwrap();
    assert_eq!((point.actual.num_seconds(), point.met()), (-30, None));
}

#[test]
fn the_pace_is_of_lengths_that_were_measured() {
    let mut pace = Pace::default();
    assert_eq!(pace.of("a", Part::Do), None);
    let mut book = runbook(vec![step("a", Does::Reads), step("b", Does::Reads)]);
    book.steps[0].budget = Some(TimeDelta::seconds(900));
    assert_eq!(pace.expected(&book.steps[0]), Some(TimeDelta::seconds(900)), "its budget");
    for (length, p50, p90, count) in
        [(40, 40, 40, 1), (10, 10, 40, 2), (30, 30, 40, 3), (20, 20, 40, 4), (50, 30, 50, 5)]
    {
        pace.add("a", Part::Do, TimeDelta::seconds(length));
        let usual = pace.of("a", Part::Do).unwrap();
        assert_eq!(
            (usual.p50.num_seconds(), usual.p90.num_seconds(), usual.count),
            (p50, p90, count)
        );
    }
    assert_eq!(pace.of("a", Part::Undo), None, "an undo is another thing");
    for length in 1..=10 {
        pace.add("b", Part::Do, TimeDelta::seconds(length));
    }
    let usual = pace.of("b", Part::Do).unwrap();
    assert_eq!((usual.p50.num_seconds(), usual.p90.num_seconds()), (5, 9));
    assert_eq!(pace.expected(&book.steps[0]), Some(TimeDelta::seconds(30)), "what is usual");
}
