//! The YAML loader, through what reads runbooks and settings with it.

use steadyhand::runbook::diagnostic::{Severity, Source, Style, render};
use steadyhand::runbook::{Problem, check};
use steadyhand::settings;

use super::is_safe;

/// Every file is a runbook or has errors that say where; what is shown of it cannot fool a terminal.
pub fn holds(bytes: &[u8]) {
    let checked = check(bytes, "runbook.yaml");
    problems_hold(&checked.problems, &checked.source);
    assert_eq!(checked.runbook.is_some(), none_is_an_error(&checked.problems));
    if let Some(runbook) = &checked.runbook {
        for text in [&runbook.id, &runbook.title] {
            assert!(is_safe(text) && !text.is_empty(), "{text:?}");
        }
        assert!(runbook.steps.len() <= 500);
    }
    let again = check(bytes, "runbook.yaml");
    assert_eq!(again.problems, checked.problems, "it differs from one time to the next");

    let checked = settings::check(bytes, "steadyhand.yaml");
    problems_hold(&checked.problems, &checked.source);
    assert_eq!(checked.settings.is_some(), none_is_an_error(&checked.problems));
}

fn none_is_an_error(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.severity != Severity::Error)
}

fn problems_hold(problems: &[Problem], source: &Source) {
    for problem in problems {
        let Problem { span, line, column, message, .. } = problem;
        assert!(span.start <= span.end && span.end <= source.text.len(), "{problem:?}");
        assert!(source.text.get(span.clone()).is_some(), "half a character: {problem:?}");
        assert_eq!((*line, *column), source.position(span.start), "{problem:?}");
        assert!(!message.is_empty());
        let shown = render(problem, source, Style::Plain);
        assert!(is_safe(&shown), "{shown:?}");
    }
}
