//! A step that waits for somebody else: what they have to do, and what the operator may do meanwhile.

use ratatui::text::Line;

use super::super::confirm::Confirm;
use super::super::menu::Menu;
use super::super::reader::Reader;
use super::super::theme::Theme;
use super::super::{clock, text};
use super::ask::Purpose;
use super::choices::{Pick, entry};
use super::{Console, Overlay, Reaction, Reading};
use crate::driver::{Hearing, View};
use crate::engine::approvals::{self, End, wanted};
use crate::engine::{Approval, Part, Stamp, State, Status, StepState};

/// Whose turn it is at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The operator's, as at any step.
    Own,
    /// The operator asks for the approval.
    Ask,
    /// Somebody else's.
    Wait,
}

/// Whose turn it is before what is prepared.
pub(super) fn turn(view: &View, step: &StepState) -> Turn {
    if State::approvers(&step.step, Part::Do).is_none() {
        return Turn::Own;
    }
    let prepared = view.prepared.as_ref().filter(|p| p.step == step.id() && p.part == Part::Do);
    match view.state.approval(step.id(), Part::Do) {
        None => Turn::Ask,
        Some(open) if prepared.is_some_and(|p| p.digest != open.asked.request) => Turn::Ask,
        Some(open) if open.missing() > 0 => Turn::Wait,
        Some(_) => Turn::Own,
    }
}

/// Whether the step waits for somebody who is not at this terminal.
pub(super) fn waits(state: &State, step: &StepState) -> bool {
    let open = state.approval(step.id(), Part::Do).is_some_and(|open| open.missing() > 0);
    let here =
        matches!(state.status(step), Status::Ready | Status::AwaitsPerson(_) | Status::Failed(_));
    open && here
}

/// What an approver has to do, in whole commands.
fn ways(view: &View, asked: &Approval) -> Vec<String> {
    let run = view.state.run().map_or("RUN", |run| run.run.as_str());
    let file = view.dir.join("approvals").join(format!("{}.txt", asked.seq));
    let mut ways = match &view.hearing {
        Hearing::Blocked(why) => vec![format!("Not on this host: {why}.")],
        Hearing::Open | Hearing::Shut => {
            vec!["On this host, as their own user:".to_owned(), format!("steady approve {run}")]
        }
    };
    ways.extend([
        "Elsewhere, by a signature:".to_owned(),
        format!("ssh-keygen -Y sign -n approval@steadyhand -f KEY < {}", file.display()),
        "What it prints is pasted here: Enter, p.".to_owned(),
    ]);
    ways
}

/// What stands above the request.
pub(super) fn lines(
    view: &View,
    step: &StepState,
    theme: &Theme,
    now: &Stamp,
    columns: usize,
) -> Vec<Line<'static>> {
    let Some(needed) = &step.step.approval else { return Vec::new() };
    let mut lines = Vec::new();
    let mut say = |message: &str, style| {
        let wrapped = text::wrap(&text::shown(message), columns);
        lines.extend(wrapped.into_iter().map(|line| Line::styled(line, style)));
    };
    let last = view.state.last_approval(step.id());
    let ready = matches!(view.state.status(step), Status::Ready | Status::Failed(_));
    match last {
        Some(open) if waits(&view.state, step) => {
            let since = clock::moment(open.at.at, now.at);
            let who = open.wanted();
            say(&format!("⧗ Waits for the approval of {who}, since {since}."), theme.running);
            let (granted, count) = (open.granted.len(), open.asked.count);
            if count > 1 {
                say(&format!("{granted} of {count} have approved."), theme.text);
            }
            ways(view, open).iter().for_each(|way| say(way, theme.text));
            if let Some((who, why)) = open.refused.last() {
                say(&format!("! refused: {}", approvals::refusal(who, why)), theme.warn);
            }
        }
        Some(Approval { ended: Some((_, End::Declined { by, reason })), .. }) if ready => {
            say(&format!("✗ {by} declined: {reason}"), theme.bad);
        }
        Some(Approval { ended: Some((_, End::Void(why))), .. }) if ready => {
            say(&format!("! The approval is void: {why}. Ask again."), theme.warn);
        }
        Some(approval) if approval.broken.is_some() => {
            let style = if approval.is_open_glass() { theme.bad } else { theme.warn };
            say("✗ Went on without the approval.", style);
        }
        Some(approval) if !approval.granted.is_empty() => {
            for grant in &approval.granted {
                say(&format!("✓ approved by {} ({})", grant.approver, grant.known_by), theme.ok);
            }
        }
        Some(_) | None if matches!(view.state.status(step), Status::Ready) => {
            let who = wanted(&needed.by, needed.count);
            say(&format!("Needs the approval of {who}. Enter asks for it."), theme.running);
        }
        Some(_) | None => {}
    }
    if !lines.is_empty() {
        lines.push(Line::raw(""));
    }
    lines
}

/// What the operator may do while somebody else is waited for.
fn menu(view: &View, asked: &Approval, is_step: bool) -> Menu<Pick> {
    let mut intro = vec![format!("Waits for the approval of {}.", asked.wanted())];
    intro.extend(ways(view, asked));
    let mut entries = vec![
        entry('p', "paste a signature", "that was made elsewhere", Pick::Paste),
        entry('t', "the text to sign", "", Pick::ReadText),
        entry('g', "break the glass", "go on without; red in the report", Pick::BreakGlass),
    ];
    if is_step {
        entries.push(entry('x', "it cannot be had", "the step fails; asks why", Pick::NotDone));
    }
    Menu::new("Waiting for approval", intro, entries)
}

impl Console {
    /// The choices while somebody else is waited for.
    pub(super) fn wait_for_approval(&mut self, step: &StepState) -> Reaction {
        match self.view.state.approval(step.id(), Part::Do) {
            Some(asked) => {
                let menu = menu(&self.view, asked, step.step.is_approval());
                self.overlay = Overlay::Menu(menu);
                Reaction::default()
            }
            None => self.say("it is being asked for"),
        }
    }

    /// The text that would be signed.
    pub(super) fn read_text(&mut self) -> Reaction {
        let state = self.view.state.clone();
        let run = state.run().map(|run| run.run.clone()).unwrap_or_default();
        let asked = state.current().and_then(|step| state.approval(step.id(), Part::Do));
        let Some(asked) = asked else { return self.say("nobody is asked any more") };
        let mut lines: Vec<String> = asked.text(&run).lines().map(text::one_line).collect();
        lines.push(String::new());
        lines.extend(ways(&self.view, asked).iter().map(|way| text::one_line(way)));
        self.overlay = Overlay::Read(Reader::new(lines), Reading::Text);
        Reaction::default()
    }

    /// Towards going on without: below the request where there is one, and always with a reason.
    pub(super) fn break_glass(&mut self, now: &Stamp) -> Reaction {
        let state = self.view.state.clone();
        let Some(step) = state.current() else { return Reaction::default() };
        let Some(asked) = state.approval(step.id(), Part::Do) else {
            return self.say("nobody is asked any more");
        };
        if step.step.is_approval() {
            let (step, digest) = (step.id().to_owned(), asked.asked.request.clone());
            return self.ask(Purpose::BreakGlass { step, digest, typed: None }, now);
        }
        let prepared = self.view.prepared.clone().filter(|p| p.step == step.id());
        match (prepared, state.break_glass_phrase(step, Part::Do)) {
            (Some(prepared), Ok(phrase)) => {
                let title = state.title(step);
                let confirm = Confirm::new(prepared, &title, step, now);
                let mut confirm = confirm.breaking_glass(phrase);
                confirm.resized(self.size);
                self.overlay = Overlay::Confirm(Box::new(confirm));
                Reaction::default()
            }
            (None, _) => self.say("not ready yet: the request is being looked at"),
            (_, Err(why)) => self.say(why),
        }
    }
}
