//! `region-failover` by keys alone at 80x24: a real replica, objects in SeaweedFS, the name in moto's
//! Route 53. What is there afterwards is asked of them, not taken from the screen.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value as Json, json};
use steadyhand::aws::s3::S3;

use super::secret::clean;
use super::walk::{self, Turn, retry, walk};
use super::{ENTER, Terminal, is, records, run_dir};
use crate::services::damage::{Replicated, replicated};
use crate::services::kubectl::Kubectl;
use crate::services::moto::Moto;
use crate::services::postgres::PASSWORD;
use crate::services::seaweed::Seaweed;
use crate::services::{skip, venv};

const AWS_CLI: &str = "1.46.2";
const TOKEN: &str = "canary-statuspage-2b7e";
const NODES: &str = "--context dr get nodes -o jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}";
const OLD: &str = "api.us-east-1.example.net";
const NEW: &str = "api.us-west-2.example.net";

/// The application, Prometheus and the status page of the recovery region.
#[derive(Clone)]
struct Service(Arc<Mutex<Standing>>);

struct Standing {
    health: StatusCode,
    /// As Prometheus writes it.
    error_rate: &'static str,
    news: Vec<String>,
}

impl Service {
    fn start() -> (SocketAddr, Self) {
        let standing = Standing { health: StatusCode::OK, error_rate: "0.01", news: Vec::new() };
        let service = Self(Arc::new(Mutex::new(standing)));
        let app = Router::new()
            .route("/health", get(|State(it): State<Self>| async move { it.with(|s| s.health) }))
            .route("/api/v1/query", get(|State(it): State<Self>| async move { it.query() }))
            .route("/incidents", post(Self::news))
            .route("/hook", post(Self::news))
            .with_state(service.clone());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
        });
        (told.recv().unwrap(), service)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Standing) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn query(&self) -> String {
        let value = self.with(|s| s.error_rate);
        let result = json!([{"metric": {}, "value": [1_790_000_000.5, value]}]);
        json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string()
    }

    async fn news(State(it): State<Self>, headers: HeaderMap, body: String) -> StatusCode {
        let who = headers.get("authorization").map_or("-", |value| value.to_str().unwrap());
        it.with(|s| s.news.push(format!("{who} {body}")));
        StatusCode::CREATED
    }
}

/// Two regions, and the desk of whoever leads from one to the other.
struct Regions {
    dir: tempfile::TempDir,
    pair: Replicated,
    seaweed: Seaweed,
    moto: Moto,
    kubectl: Kubectl,
    service: Service,
    at: SocketAddr,
    zone: String,
    path: String,
}

impl Regions {
    /// Everything is ready; `copies` of twenty objects have been copied. `None`, said loudly, when a
    /// component cannot be had here.
    fn start(copies: usize) -> Option<Self> {
        let programs = match venv::programs("awscli", "", AWS_CLI) {
            Ok(programs) => programs,
            Err(reason) => {
                skip("aws command", &reason);
                return None;
            }
        };
        let (pair, moto) = (replicated()?, Moto::start(Duration::ZERO)?);
        let seaweed = block_on(Seaweed::start())?;
        let dir = tempfile::tempdir().unwrap();
        let kubectl = Kubectl::put(dir.path().join("bin"));
        kubectl.answer(NODES, "node-a True\nnode-b True\n");
        kubectl.answer("--context dr apply -k overlays/dr", "deployment.apps/api configured\n");
        kubectl.answer(
            "--context dr -n shop wait --for=condition=available --timeout=600s deployment --all",
            "deployment.apps/api condition met\n",
        );
        let path = format!(
            "{}:{}:{}",
            kubectl.dir().display(),
            programs.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let (at, service) = Service::start();
        let zone = String::new();
        let mut regions = Self { dir, pair, seaweed, moto, kubectl, service, at, zone, path };
        regions.name();
        // A replica that has replayed nothing since it was made cannot tell how near it is.
        regions.pair.primary.sql("postgres", "UPDATE orders SET created_at = now() WHERE id = 40");
        let replayed = "SELECT pg_last_xact_replay_timestamp() IS NOT NULL";
        regions.pair.replica.until("postgres", replayed, "t");
        regions.copy("live", 20);
        regions.copy("copies", copies);
        Some(regions)
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PATH", self.path.clone()),
            ("PGPASSWORD", PASSWORD.into()),
            ("STATUSPAGE_TOKEN", TOKEN.into()),
            ("AWS_ACCESS_KEY_ID", "keeper-access".into()),
            ("AWS_SECRET_ACCESS_KEY", "keeper-secret".into()),
            ("AWS_REGION", "eu-west-1".into()),
            ("AWS_DEFAULT_REGION", "eu-west-1".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_ENDPOINT_URL_S3", format!("http://127.0.0.1:{}", self.seaweed.port())),
            ("AWS_ENDPOINT_URL_ROUTE_53", self.moto.endpoint()),
            ("AWS_ENDPOINT_URL_STS", self.moto.endpoint()),
            ("AWS_CONFIG_FILE", "/dev/null".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".into()),
        ]
    }

    /// What the `aws` command answers.
    fn route53(&self, words: &[&str]) -> Json {
        let mut command = Command::new("aws");
        command.args(["route53", "--output", "json"]).args(words).envs(self.env());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The name leads to the old region.
    fn name(&mut self) {
        let words = ["create-hosted-zone", "--name", "example.com", "--caller-reference", "once"];
        let made = self.route53(&words);
        let id = made["HostedZone"]["Id"].as_str().unwrap();
        self.zone = id.trim_start_matches("/hostedzone/").to_owned();
        let record = json!({"Name": "api.example.com", "Type": "CNAME", "TTL": 60,
                            "ResourceRecords": [{"Value": OLD}]});
        let batch =
            json!({"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}).to_string();
        let zone = self.zone.clone();
        let words =
            ["change-resource-record-sets", "--hosted-zone-id", &zone, "--change-batch", &batch];
        self.route53(&words);
    }

    /// Where the name leads.
    fn leads_to(&self) -> String {
        let all = self.route53(&["list-resource-record-sets", "--hosted-zone-id", &self.zone]);
        let records = all["ResourceRecordSets"].as_array().unwrap();
        let ours = records.iter().find(|it| it["Name"] == "api.example.com.").unwrap();
        ours["ResourceRecords"][0]["Value"].as_str().unwrap().to_owned()
    }

    /// Twenty objects, or as many of them.
    fn copy(&self, bucket: &str, count: usize) {
        block_on(async {
            let s3 = S3::connect(&self.seaweed.access()).await;
            // There already when the rest is copied.
            let _ = s3.patient.create_bucket().bucket(bucket).send().await;
            for i in 0..count {
                let key = format!("asset-{i:02}");
                let put = s3.patient.put_object().bucket(bucket).key(key);
                put.body(vec![7; 10 + i].into()).send().await.unwrap();
            }
        });
    }

    fn inputs(&self) -> Vec<(&'static str, String)> {
        let at = |path: &str| format!("http://{}{path}", self.at);
        vec![
            ("replica", "orders-dr".into()),
            ("db_host", "127.0.0.1".into()),
            ("db_port", self.pair.replica.port.to_string()),
            ("check_table", "public.orders".into()),
            ("min_rows", "40".into()),
            ("objects", "s3://live/".into()),
            ("recovery_objects", "s3://copies/".into()),
            ("kube_context", "dr".into()),
            ("kube_overlay", "overlays/dr".into()),
            ("namespace", "shop".into()),
            ("min_nodes", "2".into()),
            ("fence", "shell".into()),
            ("fence_command", self.pair.stop_primary()),
            ("zone", self.zone.clone()),
            ("name", "api.example.com".into()),
            ("target", NEW.into()),
            ("smoke_url", at("/health")),
            ("prometheus_url", at("/api/v1/query")),
            ("statuspage_url", at("/incidents")),
            ("notify_url", at("/hook")),
            ("poll", "100ms".into()),
        ]
    }

    /// `steady`, with these words.
    fn steady(&self, words: &[String], failpoint: &str) -> Terminal {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut env = self.env();
        env.push(("STEADYHAND_FAILPOINT", failpoint.to_owned()));
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Terminal::steady(self.dir.path(), &words, &env)
    }

    /// From the command line to the first step.
    fn begun(&self, more: &[(&'static str, &str)], failpoint: &str) -> Terminal {
        let runbooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let mut words =
            ["run", "region-failover", "--mode", "drill", "--runbooks"].map(str::to_owned).to_vec();
        words.push(runbooks.display().to_string());
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in self.inputs().into_iter().chain(more) {
            words.extend(["-i".into(), format!("{name}={value}")]);
        }
        let mut terminal = self.steady(&words, failpoint);
        terminal.wait_text("Before the first step").press(ENTER);
        terminal
    }

    /// Users are served from the recovery region, and from nowhere else.
    fn assert_moved(&self) {
        assert_eq!(self.pair.replica.sql("postgres", "SELECT pg_is_in_recovery()"), "f");
        self.pair.replica.sql("postgres", "INSERT INTO orders VALUES (99, now())");
        assert!(self.pair.primary.try_sql("postgres", "SELECT 1").is_err());
        assert_eq!(self.leads_to(), NEW);
        let applied = self.kubectl.calls().iter().filter(|call| call.contains("apply")).count();
        assert_eq!(applied, 1);
        let news = self.service.with(|s| s.news.clone());
        let [public, team] = news.as_slice() else { panic!("{news:?}") };
        assert!(public.starts_with(&format!("OAuth {TOKEN} ")), "{public}");
        assert!(team.contains("api.example.com is served from us-west-2"), "{team}");
        clean(&run_dir(self.dir.path()).unwrap(), &[TOKEN, PASSWORD, "keeper-secret"]);
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Goes on until `step` is stuck, and tells what its last attempt said.
fn stuck_at(terminal: &mut Terminal, dir: &Path, step: &str) -> String {
    assert_eq!(walk(terminal, dir, None), Turn::Stuck, "{}", terminal.screen());
    let all = records(dir);
    let last = all.iter().rev().find(|r| r["type"] == "attempt_finished").unwrap();
    assert_eq!(last["step"], step, "{last}");
    last["body"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn the_service_moves_to_the_recovery_region() {
    let Some(regions) = Regions::start(20) else { return };
    let dir = regions.dir.path();
    assert_eq!(regions.leads_to(), OLD);
    let mut terminal = regions.begun(&[], "");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    let report = walk::end(&mut terminal, dir);
    regions.assert_moved();
    assert_eq!(report["objectives"]["basis"], "achieved");
    assert_eq!(report["objectives"]["rto"]["met"], true, "{}", report["objectives"]);
}

#[test]
fn no_gate_lets_through_what_is_not_ready_and_a_killed_console_goes_on() {
    let Some(regions) = Regions::start(18) else { return };
    let dir = regions.dir.path();
    let (primary, replica) = (&regions.pair.primary, &regions.pair.replica);
    replica.sql("postgres", "SELECT pg_wal_replay_pause()");
    primary.sql("postgres", "INSERT INTO orders VALUES (41, now())");
    let received = "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()";
    replica.until("postgres", received, "t");
    regions.kubectl.answer(NODES, "node-a True\nnode-b False\n");
    regions.service.with(|s| {
        s.health = StatusCode::SERVICE_UNAVAILABLE;
        s.error_rate = "0.31";
    });
    let few = [("max_lag", "10ms"), ("patience", "1s")];
    let mut terminal = regions.begun(&few, "fact:attempt_intended:dns");

    let message = stuck_at(&mut terminal, dir, "replica_postgres");
    assert!(message.contains("result.row.behind <= inputs.max_lag"), "{message}");
    replica.sql("postgres", "SELECT pg_wal_replay_resume()");
    primary.sql("postgres", "INSERT INTO orders VALUES (42, now())");
    replica.until("postgres", "SELECT count(*) FROM orders", "42");
    retry(&mut terminal, dir);

    let message = stuck_at(&mut terminal, dir, "copies");
    assert!(message.contains("result.ratio >= inputs.min_objects"), "{message}");
    regions.copy("copies", 20);
    retry(&mut terminal, dir);

    let message = stuck_at(&mut terminal, dir, "nodes");
    assert!(message.contains("result.json.ready >= inputs.min_nodes"), "{message}");
    // Nothing was changed until everything was ready.
    assert_eq!(replica.sql("postgres", "SELECT pg_is_in_recovery()"), "t");
    primary.sql("postgres", "INSERT INTO orders VALUES (43, now())");
    regions.kubectl.answer(NODES, "node-a True\nnode-b True\n");
    retry(&mut terminal, dir);

    let message = stuck_at(&mut terminal, dir, "answers");
    assert!(message.contains("503"), "{message}");
    regions.service.with(|s| s.health = StatusCode::OK);
    retry(&mut terminal, dir);

    // The console dies with the change of the name in its hands, before it was made.
    terminal.wait_text("Enter review").press(ENTER);
    walk::review(&mut terminal, dir, None);
    terminal.wait_exit();
    assert_eq!(regions.leads_to(), OLD);
    let mut terminal = regions.steady(&["resume".to_owned()], "");
    // Its probe has seen that nothing was done: it wants its guard anew.
    terminal.wait_record(dir, "of what the probe saw", |r| is(r, "unknown_resolved", "dns"));
    let message = stuck_at(&mut terminal, dir, "errors");
    assert!(message.contains("max_errors"), "{message}");
    regions.service.with(|s| s.error_rate = "0.02");
    retry(&mut terminal, dir);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    walk::end(&mut terminal, dir);
    regions.assert_moved();
    assert_eq!(replica.sql("postgres", "SELECT count(*) FROM orders WHERE id = 43"), "1");
}
