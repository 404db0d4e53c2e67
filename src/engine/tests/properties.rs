//! Properties of `decide` and of the fold, over inputs in any order.

use proptest::prelude::*;

use super::*;

/// Inputs that a console, a worker or a crash might bring, in any order.
fn any_input() -> impl Strategy<Value = Input> {
    let id = prop::sample::select(vec!["look", "change", "destroy", "nowhere"]);
    let part = prop::sample::select(vec![Part::Do, Part::Undo, Part::Probe]);
    let outcome = prop::sample::select(vec![Outcome::Succeeded, Outcome::Failed, Outcome::Unknown]);
    let given = prop::sample::select(vec![
        Given::Enter,
        Given::Yes,
        Given::Typed("loans".into()),
        Given::Typed("x".into()),
    ]);
    let resolution = prop::sample::select(vec![
        Resolution::Succeeded,
        Resolution::Failed,
        Resolution::NotDone,
        Resolution::Running,
    ]);
    let reason = || "r".to_owned();
    let attempt = (id.clone(), 1..4u32, part.clone()).prop_map(|(s, number, of)| AttemptId {
        step: s.into(),
        number,
        of,
    });
    prop_oneof![
        4 => (id.clone(), given).prop_map(|(s, given)| Bench::consent(s, given)),
        4 => (id.clone(), part).prop_map(|(s, part)| Bench::intend(s, part, "d")),
        4 => (attempt.clone(), outcome).prop_map(|(attempt, outcome)| Input::Ended {
            attempt, outcome, message: "m".into(), result: Value::Null, output: None,
        }),
        1 => Just(Input::Attach { pid: 1, tool: "0".into() }),
        1 => (attempt, resolution).prop_map(move |(attempt, resolution)| Input::Resolve {
            attempt, resolution, by: ResolvedBy::Operator, reason: reason(), saved: BTreeMap::new(),
        }),
        1 => id.clone().prop_map(|s| Input::Skip { step: s.into(), by_hand: Bench::by_hand("r") }),
        1 => id.clone().prop_map(|s| Input::Override { step: s.into(), by_hand: Bench::by_hand("r") }),
        1 => id.prop_map(|s| Input::Rerun { step: s.into(), reason: "r".into() }),
        1 => Just(Input::Cancel { reason: "r".into() }),
    ]
}

proptest! {
    /// Whatever is asked in whatever order: an act is never intended without a consent of its own or
    /// an automatic retry, at most one attempt is at work, and the fold of the records is the state.
    #[test]
    fn no_order_of_inputs_acts_without_consent(inputs in prop::collection::vec(any_input(), 0..60)) {
        let mut run = three();
        for input in inputs {
            let _ = run.put(input);
            let at_work = run.state.steps.iter().filter(|s| s.running().is_some()).count();
            prop_assert!(at_work <= 1);
        }
        let mut consents = 0;
        for record in &run.records {
            match &record.event.fact {
                Fact::GuardSatisfied { .. } => consents += 1,
                Fact::AttemptIntended { .. } => {
                    prop_assert!(consents > 0, "record {} acts without consent", record.seq);
                    consents = 0;
                }
                _ => {}
            }
        }
        let folded = State::new(run.state.runbook.clone()).apply_all(&run.records);
        prop_assert_eq!(format!("{:?}", folded.steps), format!("{:?}", run.state.steps));
    }

    /// The fold takes any prefix and any record, sensible or not.
    #[test]
    fn the_fold_is_total(inputs in prop::collection::vec(any_input(), 0..30), skip in 0..40usize) {
        let mut run = three();
        for input in inputs {
            let _ = run.put(input);
        }
        let torn = run.records.iter().skip(skip);
        let state = State::new(run.state.runbook.clone()).apply_all(torn);
        let _ = (state.current().map(StepState::id), state.effects(&stamp(0)), state.settle(&stamp(0)));
    }
}
