//! `archive:` and `notify:`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Keys, aws, text};
use crate::runbook::diagnostic::Problems;
use crate::runbook::inputs::SecretSource;
use crate::runbook::timetext;
use crate::runbook::yaml::{self, Fields, Kind, Node};
use crate::settings::outside::{Address, Archive, Hook, HookKind, Include, OCCASIONS, Retention};

const ARCHIVE: Keys =
    &[("to", true), ("retention", false), ("include", false), ("anchor", false), ("aws", false)];
const HOOK: Keys =
    &[("url", true), ("kind", true), ("on", false), ("name", false), ("timeout", false)];
/// One try; there are few.
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

pub(super) fn archive(problems: &mut Problems<'_>, node: &Node) -> Option<Archive> {
    let fields = Fields::read(problems, node, "`archive`", ARCHIVE.iter().copied())?;
    let to = fields.get("to").and_then(|node| place(problems, node));
    let retention = fields.get("retention").and_then(|node| {
        let written = yaml::plain_text(problems, node)?;
        let retention = Retention::parse(written);
        if retention.is_none() {
            let message = format!("`{written}` is not how long something is kept");
            problems
                .error(node.span.clone(), "bad-retention", message)
                .help("write years or days, such as 7y or 400d; 100 years at most");
        }
        retention
    });
    let include = fields
        .get("include")
        .map(|node| words(problems, node, &Include::ALL.map(Include::name), "output, evidence"));
    let include = include.unwrap_or_default();
    let anchor = fields.get("anchor").and_then(|node| yaml::boolean(problems, node));
    let aws = fields.get("aws").and_then(|node| aws(problems, node));
    Some(Archive {
        to: to?,
        retention: retention.unwrap_or_default(),
        include: Include::ALL.into_iter().filter(|it| include.contains(it.name())).collect(),
        anchor: anchor.unwrap_or(false),
        aws: aws.unwrap_or_default(),
    })
}

/// `s3://bucket/prefix`
fn place(problems: &mut Problems<'_>, node: &Node) -> Option<String> {
    let written = yaml::plain_text(problems, node)?;
    let rest = written.strip_prefix("s3://").map(|rest| rest.trim_end_matches('/'));
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let (bucket, prefix) = rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))).unzip();
    let is_bucket = bucket.is_some_and(|it| it.len() >= 3 && !it.contains('_'));
    let is_prefix = prefix.is_some_and(|it| !it.split('/').any(|part| matches!(part, "." | "..")));
    match rest {
        Some(rest) if is_bucket && is_prefix && rest.chars().all(good) && !rest.contains("//") => {
            Some(format!("s3://{rest}"))
        }
        _ => {
            let message = format!("`{written}` is not a place in S3");
            problems
                .error(node.span.clone(), "bad-place", message)
                .help("write s3://bucket or s3://bucket/prefix, of letters, digits, - _ . and /");
            None
        }
    }
}

/// A list of some known words, none twice.
fn words(
    problems: &mut Problems<'_>,
    node: &Node,
    known: &[&str],
    shown: &str,
) -> BTreeSet<String> {
    let Kind::List(items) = &node.kind else {
        yaml::expected(problems, node, &format!("a list of some of: {shown}"));
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    for item in items {
        let Some(word) = yaml::one_of(problems, item, known) else { continue };
        if !found.insert(word.to_owned()) {
            problems
                .error(item.span.clone(), "stands-twice", format!("`{word}` stands twice"))
                .help("take one away");
        }
    }
    found
}

pub(super) fn hooks(problems: &mut Problems<'_>, node: &Node) -> Vec<Hook> {
    let Kind::List(items) = &node.kind else {
        yaml::expected(problems, node, "a list of hooks");
        return Vec::new();
    };
    let mut hooks: Vec<Hook> = Vec::new();
    for (item, number) in items.iter().zip(1..) {
        let Some(hook) = hook(problems, item, number) else { continue };
        if hooks.iter().any(|other| other.name == hook.name) {
            let message = format!("two hooks are called `{}`", hook.name);
            problems
                .error(item.head(), "name-twice", message)
                .help("give one another `name`: the record tells them apart by it");
        }
        hooks.push(hook);
    }
    hooks
}

fn hook(problems: &mut Problems<'_>, node: &Node, number: usize) -> Option<Hook> {
    let fields = Fields::read(problems, node, "a hook", HOOK.iter().copied())?;
    let kind = fields.get("kind").and_then(|node| {
        let word = yaml::one_of(problems, node, &["slack", "statuspage", "json"])?;
        Some(match word {
            "slack" => HookKind::Slack,
            "statuspage" => HookKind::Statuspage,
            _ => HookKind::Json,
        })
    });
    let url = fields.get("url").and_then(|node| address(problems, node, kind));
    let on = match fields.get("on") {
        Some(node) => words(problems, node, &OCCASIONS, &OCCASIONS.join(", ")),
        None => OCCASIONS.map(str::to_owned).into(),
    };
    let timeout = fields.get("timeout").and_then(|node| timeout(problems, node));
    let given = text(problems, &fields, "name");
    let word = match kind? {
        HookKind::Slack => "slack",
        HookKind::Statuspage => "statuspage",
        HookKind::Json => "json",
    };
    Some(Hook {
        name: given.unwrap_or_else(|| format!("{word} {number}")),
        url: url?,
        kind: kind?,
        on,
        timeout: timeout.unwrap_or(TIMEOUT),
    })
}

fn address(problems: &mut Problems<'_>, node: &Node, kind: Option<HookKind>) -> Option<Address> {
    let written = yaml::plain_text(problems, node)?;
    let reference = "write env:NAME, file:/path or cmd:command";
    match SecretSource::parse(written) {
        Some(SecretSource::Ask) => {
            problems
                .error(node.span.clone(), "ask-here", "nobody is asked for the address of a hook")
                .help(reference);
            return None;
        }
        Some(source) => return Some(Address::Secret(source)),
        None => {}
    }
    let is_url = url::Url::parse(written)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Never shown again: it may be a secret that was written here by mistake.
    if !is_url {
        problems
            .error(
                node.span.clone(),
                "bad-url",
                "this is neither an http or https URL nor a reference",
            )
            .help(reference);
        return None;
    }
    let with_password = url::Url::parse(written)
        .is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
    // The settings are pinned in the run directory, and may be archived for years.
    if kind == Some(HookKind::Slack) || with_password {
        problems
            .error(
                node.span.clone(),
                "literal-secret",
                "whoever knows this URL may write there: it is a secret",
            )
            .help(reference);
        return None;
    }
    Some(Address::Url(written.to_owned()))
}

fn timeout(problems: &mut Problems<'_>, node: &Node) -> Option<Duration> {
    let written = yaml::plain_text(problems, node)?;
    let length = timetext::parse_duration(written).ok().and_then(|length| length.to_std().ok());
    let length = length.filter(|length| !length.is_zero() && *length <= LONGEST);
    if length.is_none() {
        problems
            .error(
                node.span.clone(),
                "bad-timeout",
                format!("`{written}` is no timeout for a hook"),
            )
            .help("write such as 5s; a minute at most");
    }
    length
}
