//! What the people at the console ask for.

use std::path::Path;

use super::evidence;
use super::run::Driver;
use super::view::{Command, Urgency};
use crate::engine::event::Part;
use crate::engine::{Given, Input};
use crate::runbook::{inputs, value};

impl Driver {
    pub(super) fn on_command(&mut self, command: Command) {
        if let Some(why) = &self.halted {
            self.tell(Urgency::Danger, why.clone());
            return;
        }
        self.notice = None;
        match command {
            Command::Consent { step, part, digest, given } => {
                self.consent(step, part, digest, given)
            }
            Command::AskApproval { step, digest } => self.ask_approval(&step, &digest),
            Command::Signature { armoured } => self.judge(armoured, None),
            Command::PrepareUndo { step } => {
                self.prepared = None;
                self.workers.prepare(&self.desk, &self.state, &step, Part::Undo);
                self.undo_of = Some(step);
            }
            Command::PrepareDo => {
                self.prepared = None;
                self.undo_of = None;
            }
            Command::Fail => self.let_fail(),
            Command::LookAgain => self.look_again(),
            Command::AttachEvidence { step, path, caption } => self.attach(step, &path, caption),
            Command::Secret { input, value } => self.take_secret(&input, &value),
            Command::Amend { input, text, reason } => self.amend(&input, &text, reason),
            Command::Engine(input) => self.take_said(input),
            // The loop takes this one itself.
            Command::Leave { .. } => {}
        }
    }

    fn consent(&mut self, step: String, part: Part, digest: String, given: Given) {
        if matches!(given, Given::BreakGlass { .. }) && self.waits_in(&step) {
            self.take_said(Input::Consent { step, part, given, digest });
            return;
        }
        let shown = self.prepared.as_ref().filter(|p| p.step == step && p.part == part);
        if let Some(secret) = shown.and_then(|p| p.wants.first()) {
            let why = format!("`{secret}` must be typed first");
            self.tell(Urgency::Warning, why);
            return;
        }
        match shown.map(|p| (&p.request, &p.target, p.digest == digest)) {
            Some((Ok(_), Ok(_), true)) => {
                self.take_said(Input::Consent { step, part, given, digest });
            }
            Some((Err(why), _, _) | (_, Err(why), _)) => {
                let why = why.clone();
                self.tell(Urgency::Danger, why);
            }
            Some((Ok(_), Ok(_), false)) | None => {
                self.tell(Urgency::Warning, "the request has changed; look at it again".into());
            }
        }
    }

    fn let_fail(&mut self) {
        match self.state.running().filter(|_| self.state.is_rehearsal()) {
            Some(attempt) => self.workers.fail(&attempt.id.clone()),
            None => self.tell(Urgency::Warning, "nothing is rehearsed that could fail".into()),
        }
    }

    fn attach(&mut self, step: Option<String>, path: &Path, caption: String) {
        match evidence::keep(&self.desk.dir, path) {
            Ok(kept) => {
                self.take_said(Input::Evidence {
                    step,
                    file: kept.file,
                    sha256: kept.sha256,
                    bytes: kept.bytes,
                    caption,
                });
            }
            Err(why) => self.tell(Urgency::Warning, why),
        }
    }

    fn amend(&mut self, input: &str, text: &str, reason: String) {
        let declared = self.state.runbook.inputs.iter().find(|declared| declared.name == input);
        let value = declared.ok_or_else(|| format!("the runbook has no input `{input}`")).and_then(
            |declared| {
                inputs::check_one(declared, text, self.clock.now().at).map_err(|e| e.to_string())
            },
        );
        match value {
            Ok(value::Value::Secret(_)) => {
                self.tell(
                    Urgency::Warning,
                    "a secret cannot be amended: leave, set it, resume".into(),
                );
            }
            Ok(value) => {
                self.take_said(Input::Amend { input: input.to_owned(), value, reason });
            }
            Err(why) => self.tell(Urgency::Warning, why),
        }
    }

    /// As [`Self::take`], for what a person typed: it must not take a secret into the record.
    fn take_said(&mut self, input: Input) {
        let redactor = self.desk.redactor.clone();
        if let Input::Insert { run, .. } = &input
            && redactor.redact(run) != *run
        {
            let why = "the command holds a secret: name its variable instead, as \"$INPUT_NAME\"";
            self.tell(Urgency::Warning, why.to_owned());
            return;
        }
        self.take(input.cleaned(&|text| redactor.clean(text)));
    }
}
