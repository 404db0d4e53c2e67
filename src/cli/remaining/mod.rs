//! What is left of a run as plain commands: never a dead end. Printed when a run stops, and by
//! `steady show --remaining RUN`. All of it is one script for `sh -e`, to be read before it is run: what cannot
//! be told yet, and what may have been done already, stands in it as comments before a `false`.

mod aws;
mod http;
mod postgres;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use self::words::{quote, text as expanded, variable, word};
use crate::driver::Pinned;
use crate::engine::{State, StepState};
use crate::runbook::inputs::SecretSource;
use crate::runbook::render::{render_call, render_plan};
use crate::runbook::{Effect, Request, Resolved, Value};
use crate::settings::Aws;

/// Where and as whom the run in `dir` calls AWS, as far as its settings say.
#[must_use]
pub fn access(dir: &Path) -> Aws {
    let pinned = Pinned::read(dir).ok();
    let environment = pinned.as_ref().and_then(Pinned::environment);
    environment.map(|environment| environment.aws.clone()).unwrap_or_default()
}

/// The steps that are left, each with its resolved values, as commands for a shell.
#[must_use]
pub fn text(state: &State, access: &Aws) -> String {
    let left: Vec<_> = state.steps.iter().filter(|step| step.settled.is_none()).collect();
    if left.is_empty() {
        return String::new();
    }
    let steps: Vec<_> = left.into_iter().map(|step| Left::of(state, step)).collect();
    let mut out = String::from("# left to do, as plain commands\n");
    if state.is_rehearsal() {
        // Whoever pastes this must mean it.
        out.push_str(
            "# this was a rehearsal: nothing was executed, and these would act for real\nfalse\n",
        );
    }
    let place = [
        ("AWS_PROFILE", &access.profile),
        ("AWS_REGION", &access.region),
        ("AWS_DEFAULT_REGION", &access.region),
        ("AWS_ENDPOINT_URL", &access.endpoint),
    ];
    for (name, value) in place {
        if let Some(value) = value {
            let _ = writeln!(out, "export {name}={}", quote(value));
        }
    }
    let secrets: BTreeSet<_> = steps.iter().flat_map(|step| &step.secrets).collect();
    for name in secrets {
        let _ = writeln!(out, "{}", secret(state, name));
    }
    for step in steps {
        out.push('\n');
        out.push_str(&step.text);
    }
    out.push('\n');
    out
}

/// Where a secret comes from, into its variable.
fn secret(state: &State, name: &str) -> String {
    let variable = variable(name);
    let source = state.run().and_then(|run| SecretSource::parse(run.secrets.get(name)?));
    match source {
        Some(SecretSource::Env(from)) => format!("{variable}=\"${{{from}:?}}\""),
        Some(SecretSource::File(path)) => {
            format!("{variable}=\"$(cat {})\"", quote(&path.display().to_string()))
        }
        Some(SecretSource::Command(command)) => format!("{variable}=\"$({command})\""),
        Some(SecretSource::Ask) | None => {
            format!(": \"${{{variable}:?is a secret that was typed: set it first}}\"")
        }
    }
}

/// One step that is left.
struct Left {
    text: String,
    secrets: Vec<String>,
}

impl Left {
    fn of(state: &State, step: &StepState) -> Self {
        let mut text = format!("# {}: {}\n", step.id(), state.title(step));
        let run = state.scope(None);
        if step.step.is_conditional() {
            match step.step.unmet(&run) {
                Ok(None) => {}
                Ok(Some(when)) => {
                    let _ = writeln!(text, "# does not apply: `{}` is false", when.source());
                    return Self { text, secrets: Vec::new() };
                }
                Err((when, e)) => {
                    let _ = writeln!(text, "# only when `{}`: {e}", when.source());
                }
            }
        }
        let scope = step.step.scope(run);
        let known = render_call(&step.step.action, &step.step.env, &scope);
        let request = match &known {
            Ok(request) => Ok(request.clone()),
            Err(_) => render_plan(&step.step.action, &step.step.env, &scope),
        };
        let request = match request {
            Ok(request) => request,
            Err(e) => {
                let _ = writeln!(text, "# cannot be told: {e}\nfalse");
                return Self { text, secrets: Vec::new() };
            }
        };
        let acts = request.effect != Effect::Reads;
        let why_not = match &known {
            Err(e) => Some(format!("not known before the steps above are done: {e}")),
            Ok(_) if step.unknown().is_some() && acts => {
                Some("UNKNOWN: it may have been done already; look before you do it again".into())
            }
            Ok(_) => None,
        };
        let commands = by_hand(&request);
        let mut secrets = request.secrets;
        match why_not {
            None => text.push_str(&commands),
            Some(why) => {
                let _ = writeln!(text, "# {why}");
                commands.lines().for_each(|line| {
                    let _ = writeln!(text, "# {line}");
                });
                text.push_str("false\n");
                secrets.clear();
            }
        }
        for expect in &step.step.expect {
            let _ = writeln!(text, "# then this must hold: {}", expect.source());
        }
        Self { text, secrets }
    }
}

/// One request as commands.
fn by_hand(request: &Request) -> String {
    let (family, call) = request.action.split_once('.').unwrap_or((request.action, ""));
    let commands = match family {
        "shell" => shell(request),
        "http" => http::commands(request),
        "rds" => aws::rds(call, request),
        "s3" => aws::s3(call, request),
        "postgres" => postgres::commands(call, request),
        "wait" => wait(request),
        "json" => json_compare(request),
        _ => String::new(),
    };
    // What a person does, or what has no program of its own, is told.
    if commands.is_empty() { told(request) } else { commands }
}

fn told(request: &Request) -> String {
    let mut out = String::new();
    for (key, value) in request.shown() {
        for (i, line) in value.lines().enumerate() {
            let _ = match i {
                0 => writeln!(out, "# {key}: {line}"),
                _ => writeln!(out, "#   {line}"),
            };
        }
    }
    out
}

/// In a shell of its own, as the step has it.
fn shell(request: &Request) -> String {
    let mut out = String::from("(\nset -eu\n");
    for (name, value) in &request.env {
        let _ = writeln!(out, "export {name}={}", word(value));
    }
    if let Some(dir) = request.text("cwd") {
        let _ = writeln!(out, "cd {}", quote(dir));
    }
    match (request.arg("argv"), request.text("run"), request.text("shell")) {
        (_, Some(script), Some("bash")) => {
            let _ = writeln!(out, "bash -eu -o pipefail -c {}", quote(script.trim_end()));
        }
        (_, Some(script), _) => {
            let _ = writeln!(out, "{}", script.trim_end());
        }
        (Some(Resolved::List(words)), None, _) => {
            let words: Vec<_> = words.iter().map(word).collect();
            let _ = writeln!(out, "{}", words.join(" "));
        }
        (Some(Resolved::Value(Value::List(words))), None, _) => {
            let words: Vec<_> = words.iter().map(|word| quote(&word.to_string())).collect();
            let _ = writeln!(out, "{}", words.join(" "));
        }
        (Some(_) | None, None, _) => {}
    }
    let stdin = match (request.arg("stdin"), request.flag("tty")) {
        (Some(text), _) => format!(" <<STDIN\n{}\nSTDIN", expanded(text)),
        (None, true) => String::new(),
        (None, false) => " </dev/null".to_owned(),
    };
    let _ = writeln!(out, "){stdin}");
    out
}

fn wait(request: &Request) -> String {
    match (request.duration("for"), request.arg("until")) {
        (Some(length), _) => format!("sleep {}\n", length.as_secs()),
        (None, Some(until)) => format!(
            "while [ \"$(date +%s)\" -lt \"$(date -d {} +%s)\" ]; do sleep 1; done\n",
            quote(&until.shown())
        ),
        (None, None) => String::new(),
    }
}

fn json_compare(request: &Request) -> String {
    let file = |key: &str| request.arg(key).map_or(String::new(), |it| quote(&it.shown()));
    let besides: String = ["lists", "ignore", "refers"]
        .into_iter()
        .filter_map(|key| Some(format!("# {key}: {}\n", request.arg(key)?.shown())))
        .collect();
    format!("{besides}[ \"$(jq -S . {})\" = \"$(jq -S . {})\" ]\n", file("have"), file("want"))
}
