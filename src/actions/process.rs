//! `shell`: a script or a program on this machine.

use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::supervised::{self, End, Job};
use super::{Action, Context, Finish, Found};
use crate::engine::Outcome;
use crate::runbook::{Effect, Request, Resolved, Value};
use crate::supervisor::{Ended, Exit, Stdin, Stopped};

/// Said on the confirmation and in the record.
const ON_TERMINAL: &str =
    "this console's; what is printed or typed there is not kept; it ends with the console";

/// Names the attempt to the child: `20261121T031000Z-aurora-pitr-k3f9/restore.1`.
const ATTEMPT: &str = "STEADYHAND_ATTEMPT";

/// See the registry's entry.
pub(super) struct Shell;

impl Action for Shell {
    fn complete(
        &self,
        cx: Context,
        mut request: Request,
    ) -> BoxFuture<'static, Result<Request, String>> {
        // What is proven of AWS is proven as this profile, there: the script calls as no other.
        let place = [
            ("AWS_PROFILE", &cx.aws.profile),
            ("AWS_REGION", &cx.aws.region),
            ("AWS_DEFAULT_REGION", &cx.aws.region),
            ("AWS_ENDPOINT_URL", &cx.aws.endpoint),
        ];
        for (name, value) in place {
            let said = request.env.iter().any(|(key, _)| key == name);
            if let (Some(value), false) = (value, said) {
                let value = Resolved::Value(Value::String(value.clone()));
                request.env.push((name.to_owned(), value));
            }
        }
        if request.flag("tty") {
            let said = Value::String(ON_TERMINAL.to_owned());
            request.args.push(("terminal".to_owned(), Resolved::Value(said)));
        }
        Box::pin(std::future::ready(Ok(request)))
    }

    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            let job = match job(&cx, &request) {
                Ok(job) => job,
                Err(message) => return Finish::failed(message),
            };
            let end = if request.flag("tty") {
                supervised::run_on_terminal(&cx, job).await
            } else {
                supervised::run(&cx, job).await
            };
            finish(&cx, &request, end)
        }
        .boxed()
    }

    fn find(&self, cx: Context, _request: Request) -> BoxFuture<'static, Found> {
        async move { supervised::find(&cx) }.boxed()
    }

    fn reattach(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        async move {
            let end = supervised::reattach(&cx).await;
            finish(&cx, &request, end)
        }
        .boxed()
    }
}

fn job(cx: &Context, request: &Request) -> Result<Job, String> {
    let reveal = |what: &str, arg: &Resolved| {
        arg.revealed(&*cx.secrets).ok_or_else(|| format!("{what} uses a secret that is not there"))
    };
    let env = request
        .env
        .iter()
        .map(|(key, value)| Ok((key.clone(), reveal(key, value)?)))
        // Whoever is asked to do it twice can tell: the same value stands in the record of the attempt.
        .chain([Ok((ATTEMPT.to_owned(), cx.token.clone()))])
        .collect::<Result<_, String>>()?;
    let stdin = match request.arg("stdin") {
        Some(text) => Stdin::Text(reveal("stdin", text)?),
        None => Stdin::Null,
    };
    Ok(Job { argv: argv(request)?, env, cwd: request.text("cwd").map(PathBuf::from), stdin })
}

fn argv(request: &Request) -> Result<Vec<String>, String> {
    if let Some(script) = request.text("run") {
        let shell: &[&str] = match request.text("shell") {
            Some("bash") => &["bash", "-eu", "-o", "pipefail", "-c"],
            Some(_) | None => &["sh", "-eu", "-c"],
        };
        let words = shell.iter().chain([&script]).map(|word| (*word).to_owned());
        return Ok(words.collect());
    }
    let words: Vec<String> = match request.arg("argv") {
        Some(Resolved::List(words)) => words.iter().map(Resolved::shown).collect(),
        Some(Resolved::Value(Value::List(words))) => words.iter().map(Value::to_string).collect(),
        Some(_) | None => Vec::new(),
    };
    if words.is_empty() {
        Err("neither `run` nor `argv` says what to run".into())
    } else {
        Ok(words)
    }
}

fn finish(cx: &Context, request: &Request, end: End) -> Finish {
    let exit = match end {
        End::NotStarted(message) => return Finish::failed(message),
        End::Lost(message) => return Finish::unknown(message),
        End::Exited(exit) => exit,
    };
    let (outcome, message) = judge(request.effect, &exit);
    let (result, trouble) = result(cx, request, &exit);
    let (outcome, mut message) = match trouble {
        Some(trouble) if outcome == Outcome::Succeeded => (Outcome::Failed, trouble),
        Some(_) | None => (outcome, message),
    };
    for note in &exit.notes {
        message.push_str("; ");
        message.push_str(note);
    }
    // There is no file of what was printed on the terminal.
    let output = (!request.flag("tty")).then(|| supervised::output(cx, &exit));
    Finish { outcome, message, result, output }
}

/// What an exit means for a step of this effect.
fn judge(effect: Effect, exit: &Exit) -> (Outcome, String) {
    let why = match &exit.stopped {
        None => None,
        Some(Stopped::Cancelled) => Some("it was cancelled".to_owned()),
        Some(Stopped::TimedOut) => Some("it took longer than its timeout".to_owned()),
        Some(Stopped::BadInput(message)) => Some(format!("its input broke off: {message}")),
        Some(Stopped::ConsoleGone) => {
            Some("it had the console's terminal, lost it with the console".to_owned())
        }
    };
    if let Some(why) = why {
        let how = match &exit.ended {
            Ended::Code(code) => format!("{why} and ended with exit code {code}"),
            Ended::Signal(_) | Ended::NotStarted(_) => format!("{why} and was stopped"),
        };
        return match effect {
            Effect::Reads => (Outcome::Failed, how),
            Effect::Changes | Effect::Destroys => {
                (Outcome::Unknown, format!("{how}: look at how far it got"))
            }
        };
    }
    let said = exit.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let because = said.map(|line| format!(": {line}")).unwrap_or_default();
    match &exit.ended {
        Ended::Code(0) => (Outcome::Succeeded, "exit code 0".into()),
        Ended::Code(127) => (
            Outcome::Failed,
            format!("exit code 127{because} (a program is missing: install it or mend the PATH)"),
        ),
        Ended::Code(code) => (Outcome::Failed, format!("exit code {code}{because}")),
        Ended::Signal(signal) => {
            (Outcome::Failed, format!("killed from outside by signal {signal}{because}"))
        }
        Ended::NotStarted(why) => (Outcome::Failed, why.clone()),
    }
}

/// The registry's result fields, and what is wrong when `json` was promised and did not come.
fn result(cx: &Context, request: &Request, exit: &Exit) -> (Value, Option<String>) {
    let text = |text: &str| Value::String(text.trim().to_owned());
    let lines = exit.stdout.lines().filter(|line| !line.trim().is_empty());
    let mut fields = Vec::new();
    if !request.flag("tty") {
        fields.push(("stdout", text(&exit.stdout)));
        fields.push(("stderr", text(&exit.stderr)));
        let lines = lines.map(|line| Value::String(line.to_owned()));
        fields.push(("lines", Value::List(lines.collect())));
    }
    let code = match &exit.ended {
        Ended::Code(code) => Some(i64::from(*code)),
        // As shells count.
        Ended::Signal(signal) => Some(128 + i64::from(*signal)),
        Ended::NotStarted(_) => None,
    };
    fields.extend(code.map(|code| ("exit_code", Value::Int(code))));
    let mut trouble = None;
    if request.flag("json") {
        match serde_json::from_str(&exit.stdout) {
            // An escape inside JSON may spell what must not be shown.
            Ok(json) => fields.push(("json", Value::from_json(cx.redactor.clean_json(json)))),
            Err(_) if exit.stdout_cut => {
                trouble = Some(
                    "standard output is longer than 64 KiB, too long for `json`: print less".into(),
                );
            }
            Err(e) => trouble = Some(format!("standard output is not one JSON value: {e}")),
        }
    }
    (Value::map(fields), trouble)
}
