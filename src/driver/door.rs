//! The door of a run: a local socket where those come who may approve, from terminals of their own. The kernel
//! tells who they are. It is there for as long as somebody is to be heard, and whatever comes through it is
//! small, waits for nobody and harms nothing.
//!
//! The run directory is its operator's alone, so that the socket has a name without a file; whoever takes that
//! name first keeps it, which is said, and then a signature is the way.

use std::collections::BTreeMap;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::engine::event::Pins;
use crate::runbook::StepId;
use crate::signing::Judged;

/// Most that is read of an answer, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// Most that a visitor reads of what is asked, in bytes.
pub const LONGEST_BOARD: u64 = 4 * 1024 * 1024;
/// A visitor has read what is asked by then.
const READING: Duration = Duration::from_secs(10);
/// A visitor has decided by then.
const DECIDING: Duration = Duration::from_secs(30 * 60);
/// The run has taken an answer by then.
pub const TAKING: Duration = Duration::from_secs(60);
/// Visitors at a time, and of one user among them.
const VISITORS: usize = 32;
const OF_ONE_USER: usize = 4;

/// What those see who come to the door.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// The run's id.
    pub run: String,
    /// The runbook's title.
    pub runbook: String,
    /// `live`, `drill`, `rehearsal`.
    pub mode: String,
    /// The environment's name.
    pub environment: Option<String>,
    /// What somebody is to be heard about.
    pub asked: Vec<Asked>,
}

impl Board {
    /// What a user may see of it: requests are shown to those who may approve them. Others learn that they may
    /// not, and can bring a signature.
    fn seen_by(self, user: &str) -> Self {
        let asked = self.asked.into_iter().map(|one| match one.is_for(user) {
            true => one,
            false => Asked {
                operator: String::new(),
                title: String::new(),
                request: Json::Null,
                target: Pins::new(),
                text: String::new(),
                broken: None,
                ..one
            },
        });
        Self { asked: asked.collect(), ..self }
    }
}

impl Asked {
    /// Whether this user may answer it.
    #[must_use]
    pub fn is_for(&self, user: &str) -> bool {
        self.by.iter().any(|name| name == user)
    }
}

/// One request for approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The record that asks.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The operator.
    pub operator: String,
    /// The step.
    pub step: StepId,
    /// Its title.
    pub title: String,
    /// The number of the attempt to come.
    pub attempt: u32,
    /// The request, secrets masked.
    pub request: Json,
    /// SHA-256 of it: what is approved.
    pub digest: String,
    /// The proven identity of its target.
    pub target: Pins,
    /// The text that a signature would be over.
    pub text: String,
    /// Who may approve.
    pub by: Vec<String>,
    /// How many of them must.
    pub count: u32,
    /// Who has.
    pub granted: Vec<String>,
    /// Why the operator went on without.
    pub broken: Option<String>,
}

/// What a visitor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// Approves.
    Approve {
        /// The record that asks.
        asked: u64,
        /// SHA-256 of the request that was seen.
        request: String,
    },
    /// Declines.
    Refuse {
        /// The record that asks.
        asked: u64,
        /// SHA-256 of the request that was seen.
        request: String,
        /// Why.
        reason: String,
    },
    /// Brings a signature.
    Signature {
        /// As `ssh-keygen -Y sign` writes it.
        armoured: String,
    },
}

/// What a visitor is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// It is in the record as what it was meant to be.
    pub taken: bool,
    /// One line.
    pub said: String,
}

/// Something that came through the door, or was judged for it.
pub(super) struct Brought {
    pub(super) what: What,
    /// Where it is answered; otherwise on the screen.
    pub(super) reply: Option<oneshot::Sender<Reply>>,
}

pub(super) enum What {
    /// A local user says something.
    Said { uid: u32, user: String, answer: Answer },
    /// A signature was judged: over the request of which record, and the name and key or why not.
    Judged { armoured: String, asked: Option<u64>, judged: Judged },
}

/// How those who approve can be heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Nobody is waited for.
    #[default]
    Shut,
    /// `steady approve RUN`, on this host.
    Open,
    /// By a signature alone, and why.
    Blocked(String),
}

/// See the module.
pub(super) struct Door {
    hearing: Hearing,
    listener: Option<JoinHandle<()>>,
    board: watch::Sender<Board>,
    ours: mpsc::Sender<Brought>,
    brought: mpsc::Receiver<Brought>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

impl Door {
    pub(super) fn new() -> Self {
        let (ours, brought) = mpsc::channel(VISITORS);
        let board = watch::Sender::new(Board::default());
        Self { hearing: Hearing::Shut, listener: None, board, ours, brought }
    }

    pub(super) fn hearing(&self) -> Hearing {
        self.hearing.clone()
    }

    /// Opens, where it is not open, and posts what is asked.
    pub(super) fn open(&mut self, board: Board) {
        if self.listener.is_none() {
            match listen(&board.run) {
                Ok(listener) => {
                    let (posted, ours) = (self.board.subscribe(), self.ours.clone());
                    self.listener = Some(tokio::spawn(receive(listener, posted, ours)));
                    self.hearing = Hearing::Open;
                }
                Err(why) => self.hearing = Hearing::Blocked(why),
            }
        }
        self.board.send_replace(board);
    }

    /// Nobody is waited for any more. Who has come already is told so.
    pub(super) fn close(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        self.hearing = Hearing::Shut;
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Brought {
        match self.brought.recv().await {
            Some(brought) => brought,
            // Cannot be: this end is held here.
            None => std::future::pending().await,
        }
    }

    /// Where something that was judged is brought.
    pub(super) fn way_in(&self) -> mpsc::Sender<Brought> {
        self.ours.clone()
    }
}

fn address(run: &str) -> std::io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("steadyhand-approve-{run}"))
}

fn listen(run: &str) -> Result<UnixListener, String> {
    let bound = address(run).and_then(|address| {
        let listener = StdListener::bind_addr(&address)?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    });
    bound.map_err(|e| match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process of this host has taken the name that approvers come to".to_owned()
        }
        _ => format!("no local socket: {e}"),
    })
}

/// Comes to the door of a run, if it is open.
///
/// # Errors
/// When it is not.
pub fn visit(run: &str) -> std::io::Result<UnixStream> {
    let stream = StdStream::connect_addr(&address(run)?)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

async fn receive(
    listener: UnixListener,
    board: watch::Receiver<Board>,
    ours: mpsc::Sender<Brought>,
) {
    let inside: Inside = Arc::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, perhaps: there will be some again.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(uid) = stream.peer_cred().map(|peer| peer.uid()) else { continue };
        // Whoever finds no room is hung up on and may come again.
        if let Some(seat) = Seat::take(&inside, uid) {
            tokio::spawn(serve(stream, uid, board.clone(), ours.clone(), seat));
        }
    }
}

type Inside = Arc<Mutex<BTreeMap<u32, usize>>>;

/// A place inside the door; given back when it is dropped.
struct Seat {
    inside: Inside,
    uid: u32,
}

impl Seat {
    fn take(inside: &Inside, uid: u32) -> Option<Self> {
        let mut by_user = inside.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = by_user.get(&uid).copied().unwrap_or_default();
        if mine >= OF_ONE_USER || by_user.values().sum::<usize>() >= VISITORS {
            return None;
        }
        by_user.insert(uid, mine + 1);
        drop(by_user);
        Some(Self { inside: inside.clone(), uid })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut by_user = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = by_user.get_mut(&self.uid) {
            *mine = mine.saturating_sub(1);
        }
    }
}

/// One visitor. What goes wrong concerns nobody else.
async fn serve(
    stream: UnixStream,
    uid: u32,
    board: watch::Receiver<Board>,
    ours: mpsc::Sender<Brought>,
    _seat: Seat,
) {
    let user = user_of(uid).await;
    let (read, mut write) = stream.into_split();
    let ours_too = uid == rustix::process::getuid().as_raw();
    let board = board.borrow().clone();
    let board = if ours_too { board } else { board.seen_by(&user) };
    if !matches!(timeout(READING, say(&mut write, &board)).await, Ok(Ok(()))) {
        return;
    }
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST_ANSWER));
    match timeout(DECIDING, read.read_line(&mut line)).await {
        Ok(Ok(1..)) => {}
        Ok(Ok(0) | Err(_)) | Err(_) => return,
    }
    let reply = match serde_json::from_str(&line) {
        Ok(answer) => {
            let (reply, answered) = oneshot::channel();
            let what = What::Said { uid, user, answer };
            let gone = || Reply { taken: false, said: "the console is gone".into() };
            match ours.send(Brought { what, reply: Some(reply) }).await {
                Ok(()) => match timeout(TAKING, answered).await {
                    Ok(Ok(reply)) => reply,
                    Ok(Err(_)) | Err(_) => gone(),
                },
                Err(_) => gone(),
            }
        }
        Err(e) => Reply { taken: false, said: format!("that is no answer: {e}") },
    };
    let _ = timeout(READING, say(&mut write, &reply)).await;
}

/// Writes one line of JSON.
///
/// # Errors
/// When nobody reads it.
pub async fn say(
    to: &mut (impl AsyncWriteExt + Unpin),
    what: &impl Serialize,
) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

/// The name of a user of this host, as the name services tell it; `uid-1001` when nobody knows.
pub async fn user_of(uid: u32) -> String {
    let mut asked = Command::new("getent");
    asked.args(["passwd", &uid.to_string()]).stdin(std::process::Stdio::null()).kill_on_drop(true);
    let said = match timeout(Duration::from_secs(5), asked.output()).await {
        Ok(Ok(output)) if output.status.success() => output.stdout,
        // Not every system has it, and the file is enough for those that do not.
        Ok(Ok(_) | Err(_)) | Err(_) => tokio::fs::read("/etc/passwd").await.unwrap_or_default(),
    };
    let said = String::from_utf8_lossy(&said);
    let named = |line: &&str| line.split(':').nth(2).is_some_and(|field| field == uid.to_string());
    let name = said.lines().find(named).and_then(|line| line.split(':').next());
    let good = |name: &&str| !name.is_empty() && !name.contains(|c: char| c.is_control());
    name.filter(good).map_or_else(|| format!("uid-{uid}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(run: &str) -> Board {
        Board { run: run.into(), ..Board::default() }
    }

    async fn line(stream: &mut BufReader<UnixStream>) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(20), stream.read_line(&mut line)).await.unwrap().unwrap();
        line
    }

    async fn come(run: &str) -> BufReader<UnixStream> {
        let mut stream = BufReader::new(visit(run).unwrap());
        assert!(line(&mut stream).await.contains(run));
        stream
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_comes_is_told_what_is_asked_and_known_by_the_kernel() {
        let run = format!("door-{}", std::process::id());
        let mut door = Door::new();
        assert!(visit(&run).is_err());
        door.open(board(&run));
        let mut visitor = come(&run).await;
        let answer = Answer::Approve { asked: 4, request: "d".into() };
        say(visitor.get_mut(), &answer).await.unwrap();
        let brought = door.next().await;
        let What::Said { uid, answer: heard, .. } = brought.what else { panic!() };
        assert_eq!((uid, heard), (rustix::process::getuid().as_raw(), answer));
        let reply = Reply { taken: true, said: "fine".into() };
        brought.reply.unwrap().send(reply.clone()).unwrap();
        assert_eq!(serde_json::from_str::<Reply>(&line(&mut visitor).await).unwrap(), reply);
        door.close();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while visit(&run).is_ok() {
            assert!(std::time::Instant::now() < deadline, "it is still open");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn garbage_silence_and_crowds_keep_nobody_else_out() {
        let run = format!("crowd-{}", std::process::id());
        let mut door = Door::new();
        door.open(board(&run));
        // One that says nothing sits there; the others come and go.
        let _silent = come(&run).await;
        for garbage in ["nonsense\n".to_owned(), "{}\n".into(), "x".repeat(100 * 1024)] {
            let mut visitor = come(&run).await;
            // What is too long is not read to its end.
            let _ = visitor.get_mut().write_all(garbage.as_bytes()).await;
            let said = line(&mut visitor).await;
            assert!(said.contains("that is no answer"), "{said}");
        }
        let gone = come(&run).await;
        drop(gone);
        let mut visitor = come(&run).await;
        say(visitor.get_mut(), &Answer::Signature { armoured: "s".into() }).await.unwrap();
        assert!(matches!(
            door.next().await.what,
            What::Said { answer: Answer::Signature { .. }, .. }
        ));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_one_user_few_are_let_in_at_a_time() {
        let inside: Inside = Arc::default();
        let seats: Vec<_> = (0..OF_ONE_USER).filter_map(|_| Seat::take(&inside, 7)).collect();
        assert_eq!(seats.len(), OF_ONE_USER);
        assert!(Seat::take(&inside, 7).is_none());
        assert!(Seat::take(&inside, 8).is_some(), "another user finds room");
        drop(seats);
        assert!(Seat::take(&inside, 7).is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_name_that_is_taken_is_said() {
        let run = format!("taken-{}", std::process::id());
        let squatter = StdListener::bind_addr(&address(&run).unwrap()).unwrap();
        let mut door = Door::new();
        door.open(board(&run));
        assert!(
            matches!(door.hearing(), Hearing::Blocked(why) if why.contains("has taken the name"))
        );
        drop(squatter);
        door.open(board(&run));
        assert_eq!(door.hearing(), Hearing::Open, "it is tried again");
    }

    #[test]
    fn a_request_is_shown_to_those_who_may_approve_it() {
        let asked = Asked {
            seq: 4,
            at: DateTime::UNIX_EPOCH,
            operator: "alice".into(),
            step: "drop".into(),
            title: "Drop".into(),
            attempt: 1,
            request: serde_json::json!({"action": "shell"}),
            digest: "d".into(),
            target: Pins::from([("host".into(), "h".into())]),
            text: "text".into(),
            by: vec!["bob".into()],
            count: 1,
            granted: vec![],
            broken: None,
        };
        let board = Board { asked: vec![asked], ..board("r") };
        assert_eq!(board.clone().seen_by("bob"), board);
        let shown = serde_json::to_string(&board.seen_by("mallory")).unwrap();
        assert!(shown.contains("bob"), "{shown}");
        for hidden in ["alice", "Drop", "shell", "host", "text\":\"text"] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
    }

    #[tokio::test]
    async fn users_have_their_names() {
        assert_eq!(user_of(0).await, "root");
        assert_eq!(user_of(3_999_999_999).await, "uid-3999999999");
    }
}
