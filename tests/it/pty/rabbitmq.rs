//! `rabbitmq-definitions-restore` by keys alone at 80x24, against a real broker. What is in the broker
//! afterwards is asked of its own API.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::secret::clean;
use super::walk::{self, Turn, walk, walk_until};
use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::rabbitmq::{Broker, PASSWORD, USER};

/// Everything that the definitions of the acceptance are about, in an order of its own.
const LISTS: [&str; 7] =
    ["vhosts", "users", "permissions", "policies", "exchanges", "queues", "bindings"];

/// 50 queues, 20 exchanges, bindings, 3 users and 2 policies in two vhosts.
fn furnish(broker: &mut Broker) {
    broker.secure();
    for vhost in ["orders", "billing"] {
        broker.put(&format!("/api/vhosts/{vhost}"), &json!({}));
    }
    for (user, tags) in [("shop", ""), ("reports", "monitoring")] {
        let password = format!("canary-{user}-0815");
        broker.put(&format!("/api/users/{user}"), &json!({"password": password, "tags": tags}));
    }
    let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
    for (vhost, user) in [("orders", "shop"), ("billing", "reports"), ("orders", USER)] {
        broker.put(&format!("/api/permissions/{vhost}/{user}"), &all);
    }
    for i in 0..20 {
        let vhost = if i % 2 == 0 { "orders" } else { "billing" };
        let kind = ["direct", "topic", "fanout", "headers"][i % 4];
        broker.put(
            &format!("/api/exchanges/{vhost}/ex-{i:02}"),
            &json!({"type": kind, "durable": true}),
        );
    }
    for i in 0..50 {
        let vhost = if i % 2 == 0 { "orders" } else { "billing" };
        let body = json!({"durable": true, "arguments": {"x-max-length": i + 1}});
        broker.put(&format!("/api/queues/{vhost}/q-{i:02}"), &body);
        // The exchange is of the same vhost: both are even, or both are odd.
        broker.bind(vhost, &format!("ex-{:02}", i % 20), &format!("q-{i:02}"), &format!("key.{i}"));
    }
    for (name, pattern) in [("short", "^q-0"), ("long", "^q-4")] {
        let body =
            json!({"pattern": pattern, "definition": {"max-length": 9}, "apply-to": "queues"});
        broker.put(&format!("/api/policies/orders/{name}"), &body);
    }
}

/// What the broker has, list by list, sorted, as its own lists tell; counters and the like left out.
fn state(broker: &Broker) -> Vec<(&'static str, Vec<String>)> {
    let fields: [&[&str]; 7] = [
        &["name"],
        &["name", "password_hash", "tags"],
        &["user", "vhost", "configure", "write", "read"],
        &["vhost", "name", "pattern", "definition", "apply-to", "priority"],
        &["vhost", "name", "type", "durable", "auto_delete", "internal", "arguments"],
        &["vhost", "name", "durable", "auto_delete", "arguments"],
        &["vhost", "source", "destination", "destination_type", "routing_key", "arguments"],
    ];
    LISTS
        .into_iter()
        .zip(fields)
        .map(|(list, fields)| {
            let all = broker.get(&format!("/api/{list}"));
            let mut items: Vec<String> = all
                .as_array()
                .unwrap()
                .iter()
                .map(|item| fields.iter().map(|field| format!("{} ", item[*field])).collect())
                .collect();
            items.sort();
            (list, items)
        })
        .collect()
}

fn count(state: &[(&str, Vec<String>)], list: &str) -> usize {
    state.iter().find(|(name, _)| *name == list).map_or(0, |(_, items)| items.len())
}

/// A desk with a place for exports and the runbook's inputs.
struct Desk {
    dir: tempfile::TempDir,
    inputs: Vec<(String, String)>,
}

impl Desk {
    fn new(broker: &Broker, definitions: &Json) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("kept")).unwrap();
        let file = dir.path().join("definitions.json");
        std::fs::write(&file, definitions.to_string()).unwrap();
        let inputs = [
            ("management_url", broker.url()),
            ("user", USER.to_owned()),
            ("password", "env:RABBIT_PASSWORD".to_owned()),
            ("definitions", file.display().to_string()),
            ("keep_in", dir.path().join("kept").display().to_string()),
        ];
        let inputs = inputs.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { dir, inputs }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.inputs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// From the command line to the first step.
    fn begun(&self, password: &str) -> Terminal {
        let runbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let mut words = vec!["run".to_owned(), "rabbitmq-definitions-restore".to_owned()];
        words.extend(["--mode", "drill", "--runbooks"].map(str::to_owned));
        words.push(runbooks.display().to_string());
        for (name, value) in &self.inputs {
            words.extend(["-i".into(), format!("{name}={value}")]);
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut terminal = Terminal::steady(self.path(), &words, &[("RABBIT_PASSWORD", password)]);
        terminal.wait_text("Before the first step").press(ENTER);
        terminal
    }

    /// The exports that the run made, by the beginning of their names.
    fn kept(&self, name: &str) -> Option<Json> {
        let files = std::fs::read_dir(self.path().join("kept")).unwrap().flatten();
        let mut files = files.filter(|f| f.file_name().to_string_lossy().starts_with(name));
        let text = std::fs::read_to_string(files.next()?.path()).unwrap();
        Some(serde_json::from_str(&text).unwrap())
    }
}

fn last_message(dir: &Path, step: &str) -> String {
    let all = records(dir);
    let last = all.iter().rev().find(|r| is(r, "attempt_finished", step));
    last.map(|r| r["body"]["message"].as_str().unwrap().to_owned()).unwrap_or_default()
}

#[test]
fn every_object_of_the_file_is_back() {
    let Some(mut broker) = Broker::start() else { return };
    furnish(&mut broker);
    let before = state(&broker);
    for (list, wanted) in [("queues", 50), ("users", 3), ("policies", 2)] {
        assert_eq!(count(&before, list), wanted, "{list}");
    }
    // 20 of ours, and the seven that each vhost has by itself.
    assert_eq!(count(&before, "exchanges"), 20 + 3 * 7);
    let definitions = broker.get("/api/definitions");
    broker.wipe();
    broker.secure();
    assert_eq!(count(&state(&broker), "queues"), 0);

    let desk = Desk::new(&broker, &definitions);
    let _shop = broker.consumer(("shop", "canary-shop-0815"), "orders", "q-00");
    let mut terminal = desk.begun(PASSWORD);
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, desk.path());

    assert_eq!(state(&broker), before);
    assert_eq!(broker.get("/api/consumers").as_array().unwrap().len(), 1);
    // The way back is the broker as it was found: without a queue.
    let kept = desk.kept("rabbitmq-before").unwrap();
    assert_eq!(kept["queues"], json!([]));
    assert_eq!(kept["users"].as_array().unwrap().len(), 1);
    let changes = last_message(desk.path(), "changes");
    assert!(changes.starts_with("130 missing, 1 different, "), "{changes}");
    assert!(last_message(desk.path(), "verify").starts_with("0 missing, 0 different, "));
    // No password hash is in the record: exports go to their files alone.
    let hash = definitions["users"][0]["password_hash"].as_str().unwrap();
    clean(&run_dir(desk.path()).unwrap(), &[PASSWORD, hash]);
    assert!(!terminal.raw().contains(PASSWORD) && !terminal.raw().contains(hash));
}

#[test]
fn what_goes_wrong_on_the_way_is_mended_and_the_end_is_good() {
    let Some(mut broker) = Broker::start() else { return };
    broker.secure();
    broker.put("/api/vhosts/orders", &json!({}));
    broker.put("/api/queues/orders/q-old", &json!({"durable": true}));
    let queue = |vhost: &str, name: &str| json!({"vhost": vhost, "name": name, "durable": true, "auto_delete": false, "arguments": {}});
    let mut definitions = broker.get("/api/definitions");
    definitions["queues"] = json!([queue("orders", "q-old"), queue("orders", "q-new")]);
    let mut newer = definitions.clone();
    newer["rabbit_version"] = json!("4.2.0");
    let mut nowhere = definitions.clone();
    nowhere["queues"] = json!([queue("orders", "q-old"), queue("nowhere", "q-lost")]);

    let desk = Desk::new(&broker, &newer).with("min_consumers", "0");
    let file = |name: &str, json: &Json| {
        let path = desk.path().join(name);
        std::fs::write(&path, json.to_string()).unwrap();
        path.display().to_string()
    };
    // A wrong password: leave, and resume with the right one.
    let mut terminal = desk.begun("canary-not-this-one");
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Stuck);
    let message = last_message(desk.path(), "alarms");
    assert!(message.starts_with("status 401 Unauthorized, expected 200 to 299"), "{message}");
    terminal.press("q");
    terminal.wait_exit();
    let words = ["resume", "-i", "password=env:RABBIT_PASSWORD"];
    let mut terminal = Terminal::steady(desk.path(), &words, &[("RABBIT_PASSWORD", PASSWORD)]);
    terminal.wait_text("FAILED");
    walk::retry(&mut terminal, desk.path());

    // A file of a newer broker is refused before anything is imported.
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Stuck);
    let message = last_message(desk.path(), "changes");
    assert!(message.contains("does not hold") && message.contains(" is 4002"), "{message}");
    walk::amend(&mut terminal, desk.path(), "definitions", &file("nowhere.json", &nowhere));

    // So is one that names a vhost which neither it nor the broker has.
    walk::retry(&mut terminal, desk.path());
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Stuck);
    let message = last_message(desk.path(), "changes");
    assert!(message.contains("size(result.dangling) == 0"), "{message}");
    assert_eq!(broker.get("/api/queues").as_array().unwrap().len(), 1);
    walk::amend(&mut terminal, desk.path(), "definitions", &file("right.json", &definitions));
    walk::retry(&mut terminal, desk.path());

    // The broker dies with the import in its hands: nobody knows, and nothing is done again by itself.
    let stop = "Run this? CHANGES · Import";
    let opened = walk_until(&mut terminal, desk.path(), None, "Enter review");
    assert_eq!(opened, None, "{}", terminal.screen());
    terminal.press(ENTER).wait_text(stop);
    broker.freeze();
    walk::read_on(&mut terminal);
    terminal.confirm();
    terminal.wait_record(desk.path(), "of the import", |r| is(r, "attempt_intended", "import"));
    terminal.wait_text("POST http");
    broker.kill();
    terminal.wait_text("UNKNOWN");
    broker.boot();
    assert_eq!(broker.get("/api/queues").as_array().unwrap().len(), 1);
    terminal.wait_text("Enter choices").press(ENTER).wait_text("never happened");
    resolve_as_never_happened(&mut terminal, desk.path());
    assert_eq!(walk(&mut terminal, desk.path(), None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, desk.path());
    let names: Vec<Json> = broker.get("/api/queues").as_array().unwrap().to_vec();
    let mut names: Vec<_> = names.iter().map(|q| q["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["q-new", "q-old"]);
    clean(&run_dir(desk.path()).unwrap(), &[PASSWORD, "canary-not-this-one"]);
}

fn resolve_as_never_happened(terminal: &mut Terminal, dir: &Path) {
    terminal.press("n");
    terminal
        .wait_text("how you know for certain")
        .press("the broker has no new queue")
        .press(ENTER);
    terminal.wait_record(dir, "of the decision", |r| r["type"] == "unknown_resolved");
    terminal.wait_for("what was decided", |screen| !screen.contains("UNKNOWN"));
}
