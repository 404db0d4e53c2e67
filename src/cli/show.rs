//! `steady show`: the plan. Each step rendered, nothing run.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Map, Value as Json, json};

use super::chosen::{Chosen, problem_lines};
use super::{Globals, USAGE, fail, print_json, remaining};
use crate::catalogue;
use crate::engine::approvals::wanted;
use crate::runbook::inputs::{InputProblem, Inputs};
use crate::runbook::model::{Approvers, Guard, Step};
use crate::runbook::render::render_plan;
use crate::runbook::template::Template;
use crate::runbook::value::duration_text;
use crate::runbook::{Request, Runbook, Value};

/// Arguments of `steady show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A path, or an id in the catalogue
    #[arg(required_unless_present = "remaining")]
    pub runbook: Option<String>,
    /// What is left of a run, as plain commands that need no console
    #[arg(long, value_name = "RUN", conflicts_with_all = ["runbook", "json"])]
    pub remaining: Option<String>,
    #[command(flatten)]
    pub chosen: Chosen,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(globals: &Globals, args: &ShowArgs) -> ExitCode {
    let shown = match (&args.runbook, &args.remaining) {
        (Some(runbook), _) => show(globals, runbook, args),
        (None, Some(run)) => show_remaining(globals, run),
        (None, None) => Err("name a runbook, or --remaining RUN".into()),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(USAGE, message),
    }
}

fn show_remaining(globals: &Globals, run: &str) -> Result<(), String> {
    let dir = globals.find_run(run)?;
    let text = remaining::text(&catalogue::fold(&dir)?.state, &remaining::access(&dir));
    let text = if text.is_empty() { "nothing is left to do\n".to_owned() } else { text };
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

fn show(globals: &Globals, runbook: &str, args: &ShowArgs) -> Result<(), String> {
    let entry = globals.find_runbook(runbook)?;
    let runbook = entry.runbook()?;
    let loaded = globals.load_settings()?;
    let environment = args.chosen.environment(&loaded.settings)?;
    let (inputs, problems) = args.chosen.inputs(runbook, environment)?;
    // What has no value yet is shown as its template; what has a wrong one is refused.
    let (missing, wrong): (Vec<_>, Vec<_>) = problems.into_iter().partition(|p| p.missing);
    if !wrong.is_empty() {
        return Err(problem_lines(&wrong));
    }
    let scope = Value::map([
        ("inputs", Value::Map(inputs.values.clone())),
        ("steps", Value::map::<String>([])),
        ("env", env(runbook)),
    ]);
    let steps = runbook
        .steps
        .iter()
        .map(|step| Planned::new(step, &step.scope(scope.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        let steps: Vec<_> = steps.iter().map(Planned::as_json).collect();
        print_json(&json!({ "id": runbook.id, "title": runbook.title, "steps": steps }))
    } else {
        let text = as_text(runbook, &inputs, &missing, &steps);
        std::io::stdout().lock().write_all(text.as_bytes())
    };
    Ok(())
}

fn env(runbook: &Runbook) -> Value {
    let set = |name: &String| Some((name.clone(), Value::String(std::env::var(name).ok()?)));
    Value::map(runbook.requires.env.iter().filter_map(set))
}

/// One step of the plan.
struct Planned<'r> {
    step: &'r Step,
    title: String,
    request: Request,
    phrase: Option<String>,
}

impl<'r> Planned<'r> {
    fn new(step: &'r Step, scope: &Value) -> Result<Self, String> {
        let request = render_plan(&step.action, &step.env, scope)
            .map_err(|e| format!("step `{}`: {e}", step.id))?;
        let phrase = match &step.guard {
            Guard::Type(phrase) => Some(text_or_template(phrase, scope)),
            Guard::None | Guard::Confirm => None,
        };
        Ok(Self { step, title: text_or_template(&step.title, scope), request, phrase })
    }

    fn as_json(&self) -> Json {
        let mut json = Map::new();
        json.insert("id".into(), json!(self.step.id));
        json.insert("title".into(), json!(self.title));
        json.insert("action".into(), json!(self.request.action));
        json.insert("effect".into(), json!(self.request.effect));
        json.insert(
            "guard".into(),
            match (&self.step.guard, &self.phrase) {
                (Guard::None, _) => json!("none"),
                (Guard::Type(_), Some(phrase)) => json!({ "type": phrase }),
                _ => json!("confirm"),
            },
        );
        if let Some(approval) = &self.step.approval {
            json.insert("approve".into(), json!({ "by": approval.by, "count": approval.count }));
        }
        json.insert("request".into(), self.request.masked());
        if let Some(when) = &self.step.when {
            json.insert("when".into(), json!(when.source()));
        }
        if !self.step.expect.is_empty() {
            let expect: Vec<_> = self.step.expect.iter().map(|expr| expr.source()).collect();
            json.insert("expect".into(), json!(expect));
        }
        Json::Object(json)
    }

    fn as_text(&self, number: usize) -> String {
        let step = self.step;
        let guard = match (&step.guard, &self.phrase) {
            (Guard::None, _) => "no guard".to_owned(),
            (Guard::Type(_), Some(phrase)) => format!("type `{phrase}`"),
            _ => "confirm".to_owned(),
        };
        let guard = match &step.approval {
            Some(Approvers { by, count }) => format!("{guard}, approval of {}", wanted(by, *count)),
            None => guard,
        };
        let effect = self.request.effect.name();
        let mut text = format!("{number:>3}  {}  {}\n", step.id, self.title);
        text.push_str(&format!("     {} · {effect} · {guard}\n", self.request.action));
        let mut line = |key: &str, value: &str| match value.trim_end().contains('\n') {
            false => text.push_str(&format!("       {key}: {}\n", value.trim_end())),
            true => {
                text.push_str(&format!("       {key}:\n"));
                value.lines().for_each(|line| text.push_str(&format!("         {line}\n")));
            }
        };
        if let Some(when) = &step.when {
            line("when", when.source());
        }
        for (key, value) in self.request.shown() {
            line(key, &value);
        }
        // The inputs are above already.
        for (name, value) in self.request.env.iter().filter(|(n, _)| !n.starts_with("INPUT_")) {
            line(&format!("env {name}"), &value.shown());
        }
        for expect in &step.expect {
            line("expect", expect.source());
        }
        text
    }
}

/// The text, or its template where it names what is not known yet.
fn text_or_template(template: &Template, scope: &Value) -> String {
    template.render_text(scope).unwrap_or_else(|_| template.source().to_owned())
}

fn as_text(
    runbook: &Runbook,
    inputs: &Inputs,
    missing: &[InputProblem],
    steps: &[Planned<'_>],
) -> String {
    let mut text = format!("{} · {}\n", runbook.id, runbook.title);
    let objectives = [("RTO", runbook.objectives.rto), ("RPO", runbook.objectives.rpo)];
    let objectives: Vec<_> = objectives
        .into_iter()
        .filter_map(|(name, length)| Some(format!("{name} {}", duration_text(length?))))
        .collect();
    if !objectives.is_empty() {
        text.push_str(&format!("objectives: {}\n", objectives.join(", ")));
    }
    if !runbook.inputs.is_empty() {
        text.push_str("\ninputs\n");
    }
    for input in &runbook.inputs {
        let name = &input.name;
        let lacking = missing.iter().find(|problem| problem.input == *name);
        let shown = match (inputs.values.get(name), inputs.secrets.get(name), lacking) {
            (Some(value), Some(source), _) => format!("{value} from {source}"),
            (Some(value), None, _) => value.to_string(),
            (None, _, Some(problem)) => {
                let help = problem.help.as_deref().unwrap_or_default();
                format!("({}; {help})", problem.message)
            }
            (None, _, None) => match &input.default {
                Some(default) => default.source().to_owned(),
                None => "(no value)".into(),
            },
        };
        text.push_str(&format!("  {name}: {shown}\n"));
    }
    text.push_str("\nsteps\n");
    for (i, step) in steps.iter().enumerate() {
        text.push_str(&step.as_text(i + 1));
    }
    text
}
