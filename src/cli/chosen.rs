//! What a run, or its plan, is made with: the environment and the input values.

use chrono::Utc;

use crate::runbook::Runbook;
use crate::runbook::inputs::{Given, InputProblem, Inputs, examine};
use crate::settings::{Environment, Settings};

/// The options of every command that needs input values.
#[derive(Debug, clap::Args)]
pub struct Chosen {
    /// An environment of the settings
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// An input's value; a secret's is env:NAME, file:/path, cmd:COMMAND, or ask to type it later
    #[arg(short = 'i', long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
}

impl Chosen {
    /// The environment that was chosen, if any.
    ///
    /// # Errors
    /// One line: there is none of this name.
    pub fn environment<'s>(
        &self,
        settings: &'s Settings,
    ) -> Result<Option<&'s Environment>, String> {
        self.env.as_deref().map(|name| settings.environment(name)).transpose()
    }

    /// The values of the runbook's inputs, and every problem with them.
    ///
    /// # Errors
    /// One line: an `-i` that is none.
    pub fn inputs(
        &self,
        runbook: &Runbook,
        environment: Option<&Environment>,
    ) -> Result<(Inputs, Vec<InputProblem>), String> {
        let nothing = Given::new();
        let settings = environment.map_or(&nothing, |environment| &environment.inputs);
        let env = |name: &str| std::env::var(name).ok();
        Ok(examine(&runbook.inputs, &self.given()?, settings, &env, Utc::now()))
    }

    /// What `-i` gives.
    ///
    /// # Errors
    /// One line: an `-i` that is none.
    pub fn given(&self) -> Result<Given, String> {
        given(&self.inputs)
    }
}

/// Reads `NAME=VALUE` pairs.
///
/// # Errors
/// One line: one that is none, or that is there twice.
pub fn given(pairs: &[String]) -> Result<Given, String> {
    let mut given = Given::new();
    for pair in pairs {
        // What stands here may be a secret: only a name is repeated.
        let Some((name, value)) = pair.split_once('=') else {
            return Err("-i wants NAME=VALUE".into());
        };
        if given.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("-i {name}=… is there twice"));
        }
    }
    Ok(given)
}

/// Problems as lines for the operator.
#[must_use]
pub fn problem_lines(problems: &[InputProblem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| match &problem.help {
            Some(help) => format!("{problem}; {help}"),
            None => problem.to_string(),
        })
        .collect();
    lines.join("\nsteady: ")
}
