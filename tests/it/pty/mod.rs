//! The real binary on a pseudo-terminal, driven by keys alone. A test waits for what is on screen or in
//! the journal, with a deadline, never for time to pass.

mod approvals;
mod aurora;
mod canary;
mod catalogue;
mod console;
mod demo;
mod drill;
mod keys;
mod live;
mod logical;
mod postgres;
mod rabbitmq;
mod region;
mod rehearsal;
mod rules;
mod s3;
mod secret;
mod share;
mod targets;
mod terminal;
mod trust;
mod tty;
mod vault;
mod walk;

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{Termios, tcgetattr};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use serde_json::Value as Json;

/// Nothing that a test waits for takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with `steady` in it.
pub struct Terminal {
    parser: vt100::Parser,
    bytes: Receiver<Vec<u8>>,
    keys: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    exited: Option<ExitStatus>,
    /// Everything that was written, for what no screen keeps: titles, the bell, modes.
    raw: Vec<u8>,
    line: &'static Line,
    /// The frames that were drawn whole and not yet taken; `None` when nobody wants them.
    frames: Option<Vec<String>>,
    /// How much of `raw` the parser has.
    parsed: usize,
}

/// What happens to the line that the terminal is at the end of.
#[derive(Default)]
struct Line {
    /// Held while nobody reads what is written.
    awake: Mutex<()>,
    cut: AtomicBool,
}

/// The end of a frame: the cursor is hidden, or shown where somebody types.
const FRAME_ENDS: [&[u8]; 2] = [b"\x1b[?25l", b"\x1b[?25h"];

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a screen has a size")
}

impl Terminal {
    /// Starts `steady` with these arguments in `dir`, where its runs are kept too.
    pub fn steady(dir: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Self {
        Self::sized(dir, arguments, env, (80, 24))
    }

    /// The same on a screen of so many columns and rows.
    pub fn sized(dir: &Path, arguments: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::program(dir, env!("CARGO_BIN_EXE_steady"), arguments, env, size)
    }

    /// Any program, as the others start `steady`.
    pub fn program(
        dir: &Path,
        program: &str,
        arguments: &[&str],
        env: &[(&str, &str)],
        (columns, rows): (u16, u16),
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(dir);
        for name in ["NO_COLOR", "STEADYHAND_SETTINGS"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("STEADYHAND_RUNS", runs(dir));
        command.env("XDG_CONFIG_HOME", dir.join("config"));
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("steady starts");
        // Our end of the slave must go, or the reader never sees the end.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let keys = pair.master.take_writer().expect("a writer");
        let (sender, bytes) = channel();
        let line: &'static Line = Box::leak(Box::default());
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                drop(line.awake.lock());
                let sent = sender.send(buffer[..n].to_vec());
                if sent.is_err() || line.cut.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        Self {
            parser: vt100::Parser::new(nonzero(rows), nonzero(columns), 0),
            bytes,
            keys: Some(keys),
            master: Some(pair.master),
            child,
            exited: None,
            raw: Vec::new(),
            line,
            frames: None,
            parsed: 0,
        }
    }

    /// Keeps every frame that is drawn whole, for [`Self::frames`]; what a screen shows in between is not looked at.
    pub fn keeping_frames(mut self) -> Self {
        self.frames = Some(Vec::new());
        self
    }

    /// The frames since this was asked last.
    pub fn frames(&mut self) -> Vec<String> {
        self.frames.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// What is on screen.
    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// The cells, for a picture.
    pub fn cells(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Everything that was ever written.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    fn absorb(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        while self.frames.is_some()
            && let new = &self.raw[self.parsed..]
            && let Some(end) = new.windows(6).position(|at| FRAME_ENDS.contains(&at))
        {
            self.parser.process(&new[..end + 6]);
            self.parsed += end + 6;
            let frame = self.screen();
            self.frames.iter_mut().for_each(|frames| frames.push(frame.clone()));
        }
        if self.frames.is_none() {
            self.parser.process(bytes);
        }
    }

    /// Takes in what has been written, waiting for a moment when there is nothing; whether more may come.
    pub fn take_in(&mut self) -> bool {
        match self.bytes.recv_timeout(Duration::from_millis(20)) {
            Ok(bytes) => {
                self.absorb(&bytes);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Takes in the rest of a frame: a screen is looked at only when nothing more of it is on its way.
    fn rest(&mut self) {
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(20)) {
            self.absorb(&bytes);
        }
    }

    /// Waits until the screen, drawn whole, is as `good` says.
    pub fn wait_for(&mut self, what: &str, good: impl Fn(&str) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if good(&self.screen()) {
                self.rest();
                if good(&self.screen()) {
                    return self;
                }
            }
            let open = self.take_in();
            assert!(
                open || good(&self.screen()),
                "steady ended while {what} was waited for:\n{}",
                self.screen()
            );
            assert!(Instant::now() < deadline, "no {what} on screen:\n{}", self.screen());
        }
    }

    /// Waits for a text on screen.
    pub fn wait_text(&mut self, text: &str) -> &mut Self {
        self.wait_for(text, |screen| screen.contains(text))
    }

    /// Waits until what was ever written is as `good` says.
    pub fn wait_raw(&mut self, what: &str, good: impl Fn(&str) -> bool) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !good(&self.raw()) {
            self.take_in();
            assert!(Instant::now() < deadline, "{what} was never written:\n{}", self.screen());
        }
        self
    }

    /// Waits until a record of the only run is as `good` says.
    pub fn wait_record(
        &mut self,
        dir: &Path,
        what: &str,
        good: impl Fn(&Json) -> bool,
    ) -> &mut Self {
        let deadline = Instant::now() + PATIENCE;
        while !records(dir).iter().any(&good) {
            self.take_in();
            assert!(Instant::now() < deadline, "no record {what}; screen:\n{}", self.screen());
        }
        self
    }

    /// Presses keys: `text` is sent as it is.
    pub fn press(&mut self, text: &str) -> &mut Self {
        self.press_bytes(text.as_bytes())
    }

    /// What no keyboard sends.
    pub fn press_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let keys = self.keys.as_mut().expect("the terminal is open");
        keys.write_all(bytes).expect("keys can be pressed");
        keys.flush().expect("keys can be pressed");
        self
    }

    /// The same, of a console that may be gone by now.
    pub fn press_if_open(&mut self, text: &str) {
        let keys = self.keys.as_mut().expect("the terminal is open");
        let _ = keys.write_all(text.as_bytes()).and_then(|()| keys.flush());
    }

    /// Presses `y` once the console says that it takes it.
    pub fn confirm(&mut self) -> &mut Self {
        self.wait_text("Press y to run exactly this.").press("y")
    }

    /// Types the phrase into the guard and presses `Enter`.
    pub fn type_phrase(&mut self, phrase: &str) -> &mut Self {
        self.wait_text("and Enter:").press(phrase);
        let typed = format!("and Enter: {phrase}");
        self.wait_text(&typed).press(ENTER)
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) -> &mut Self {
        let master = self.master.as_ref().expect("the terminal is open");
        master.resize(size(columns, rows)).expect("a terminal can be resized");
        self.parser.set_size(nonzero(rows), nonzero(columns));
        self
    }

    /// The terminal by its name, for a look at it from outside.
    pub fn tty(&self) -> OwnedFd {
        let name = self.master.as_ref().and_then(|master| master.tty_name()).expect("a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        rustix::fs::open(name, flags, Mode::empty()).expect("the terminal can be opened")
    }

    /// How the terminal treats what is typed and printed.
    pub fn modes(&self) -> Termios {
        tcgetattr(self.tty()).expect("a terminal has modes")
    }

    /// Nothing of what is written is read until the guard is dropped.
    pub fn stop_reading(&self) -> MutexGuard<'static, ()> {
        self.line.awake.lock().expect("nobody has panicked with it")
    }

    /// The other end goes away: the line is cut.
    pub fn cut(&mut self) -> &mut Self {
        self.keys = None;
        self.master = None;
        // With the next frame.
        self.line.cut.store(true, Ordering::SeqCst);
        self
    }

    /// Sends a signal to the console alone.
    pub fn signal(&mut self, signal: rustix::process::Signal) -> &mut Self {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("a signal can be sent");
        self
    }

    /// Waits for the end, and tells the exit status.
    pub fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let open = self.take_in();
            if let Some(status) = self.child.try_wait().expect("steady can be waited for") {
                while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(50)) {
                    self.absorb(&bytes);
                }
                self.exited = Some(status.clone());
                return status;
            }
            if !open {
                thread::yield_now();
            }
            assert!(Instant::now() < deadline, "steady does not end:\n{}", self.screen());
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.exited.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The `Enter` key.
pub const ENTER: &str = "\r";
/// The `Esc` key.
pub const ESC: &str = "\x1b";

/// Where the runs of a test are kept.
pub fn runs(dir: &Path) -> PathBuf {
    dir.join("runs")
}

/// The directory of the only run.
pub fn run_dir(dir: &Path) -> Option<PathBuf> {
    let found = std::fs::read_dir(runs(dir)).ok()?.filter_map(Result::ok);
    // A run that is being made has another name.
    let mut whole = found.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    whole.find(|entry| entry.path().join("journal.jsonl").exists()).map(|entry| entry.path())
}

/// The records of the only run, as far as they are whole.
pub fn records(dir: &Path) -> Vec<Json> {
    let Some(run) = run_dir(dir) else { return Vec::new() };
    let text = std::fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether a record is of this type, and of this step.
pub fn is(record: &Json, kind: &str, step: &str) -> bool {
    record["type"] == kind && (step.is_empty() || record["step"] == step)
}
