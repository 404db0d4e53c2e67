//! The AWS Query protocol: a form with `Action`, an answer in XML.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use super::fault::Fault;
use super::world::Tags;
use super::xml::Xml;
use super::{ACCOUNT, Aws, rds};
use crate::sandbox::CREDENTIALS;

const RDS: &str = "http://rds.amazonaws.com/doc/2014-10-31/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Why AWS would say no.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValue", message)
    }
}

/// The form's fields.
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| {
            let message = format!("The request must contain the parameter {name}");
            Refusal::new(400, "MissingParameter", message)
        })
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Sets what is given.
    pub(super) fn set(&self, field: &mut String, name: &str) {
        if let Some(text) = self.get(name) {
            text.clone_into(field);
        }
    }

    /// [`Params::set`] for a flag.
    pub(super) fn set_flag(&self, field: &mut bool, name: &str) {
        if self.get(name).is_some() {
            *field = self.flag(name);
        }
    }

    pub(super) fn moment(&self, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        DateTime::parse_from_rfc3339(text)
            .map(|moment| Some(moment.to_utc()))
            .map_err(|_| Refusal::invalid(format!("Invalid value for {name}: {text}")))
    }

    /// `Name.Member.1`, `Name.Member.2`, …
    pub(super) fn list(&self, name: &str, member: &str) -> Vec<String> {
        (1..).map_while(|n| self.get(&format!("{name}.{member}.{n}")).map(str::to_owned)).collect()
    }

    pub(super) fn tags(&self) -> Tags {
        (1..)
            .map_while(|n| {
                let key = self.get(&format!("Tags.Tag.{n}.Key"))?;
                let value = self.get(&format!("Tags.Tag.{n}.Value")).unwrap_or_default();
                Some((key.to_owned(), value.to_owned()))
            })
            .collect()
    }
}

/// Answers one call.
pub(super) async fn handle(
    State(aws): State<Aws>,
    headers: HeaderMap,
    Form(params): Form<BTreeMap<String, String>>,
) -> Response {
    let params = Params(params);
    let action = params.get("Action").unwrap_or_default().to_owned();
    let sts = action == "GetCallerIdentity";
    let namespace = if sts { STS } else { RDS };
    let refused = |no: Refusal| {
        let status = StatusCode::from_u16(no.status).unwrap_or(StatusCode::BAD_REQUEST);
        xml(status, Xml::error(namespace, no.code, &no.message))
    };
    if !signed_by_us(&headers) {
        return refused(Refusal::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ));
    }
    let fault = aws.next_fault(&action);
    match fault {
        Some(Fault::Refused { status, code, message }) => {
            return refused(Refusal::new(status, code, message));
        }
        Some(Fault::Denied) => return refused(denied(&action)),
        Some(Fault::RequestLost) => return broken(),
        Some(Fault::ReplyLost | Fault::Stuck) | None => {}
    }
    let answer = if sts {
        Ok(identity())
    } else {
        aws.with(|world| {
            world.stuck = fault == Some(Fault::Stuck);
            rds::answer(world, &action, &params, Utc::now())
                .map(|inside| Xml::reply(&action, RDS, inside))
                .inspect(|_| world.count(&action))
        })
    };
    if answer.is_ok() {
        aws.strike_at(&action);
    }
    match answer {
        Ok(_) if fault == Some(Fault::ReplyLost) => broken(),
        Ok(body) => xml(StatusCode::OK, body),
        Err(no) => refused(no),
    }
}

/// As AWS says it.
fn denied(action: &str) -> Refusal {
    let message = format!(
        "User: arn:aws:iam::{ACCOUNT}:user/practice is not authorized to perform: rds:{action} because no \
         identity-based policy allows the rds:{action} action"
    );
    Refusal::new(403, "AccessDenied", message)
}

fn identity() -> String {
    Xml::reply("GetCallerIdentity", STS, |xml| {
        xml.leaf("Arn", format!("arn:aws:iam::{ACCOUNT}:user/practice"))
            .leaf("UserId", "AIDAPRACTICE")
            .leaf("Account", ACCOUNT);
    })
}

/// Whether the sandbox's own key signed. The signature itself is not checked: there is no secret.
fn signed_by_us(headers: &HeaderMap) -> bool {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    authorization.is_some_and(|it| it.contains(&format!("Credential={}/", CREDENTIALS.0)))
}

fn xml(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml")], body).into_response()
}

/// An answer that ends before it is complete.
fn broken() -> Response {
    let cut = futures_util::stream::iter([
        Ok(Bytes::from_static(b"<")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    Body::from_stream(cut).into_response()
}
