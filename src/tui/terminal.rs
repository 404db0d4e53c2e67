//! The terminal while it is ours: raw mode, the alternate screen, pasted text in brackets. Dropping
//! the guard gives it back, and so does a panic, whichever thread it is on.

use std::io::{self, IsTerminal, Stdout, Write};
use std::sync::Once;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, EventStream};
use crossterm::style::Print;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend};
use ratatui::layout::Size;

/// The smallest screen that everything fits on, columns by rows.
pub const SMALLEST: (u16, u16) = (80, 24);

/// The terminal, held.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    title: String,
    /// One for as long as the terminal is ours: when a stream is dropped, a key that comes at that
    /// moment can be lost with it. `None` while somebody else has the terminal.
    events: Option<EventStream>,
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum NoScreen {
    /// Standard input or output is a pipe or a file.
    #[error("this needs a terminal: standard input and output must both be one")]
    NotATerminal,
    /// The terminal did not take it.
    #[error("the terminal could not be set up: {0}")]
    Setup(#[from] io::Error),
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// [`NoScreen`] when there is none or it refuses.
    pub fn take() -> Result<Self, NoScreen> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(NoScreen::NotATerminal);
        }
        restore_on_panic();
        enable_raw_mode()?;
        // From here on an error must give the terminal back: the guard exists before anything else is asked.
        let mut screen = Self {
            terminal: Terminal::new(CrosstermBackend::new(io::stdout()))
                .inspect_err(|_| restore())?,
            title: String::new(),
            events: Some(EventStream::new()),
        };
        screen.begin()?;
        Ok(screen)
    }

    fn begin(&mut self) -> io::Result<()> {
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        // `Terminal::clear` would ask the terminal where its cursor is and wait for the answer: over a
        // bad line that takes as long as the line does, or fails.
        self.terminal.backend_mut().clear_region(ClearType::All)
    }

    /// Gives the terminal back as it was, for somebody else to use.
    pub fn release(&mut self) {
        // Nothing that is typed from now on is ours.
        self.events = None;
        self.title.clear();
        restore();
    }

    /// Takes it again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn retake(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.events = Some(EventStream::new());
        self.begin()?;
        // The next frame is drawn whole, whatever was there.
        self.terminal.swap_buffers();
        Ok(())
    }

    /// The next key, paste or change of size; `None` when the terminal is gone.
    pub async fn event(&mut self) -> Option<io::Result<Event>> {
        match &mut self.events {
            Some(events) => events.next().await,
            None => std::future::pending().await,
        }
    }

    /// Draws one frame; nothing while somebody else has the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        if self.events.is_none() {
            return Ok(());
        }
        self.terminal.draw(paint).map(|_| ())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Sets the terminal's title, when it is another than before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        if self.title != title && self.events.is_some() {
            title.clone_into(&mut self.title);
            execute!(io::stdout(), SetTitle(title))?;
        }
        Ok(())
    }

    /// Rings the bell: a person is wanted.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn bell(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Print('\x07'))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Best effort: a terminal that is gone cannot be restored, and there is nobody to tell.
fn restore() {
    let mut out = io::stdout();
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show, SetTitle(""));
    let _ = disable_raw_mode();
    let _ = out.flush();
}

fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}
