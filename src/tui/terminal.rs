//! The terminal while it is ours: raw mode, the alternate screen, pasted text in brackets. Dropping
//! the guard gives it back, and so does a panic of the thread that holds it.
//!
//! What is typed is read and decoded here and not by crossterm, whose readers leave keys lying that come at
//! the same moment as a change of size, wait inside half a sequence, and spin when the terminal is gone.
//! What is drawn goes out as the terminal takes it: see [`device`].

mod decode;
mod device;
mod paper;

use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, Event};
use crossterm::style::{Print, ResetColor};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType};
use ratatui::layout::Size;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use self::decode::Decoder;
use self::device::Device;
pub use self::device::is_foreground;
use self::paper::Paper;

/// The smallest screen that everything fits on, columns by rows.
pub const SMALLEST: (u16, u16) = (80, 24);

/// After so long a lone ESC is the Esc key. What belongs together comes together, even over a bad line.
const SILENCE: Duration = Duration::from_millis(50);
/// How long a terminal that takes nothing is waited for when it is given back.
const PATIENCE: Duration = Duration::from_millis(500);

/// The title and the icon's name, put aside and fetched again by the terminals that can.
const KEEP_TITLE: Print<&str> = Print("\x1b[22;0t");
const OLD_TITLE: Print<&str> = Print("\x1b[23;0t");
/// Arrows and keypad as they are by default, whatever a program left that had the terminal.
const PLAIN_KEYS: Print<&str> = Print("\x1b[?1l\x1b>");

/// The terminal, held.
pub struct Screen {
    terminal: Terminal<Paper>,
    title: String,
    /// `None` while somebody else has the terminal.
    device: Option<Device>,
    resized: Signal,
    decoder: Decoder,
    typed: VecDeque<Event>,
    /// When what was typed last is no longer waited to become more.
    silent_at: Instant,
}

/// Why there is no screen.
#[derive(Debug, thiserror::Error)]
pub enum NoScreen {
    /// Standard input or output is a pipe or a file.
    #[error("this needs a terminal: standard input and output must both be one")]
    NotATerminal,
    /// It can show lines and nothing else.
    #[error(
        "this terminal cannot show a screen (TERM is `dumb`): use another, or say what it is, such as \
         TERM=xterm"
    )]
    Dumb,
    /// The terminal did not take it.
    #[error("the terminal could not be set up: {0}")]
    Setup(#[from] io::Error),
}

/// Whether there is a terminal that can show a screen.
///
/// # Errors
/// Why there is none.
pub fn possible() -> Result<(), NoScreen> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        Err(NoScreen::NotATerminal)
    } else if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        Err(NoScreen::Dumb)
    } else {
        Ok(())
    }
}

impl Screen {
    /// Takes the terminal. Only where a runtime is.
    ///
    /// # Errors
    /// [`NoScreen`] when there is none or it refuses.
    pub fn take() -> Result<Self, NoScreen> {
        possible()?;
        let mut screen = Self {
            terminal: Terminal::new(Paper::new(Size::ZERO))?,
            title: String::new(),
            device: None,
            resized: signal(SignalKind::window_change())?,
            decoder: Decoder::default(),
            typed: VecDeque::new(),
            silent_at: Instant::now(),
        };
        screen.begin()?;
        Ok(screen)
    }

    fn begin(&mut self) -> io::Result<()> {
        let mut device = Device::open()?;
        // From here on an error gives the terminal back, when this is dropped.
        hold(Some(thread::current().id()));
        enable_raw_mode()?;
        let mut bytes = Vec::new();
        queue!(
            bytes,
            KEEP_TITLE,
            EnterAlternateScreen,
            DisableMouseCapture,
            PLAIN_KEYS,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        let written = device.write(&bytes);
        self.device = Some(device);
        written?;
        self.terminal.backend_mut().clear_region(ClearType::All)
    }

    /// Gives the terminal back as it was, for somebody else to use. Whether it took everything.
    pub fn release(&mut self) -> bool {
        let Some(device) = self.device.take() else { return true };
        // Nothing that is typed from now on is ours, nor is half of something.
        self.decoder = Decoder::default();
        self.typed.clear();
        self.title.clear();
        // After a panic it has been given back already.
        hold(None).is_none() || give_back(|bytes| device.finish(bytes, PATIENCE))
    }

    /// Takes it again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn retake(&mut self) -> io::Result<()> {
        // Modes that somebody else has set meanwhile are not ours to keep.
        disable_raw_mode()?;
        self.terminal.backend_mut().take();
        self.begin()?;
        // The next frame is drawn whole, whatever was there.
        self.terminal.swap_buffers();
        Ok(())
    }

    /// The next key, paste or change of size, or that the terminal takes a frame again. While it takes none,
    /// keys stay where they are: who cannot see cannot mean.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn event(&mut self) -> io::Result<Event> {
        loop {
            let Some(device) = &mut self.device else { return std::future::pending().await };
            if device.is_full() {
                device.send().await?;
                return device.size().map(resized);
            }
            if let Some(event) = self.typed.pop_front() {
                return Ok(event);
            }
            tokio::select! {
                _ = self.resized.recv() => return device.size().map(resized),
                bytes = device.read() => {
                    self.decoder.push(&bytes?, &mut self.typed);
                    self.silent_at = Instant::now() + SILENCE;
                }
                () = sleep_until(self.silent_at), if self.decoder.waits() => {
                    self.decoder.silence(&mut self.typed);
                }
            }
        }
    }

    /// Draws one frame; nothing while somebody else has the terminal, or it has not taken the last one.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, paint: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        let Some(device) = self.device.as_mut().filter(|device| !device.is_full()) else {
            return Ok(());
        };
        self.terminal.backend_mut().resize(device.size()?);
        self.terminal.draw(paint)?;
        device.write(&self.terminal.backend_mut().take())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn size(&self) -> io::Result<Size> {
        match &self.device {
            Some(device) => device.size(),
            None => self.terminal.size(),
        }
    }

    /// Sets the terminal's title, when it is another than before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn title(&mut self, title: &str) -> io::Result<()> {
        if self.title != title && self.say(SetTitle(title))? {
            title.clone_into(&mut self.title);
        }
        Ok(())
    }

    /// Rings the bell: a person is wanted.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn bell(&mut self) -> io::Result<()> {
        self.say(Print('\x07')).map(|_| ())
    }

    /// Whether it could be said: not while the terminal is somebody else's, or full.
    fn say(&mut self, command: impl crossterm::Command) -> io::Result<bool> {
        let Some(device) = self.device.as_mut().filter(|device| !device.is_full()) else {
            return Ok(false);
        };
        let mut bytes = Vec::new();
        queue!(bytes, command)?;
        device.write(&bytes).map(|()| true)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.release();
    }
}

fn resized(size: Size) -> Event {
    Event::Resize(size.width, size.height)
}

/// Best effort: a terminal that is gone cannot be restored. One that is somebody else's now is left alone.
fn give_back(say: impl FnOnce(&[u8]) -> bool) -> bool {
    if !is_foreground() {
        return false;
    }
    let mut bytes = Vec::new();
    let queued = queue!(
        bytes,
        ResetColor,
        DisableBracketedPaste,
        DisableMouseCapture,
        PLAIN_KEYS,
        LeaveAlternateScreen,
        cursor::Show,
        SetTitle(""),
        OLD_TITLE
    );
    let said = queued.is_ok() && say(&bytes);
    disable_raw_mode().is_ok() && said
}

/// The thread that holds the terminal.
static HOLDER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Sets who holds it, and says who did.
fn hold(thread: Option<ThreadId>) -> Option<ThreadId> {
    std::mem::replace(&mut *HOLDER.lock().unwrap_or_else(PoisonError::into_inner), thread)
}

/// For the hook of a panic: whether what it has to say may be printed now. When the thread that holds the
/// terminal panics, it is given back first; another's is no reason to take the screen from its person.
pub fn on_panic() -> bool {
    let holder = *HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    match holder {
        None => true,
        Some(holder) if holder == thread::current().id() => {
            hold(None);
            give_back(|bytes| device::last_word(bytes, PATIENCE));
            true
        }
        Some(_) => false,
    }
}
