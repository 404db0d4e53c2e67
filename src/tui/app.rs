//! The one loop of the screen: waits for a key, news of the run, a signal or the next second, tells
//! the app, draws.

use std::future::Future;
use std::io;
use std::time::Duration;

use crossterm::event::{Event, KeyEvent};
use ratatui::Frame;
use ratatui::layout::Size;
use rustix::process::{Signal as ProcessSignal, getpid, getppid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use super::terminal::{self, SMALLEST, Screen};
use super::theme::Theme;
use crate::driver::Loan;
use crate::engine::Stamp;
use crate::machine::process::Process;

/// News of the run are drawn at most so often: a flood of output must not cost key presses.
const REDRAW: Duration = Duration::from_millis(40);

/// How often a console in the background looks whether it is in front again: no signal says so.
const BACKGROUND: Duration = Duration::from_millis(200);

/// What an app is told.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key.
    Key(KeyEvent),
    /// Pasted text.
    Paste(String),
    /// What the app watches has changed.
    News,
    /// Time has passed, or the size has changed.
    Tick,
    /// The process was told to go: the signal's name, or that the terminal is gone.
    Quit(String),
}

/// What an app waits for.
#[derive(Debug)]
pub enum News {
    /// What it watches has changed.
    Changed,
    /// The terminal is asked for.
    Wanted(Loan),
}

/// What the loop does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Flow<D> {
    /// Goes on.
    On,
    /// Goes on, and calls the person.
    Bell,
    /// Ends.
    Done(D),
}

/// A full-screen conversation: its state changes by messages alone, its frame is a function of its
/// state and the time.
pub trait App {
    /// What it ends with.
    type Done;
    /// Takes a message.
    fn update(&mut self, message: Message, now: &Stamp) -> Flow<Self::Done>;
    /// The size of the screen, before each frame.
    fn resized(&mut self, _size: Size) {}
    /// Paints the whole frame; the area is never smaller than [`SMALLEST`].
    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, now: &Stamp);
    /// The terminal's title.
    fn title(&self) -> String;
    /// When, besides each second, it wants a [`Message::Tick`].
    fn wake(&self, _now: &Stamp) -> Option<Duration> {
        None
    }
    /// Ends when there are some.
    fn news(&mut self) -> impl Future<Output = News> {
        std::future::pending()
    }
    /// This process is about to be stopped, or goes on after it was: ends when that is on record.
    fn stopped(&mut self, _signal: &'static str) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// Runs an app until it is done.
///
/// # Errors
/// When signals cannot be waited for.
pub async fn run<A: App>(
    screen: &mut Screen,
    theme: &Theme,
    app: &mut A,
    clock: impl Fn() -> Stamp,
) -> io::Result<A::Done> {
    let mut signals = Signals::new()?;
    let mut told = Instant::now();
    let mut gone = None;
    loop {
        let now = clock();
        let mut size = screen.size().unwrap_or_default();
        app.resized(size);
        let painted = screen.title(&app.title()).and_then(|()| {
            screen.draw(|frame| {
                // What was drawn counts: the size may have changed since it was asked for.
                size = frame.area().as_size();
                if too_small(size) {
                    super::frame::too_small(frame);
                } else {
                    app.draw(frame, theme, &now);
                }
            })
        });
        if let Err(error) = painted {
            gone = Some(format!("the terminal is gone: {error}"));
        }
        let message = match gone.take() {
            Some(reason) => Message::Quit(reason),
            None => {
                let wake = app.wake(&now).unwrap_or(Duration::MAX).min(until_next_second(&now));
                let news = async {
                    sleep_until(told + REDRAW).await;
                    app.news().await
                };
                tokio::select! {
                    biased;
                    told = signals.next() => match told {
                        Told::End(signal) => Message::Quit(signal.to_owned()),
                        Told::Stop => stop(screen, app, &mut signals).await,
                        // Stopped by what no process hears of: somebody else had the terminal.
                        Told::GoOn => {
                            screen.release();
                            come_back(screen, &mut signals).await
                        }
                    },
                    // Rarer than keys may come: a key that is held must not keep what it changes from being seen.
                    news = news => {
                        told = Instant::now();
                        match news {
                            News::Changed => Message::News,
                            News::Wanted(loan) => lend(screen, loan, &mut signals).await,
                        }
                    }
                    event = screen.event() => match event {
                        Ok(Event::Key(key)) => Message::Key(key),
                        Ok(Event::Paste(text)) => Message::Paste(text),
                        Ok(_) => Message::Tick,
                        Err(e) => Message::Quit(format!("the terminal is gone: {e}")),
                    },
                    () = sleep(wake) => Message::Tick,
                }
            }
        };
        // What cannot be seen cannot be meant.
        let blind = too_small(size) && matches!(message, Message::Key(_) | Message::Paste(_));
        let message = if blind { Message::Tick } else { message };
        match app.update(message, &clock()) {
            Flow::On => {}
            Flow::Bell => {
                if let Err(error) = screen.bell() {
                    gone = Some(format!("the terminal is gone: {error}"));
                }
            }
            Flow::Done(done) => return Ok(done),
        }
    }
}

/// Gives the terminal away until it is wanted no more. A console that is told to go meanwhile does not take
/// it again: it is not in its foreground.
async fn lend(screen: &mut Screen, loan: Loan, signals: &mut Signals) -> Message {
    screen.release();
    // Who asked may have gone: then it is back at once.
    let _ = loan.lent.send(());
    tokio::select! {
        signal = signals.end() => Message::Quit(signal.to_owned()),
        _ = loan.back => match screen.retake() {
            Ok(()) => Message::News,
            Err(error) => Message::Quit(format!("the terminal is gone: {error}")),
        },
    }
}

/// `Ctrl-Z` from outside: gives the terminal back, stops, and takes it again when this process is told to go
/// on in the foreground. The work of the run is not stopped: its children are elsewhere.
async fn stop<A: App>(screen: &mut Screen, app: &mut A, signals: &mut Signals) -> Message {
    // Without a shell that could make it go on, a stopped console would be a lost one.
    if !has_a_shell() {
        return Message::Tick;
    }
    app.stopped("SIGTSTP").await;
    screen.release();
    if let Err(e) = kill_process(getpid(), ProcessSignal::STOP) {
        return Message::Quit(format!("it cannot be stopped: {e}"));
    }
    // The process may run on for a moment: only this says that it was stopped and goes on.
    signals.go_on.recv().await;
    app.stopped("SIGCONT").await;
    come_back(screen, signals).await
}

/// Takes the terminal again as soon as it is this process's to take: a shell may have let it go on in the
/// background.
async fn come_back(screen: &mut Screen, signals: &mut Signals) -> Message {
    while !terminal::is_foreground() {
        tokio::select! {
            signal = signals.end() => return Message::Quit(signal.to_owned()),
            () = sleep(BACKGROUND) => {}
        }
    }
    match screen.retake() {
        Ok(()) => Message::News,
        Err(error) => Message::Quit(format!("the terminal is gone: {error}")),
    }
}

/// Whether whoever started this process is in its session, and so may make it go on.
fn has_a_shell() -> bool {
    let parent = getppid().and_then(|pid| Process::of(pid.as_raw_nonzero().get().unsigned_abs()));
    Process::own().zip(parent).is_some_and(|(own, parent)| own.shares_session(parent))
}

fn too_small(size: Size) -> bool {
    size.width < SMALLEST.0 || size.height < SMALLEST.1
}

/// Clocks on screen turn when the wall clock does.
fn until_next_second(now: &Stamp) -> Duration {
    Duration::from_millis(1000 - u64::from(now.at.timestamp_subsec_millis()).min(999))
}

/// The signals that a console heeds.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    stop: Signal,
    go_on: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(ProcessSignal::TSTP.as_raw()))?,
            go_on: signal(SignalKind::from_raw(ProcessSignal::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.hangup.recv() => Told::End("SIGHUP"),
            _ = self.terminate.recv() => Told::End("SIGTERM"),
            _ = self.interrupt.recv() => Told::End("SIGINT"),
            _ = self.quit.recv() => Told::End("SIGQUIT"),
            _ = self.stop.recv() => Told::Stop,
            _ = self.go_on.recv() => Told::GoOn,
        }
    }

    /// It is told to go: the signal's name. Nothing else is heeded now.
    async fn end(&mut self) -> &'static str {
        loop {
            if let Told::End(signal) = self.next().await {
                return signal;
            }
        }
    }
}

/// What a signal means.
enum Told {
    /// The console ends; the signal's name.
    End(&'static str),
    /// It stops until it is told to go on.
    Stop,
    /// It was stopped.
    GoOn,
}
