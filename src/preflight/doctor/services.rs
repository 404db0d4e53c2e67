//! What the runbooks of the catalogue would talk to, with the input values that are known: each database is
//! logged in to, each HTTP server is asked whether it is there. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Utc;
use futures_util::future::join_all;

use super::{Area, Finding, Patient, halves, within};
use crate::actions::postgres::{Connection, Login};
use crate::actions::secrets::Secrets;
use crate::actions::{http, postgres};
use crate::engine::event::Pins;
use crate::ingest::Redactor;
use crate::preflight::at_start::held;
use crate::runbook::inputs::{Given, examine};
use crate::runbook::render::render_plan;
use crate::runbook::{Request, Resolved, Runbook, Value};

/// The pin that a database proves.
const SYSTEM: &str = "postgres.system_identifier";

pub(super) async fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let redactor = Redactor::of_process();
    let mut found = Vec::new();
    let mut databases = BTreeMap::new();
    let mut origins = BTreeSet::new();
    for runbook in patient.runbooks() {
        let (requests, secrets, problems) = requests(patient, runbook, &redactor).await;
        found.extend(problems);
        for request in &requests {
            if request.action.starts_with("postgres.")
                && let Ok(connection) = Connection::of(request, &secrets)
            {
                databases
                    .entry(format!("{connection} as {}", connection.user))
                    .or_insert(connection);
            }
            if let Some(origin) = (request.action == "http").then(|| origin(request)).flatten() {
                origins.insert(origin);
            }
        }
    }
    let pins = patient.environment.map(|(_, it)| it.pins.clone()).unwrap_or_default();
    let databases = join_all(databases.iter().map(|(name, connection)| async move {
        let late = Err(postgres::Unusable { message: no_answer(), may_change: true });
        (name.clone(), within(postgres::login(connection), late).await)
    }));
    let origins = join_all(origins.iter().map(|origin| async move {
        (origin.clone(), within(http::reach(origin), Err(no_answer())).await)
    }));
    let (databases, origins) = tokio::join!(databases, origins);
    for (name, login) in databases {
        if let (Ok(Login { system_identifier: Some(id), .. }), Some(pin)) =
            (&login, pins.get(SYSTEM))
        {
            let (pin, seen) = (Pins::from([pinned(pin)]), Pins::from([pinned(id)]));
            found.extend(held(&pin, &seen).into_iter().map(|check| Area::Endpoints.check(check)));
        }
        found.push(database(&name, login, &redactor));
    }
    found.extend(origins.into_iter().map(|(name, answer)| server(&name, answer)));
    found
}

fn pinned(value: &str) -> (String, String) {
    (SYSTEM.to_owned(), value.to_owned())
}

fn no_answer() -> String {
    format!(
        "no answer within {} s: check the host, the network and the firewall",
        super::PATIENCE.as_secs()
    )
}

/// The requests of a runbook's steps, as far as they are known before a run; the secrets that they use;
/// and which of those cannot be had.
async fn requests(
    patient: &Patient<'_>,
    runbook: &Runbook,
    redactor: &Redactor,
) -> (Vec<Request>, Secrets, Vec<Finding>) {
    let given = patient.environment.map(|(_, it)| it.inputs.clone()).unwrap_or_default();
    let (inputs, _) = examine(&runbook.inputs, &Given::new(), &given, &patient.env, Utc::now());
    let scope = Value::map([
        ("inputs", Value::Map(inputs.values)),
        ("steps", Value::map::<String>([])),
        ("env", Value::map::<String>([])),
    ]);
    let talks = |action: &str| action.starts_with("postgres.") || action == "http";
    let steps = runbook.steps.iter().filter(|step| talks(step.action.spec.name));
    let requests: Vec<Request> = steps
        .filter_map(|step| render_plan(&step.action, &[], &step.scope(scope.clone())).ok())
        .filter(is_known)
        .collect();
    // A secret is fetched for what can be talked to, and not because a runbook has an input of it.
    let used: BTreeSet<&String> = requests.iter().flat_map(|request| &request.secrets).collect();
    let mut sources = inputs.secrets.clone();
    sources.retain(|name, _| used.contains(name));
    let env = |name: &str| (patient.env)(name);
    match within(Secrets::fetch(&sources, &env, redactor), Err(vec![no_answer()])).await {
        Ok(secrets) => (requests, secrets, Vec::new()),
        Err(problems) => {
            let finding = |problem: String| {
                let (seen, remedy) = halves(&problem);
                Area::Identity.bad(format!("secrets of {}", runbook.id), seen, remedy)
            };
            (Vec::new(), Secrets::default(), problems.into_iter().map(finding).collect())
        }
    }
}

/// Whether the place that it goes to is a value, and not a template still.
fn is_known(request: &Request) -> bool {
    let place = if request.action == "http" { "url" } else { "connection" };
    request.arg(place).is_some_and(|place| !place.shown().contains("${{"))
}

/// `https://host:port` of an HTTP request.
fn origin(request: &Request) -> Option<String> {
    let url = request.arg("url").map(Resolved::shown)?;
    let origin = url::Url::parse(&url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

fn database(name: &str, login: Result<Login, postgres::Unusable>, redactor: &Redactor) -> Finding {
    let name = format!("PostgreSQL {name}");
    match login {
        Ok(login) => {
            let line = if login.encrypted { "TLS" } else { "not encrypted" };
            let id = login.system_identifier.map_or_else(
                || "system identifier not to be read by this role".to_owned(),
                |id| format!("system identifier {id}"),
            );
            Area::Endpoints.ok(name, redactor.clean(format!("{}, {line}, {id}", login.version)))
        }
        Err(unusable) => {
            let (seen, remedy) = halves(&redactor.clean(unusable.message));
            match unusable.may_change {
                true => Area::Endpoints.warn(
                    name,
                    seen,
                    format!("{remedy}; unless a runbook is what brings it up"),
                ),
                false => Area::Endpoints.bad(name, seen, remedy),
            }
        }
    }
}

fn server(origin: &str, answer: Result<String, String>) -> Finding {
    let name = format!("HTTP {origin}");
    match answer {
        Ok(seen) => Area::Endpoints.ok(name, seen),
        Err(why) => {
            let (seen, remedy) = halves(&why);
            Area::Endpoints.warn(
                name,
                seen,
                format!("{remedy}; unless a runbook is what brings it up"),
            )
        }
    }
}
