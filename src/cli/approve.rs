//! `steady approve`: somebody else than the operator agrees, or does not, from a terminal of their own.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::aside::Aside;
use super::asked::{self, clean};
use super::{Globals, USAGE, fail, full_screen};
use crate::driver::door::{self, Answer, Asked, Board, LONGEST_BOARD, Reply, TAKING};
use crate::engine::approvals::refusal;
use crate::engine::event::{Fact, KnownBy};
use crate::engine::{Approval, Event, Input};
use crate::journal::signed::{APPROVALS, keep};
use crate::signing::{APPROVAL, AllowedSigners, Judged, judge};

/// Arguments of `steady approve`.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The run's id, as the operator's screen shows it
    run: String,
    /// Of this step, when more than one is asked about
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Do not approve, and say why
    #[arg(long, value_name = "REASON", conflicts_with = "signature")]
    refuse: Option<String>,
    /// Bring a signature that was made elsewhere: ssh-keygen -Y sign -n approval@steadyhand
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Print the text to sign, and nothing else
    #[arg(long, conflicts_with_all = ["refuse", "signature"])]
    text: bool,
}

pub(super) fn run(globals: &Globals, args: &ApproveArgs) -> ExitCode {
    match full_screen::block_on(answer(globals, args)) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::from(1),
        Ok(Err(Refused { code, why })) => fail(code, why),
        Err(why) => fail(1, why),
    }
}

struct Refused {
    code: u8,
    why: String,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { code: 1, why }
    }
}

async fn answer(globals: &Globals, args: &ApproveArgs) -> Result<bool, Refused> {
    let usage = |why: String| Refused { code: USAGE, why };
    let brought = match &args.signature {
        Some(file) => Some(
            std::fs::read_to_string(file)
                .map_err(|e| usage(format!("cannot read the signature {}: {e}", file.display())))?,
        ),
        None => None,
    };
    // An approver's own runs are elsewhere: the id alone finds the door.
    let dir = globals.find_run(&args.run);
    let id = match &dir {
        Ok(dir) => dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Err(_) => args.run.clone(),
    };
    match (door::visit(&id), dir) {
        (Ok(stream), _) => at_the_door(stream, args, brought).await,
        (Err(_), Ok(dir)) => Ok(aside(globals, args, &dir, brought).await?),
        (Err(_), Err(_)) => Err(usage(format!(
            "no console on this host waits for an approval of a run {}: give the whole id that the \
             operator's screen shows; from another host or container, sign the text that it shows",
            clean(&args.run)
        ))),
    }
}

/// A console has the run and hears.
async fn at_the_door(
    stream: UnixStream,
    args: &ApproveArgs,
    brought: Option<String>,
) -> Result<bool, Refused> {
    let peer = stream.peer_cred().map_err(|e| format!("who has the console is not known: {e}"))?;
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read.take(LONGEST_BOARD));
    let board: Board = hear(&mut read).await?;
    let answer = match brought {
        Some(armoured) => Answer::Signature { armoured },
        None => {
            let asked = chosen(&board.asked, args.step.as_deref())?;
            if args.text {
                print!("{}", asked.text);
                return Ok(true);
            }
            let user = clean(&door::user_of(peer.uid()).await);
            println!("The console of user {user} (uid {}) asks for your approval.\n", peer.uid());
            match decided(&board, asked, args)? {
                Some(answer) => answer,
                None => return Ok(false),
            }
        }
    };
    door::say(&mut write, &answer).await.map_err(|e| format!("the console is gone: {e}"))?;
    let reply: Reply = hear(&mut read).await?;
    said(reply.taken, &reply.said);
    Ok(reply.taken)
}

async fn hear<T: serde::de::DeserializeOwned>(
    read: &mut (impl AsyncBufReadExt + Unpin),
) -> Result<T, String> {
    let mut line = String::new();
    let heard = timeout(TAKING, read.read_line(&mut line)).await;
    match heard {
        Ok(Ok(1..)) => serde_json::from_str(&line)
            .map_err(|e| format!("the console says something else than an approval wants: {e}")),
        Ok(Ok(0)) => {
            Err("the console has hung up: is it gone, or are there too many at its door?".into())
        }
        Ok(Err(e)) => Err(format!("the console cannot be heard: {e}")),
        Err(_) => Err(format!("the console says nothing for {} s", TAKING.as_secs())),
    }
}

/// The request that is meant.
fn chosen<'a>(asked: &'a [Asked], step: Option<&str>) -> Result<&'a Asked, String> {
    let of: Vec<&Asked> = asked.iter().filter(|one| step.is_none_or(|id| one.step == id)).collect();
    match (of.as_slice(), step) {
        ([one], _) => Ok(one),
        ([], Some(step)) => Err(format!("nobody waits for an approval of `{}`", clean(step))),
        ([], None) => Err("nobody waits for an approval now".into()),
        (several, _) => {
            let list: Vec<_> =
                several.iter().map(|one| format!("  --step {}", clean(&one.step))).collect();
            Err(format!("several are asked for; name one:\n{}", list.join("\n")))
        }
    }
}

/// Shows all of it, and hears the person at this terminal. `None`: they did not say yes.
fn decided(board: &Board, asked: &Asked, args: &ApproveArgs) -> Result<Option<Answer>, String> {
    let (seq, request) = (asked.seq, asked.digest.clone());
    if asked.text.is_empty() {
        // It is not shown to us: the console says why, and puts it down.
        return Ok(Some(Answer::Approve { asked: seq, request }));
    }
    if let Some(reason) = &args.refuse {
        return Ok(Some(Answer::Refuse { asked: seq, request, reason: reason.clone() }));
    }
    print!("{}", asked::text(board, asked)?);
    print!("\nType yes to approve exactly this: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|e| e.to_string())?;
    if line.trim() == "yes" {
        return Ok(Some(Answer::Approve { asked: seq, request }));
    }
    println!("Nothing was approved. To say no, and why: --refuse REASON");
    Ok(None)
}

fn said(taken: bool, said: &str) {
    let said = clean(said);
    if taken { println!("in the record: {said}") } else { eprintln!("steady: refused: {said}") }
}

/// No console has the run, and its directory is there to be written: in retrospect, or while the run waits.
async fn aside(
    globals: &Globals,
    args: &ApproveArgs,
    dir: &Path,
    brought: Option<String>,
) -> Result<bool, Refused> {
    let uid = rustix::process::getuid().as_raw();
    let user = door::user_of(uid).await;
    let settings = globals.load_settings()?.settings;
    let mut aside = Aside::open(dir, &user)?;
    let run = aside.run();
    if let Some(pasted) = brought {
        let asked: Vec<Approval> = aside.state.approvals.iter().rev().cloned().collect();
        let texts: Vec<String> = asked.iter().map(|one| one.text(&run)).collect();
        let names: Vec<String> = asked.iter().flat_map(|one| one.asked.by.clone()).collect();
        let allowed = match &settings.allowed_signers {
            Some(file) => AllowedSigners::open(file, dir).map_err(|e| e.to_string()),
            None => {
                Err("name a file of allowed signers in steadyhand.yaml: `allowed_signers: FILE`"
                    .to_owned())
            }
        };
        let allowed = allowed.as_ref().map_err(Clone::clone);
        let folder = dir.join(APPROVALS);
        let taken = match judge(&folder, allowed, APPROVAL, &pasted, &texts, &names) {
            Judged::Bad { who, why } => {
                aside.take(Input::NoApproval { approver: clean(&who), reason: clean(&why) })
            }
            Judged::Good { text, principal, key } => match asked.get(text) {
                Some(of) => take_signature(&mut aside, dir, of, principal, key, &pasted),
                None => Err("it fits nothing".to_owned()),
            },
        };
        return finish(globals, dir, &aside, taken).await;
    }
    let board = board(&aside, &run);
    let one = chosen(&board.asked, args.step.as_deref())?;
    if args.text {
        print!("{}", one.text);
        return Ok(true);
    }
    let (known_by, approver) = (KnownBy::LocalUser { uid }, user);
    let input = match decided(&board, one, args)? {
        Some(Answer::Approve { asked, request }) => {
            Input::Approve { asked, request, approver, known_by }
        }
        Some(Answer::Refuse { asked, request, reason }) => {
            Input::Decline { asked, request, approver, known_by, reason: clean(&reason) }
        }
        Some(Answer::Signature { .. }) | None => return Ok(false),
    };
    let taken = aside.take(input);
    finish(globals, dir, &aside, taken).await
}

fn take_signature(
    aside: &mut Aside,
    dir: &Path,
    of: &Approval,
    approver: String,
    key: String,
    pasted: &str,
) -> Result<Event, String> {
    let input = |file: String, sha256: String| Input::Approve {
        asked: of.seq,
        request: of.asked.request.clone(),
        approver: approver.clone(),
        known_by: KnownBy::Signature { key: key.clone(), file, sha256 },
    };
    let probe = aside.would_take(input(String::new(), String::new()))?;
    if !matches!(probe.fact, Fact::ApprovalGranted(_)) {
        return aside.take(input(String::new(), String::new()));
    }
    let name = format!("{}.{}.sig", of.seq, of.granted.len() + 1);
    let (file, sha256) = keep(dir, APPROVALS, &name, pasted.as_bytes())
        .map_err(|e| format!("approvals/{name} cannot be kept: {e}"))?;
    aside.take(input(file, sha256))
}

async fn finish(
    globals: &Globals,
    dir: &Path,
    aside: &Aside,
    taken: Result<Event, String>,
) -> Result<bool, Refused> {
    let fact = taken?.fact;
    let (ok, what) = match &fact {
        Fact::ApprovalGranted(granted) => {
            (true, format!("approved by {} ({})", granted.approver, granted.known_by))
        }
        Fact::ApprovalRefused { approver, reason, declined, .. } => {
            (*declined, refusal(approver, reason))
        }
        _ => (false, "nothing".to_owned()),
    };
    said(ok, &what);
    if let Some(signer) = globals.signer_of(dir)?
        && let Err(why) = aside.sign_end(dir, &signer).await
    {
        eprintln!("steady: the end of the journal is not signed: {why}");
    }
    Ok(ok)
}

fn board(aside: &Aside, run: &str) -> Board {
    let state = &aside.state;
    let asked = state.awaited_approvals().map(|one| {
        let step = state.step(&one.step);
        let attempts = step.iter().flat_map(|step| &step.attempts);
        let same = attempts.into_iter().find(|a| a.digest == one.asked.request);
        Asked {
            seq: one.seq,
            at: one.at.at,
            operator: one.asked_by.clone(),
            step: one.step.clone(),
            title: step.map(|step| state.title(step)).unwrap_or_default(),
            attempt: one.asked.attempt,
            request: same.map(|attempt| attempt.request.clone()).unwrap_or_default(),
            digest: one.asked.request.clone(),
            target: one.asked.target.clone(),
            text: one.text(run),
            by: one.asked.by.clone(),
            count: one.asked.count,
            granted: one.granted.iter().map(|grant| grant.approver.clone()).collect(),
            broken: one.broken.as_ref().map(|broken| broken.reason.clone()),
        }
    });
    Board {
        run: run.to_owned(),
        runbook: state.runbook.title.clone(),
        mode: format!("{:?}", state.mode()).to_lowercase(),
        environment: state.run().and_then(|run| run.environment.clone()),
        asked: asked.collect(),
    }
}
