//! A runbook that changed since this operator last ran it: what changed, before anything of it runs. `y` is
//! taken once the end of the change has been on screen and the keys were silent for a moment; the end is
//! one key away.

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;

use super::app::{App, Flow, Message};
use super::keymap::{Action, Place, hints, lookup};
use super::reader::Reader;
use super::silence::{HURRIED, Silence};
use super::theme::Theme;
use super::{clock, frame, keys, text};
use crate::catalogue::{Change, DiffLine, Mark};
use crate::engine::Stamp;

/// The state of the screen.
pub struct Changed {
    title: String,
    change: Change,
    diff: Vec<DiffLine>,
    top: usize,
    size: Size,
    /// The end has been on screen.
    read: bool,
    silence: Silence,
    help: Option<Reader>,
    remark: Option<&'static str>,
    /// `y` came too soon.
    hurried: bool,
}

/// What it ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on with the runbook as it is now.
    Accepted,
    /// Begin nothing.
    Left,
}

impl Changed {
    /// The change of the runbook `title`.
    #[must_use]
    pub fn new(title: &str, change: Change, now: &Stamp) -> Self {
        Self {
            title: text::one_line(title),
            diff: change.diff(),
            change,
            top: 0,
            size: Size::default(),
            read: false,
            silence: Silence::new(now),
            help: None,
            remark: None,
            hurried: false,
        }
    }

    /// Columns and rows of what is read.
    fn inside(&self) -> (usize, usize) {
        let Size { width, height } = self.size;
        (usize::from(width.saturating_sub(4)), usize::from(height.saturating_sub(4)))
    }

    fn lines(&self, theme: &Theme, columns: usize, now: &Stamp) -> Vec<Line<'static>> {
        let (added, removed) = Change::counts(&self.diff);
        let at = clock::moment(self.change.at, now.at);
        let Change { run, sha256, sha256_now, .. } = &self.change;
        let told = format!(
            "Not what you last ran, at {at}: {added} lines in, {removed} out.\n\
             then {sha256}\nnow  {sha256_now}\nthe run then: {run}\n"
        );
        let told = text::wrap(&text::shown(&told), columns);
        let mut lines: Vec<_> =
            told.into_iter().map(|line| Line::styled(line, theme.warn)).collect();
        for line in &self.diff {
            let style = match line.mark {
                Mark::Place => theme.title,
                Mark::Same => theme.dim,
                Mark::Added => theme.ok,
                Mark::Removed => theme.bad,
            };
            let sign = line.mark.sign();
            let room = columns.saturating_sub(sign.len());
            let pieces = text::chop(&text::shown(&line.text), room);
            lines.extend(
                pieces.into_iter().map(|piece| Line::styled(format!("{sign}{piece}"), style)),
            );
        }
        lines
    }

    fn key(&mut self, key: KeyEvent, now: &Stamp) -> Flow<Verdict> {
        if let Some(help) = &mut self.help {
            if help.key(key) {
                self.help = None;
            }
            self.silence.broken(now);
            return Flow::On;
        }
        let silent = self.silence.broken(now);
        self.remark = None;
        self.hurried = false;
        let (columns, rows) = self.inside();
        let last = self.lines(&Theme::default(), columns, now).len().saturating_sub(rows);
        match lookup(Place::Change, &key) {
            Some(Action::Confirm) if !self.read => self.remark = Some("look at its end first: End"),
            Some(Action::Confirm) if !silent => self.hurried = true,
            Some(Action::Confirm) => return Flow::Done(Verdict::Accepted),
            Some(Action::Up) => self.top = self.top.saturating_sub(1),
            Some(Action::Down) => self.top = (self.top + 1).min(last),
            Some(Action::PageUp) => self.top = self.top.saturating_sub(rows.max(1)),
            Some(Action::PageDown) => self.top = (self.top + rows.max(1)).min(last),
            Some(Action::Top) => self.top = 0,
            Some(Action::End) => self.top = last,
            Some(Action::Keys) => self.help = Some(keys::reader()),
            Some(Action::Leave) => return Flow::Done(Verdict::Left),
            _ => {}
        }
        Flow::On
    }
}

impl App for Changed {
    type Done = Verdict;

    fn update(&mut self, message: Message, now: &Stamp) -> Flow<Verdict> {
        let (columns, rows) = self.inside();
        let count = self.lines(&Theme::default(), columns, now).len();
        // What this answers has been drawn.
        self.read |= self.help.is_none() && rows > 0 && self.top + rows >= count;
        match message {
            Message::Key(key) => self.key(key, now),
            Message::Quit(_) => Flow::Done(Verdict::Left),
            Message::Paste(_) => {
                self.silence.broken(now);
                Flow::On
            }
            Message::News | Message::Tick => Flow::On,
        }
    }

    fn resized(&mut self, size: Size) {
        self.size = size;
    }

    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        let area = frame.area();
        let title = format!("This runbook has changed · {}", self.title);
        let inside = frame::page(frame, area, theme, &title, &hints(Place::Change));
        if let Some(help) = &self.help {
            help.draw(frame, inside, theme);
            return;
        }
        let (columns, rows) =
            (usize::from(inside.width), usize::from(inside.height.saturating_sub(2)));
        let lines = self.lines(theme, columns, now);
        let body = Rect { height: inside.height.saturating_sub(2), ..inside };
        frame::lines(frame, body, &lines, self.top);
        let below = lines.len().saturating_sub(self.top + rows);
        let more = match below {
            0 => "── the end ".to_owned(),
            1 => "── 1 more line below: ↓ ".to_owned(),
            below => format!("── {below} more lines below: ↓ PgDn End "),
        };
        let rule = format!("{more}{}", "─".repeat(columns.saturating_sub(text::width(&more))));
        let answer = match (self.remark, self.read || below == 0, self.silence.is_kept(now)) {
            (Some(remark), ..) => Line::styled(format!("✗ {remark}"), theme.bad),
            (None, false, _) => Line::styled("Look at its end, then y.", theme.dim),
            (None, true, false) if self.hurried => Line::styled(format!("✗ {HURRIED}"), theme.bad),
            (None, true, false) => Line::styled("…", theme.dim),
            (None, true, true) => {
                Line::styled("Press y to go on with the runbook as it is now.", theme.key)
            }
        };
        for (index, line) in
            [(body.height, Line::styled(rule, theme.dim)), (body.height + 1, answer)]
        {
            if let Some(at) = frame::row(inside, index) {
                frame.render_widget(line, at);
            }
        }
    }

    fn title(&self) -> String {
        format!("steady: {}", self.title)
    }

    fn wake(&self, now: &Stamp) -> Option<std::time::Duration> {
        self.silence.wake(now)
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;
    use crate::catalogue::{Before, ChangedFile};
    use crate::tui::testing::{at, key, screen, stamp};

    const BEFORE: &str = "steadyhand: 1\nid: restore\ntitle: Restore\nsteps:\n  - id: stop\n    \
        title: Stop the writers\n    do: {shell: {run: 'kubectl scale deploy/api --replicas=0'}}\n";

    fn change(after: &str) -> Change {
        let text = |text: &str| Before::Text(text.to_owned());
        let file = |name: &str, before, after: Option<&str>| ChangedFile {
            name: name.to_owned(),
            before,
            after: after.map(str::to_owned),
        };
        Change {
            run: "20261101T031000Z-restore-k3f9".into(),
            at: at(-20 * 86_400),
            sha256: "5e".repeat(32),
            sha256_now: "a7".repeat(32),
            files: vec![
                file("runbook.yaml", text(BEFORE), Some(after)),
                file(
                    "included/verify.yaml",
                    text("id: verify\nversion: \"1\"\n"),
                    Some("id: verify\n"),
                ),
                file("included/old.yaml", Before::Lost, None),
            ],
        }
    }

    fn app(after: &str) -> Changed {
        let mut app = Changed::new("Restore", change(after), &stamp(0));
        app.resized(Size { width: 80, height: 24 });
        app
    }

    fn press(app: &mut Changed, code: KeyCode, seconds: i64) -> Flow<Verdict> {
        app.update(Message::Key(key(code)), &stamp(seconds))
    }

    #[test]
    fn a_change_at_both_sizes() {
        let after = BEFORE.replace("--replicas=0", "--replicas=0 --context \u{202e}prod");
        let mut app = app(&after);
        insta::assert_snapshot!("change_80", screen(80, 24, &app, 1));
        app.resized(Size { width: 120, height: 40 });
        insta::assert_snapshot!("change_120", screen(120, 40, &app, 1));
    }

    #[test]
    fn what_fits_is_accepted_with_one_key_out_of_silence() {
        let mut app = app(&BEFORE.replace("--replicas=0", "--replicas=1"));
        assert_eq!(press(&mut app, KeyCode::Enter, 1), Flow::On, "Enter accepts nothing");
        assert_eq!(press(&mut app, KeyCode::Char('y'), 1), Flow::On, "too fast");
        assert!(screen(80, 24, &app, 1).contains("too fast to be meant"));
        assert_eq!(press(&mut app, KeyCode::Char('y'), 2), Flow::Done(Verdict::Accepted));
    }

    #[test]
    fn a_key_from_before_the_screen_came_up_accepts_nothing() {
        let mut app = app(&BEFORE.replace("--replicas=0", "--replicas=1"));
        assert_eq!(press(&mut app, KeyCode::Char('y'), 0), Flow::On);
    }

    #[test]
    fn the_end_of_a_long_change_is_looked_at_first() {
        let steps: String = (0..60).map(|i| format!("  - id: more_{i}\n")).collect();
        let mut app = app(&format!("{BEFORE}{steps}"));
        assert_eq!(press(&mut app, KeyCode::Char('y'), 1), Flow::On);
        assert!(screen(80, 24, &app, 1).contains("look at its end first"));
        press(&mut app, KeyCode::End, 2);
        assert!(screen(80, 24, &app, 3).contains("Press y to go on"));
        assert_eq!(press(&mut app, KeyCode::Char('y'), 3), Flow::Done(Verdict::Accepted));
    }

    #[test]
    fn leaving_begins_nothing() {
        for code in [KeyCode::Esc, KeyCode::Char('q')] {
            assert_eq!(press(&mut app(BEFORE), code, 1), Flow::Done(Verdict::Left));
        }
    }
}
