//! What people add to the record when the run is over.

use super::*;
use crate::engine::event::{IssueFound, Severity};

fn over() -> Story {
    let mut story = before_restore();
    story.does(Input::Abort { reason: "the old cluster came back".into() });
    story
}

fn issue(severity: Severity, text: &str) -> Input {
    let (owner, due) = ("platform-dba".into(), "2026-12-18".parse().unwrap());
    Input::Issue { step: None, issue: IssueFound { severity, owner, due, text: text.into() } }
}

#[test]
fn an_issue_is_written_down_with_its_owner_and_its_day() {
    let story = over();
    let mut console = console(&story);
    press(&mut console, &story, KeyCode::Char('i'));
    letters(&mut console, &story, "no alarm rang");
    press(&mut console, &story, KeyCode::Enter);
    press(&mut console, &story, KeyCode::Right);
    press(&mut console, &story, KeyCode::Enter);
    letters(&mut console, &story, "sre");
    press(&mut console, &story, KeyCode::Enter);
    letters(&mut console, &story, "soon");
    assert!(press(&mut console, &story, KeyCode::Enter).commands.is_empty(), "no day");
    insta::assert_snapshot!("issue_form", shown(&console, &story));
    for _ in 0..4 {
        press(&mut console, &story, KeyCode::Backspace);
    }
    letters(&mut console, &story, "14d");
    let reaction = press(&mut console, &story, KeyCode::Enter);
    let [Command::Engine(Input::Issue { step: None, issue })] = reaction.commands.as_slice() else {
        panic!("{reaction:?}")
    };
    let said = (issue.severity, issue.owner.as_str(), issue.text.as_str());
    assert_eq!(said, (Severity::High, "sre", "no alarm rang"));
    assert_eq!(issue.due, story.now().at.date_naive() + chrono::Days::new(14));
}

#[test]
fn a_lesson_is_of_the_step_that_is_looked_at_or_of_the_whole_run() {
    for (story, of) in [(over(), None), (before_restore(), Some("restore"))] {
        let mut console = console(&story);
        press(&mut console, &story, KeyCode::Char('w'));
        letters(&mut console, &story, "ask first");
        let reaction = press(&mut console, &story, KeyCode::Enter);
        let [Command::Engine(Input::Lesson { step, text })] = reaction.commands.as_slice() else {
            panic!("{reaction:?}")
        };
        assert_eq!((step.as_deref(), text.as_str()), (of, "ask first"));
    }
}

#[test]
fn the_debrief_lists_issues_the_gravest_first_and_lessons() {
    let mut story = over();
    story.does(issue(Severity::Low, "the banner is misspelt"));
    story.does(issue(Severity::Critical, "the dump cannot be read"));
    story.does(Input::Lesson { step: None, text: "ask for the password first".into() });
    insta::assert_snapshot!("debrief_found", shown(&console(&story), &story));
}

#[test]
fn who_only_watches_adds_nothing() {
    let story = over();
    let mut view = story.view();
    view.read_only = true;
    let mut console = Console::new(view);
    console.resized(Size::new(80, 24));
    for code in ['i', 'w', 'n', 'e'].map(KeyCode::Char) {
        assert!(press(&mut console, &story, code).commands.is_empty());
        assert!(matches!(console.overlay, Overlay::None), "{code:?}");
        assert!(shown(&console, &story).contains("only watched"), "{code:?}");
    }
}
