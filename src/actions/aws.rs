//! Where every AWS client comes from, and what its errors mean.
//!
//! Credentials are found where the AWS CLI finds them: environment, profiles, SSO, `credential_process`,
//! web identity, instance role. Nothing is written to the environment.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::AwsAccess;

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(90);

/// Whom AWS takes us for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// The region that calls go to.
    pub region: String,
    /// The user or the assumed role.
    pub arn: String,
}

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

/// The configuration of every AWS client.
pub async fn config(access: &AwsAccess) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    loader = match &access.practice_credentials {
        // The sandbox is plain HTTP on loopback: no certificates are read, and what the machine is set
        // to for the real AWS does not matter.
        Some((key, secret)) => loader
            .credentials_provider(Credentials::new(key, secret, None, None, "practice"))
            .use_fips(false)
            .use_dual_stack(false)
            .http_client(HttpBuilder::new().build_http()),
        None => loader.http_client(
            HttpBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
        ),
    };
    if let Some(profile) = &access.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &access.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &access.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    loader.load().await
}

/// Asks AWS who we are: the proof for the target pins `aws.account` and `aws.region`.
///
/// # Errors
/// One line: why AWS could not be asked, and what to do.
pub async fn identity(access: &AwsAccess) -> Result<Identity, String> {
    let config = config(access).await;
    let Some(region) = config.region().map(ToString::to_string) else {
        return Err(NO_REGION.to_owned());
    };
    let answer = aws_sdk_sts::Client::new(&config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| failure("sts:GetCallerIdentity", access, &error).message)?;
    let (Some(account), Some(arn)) = (answer.account, answer.arn) else {
        return Err(
            "sts:GetCallerIdentity: the answer names no account; is the endpoint AWS?".into()
        );
    };
    Ok(Identity { account, region, arn })
}

const NO_REGION: &str =
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
    let chain = chain(error);
    let text = one_line(&chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(": "));
    let credentials = chain.iter().any(|it| it.is::<CredentialsError>());
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
        "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => {
            "too many calls: wait a little and try again".into()
        }
        "DBClusterNotFoundFault" | "DBInstanceNotFound" | "DBInstanceNotFoundFault" => {
            "check the name, the region and the account".into()
        }
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

fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&it| it.source()).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
