//! The supervisor's own life.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process_group, setsid};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::feed::{self, Broken, Feed};
use super::files::{self, Draft, EXIT, Room, STARTED, VOID};
use super::output::{Channel, Keeper};
use super::{ChildId, Ended, Exit, Fed, Order, Ordered, READY, Started, Stopped};
use crate::ingest::Redactor;
use crate::machine::failpoint;

/// How long output is waited for that others hold open after the child has ended.
const LINGER: Duration = Duration::from_secs(2);
const CHUNK: usize = 64 * 1024;

/// `steady __attempt`: owns one child after the other, each to its end, until its console is gone.
///
/// Says on standard output how it gets on, for that console: `started PID` or `refused WHY`, then `ended`
/// when it stays with what the child left behind, or `ready` for the next order.
#[must_use]
pub fn serve() -> ExitCode {
    match attempts() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tell(&format!("refused {e}"));
            ExitCode::FAILURE
        }
    }
}

/// The console may be gone, and that is no reason to stop.
pub(super) fn tell(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

fn attempts() -> io::Result<()> {
    // Out of the terminal's reach: what runs here survives the console and its connection.
    setsid()?;
    // Secrets are in this memory.
    super::forbid_core_dumps()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut desk = Desk::open()?;
        while let Some(Ordered { dir, order }) = desk.next().await? {
            let Left { exit, streams } = attempt(&mut desk, &dir, order).await?;
            // With `exit.json` in place the attempt is over.
            tell(if streams.is_some() { "ended" } else { READY });
            // A disk that refuses this will refuse the console's journal too, which halts the run.
            let _ = exit.sync();
            if let Some(streams) = streams {
                // Something that the child left behind holds its output open, such as a server: it must
                // not die of a broken pipe.
                streams.drain_away().await;
                return Ok(());
            }
        }
        Ok(())
    })
}

/// What all attempts share.
struct Desk {
    orders: Orders,
    terminate: Signals,
    hangup: Signals,
    /// `None` before the first attempt, and when the last one needed it.
    room: Option<Room>,
}

impl Desk {
    fn open() -> io::Result<Self> {
        Ok(Self {
            orders: Orders::open()?,
            // Handlers are there before anybody can read whom to signal, so that no wish to stop is lost.
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            room: None,
        })
    }

    /// The next order; `None` when there is none to come.
    async fn next(&mut self) -> io::Result<Option<Ordered>> {
        tokio::select! {
            order = self.orders.next() => order,
            _ = self.terminate.recv() => Ok(None),
        }
    }

    /// Leaves `exit.json`, at the cost of the room when the disk is full. It is not durable yet.
    fn leave(&mut self, draft: &mut Draft, exit: &Exit) -> io::Result<()> {
        match draft.put(exit) {
            Err(e) if files::is_full(&e) && self.room.take().is_some() => draft.put(exit),
            other => other,
        }
    }
}

/// What the console says on standard input.
pub(super) struct Orders(BufReader<pipe::Receiver>);

impl Orders {
    pub(super) fn open() -> io::Result<Self> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self(BufReader::new(pipe::Receiver::from_owned_fd(stdin)?)))
    }

    /// The next one; `None` when the console is gone.
    pub(super) async fn next(&mut self) -> io::Result<Option<Ordered>> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(None);
        }
        // An order that ends early fails to parse: its console died, and nothing is started.
        Ok(Some(serde_json::from_slice(&line)?))
    }

    /// Returns when the console is gone.
    pub(super) async fn end(&mut self) {
        while let Ok(Some(_)) = self.next().await {}
    }
}

/// Takes an attempt's directory for its one child. The lock is held for as long as the file is open.
pub(super) fn claim(dir: &Path) -> io::Result<File> {
    let lock = files::lock_file(dir)?;
    lock.lock()?;
    if dir.join(VOID).exists() || dir.join(STARTED).exists() {
        return Err(io::Error::other("this attempt was started, or given up, before"));
    }
    failpoint::here("supervisor:before_started");
    Ok(lock)
}

/// Syncs `started.json`: from here on the child may have been there.
pub(super) fn start(dir: &Path) -> io::Result<Started> {
    let started = Started {
        supervisor: std::process::id(),
        boot: files::boot_id(),
        at: Utc::now(),
        child: None,
    };
    files::mark(dir, STARTED, &started)?;
    failpoint::here("supervisor:before_spawn");
    Ok(started)
}

/// What an attempt leaves.
struct Left {
    /// `exit.json`, which is there and not durable yet.
    exit: Draft,
    /// The streams that others hold open.
    streams: Option<Streams>,
}

/// Runs one child to its end and leaves `exit.json`.
async fn attempt(desk: &mut Desk, dir: &Path, order: Order) -> io::Result<Left> {
    // Held to the end of this attempt.
    let lock = claim(dir)?;
    let redactor = Redactor::default();
    for (name, value) in &order.secrets {
        redactor.register(name, value);
    }
    if desk.room.is_none() {
        desk.room = Some(Room::take(dir)?);
    }
    // Made before the sync of `started.json`, which takes them with it: when the child has ended nothing
    // has to be made any more.
    let mut keeper = Keeper::create(&order, &redactor)?;
    let mut draft = Draft::open(dir, EXIT)?;
    let started = start(dir)?;
    let (mut child, fed) = match spawn(&order, dir, &redactor) {
        Ok(spawned) => spawned,
        Err(message) => {
            let ended = Ended::NotStarted(redactor.clean(message));
            desk.leave(&mut draft, &exit(ended, None, keeper, started.at, Vec::new(), None))?;
            tell("ended");
            return Ok(Left { exit: draft, streams: None });
        }
    };
    let pid = child.id().unwrap_or_default();
    failpoint::here("supervisor:after_spawn");
    files::hold(&lock, ChildId { pid, start: files::start_time(pid) })?;
    tell(&format!("started {pid}"));

    let mut streams = Streams::of(&mut child);
    let mut end = End::new(pid, &order);
    let mut fed = Hearing { from: fed, broken: None, fed: None };
    let mut status = None;
    let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        tokio::select! {
            n = read(&mut streams.stdout, &mut out) => {
                keeper.push(Channel::Stdout, &out[..n]);
            }
            n = read(&mut streams.stderr, &mut err) => {
                keeper.push(Channel::Stderr, &err[..n]);
            }
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                end.child_is_gone();
            }
            _ = desk.terminate.recv() => end.stop(Stopped::Cancelled),
            _ = desk.hangup.recv() => {}
            message = fed.broken() => end.kill(Stopped::BadInput(message)),
            () = end.due() => end.act(),
        }
        if status.is_some() && (!streams.are_open() || end.gave_up) {
            break;
        }
    }
    let open = streams.are_open();
    let mut notes = Vec::new();
    if end.stopped.is_some() {
        end.signal(Signal::KILL);
    }
    if open {
        let note = match end.stopped {
            None => {
                "something it started still runs and holds its output open; what that prints from now on is \
                 not kept"
            }
            // Of its group nobody is left.
            Some(_) => {
                "something it started has left its process group, could not be stopped and still runs: look \
                 for it with `ps -e -o pid,sid,args`"
            }
        };
        notes.push(note.to_owned());
    }
    let fed = fed.over();
    failpoint::here("supervisor:before_exit");
    let ended = status.map_or(Ended::Signal(0), how);
    let stopped = end.stopped.map(|why| match why {
        Stopped::BadInput(message) => Stopped::BadInput(redactor.clean(message)),
        Stopped::Cancelled | Stopped::TimedOut | Stopped::ConsoleGone => why,
    });
    desk.leave(&mut draft, &exit(ended, stopped, keeper, started.at, notes, fed))?;
    failpoint::here("supervisor:after_exit");
    Ok(Left { exit: draft, streams: open.then_some(streams) })
}

fn exit(
    ended: Ended,
    stopped: Option<Stopped>,
    keeper: Keeper,
    started: DateTime<Utc>,
    notes: Vec<String>,
    fed: Option<Fed>,
) -> Exit {
    let finished = Utc::now();
    let taken = keeper.finish();
    Exit {
        ended,
        stopped,
        output: taken.output,
        stdout: taken.stdout,
        stderr: taken.stderr,
        stdout_cut: taken.stdout_cut,
        started,
        finished,
        notes,
        fed,
    }
}

fn how(status: ExitStatus) -> Ended {
    match status.code() {
        Some(code) => Ended::Code(code),
        None => Ended::Signal(status.signal().unwrap_or_default()),
    }
}

/// The program with its arguments, variables and directory.
pub(super) fn command(order: &Order) -> Result<std::process::Command, String> {
    let (program, args) = order.argv.split_first().ok_or("there is no program to run")?;
    let mut command = std::process::Command::new(found(program, order));
    command.arg0(program).args(args).envs(order.env.iter().map(|(k, v)| (k, v)));
    if let Some(cwd) = &order.cwd {
        if !cwd.is_dir() {
            return Err(format!("the working directory {} is not there", cwd.display()));
        }
        command.current_dir(cwd);
    }
    Ok(command)
}

/// Where a program is on the PATH: for the system to try one directory after the other takes longer. The
/// name itself when this cannot tell.
fn found(program: &str, order: &Order) -> PathBuf {
    let given = order.env.iter().rfind(|(name, _)| name == "PATH").map(|(_, path)| path.into());
    let path: OsString = given.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
    let is_there = |file: &PathBuf| {
        file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .take_while(|dir| dir.is_absolute() && !program.contains('/'))
        .map(|dir| dir.join(program))
        .find(is_there)
        .unwrap_or_else(|| PathBuf::from(program))
}

/// Why a program is not there, and what to do.
pub(super) fn not_spawned(order: &Order, e: &io::Error) -> String {
    let program = order.argv.first().map_or("", String::as_str);
    match e.kind() {
        io::ErrorKind::NotFound => {
            format!("`{program}` was not found: install it, or put it on the PATH")
        }
        io::ErrorKind::PermissionDenied => format!("`{program}` may not be executed: {e}"),
        _ => format!("`{program}` could not be started: {e}"),
    }
}

fn spawn(
    order: &Order,
    dir: &Path,
    redactor: &Redactor,
) -> Result<(Child, Option<feed::Outcome>), String> {
    let feed = Feed::open(&order.stdin, dir.to_owned(), redactor.clone())?;
    let mut command = Command::from(command(order)?);
    command
        .stdin(if feed.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|e| not_spawned(order, &e))?;
    let stdin = child.stdin.take().and_then(|stdin| stdin.into_owned_fd().ok());
    let fed = feed.zip(stdin).map(|(feed, stdin)| feed.start(stdin));
    Ok((child, fed))
}

/// What the child prints.
struct Streams {
    stdout: Option<tokio::process::ChildStdout>,
    stderr: Option<tokio::process::ChildStderr>,
}

impl Streams {
    fn of(child: &mut Child) -> Self {
        Self { stdout: child.stdout.take(), stderr: child.stderr.take() }
    }

    fn are_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some()
    }

    async fn drain_away(mut self) {
        let (mut out, mut err) = (vec![0; CHUNK], vec![0; CHUNK]);
        while self.are_open() {
            tokio::select! {
                _ = read(&mut self.stdout, &mut out) => {}
                _ = read(&mut self.stderr, &mut err) => {}
            }
        }
    }
}

/// Reads a stream; forgets it at its end, and is never ready after that.
async fn read<R: AsyncRead + Unpin>(stream: &mut Option<R>, chunk: &mut [u8]) -> usize {
    let Some(open) = stream else { return std::future::pending().await };
    let n = open.read(chunk).await.unwrap_or(0);
    if n == 0 {
        *stream = None;
    }
    n
}

/// Hears how the feeding went, once, and keeps the child's standard input open when its source broke.
struct Hearing {
    from: Option<feed::Outcome>,
    broken: Option<Broken>,
    fed: Option<Fed>,
}

impl Hearing {
    /// Why the source broke; never ready when it does not.
    async fn broken(&mut self) -> String {
        if let Some(from) = &mut self.from {
            let heard = from.await;
            self.from = None;
            match heard {
                Ok(Ok(fed)) => self.fed = Some(fed),
                Ok(Err(broken)) => {
                    let message = broken.message.clone();
                    self.broken = Some(broken);
                    return message;
                }
                Err(_) => {}
            }
        }
        std::future::pending().await
    }

    /// What was fed, now that the child is gone.
    fn over(mut self) -> Option<Fed> {
        let heard = self.from.as_mut().and_then(|from| from.try_recv().ok());
        heard.and_then(Result::ok).or(self.fed)
    }
}

/// How the child is brought to its end.
struct End {
    pid: u32,
    patience: Duration,
    stopped: Option<Stopped>,
    timeout_at: Option<Instant>,
    kill_at: Option<Instant>,
    give_up_at: Option<Instant>,
    gave_up: bool,
}

impl End {
    fn new(pid: u32, order: &Order) -> Self {
        Self {
            pid,
            patience: Duration::from_millis(order.patience_ms),
            stopped: None,
            timeout_at: order.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms)),
            kill_at: None,
            give_up_at: None,
            gave_up: false,
        }
    }

    fn stop(&mut self, why: Stopped) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            self.signal(Signal::TERM);
            // Who is stopped hears nothing.
            self.signal(Signal::CONT);
            self.kill_at = Some(Instant::now() + self.patience);
        }
    }

    fn kill(&mut self, why: Stopped) {
        self.stopped.get_or_insert(why);
        self.signal(Signal::KILL);
    }

    /// What is left of the group is given as long as it has to end, and a little longer.
    fn child_is_gone(&mut self) {
        self.timeout_at = None;
        self.give_up_at = Some(self.kill_at.unwrap_or_else(Instant::now) + LINGER);
    }

    async fn due(&self) {
        match [self.timeout_at, self.kill_at, self.give_up_at].into_iter().flatten().min() {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn act(&mut self) {
        let now = Instant::now();
        let past = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        if past(&mut self.timeout_at) {
            self.stop(Stopped::TimedOut);
        }
        if past(&mut self.kill_at) {
            self.signal(Signal::KILL);
        }
        if past(&mut self.give_up_at) {
            self.gave_up = true;
        }
    }

    fn signal(&self, signal: Signal) {
        // There is nobody left to signal when this fails.
        if let Some(group) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }
}
