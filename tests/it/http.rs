//! `http` against a server of this test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request as Incoming;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{any, get, post};
use chrono::TimeDelta;
use steadyhand::actions::{self, Finish, Progress};
use steadyhand::engine::Outcome;
use steadyhand::runbook::expr::Expr;
use steadyhand::runbook::{Effect, Resolved, Value};

use crate::services::attempt::{Attempt, attempt, request, text};

async fn server() -> SocketAddr {
    let polls = Arc::new(AtomicU32::new(0));
    let app = Router::new()
        .route("/ok", get(|| async { r#"{"status": "ok", "token": "hunter2hunter2"}"# }))
        .route("/bad", any(|| async { (StatusCode::CONFLICT, "it is locked\nby alice") }))
        .route("/gone", any(|| async { StatusCode::BAD_GATEWAY }))
        .route("/long", get(|| async { "x".repeat(100_000) }))
        .route("/large", get(large))
        .route("/halves", get(halves))
        .route("/never", any(|| async { std::future::pending::<String>().await }))
        .route("/away", get(|| async { Redirect::temporary("http://localhost:1/") }))
        .route("/here", get(|| async { Redirect::temporary("/ok") }))
        .route(
            "/poll",
            get(move || async move {
                let n = polls.fetch_add(1, Ordering::SeqCst);
                if n < 2 { r#"{"ready": false}"# } else { r#"{"ready": true}"# }
            }),
        )
        .route("/echo", post(echo));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// More JSON than is kept as text.
async fn large() -> String {
    let names: Vec<String> = (0..20_000).map(|i| format!("queue-{i}")).collect();
    serde_json::json!({ "names": names, "count": names.len() }).to_string()
}

/// Half a body, and nothing more.
async fn halves() -> axum::response::Response {
    let half = futures_util::stream::once(async { Ok::<_, std::io::Error>("half") });
    let rest = futures_util::stream::pending();
    let body = axum::body::Body::from_stream(futures_util::StreamExt::chain(half, rest));
    axum::response::Response::new(body)
}

async fn echo(headers: HeaderMap, incoming: Incoming) -> String {
    let query = incoming.uri().query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(incoming.into_body(), 1 << 20).await.unwrap();
    let header = |name: &str| headers.get(name).map_or("-", |v| v.to_str().unwrap()).to_owned();
    let (kind, auth, length) =
        (header("content-type"), header("authorization"), header("content-length"));
    let body = String::from_utf8_lossy(&body);
    format!("{query}|{kind}|{}|{length}|{}", auth.len(), body.to_uppercase())
}

fn with(
    attempt: &Attempt,
    effect: Effect,
    args: Vec<(&str, Resolved)>,
) -> impl Future<Output = Finish> + use<> {
    actions::find("http").unwrap().run(attempt.cx.clone(), request("http", effect, args))
}

async fn ask(url: String, effect: Effect, mut args: Vec<(&str, Resolved)>) -> Finish {
    args.push(("url", text(&url)));
    with(&attempt(&[("token", "hunter2hunter2")]), effect, args).await
}

fn map(entries: Vec<(&str, Resolved)>) -> Resolved {
    Resolved::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn secret() -> Resolved {
    Resolved::Value(Value::Secret("token".into()))
}

fn field<'a>(finish: &'a Finish, name: &str) -> &'a Value {
    finish.result.get(name).unwrap()
}

#[tokio::test]
async fn an_answer_is_read_cleaned_and_held_against_what_is_expected() {
    let at = server().await;
    let holds = |source: &str| map(vec![("json", Resolved::Expr(Expr::parse(source).unwrap()))]);
    let expect = holds("result.json.status == 'ok'");
    let finish = ask(format!("http://{at}/ok"), Effect::Reads, vec![("expect", expect)]).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.message, "status 200 OK");
    let json = field(&finish, "json");
    assert_eq!(json.get("token"), Some(&Value::String("«secret token»".into())));
    assert!(!format!("{finish:?}").contains("hunter2"));

    let expect = holds("result.json.status == 'well'");
    let finish = ask(format!("http://{at}/ok"), Effect::Reads, vec![("expect", expect)]).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(
        finish.message.contains("`result.json.status == 'well'` does not hold"),
        "{}",
        finish.message
    );

    let finish = ask(format!("http://{at}/bad"), Effect::Changes, vec![]).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert_eq!(finish.message, "status 409 Conflict, expected 200 to 299: it is locked");
    let wanted = Resolved::Value(Value::List(vec![Value::Int(200), Value::Int(409)]));
    let expect = map(vec![("status", wanted)]);
    let finish = ask(format!("http://{at}/bad"), Effect::Changes, vec![("expect", expect)]).await;
    assert_eq!(finish.outcome, Outcome::Succeeded);

    let finish = ask(format!("http://{at}/long"), Effect::Reads, vec![]).await;
    assert_eq!(field(&finish, "body").as_str().unwrap().len(), 64 * 1024);
    assert!(finish.output.unwrap().bytes > 100_000);
}

#[tokio::test]
async fn bodies_credentials_and_queries_are_sent() {
    let at = server().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("body");
    std::fs::write(&file, "from a file").unwrap();
    let post = |body: (&'static str, Resolved)| {
        let args = vec![
            ("method", text("POST")),
            ("query", map(vec![("a b", text("c&d"))])),
            ("bearer", secret()),
            body,
        ];
        ask(format!("http://{at}/echo"), Effect::Changes, args)
    };
    let auth = "Bearer hunter2hunter2".len();
    for (body, kind, length, sent) in [
        (("json", map(vec![("k", secret())])), "application/json", 22, r#"{"K":"HUNTER2HUNTER2"}"#),
        (("form", map(vec![("k", text("v w"))])), "application/x-www-form-urlencoded", 5, "K=V+W"),
        (("body", text("plain")), "-", 5, "PLAIN"),
        (("file", text(file.to_str().unwrap())), "-", 11, "FROM A FILE"),
    ] {
        let finish = post(body).await;
        let expected = format!("a+b=c%26d|{kind}|{auth}|{length}|{sent}");
        assert_eq!(field(&finish, "body").as_str(), Some(&*expected), "{}", finish.message);
    }
    let finish = post(("file", text("/no/such/file"))).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.starts_with("not started: /no/such/file cannot be read"));
}

#[tokio::test]
async fn redirects_stay_on_the_origin() {
    let at = server().await;
    let yes = || vec![("follow", Resolved::Value(Value::Bool(true)))];
    let finish = ask(format!("http://{at}/here"), Effect::Reads, yes()).await;
    assert_eq!(field(&finish, "status"), &Value::Int(200));
    let finish = ask(format!("http://{at}/here"), Effect::Reads, vec![]).await;
    assert_eq!(field(&finish, "status"), &Value::Int(307));
    let finish = ask(format!("http://{at}/away"), Effect::Reads, yes()).await;
    assert_eq!(field(&finish, "status"), &Value::Int(307));
}

#[tokio::test]
async fn polling_goes_on_until_the_answer_is_good_or_the_time_is_over() {
    let at = server().await;
    let args = |length: i64, source: &str| {
        let every = Resolved::Value(Value::Duration(TimeDelta::milliseconds(20)));
        let long = Resolved::Value(Value::Duration(TimeDelta::milliseconds(length)));
        vec![
            ("expect", map(vec![("json", Resolved::Expr(Expr::parse(source).unwrap()))])),
            ("poll", map(vec![("every", every), ("for", long)])),
        ]
    };
    let url = format!("http://{at}/poll");
    let finish = ask(url.clone(), Effect::Reads, args(20_000, "result.json.ready")).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let finish = ask(url, Effect::Reads, args(100, "!result.json.ready")).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.starts_with("not as expected after 100ms"), "{}", finish.message);
}

#[tokio::test]
async fn what_may_have_been_done_is_unknown_and_what_was_not_sent_is_failed() {
    let at = server().await;
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let finish = ask(format!("http://{refused}/"), Effect::Destroys, vec![]).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(
        finish.message.starts_with("not started: cannot reach 127.0.0.1"),
        "{}",
        finish.message
    );

    // Takes the request and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let rude = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.flush();
        }
    });
    let finish =
        ask(format!("http://{rude}/"), Effect::Changes, vec![("method", text("POST"))]).await;
    assert_eq!(finish.outcome, Outcome::Unknown, "{}", finish.message);
    let finish = ask(format!("http://{rude}/"), Effect::Reads, vec![]).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);

    let finish = ask(format!("http://{at}/gone"), Effect::Changes, vec![]).await;
    assert_eq!(finish.outcome, Outcome::Unknown);

    for (effect, outcome) in [(Effect::Changes, Outcome::Unknown), (Effect::Reads, Outcome::Failed)]
    {
        let mut slow = attempt(&[]);
        slow.cx.timeout = Some(Duration::from_millis(50));
        let finish = with(&slow, effect, vec![("url", text(&format!("http://{at}/never")))]).await;
        assert_eq!(finish.outcome, outcome);
        assert!(finish.message.contains("longer than its timeout"), "{}", finish.message);
        let stopped = attempt(&[]);
        stopped.cancel.cancel();
        let finish =
            with(&stopped, effect, vec![("url", text(&format!("http://{at}/never")))]).await;
        assert_eq!(finish.outcome, outcome);
    }
}

#[tokio::test]
async fn a_server_that_repeats_a_short_secret_is_not_quoted() {
    let at = server().await;
    let mut short = attempt(&[("token", "1234")]);
    short.cx.withhold = true;
    let token = Resolved::Value(Value::Secret("token".into()));
    let holds = |source: &str| map(vec![("json", Resolved::Expr(Expr::parse(source).unwrap()))]);
    for expect in [
        map(vec![("status", Resolved::Value(Value::Int(201)))]),
        holds("result.body == 'no'"),
        holds("timestamp(result.body) < timestamp('2026-01-01T00:00:00Z')"),
    ] {
        let args = vec![
            ("method", text("POST")),
            ("url", text(&format!("http://{at}/echo"))),
            ("body", token.clone()),
            ("expect", expect),
        ];
        let finish = with(&short, Effect::Changes, args).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        let seen = format!("{} {:?}", finish.message, finish.result.get("body"));
        assert!(!seen.contains("1234"), "{seen}");
    }
}

#[tokio::test]
async fn a_change_is_never_asked_for_again() {
    let at = server().await;
    let length = || Resolved::Value(Value::Duration(TimeDelta::milliseconds(20)));
    let poll = map(vec![("every", length()), ("for", length())]);
    let args = vec![("method", text("POST")), ("poll", poll)];
    let finish = ask(format!("http://{at}/echo"), Effect::Changes, args).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.starts_with("not started: `poll`"), "{}", finish.message);
}

#[tokio::test]
async fn the_body_goes_to_a_file_and_nowhere_else() {
    let at = server().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept.json");
    let to = |more: Vec<(&'static str, Resolved)>| {
        let args = [("to", text(path.to_str().unwrap()))].into_iter().chain(more).collect();
        ask(format!("http://{at}/ok"), Effect::Reads, args)
    };
    let finish = to(vec![]).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    let body = r#"{"status": "ok", "token": "hunter2hunter2"}"#;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), body);
    assert_eq!(field(&finish, "bytes"), &Value::Int(43));
    assert_eq!(field(&finish, "path").as_str(), path.to_str());
    assert_eq!(field(&finish, "sha256").as_str().map(str::len), Some(64));
    assert_eq!(field(&finish, "json"), &Value::Null);
    assert!(!format!("{finish:?}").contains("status\\\""), "{finish:?}");

    let finish = to(vec![]).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.starts_with("not started: "), "{}", finish.message);
    assert!(finish.message.contains("is there already"), "{}", finish.message);

    // A bad answer is no reason to lose the good one.
    let yes = || ("overwrite", Resolved::Value(Value::Bool(true)));
    let args = vec![("to", text(path.to_str().unwrap())), yes()];
    let finish = ask(format!("http://{at}/bad"), Effect::Reads, args).await;
    assert_eq!(finish.message, "status 409 Conflict, expected 200 to 299: it is locked");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), body);
    let finish = to(vec![yes()]).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_no_file() {
    let at = server().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kept");
    let mut slow = attempt(&[]);
    let args =
        vec![("url", text(&format!("http://{at}/halves"))), ("to", text(path.to_str().unwrap()))];
    let cancel = slow.cancel.clone();
    let (finish, ()) = tokio::join!(with(&slow, Effect::Reads, args), async {
        // The half is in the file when it is told of.
        while !matches!(slow.progress.recv().await, Some(Progress::Status { .. })) {}
        assert!(dir.path().join("kept.part").exists());
        cancel.cancel();
    });
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("it was cancelled"), "{}", finish.message);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_large_answer_is_read_as_json_but_in_a_probe_only_a_small_one() {
    let at = server().await;
    let args = || vec![("url", text(&format!("http://{at}/large")))];
    let finish = with(&attempt(&[]), Effect::Reads, args()).await;
    assert_eq!(field(&finish, "json").get("count"), Some(&Value::Int(20_000)));
    assert_eq!(field(&finish, "body").as_str().unwrap().len(), 64 * 1024);
    let mut probe = attempt(&[]);
    probe.cx.attempt.of = steadyhand::engine::event::Part::Probe;
    let finish = with(&probe, Effect::Reads, args()).await;
    assert_eq!(field(&finish, "json"), &Value::Null);
}
