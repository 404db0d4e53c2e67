//! `json.compare` on files.

use std::path::Path;

use steadyhand::actions::{self, Finish};
use steadyhand::engine::Outcome;
use steadyhand::runbook::{Effect, Resolved, Value};

use crate::services::attempt::{attempt, request, text};

async fn compare(have: &Path, want: &Path) -> (Finish, String) {
    let lists = ["vhost", "name"].map(text).to_vec();
    let args = vec![
        ("have", text(have.to_str().unwrap())),
        ("want", text(want.to_str().unwrap())),
        ("lists", Resolved::Map(vec![("queues".into(), Resolved::List(lists))])),
        ("refers", Resolved::Map(vec![("queues.vhost".into(), text("vhosts.name"))])),
    ];
    let attempt = attempt(&[("token", "hunter2hunter2")]);
    let request = request("json.compare", Effect::Reads, args);
    let finish = actions::find("json.compare").unwrap().run(attempt.cx.clone(), request).await;
    let output = attempt.cx.run_dir.join("output").join("restore.1.log");
    (finish, std::fs::read_to_string(output).unwrap())
}

#[tokio::test]
async fn differences_are_counted_named_and_listed_in_full() {
    let dir = tempfile::tempdir().unwrap();
    let (have, want) = (dir.path().join("have.json"), dir.path().join("want.json"));
    std::fs::write(
        &have,
        r#"{"rabbit_version": "3.10.8", "vhosts": [{"name": "/"}], "queues": []}"#,
    )
    .unwrap();
    let queues: Vec<_> = (0..150)
        .map(|i| serde_json::json!({"vhost": "gone", "name": format!("q{i:03}-hunter2hunter2")}))
        .collect();
    let document = serde_json::json!({"rabbit_version": "3.11.0", "queues": queues});
    std::fs::write(&want, document.to_string()).unwrap();

    let (finish, output) = compare(&have, &want).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(
        finish.message,
        "150 missing, 0 different, 0 the same, 0 only there, 1 named that neither file has"
    );
    let field = |name: &str| finish.result.get(name).unwrap().clone();
    assert_eq!(field("equal"), Value::Bool(false));
    assert_eq!(field("missing_count"), Value::Int(150));
    let Value::List(missing) = field("missing") else { panic!() };
    assert_eq!(missing.len(), 100);
    assert_eq!(missing[0].as_str(), Some("queues vhost=gone name=q000-«secret token»"));
    assert_eq!(field("want").get("rabbit_version").and_then(Value::as_str), Some("3.11.0"));
    assert_eq!(output.lines().filter(|line| line.starts_with("missing ")).count(), 150);
    assert!(output.contains("dangling  vhosts name=gone, named by queues"), "{output}");
    assert!(!output.contains("hunter2"));

    let (finish, _) = compare(&want, &want).await;
    assert_eq!(finish.result.get("equal"), Some(&Value::Bool(true)));
}

#[tokio::test]
async fn a_file_that_is_not_there_or_no_document_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file.json");
    std::fs::write(&file, "{\"queues\": [").unwrap();
    let (finish, _) = compare(&file, &file).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("file.json is no JSON: EOF"), "{}", finish.message);
    std::fs::write(&file, "[1]").unwrap();
    let (finish, _) = compare(&file, &file).await;
    assert!(finish.message.contains("has no named lists at its top"), "{}", finish.message);
    let (finish, _) = compare(&dir.path().join("none"), &file).await;
    assert!(finish.message.contains("none cannot be read"), "{}", finish.message);
}
