//! Who acts, and whom AWS takes us for.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Area, Finding, Patient, within};
use crate::aws::{self, AwsAccess};
use crate::engine::event::Pins;
use crate::preflight::at_start::held;
use crate::preflight::host;

/// Credentials that end sooner than this may not outlive a restore.
const SOON: TimeDelta = TimeDelta::hours(1);
/// What names credentials or an account without an environment of the settings.
const SIGNS: [&str; 5] = [
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

pub(super) async fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let mut found = vec![
        Area::Identity.ok("operator", format!("{}, self-declared", patient.operator)),
        environment(patient),
    ];
    let pins = patient.environment.map(|(_, it)| it.pins.clone()).unwrap_or_default();
    let mut proven = Pins::from([("host".to_owned(), host())]);
    if is_asked(patient) {
        let access = access(patient);
        let late = || {
            Err(format!(
                "no answer within {} s: check the network and any proxy",
                super::PATIENCE.as_secs()
            ))
        };
        let (identity, expiry) = tokio::join!(
            within(aws::identity(&access), late()),
            within(aws::expiry(&access), None)
        );
        match identity {
            Ok(identity) => {
                let (account, region, arn) = (&identity.account, &identity.region, &identity.arn);
                found.push(
                    Area::Identity
                        .ok("AWS identity", format!("{arn}, account {account}, {region}")),
                );
                found.push(lasting(expiry, Utc::now()));
                proven.insert("aws.account".to_owned(), identity.account);
                proven.insert("aws.region".to_owned(), identity.region);
            }
            Err(why) => {
                let (seen, remedy) = super::halves(&why);
                found.push(Area::Identity.bad("AWS identity", seen, remedy));
            }
        }
    } else {
        found.push(Area::Identity.ok("AWS identity", "not asked: nothing here names credentials"));
    }
    found.extend(held(&pins, &proven).into_iter().map(|check| Area::Identity.check(check)));
    found
}

fn environment(patient: &Patient<'_>) -> Finding {
    let known = || patient.settings.environments.keys().cloned().collect::<Vec<_>>().join(", ");
    let found = match patient.environment {
        Some((name, it)) if it.pins.is_empty() => {
            return Area::Identity.warn(
                "environment",
                format!("{name}, which names no target to prove"),
                "give it `target:` pins; see docs/settings.md",
            );
        }
        Some((name, it)) => {
            let pins: Vec<_> =
                it.pins.iter().map(|(pin, value)| format!("{pin} = {value}")).collect();
            format!("{name}: {}", pins.join(", "))
        }
        None if patient.settings.environments.is_empty() => "none in the settings".to_owned(),
        None => format!("none chosen; --env looks at one of: {}", known()),
    };
    Area::Identity.ok("environment", found)
}

/// AWS is asked where the environment is of AWS, or this shell is.
fn is_asked(patient: &Patient<'_>) -> bool {
    let of_environment = patient.environment.is_some_and(|(_, it)| {
        it.aws != Default::default() || it.pins.keys().any(|pin| pin.starts_with("aws."))
    });
    of_environment || SIGNS.iter().any(|name| patient.env(name).is_some())
}

fn access(patient: &Patient<'_>) -> AwsAccess {
    let aws = patient.environment.map(|(_, it)| it.aws.clone()).unwrap_or_default();
    AwsAccess {
        profile: aws.profile,
        region: aws.region,
        endpoint: aws.endpoint,
        practice_credentials: None,
    }
}

/// How long credentials last.
pub(in crate::preflight) fn lasting(expiry: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    let name = "AWS credentials";
    let Some(at) = expiry else { return Area::Identity.ok(name, "do not expire") };
    let text = at.format("%Y-%m-%d %H:%M:%SZ");
    let left = at - now;
    let renew = "renew them, such as with `aws sso login`, before a long wait";
    match left {
        left if left <= TimeDelta::zero() => {
            Area::Identity.bad(name, format!("expired at {text}"), renew)
        }
        left if left < SOON => Area::Identity.warn(
            name,
            format!("expire in {} min, at {text}", left.num_minutes()),
            renew,
        ),
        _ => Area::Identity.ok(name, format!("expire at {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn credentials_that_end_soon_are_told_of_before_they_do() {
        let now: DateTime<Utc> = "2026-11-21T03:00:00Z".parse().unwrap();
        for (minutes, verdict, said) in [
            (Some(-1), Verdict::Bad, "expired at 2026-11-21 02:59:00Z"),
            (Some(0), Verdict::Bad, "expired"),
            (Some(59), Verdict::Warn, "expire in 59 min, at 2026-11-21 03:59:00Z"),
            (Some(60), Verdict::Ok, "expire at 2026-11-21 04:00:00Z"),
            (None, Verdict::Ok, "do not expire"),
        ] {
            let finding = lasting(minutes.map(|m| now + TimeDelta::minutes(m)), now);
            assert_eq!(finding.verdict, verdict, "{minutes:?}");
            assert!(finding.found.starts_with(said), "{}", finding.found);
            assert_eq!(finding.remedy.is_some(), verdict != Verdict::Ok);
        }
    }
}
