//! The sandbox's RabbitMQ against a real one: the same calls of the management API, and afterwards the same
//! statuses, and answers that have nothing the real ones do not have.

use std::time::Duration;

use serde_json::{Value as Json, json};
use steadyhand::sandbox::SandboxOptions;
use steadyhand::sandbox::rabbitmq::RabbitMq;

use crate::services::rabbitmq::{Broker, USER};
use crate::services::web;

const PASSWORD: &str = "guest";

struct Call {
    method: &'static str,
    path: &'static str,
    body: Option<Json>,
    login: &'static str,
}

fn call(method: &'static str, path: &'static str, body: Option<Json>) -> Call {
    // guest:guest
    Call { method, path, body, login: "Z3Vlc3Q6Z3Vlc3Q=" }
}

fn calls() -> Vec<Call> {
    let queue = |vhost: &str, name: &str| json!({"vhost": vhost, "name": name, "durable": true, "auto_delete": false, "arguments": {}});
    let good = json!({
        "rabbit_version": "3.10.8",
        "vhosts": [{"name": "imported"}],
        "queues": [queue("imported", "q-2"), queue("likeness", "q-1")],
        "exchanges": [], "bindings": [], "users": [], "permissions": [], "policies": [],
    });
    // A broker takes what a newer one has exported: to refuse it is the runbook's work.
    let newer = json!({"rabbit_version": "4.2.0", "queues": [queue("imported", "q-3")]});
    let nowhere = json!({"queues": [queue("likeness", "q-4"), queue("nowhere", "q-5")]});
    vec![
        Call { login: "Z3Vlc3Q6d3Jvbmc=", ..call("GET", "/api/overview", None) },
        call("GET", "/api/overview", None),
        call("GET", "/api/nodes?columns=name,running", None),
        call("GET", "/api/health/checks/alarms", None),
        call("GET", "/api/health/checks/local-alarms", None),
        call("GET", "/api/health/checks/virtual-hosts", None),
        call("GET", "/api/health/checks/node-is-quorum-critical", None),
        call("PUT", "/api/vhosts/likeness", Some(json!({}))),
        call("PUT", "/api/vhosts/likeness", Some(json!({}))),
        call(
            "PUT",
            "/api/users/alice",
            Some(json!({"password": "alice-123", "tags": "management"})),
        ),
        call(
            "PUT",
            "/api/permissions/likeness/alice",
            Some(json!({"configure": ".*", "write": ".*", "read": ".*"})),
        ),
        call("PUT", "/api/exchanges/likeness/ex", Some(json!({"type": "topic", "durable": true}))),
        call("PUT", "/api/queues/likeness/q-1", Some(json!({"durable": true}))),
        call("PUT", "/api/queues/nowhere/q-1", Some(json!({"durable": true}))),
        call(
            "POST",
            "/api/bindings/likeness/e/ex/q/q-1",
            Some(json!({"routing_key": "a.#", "arguments": {}})),
        ),
        call(
            "PUT",
            "/api/policies/likeness/p",
            Some(json!({"pattern": "^q", "definition": {"max-length": 5}, "apply-to": "queues"})),
        ),
        call("POST", "/api/definitions", Some(good)),
        call("POST", "/api/definitions", Some(newer)),
        call("POST", "/api/definitions", Some(nowhere)),
        call("POST", "/api/definitions", Some(json!([1]))),
        call("GET", "/api/vhosts/nowhere", None),
        call("GET", "/api/vhosts", None),
        call("GET", "/api/users", None),
        call("GET", "/api/permissions", None),
        call("GET", "/api/policies", None),
        call("GET", "/api/exchanges?columns=vhost,name,type,durable,internal", None),
        call("GET", "/api/queues?columns=vhost,name,durable,arguments", None),
        call("GET", "/api/bindings", None),
        call("GET", "/api/consumers", None),
        call("GET", "/api/definitions", None),
    ]
}

fn answer(port: u16, call: &Call) -> (u16, Json) {
    let login = format!("Basic {}", call.login);
    let headers = [("Authorization", &*login), ("Content-Type", "application/json")];
    let body = call.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let (status, body) =
        web::ask(port, call.method, call.path, &headers, body.as_bytes()).expect("an answer");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// What the stand-in says that the real one does not: fields, and kinds of values. Lists of a different
/// length differ too.
fn unlike(real: &Json, ours: &Json, place: &str) -> Vec<String> {
    match (real, ours) {
        (Json::Object(real), Json::Object(ours)) => ours
            .iter()
            .flat_map(|(name, value)| match real.get(name) {
                Some(known) => unlike(known, value, &format!("{place}.{name}")),
                None => vec![format!("{place}.{name} is nothing the real one has")],
            })
            .collect(),
        (Json::Array(real), Json::Array(ours)) => {
            let length = (real.len() != ours.len()).then(|| {
                format!("{place} has {} items, and the real one {}", ours.len(), real.len())
            });
            let first = real.first().zip(ours.first());
            let items = first.map(|(real, ours)| unlike(real, ours, &format!("{place}[0]")));
            length.into_iter().chain(items.into_iter().flatten()).collect()
        }
        (Json::String(_), Json::String(_))
        | (Json::Number(_), Json::Number(_))
        | (Json::Bool(_), Json::Bool(_))
        | (Json::Null, Json::Null) => Vec::new(),
        (real, ours) => vec![format!("{place} is {ours}, and the real one {real}")],
    }
}

#[tokio::test]
async fn the_sandbox_answers_as_rabbitmq_does() {
    let Some(broker) = Broker::start() else { return };
    // Nobody consumes from the real one: neither does anybody here, for an hour.
    let options = SandboxOptions { state_delay: Duration::from_secs(3600) };
    let stand_in = RabbitMq::start(options, USER, PASSWORD).await.unwrap();
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let (real, ours) = (port(&broker.url()), port(stand_in.endpoint()));
    let mut wrong = Vec::new();
    for call in calls() {
        // Statistics of the real one lag: what it lists is asked for until it is as many as were made.
        let name = format!("{} {}", call.method, call.path);
        let (call, ours) = tokio::task::spawn_blocking(move || {
            let seen = answer(ours, &call);
            (call, seen)
        })
        .await
        .unwrap();
        let mut unlike_it = Vec::new();
        for _ in 0..50 {
            let (status, json) = answer(real, &call);
            unlike_it = unlike(&json, &ours.1, "");
            if status != ours.0 {
                unlike_it.push(format!("status {}, and the real one {status}", ours.0));
            }
            if unlike_it.is_empty() || call.method != "GET" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        wrong.extend(unlike_it.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
