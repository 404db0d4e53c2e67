//! Children under a supervisor, for every action that runs a program.

use std::path::{Path, PathBuf};

use tokio::time::interval;

use crate::engine::event::Output;
use crate::ingest::Lines;
use crate::supervisor::{self, CAP, Exit, Launched, Order, PATIENCE_MS, Standing, Stdin};

use super::meter::{Meter, WORD};
use super::output::{SCREEN_LINE, kept, name, path};
use super::{Context, Found, Progress};

/// What an action wants to have run.
pub struct Job {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Added to the console's environment.
    pub env: Vec<(String, String)>,
    /// The working directory; the console's when `None`.
    pub cwd: Option<PathBuf>,
    /// What it reads.
    pub stdin: Stdin,
}

/// How a child came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It certainly was not started: why, and what to do.
    NotStarted(String),
    /// It ended. [`Exit::ended`] may still be [`supervisor::Ended::NotStarted`].
    Exited(Box<Exit>),
    /// Nobody saw its end: what is known.
    Lost(String),
}

/// Runs it under a supervisor and waits for its end; a cancelled context stops it, and so does the
/// timeout.
pub async fn run(cx: &Context, job: Job) -> End {
    launch(cx, order(cx, job)).await
}

/// Runs it on the console's terminal: nothing of what it prints is kept, and it ends with the console.
pub async fn run_on_terminal(cx: &Context, job: Job) -> End {
    let Some(_borrowed) = cx.terminal.borrow().await else {
        return End::NotStarted("it needs the console's terminal, and there is none".into());
    };
    launch(cx, Order { terminal: true, ..order(cx, job) }).await
}

fn order(cx: &Context, job: Job) -> Order {
    Order {
        argv: job.argv,
        env: job.env,
        cwd: job.cwd,
        stdin: job.stdin,
        // All of them, not what the step uses: a program may find a secret elsewhere and print it.
        secrets: cx.redactor.secrets(),
        output: path(cx),
        cap: CAP,
        withhold: cx.withhold,
        terminal: false,
        timeout_ms: cx.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
        patience_ms: PATIENCE_MS,
    }
}

async fn launch(cx: &Context, order: Order) -> End {
    let launched = match cx.supervisors.launch(&dir(cx), &order).await {
        Ok(launched) => launched,
        Err(e) => return End::NotStarted(format!("it was not started: {e}")),
    };
    if let Some(pid) = launched.child {
        // A screen that is behind is no reason to wait.
        let _ = cx.progress.try_send(Progress::Started { pid });
    }
    follow(cx, Some(launched)).await
}

/// What became of the attempt's child, for [`super::Action::find`].
#[must_use]
pub fn find(cx: &Context) -> Found {
    match supervisor::inspect(&dir(cx)) {
        Ok(Standing::NeverStarted) => Found::NotStarted("its supervisor never began".into()),
        Ok(Standing::Alive(started)) => {
            let pid = started.and_then(|s| s.child).map(|child| child.pid);
            Found::Running(match pid {
                Some(pid) => format!("process {pid} is at work under its supervisor"),
                None => "its supervisor is at work".into(),
            })
        }
        Ok(Standing::Exited(_)) => Found::Running("it has ended and left its exit status".into()),
        Ok(Standing::Lost(started)) => Found::CannotTell(lost(&started)),
        Err(e) => Found::CannotTell(format!("its directory cannot be read: {e}")),
    }
}

/// Waits for the end of the attempt's child, which may have been started by an earlier console.
pub async fn reattach(cx: &Context) -> End {
    follow(cx, None).await
}

async fn follow(cx: &Context, launched: Option<Launched>) -> End {
    let (dir, output) = (dir(cx), path(cx));
    let mut lines = Lines::new(SCREEN_LINE);
    let progress = cx.progress.clone();
    let show = |line| {
        let _ = progress.try_send(Progress::Line(line));
    };
    let standing = {
        let follow = supervisor::follow(&dir, &output, launched, |text| lines.push(text, show));
        tokio::pin!(follow);
        let mut asked = false;
        let mut fed = Fed::default();
        let mut look = interval(WORD);
        loop {
            tokio::select! {
                standing = &mut follow => break standing,
                _ = look.tick() => fed.tell(cx, &dir),
                () = cx.cancel.cancelled(), if !asked => {
                    asked = true;
                    if let Err(e) = supervisor::cancel(&dir) {
                        show(format!("it could not be asked to stop: {e}"));
                    }
                }
            }
        }
    };
    if let Some(line) = lines.finish() {
        show(line);
    }
    match standing {
        Ok(Standing::Exited(exit)) => End::Exited(exit),
        Ok(Standing::NeverStarted) => End::NotStarted("its supervisor never began".into()),
        Ok(Standing::Lost(started)) => End::Lost(lost(&started)),
        // `follow` ends only when the supervisor has.
        Ok(Standing::Alive(_)) => End::Lost("its supervisor is still at work".into()),
        Err(e) => End::Lost(format!("its directory cannot be read: {e}")),
    }
}

/// Tells how far the child has been fed with a backup, also one that an earlier console started.
#[derive(Default)]
struct Fed {
    meter: Option<Meter>,
    over: bool,
}

impl Fed {
    fn tell(&mut self, cx: &Context, dir: &Path) {
        let Some(feeding) = supervisor::feeding(dir).filter(|_| !self.over) else { return };
        self.over = feeding.done == feeding.all;
        if self.over {
            let message = "the whole backup has been read; the rest is the server's work".into();
            let _ = cx.progress.try_send(Progress::Status { message, fraction: None });
            return;
        }
        let meter =
            self.meter.get_or_insert_with(|| Meter::new("loading", feeding.done, feeding.all));
        meter.tell(cx, feeding.done, feeding.trouble);
    }
}

/// What the journal says of the child's output.
#[must_use]
pub fn output(cx: &Context, exit: &Exit) -> Output {
    kept(name(cx), exit.output.clone())
}

fn dir(cx: &Context) -> PathBuf {
    cx.run_dir.join("attempts").join(cx.attempt.file_stem())
}

fn lost(started: &supervisor::Started) -> String {
    match (started.running_child(), started.child) {
        (Some(pid), _) => format!(
            "its supervisor is gone; process {pid} still runs: wait for its end or stop it, then look \
             at what it did"
        ),
        (None, Some(child)) => {
            format!("its supervisor is gone, and so is process {}: look at what it did", child.pid)
        }
        (None, None) => "its supervisor is gone, and it may have been started".into(),
    }
}
