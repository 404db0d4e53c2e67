//! From the tree to the checked model. Every problem of the file is found in one pass: a part that
//! cannot be read is left out and the rest is read on.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use regex::Regex;

use super::Problem;
use super::diagnostic::{Problems, Source};
use super::format::{self, known};
use super::model::{Escalation, Objectives, Requires, Reviewed, Runbook, StepId};
use super::timetext;
use super::value::Type;
use super::yaml::{self, Fields, Kind, Node};

mod approval;
mod args;
mod call;
mod expr;
mod guard;
mod input;
mod nested;
mod scope;
mod step;

use nested::Includes;
use scope::Scope;

/// What came of reading a file.
#[derive(Debug)]
pub struct Checked {
    /// The file's text, to show the problems in.
    pub source: Source,
    /// In the order of the file.
    pub problems: Vec<Problem>,
    /// There when no problem is an error.
    pub runbook: Option<Runbook>,
    /// The other runbooks that its steps name, and theirs.
    pub included: Vec<Included>,
}

/// Another runbook that a step names.
#[derive(Debug)]
pub struct Included {
    /// The step, such as `restore`, or `restore/verify` where that names the one of this step.
    pub at: StepId,
    /// How the problems name the file.
    pub file: String,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// Its text, to show the problems in.
    pub source: Source,
    /// In the order of the file.
    pub problems: Vec<Problem>,
}

/// A step asks for another runbook.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// An id, or a path from the file that names it.
    pub name: &'a str,
    /// The file that names it.
    pub from: &'a str,
    /// See [`Included::at`].
    pub at: &'a str,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// The same for the same file, however it is named.
    pub file: String,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}

/// Where other runbooks come from: reading files is somebody else's work. An error is one line.
pub type Library<'l> = dyn FnMut(&Wanted<'_>) -> Result<Found, String> + 'l;

/// Reads a runbook and finds every problem in it. `file` is how the problems name it. It may name no
/// other runbook: see [`check_with`].
#[must_use]
pub fn check(bytes: &[u8], file: &str) -> Checked {
    check_with(bytes, file, &mut |wanted| Err(format!("no runbook `{}` here", wanted.name)))
}

/// As [`check`], with the other runbooks that its steps may name.
#[must_use]
pub fn check_with(bytes: &[u8], file: &str, library: &mut Library<'_>) -> Checked {
    let files = vec![file.to_owned()];
    let (at, found, requires) = (Vec::new(), Vec::new(), Requires::default());
    let mut includes = Includes { library, files, at, found, requires };
    let (mut checked, _) = check_nested(bytes, file, &mut includes);
    if let Some(runbook) = &mut checked.runbook {
        runbook.requires.add(&includes.requires);
    }
    Checked { included: includes.found, ..checked }
}

/// One file, and the type of what its steps save.
fn check_nested(bytes: &[u8], file: &str, includes: &mut Includes<'_>) -> (Checked, Type) {
    let source = match yaml::decode(bytes, file) {
        Ok(source) => source,
        Err((source, problems)) => {
            let included = Vec::new();
            return (Checked { source, problems, runbook: None, included }, Type::Dyn);
        }
    };
    let mut problems = Problems::new(&source);
    let read = yaml::read(&mut problems).and_then(|root| runbook(&mut problems, &root, includes));
    let (runbook, saved) = read.filter(|_| problems.none_is_an_error()).unzip();
    let problems = problems.finish();
    let checked = Checked { source, problems, runbook, included: Vec::new() };
    (checked, saved.unwrap_or(Type::Dyn))
}

/// Reads a runbook: the model and the warnings, or every problem.
///
/// # Errors
/// The file is no valid runbook.
pub fn load(bytes: &[u8], file: &str) -> Result<(Runbook, Vec<Problem>), Vec<Problem>> {
    let Checked { problems, runbook, .. } = check(bytes, file);
    match runbook {
        Some(runbook) => Ok((runbook, problems)),
        None => Err(problems),
    }
}

fn runbook(
    problems: &mut Problems<'_>,
    root: &Node,
    includes: &mut Includes<'_>,
) -> Option<(Runbook, Type)> {
    let fields = Fields::read(problems, root, "a runbook", known(format::RUNBOOK))?;
    version(problems, &fields);
    let id = fields.get("id").and_then(|node| name(problems, node, format::ID, "id"));
    let title = fields.get("title").and_then(|node| line(problems, node));
    let mut text = |key| fields.get(key).and_then(|node| yaml::plain_text(problems, node));
    let [summary, version, owner, system, scope, success] =
        ["summary", "version", "owner", "system", "scope", "success"]
            .map(|key| text(key).map(str::to_owned));
    let reviewed = fields.get("reviewed").and_then(|node| reviewed(problems, node));
    let tags = fields.get("tags").map(|node| texts(problems, node)).unwrap_or_default();
    let drill_every = fields.get("drill_every").and_then(|node| duration(problems, node));
    let objectives = fields.get("objectives").and_then(|node| objectives(problems, node));
    let escalation = fields.get("escalation").map(|node| escalation(problems, node));
    let requires = fields.get("requires").and_then(|node| requires(problems, node));
    let requires = requires.unwrap_or_default();

    let mut scope_of_steps = Scope::new(&requires.env);
    let inputs =
        fields.get("inputs").map(|node| input::inputs(problems, node, &mut scope_of_steps));
    let steps = match fields.get("steps") {
        Some(node) => step::steps(problems, node, &mut scope_of_steps, includes),
        None => Vec::new(),
    };
    let recovery_point = fields
        .get("recovery_point")
        .and_then(|node| expr::recovery_point(problems, node, &scope_of_steps));
    let runbook = Runbook {
        id: id?.to_owned(),
        title: title?.to_owned(),
        summary,
        version,
        owner,
        reviewed,
        system,
        scope,
        success,
        tags,
        drill_every,
        objectives: objectives.unwrap_or_default(),
        escalation: escalation.unwrap_or_default(),
        requires,
        inputs: inputs.unwrap_or_default(),
        recovery_point,
        steps,
    };
    warn_of_objectives(problems, &fields, &runbook);
    Some((runbook, scope_of_steps.saved()))
}

/// An objective that nothing in the runbook can ever meet is likely an oversight.
fn warn_of_objectives(problems: &mut Problems<'_>, fields: &Fields<'_>, runbook: &Runbook) {
    let Some(entry) = fields.entry("objectives") else { return };
    let restored = Some(super::Milestone::ServiceRestored);
    if runbook.objectives.rto.is_some() && runbook.steps.iter().all(|s| s.milestone != restored) {
        problems
            .warning(
                entry.key_span.clone(),
                "rto-never-met",
                "there is an RTO, and no step has `milestone: service_restored`",
            )
            .help("give it to the step after which users are served again");
    }
    if runbook.objectives.rpo.is_some() && runbook.recovery_point.is_none() {
        problems
            .warning(
                entry.key_span.clone(),
                "rpo-never-met",
                "there is an RPO, and no `recovery_point` says what was achieved",
            )
            .help("add `recovery_point:` in terms of what a step saved");
    }
}

fn version(problems: &mut Problems<'_>, fields: &Fields<'_>) {
    let Some(node) = fields.get("steadyhand") else { return };
    if let Some(version) = yaml::integer(problems, node)
        && version != 1
    {
        let message = format!("format version {version} is not known");
        problems
            .error(node.span.clone(), "unknown-version", message)
            .help(yaml::of_version(version));
    }
}

fn reviewed(problems: &mut Problems<'_>, node: &Node) -> Option<Reviewed> {
    let fields = Fields::read(problems, node, "reviewed", known(format::REVIEWED))?;
    let on = fields.get("on").and_then(|node| yaml::date(problems, node));
    let by = fields.get("by").and_then(|node| line(problems, node));
    Some(Reviewed { on: on?, by: by?.to_owned() })
}

fn objectives(problems: &mut Problems<'_>, node: &Node) -> Option<Objectives> {
    let fields = Fields::read(problems, node, "objectives", known(format::OBJECTIVES))?;
    let rto = fields.get("rto").and_then(|node| duration(problems, node));
    let rpo = fields.get("rpo").and_then(|node| duration(problems, node));
    Some(Objectives { rto, rpo })
}

fn escalation(problems: &mut Problems<'_>, node: &Node) -> Vec<Escalation> {
    let mut one = |node| {
        let fields = Fields::read(problems, node, "an escalation", known(format::ESCALATION))?;
        let after = fields.get("after").and_then(|node| duration(problems, node));
        let to = fields.get("to").and_then(|node| line(problems, node));
        let contact = fields.get("contact").and_then(|node| line(problems, node));
        Some(Escalation { after: after?, to: to?.to_owned(), contact: contact?.to_owned() })
    };
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(&mut one).collect(),
        _ => {
            yaml::expected(problems, node, "a list");
            Vec::new()
        }
    }
}

fn requires(problems: &mut Problems<'_>, node: &Node) -> Option<Requires> {
    let fields = Fields::read(problems, node, "requires", known(format::REQUIRES))?;
    let tools = fields.get("tools").map(|node| texts(problems, node)).unwrap_or_default();
    let mut env = Vec::new();
    if let Some(list) = fields.get("env") {
        for node in items(problems, list) {
            env.extend(name(problems, node, format::ENV, "variable").map(str::to_owned));
        }
    }
    Some(Requires { tools, env })
}

/// The items of a list.
fn items<'n>(problems: &mut Problems<'_>, node: &'n Node) -> &'n [Node] {
    if let Kind::List(items) = &node.kind {
        return items;
    }
    yaml::expected(problems, node, "a list");
    &[]
}

/// A list of text without templates.
fn texts(problems: &mut Problems<'_>, node: &Node) -> Vec<String> {
    let items = items(problems, node);
    items.iter().filter_map(|item| line(problems, item)).map(str::to_owned).collect()
}

/// Text of one line, without templates, not empty.
fn line<'n>(problems: &mut Problems<'_>, node: &'n Node) -> Option<&'n str> {
    let text = yaml::plain_text(problems, node)?;
    one_line(problems, node, text).then_some(text)
}

/// Refuses empty text and text of several lines.
fn one_line(problems: &mut Problems<'_>, node: &Node, text: &str) -> bool {
    if text.trim().is_empty() {
        problems
            .error(node.span.clone(), "empty-value", "expected text, found nothing")
            .help("write something, or leave the key out");
        return false;
    }
    if let Some(at) = text.trim_end_matches('\n').find('\n') {
        let place = node.part(problems.source, at..at + 1);
        problems
            .error(place, "not-one-line", "this text must be one line")
            .help("join its lines, or fold them with `>-`");
        return false;
    }
    true
}

/// Text of a certain form, such as an id.
fn name<'n>(
    problems: &mut Problems<'_>,
    node: &'n Node,
    pattern: &'static str,
    what: &str,
) -> Option<&'n str> {
    let text = yaml::plain_text(problems, node)?;
    named(problems, node.span.clone(), text, pattern, what).then_some(text)
}

/// Whether `text` has the form of a name.
fn named(
    problems: &mut Problems<'_>,
    span: std::ops::Range<usize>,
    text: &str,
    pattern: &'static str,
    what: &str,
) -> bool {
    let good = is_whole(pattern, text);
    if !good {
        problems
            .error(span, "bad-name", format!("`{text}` is no name for this {what}"))
            .help(format!("it must match {pattern}"));
    }
    good
}

thread_local! {
    /// The forms of names are few and names are many: compiling them anew took most of the time of a check.
    static FORMS: RefCell<HashMap<&'static str, Regex>> = RefCell::default();
}

/// Whether the whole text matches one of the patterns of [`format`].
fn is_whole(pattern: &'static str, text: &str) -> bool {
    FORMS.with_borrow_mut(|forms| {
        if let Some(form) = forms.get(pattern) {
            return form.is_match(text);
        }
        whole(pattern).is_ok_and(|form| forms.entry(pattern).or_insert(form).is_match(text))
    })
}

/// A regular expression that must match the whole text.
fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // The group keeps an alternative from escaping the anchors.
    Regex::new(pattern).and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
}

/// A length of time greater than zero.
fn duration(problems: &mut Problems<'_>, node: &Node) -> Option<chrono::TimeDelta> {
    let text = yaml::plain_text(problems, node)?;
    match timetext::parse_duration(text) {
        Ok(length) => Some(length),
        Err(error) => {
            let help = error.help.unwrap_or_else(|| "write it like 90s, 5m or 1h30m".into());
            problems.error(node.span.clone(), "bad-duration", error.message).help(help);
            None
        }
    }
}

/// A moment with its zone.
fn timestamp(problems: &mut Problems<'_>, node: &Node) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = yaml::plain_text(problems, node)?;
    match timetext::parse_timestamp(text) {
        Ok(moment) => Some(moment),
        Err(error) => {
            let help = error.help.unwrap_or_else(|| "write it like 2026-11-21T03:14:00Z".into());
            problems.error(node.span.clone(), "bad-timestamp", error.message).help(help);
            None
        }
    }
}

/// A record type.
fn record(fields: impl IntoIterator<Item = (String, Type)>) -> Type {
    Type::Record(fields.into_iter().collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod tests;
