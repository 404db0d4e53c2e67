//! The console, tied to a driver.

use std::io;
use std::time::Duration;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Size;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{Console, Reaction};
use crate::driver::{Command, Loan, View, panic_here};
use crate::engine::{Input, Stamp};
use crate::tui::app::{self, App, Flow, Message, News};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;

/// How long the record of a signal is waited for.
const ON_RECORD: Duration = Duration::from_secs(2);

/// Shows a run until it is left or the driver has let go of it. Without `hands`, where it is commanded and
/// where the terminal is asked for, it is only looked at.
///
/// # Errors
/// When signals cannot be waited for.
pub async fn show(
    screen: &mut Screen,
    theme: &Theme,
    mut views: watch::Receiver<View>,
    hands: Option<(mpsc::Sender<Command>, mpsc::Receiver<Loan>)>,
    clock: impl Fn() -> Stamp,
) -> io::Result<()> {
    let view = views.borrow_and_update().clone();
    let (commands, loans) = hands.unzip();
    let mut run = Live { console: Console::new(view), views, commands, loans, closed: false };
    app::run(screen, theme, &mut run, clock).await
}

struct Live {
    console: Console,
    views: watch::Receiver<View>,
    commands: Option<mpsc::Sender<Command>>,
    loans: Option<mpsc::Receiver<Loan>>,
    /// The driver has ended.
    closed: bool,
}

impl Live {
    fn react(&mut self, reaction: Reaction) -> Flow<()> {
        for command in reaction.commands {
            let Some(commands) = &self.commands else { continue };
            if commands.try_send(command).is_err() && !self.closed {
                // The driver takes commands between any two records: a full queue means that it hangs.
                self.console.remark = Some("the run does not take commands now; try again".into());
                return Flow::Bell;
            }
        }
        match (reaction.left, reaction.bell) {
            (true, _) => Flow::Done(()),
            (false, true) => Flow::Bell,
            (false, false) => Flow::On,
        }
    }
}

impl App for Live {
    type Done = ();

    fn update(&mut self, message: Message, now: &Stamp) -> Flow<()> {
        if matches!(message, Message::News) {
            // What was published last is worth a look even when nothing more will be.
            let view = self.views.borrow_and_update().clone();
            let reaction = self.console.look(view, now);
            return if self.closed { Flow::Done(()) } else { self.react(reaction) };
        }
        if matches!(&message, Message::Key(key) if key.code == KeyCode::Char('!')) {
            panic_here("screen");
        }
        let reaction = self.console.update(message, now);
        self.react(reaction)
    }

    fn resized(&mut self, size: Size) {
        self.console.resized(size);
    }

    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp) {
        self.console.draw(frame, theme, now);
    }

    fn title(&self) -> String {
        self.console.title()
    }

    fn wake(&self, now: &Stamp) -> Option<Duration> {
        self.console.wake(now)
    }

    async fn news(&mut self) -> News {
        let loan = async {
            match &mut self.loans {
                Some(loans) => loans.recv().await,
                None => None,
            }
        };
        tokio::select! {
            changed = self.views.changed() => {
                self.closed = changed.is_err();
                News::Changed
            }
            Some(loan) = loan => News::Wanted(loan),
        }
    }

    async fn stopped(&mut self, signal: &'static str) {
        let Some(commands) = &self.commands else { return };
        let before = self.views.borrow().journal.records;
        let noted = Command::Engine(Input::Signal { signal: signal.to_owned() });
        if commands.try_send(noted).is_ok() {
            let recorded = self.views.wait_for(|view| view.journal.records > before);
            // A journal that cannot be written is no reason to stay.
            let _ = timeout(ON_RECORD, recorded).await;
        }
    }
}
