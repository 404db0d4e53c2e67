//! Target pins: what proves that a request acts on the right system.

use super::kubernetes::{self, Context};
use crate::actions::postgres;
use crate::aws::{self, AwsAccess};
use crate::engine::event::Pins;
use crate::runbook::{Effect, Request, Resolved, Reveal};
use crate::settings;

/// The pin of a Kubernetes cluster.
const CLUSTER: &str = "kubernetes.cluster";
/// The pin of a PostgreSQL cluster.
const DATABASE: &str = "postgres.system_identifier";
/// The pin of the host that the console runs on.
const HOST: &str = "host";

/// Why a request may not be carried out there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is another one.
    Wrong(String),
    /// It could not be asked.
    Unseen(String),
}

/// Proves what the request will act on and holds it to the expected pins. Only reads.
///
/// # Errors
/// One line: which pin does not match, or could not be proven, and what to do.
pub async fn target(
    request: &Request,
    aws: &AwsAccess,
    expected: &Pins,
    secrets: &(dyn Reveal + Send + Sync),
) -> Result<Pins, String> {
    let mut proven = Pins::from([(HOST.to_owned(), host())]);
    if proves_aws(request.action, request.effect, aws, expected) {
        proven.extend(aws_pins(aws).await?);
    }
    for place in places(request, expected)? {
        match place.proven(request, expected, secrets).await {
            Ok(pin) => proven.extend(pin),
            Err(Doubt::Wrong(why) | Doubt::Unseen(why)) => return Err(why),
        }
    }
    hold(&proven, expected)?;
    Ok(proven)
}

/// Whether the account and the region are what an action is held to. A server of another maker that
/// speaks S3 has no accounts to tell of; a pin asks it all the same. A script may call AWS.
pub(super) fn proves_aws(action: &str, effect: Effect, aws: &AwsAccess, expected: &Pins) -> bool {
    let pinned = expected.keys().any(|pin| pin.starts_with("aws."));
    action.starts_with("rds.")
        || (action.starts_with("s3.") && (pinned || aws.endpoint.is_none()))
        || (action == "shell" && effect != Effect::Reads && pinned)
}

/// Something besides AWS and the host that a request acts on, and that can be asked who it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The Kubernetes cluster behind a context.
    Kubernetes(Context),
    /// The PostgreSQL cluster behind the request's connection, which is shown so.
    Postgres(String),
}

/// The places that a request acts on.
///
/// # Errors
/// One line: a pinned one cannot be told from the request.
pub(super) fn places(request: &Request, expected: &Pins) -> Result<Vec<Place>, String> {
    if request.action == "shell" && expected.contains_key(CLUSTER) {
        let contexts = kubernetes::contexts(request)?;
        return Ok(contexts.into_iter().map(Place::Kubernetes).collect());
    }
    if request.action.starts_with("postgres.") {
        return Ok(vec![Place::Postgres(server(request))]);
    }
    Ok(Vec::new())
}

/// `host:port` of the request's connection.
fn server(request: &Request) -> String {
    let Some(Resolved::Map(keys)) = request.arg("connection") else { return String::new() };
    let part = |key: &str| keys.iter().find(|(name, _)| name == key).map(|(_, v)| v.shown());
    format!("{}:{}", part("host").unwrap_or_default(), part("port").unwrap_or("5432".into()))
}

impl Place {
    /// The pin that it is held to.
    pub(super) fn pin(&self) -> &'static str {
        match self {
            Self::Kubernetes(_) => CLUSTER,
            Self::Postgres(_) => DATABASE,
        }
    }

    /// Asks it, and holds the answer to the expected pins. What is not pinned and cannot be asked, such as
    /// a server that is not up yet, proves nothing.
    pub(super) async fn proven(
        &self,
        request: &Request,
        expected: &Pins,
        secrets: &(dyn Reveal + Send + Sync),
    ) -> Result<Pins, Doubt> {
        let pin = self.pin();
        let seen = match self {
            Self::Kubernetes(context) => kubernetes::cluster(context, request, secrets).await,
            Self::Postgres(_) => match postgres::Connection::of(request, secrets) {
                Ok(connection) => postgres::system_identifier(&connection).await,
                Err(why) => Err(why),
            },
        };
        match seen {
            Ok(seen) => {
                let proven = Pins::from([(pin.to_owned(), seen)]);
                hold(&proven, expected).map_err(Doubt::Wrong)?;
                Ok(proven)
            }
            Err(why) if expected.contains_key(pin) => Err(Doubt::Unseen(format!(
                "{pin} is pinned and {self} cannot be asked: {why}; nothing was done"
            ))),
            Err(_) => Ok(Pins::new()),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kubernetes(Context::Current) => f.write_str("the cluster of the current context"),
            Self::Kubernetes(Context::Named(name)) => write!(f, "the cluster of context {name}"),
            Self::Postgres(connection) => write!(f, "the server {connection}"),
        }
    }
}

/// The pins that AWS proves.
///
/// # Errors
/// One line: the caller's identity cannot be had.
pub async fn aws_pins(aws: &AwsAccess) -> Result<Pins, String> {
    let identity = aws::identity(aws).await?;
    Ok(Pins::from([
        ("aws.account".into(), identity.account),
        ("aws.region".into(), identity.region),
    ]))
}

/// Every expected pin that was proven has the expected value.
fn hold(proven: &Pins, expected: &Pins) -> Result<(), String> {
    for (name, value) in expected {
        if let Some(seen) = proven.get(name).filter(|seen| *seen != value) {
            return Err(format!(
                "wrong target: {name} is {seen} here and {value} in the settings; \
                 use the right credentials, context or environment, nothing was done"
            ));
        }
    }
    Ok(())
}

/// What proves a pin, in a few words; `None` when nothing does.
pub(super) fn proof(pin: &str) -> Option<&'static str> {
    settings::PINS.iter().find(|(known, _)| *known == pin).map(|(_, proof)| *proof)
}

/// The name of this host.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_that_differs_refuses_and_names_both_values() {
        let pin = |v: &str| Pins::from([("aws.account".to_owned(), v.to_owned())]);
        assert_eq!(hold(&pin("111"), &pin("111")), Ok(()));
        assert_eq!(hold(&Pins::new(), &pin("111")), Ok(()));
        let why = hold(&pin("222"), &pin("111")).unwrap_err();
        assert!(why.contains("aws.account is 222 here and 111 in the settings"), "{why}");
    }

    #[test]
    fn who_is_held_to_the_account() {
        let pinned = Pins::from([("aws.region".to_owned(), "eu-west-1".to_owned())]);
        let elsewhere =
            AwsAccess { endpoint: Some("http://127.0.0.1:1".into()), ..AwsAccess::default() };
        for (action, effect, access, pins, held) in [
            ("rds.delete_cluster", Effect::Destroys, &elsewhere, &Pins::new(), true),
            ("s3.upload", Effect::Changes, &elsewhere, &Pins::new(), false),
            ("s3.upload", Effect::Changes, &elsewhere, &pinned, true),
            ("s3.upload", Effect::Changes, &AwsAccess::default(), &Pins::new(), true),
            ("shell", Effect::Changes, &elsewhere, &pinned, true),
            ("shell", Effect::Destroys, &elsewhere, &pinned, true),
            ("shell", Effect::Reads, &elsewhere, &pinned, false),
            ("shell", Effect::Changes, &elsewhere, &Pins::new(), false),
            ("http", Effect::Changes, &elsewhere, &pinned, false),
        ] {
            assert_eq!(proves_aws(action, effect, access, pins), held, "{action} {effect:?}");
        }
    }
}
