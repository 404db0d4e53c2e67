//! What a console is told of a sandbox: where it is, what to fill in, and the settings to run with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::aws::{ACCOUNT, REGION};
use super::{Lesson, Practice, Scene};

/// The environment that fits.
const ENVIRONMENT: &str = "sandbox";
/// The environment of [`Lesson::WrongTarget`], and the account that it is pinned to.
const OTHER: &str = "staging";
const OTHER_ACCOUNT: &str = "000000000077";

/// One line of JSON between the sandbox's process and the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The sandbox's endpoint.
    pub endpoint: String,
    /// When it went wrong.
    pub outage_start: DateTime<Utc>,
    /// The runbook's inputs, as typed.
    pub inputs: BTreeMap<String, String>,
    /// A `steadyhand.yaml`: the run pins it, so that a resumed console finds the sandbox again.
    pub settings: String,
    /// The environment to begin with.
    pub environment: String,
}

impl Offer {
    pub(super) fn of(
        practice: &Practice,
        lesson: Option<Lesson>,
        endpoint: String,
        scene: &Scene,
    ) -> Self {
        let right = environment(ENVIRONMENT, &endpoint, ACCOUNT);
        let (environment, wrong) = match lesson {
            Some(Lesson::WrongTarget) => (OTHER, environment(OTHER, &endpoint, OTHER_ACCOUNT)),
            Some(Lesson::RestoreStuck | Lesson::AccessDenied | Lesson::ConsoleKilled) | None => {
                (ENVIRONMENT, String::new())
            }
        };
        Self {
            endpoint,
            outage_start: scene.outage_start,
            inputs: scene.inputs.clone(),
            settings: format!(
                "# Practice of {}: nothing here is real.\nsteadyhand: 1\nenvironments:\n{right}{wrong}",
                practice.name
            ),
            environment: environment.to_owned(),
        }
    }
}

/// An environment of the settings, pinned to an account.
fn environment(name: &str, endpoint: &str, account: &str) -> String {
    format!(
        "  {name}:\n    mode: drill\n    auto: true\n    \
         aws: {{region: {REGION}, endpoint: \"{endpoint}\"}}\n    \
         target: {{aws.account: \"{account}\", aws.region: {REGION}}}\n",
    )
}
