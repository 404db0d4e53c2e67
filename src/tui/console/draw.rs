//! The frame of a run.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::approval::{self, Turn};
use super::{Console, Overlay, Reading, header, pane, steps};
use crate::driver::Urgency;
use crate::engine::{Stamp, Status, StepState};
use crate::runbook::model::Guard;
use crate::tui::borders::Borders;
use crate::tui::keymap::{Action, Place, here, hints};
use crate::tui::theme::Theme;
use crate::tui::{debrief, frame, text};

/// At most so many lines of notices.
const NOTICE: usize = 3;

impl Console {
    /// Paints the whole frame.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        match &self.overlay {
            Overlay::Read(reader, reading) => {
                let title =
                    format!("{} · {}", self.reading_title(reading), header::identity(&self.view));
                let keys = hints(Place::Reader);
                let area = frame::page(frame, frame.area(), theme, &title, &keys);
                reader.draw(frame, area, theme);
            }
            Overlay::Confirm(confirm) => confirm.draw(frame, theme, now),
            Overlay::None => self.draw_run(frame, theme, now),
            Overlay::Menu(menu) => {
                self.draw_run(frame, theme, now);
                menu.draw(frame, theme);
            }
            Overlay::Secret(field) => {
                self.draw_run(frame, theme, now);
                field.draw(frame, theme);
            }
            Overlay::Sign(field) => {
                self.draw_run(frame, theme, now);
                field.draw(frame, theme);
            }
            Overlay::Ask(form, _) => {
                self.draw_run(frame, theme, now);
                form.draw_dialog(frame, theme);
            }
        }
    }

    fn reading_title(&self, reading: &Reading) -> String {
        match reading {
            Reading::Output(Some(attempt)) => {
                format!("Output of {}, attempt {}", attempt.step, attempt.number)
            }
            Reading::Output(None) => "Output".to_owned(),
            Reading::Timeline => "Timeline".to_owned(),
            Reading::Journal => "Journal".to_owned(),
            Reading::Text => "The text to sign".to_owned(),
            Reading::Keys => "Keys".to_owned(),
        }
    }

    fn draw_run(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        let area = frame.area();
        let state = &self.view.state;
        let style = theme.mode(state.mode());
        let borders = Borders::of(state.mode());
        let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
        let columns = usize::from(inner.width);
        let notices = self.notices(theme, columns);
        let below = u16::try_from(notices.len()).unwrap_or(0);
        let last = area.bottom().saturating_sub(1);
        let (upper, lower) = (area.y + 3, last.saturating_sub(2 + below));

        borders.outline(frame.buffer_mut(), area, style);
        let titles = (&*header::identity(&self.view), &*header::journal(&self.view));
        borders.titles(frame.buffer_mut(), (area.x + 1, area.y), area.width - 2, titles, style);
        let (signed, how) = header::signed(state, theme);
        borders.titles(frame.buffer_mut(), (area.x + 1, last), area.width - 2, ("", &signed), how);
        let rows = [
            (area.y + 1, header::rto(&self.view, theme, now, columns)),
            (area.y + 2, header::rpo(state, theme, now)),
            (last - 1, Line::styled(self.keys(columns), theme.key)),
        ];
        for (y, line) in rows {
            frame.render_widget(line, Rect { y, height: 1, ..inner });
        }
        for (line, y) in notices.into_iter().zip(lower + 1..) {
            frame.render_widget(line, Rect { y, height: 1, ..inner });
        }
        borders.rule(frame.buffer_mut(), area, upper, style);
        borders.rule(frame.buffer_mut(), area, lower, style);
        let body = Rect { y: upper + 1, height: lower.saturating_sub(upper + 1), ..inner };
        if state.finished.is_some() {
            let at = (area.x + 1, upper);
            borders.titles(frame.buffer_mut(), at, area.width - 2, ("Debrief", ""), style);
            let lines = debrief::lines(&self.view, theme, now, columns);
            let top = self.scroll.min(lines.len().saturating_sub(usize::from(body.height)));
            frame::lines(frame, body, &lines, top);
            let hidden = lines.len().saturating_sub(top + usize::from(body.height));
            if hidden > 0 {
                let more = format!("↓ {hidden} more lines");
                let at = (area.x + 1, lower);
                borders.titles(frame.buffer_mut(), at, area.width - 2, ("", &more), style);
            }
            return;
        }
        let left = area.width * 3 / 8;
        let divider = area.x + left + 1;
        borders.divide(frame.buffer_mut(), divider, (upper, lower), style);
        let place = steps::place(state);
        let waits = state.current().is_some_and(|step| approval::waits(state, step));
        let place = if waits { format!("{place} · FOR APPROVAL") } else { place };
        let place = if state.paused.is_some() { format!("{place} · PAUSED") } else { place };
        borders.titles(frame.buffer_mut(), (area.x + 1, upper), left, (&place, ""), style);
        self.draw_steps(frame, Rect { width: left.saturating_sub(2), ..body }, theme, now);
        if let Some(step) = self.looked_step() {
            let title = text::one_line(&state.title(step));
            let time = pane::time(&self.view, step, now);
            let width = area.right().saturating_sub(divider + 2);
            borders.titles(frame.buffer_mut(), (divider + 1, upper), width, (&title, &time), style);
            let right =
                Rect { x: divider + 2, width: inner.right().saturating_sub(divider + 2), ..body };
            self.draw_pane(frame, right, step, theme, now);
        }
    }

    fn draw_steps(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, now: &Stamp) {
        let looked = self.looked_at();
        let columns = usize::from(area.width);
        let lines = steps::lines(&self.view.state, &self.view.pace, looked, theme, now, columns);
        let top = frame::scroll_to(looked, lines.len(), usize::from(area.height));
        frame::lines(frame, area, &lines, top);
    }

    /// What the step is and does above, what it prints below.
    fn draw_pane(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        step: &StepState,
        theme: &Theme,
        now: &Stamp,
    ) {
        let columns = usize::from(area.width);
        let height = usize::from(area.height);
        let lines = pane::lines(&self.view, step, theme, now, columns);
        let output = self.output_tail(step, height);
        let wanted = if output.is_empty() { 0 } else { output.len() + 1 };
        // The text keeps at least half of the height while there is so much of it.
        let below = wanted.min(height.saturating_sub(lines.len()).max(height / 2));
        let above = height - below;
        let top = self.scroll.min(lines.len().saturating_sub(above));
        let upper = Rect { height: u16::try_from(above).unwrap_or(area.height), ..area };
        frame::lines(frame, upper, &lines, top);
        let hidden = lines.len().saturating_sub(top + above);
        if hidden > 0
            && let Some(at) = frame::row(upper, upper.height.saturating_sub(1))
        {
            let more = format!("… {} more lines: PgDn", hidden + 1);
            frame.render_widget(Line::styled(text::pad(&more, columns), theme.dim), at);
        }
        if below == 0 {
            return;
        }
        let lower = Rect { y: area.y + upper.height, height: area.height - upper.height, ..area };
        let rule = format!("─ output {} follow", "─".repeat(columns.saturating_sub(16)));
        let mut tail = vec![Line::styled(rule, theme.dim)];
        let from = output.len().saturating_sub(below - 1);
        tail.extend(
            output.iter().skip(from).map(|l| Line::raw(text::fit(&text::one_line(l), columns))),
        );
        frame::lines(frame, lower, &tail, 0);
    }

    /// The last lines of the step's output, as far as the driver holds them.
    fn output_tail(&self, step: &StepState, count: usize) -> Vec<String> {
        let ring = self.view.output.read();
        let is_its = ring.attempt.as_ref().is_some_and(|attempt| attempt.step == step.id());
        if !is_its {
            return Vec::new();
        }
        ring.lines.iter().skip(ring.lines.len().saturating_sub(count)).cloned().collect()
    }

    /// What must be said now: the halt, the driver's notice, the screen's own remark, what is being done.
    fn notices(&self, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
        let mut said: Vec<(String, Style)> = Vec::new();
        if let Some(why) = &self.view.journal.halted {
            said.push((format!("✗ HALTED: {why}"), theme.bad));
        }
        if let Some(due) = self.view.state.open_escalation() {
            said.push((header::escalation(due, self.view.read_only), theme.warn));
        }
        if let Some(notice) = self.view.notice.as_ref().filter(|n| n.number > self.read_notice) {
            let (sign, style) = match notice.urgency {
                Urgency::Info => ("·", theme.text),
                Urgency::Warning => ("!", theme.warn),
                Urgency::Danger => ("✗", theme.bad),
            };
            said.push((format!("{sign} {}", notice.text), style));
        }
        if let Some(remark) = &self.remark {
            said.push((format!("! {remark}"), theme.warn));
        }
        if let (Some(busy), true) = (&self.view.busy, said.is_empty()) {
            said.push((format!("… {busy}"), theme.dim));
        }
        said.into_iter()
            .flat_map(|(words, style)| {
                let lines = text::wrap(&text::shown(&words), columns);
                lines.into_iter().map(move |line| Line::styled(line, style))
            })
            .take(NOTICE)
            .collect()
    }

    /// The bottom line: what `Enter` would do here comes first.
    fn keys(&self, columns: usize) -> String {
        let place = self.place();
        let next = self.next();
        let rest = here(place).filter(|b| b.action != Action::Go).filter_map(|b| {
            let key = b.keys.first()?;
            b.hint.map(|hint| format!("{} {hint}", key.name()))
        });
        let fail = self.rehearsing().then(|| "f let it fail".to_owned());
        let mut keys: Vec<String> =
            next.into_iter().map(|next| format!("Enter {next}")).chain(fail).chain(rest).collect();
        // How to find every key, and how to leave, are never what is dropped.
        while text::width(&keys.join(" · ")) > columns && keys.len() > 3 {
            keys.remove(keys.len() - 3);
        }
        keys.join(" · ")
    }

    fn next(&self) -> Option<&'static str> {
        let state = &self.view.state;
        match self.place() {
            Place::Debrief => return Some("done"),
            Place::Watch => return None,
            Place::Catalogue
            | Place::Form
            | Place::Change
            | Place::Preflight
            | Place::Console
            | Place::Confirm
            | Place::Phrase
            | Place::Secret
            | Place::Signature
            | Place::Menu
            | Place::Reader => {}
        }
        if state.paused.is_some() {
            return Some("go on");
        }
        let step = state.current()?;
        match state.status(step) {
            // What is not prepared yet cannot be begun: Enter promises nothing.
            Status::Ready if self.view.prepared.as_ref().is_none_or(|p| p.step != step.id()) => {
                None
            }
            Status::Ready if !self.view.wants.is_empty() => Some("type the secret"),
            Status::Ready if approval::turn(&self.view, step) == Turn::Ask => {
                Some("ask for approval")
            }
            Status::Ready if approval::turn(&self.view, step) == Turn::Wait => Some("choices"),
            Status::AwaitsPerson(_) if step.step.is_approval() => Some("choices"),
            Status::Ready => match &step.step.guard {
                Guard::None => Some("run"),
                Guard::Confirm | Guard::Type(_) => Some("review"),
            },
            Status::AwaitsPerson(_) => Some("answer"),
            Status::Unknown(_) | Status::Failed(_) | Status::Retrying(_) => Some("choices"),
            Status::Pending | Status::Consented | Status::Running(_) | Status::Done(_) => None,
        }
    }
}
