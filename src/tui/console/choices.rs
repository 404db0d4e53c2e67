//! What may change the run, as menus. Whether something may be taken now is the engine's to say: each
//! entry is decided for show, and a refusal is its reason.

use serde_json::Value as Json;

use super::super::menu::{Entry, Menu};
use crate::engine::event::{ByHand, Resolution};
use crate::engine::{Attempt, Given, Input, Part, Refusal, Stamp, State, Status, StepState};
use crate::runbook::{Milestone, Value};

/// One entry of the menu of everything that changes the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Do it again.
    Retry,
    /// Look again what became of an attempt.
    CheckAgain,
    /// Pass the step by.
    Skip,
    /// Say that it is done.
    MarkDone,
    /// Run its `undo`.
    Undo,
    /// Take the run back to the step that is looked at.
    RerunFrom,
    /// Run a command that the runbook lacks.
    AdHoc,
    /// Give an input another value.
    Amend,
    /// Tell the start of the outage anew.
    OutageStart,
    /// Say that somebody has seen to the escalation.
    Escalation,
    /// Say that nothing writes any more, or take that back.
    Stopped,
    /// Say that the service is restored, or that it no longer is.
    Restored,
    /// Hold the run, or go on.
    Pause,
    /// Stop what is at work.
    Cancel,
    /// Give up.
    Abort,
}

impl Choice {
    /// In the order of the menu.
    pub const ALL: [Self; 15] = [
        Self::Retry,
        Self::CheckAgain,
        Self::Skip,
        Self::MarkDone,
        Self::Undo,
        Self::RerunFrom,
        Self::AdHoc,
        Self::Amend,
        Self::OutageStart,
        Self::Escalation,
        Self::Stopped,
        Self::Restored,
        Self::Pause,
        Self::Cancel,
        Self::Abort,
    ];

    /// The letter that takes it, its name and what it does.
    #[must_use]
    pub fn words(self) -> (char, &'static str, &'static str) {
        match self {
            Self::Retry => ('r', "retry", "do the step again, with a fresh guard"),
            Self::CheckAgain => ('c', "check again", "look what became of it; changes nothing"),
            Self::Skip => ('s', "skip", "pass the step by; asks for the reason"),
            Self::MarkDone => ('d', "mark done", "it was done by hand; asks for the reason"),
            Self::Undo => ('u', "undo", "take the newest done step back, with its guard"),
            Self::RerunFrom => ('f', "rerun from here", "back to the step that is looked at"),
            Self::AdHoc => ('h', "ad hoc step", "a command that the runbook lacks"),
            Self::Amend => ('a', "amend an input", "give an input another value"),
            Self::OutageStart => ('o', "outage start", "tell the start of the outage anew"),
            Self::Escalation => ('e', "escalation", "say who was called, and what came of it"),
            Self::Stopped => ('w', "writes stopped", "declare it by hand, or take it back"),
            Self::Restored => ('v', "declare restored", "the service is back, or no longer is"),
            Self::Pause => ('p', "pause", "hold the run, or go on; the clock does not stop"),
            Self::Cancel => ('x', "cancel", "stop what is at work"),
            Self::Abort => ('b', "abort the run", "give up; what is left is printed"),
        }
    }
}

/// What an entry of one of a run's menus stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// See [`Choice`].
    Choice(Choice),
    /// An unknown outcome turned out to be this.
    Resolve(Resolution),
    /// The item of a checklist of this place, or an option of a `choose` step.
    Item(usize),
    /// A `manual` step is done.
    Done,
    /// It is done, and there is something to say.
    DoneWithNote,
    /// It could not be done.
    NotDone,
    /// A signature is pasted.
    Paste,
    /// The text that would be signed.
    ReadText,
    /// Go on without the approval.
    BreakGlass,
    /// Leave while something runs.
    Leave,
    /// Stay.
    Stay,
}

/// Whether the engine would take this now.
fn may(state: &State, input: Input, now: &Stamp) -> Result<(), Refusal> {
    state.decide(input, now).map(|_| ())
}

/// By hand, with whatever later steps need: only to ask whether it may be.
fn by_hand(state: &State, step: &str) -> ByHand {
    let saved = state.needed_from(step).into_iter().map(|name| (name, Value::Null)).collect();
    ByHand { reason: "?".into(), saved }
}

/// The step whose undo would be next: the newest that the engine lets be undone.
pub(super) fn undo_of(state: &State) -> Result<&StepState, Refusal> {
    let mut why = Refusal::Nothing("nothing that was done has an undo".into());
    for step in state.steps.iter().rev().filter(|step| step.step.undo.is_some()) {
        match state.undoable(step.id()) {
            Ok(step) => return Ok(step),
            Err(refusal) => why = refusal,
        }
    }
    Err(why)
}

fn retry(state: &State, now: &Stamp) -> Result<(), Refusal> {
    let Some(step) = state.current() else { return Err(Refusal::Over) };
    if !matches!(state.status(step), Status::Failed(_) | Status::Retrying(_)) {
        return Err(Refusal::Nothing("nothing has failed".into()));
    }
    let input = Input::Consent {
        step: step.id().to_owned(),
        part: Part::Do,
        given: Given::Enter,
        digest: String::new(),
    };
    match may(state, input, now) {
        // The guard is asked for next.
        Err(Refusal::Guard(_)) => Ok(()),
        other => other,
    }
}

fn blocked(state: &State, choice: Choice, looked: &str, now: &Stamp) -> Result<(), Refusal> {
    let current = state.current().map(|step| step.id().to_owned());
    let of_current = || current.clone().ok_or(Refusal::Over);
    let why = || "?".to_owned();
    let milestone = |milestone: Milestone| {
        if state.milestones.contains_key(&milestone) {
            Input::Withdraw { milestone, reason: why() }
        } else {
            Input::Declare { milestone, reason: why() }
        }
    };
    let input = match choice {
        Choice::Retry => return retry(state, now),
        Choice::CheckAgain => {
            let step = state.current().ok_or(Refusal::Over)?;
            return state.may_check_again(step);
        }
        Choice::Undo => return undo_of(state).map(|_| ()),
        Choice::Skip => {
            let step = of_current()?;
            Input::Skip { by_hand: by_hand(state, &step), step }
        }
        Choice::MarkDone => {
            let step = of_current()?;
            Input::Override { by_hand: by_hand(state, &step), step }
        }
        Choice::RerunFrom => Input::Rerun { step: looked.to_owned(), reason: why() },
        Choice::AdHoc => Input::Insert { title: why(), run: why(), reason: why() },
        Choice::Amend => match state.runbook.inputs.first() {
            Some(input) => {
                Input::Amend { input: input.name.clone(), value: Value::Null, reason: why() }
            }
            None => return Err(Refusal::Nothing("the runbook has no inputs".into())),
        },
        Choice::OutageStart => Input::AmendOutageStart { start: now.at, reason: why() },
        Choice::Escalation => Input::Acknowledge { note: why() },
        Choice::Stopped => milestone(Milestone::WritesStopped),
        Choice::Restored => milestone(Milestone::ServiceRestored),
        Choice::Pause if state.paused.is_some() => Input::Continue,
        Choice::Pause => Input::Pause { reason: why() },
        Choice::Cancel => Input::Cancel { reason: why() },
        Choice::Abort => Input::Abort { reason: why() },
    };
    may(state, input, now)
}

/// The menu of everything that changes the run.
pub(super) fn menu(state: &State, looked: &StepState, now: &Stamp) -> Menu<Pick> {
    let entries = Choice::ALL
        .into_iter()
        .map(|choice| {
            let (letter, name, help) = choice.words();
            Entry {
                letter: Some(letter),
                label: name.to_owned(),
                help: help.to_owned(),
                blocked: blocked(state, choice, looked.id(), now).err().map(|r| r.to_string()),
                pick: Pick::Choice(choice),
            }
        })
        .collect();
    Menu::new("What to do?", Vec::new(), entries)
}

pub(super) fn entry(letter: char, label: &str, help: &str, pick: Pick) -> Entry<Pick> {
    Entry {
        letter: Some(letter),
        label: label.to_owned(),
        help: help.to_owned(),
        blocked: None,
        pick,
    }
}

/// The choices when nobody knows how an attempt came out.
pub(super) fn unknown(attempt: &Attempt) -> Menu<Pick> {
    let seen = match attempt.message() {
        "" => "It was begun and this console has not seen it end.",
        message => message,
    };
    let intro = vec![
        format!("Nobody knows how attempt {} came out.", attempt.id.number),
        seen.to_owned(),
        "Look at the system itself before you decide; the record keeps your reason.".to_owned(),
    ];
    let entries = vec![
        entry(
            'c',
            "look again",
            "asks the system; changes nothing",
            Pick::Choice(Choice::CheckAgain),
        ),
        entry(
            's',
            "it did its work",
            "go on as if it had succeeded",
            Pick::Resolve(Resolution::Succeeded),
        ),
        entry('f', "it failed", "it may have changed something", Pick::Resolve(Resolution::Failed)),
        entry(
            'n',
            "it never happened",
            "certainly: it may be done now",
            Pick::Resolve(Resolution::NotDone),
        ),
    ];
    Menu::new("UNKNOWN", intro, entries)
}

/// The question of a step that waits for a person; `ticked` says which items of its checklist are.
pub(super) fn answer(attempt: &Attempt, ticked: &[bool]) -> Menu<Pick> {
    if let Some(options) = options(&attempt.request) {
        let default = argument(&attempt.request, "default").and_then(Json::as_str);
        let entries = options
            .iter()
            .enumerate()
            .map(|(i, option)| Entry {
                letter: None,
                label: option.label.clone(),
                help: String::new(),
                blocked: None,
                pick: Pick::Item(i),
            })
            .chain([entry('x', "none of these", "the step fails; asks why", Pick::NotDone)])
            .collect();
        let marked = options.iter().position(|o| Some(o.value.as_str()) == default).unwrap_or(0);
        return Menu::new("Which one?", Vec::new(), entries).marking(marked);
    }
    let items = checklist(&attempt.request);
    let left = items.len() - ticked.iter().filter(|ticked| **ticked).count().min(items.len());
    let open = (left > 0).then(|| format!("{left} items are not ticked yet"));
    let mut entries: Vec<Entry<Pick>> = items
        .iter()
        .enumerate()
        .map(|(i, item)| {
            let sign = if ticked.get(i) == Some(&true) { "☑" } else { "☐" };
            Entry {
                letter: None,
                label: format!("{sign} {item}"),
                help: String::new(),
                blocked: None,
                pick: Pick::Item(i),
            }
        })
        .collect();
    let done = [
        entry('d', "it is done", "", Pick::Done),
        entry('w', "done, with a note", "", Pick::DoneWithNote),
    ];
    entries.extend(done.map(|entry| Entry { blocked: open.clone(), ..entry }));
    entries.push(entry('x', "it could not be done", "the step fails; asks why", Pick::NotDone));
    let marked = (0..items.len()).find(|i| ticked.get(*i) != Some(&true)).unwrap_or(items.len());
    let intro = argument(&attempt.request, "evidence").and_then(Json::as_str);
    let intro = intro.map(|text| format!("Evidence wanted: {text} (e attaches it)"));
    Menu::new("Is it done?", intro.into_iter().collect(), entries).marking(marked)
}

fn argument<'a>(request: &'a Json, key: &str) -> Option<&'a Json> {
    request.get("args")?.get(key)
}

fn texts(request: &Json, key: &str) -> Vec<String> {
    match argument(request, key) {
        Some(Json::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect(),
        Some(_) | None => Vec::new(),
    }
}

/// One of the things that a person may choose.
pub(super) struct Offer {
    /// What the choice is then.
    pub value: String,
    /// What is shown.
    pub label: String,
}

/// The options of a `choose` step; `None` for any other.
pub(super) fn options(request: &Json) -> Option<Vec<Offer>> {
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let offer = |json: &Json| {
        let value = text(json.get("value").unwrap_or(json));
        let label = json.get("label").map_or_else(|| value.clone(), text);
        Offer { value, label }
    };
    let items = argument(request, "options")?.as_array();
    Some(items.map(|items| items.iter().map(offer).collect()).unwrap_or_default())
}

/// The items of a `manual` step.
pub(super) fn checklist(request: &Json) -> Vec<String> {
    texts(request, "checklist")
}

/// The question before one leaves while something is at work.
pub(super) fn leave(attempt: &Attempt, rehearsed: bool) -> Menu<Pick> {
    let then = match rehearsed {
        true => "It is only rehearsed: `steady resume` begins it again.",
        false => {
            "A supervised child goes on without the console; `steady resume` finds it again. \
             Anything else is UNKNOWN until then."
        }
    };
    let at_work = format!("Attempt {} of {} is at work.", attempt.id.number, attempt.id.step);
    let intro = vec![at_work, then.to_owned()];
    let entries = vec![
        entry('s', "stay", "", Pick::Stay),
        entry('l', "leave", "the run stays resumable", Pick::Leave),
    ];
    Menu::new("Leave?", intro, entries)
}
