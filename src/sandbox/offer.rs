//! What a console is told of a sandbox: where it is, what to fill in, and the settings to run with.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Lesson, Practice, Scene};

/// The environment that fits.
const ENVIRONMENT: &str = "sandbox";

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
        _lesson: Option<Lesson>,
        endpoint: String,
        scene: &Scene,
    ) -> Self {
        let settings = format!(
            "# Practice of {}: nothing here is real.\n\
             steadyhand: 1\n\
             environments:\n  {ENVIRONMENT}:\n    mode: drill\n    auto: true\n    \
             aws: {{region: {region}, endpoint: \"{endpoint}\"}}\n    \
             target: {{aws.account: \"{account}\", aws.region: {region}}}\n",
            practice.name,
            region = super::aws::REGION,
            account = super::aws::ACCOUNT,
        );
        Self {
            endpoint,
            outage_start: scene.outage_start,
            inputs: scene.inputs.clone(),
            settings,
            environment: ENVIRONMENT.to_owned(),
        }
    }
}
