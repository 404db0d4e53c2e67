//! Building the request, and sending it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value as Json;

use super::answer::{Answer, Broken, is_expected};
use crate::actions::Context;
use crate::actions::new_file::NewFile;
use crate::actions::output::OutputLog;
use crate::runbook::{Request, Resolved, Reveal, Value};

const CONNECT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 10;

/// A request that can be sent, and sent again.
pub(super) struct Ask {
    client: Client,
    method: Method,
    url: Url,
    headers: HeaderMap,
    basic: Option<(String, String)>,
    bearer: Option<String>,
    body: Body,
    /// Where the body of a good answer goes, and whether it may replace what is there.
    to: Option<(PathBuf, bool)>,
}

enum Body {
    None,
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// Why there is no answer.
pub(super) enum Lost {
    /// Nothing reached the server.
    NotSent(String),
    /// Something may have.
    Sent(String),
}

impl Lost {
    pub(super) fn message(self) -> String {
        match self {
            Self::NotSent(why) | Self::Sent(why) => why,
        }
    }
}

impl Ask {
    /// What the request says, secrets in place.
    ///
    /// # Errors
    /// One line: what cannot be sent, and why.
    pub(super) fn new(cx: &Context, request: &Request) -> Result<Self, String> {
        let secrets = &*cx.secrets;
        let url = request.arg("url").map(Resolved::shown).unwrap_or_default();
        let mut url = Url::parse(&url).map_err(|e| format!("`url` {url} is no URL: {e}"))?;
        let query = pairs(request, "query", secrets)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut headers = HeaderMap::new();
        let mut body = Body::None;
        if let Some(json) = request.arg("json") {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body = Body::Bytes(tree(json, secrets)?.to_string().into_bytes());
        } else if request.arg("form").is_some() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            let fields = pairs(request, "form", secrets)?;
            let text =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            body = Body::Bytes(text.into_bytes());
        } else if let Some(text) = request.arg("body") {
            body = Body::Bytes(revealed("body", text, secrets)?.into_bytes());
        } else if let Some(path) = request.text("file") {
            body = Body::File(path.into());
        }
        for (name, value) in pairs(request, "headers", secrets)? {
            let bad = |what: &str| format!("`headers.{name}` is not a header's {what}");
            let key = HeaderName::try_from(&name).map_err(|_| bad("name"))?;
            let mut value = HeaderValue::try_from(value).map_err(|_| bad("value"))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let basic = match request.arg("basic") {
            Some(Resolved::Map(entries)) => {
                let field = |key: &str| match entries.iter().find(|(name, _)| name == key) {
                    Some((_, value)) => revealed(key, value, secrets),
                    None => Ok(String::new()),
                };
                Some((field("user")?, field("password")?))
            }
            Some(_) | None => None,
        };
        let bearer =
            request.arg("bearer").map(|token| revealed("bearer", token, secrets)).transpose()?;
        Ok(Self {
            client: client(&url, request.flag("follow"))?,
            method: request.text("method").unwrap_or("GET").parse().map_err(|_| "bad method")?,
            url,
            headers,
            basic,
            bearer,
            body,
            to: request.text("to").map(|path| (PathBuf::from(path), request.flag("overwrite"))),
        })
    }

    /// Sends it and reads the answer; `expect` says whether its body is one to keep.
    pub(super) async fn send(
        &self,
        cx: &Context,
        log: &mut OutputLog,
        expect: &[(String, Resolved)],
    ) -> Result<Answer, Lost> {
        let file = match &self.to {
            Some((path, overwrite)) => {
                Some(NewFile::create(path, *overwrite).map_err(Lost::NotSent)?)
            }
            None => None,
        };
        let begun = Instant::now();
        let mut ask = self
            .client
            .request(self.method.clone(), self.url.clone())
            .headers(self.headers.clone());
        if let Some((user, password)) = &self.basic {
            ask = ask.basic_auth(user, Some(password));
        }
        if let Some(token) = &self.bearer {
            ask = ask.bearer_auth(token);
        }
        ask = match &self.body {
            Body::None => ask,
            Body::Bytes(bytes) => ask.body(bytes.clone()),
            Body::File(path) => {
                let unreadable =
                    |e| Lost::NotSent(format!("{} cannot be read: {e}", path.display()));
                let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                let length = file.metadata().await.map_err(unreadable)?.len();
                ask.header(CONTENT_LENGTH, length).body(file)
            }
        };
        log.line(format!("{} {}", self.method, self.url));
        let response = ask.send().await.map_err(|e| self.lost(&e))?;
        let file = file.filter(|_| is_expected(response.status().as_u16(), expect));
        Answer::read(cx, response, begun, log, file).await.map_err(|broken| match broken {
            Broken::Connection(e) => self.lost(&e),
            Broken::File(why) => Lost::Sent(format!("the answer is not kept: {why}")),
        })
    }

    fn lost(&self, e: &reqwest::Error) -> Lost {
        lost(&self.url, e)
    }
}

fn lost(url: &Url, e: &reqwest::Error) -> Lost {
    // The outermost error only says that sending failed; the innermost one says why.
    let mut cause: &dyn std::error::Error = e;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let host = url.host_str().unwrap_or_default();
    if e.is_connect() {
        Lost::NotSent(format!("cannot reach {host}: {cause}; check the URL, DNS and the network"))
    } else if e.is_builder() {
        Lost::NotSent(format!("cannot be sent: {cause}"))
    } else {
        Lost::Sent(format!("lost the connection to {host} after sending: {cause}"))
    }
}

/// Asks the server at `origin` for the head of its first page, with nobody's credentials: that it answers is
/// all that is wanted, whatever it answers.
///
/// # Errors
/// One line: it cannot be reached, or is not trusted.
pub async fn reach(origin: &str) -> Result<String, String> {
    let url = Url::parse(origin).map_err(|e| format!("{origin} is no URL: {e}"))?;
    let asked = client(&url, false)?.head(url.clone()).send().await;
    let answer = asked.map_err(|e| lost(&url, &e).message())?;
    let line = if url.scheme() == "https" { "TLS" } else { "not encrypted" };
    Ok(format!("answers ({}), {line}", answer.status().as_u16()))
}

/// What talks HTTP to `url` and its like: our TLS, the machine's roots, redirects to the same origin or none.
///
/// # Errors
/// One line: TLS cannot be set up here.
pub fn client(url: &Url, follow: bool) -> Result<Client, String> {
    let mut roots = RootCertStore::empty();
    if url.scheme() == "https" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(
                "this machine trusts no certificate authority: install ca-certificates".into()
            );
        }
    }
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS cannot be set up: {e}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let origin = url.origin();
    let redirects = if follow {
        // Headers may hold secrets: they go nowhere else.
        Policy::custom(move |next| {
            if next.url().origin() == origin && next.previous().len() <= REDIRECTS {
                next.follow()
            } else {
                next.stop()
            }
        })
    } else {
        Policy::none()
    };
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .redirect(redirects)
        .user_agent(concat!("steadyhand/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| format!("HTTP cannot be set up: {e}"))
}

fn revealed(what: &str, arg: &Resolved, secrets: &dyn Reveal) -> Result<String, String> {
    arg.revealed(secrets).ok_or_else(|| format!("`{what}` uses a secret that is not there"))
}

fn pairs(
    request: &Request,
    key: &str,
    secrets: &dyn Reveal,
) -> Result<Vec<(String, String)>, String> {
    match request.arg(key) {
        Some(Resolved::Map(entries)) => entries
            .iter()
            .map(|(name, value)| Ok((name.clone(), revealed(key, value, secrets)?)))
            .collect(),
        Some(Resolved::Value(Value::Map(entries))) => {
            Ok(entries.iter().map(|(name, value)| (name.clone(), value.to_string())).collect())
        }
        Some(_) | None => Ok(Vec::new()),
    }
}

fn tree(arg: &Resolved, secrets: &dyn Reveal) -> Result<Json, String> {
    Ok(match arg {
        Resolved::Value(Value::Secret(_)) | Resolved::Text(_) => {
            Json::String(revealed("json", arg, secrets)?)
        }
        Resolved::Value(value) => value.to_plain_json(),
        Resolved::List(items) => {
            Json::Array(items.iter().map(|item| tree(item, secrets)).collect::<Result<_, _>>()?)
        }
        Resolved::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(name, item)| Ok((name.clone(), tree(item, secrets)?)))
                .collect::<Result<_, String>>()?,
        ),
        Resolved::Expr(expr) => Json::String(expr.source().to_owned()),
    })
}
