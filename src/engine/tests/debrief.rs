//! Issues, lessons, anchors and who was told: said at any time, with no bearing on what may happen next.

use super::*;
use crate::engine::event::{Anchored, IssueFound, Kept, Occasion, Severity};

fn issue(owner: &str, text: &str) -> Input {
    let due = "2026-12-18".parse().unwrap();
    let severity = Severity::High;
    let issue = IssueFound { severity, owner: owner.into(), due, text: text.into() };
    Input::Issue { step: Some("look".into()), issue }
}

fn lesson(text: &str) -> Input {
    Input::Lesson { step: None, text: text.into() }
}

fn anchored(anchor: u64) -> Input {
    Input::Anchored(Box::new(Anchored {
        anchor,
        head: "h".into(),
        what: Kept::Head,
        bucket: "drills".into(),
        retain_until: wall(86_400),
        objects: Vec::new(),
    }))
}

#[test]
fn issues_and_lessons_are_added_after_the_run_too() {
    let mut run = three();
    run.ok(issue("dba", "the host is gone"));
    run.ok(Input::Abort { reason: "r".into() });
    run.ok(issue("platform", "no alarm"));
    run.ok(lesson("look first"));
    let issues: Vec<_> = run.state.issues.iter().map(|i| (&*i.owner, i.step.as_deref())).collect();
    assert_eq!(issues, [("dba", Some("look")), ("platform", Some("look"))]);
    assert_eq!(run.state.lessons[0].text, "look first");
    assert!(run.no(issue(" ", "x")).contains("no owner"));
    assert!(run.no(issue("dba", "\n")).contains("write what is wrong"));
    assert!(run.no(lesson(" ")).contains("empty"));
    let nowhere = Input::Lesson { step: Some("nowhere".into()), text: "t".into() };
    assert!(run.no(nowhere).contains("no step `nowhere`"));
}

#[test]
fn the_head_is_anchored_once_at_the_start_and_tried_anew_by_another_console() {
    let mut run = three();
    assert!(!run.state.is_anchor_due(), "nobody asks for it");
    let mut records = std::mem::take(&mut run.records);
    if let Some(Fact::RunStarted(started)) = records.first_mut().map(|r| &mut r.event.fact) {
        started.anchor = Some("s3://drills/steady".into());
    }
    run.state = State::new(run.state.runbook.clone()).apply_all(&records);
    run.records = records;
    assert!(run.state.is_anchor_due());
    run.ok(Input::NotAnchored { anchor: 2, reason: "no such bucket".into() });
    assert!(!run.state.is_anchor_due(), "not again for the same reason");
    assert_eq!(run.state.deviations[0].kind, "not anchored");
    assert_eq!(run.status("look"), "Ready", "the run goes on");
    run.attach();
    assert!(run.state.is_anchor_due(), "another console may reach it");
    run.ok(anchored(4));
    assert_eq!((run.state.is_anchor_due(), run.state.anchors.up_to()), (false, 4));
    run.ok(anchored(3));
    assert_eq!(run.state.anchors.up_to(), 4, "an earlier one does not take it back");
}

#[test]
fn what_there_is_to_tell_follows_from_the_records() {
    let mut run = three();
    run.ok(Input::Declare { milestone: Milestone::ServiceRestored, reason: "r".into() });
    run.ok(Input::Abort { reason: "r".into() });
    let news = run.state.notifications.news.iter();
    let news: Vec<_> = news.map(|(seq, news)| (*seq, news.occasion)).collect();
    let ended = (4, Occasion::End);
    assert_eq!(news, [(1, Occasion::Start), (3, Occasion::Milestone), ended]);
    let told = |failure: Option<&str>| Input::Notified {
        hook: "slack 1".into(),
        about: 1,
        occasion: Occasion::Start,
        failure: failure.map(str::to_owned),
    };
    run.ok(told(None));
    assert!(run.state.notifications.settled.contains(&("slack 1".into(), 1)));
    assert!(run.state.notifications.failed.is_empty());
    run.ok(told(Some("status 500")));
    assert_eq!(run.state.notifications.failed[0].reason, "status 500");
}
