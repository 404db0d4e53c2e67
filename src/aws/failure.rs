//! What the errors of AWS mean, and what an operator can do about them.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use super::AwsAccess;

/// A call that did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// One line: the call, what it means, what to do.
    pub message: String,
    /// AWS's error code, when there was an answer.
    pub code: Option<String>,
    /// How far the call came.
    pub reached: Reached,
}

/// How far a call came: what may be concluded from its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// AWS never saw it.
    NotSent,
    /// AWS said no.
    Refused,
    /// It may have been carried out.
    Unclear,
}

impl Failure {
    /// Whether AWS answered with this code.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

pub(super) const NO_REGION: &str =
    "no AWS region is set: set `region` in the environment's settings, AWS_REGION or the profile";

/// What an error of `call` (such as `rds:CreateDBInstance`) means.
pub fn failure<E, R>(call: &str, access: &AwsAccess, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    match error {
        SdkError::ServiceError(answer) => refused(call, access, answer.err()),
        SdkError::ConstructionFailure(_)
        | SdkError::DispatchFailure(_)
        | SdkError::TimeoutError(_)
        | SdkError::ResponseError(_)
        | _ => unanswered(call, access, error),
    }
}

fn refused(call: &str, access: &AwsAccess, error: &impl ProvideErrorMetadata) -> Failure {
    let code = error.code().unwrap_or("no error code");
    let said = error.message().map(one_line).unwrap_or_default();
    let said = if said.is_empty() { code.to_owned() } else { format!("{said} ({code})") };
    let message = match remedy(code, call, access) {
        Some(remedy) => format!("{call}: {said}: {remedy}"),
        None => format!("{call}: {said}"),
    };
    // What went wrong inside AWS may have done its work before it did.
    let internal = matches!(code, "InternalFailure" | "InternalError" | "ServiceUnavailable");
    let reached =
        if internal || error.code().is_none() { Reached::Unclear } else { Reached::Refused };
    Failure { message, code: error.code().map(str::to_owned), reached }
}

fn unanswered(call: &str, access: &AwsAccess, error: &(dyn Error + 'static)) -> Failure {
    let text = explained(error);
    let credentials = of_credentials(error);
    // A connection that never was carried nothing: refused, no route, no name, no trust, no answer.
    let unconnected = text.contains("(Connect)") || text.contains("connect timeout");
    let no_region = text.contains("Missing Region") || text.contains("region must be set");
    let (reached, message) = if no_region {
        (Reached::NotSent, format!("{call}: {NO_REGION}"))
    } else if credentials {
        let renew = renewal(access);
        (Reached::NotSent, format!("{call}: no usable AWS credentials ({text}): {renew}"))
    } else if unconnected {
        (
            Reached::NotSent,
            format!(
                "{call}: cannot connect to {}: {text}: check the network, the region and any \
                 AWS_ENDPOINT_URL",
                access.endpoint.as_deref().unwrap_or("AWS"),
            ),
        )
    } else {
        (Reached::Unclear, format!("{call}: the reply was lost: {text}"))
    };
    Failure { message, code: None, reached }
}

/// What an operator can do about an error code.
fn remedy(code: &str, call: &str, access: &AwsAccess) -> Option<String> {
    Some(match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            format!("the identity needs the permission {call}")
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            format!("the credentials have expired: {}", renewal(access))
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => {
            format!("AWS does not know these credentials: {}", renewal(access))
        }
        "SignatureDoesNotMatch" => "check the secret key and this machine's clock".into(),
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "SlowDown" => {
            "too many calls: wait a little and try again".into()
        }
        "DBClusterNotFoundFault" | "DBInstanceNotFound" | "DBInstanceNotFoundFault" => {
            "check the name, the region and the account".into()
        }
        "NoSuchBucket" => "check the bucket's name, the account and the endpoint".into(),
        "NoSuchKey" | "NotFound" => "check the key, or list what is there now".into(),
        "NoSuchVersion" => "list the object's versions".into(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" => {
            "the bucket is in another region: set that as `region` in the environment's settings, or AWS_REGION".into()
        }
        "PreconditionFailed" => "something is there already, or was changed meanwhile: look again".into(),
        "InvalidObjectState" => "it is archived: restore it from the archive first".into(),
        "DBClusterAlreadyExistsFault" | "DBInstanceAlreadyExists" => "choose another name".into(),
        "InvalidDBClusterStateFault" | "InvalidDBInstanceState" => {
            "wait until it is in a state that allows this".into()
        }
        "DBClusterQuotaExceededFault" | "InstanceQuotaExceeded" | "StorageQuotaExceeded" => {
            "delete what is not needed or ask AWS for a higher quota".into()
        }
        "InsufficientDBInstanceCapacity" | "InsufficientDBClusterCapacityFault" => {
            "AWS has no capacity for this class here now: choose another class or zone".into()
        }
        "KMSKeyNotAccessibleFault" => {
            "the key is disabled or the identity may not use it: check its policy".into()
        }
        _ => return None,
    })
}

/// How the operator gets fresh credentials.
fn renewal(access: &AwsAccess) -> String {
    let profile = access.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
    match profile {
        Some(profile) => format!("renew them in another terminal, such as `aws sso login --profile {profile}`"),
        None => "renew them, such as with `aws sso login`, and check AWS_PROFILE or the keys in the environment".into(),
    }
}

/// Whether a call failed because there were no credentials to sign it with.
pub(super) fn of_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).iter().any(|it| it.is::<CredentialsError>())
}

/// An error with what caused it, in one line.
pub(super) fn explained(error: &(dyn Error + 'static)) -> String {
    one_line(&chain(error).iter().map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&it| it.source()).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
