//! Approvals: every answer that is none, each with its reason, and what makes an approval worthless.

use super::super::approvals::{End, is_same_person, wanted};
use super::super::event::{Consent, Decision, KnownBy, SignedOff};
use super::*;
use crate::engine::objectives::split;
use crate::runbook::model::Approvers;

fn approvers(by: &[&str], count: u32) -> Approvers {
    Approvers { by: by.iter().map(ToString::to_string).collect(), count }
}

fn guarded(effect: Does, by: &[&str], count: u32) -> Step {
    Step { approval: Some(approvers(by, count)), ..step("a", effect) }
}

fn approve_step(by: &[&str], count: u32) -> Step {
    let mut asked = step("ask", Does::Reads);
    asked.action.spec = crate::runbook::registry::action("approve").unwrap();
    asked.approval = Some(approvers(by, count));
    asked
}

fn user(uid: u32) -> KnownBy {
    KnownBy::LocalUser { uid }
}

fn key(key: &str) -> KnownBy {
    KnownBy::Signature { key: key.into(), file: "f".into(), sha256: "s".into() }
}

/// What the operator's user is.
const OPERATOR: u32 = 1000;

impl Bench {
    fn ask(&mut self, step: &str, digest: &str) -> u64 {
        self.ok(Self::asking(step, digest));
        self.state.last_approval(step).unwrap().seq
    }

    fn asking(step: &str, digest: &str) -> Input {
        Input::AskApproval {
            step: step.into(),
            digest: digest.into(),
            target: Pins::new(),
            uid: OPERATOR,
            head: "e".repeat(64),
        }
    }

    fn granting(asked: u64, digest: &str, who: &str, known_by: KnownBy) -> Input {
        Input::Approve { asked, request: digest.into(), approver: who.into(), known_by }
    }

    /// The reason of the `approval_refused` that this becomes.
    fn refused(&mut self, input: Input) -> String {
        self.ok(input);
        match &self.records.last().unwrap().event.fact {
            Fact::ApprovalRefused { reason, declined: false, .. } => reason.clone(),
            other => panic!("it was not refused: {other:?}"),
        }
    }
}

#[test]
fn nothing_begins_before_enough_others_have_approved_this_request() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob", "carol"], 2)]));
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("approval of bob and carol: ask"));
    let asked = run.ask("a", "d");
    assert!(run.no(Bench::asking("a", "d")).contains("already"));
    run.ok(Bench::granting(asked, "d", "bob", user(1001)));
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("waits for the approval"));
    run.ok(Bench::granting(asked, "d", "carol", key("SHA256:c")));
    assert_eq!(run.state.awaited_approvals().count(), 0);
    run.ok(Bench::consent("a", Given::Yes));
    run.ok(Bench::intend("a", Part::Do, "d"));
    assert!(matches!(run.state.last_approval("a").unwrap().ended, Some((_, End::Used))));
    // It was for one attempt: another one wants another approval.
    run.end(Outcome::Failed, Value::Null);
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("ask for it first"));
}

#[test]
fn the_time_is_the_approvers_from_the_question_to_the_last_answer() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    run.clock = 10;
    let asked = run.ask("a", "d");
    run.clock = 70;
    run.ok(Bench::granting(asked, "d", "bob", user(1001)));
    run.clock = 90;
    run.ok(Bench::consent("a", Given::Yes));
    let split = split(&run.state, &stamp(100)).unwrap();
    let seconds = [split.person, split.approval, split.machine].map(|part| part.num_seconds());
    assert_eq!(seconds, [30, 60, 9]);
}

#[test]
fn an_approval_stands_in_for_nothing_that_the_operator_has_to_do() {
    for (effect, given, accepted) in [
        (Does::Reads, Given::Enter, true),
        (Does::Changes, Given::Enter, false),
        (Does::Changes, Given::Yes, true),
        (Does::Destroys, Given::Yes, false),
        (Does::Destroys, Given::Typed("loans".into()), true),
    ] {
        let mut run = Bench::new(runbook(vec![guarded(effect, &["bob"], 1)]));
        let asked = run.ask("a", "d");
        run.ok(Bench::granting(asked, "d", "bob", user(1001)));
        assert_eq!(run.put(Bench::consent("a", given.clone())).is_ok(), accepted, "{given:?}");
    }
}

#[test]
fn auto_never_satisfies_one() {
    for effect in [Does::Reads, Does::Changes, Does::Destroys] {
        let mut run = Bench::new(runbook(vec![guarded(effect, &["bob"], 1)]));
        let auto = || Bench::consent("a", Given::Auto { allow_destructive: true });
        assert!(run.no(auto()).contains("--auto never gives one"));
        let asked = run.ask("a", "d");
        run.ok(Bench::granting(asked, "d", "bob", user(1001)));
        assert!(
            run.no(auto()).contains("--auto never gives one"),
            "not when it is approved either"
        );
    }
}

#[test]
fn what_is_no_approval_is_refused_with_its_reason_on_record() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["alice", "bob", "carol"], 2)]));
    let asked = run.ask("a", "d");
    let grant = |who: &str, known_by| Bench::granting(asked, "d", who, known_by);
    for (input, why) in [
        (grant("bob", user(OPERATOR)), "self-approval: bob (uid 1000) is the user whose console"),
        (grant("alice", user(1007)), "self-approval: alice operates this run as alice@bastion"),
        (grant("Alice@home", key("SHA256:x")), "self-approval"),
        (grant("mallory", user(1002)), "mallory is not among those who may approve: 2 of alice"),
        (Bench::granting(asked, "other", "bob", user(1001)), "approves another request, other"),
        (Bench::granting(1, "d", "bob", user(1001)), "record 1 asks for no approval"),
        (
            Input::NoApproval { approver: "key SHA256:u".into(), reason: "unknown key".into() },
            "unknown key",
        ),
    ] {
        let reason = run.refused(input);
        assert!(reason.contains(why), "{reason}");
    }
    run.ok(grant("bob", key("SHA256:b")));
    assert!(run.refused(grant("bob", user(1001))).contains("bob has approved it already"));
    assert!(run.refused(grant("carol", key("SHA256:b"))).contains("the same key"));
    assert_eq!(run.state.last_approval("a").unwrap().missing(), 1);
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("waits for"));
}

#[test]
fn the_key_that_signs_the_run_is_the_operators_own() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let (head, file, signature) = ("h".into(), "1.txt".into(), "s".into());
    run.ok(Input::Signed { checkpoint: 1, head, file, signature, key: "SHA256:op".into() });
    let asked = run.ask("a", "d");
    let reason = run.refused(Bench::granting(asked, "d", "bob", key("SHA256:op")));
    assert!(reason.contains("self-approval: SHA256:op is the key that signs this run"), "{reason}");
}

#[test]
fn nobody_floods_the_record_with_refusals() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    run.ask("a", "d");
    let none = |n: u32| Input::NoApproval { approver: format!("uid {n}"), reason: "no".into() };
    run.ok(none(0));
    assert_eq!(run.no(none(0)), "no", "the same again is said, not recorded");
    for n in 1..200 {
        let _ = run.put(none(n));
    }
    let refused = run.kinds().iter().filter(|kind| *kind == "approval_refused").count();
    assert_eq!(refused, 32);
}

#[test]
fn what_changes_the_request_voids_its_approval() {
    let start = || {
        let mut book =
            runbook(vec![step("before", Does::Reads), guarded(Does::Changes, &["bob"], 1)]);
        book.inputs.push(crate::runbook::model::Input {
            name: "region".into(),
            kind: crate::runbook::model::InputKind::String,
            default: None,
            env: None,
            pattern: None,
            min: None,
            max: None,
            choices: vec![],
            required: true,
            help: None,
        });
        let mut run = Bench::new(book);
        run.pass("before");
        let asked = run.ask("a", "d");
        run.ok(Bench::granting(asked, "d", "bob", user(1001)));
        (run, asked)
    };
    let reason = || "because".to_owned();
    let value = Value::String("eu-west-1".into());
    let pins = Pins::from([("aws.account".to_owned(), "2".to_owned())]);
    for (what, why) in [
        (Input::Amend { input: "region".into(), value, reason: reason() }, "`region` was amended"),
        (Input::Rerun { step: "before".into(), reason: reason() }, "taken back"),
        (Input::TargetVerified { step: Some("a".into()), pins }, "the target is another"),
        (Bench::asking("a", "e"), "asked for anew"),
    ] {
        let (mut run, asked) = start();
        let rerun = matches!(what, Input::Rerun { .. });
        run.ok(what);
        if rerun {
            run.pass("before");
        }
        assert!(run.put(Bench::consent("a", Given::Yes)).is_err(), "{why}");
        let late = run.refused(Bench::granting(asked, "d", "bob", key("SHA256:b")));
        assert!(late.contains("is void") && late.contains(why), "{late}");
    }
    // Another request than the approved one comes to the guard: nothing was said, and it is noticed.
    let (mut run, _) = start();
    let changed = Input::Consent {
        step: "a".into(),
        part: Part::Do,
        given: Given::Yes,
        digest: "another".into(),
    };
    assert!(run.no(changed).contains("is not the one that was sent for approval"));
}

#[test]
fn a_target_that_changes_between_the_consent_and_the_act_stops_it() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let asked = run.ask("a", "d");
    run.ok(Bench::granting(asked, "d", "bob", user(1001)));
    run.ok(Bench::consent("a", Given::Yes));
    let pins = Pins::from([("aws.account".to_owned(), "2".to_owned())]);
    run.ok(Input::TargetVerified { step: Some("a".into()), pins });
    assert!(run.no(Bench::intend("a", Part::Do, "d")).contains("no consent"));
}

#[test]
fn an_older_signature_is_over_another_text() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let first = run.ask("a", "d");
    let text = |run: &Bench| run.state.last_approval("a").unwrap().text("run");
    let older = text(&run);
    run.ok(Bench::granting(first, "d", "bob", key("SHA256:b")));
    run.begin("a", Given::Yes);
    run.end(Outcome::Failed, Value::Null);
    let second = run.ask("a", "d");
    assert_ne!(older, text(&run), "the same request, asked for again");
    let reason = run.refused(Bench::granting(first, "d", "bob", key("SHA256:b")));
    assert!(reason.contains("approved and begun already"), "{reason}");
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("waits"));
    assert_eq!(text(&run).lines().count(), 6, "{}", text(&run));
    assert!(text(&run).contains(&format!("asked in record {second}\nafter eee")));
}

#[test]
fn a_request_outlives_its_console_and_an_approve_step_does_not() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let asked = run.ask("a", "d");
    run.attach();
    run.ok(Bench::granting(asked, "d", "bob", key("SHA256:b")));
    run.ok(Bench::consent("a", Given::Yes));

    let mut run = Bench::new(runbook(vec![approve_step(&["bob"], 1)]));
    run.begin("ask", Given::Enter);
    let asked = run.ask("ask", "d");
    run.attach();
    let reason = run.refused(Bench::granting(asked, "d", "bob", user(1001)));
    assert!(reason.contains("the console that asked is gone"), "{reason}");
}

#[test]
fn a_broken_glass_is_typed_reasoned_and_red_until_somebody_approves() {
    let glass = |typed: &str, reason: &str| {
        let given = Given::BreakGlass { typed: typed.into(), reason: reason.into() };
        Bench::consent("a", given)
    };
    let mut run = Bench::new(runbook(vec![guarded(Does::Destroys, &["bob"], 1)]));
    assert!(run.no(glass("break glass loans", "he sleeps")).contains("ask for the approval first"));
    let asked = run.ask("a", "d");
    assert_eq!(run.no(glass("break glass loans", " ")), Refusal::NoReason.to_string());
    run.ok(glass("break glass", "he sleeps"));
    assert_eq!(run.kinds().last().unwrap(), "guard_refused");
    run.ok(glass("break glass loans", "he sleeps"));
    run.ok(Bench::intend("a", Part::Do, "d"));
    assert!(matches!(
        run.state.last_approval("a").unwrap().broken.as_ref(),
        Some(broken) if broken.reason == "he sleeps"
    ));
    assert_eq!(run.state.deviations.last().unwrap().kind, "break-glass approval");
    run.end(Outcome::Succeeded, Value::Null);
    assert!(run.state.finished.is_some() && run.state.last_approval("a").unwrap().is_open_glass());
    assert!(run.refused(Bench::granting(asked, "d", "alice", user(7))).contains("self-approval"));
    run.ok(Bench::granting(asked, "d", "bob", key("SHA256:b")));
    let approval = run.state.last_approval("a").unwrap();
    assert!(!approval.is_open_glass() && approval.granted[0].afterwards);
    let consent = run.state.step("a").unwrap().attempts[0].consent.clone();
    assert!(matches!(consent, Some(Consent::BreakGlass { .. })));
}

#[test]
fn who_may_approve_may_decline_with_a_reason() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let asked = run.ask("a", "d");
    let no = |who: &str, uid, reason: &str| Input::Decline {
        asked,
        request: "d".into(),
        approver: who.into(),
        known_by: user(uid),
        reason: reason.into(),
    };
    assert_eq!(run.no(no("bob", 1001, "")), Refusal::NoReason.to_string());
    assert!(run.refused(no("mallory", 1002, "ha")).contains("not among"));
    run.ok(no("bob", 1001, "wrong cluster"));
    assert!(run.refused(Bench::granting(asked, "d", "bob", user(1001))).contains("has declined"));
    assert!(run.no(Bench::consent("a", Given::Yes)).contains("ask for it first"));
    run.ask("a", "d");
}

#[test]
fn an_approve_step_ends_with_its_approvals_and_not_by_the_operators_word() {
    let mut run =
        Bench::new(runbook(vec![approve_step(&["bob", "carol"], 2), step("b", Does::Reads)]));
    run.begin("ask", Given::Enter);
    assert!(run.state.effects(&stamp(9)).contains(&Effect::AskApproval { step: "ask".into() }));
    let asked = run.ask("ask", "d");
    assert!(!run.state.effects(&stamp(9)).contains(&Effect::AskApproval { step: "ask".into() }));
    assert!(run.state.effects(&stamp(9)).contains(&Effect::Hear));
    let done = Input::Answer { choice: None, done: true, note: "fine".into() };
    assert!(run.no(done).contains("those who may approve have to answer"));
    run.ok(Bench::granting(asked, "d", "bob", user(1001)));
    assert_eq!(run.status("ask"), "AwaitsPerson");
    run.ok(Bench::granting(asked, "d", "carol", user(1002)));
    let last = run.state.step("ask").unwrap().last().unwrap();
    assert_eq!(last.message(), "approved by bob, carol");
    assert_eq!(run.status("ask"), "Done");

    let mut run = Bench::new(runbook(vec![approve_step(&["bob"], 1)]));
    run.begin("ask", Given::Enter);
    run.ask("ask", "d");
    let given =
        Given::BreakGlass { typed: "break glass ask".into(), reason: "nobody answers".into() };
    run.ok(Bench::consent("ask", given));
    assert_eq!(run.status("ask"), "Done");
    assert!(run.state.last_approval("ask").unwrap().is_open_glass());
}

#[test]
fn a_reviewer_is_neither_operator_nor_approver() {
    let mut run = Bench::new(runbook(vec![guarded(Does::Changes, &["bob"], 1)]));
    let said = |who: &str, known_by: KnownBy, decision, note: &str| {
        Input::SignOff(Box::new(SignedOff {
            reviewer: who.into(),
            known_by,
            decision,
            note: note.into(),
            seq: 1,
            head: "h".into(),
        }))
    };
    let yes = Decision::Accepted;
    let own = || KnownBy::SelfDeclared {};
    assert!(run.no(said("rita", own(), yes, "")).contains("not over"));
    let asked = run.ask("a", "d");
    run.ok(Bench::granting(asked, "d", "bob", key("SHA256:b")));
    run.begin("a", Given::Yes);
    run.end(Outcome::Succeeded, Value::Null);
    for (input, why) in [
        (said("alice", own(), yes, ""), "has operated this run as alice@bastion"),
        (said("Bob@home", own(), yes, ""), "has approved a step of this run as bob"),
        (said("rita", key("SHA256:b"), yes, ""), "key of somebody who"),
        (said("rita", user(OPERATOR), yes, ""), "user who operated"),
        (said("rita", own(), Decision::Rejected, " "), "a reason is needed"),
        (said(" ", own(), yes, ""), "needs a name"),
    ] {
        let refusal = run.no(input);
        assert!(refusal.contains(why), "{refusal}");
    }
    run.ok(said("rita", own(), yes, "fine"));
    run.ok(said("rita", key("SHA256:r"), Decision::Rejected, "on second thoughts"));
    assert_eq!(run.state.sign_offs.len(), 2, "appended, never edited");
}

#[test]
fn names_and_numbers_for_people() {
    let names = |n: usize| ["bob", "carol", "dave"][..n].iter().map(ToString::to_string).collect();
    let said = |n, count| wanted(&Vec::from_iter::<Vec<String>>(names(n)), count);
    assert_eq!(said(1, 1), "bob");
    assert_eq!(said(2, 1), "bob or carol");
    assert_eq!(said(2, 2), "bob and carol");
    assert_eq!(said(3, 2), "2 of bob, carol, dave");
    assert!(is_same_person("alice@bastion", "Alice") && !is_same_person("alice", "alice2"));
}
