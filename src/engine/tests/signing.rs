//! When a checkpoint is due, and what may not be done without it.

use super::*;

/// A run whose checkpoints are to be signed, of a change and of what destroys.
fn signed(required: bool) -> Bench {
    let steps = vec![step("change", Does::Changes), step("destroy", Does::Destroys)];
    let mut run = Bench::new(runbook(steps));
    let mut records = std::mem::take(&mut run.records);
    if let Some(Fact::RunStarted(started)) = records.first_mut().map(|r| &mut r.event.fact) {
        started.signing = Some(Signing { key: None, required });
    }
    run.state = State::new(run.state.runbook.clone()).apply_all(&records);
    run.records = records;
    run
}

impl Bench {
    /// Whether a checkpoint is due, and whether what was consented to would begin.
    fn due(&self) -> (bool, bool) {
        let effects = self.state.effects(&stamp(self.clock));
        let begins = effects.iter().any(|effect| matches!(effect, Effect::Begin { .. }));
        (effects.contains(&Effect::Sign), begins)
    }

    /// The checkpoint that is due comes out, as it stands when it was asked for.
    fn sign(&mut self, well: bool) {
        let checkpoint = self.records.len() as u64;
        self.ok(if well {
            let (file, key) = (format!("{checkpoint}.txt"), "SHA256:k".to_owned());
            let (head, signature) = ("h".to_owned(), "s".to_owned());
            Input::Signed { checkpoint, head, file, signature, key }
        } else {
            Input::NotSigned { checkpoint, reason: "the agent is gone".into() }
        });
    }
}

#[test]
fn a_checkpoint_is_signed_at_the_start_before_what_destroys_and_at_the_close() {
    let mut run = signed(false);
    run.ok(Bench::consent("change", Given::Yes));
    assert_eq!(run.due(), (true, false), "nothing acts before the start is signed");
    assert!(run.no(Bench::intend("change", Part::Do, "d")).contains("the start of the run"));
    run.sign(true);
    assert_eq!(run.due(), (false, true), "a change needs no checkpoint of its own");
    run.ok(Bench::intend("change", Part::Do, "d"));
    run.end(Outcome::Succeeded, Value::map::<String>([]));
    assert_eq!(run.due(), (false, false));

    run.ok(Bench::consent("destroy", Given::Typed("loans".into())));
    assert_eq!(run.due(), (true, false), "signed before it is intended");
    let why = run.no(Bench::intend("destroy", Part::Do, "d"));
    assert!(why.contains("not signed yet"), "{why}");
    // A checkpoint that was begun before the consent does not vouch for it.
    let (file, key) = ("4.txt".to_owned(), "SHA256:k".to_owned());
    let (head, signature) = ("h".to_owned(), "s".to_owned());
    run.ok(Input::Signed { checkpoint: 4, head, file, signature, key });
    assert_eq!(run.due(), (true, false));
    run.sign(true);
    assert_eq!(run.due(), (false, true));
    run.ok(Bench::intend("destroy", Part::Do, "d"));
    run.end(Outcome::Succeeded, Value::map::<String>([]));
    assert!(run.state.finished.is_some());
    assert_eq!(run.due(), (true, false), "the close");
    run.sign(true);
    assert_eq!(run.due(), (false, false));
    assert_eq!(run.state.signatures.signed.len(), 4);
}

#[test]
fn what_cannot_be_signed_is_a_deviation_and_the_run_goes_on() {
    let mut run = signed(false);
    run.sign(false);
    assert_eq!(run.due(), (false, false), "not tried again for the same reason");
    run.pass("change");
    run.ok(Bench::consent("destroy", Given::Typed("loans".into())));
    assert_eq!(run.due(), (true, false));
    run.sign(false);
    run.ok(Bench::intend("destroy", Part::Do, "d"));
    let kinds: Vec<_> = run.state.deviations.iter().map(|d| (d.kind, d.text.as_str())).collect();
    assert_eq!(kinds, [("not signed", "the agent is gone"); 2]);
    // Another console has the key.
    run.attach();
    assert!(run.due().0);
}

#[test]
fn what_must_be_signed_and_is_not_is_not_done() {
    let mut run = signed(true);
    run.sign(false);
    for (step, given) in [("change", Given::Yes), ("destroy", Given::Typed("loans".into()))] {
        run.ok(Bench::consent(step, given.clone()));
        assert_eq!(run.due(), (true, false), "{step}: tried again with the consent");
        run.sign(false);
        assert_eq!(run.kinds().last().unwrap(), "guard_refused", "{step}");
        assert_eq!(run.status(step), "Ready");
        assert_eq!(run.due(), (false, false));
        let why = run.no(Bench::intend(step, Part::Do, "d"));
        assert!(why.contains("no consent"), "{why}");
        let at = run.state.step(step).unwrap();
        let why = run.state.refused_unsigned(at, Part::Do).unwrap();
        assert!(why.contains("must be signed") && why.contains("the agent is gone"), "{why}");

        run.ok(Bench::consent(step, given));
        run.sign(true);
        assert_eq!(run.due(), (false, true), "{step}");
        run.ok(Bench::intend(step, Part::Do, "d"));
        run.end(Outcome::Succeeded, Value::map::<String>([]));
    }
}

#[test]
fn a_run_that_is_not_signed_never_asks_for_it() {
    let mut run = three();
    assert!(!run.due().0);
    for id in ["look", "change", "destroy"] {
        run.pass(id);
        assert!(!run.due().0, "{id}");
    }
}
