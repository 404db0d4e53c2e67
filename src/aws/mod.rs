//! Where every AWS client comes from, and what its errors mean.
//!
//! Credentials are found where the AWS CLI finds them: environment, profiles, SSO, `credential_process`,
//! web identity, instance role. Nothing is written to the environment.

pub mod failure;
pub mod object;
pub mod s3;

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::failure::NO_REGION;
pub use self::failure::{Failure, Reached, failure};

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(30);
const OPERATION: Duration = Duration::from_secs(90);

/// Where and as whom to call AWS; whatever is absent comes from the usual places (environment,
/// profile files, SSO, `credential_process`, web identity, instance role).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsAccess {
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// An endpoint for every service, such as the sandbox's.
    pub endpoint: Option<String>,
    /// Fixed credentials `(access key, secret key)`: only the sandbox has them.
    pub practice_credentials: Option<(String, String)>,
}

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

/// When the credentials expire; `None` when they do not, or there are none.
pub async fn expiry(access: &AwsAccess) -> Option<DateTime<Utc>> {
    let config = config(access).await;
    let credentials = config.credentials_provider()?.provide_credentials().await.ok()?;
    credentials.expiry().map(DateTime::from)
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
