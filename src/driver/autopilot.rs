//! `--auto`: what an operator who always goes on would do, and where even that one stops.

use super::view::{Command, Prepared};
use crate::engine::event::Part;
use crate::engine::{Given, Input, State, Status};

/// What `--auto` may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auto {
    /// `--allow-destructive`: typed guards are satisfied too.
    pub allow_destructive: bool,
}

/// What an unattended run does next.
#[derive(Clone, Debug)]
pub(super) enum Move {
    /// This.
    Ask(Command),
    /// Nothing: something is under way.
    Wait,
    /// It ends here, with work left; a person has to go on.
    Stop(Stopped),
}

/// Why an unattended run stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// A step failed; otherwise a person is needed.
    pub failed: bool,
    /// One line: what, and how to go on.
    pub why: String,
}

/// Decides the next move from the state alone.
pub(super) fn next(state: &State, prepared: Option<&Prepared>, looking: bool, auto: Auto) -> Move {
    let Some(step) = state.current() else { return Move::Wait };
    let stop = |failed: bool, why: String| Move::Stop(Stopped { failed, why });
    // Whoever resumes a run that was held, by a person or by a full disk, wants it to go on.
    if state.paused.is_some() {
        return Move::Ask(Command::Engine(Input::Continue));
    }
    match state.status(step) {
        Status::Ready => match prepared {
            Some(prepared) if step.is_for_people() && prepared.default.is_none() => {
                stop(false, format!("`{}` needs a person: {}", prepared.step, state.title(step)))
            }
            Some(prepared) if prepared.step == step.id() => {
                match (&prepared.request, &prepared.target, prepared.wants.first()) {
                    (Err(why), ..) | (_, Err(why), _) => {
                        stop(true, format!("{}: {why}", step.id()))
                    }
                    (Ok(_), Ok(_), Some(secret)) => stop(
                        false,
                        format!(
                            "`{}` uses the secret `{secret}`, which a person types: go on by hand, \
                             or give -i {secret}=env:VARIABLE",
                            prepared.step
                        ),
                    ),
                    (Ok(_), Ok(_), None) => match state.refused_unsigned(step, prepared.part) {
                        Some(why) => stop(true, format!("{}: {why}", step.id())),
                        None => consent(prepared, auto),
                    },
                }
            }
            Some(_) | None => Move::Wait,
        },
        Status::AwaitsPerson(_) => {
            let default = prepared.and_then(|prepared| prepared.default.clone());
            match default {
                Some(choice) if step.step.action.spec.name == "choose" => {
                    let note = "the default, by --auto".to_owned();
                    let answer = Input::Answer { choice: Some(choice), done: true, note };
                    Move::Ask(Command::Engine(answer))
                }
                Some(_) | None => stop(false, format!("`{}` needs a person", step.id())),
            }
        }
        Status::Unknown(_) if looking => Move::Wait,
        Status::Unknown(attempt) => stop(
            false,
            format!(
                "nobody knows how attempt {} came out: a person decides",
                attempt.id.file_stem()
            ),
        ),
        Status::Failed(attempt) => {
            stop(true, format!("`{}` failed: {}", step.id(), attempt.message()))
        }
        Status::Done(_)
        | Status::Pending
        | Status::Consented
        | Status::Running(_)
        | Status::Retrying(_) => Move::Wait,
    }
}

fn consent(prepared: &Prepared, auto: Auto) -> Move {
    let given = Given::Auto { allow_destructive: auto.allow_destructive };
    let typed = prepared.phrase.is_some() && !auto.allow_destructive;
    if typed || prepared.part != Part::Do {
        let why = format!(
            "`{}` wants a phrase typed: go on by hand, or add --allow-destructive",
            prepared.step
        );
        return Move::Stop(Stopped { failed: false, why });
    }
    Move::Ask(Command::Consent {
        step: prepared.step.clone(),
        part: prepared.part,
        digest: prepared.digest.clone(),
        given,
    })
}
