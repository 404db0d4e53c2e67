//! What the stand-in holds: the lists of a definitions file, and the rules of an import.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The version it says it is.
pub(super) const VERSION: &str = "3.10.8";

/// Each list of a definitions file: its name, the fields that tell its items apart, and whether an import
/// replaces an item that is there. What is not replaced stays as it is, and nobody is told.
const LISTS: [(&str, &[&str], bool); 9] = [
    ("users", &["name"], true),
    ("vhosts", &["name"], false),
    ("permissions", &["user", "vhost"], true),
    ("topic_permissions", &["user", "vhost", "exchange"], true),
    ("parameters", &["vhost", "component", "name"], true),
    ("policies", &["vhost", "name"], true),
    ("exchanges", &["vhost", "name"], false),
    ("queues", &["vhost", "name"], false),
    (
        "bindings",
        &["vhost", "source", "destination", "destination_type", "routing_key", "arguments"],
        false,
    ),
];

/// The exchanges that every vhost has by itself, and their types. No definitions file has them.
const BUILT_IN: [(&str, &str); 7] = [
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.rabbitmq.trace", "topic"),
    ("amq.topic", "topic"),
];

/// Everything in the broker.
pub(super) struct Broker {
    /// How long a client takes to come back once its queue is there.
    delay: Duration,
    lists: BTreeMap<&'static str, BTreeMap<String, Value>>,
    queues_since: Option<Instant>,
}

/// What tells an item apart.
fn key(list: &str, item: &Value) -> String {
    let fields =
        LISTS.iter().find(|(name, ..)| *name == list).map_or(&[][..], |(_, keys, _)| *keys);
    Value::from(fields.iter().map(|field| item[*field].clone()).collect::<Vec<_>>()).to_string()
}

/// As RabbitMQ keeps a password: a salt of four bytes, and the SHA-256 of both.
fn hashed(password: &str, salt: [u8; 4]) -> String {
    let hash = Sha256::digest([&salt[..], password.as_bytes()].concat());
    BASE64_STANDARD.encode([&salt[..], &hash].concat())
}

impl Broker {
    /// A fresh broker with one administrator.
    pub(super) fn fresh(user: &str, password: &str, delay: Duration) -> Self {
        let mut broker = Self { delay, lists: BTreeMap::new(), queues_since: None };
        broker.user(user, password, &json!("administrator"));
        broker.vhost("/", user);
        broker
    }

    /// Whether this user has this password.
    pub(super) fn knows(&self, user: &str, password: &str) -> bool {
        let hash = self.items("users").find(|item| item["name"] == user);
        let hash =
            hash.and_then(|item| BASE64_STANDARD.decode(item["password_hash"].as_str()?).ok());
        hash.is_some_and(|hash| {
            let salt = hash.get(..4).and_then(|salt| <[u8; 4]>::try_from(salt).ok());
            salt.is_some_and(|salt| hashed(password, salt) == BASE64_STANDARD.encode(&hash))
        })
    }

    fn items(&self, list: &str) -> impl Iterator<Item = &Value> {
        self.lists.get(list).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn has_vhost(&self, vhost: &str) -> bool {
        self.items("vhosts").any(|item| item["name"] == vhost)
    }

    /// Adds or replaces; `true` when it is new.
    pub(super) fn put(&mut self, list: &'static str, item: Value) -> bool {
        if list == "queues" {
            self.queues_since.get_or_insert_with(Instant::now);
        }
        self.lists.entry(list).or_default().insert(key(list, &item), item).is_none()
    }

    /// Makes a vhost; whoever does may do everything in it. `true` when it is new.
    pub(super) fn vhost(&mut self, name: &str, by: &str) -> bool {
        let new = !self.has_vhost(name);
        if new {
            self.put("vhosts", json!({ "name": name }));
            self.put("permissions", permission(name, by, &Value::Null));
        }
        new
    }

    pub(super) fn user(&mut self, name: &str, password: &str, tags: &Value) -> bool {
        let seed = Sha256::digest(format!("{name} {password}"));
        let tags: Vec<&str> =
            tags.as_str().unwrap_or_default().split(',').filter(|tag| !tag.is_empty()).collect();
        let user = json!({
            "name": name,
            "password_hash": hashed(password, [seed[0], seed[1], seed[2], seed[3]]),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": tags,
            "limits": {},
        });
        self.put("users", user)
    }

    /// The definitions file.
    pub(super) fn definitions(&self) -> Value {
        let mut file = Map::new();
        for name in ["rabbit_version", "rabbitmq_version", "product_version"] {
            file.insert(name.into(), json!(VERSION));
        }
        file.insert("product_name".into(), json!("RabbitMQ"));
        for (list, ..) in LISTS {
            file.insert(list.into(), self.items(list).cloned().collect());
        }
        let cluster =
            json!({"name": "internal_cluster_id", "value": "rabbitmq-cluster-id-practice"});
        file.insert("global_parameters".into(), json!([cluster]));
        Value::Object(file)
    }

    /// Imports a definitions file for the user `by`, of whatever version: the broker does not look at that.
    ///
    /// # Errors
    /// The reason that the broker gives; nothing was changed.
    pub(super) fn import(&mut self, file: &Value, by: &str) -> Result<(), Value> {
        let of = |list: &str| file[list].as_array().map(Vec::as_slice).unwrap_or_default();
        for (list, ..) in LISTS.iter().skip(2) {
            for item in of(list) {
                let vhost = item["vhost"].as_str().unwrap_or_default();
                let comes = of("vhosts").iter().any(|known| known["name"] == vhost);
                if !comes && !self.has_vhost(vhost) {
                    return Err(json!(["no_such_vhost", vhost]));
                }
            }
        }
        for (list, _, replaces) in LISTS {
            for item in of(list) {
                if let ("vhosts", Some(name)) = (list, item["name"].as_str()) {
                    self.vhost(name, by);
                }
                let there = self.lists.get(list).is_some_and(|l| l.contains_key(&key(list, item)));
                if replaces || !there {
                    self.put(list, item.clone());
                }
            }
        }
        Ok(())
    }

    /// A list as the API tells it, with what the broker makes by itself.
    pub(super) fn list(&self, list: &str) -> Vec<Value> {
        let mut items: Vec<Value> = self.items(list).cloned().collect();
        match list {
            "exchanges" => {
                for vhost in self.items("vhosts") {
                    items.extend(BUILT_IN.map(|(name, kind)| {
                        json!({
                            "vhost": vhost["name"], "name": name, "type": kind, "durable": true,
                            "auto_delete": false, "internal": name == "amq.rabbitmq.trace", "arguments": {},
                        })
                    }));
                }
            }
            "bindings" => items.extend(self.items("queues").map(|queue| {
                json!({
                    "vhost": queue["vhost"], "source": "", "destination": queue["name"],
                    "destination_type": "queue", "routing_key": queue["name"], "arguments": {},
                })
            })),
            _ => {}
        }
        items
    }

    /// Clients that came back: one for each of the first queues, once they have been there for a while.
    pub(super) fn consumers(&self) -> Vec<Value> {
        let back = self.queues_since.is_some_and(|since| since.elapsed() >= self.delay);
        let queues = self.items("queues").take(if back { 3 } else { 0 });
        let consumer = |(queue, number): (&Value, usize)| {
            json!({
                "ack_required": true, "active": true, "activity_status": "up", "arguments": {},
                "consumer_tag": format!("practice-{number}"), "exclusive": false, "prefetch_count": 10,
                "queue": {"name": queue["name"], "vhost": queue["vhost"]},
            })
        };
        queues.zip(1..).map(consumer).collect()
    }
}

/// What a user may do in a vhost.
pub(super) fn permission(vhost: &str, user: &str, asked: &Value) -> Value {
    let may = |what: &str| asked[what].as_str().unwrap_or(".*").to_owned();
    json!({
        "user": user, "vhost": vhost, "configure": may("configure"), "write": may("write"),
        "read": may("read"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_adds_replaces_users_and_policies_and_leaves_queues_as_they_are() {
        let mut broker = Broker::fresh("guest", "guest-password", Duration::ZERO);
        assert!(broker.knows("guest", "guest-password") && !broker.knows("guest", "other"));
        let queue = |durable: bool| json!({"vhost": "/", "name": "a", "durable": durable});
        let policy =
            |max: i64| json!({"vhost": "/", "name": "p", "definition": {"max-length": max}});
        broker.import(&json!({"queues": [queue(true)], "policies": [policy(1)]}), "guest").unwrap();
        let exported = broker.definitions();
        broker
            .import(&json!({"queues": [queue(false)], "policies": [policy(2)]}), "guest")
            .unwrap();
        assert_eq!(broker.list("queues"), [queue(true)]);
        assert_eq!(broker.list("policies"), [policy(2)]);
        let nowhere = json!({
            "vhosts": [{"name": "new"}],
            "queues": [{"vhost": "new", "name": "b"}, {"vhost": "nowhere", "name": "c"}],
        });
        let refused = broker.import(&nowhere, "guest");
        assert_eq!(refused, Err(json!(["no_such_vhost", "nowhere"])));
        assert!(!broker.has_vhost("new"), "nothing was changed");
        let mut other = Broker::fresh("guest", "another-password", Duration::ZERO);
        other.import(&exported, "guest").unwrap();
        assert_eq!(other.definitions(), exported);
        assert!(other.knows("guest", "guest-password"));
        assert_eq!(other.consumers().len(), 1);
    }
}
