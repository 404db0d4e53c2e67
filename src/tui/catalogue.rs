//! The catalogue: every runbook, found as one types.

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{Event, KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::app::{App, Flow, Message};
use super::keymap::{Action, Place, hints, lookup};
use super::reader::Reader;
use super::theme::Theme;
use super::{clock, frame, fuzzy, keys, text};
use crate::catalogue::History;
use crate::engine::Stamp;

/// One runbook as the catalogue shows it.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// For search.
    pub tags: Vec<String>,
    /// The recovery-time objective.
    pub rto: Option<TimeDelta>,
    /// The recovery-point objective.
    pub rpo: Option<TimeDelta>,
    /// Number of steps.
    pub steps: usize,
    /// Its drills.
    pub history: History,
    /// How often it wants one.
    pub drill_every: Option<TimeDelta>,
    /// Why it cannot be run: the first problem `check` finds.
    pub broken: Option<String>,
}

impl Card {
    fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.history.is_overdue(self.drill_every, now)
    }

    fn drill(&self, now: DateTime<Utc>) -> String {
        let overdue = self.is_overdue(now);
        match &self.history.last_passed {
            Some(last) if overdue => format!("OVERDUE, {} d", (now - last.at).num_days()),
            Some(last) => clock::distance(last.at, now),
            None if overdue => "OVERDUE, never".to_owned(),
            None => "never".to_owned(),
        }
    }

    /// The last drill and the trend, a line each.
    fn told(&self, now: DateTime<Utc>) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(since) = self.drill_every.filter(|_| self.is_overdue(now)) {
            let every = clock::span(since);
            lines.push(match self.history.due(since) {
                Some(due) => format!("! drill OVERDUE since {}, every {every}", day(due)),
                None => format!("! drill OVERDUE: none has passed, every {every}"),
            });
        }
        let Some(last) = &self.history.last else { return lines };
        let seconds =
            |s: Option<i64>| s.map_or("–".to_owned(), |s| clock::span(TimeDelta::seconds(s)));
        let of = last.rto.target_s.map(|s| format!(" of {}", seconds(Some(s))));
        lines.push(format!(
            "last drill {} by {}: {} · RTO {}{}",
            day(last.at),
            text::one_line(last.by.as_deref().unwrap_or("?")),
            if last.passed { "✓ passed" } else { "✗ not passed" },
            seconds(last.rto.actual_s),
            of.unwrap_or_default(),
        ));
        if let (Some(from), Some(to)) =
            (self.history.quarters.first(), self.history.quarters.last())
        {
            lines.push(format!(
                "RTO by quarter {} {} {} (▇ █ over the objective)",
                from.quarter,
                self.history.trend(),
                to.quarter
            ));
        }
        lines
    }

    fn haystack(&self) -> String {
        format!("{} {} {}", self.id, self.title, self.tags.join(" "))
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// The state of the catalogue.
pub struct Catalogue {
    cards: Vec<Card>,
    /// Shown above the list: where the runbooks are from, unfinished runs.
    remark: String,
    query: Input,
    typing: bool,
    marked: usize,
    help: Option<Reader>,
}

/// What the catalogue ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// This runbook was opened.
    Runbook(String),
    /// Nothing was.
    Left,
}

impl Catalogue {
    /// The catalogue with its first runbook marked.
    #[must_use]
    pub fn new(cards: Vec<Card>, remark: String) -> Self {
        Self { cards, remark, query: Input::default(), typing: false, marked: 0, help: None }
    }

    /// What the search finds, the best first; everything, in its order, without a search.
    fn found(&self) -> Vec<&Card> {
        let mut found: Vec<(i64, &Card)> = self
            .cards
            .iter()
            .filter_map(|card| {
                fuzzy::score(self.query.value(), &card.haystack()).map(|score| (score, card))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, card)| card).collect()
    }

    fn key(&mut self, key: KeyEvent) -> Flow<Picked> {
        if let Some(reader) = &mut self.help {
            if reader.key(key) {
                self.help = None;
            }
            return Flow::On;
        }
        if self.typing {
            return self.typed(key);
        }
        let last = self.found().len().saturating_sub(1);
        match lookup(Place::Catalogue, &key) {
            Some(Action::Go) => return self.open(),
            Some(Action::Search) => self.typing = true,
            Some(Action::Up) => self.marked = self.marked.saturating_sub(1),
            Some(Action::Down) => self.marked = (self.marked + 1).min(last),
            Some(Action::PageUp) => self.marked = self.marked.saturating_sub(10),
            Some(Action::PageDown) => self.marked = (self.marked + 10).min(last),
            Some(Action::Top) => self.marked = 0,
            Some(Action::End) => self.marked = last,
            Some(Action::Keys) => self.help = Some(keys::reader()),
            Some(Action::Leave) => return Flow::Done(Picked::Left),
            _ => {}
        }
        Flow::On
    }

    fn typed(&mut self, key: KeyEvent) -> Flow<Picked> {
        match key.code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.query = Input::default();
                self.typing = false;
            }
            KeyCode::Up => self.marked = self.marked.saturating_sub(1),
            KeyCode::Down => {
                self.marked = (self.marked + 1).min(self.found().len().saturating_sub(1));
            }
            _ => {
                self.query.handle_event(&Event::Key(key));
                self.marked = 0;
            }
        }
        Flow::On
    }

    fn open(&self) -> Flow<Picked> {
        match self.found().get(self.marked) {
            Some(card) if card.broken.is_none() => Flow::Done(Picked::Runbook(card.id.clone())),
            Some(_) | None => Flow::On,
        }
    }

    fn draw_list(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, now: DateTime<Utc>) {
        let found = self.found();
        let columns = usize::from(area.width);
        let top = frame::scroll_to(self.marked, found.len(), usize::from(area.height));
        let lines: Vec<Line<'_>> = found
            .iter()
            .enumerate()
            .map(|(i, card)| {
                let right = format!(
                    "{:>6} {:>6}  {:<16}",
                    card.rto.map(clock::span).unwrap_or_default(),
                    card.rpo.map(clock::span).unwrap_or_default(),
                    text::fit(&card.drill(now), 16)
                );
                let sign = match (&card.broken, card.is_overdue(now)) {
                    (Some(_), _) => "✗",
                    (None, true) => "!",
                    (None, false) => " ",
                };
                let mark = if i == self.marked { "▸" } else { " " };
                let left = format!("{mark}{sign}{}", text::one_line(&card.title));
                let line = Line::from(Span::raw(frame::edges(&left, &right, columns)));
                frame::marked(i == self.marked, theme, line, columns)
            })
            .collect();
        if lines.is_empty() {
            frame.render_widget(
                Line::styled("  nothing found; Esc clears the search", theme.dim),
                area,
            );
        }
        frame::lines(frame, area, &lines, top);
    }

    fn draw_card(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme, now: DateTime<Utc>) {
        let found = self.found();
        let Some(card) = found.get(self.marked) else { return };
        let columns = usize::from(area.width);
        let mut lines = vec![Line::styled(
            text::fit(
                &format!("{} · {} steps · {}", card.id, card.steps, card.tags.join(" ")),
                columns,
            ),
            theme.title,
        )];
        match &card.broken {
            Some(problem) => {
                let problem = format!("✗ cannot be run: {problem}");
                lines.extend(
                    text::wrap(&text::shown(&problem), columns)
                        .into_iter()
                        .map(|l| Line::styled(l, theme.bad)),
                );
                lines.push(Line::raw(format!("`steady check` shows every problem of {}", card.id)));
            }
            None => {
                lines.extend(card.told(now).iter().map(|line| Line::raw(text::fit(line, columns))));
                lines.extend(text::markdown(&card.summary, columns).into_iter().map(Line::raw));
            }
        }
        frame::lines(frame, area, &lines, 0);
    }
}

impl App for Catalogue {
    type Done = Picked;

    fn update(&mut self, message: Message, _now: &Stamp) -> Flow<Picked> {
        match message {
            Message::Key(key) => self.key(key),
            Message::Paste(pasted) if self.typing => {
                self.query =
                    Input::new(format!("{}{}", self.query.value(), text::one_line(&pasted)));
                Flow::On
            }
            Message::Paste(_) | Message::News | Message::Tick => Flow::On,
            Message::Quit(_) => Flow::Done(Picked::Left),
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        let keys = if self.typing {
            "Enter keep · Esc clear · ↑ ↓".to_owned()
        } else {
            hints(Place::Catalogue)
        };
        let area = frame::page(frame, frame.area(), theme, "Steadyhand · runbooks", &keys);
        if let Some(help) = &self.help {
            help.draw(frame, area, theme);
            return;
        }
        let [top, heading, list, rule, card] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(3),
            Constraint::Length(1),
            Constraint::Fill(2),
        ])
        .areas(area);
        let columns = usize::from(area.width);
        let search = match (self.typing, self.query.value()) {
            (false, "") => self.remark.clone(),
            (typing, query) => {
                format!("/{}{}", text::one_line(query), if typing { "▏" } else { "" })
            }
        };
        let count = format!("{} of {}", self.found().len(), self.cards.len());
        frame.render_widget(Line::raw(frame::edges(&search, &count, columns)), top);
        let titles = format!("{:>6} {:>6}  {:<16}", "RTO", "RPO", "last drill");
        frame.render_widget(
            Line::styled(frame::edges("  runbook", &titles, columns), theme.dim),
            heading,
        );
        self.draw_list(frame, list, theme, now.at);
        frame.render_widget(Line::styled("─".repeat(columns), theme.border), rule);
        self.draw_card(frame, card, theme, now.at);
    }

    fn title(&self) -> String {
        "steady: runbooks".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Measured, PastRun, Standing};
    use crate::engine::Mode;
    use crate::tui::testing::{at, key, screen, stamp};

    /// So many days ago, so many seconds, passed or not.
    fn drills(told: &[(i64, i64, bool)]) -> History {
        let run = |(days, seconds, passed): &(i64, i64, bool)| PastRun {
            run: format!("run-{days}"),
            runbook: Some("a".into()),
            mode: Some(Mode::Drill),
            practice: false,
            operator: Some("alice@bastion-1".into()),
            started: None,
            finished: Some(at(0) - TimeDelta::days(*days)),
            outcome: Standing::Completed,
            passed: Some(*passed),
            rto: Measured { target_s: Some(1_800), actual_s: Some(*seconds), met: None },
            rpo: Measured::default(),
            deviations: 0,
            problem: None,
            dir: "/".into(),
        };
        History::of(&told.iter().map(run).collect::<Vec<_>>(), "a", at(0))
    }

    fn cards() -> Vec<Card> {
        vec![
            Card {
                id: "aurora-pitr".into(),
                title: "Aurora PostgreSQL, restore to a point in time".into(),
                summary: "Restores the cluster as a **new** cluster beside the damaged one.\n\n- the source stays\n".into(),
                tags: vec!["postgres".into(), "aurora".into(), "pitr".into()],
                rto: Some(TimeDelta::minutes(30)),
                rpo: Some(TimeDelta::minutes(5)),
                steps: 9,
                history: drills(&[(300, 1_700, true), (190, 1_500, true), (100, 1_400, true), (9, 2_400, false)]),
                drill_every: Some(TimeDelta::days(90)),
                broken: None,
            },
            Card {
                id: "postgres-replica-promote".into(),
                title: "Promote a replica".into(),
                tags: vec!["postgres".into(), "replica".into()],
                rto: Some(TimeDelta::minutes(10)),
                history: drills(&[(3, 200, true)]),
                ..Card::default()
            },
            Card {
                id: "broken".into(),
                title: "A broken\u{1b}[2J one".into(),
                broken: Some("broken.yaml:3:5: unknown key `gaurd`, did you mean `guard`?".into()),
                ..Card::default()
            },
        ]
    }

    fn press(catalogue: &mut Catalogue, code: KeyCode) -> Flow<Picked> {
        catalogue.update(Message::Key(key(code)), &stamp(0))
    }

    #[test]
    fn the_list_is_read_at_both_sizes() {
        let mut catalogue = Catalogue::new(cards(), "the built-in catalogue".into());
        insta::assert_snapshot!("catalogue_80", screen(80, 24, &catalogue, 0));
        insta::assert_snapshot!("catalogue_120", screen(120, 40, &catalogue, 0));
        press(&mut catalogue, KeyCode::End);
        insta::assert_snapshot!("catalogue_broken", screen(80, 24, &catalogue, 0));
    }

    #[test]
    fn typing_after_a_slash_finds_and_enter_opens() {
        let mut catalogue = Catalogue::new(cards(), String::new());
        for c in "/prom zz".chars() {
            press(&mut catalogue, KeyCode::Char(c));
        }
        assert!(catalogue.found().is_empty());
        press(&mut catalogue, KeyCode::Esc);
        for c in "/rep prom".chars() {
            press(&mut catalogue, KeyCode::Char(c));
        }
        insta::assert_snapshot!("catalogue_search", screen(80, 24, &catalogue, 0));
        assert_eq!(press(&mut catalogue, KeyCode::Enter), Flow::On, "keeps what is found");
        assert_eq!(
            press(&mut catalogue, KeyCode::Enter),
            Flow::Done(Picked::Runbook("postgres-replica-promote".into()))
        );
    }

    #[test]
    fn a_broken_runbook_does_not_open() {
        let mut catalogue = Catalogue::new(cards(), String::new());
        press(&mut catalogue, KeyCode::End);
        assert_eq!(press(&mut catalogue, KeyCode::Enter), Flow::On);
    }

    #[test]
    fn q_leaves_but_is_a_letter_in_a_search() {
        let mut catalogue = Catalogue::new(cards(), String::new());
        press(&mut catalogue, KeyCode::Char('/'));
        assert_eq!(press(&mut catalogue, KeyCode::Char('q')), Flow::On);
        press(&mut catalogue, KeyCode::Esc);
        assert_eq!(press(&mut catalogue, KeyCode::Char('Q')), Flow::Done(Picked::Left));
    }

    #[test]
    fn a_paste_outside_the_search_is_thrown_away() {
        let mut catalogue = Catalogue::new(cards(), String::new());
        assert_eq!(catalogue.update(Message::Paste("q\n".into()), &stamp(0)), Flow::On);
        assert_eq!(catalogue.found().len(), 3);
    }
}
