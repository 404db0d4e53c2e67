//! `steadyhand.yaml`: environments and defaults. A flag goes before an environment variable, which goes
//! before this file, which goes before what is built in. See `docs/settings.md`.

mod load;
mod lower;
pub mod outside;

pub use load::{LoadError, Loaded, load};
pub use lower::{Checked, check};
pub use outside::{Archive, Hook, Include, Retention};

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::runbook::model::Mode;
use crate::runbook::suggest::did_you_mean;
use crate::runbook::targets::Targets;

/// The pins that an environment may name, and what proves each.
pub const PINS: [(&str, &str); 5] = [
    ("aws.account", "STS, who am I"),
    ("aws.region", "the region that requests go to"),
    ("postgres.system_identifier", "the server, asked with the step's own connection"),
    ("kubernetes.cluster", "the UID of the cluster's namespace `kube-system`, asked with kubectl"),
    ("host", "the name of the host that the console runs on"),
];

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Where runs are kept.
    pub runs: Option<PathBuf>,
    /// The group of the directory of runs may look on.
    pub shared: bool,
    /// Where runbooks are looked up.
    pub runbooks: Option<PathBuf>,
    /// Who the operator is.
    pub operator: Option<String>,
    /// Whose record it is, for the report.
    pub organisation: Option<String>,
    /// A theme's name or file.
    pub theme: Option<String>,
    /// How the record is signed; `None`: not at all.
    pub signing: Option<Signing>,
    /// Where runs are archived; `None`: nowhere.
    pub archive: Option<Archive>,
    /// Who is told of runs.
    pub notify: Vec<Hook>,
    /// Whose signatures are approvals, see `ssh-keygen(1)`.
    pub allowed_signers: Option<PathBuf>,
    /// By name.
    pub environments: BTreeMap<String, Environment>,
}

/// How the record is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// A private key's file, or that of a public key whose other half an agent has.
    pub key: PathBuf,
    /// Nothing is done without a signature.
    pub required: bool,
}

/// A named place to run against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// How runs on it treat the world.
    pub mode: Mode,
    /// Unattended runs are allowed; never on a live one.
    pub auto: bool,
    /// Input values as text, by input name; those of other runbooks' inputs are no harm.
    pub inputs: BTreeMap<String, String>,
    /// Where and as whom to call AWS.
    pub aws: Aws,
    /// What must be proven before anything changes: one of [`PINS`] to its value.
    pub pins: BTreeMap<String, String>,
    /// All that a drill may act on; `None`: nothing is said. Never on a live one.
    pub targets: Option<Targets>,
}

/// Where and as whom to call AWS; what is absent comes from the usual places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// An endpoint for every service.
    pub endpoint: Option<String>,
}

impl Settings {
    /// The environment of this name.
    ///
    /// # Errors
    /// There is none; the message says which there are.
    pub fn environment(&self, name: &str) -> Result<&Environment, String> {
        self.environments.get(name).ok_or_else(|| {
            let known = || self.environments.keys().map(String::as_str);
            let help = did_you_mean(name, known()).unwrap_or_else(|| {
                let all: Vec<_> = known().collect();
                if all.is_empty() {
                    "the settings have no environments; see docs/settings.md".into()
                } else {
                    format!("the settings have: {}", all.join(", "))
                }
            });
            format!("no environment `{name}`; {help}")
        })
    }
}
