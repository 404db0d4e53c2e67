//! The checked runbook: what `check` has accepted, without positions. Everything after it may rely on
//! it: ids are unique, names exist, guards are strong enough, expressions have types.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};

use super::expr::Expr;
use super::registry::{ActionSpec, Effect, Kind};
use super::template::Template;
use super::value::Value;
use super::within::Within;

/// The id of a step, `[a-z][a-z0-9_]{0,62}`, or `parent/child` inside a nested runbook.
pub type StepId = String;

/// A runbook that passed `check`.
#[derive(Clone, Debug)]
pub struct Runbook {
    /// Unique in the catalogue.
    pub id: String,
    /// One line, for people.
    pub title: String,
    /// Markdown.
    pub summary: Option<String>,
    /// The author's version, free text.
    pub version: Option<String>,
    /// Who keeps it.
    pub owner: Option<String>,
    /// When it was last reviewed, and by whom.
    pub reviewed: Option<Reviewed>,
    /// The system it restores.
    pub system: Option<String>,
    /// What it covers and what it does not.
    pub scope: Option<String>,
    /// How one knows that it worked.
    pub success: Option<String>,
    /// For search.
    pub tags: Vec<String>,
    /// How often it wants a passed drill.
    pub drill_every: Option<TimeDelta>,
    /// The recovery objectives.
    pub objectives: Objectives,
    /// Whom to call, and when.
    pub escalation: Vec<Escalation>,
    /// What must be there before the first step.
    pub requires: Requires,
    /// In the order of the file.
    pub inputs: Vec<Input>,
    /// The recovery point achieved, in terms of what steps saved.
    pub recovery_point: Option<Template>,
    /// In the order of the file; at least one.
    pub steps: Vec<Step>,
}

/// When a runbook was reviewed, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The day.
    pub on: NaiveDate,
    /// The reviewer.
    pub by: String,
}

/// Recovery objectives; absent ones are not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objectives {
    /// Longest time from the start of the outage to `service_restored`.
    pub rto: Option<TimeDelta>,
    /// Longest span of data that may be lost.
    pub rpo: Option<TimeDelta>,
}

/// Whom to call when a run has taken so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Since the start of the outage.
    pub after: TimeDelta,
    /// The role or person.
    pub to: String,
    /// How to reach them.
    pub contact: String,
}

/// What preflight looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    /// Programs on the PATH.
    pub tools: Vec<String>,
    /// Environment variables that are set and not empty.
    pub env: Vec<String>,
}

/// The type of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Text.
    String,
    /// A 64-bit integer.
    Integer,
    /// A finite double.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of `choices`.
    Choice,
    /// A moment with a zone; `30m ago`.
    Timestamp,
    /// Such as `15m`.
    Duration,
    /// A path on this machine; text.
    Path,
    /// An `http` or `https` URL; text.
    Url,
    /// `s3://bucket/key`; text.
    S3Uri,
    /// A reference to a secret, never the secret.
    Secret,
}

impl InputKind {
    /// As the format writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Path => "path",
            Self::Url => "url",
            Self::S3Uri => "s3_uri",
            Self::Secret => "secret",
        }
    }
}

/// One declared input.
#[derive(Clone, Debug)]
pub struct Input {
    /// `[a-z][a-z0-9_]{0,62}`.
    pub name: String,
    /// Its type.
    pub kind: InputKind,
    /// Used when nothing was given; may name inputs declared before it.
    pub default: Option<Template>,
    /// An environment variable it is taken from when nothing was given.
    pub env: Option<String>,
    /// Text must match it whole.
    pub pattern: Option<String>,
    /// Smallest value (or shortest text).
    pub min: Option<Value>,
    /// Largest value (or longest text).
    pub max: Option<Value>,
    /// For [`InputKind::Choice`].
    pub choices: Vec<String>,
    /// `true` unless the file says otherwise or there is a default.
    pub required: bool,
    /// One line, for the form.
    pub help: Option<String>,
}

impl Requires {
    /// What another needs besides.
    pub(super) fn add(&mut self, other: &Self) {
        for (all, more) in [(&mut self.tools, &other.tools), (&mut self.env, &other.env)] {
            for one in more {
                if !all.contains(one) {
                    all.push(one.clone());
                }
            }
        }
    }
}

impl Input {
    /// A step that names the runbook must give it: there is no default, and a secret is had from outside.
    #[must_use]
    pub fn is_needed_from_outside(&self) -> bool {
        self.kind == InputKind::Secret || (self.required && self.default.is_none())
    }
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Unique in the runbook.
    pub id: StepId,
    /// One line, for people.
    pub title: Template,
    /// Markdown, shown beside the request.
    pub instructions: Option<Template>,
    /// `do`: what it does.
    pub action: Call,
    /// `undo`: what takes it back.
    pub undo: Option<Call>,
    /// How to find out what an attempt did that was lost sight of.
    pub probe: Option<Probe>,
    /// Who resolves an unknown outcome.
    pub on_unknown: OnUnknown,
    /// What the operator must do before `do` runs.
    pub guard: Guard,
    /// Who must approve: before `do` runs, or by an `approve` step itself.
    pub approval: Option<Approvers>,
    /// The step does not apply where this is false.
    pub when: Option<Expr>,
    /// Each must be true of `result`, or the step failed.
    pub expect: Vec<Expr>,
    /// Names saved for later steps.
    pub save: Vec<(String, Expr)>,
    /// Target time: colours and pace, never kills.
    pub budget: Option<TimeDelta>,
    /// The attempt is cancelled after this.
    pub timeout: Option<TimeDelta>,
    /// Automatic retries of a failed attempt.
    pub retry: Option<Retry>,
    /// What a failure means for the run.
    pub on_failure: OnFailure,
    /// Reached when the step succeeds.
    pub milestone: Option<Milestone>,
    /// What the report may conclude from this step.
    pub verifies: Option<Verifies>,
    /// What the operator is asked to attach.
    pub evidence: Option<String>,
    /// Environment for a script, besides `INPUT_…`.
    pub env: Vec<(String, Template)>,
    /// The step that names the runbook which this step came from.
    pub within: Option<Arc<Within>>,
}

impl Step {
    /// Whether the step is an approval, rather than has to be approved.
    #[must_use]
    pub fn is_approval(&self) -> bool {
        self.action.spec.name == super::registry::APPROVE
    }

    /// The effect of `do`.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.action.effect
    }
}

/// An action with its arguments, unrendered.
#[derive(Clone, Debug)]
pub struct Call {
    /// The registry's entry.
    pub spec: &'static ActionSpec,
    /// Arguments in the order of the file, checked against the entry's keys.
    pub args: Vec<(String, Arg)>,
    /// The effect, after `effect:` and, for `http`, the method were considered.
    pub effect: Effect,
}

/// An argument, unrendered.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A literal of the key's type, or a template.
    Scalar(Template),
    /// A list.
    List(Vec<Arg>),
    /// A map, in the order of the file.
    Map(Vec<(String, Arg)>),
    /// An expression over `result` that the action itself evaluates (such as a polling condition).
    Expr(Expr),
}

/// `probe`: an action that only reads, and an expression for each answer.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its effect is always [`Effect::Reads`].
    pub action: Call,
    /// True: the attempt did its work.
    pub done: Option<Expr>,
    /// True: the attempt changed nothing.
    pub not_done: Option<Expr>,
    /// True: it is still at work.
    pub in_progress: Option<Expr>,
}

/// `on_unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// A person decides.
    Ask,
    /// The step's `probe` is asked; a person decides when it cannot tell.
    Probe,
    /// The action finds what it started and waits on; a person decides when it cannot.
    Reattach,
}

/// `guard`.
#[derive(Clone, Debug)]
pub enum Guard {
    /// `Enter` is enough.
    None,
    /// The whole request was on screen, then `y`.
    Confirm,
    /// This text must be typed.
    Type(Template),
}

/// Who must approve, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    /// Names of local users, and principals of `allowed_signers`; no name twice.
    pub by: Vec<String>,
    /// From 1 to as many as there are names.
    pub count: u32,
}

/// `retry`: how often a failed attempt is repeated on its own, and after how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Besides the first attempt.
    pub times: u32,
    /// Pause before each.
    pub every: TimeDelta,
}

/// `on_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The operator chooses.
    Stop,
    /// Recorded as failed; the run goes on.
    Continue,
}

/// A moment that objectives are measured at.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// Nothing writes any more: the end of the span that the RPO covers.
    WritesStopped,
    /// Users are served again: stops the RTO clock.
    ServiceRestored,
}

impl Milestone {
    /// As the format writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WritesStopped => "writes_stopped",
            Self::ServiceRestored => "service_restored",
        }
    }
}

/// How a run treats the world.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// An incident.
    Live,
    /// Real actions on a DR environment.
    Drill,
    /// Nothing is executed.
    Rehearsal,
}

impl Mode {
    /// As the settings and the command line write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Drill => "drill",
            Self::Rehearsal => "rehearsal",
        }
    }
}

/// `verifies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifies {
    /// The step feeds the report's data-integrity verdict.
    Data,
}

/// The variable that a script finds an input in.
#[must_use]
pub fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_ascii_uppercase())
}

impl Call {
    /// The guard of a call whose step states none: nothing for what reads, `confirm` for what changes,
    /// the name of what is destroyed otherwise. `None`: the action does not know that name, and the
    /// runbook must say what is to be typed.
    #[must_use]
    pub fn default_guard(&self) -> Option<Guard> {
        match self.effect {
            Effect::Reads => Some(Guard::None),
            Effect::Changes => Some(Guard::Confirm),
            Effect::Destroys => {
                let key = self.spec.destroys?;
                self.args.iter().find_map(|(name, arg)| match arg {
                    Arg::Scalar(template) if name == key => Some(Guard::Type(template.clone())),
                    Arg::Scalar(_) | Arg::List(_) | Arg::Map(_) | Arg::Expr(_) => None,
                })
            }
        }
    }

    /// The text of its script, where it has one; no template may stand there.
    #[must_use]
    pub fn script(&self) -> Option<&str> {
        let key = self.spec.keys.iter().find(|key| matches!(key.kind, Kind::Script))?;
        self.args.iter().find_map(|(name, arg)| match arg {
            Arg::Scalar(template) if name == key.name => Some(template.source()),
            Arg::Scalar(_) | Arg::List(_) | Arg::Map(_) | Arg::Expr(_) => None,
        })
    }

    /// Whether its script names the variable that holds an input.
    #[must_use]
    pub fn reads_input(&self, input: &str) -> bool {
        self.script().is_some_and(|script| script.contains(&variable(input)))
    }

    /// A person has to be there: the action takes the console's terminal, or may.
    #[must_use]
    pub fn wants_terminal(&self) -> bool {
        let no = Value::Bool(false);
        self.spec.name == "shell"
            && self.args.iter().any(|(name, arg)| match arg {
                Arg::Scalar(template) => name == "tty" && template.literal_value() != Some(&no),
                Arg::List(_) | Arg::Map(_) | Arg::Expr(_) => false,
            })
    }

    /// Every path that its templates and expressions use.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        self.args.iter().flat_map(|(_, arg)| arg.names()).collect()
    }
}

impl Arg {
    fn names(&self) -> Vec<Vec<String>> {
        match self {
            Self::Scalar(template) => template.names(),
            Self::List(items) => items.iter().flat_map(Self::names).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, arg)| arg.names()).collect(),
            Self::Expr(expr) => expr.names(),
        }
    }
}

impl Step {
    /// A step that a person adds during a run: a script that may change things, behind a confirmation.
    #[must_use]
    pub fn ad_hoc(id: &str, title: &str, script: &str) -> Option<Self> {
        let text = |text: &str| Template::literal(Value::String(text.to_owned()), text);
        let run = ("run".to_owned(), Arg::Scalar(text(script)));
        let spec = super::registry::action("shell")?;
        Some(Self {
            id: id.to_owned(),
            title: text(title),
            instructions: None,
            action: Call { spec, args: vec![run], effect: Effect::Changes },
            undo: None,
            probe: None,
            on_unknown: OnUnknown::Reattach,
            guard: Guard::Confirm,
            approval: None,
            when: None,
            expect: Vec::new(),
            save: Vec::new(),
            budget: None,
            timeout: None,
            retry: None,
            on_failure: OnFailure::Stop,
            milestone: None,
            verifies: None,
            evidence: None,
            env: Vec::new(),
            within: None,
        })
    }

    /// Every path that the step's templates and expressions use, such as `steps.verify.newest_row`, as
    /// the run knows it.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        let calls =
            [Some(&self.action), self.undo.as_ref(), self.probe.as_ref().map(|p| &p.action)];
        let probe =
            self.probe.iter().flat_map(|p| [&p.done, &p.not_done, &p.in_progress]).flatten();
        let exprs = self.when.iter().chain(&self.expect).chain(self.save.iter().map(|(_, e)| e));
        let guard = match &self.guard {
            Guard::Type(template) => Some(template),
            Guard::None | Guard::Confirm => None,
        };
        let texts = [Some(&self.title), self.instructions.as_ref(), guard].into_iter().flatten();
        let env = self.env.iter().map(|(_, template)| template);
        let names = calls
            .into_iter()
            .flatten()
            .flat_map(Call::names)
            .chain(exprs.chain(probe).flat_map(Expr::names))
            .chain(texts.chain(env).flat_map(Template::names))
            .collect();
        self.outward(names)
    }
}
