//! `steady doctor`: what preflight looks at, and more, on a quiet day. Each family of findings is a file: a
//! probe that only looks, and a verdict from what it saw. All of it at once, and none of it for longer than
//! [`PATIENCE`].

mod clock;
mod cloud;
mod record;
mod screen;
mod services;
mod signature;
mod tools;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::engine::event::Check;
use crate::runbook::Runbook;
use crate::settings::{Environment, Settings};
use crate::signing::Signer;

pub(super) use cloud::lasting;
pub use screen::Screen;

/// Nothing is waited for any longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be examined.
pub struct Patient<'a> {
    /// Who the record would say did it.
    pub operator: &'a str,
    /// The settings in force.
    pub settings: &'a Settings,
    /// The environment to look at: its name, and what the settings say of it.
    pub environment: Option<(&'a str, &'a Environment)>,
    /// Where runs are kept.
    pub runs: &'a Path,
    /// The runbooks that may be run.
    pub catalogue: &'a Catalogue,
    /// What signs, when the settings name a key.
    pub signer: Option<Signer>,
    /// The terminal.
    pub screen: Screen,
    /// Reads an environment variable.
    pub env: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

impl Patient<'_> {
    fn runbooks(&self) -> impl Iterator<Item = &Runbook> {
        self.catalogue.entries.iter().filter_map(|entry| entry.checked.runbook.as_ref())
    }

    fn env(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it belongs to.
    pub area: Area,
    /// What was looked at.
    pub name: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen.
    pub found: String,
    /// What to do; always there when it is not ok.
    pub remedy: Option<String>,
}

impl Finding {
    /// The same as a line of preflight, which only knows good and bad.
    pub(super) fn into_check(self) -> Check {
        let ok = self.verdict != Verdict::Bad;
        let detail = match self.remedy {
            Some(remedy) => format!("{}: {remedy}", self.found),
            None => self.found,
        };
        Check { name: self.name, ok, detail }
    }
}

/// What a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Who, as whom, and against what.
    Identity,
    /// What answers over the network.
    Endpoints,
    /// Programs.
    Tools,
    /// Where the screen is shown.
    Terminal,
    /// Time.
    Clock,
    /// Where runs are kept.
    Record,
}

impl Area {
    /// The heading that it goes under.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity and credentials",
            Self::Endpoints => "Endpoints",
            Self::Tools => "Tools",
            Self::Terminal => "Terminal",
            Self::Clock => "Clock",
            Self::Record => "Record",
        }
    }
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It may do harm.
    Warn,
    /// It will.
    Bad,
}

impl Verdict {
    /// Its sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Warn => "!",
            Self::Bad => "✗",
        }
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

impl Area {
    fn ok(self, name: impl Into<String>, found: impl Into<String>) -> Finding {
        let (name, found) = (name.into(), found.into());
        Finding { area: self, name, verdict: Verdict::Ok, found, remedy: None }
    }

    fn warn(
        self,
        name: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        let remedy = Some(remedy.into());
        Finding { verdict: Verdict::Warn, remedy, ..self.ok(name, found) }
    }

    fn bad(
        self,
        name: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { verdict: Verdict::Bad, ..self.warn(name, found, remedy) }
    }

    /// A line of preflight, in its words: what was seen, and after `: ` or `; ` what to do.
    fn check(self, check: Check) -> Finding {
        if check.ok {
            return self.ok(check.name, check.detail);
        }
        let (found, remedy) = halves(&check.detail);
        self.bad(check.name, found, remedy)
    }
}

/// A message and its remedy: what stands after the last `: ` or `; `.
fn halves(message: &str) -> (String, String) {
    let at = [": ", "; "].iter().filter_map(|between| message.rfind(between)).max();
    match at.and_then(|at| message.split_at_checked(at)) {
        Some((found, rest)) => (found.to_owned(), rest.get(2..).unwrap_or_default().to_owned()),
        None => (message.to_owned(), "see above".to_owned()),
    }
}

/// Looks at everything. Writes nothing but a file of its own in the directory of runs, which is gone
/// before it is written to.
pub async fn examine(patient: &Patient<'_>) -> Vec<Finding> {
    let (mut all, signature, endpoints, tools, connection, clock, record) = tokio::join!(
        cloud::look(patient),
        signature::look(patient),
        services::look(patient),
        tools::look(patient),
        connection(),
        clock::look(),
        record::look(patient),
    );
    all.extend(signature);
    all.extend(endpoints);
    all.extend(tools);
    all.extend(screen::judge(&patient.screen, patient.env));
    all.push(connection);
    all.extend(clock);
    all.extend(record);
    all
}

/// What a lost connection would end.
async fn connection() -> Finding {
    let connection = super::connection().await;
    match connection.risk() {
        Some(risk) => {
            let (found, remedy) = halves(&risk);
            Area::Terminal.warn("connection", found, remedy)
        }
        None => Area::Terminal.ok("connection", connection.check().detail),
    }
}

/// Waits for an answer, as long as there is patience.
async fn within<T>(answer: impl Future<Output = T>, late: T) -> T {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_what_stands_last() {
        let (found, remedy) = halves("only 3 MiB free in /x: make room, or use --runs DIR");
        assert_eq!(
            (found.as_str(), remedy.as_str()),
            ("only 3 MiB free in /x", "make room, or use --runs DIR")
        );
        assert_eq!(halves("no way").1, "see above");
    }
}
