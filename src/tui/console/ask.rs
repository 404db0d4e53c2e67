//! What must be written before something changes the run: reasons, values, notes. A purpose and the
//! texts of its form make one command.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::super::clock;
use super::super::form::{Field, Form, Kind, Verdict};
use super::issue;
use crate::driver::Command;
use crate::engine::event::{ByHand, Resolution, ResolvedBy};
use crate::engine::{AttemptId, Given, Input, Part, Stamp, State};
use crate::runbook::timetext::parse_moment;
use crate::runbook::{Milestone, StepId, Value};

/// What a form is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What a live run asks for before anything acts, and the step that is to come then.
    Enter(String),
    /// A note.
    Note(Option<StepId>),
    /// A file to keep.
    Evidence(Option<StepId>),
    /// An issue that was found.
    Issue(Option<StepId>),
    /// Something that was learned.
    Lesson(Option<StepId>),
    /// Pass a step by; the names that later steps need.
    Skip(StepId, Vec<String>),
    /// Mark a step done; the names that later steps need.
    MarkDone(StepId, Vec<String>),
    /// Take the run back.
    Rerun(StepId),
    /// Another value for an input.
    Amend,
    /// A command that the runbook lacks.
    AdHoc,
    /// The outage began at another time.
    OutageStart,
    /// Somebody has seen to the escalation.
    Acknowledge,
    /// A milestone by hand.
    Declare(Milestone),
    /// A milestone taken back.
    Withdraw(Milestone),
    /// Hold the run.
    Pause,
    /// Stop what is at work.
    Cancel,
    /// Give up.
    Abort,
    /// An unknown outcome; the names that later steps need when it succeeded.
    Resolve(AttemptId, Resolution, Vec<String>),
    /// Go on without the approval that was asked for.
    BreakGlass {
        /// The step.
        step: StepId,
        /// The request that was on screen.
        digest: String,
        /// The phrase, where it was typed below the request.
        typed: Option<String>,
    },
    /// A step for people is done, with a note, or could not be done.
    Answer {
        /// Whether it could be done.
        done: bool,
    },
}

pub(super) fn text_field(label: &str, help: &str) -> Field {
    Field { label: label.into(), help: help.into(), kind: Kind::Text, text: String::new() }
}

fn reason(help: &str) -> Field {
    text_field("reason", help)
}

/// A reason, then a value for each name that later steps need.
fn by_hand(help: &str, names: &[String]) -> Vec<Field> {
    let value = |name: &String| text_field(name, "a later step needs this value");
    std::iter::once(reason(help)).chain(names.iter().map(value)).collect()
}

impl Purpose {
    /// The form.
    #[must_use]
    pub fn form(&self, state: &State, now: &Stamp) -> Form {
        let kept = "kept in the record";
        let (title, fields) = match self {
            Self::Note(_) => ("Note", vec![text_field("note", kept)]),
            Self::Evidence(_) => (
                "Evidence",
                vec![
                    text_field("file", "a path on this machine; the file is copied"),
                    text_field("caption", "what it shows"),
                ],
            ),
            Self::Issue(_) => return issue::form(now),
            Self::Lesson(_) => {
                ("Lesson", vec![text_field("lesson", "what to do otherwise the next time")])
            }
            Self::Skip(_, names) => ("Skip the step", by_hand("why it is passed by", names)),
            Self::MarkDone(_, names) => {
                ("Mark the step done", by_hand("how and by whom it was done", names))
            }
            Self::Enter(phrase) => {
                let help = format!("type `{phrase}` to act there; it is asked once");
                ("This run is LIVE: where does it act?", vec![text_field("name", &help)])
            }
            Self::Rerun(_) => ("Take the run back to this step", vec![reason(kept)]),
            Self::Amend => return amend_form(state, now),
            Self::AdHoc => (
                "A step that the runbook lacks",
                vec![
                    text_field("title", "what it does, for the record"),
                    text_field("run", "the command; it gets the usual guard before it runs"),
                    reason(kept),
                ],
            ),
            Self::OutageStart => return outage_form(state, now),
            Self::Acknowledge => (
                "Somebody was called",
                vec![text_field("note", "who was reached, and what came of it")],
            ),
            Self::Declare(Milestone::WritesStopped) => {
                ("Nothing writes any more", vec![reason("how you know")])
            }
            Self::Declare(Milestone::ServiceRestored) => {
                ("The service is restored: stops the RTO clock", vec![reason("how you know")])
            }
            Self::Withdraw(Milestone::WritesStopped) => {
                ("Something writes again", vec![reason("how you know")])
            }
            Self::Withdraw(Milestone::ServiceRestored) => {
                ("The service is down again: the RTO clock goes on", vec![reason("how you know")])
            }
            Self::Pause => ("Hold the run; the clock does not stop", vec![reason(kept)]),
            Self::Cancel => ("Stop what is at work", vec![reason(kept)]),
            Self::Abort => ("Abort the run; what is left is printed", vec![reason(kept)]),
            Self::Resolve(_, Resolution::Succeeded, names) => {
                ("It did its work", by_hand("what you saw", names))
            }
            Self::Resolve(_, Resolution::Failed, _) => ("It failed", vec![reason("what you saw")]),
            Self::Resolve(_, Resolution::NotDone, _) => {
                ("It never happened", vec![reason("how you know for certain")])
            }
            Self::Resolve(_, Resolution::Running, _) => {
                ("It is still at work", vec![reason("what you saw")])
            }
            Self::BreakGlass { typed: Some(_), .. } => {
                ("Without the approval: why?", vec![reason("why nobody could be waited for")])
            }
            Self::BreakGlass { step, typed: None, .. } => {
                let phrase = state.step(step).map(|of| state.break_glass_phrase(of, Part::Do));
                let phrase = phrase.and_then(Result::ok).unwrap_or_default();
                let typed = text_field("phrase", &format!("type `{phrase}`"));
                let why = reason("why nobody could be waited for");
                ("Go on without the approval", vec![typed, why])
            }
            Self::Answer { done: true } => ("Done", vec![text_field("note", kept)]),
            Self::Answer { done: false } => ("It could not be done", vec![reason(kept)]),
        };
        Form::of_texts(title, fields, now)
    }

    /// The command that the texts make; `None` when they cannot (the form has said so).
    #[must_use]
    pub fn command(self, texts: &[String], now: &Stamp) -> Option<Command> {
        let text = |i: usize| texts.get(i).map(|text| text.trim().to_owned()).unwrap_or_default();
        let saved = |names: &[String]| -> BTreeMap<String, Value> {
            names.iter().cloned().zip(texts.iter().skip(1).map(|text| value(text))).collect()
        };
        let input = match self {
            Self::Evidence(step) => {
                return Some(Command::AttachEvidence {
                    step,
                    path: PathBuf::from(text(0)),
                    caption: text(1),
                });
            }
            Self::Amend => {
                return Some(Command::Amend { input: text(0), text: text(1), reason: text(2) });
            }
            Self::Issue(step) => issue::input(step, texts, now)?,
            Self::Lesson(step) => Input::Lesson { step, text: text(0) },
            Self::Enter(_) => Input::Enter { typed: text(0) },
            Self::Note(step) => Input::Note { step, text: text(0) },
            Self::Skip(step, names) => {
                Input::Skip { step, by_hand: ByHand { reason: text(0), saved: saved(&names) } }
            }
            Self::MarkDone(step, names) => {
                Input::Override { step, by_hand: ByHand { reason: text(0), saved: saved(&names) } }
            }
            Self::Rerun(step) => Input::Rerun { step, reason: text(0) },
            Self::AdHoc => Input::Insert { title: text(0), run: text(1), reason: text(2) },
            Self::OutageStart => {
                Input::AmendOutageStart { start: moment(&text(0), now).ok()?, reason: text(1) }
            }
            Self::Acknowledge => Input::Acknowledge { note: text(0) },
            Self::Declare(milestone) => Input::Declare { milestone, reason: text(0) },
            Self::Withdraw(milestone) => Input::Withdraw { milestone, reason: text(0) },
            Self::Pause => Input::Pause { reason: text(0) },
            Self::Cancel => Input::Cancel { reason: text(0) },
            Self::Abort => Input::Abort { reason: text(0) },
            Self::Resolve(attempt, resolution, names) => Input::Resolve {
                attempt,
                resolution,
                by: ResolvedBy::Operator,
                reason: text(0),
                saved: saved(&names),
            },
            Self::BreakGlass { step, digest, typed } => {
                let (typed, reason) = match typed {
                    Some(typed) => (typed, text(0)),
                    None => (text(0), text(1)),
                };
                let given = Given::BreakGlass { typed, reason };
                return Some(Command::Consent { step, part: Part::Do, digest, given });
            }
            Self::Answer { done } => Input::Answer { choice: None, done, note: text(0) },
        };
        Some(Command::Engine(input))
    }
}

/// A typed value by its looks: a moment, a whole number, `true` or `false`, otherwise text.
fn value(text: &str) -> Value {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Value::Timestamp(at.with_timezone(&Utc));
    }
    match (text, text.parse::<i64>()) {
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Ok(int)) => Value::Int(int),
        (_, Err(_)) => Value::String(text.to_owned()),
    }
}

fn moment(text: &str, now: &Stamp) -> Result<DateTime<Utc>, String> {
    parse_moment(text.trim(), now.at).map_err(|e| e.to_string())
}

pub(super) fn needed(label: &str, text: &str) -> Verdict {
    match text.trim() {
        "" => Verdict::Bad(format!("`{label}` is empty; the record needs it")),
        _ => Verdict::Good(String::new()),
    }
}

fn amend_form(state: &State, now: &Stamp) -> Form {
    let names: Vec<String> = state.runbook.inputs.iter().map(|input| input.name.clone()).collect();
    let first = names.first().cloned().unwrap_or_default();
    let values: BTreeMap<String, String> =
        state.inputs.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    let fields = vec![
        Field {
            label: "input".into(),
            help: "which".into(),
            kind: Kind::Choice(names),
            text: first,
        },
        text_field("value", "the new value"),
        reason("kept in the record"),
    ];
    let judge = move |texts: &[String], _: &Stamp| {
        let now = texts.first().and_then(|name| values.get(name)).cloned().unwrap_or_default();
        let get = |i: usize| texts.get(i).map_or("", String::as_str);
        vec![
            Verdict::Good(format!("now: {now}")),
            needed("value", get(1)),
            needed("reason", get(2)),
        ]
    };
    Form::new("Amend an input", fields, Box::new(judge), now)
}

fn outage_form(state: &State, now: &Stamp) -> Form {
    let was =
        state.outage.as_ref().map(|outage| crate::runbook::value::timestamp_text(outage.start));
    let start = Field {
        text: was.unwrap_or_default(),
        ..text_field("start", "with a zone, or such as `30m ago`")
    };
    let state = state.clone();
    let judge = move |texts: &[String], now: &Stamp| {
        let get = |i: usize| texts.get(i).map_or("", String::as_str);
        let start = match moment(get(0), now) {
            Ok(at) if at > now.at => Verdict::Bad(format!(
                "{}: an outage has begun already",
                clock::distance(at, now.at)
            )),
            // What becomes of the clock tells whether the moment is meant as this clock has it.
            Ok(at) => Verdict::Good(match state.outage_told_now(at, now) {
                Some(time) => format!(
                    "RTO {}{} · {}",
                    clock::clock(time.elapsed),
                    time.certainty.remark(),
                    clock::echo(at, now.at)
                ),
                None => clock::echo(at, now.at),
            }),
            Err(why) => Verdict::Bad(why),
        };
        vec![start, needed("reason", get(1))]
    };
    let fields = vec![start, reason("kept in the record")];
    Form::new("When did the outage begin?", fields, Box::new(judge), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_get_the_type_they_look_like() {
        assert_eq!(value(" 12 "), Value::Int(12));
        assert_eq!(value("true"), Value::Bool(true));
        assert_eq!(value("on"), Value::String("on".into()));
        assert!(matches!(value("2026-11-21T03:00:00Z"), Value::Timestamp(_)));
    }
}
