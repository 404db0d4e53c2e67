//! A broker that came back without its definitions.

use std::io;

use axum::Router;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::sandbox::practice::inputs;
use crate::sandbox::rabbitmq::RabbitMq;
use crate::sandbox::shelf::Shelf;
use crate::sandbox::{Practice, Scene, Stage, secret};

/// The administrator: in the file as in the broker, so that the import locks nobody out.
const USER: &str = "practice";
const PASSWORD: &str = "PRACTICE_RABBITMQ_PASSWORD";

pub(super) const PRACTICE: Practice = Practice {
    name: "rabbitmq",
    runbook: "rabbitmq-definitions-restore",
    about: "A broker came back empty: restore its definitions from the nightly export",
    lessons: &[],
    set: |stage| Box::pin(set(stage)),
};

async fn set(stage: Stage) -> io::Result<Scene> {
    let password = secret(PASSWORD).unwrap_or_default();
    let broker = RabbitMq::start(stage.options, USER, password).await?;
    let shelf = Shelf::new()?;
    let nightly = nightly(broker.definitions()).to_string();
    let definitions = shelf.put("definitions.json", nightly.as_bytes())?;
    Ok(Scene {
        outage_start: Utc::now() - TimeDelta::minutes(4),
        inputs: inputs([
            ("management_url", broker.endpoint()),
            ("user", USER),
            ("password", &format!("env:{PASSWORD}")),
            ("definitions", &definitions.display().to_string()),
            ("keep_in", &shelf.path().display().to_string()),
        ]),
        front: Router::new(),
        stand_ins: vec![Box::new(broker), Box::new(shelf)],
    })
}

/// What last night's export had: the fresh broker's, and the loan service's queues.
fn nightly(mut definitions: Value) -> Value {
    let mut add = |list: &str, items: Vec<Value>| {
        if let Some(known) = definitions[list].as_array_mut() {
            known.extend(items);
        }
    };
    let names = ["payments", "statements", "notices", "exports", "audit"];
    let vhost = "loanserve";
    add("vhosts", vec![json!({"name": vhost})]);
    add(
        "permissions",
        vec![json!({"user": USER, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"})],
    );
    add(
        "policies",
        vec![json!({
            "vhost": vhost, "name": "short", "pattern": "^notices$", "apply-to": "queues",
            "definition": {"message-ttl": 3_600_000}, "priority": 0,
        })],
    );
    add(
        "exchanges",
        vec![json!({
            "vhost": vhost, "name": "loans", "type": "topic", "durable": true, "auto_delete": false,
            "internal": false, "arguments": {},
        })],
    );
    let queue = |name: &&str| json!({"vhost": vhost, "name": name, "durable": true, "auto_delete": false, "arguments": {}});
    let binding = |name: &&str| {
        json!({
            "vhost": vhost, "source": "loans", "destination": name, "destination_type": "queue",
            "routing_key": format!("loan.{name}.#"), "arguments": {},
        })
    };
    add("queues", names.iter().map(queue).collect());
    add("bindings", names.iter().map(binding).collect());
    definitions
}
