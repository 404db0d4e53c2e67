//! Target pins: what proves that a request acts on the right system.

use crate::actions::postgres;
use crate::aws::{self, AwsAccess};
use crate::engine::event::Pins;
use crate::runbook::{Request, Reveal};

/// The pins that settings may name, and what proves each.
pub const KNOWN: [(&str, &str); 4] = [
    ("aws.account", "sts:GetCallerIdentity"),
    ("aws.region", "the region that requests go to"),
    ("postgres.system_identifier", "pg_control_system() on the connection that is used"),
    ("host", "the name of the host that the console runs on"),
];

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
    let mut proven = Pins::new();
    proven.insert("host".into(), host());
    if proves_aws(request.action, aws, expected) {
        proven.extend(aws_pins(aws).await?);
    }
    if request.action.starts_with("postgres.") {
        let wanted = expected.contains_key("postgres.system_identifier");
        match system_identifier(request, secrets).await {
            Ok(id) => {
                proven.insert("postgres.system_identifier".into(), id);
            }
            // A server that is not up yet has nothing to prove, unless it was asked to.
            Err(why) if wanted => return Err(format!("the server cannot be identified: {why}")),
            Err(_) => {}
        }
    }
    hold(&proven, expected)?;
    Ok(proven)
}

/// Whether the account and the region are what an action is held to. A server of another maker that
/// speaks S3 has no accounts to tell of; a pin asks it all the same.
pub(super) fn proves_aws(action: &str, aws: &AwsAccess, expected: &Pins) -> bool {
    let pinned = expected.keys().any(|pin| pin.starts_with("aws."));
    action.starts_with("rds.") || (action.starts_with("s3.") && (pinned || aws.endpoint.is_none()))
}

async fn system_identifier(
    request: &Request,
    secrets: &(dyn Reveal + Send + Sync),
) -> Result<String, String> {
    postgres::system_identifier(&postgres::Connection::of(request, secrets)?).await
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
                 use the right credentials or environment, nothing was done"
            ));
        }
    }
    Ok(())
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
}
