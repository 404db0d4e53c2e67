//! What somebody is asked to approve, on paper: whole, with nothing in it that could deceive a terminal.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::driver;
use crate::driver::door::{Asked, Board};
use crate::engine::approvals::wanted;
use crate::ingest::Redactor;
use crate::runbook::value::timestamp_text;

/// Everything that is asked, and of whom.
///
/// # Errors
/// One line: what is shown is not what would be approved.
pub(super) fn text(board: &Board, asked: &Asked) -> Result<String, String> {
    if driver::digest(&asked.request) != asked.digest || !asked.text.contains(&asked.digest) {
        return Err("the console shows another request than the one it asks to approve: approve \
                    nothing, and ask the operator; it may only be busy: try again"
            .into());
    }
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(out, "{label:<10} {}", clean(value));
    };
    line("run", &board.run);
    line("runbook", &board.runbook);
    let environment = board.environment.as_deref().map_or(String::new(), |e| format!(", {e}"));
    line("mode", &format!("{}{environment}", board.mode.to_uppercase()));
    line("operator", &asked.operator);
    line("step", &format!("{} ({}), attempt {}", asked.title, asked.step, asked.attempt));
    if asked.target.is_empty() {
        line("target", "not proven: this request has no pins to prove it by");
    }
    for (name, value) in &asked.target {
        line("target", &format!("{name} = {value}"));
    }
    line("approvers", &wanted(&asked.by, asked.count));
    if !asked.granted.is_empty() {
        line("approved", &format!("by {}", asked.granted.join(", ")));
    }
    if let Some(reason) = &asked.broken {
        line("DONE", &format!("without approval: {reason}. You approve in retrospect."));
    }
    line("asked", &timestamp_text(asked.at));
    out.push_str("\nWhat will run, whole, secrets masked:\n");
    tree(&mut out, &asked.request, 1);
    out.push_str("\nThe text that stands for it:\n");
    for line in asked.text.lines() {
        let _ = writeln!(out, "  {}", clean(line));
    }
    Ok(out)
}

/// One line of it, defused.
pub(super) fn clean(text: &str) -> String {
    Redactor::default().clean(text).replace('\n', "␊")
}

fn tree(out: &mut String, json: &Json, depth: usize) {
    let pad = "  ".repeat(depth);
    match json {
        Json::Object(entries) => {
            for (key, value) in entries {
                branch(out, &format!("{pad}{}:", clean(key)), value, depth);
            }
        }
        Json::Array(items) => {
            for item in items {
                branch(out, &format!("{pad}-"), item, depth);
            }
        }
        Json::String(text) => {
            for line in text.split('\n') {
                let _ = writeln!(out, "{pad}{}", clean(line));
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {
            let _ = writeln!(out, "{pad}{json}");
        }
    }
}

/// What fits stands on the line, the rest below it.
fn branch(out: &mut String, head: &str, value: &Json, depth: usize) {
    match value {
        Json::Object(_) | Json::Array(_) => {
            let _ = writeln!(out, "{head}");
            tree(out, value, depth + 1);
        }
        Json::String(text) if text.contains('\n') => {
            let _ = writeln!(out, "{head}");
            tree(out, value, depth + 1);
        }
        Json::String(text) => {
            let _ = writeln!(out, "{head} {}", clean(text));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {
            let _ = writeln!(out, "{head} {value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> Asked {
        let request =
            json!({"action": "shell", "args": {"run": "echo \u{1b}[2J\nrm -r /x\u{202e}"}});
        let digest = driver::digest(&request);
        Asked {
            seq: 41,
            at: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            operator: "alice@bastion".into(),
            step: "drop".into(),
            title: "Drop\r it".into(),
            attempt: 1,
            text: format!("steadyhand-approval/r\nrequest {digest}\n"),
            digest,
            request,
            target: [].into(),
            by: vec!["bob".into()],
            count: 1,
            granted: vec![],
            broken: None,
        }
    }

    #[test]
    fn all_of_it_is_shown_and_nothing_deceives_a_terminal() {
        let text = text(&Board::default(), &asked()).unwrap();
        assert!(text.contains("rm -r /x") && text.contains("alice@bastion"), "{text}");
        assert!(
            !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{text:?}"
        );
    }

    #[test]
    fn another_request_than_the_one_to_approve_is_refused() {
        let other =
            Asked { request: json!({"action": "shell", "args": {"run": "true"}}), ..asked() };
        assert!(text(&Board::default(), &other).unwrap_err().contains("another request"));
        let text_of_another =
            Asked { text: "steadyhand-approval/r\nrequest 0\n".into(), ..asked() };
        assert!(text(&Board::default(), &text_of_another).is_err());
    }
}
